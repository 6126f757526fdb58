"""Train the small checkpoint that ships in data/tiny, and write its test score into its header: `make checkpoint`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from segmenter.evaluation import report_split
from utils import catalog
from utils.checkpoint import save_weights
from utils.config import COURSE, Config
from utils.inference import SHIPPED, Predictor
from utils.training import fit


def main() -> None:
    """Train for 80 epochs, score the best epoch on the test split, and write the checkpoint."""
    config = Config(epochs=80, augmentation="medium", output=COURSE / "runs" / "ship")
    run = fit(config, overwrite=True)
    predictor, source = Predictor.from_run(run.folder), catalog.load(config)
    report = report_split(predictor, source, "test")
    facts = {"epoch": int(run.best["epoch"]), "val_score": float(run.best["val_score"]), "test_score": report.score}
    save_weights(SHIPPED, predictor.model, config, source.classes, source.palette, **facts)
    print(f"{report}\nwritten to {SHIPPED.relative_to(COURSE)}")


if __name__ == "__main__":
    main()

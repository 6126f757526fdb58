"""What ImageNet's weights buy: from nothing, frozen, and fine-tuned, on few photographs and on more.

Usage: python -m benchmarks.transfer [--human FOLDER] [--output FOLDER]

Every run has the preset's model, size and augmentation and equally many steps; only the start differs. `pets_mini` is
split anew for each seed (8 or 18 photographs train, 3 are tested); `human` is one split of its 290 photographs.
"""

import argparse
import time
from pathlib import Path

import pandas as pd
import torch

from segmenter.evaluation import report_split
from utils import catalog
from utils.catalog.base import Source
from utils.config import Config
from utils.inference import Predictor
from utils.training import fit

SEEDS = (0, 1, 2)
STEPS = 60  # of a run on a few photographs
STARTS = {
    "from nothing": {"weights": None, "encoder_rate": 1.0},
    "frozen": {"freeze_encoder": True},
    "fine-tuned": {},
}


def few(source: Source, count: int) -> Source:
    """Let only the first `count` photographs of a data set's training split train."""
    assigned = source.assigned()
    names = {source.relative(p.image): split for split, pairs in assigned.items() for p in pairs}
    kept = {source.relative(pair.image) for pair in assigned["train"][:count]}
    source.fixed = {name: split for name, split in names.items() if split != "train" or name in kept}
    return source


def configure(
    dataset: str, count: int, start: str, seed: int, folder: Path, *, steps: int = STEPS, **fields: object
) -> Config:
    """Return what one run is to do: as many epochs as make `steps` steps of `count` photographs."""
    output = folder / f"{dataset}-{count}-{start.replace(' ', '-')}-{seed}"
    places = {"device": "cpu", "output": output, "workers": 0}
    config = Config.preset(dataset, seed=seed, split_seed=seed, **places, **fields, **STARTS[start])
    return config.override(epochs=max(1, round(steps * config.batch_size / count)))


def train_and_score(config: Config, source: Source) -> tuple[float, float]:
    """Train, and return the IoU of the foreground on the test split and the seconds of training."""
    start = time.perf_counter()
    run = fit(config, source=source, overwrite=True, on_epoch=None)
    seconds = time.perf_counter() - start
    return report_split(Predictor.from_run(run.folder, device="cpu"), source).score, seconds


def compare(dataset: str, counts: list[int], folder: Path, **fields: object) -> pd.DataFrame:
    """Train every start on every number of photographs, once for each seed."""
    rows = []
    for count in counts:
        for start in STARTS:
            for seed in SEEDS:
                config = configure(dataset, count, start, seed, folder, **fields)
                iou, seconds = train_and_score(config, few(catalog.load(config), count))
                rows.append({"photographs": count, "start": start, "seed": seed, "test IoU": iou, "seconds": seconds})
                print(dataset, *rows[-1].values(), flush=True)
    return pd.DataFrame(rows)


def main() -> None:
    """Print the tables, and keep the runs with their curves where `--output` says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--human", type=Path, metavar="FOLDER")
    parser.add_argument("--output", type=Path, default=Path("runs/transfer"))
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    tables = {"pets_mini": compare("pets_mini", [8, 18], options.output, splits="random")}
    if options.human:
        fields = {"root": options.human, "image_size": 160, "batch_size": 8, "steps": 232}
        tables["human"] = compare("human", [8, 20, 232], options.output, **fields)
    for name, table in tables.items():
        spread = table.groupby(["photographs", "start"], sort=False)["test IoU"].agg(["mean", "std"])
        print(f"\n{name}: test IoU of the foreground, {len(SEEDS)} seeds")
        print(spread.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()

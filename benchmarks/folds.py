"""What a few hundred real pairs allow: every picture is held out once, in one of five folds.

Usage: python -m benchmarks.folds voc FOLDER [--trials preset ...] [--folds 0 1 2 3 4] [--epochs 60]

No fold chooses anything of its own run: the weights of the last epoch are scored, at the photographs' own size. The
mIoU of a trial comes from the counts of all folds together; its spread is over the folds.
"""

import argparse
import json
import random
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from segmenter.evaluation import report_split
from utils import catalog
from utils.catalog.base import Source
from utils.config import Config
from utils.inference import Predictor
from utils.metrics import mean_iou, pixel_accuracy
from utils.models import build_model
from utils.presets import PRETRAINED
from utils.training import fit

FOLDS = 5
# What a trial changes of the data set's preset. Whoever names another model names its weights as well.
TRIALS: dict[str, dict[str, Any]] = {
    "preset": {},
    "from nothing": {"weights": None, "encoder_rate": 1.0},
    "lite2": {**PRETRAINED, "model": "smp:fpn/tu-tf_efficientnet_lite2"},
}


def hold_out(source: Source, fold: int) -> Source:
    """Let one fold of all pairs validate, and the others train."""
    pairs = [pair for members in source.assigned().values() for pair in members]
    names = sorted(source.relative(pair.image) for pair in pairs)
    random.Random(0).shuffle(names)
    source.fixed = {name: "val" if place % FOLDS == fold else "train" for place, name in enumerate(names)}
    return source


def run_fold(dataset: str, root: Path, trial: str, fold: int, epochs: int, threads: int) -> dict[str, Any]:
    """Train on four folds, score the fifth with the last weights, and return its counts."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        given = {"epochs": epochs, "workers": 0} | TRIALS[trial]
        config = Config.preset(dataset, root=root, output=Path(folder) / "run", threads=threads, seed=fold, **given)
        source = hold_out(catalog.load(config), fold)
        model = build_model(config, source.num_outputs)
        fit(config, source=source, model=model, on_epoch=None)
        predictor = Predictor(model, config, source.classes, source.palette)
        report = report_split(predictor, source, "val")
    row = {"trial": trial, "fold": fold, "mIoU": mean_iou(report.matrix), "matrix": report.matrix.tolist()}
    return row | {"seconds": time.perf_counter() - start}


def summary(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One row for each trial: mIoU and pixel accuracy of the pooled counts, and the folds' own mIoU."""
    table = {}
    for trial in dict.fromkeys(row["trial"] for row in rows):
        of_trial = [row for row in rows if row["trial"] == trial]
        matrix = torch.tensor([row["matrix"] for row in of_trial]).sum(dim=0)
        folds = pd.Series([row["mIoU"] for row in of_trial])
        table[trial] = {
            "folds": len(folds),
            "mIoU": mean_iou(matrix),
            "mean of folds": folds.mean(),
            "std": folds.std(),
            "accuracy": pixel_accuracy(matrix),
            "seconds a fold": sum(row["seconds"] for row in of_trial) / len(of_trial),
        }
    return pd.DataFrame(table).T


def main() -> None:
    """Train the trials, several folds at once where asked, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=("voc", "camvid", "human", "pets", "pets_mini"))
    parser.add_argument("root", type=Path, metavar="FOLDER")
    parser.add_argument("--trials", nargs="+", default=["preset"], choices=TRIALS, metavar="TRIAL")
    parser.add_argument("--folds", nargs="+", type=int, default=list(range(FOLDS)), choices=range(FOLDS))
    parser.add_argument("--epochs", type=int, default=60, help="of each trial that does not name its own")
    parser.add_argument(
        "--processes", type=int, default=1, help="folds that train at once, each with its share of cores"
    )
    parser.add_argument("--output", type=Path, help="a JSON file that keeps every fold's counts")
    options = parser.parse_args()
    threads = max(1, torch.get_num_threads() // options.processes)
    rows = []
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        jobs = [
            pool.submit(run_fold, options.dataset, options.root, trial, fold, options.epochs, threads)
            for trial in options.trials
            for fold in options.folds
        ]
        for job in as_completed(jobs):
            rows.append(job.result())
            print(*(rows[-1][name] for name in ("trial", "fold", "mIoU", "seconds")), flush=True)
            if options.output:
                options.output.write_text(json.dumps(rows) + "\n", encoding="utf-8")
    print(summary(rows).to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()

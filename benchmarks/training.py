"""What the default model reaches on `tiny` in 90 s on two CPU cores: the test table of three seeds, and their mean.

Usage: python -m benchmarks.training [--epochs N]. The time is that of the whole of `fit`, reading the data included.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch

from utils import catalog
from utils.analysis import report_split
from utils.config import Config
from utils.inference import Predictor
from utils.training import fit


def main() -> None:
    """Train three times from nothing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    epochs = parser.parse_args().epochs
    torch.set_num_threads(2)
    tables, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in (0, 1, 2):
            config = Config(epochs=epochs, seed=seed, device="cpu", output=Path(folder) / str(seed))
            start = time.perf_counter()
            run = fit(config, on_epoch=None)
            seconds.append(time.perf_counter() - start)
            report = report_split(Predictor.from_run(run.folder, device="cpu"), catalog.load(config))
            tables.append(report.table["iou"].rename(f"seed {seed}"))
            print(f"seed {seed}: {seconds[-1]:.0f} s, test mIoU {report.score:.3f}", flush=True)
    table = pd.concat(tables, axis=1)
    table["mean"] = table.mean(axis=1)
    print(f"\nIoU on the test split after {epochs} epochs\n{table.to_string(float_format='{:.3f}'.format)}")
    print(f"longest run: {max(seconds):.0f} s")


if __name__ == "__main__":
    main()

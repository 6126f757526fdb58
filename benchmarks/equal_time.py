"""Which model, which loss, which size? Each choice gets the same time: python -m benchmarks.equal_time camvid FOLDER.

Usage: python -m benchmarks.equal_time {camvid,voc,pets_mini} [FOLDER] [--minutes 1.5] [--seeds 0 1] [--jobs 2]

Every run starts from ImageNet's weights and has one thread. Its time is what the processor spends on its own process,
so that other work on the machine decides little: two epochs are tried, and as many are trained as fit into the minutes,
the schedule with them. The last weights are scored on all pictures that did not train, at their own size.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from segmenter.evaluation import report_split
from utils import catalog
from utils.config import Config
from utils.inference import Predictor
from utils.metrics import pixel_accuracy, primary_iou
from utils.models import build_model
from utils.training import fit

ENCODER = "tu-tf_efficientnet_lite0"
OTHER_LOSS = {"ce": "ce+dice", "ce+dice": "ce"}


def choices(preset: Config) -> dict[str, dict[str, Any]]:
    """Return what each contender changes of the data set's preset, one thing at a time."""
    side, other = preset.image_size, OTHER_LOSS[preset.loss]
    return {
        f"preset: FPN, {preset.loss}, {side} px": {},
        "U-Net": {"model": f"smp:unet/{ENCODER}"},
        "DeepLabV3+": {"model": f"smp:deeplabv3plus/{ENCODER}"},
        other: {"loss": other},
        f"{side * 7 // 10 // 32 * 32} px": {"image_size": side * 7 // 10 // 32 * 32},
        f"{side * 3 // 2 // 32 * 32} px": {"image_size": side * 3 // 2 // 32 * 32},
    }


def seconds_of_epochs(config: Config, folder: str) -> tuple[float, float]:
    """Train two epochs; return the processor's seconds for the first one, with all preparation, and for the second."""
    ends = [time.process_time()]
    trial = config.override(epochs=2, output=Path(folder) / "trial")
    fit(trial, source=catalog.load(config), on_epoch=lambda *_: ends.append(time.process_time()))
    return ends[1] - ends[0], ends[2] - ends[1]


def train_and_score(config: Config, choice: str, minutes: float) -> dict[str, Any]:
    """Train as many epochs as fit into the minutes of one core, and score the last weights."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        first, later = seconds_of_epochs(config, folder)
        epochs = max(1, 1 + int((60 * minutes - first) / later))
        config, source = config.override(epochs=epochs, output=Path(folder) / "run"), catalog.load(config)
        model = build_model(config, source.num_outputs)
        start = time.process_time()
        fit(config, source=source, model=model, on_epoch=None)
        spent = time.process_time() - start
        predictor = Predictor(model, config, source.classes, source.palette)
        matrix = sum(
            report_split(predictor, source, split).matrix for split in ("val", "test")
        )  # neither chose anything
    found = {"IoU": primary_iou(matrix), "accuracy": pixel_accuracy(matrix), "epochs": epochs, "seconds": spent}
    return {"choice": choice, "seed": config.seed, **found}


def main() -> None:
    """Print a row for each run as it ends, and the means of each choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=["camvid", "voc", "pets_mini"])
    parser.add_argument("root", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=1.5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--jobs", type=int, default=2, help="runs at the same time")
    options = parser.parse_args()
    preset = Config.preset(options.dataset, root=options.root, workers=0, threads=1, device="cpu")
    rows = []
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        started = [
            pool.submit(train_and_score, preset.override(seed=seed, **changed), choice, options.minutes)
            for seed in options.seeds
            for choice, changed in choices(preset).items()
        ]
        for run in started:
            rows.append(run.result())
            print(*(f"{v:.3f}" if isinstance(v, float) else v for v in rows[-1].values()), sep="  ", flush=True)
    table = pd.DataFrame(rows).drop(columns="seed").groupby("choice", sort=False)
    both = table.mean().join(table["IoU"].agg(["min", "max"]))
    print(both.sort_values("IoU", ascending=False).to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()

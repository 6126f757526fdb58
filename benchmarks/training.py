"""Training, in one run each: `python -m benchmarks.training [--human FOLDER] [--overhead]`.

Without options: what the default model reaches on `tiny` in 90 s on two CPU cores, mean of three seeds. `--human`: the
guided project's recipe and the course's on the 290 photographs, side by side, from nothing and from ImageNet's weights;
the curves are kept in `human_curves.csv`. `--overhead`: the engine beside a bare loop.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

import pandas as pd
import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from benchmarks.loader import Guided
from segmenter.evaluation import report_split
from utils import catalog
from utils.catalog.base import Source
from utils.config import Config
from utils.engine import make_accelerator, train_one_epoch
from utils.inference import Predictor
from utils.loaders import get_data_loaders
from utils.losses import build_loss
from utils.metrics import confusion_matrix, primary_iou
from utils.models import build_model, build_smp
from utils.runtime import seed_everything
from utils.schedules import build_optimizer, build_scheduler
from utils.training import fit

SEEDS = (0, 1, 2)
GOALS = {"from nothing": 0.70, "ImageNet": 0.85}
# The course's recipes for `human` at 160 pixels. From nothing: a narrow, deep U-Net, one cycle, mirror images.
# From ImageNet's weights: the preset for photographs, for fewer epochs.
SMALL = {"image_size": 160, "batch_size": 8, "workers": 0, "device": "cpu"}
RECIPES = {
    "from nothing": {"model": "unet", "weights": None, "unet_width": 8, "unet_depth": 5, "augmentation": "light",
                     "learning_rate": 0.01, "encoder_rate": 1.0, "epochs": 20},
    "ImageNet": {"epochs": 8},
}  # fmt: skip
# The guided project's network is a U-Net on EfficientNet-B0, whose ImageNet weights no Python package carries.
GUIDED = {"from nothing": ("unet/efficientnet-b0", None), "ImageNet": ("unet/tu-tf_efficientnet_lite0", "imagenet")}


def tiny(epochs: int) -> None:
    """Train on `tiny` three times from nothing and print the test table."""
    tables, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
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


# ---------------------------------------------------------------- human, against the guided project
def guided(source: Source, val: DataLoader, start: str, seed: int, budget: float) -> list[dict]:
    """The guided project's training loop at 160 pixels for `budget` seconds of training: one row for each epoch."""
    seed_everything(seed)
    name, weights = GUIDED[start]
    model = build_smp(name, 1, weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    dice, bce = smp.losses.DiceLoss(mode="binary"), nn.BCEWithLogitsLoss()
    loader = DataLoader(Guided(source.pairs("train"), SMALL["image_size"]), batch_size=16, shuffle=True)
    rows, seconds = [], 0.0
    while seconds < budget:
        began = time.perf_counter()
        model.train()
        for images, masks in loader:
            logits = model(images)
            optimizer.zero_grad()
            (dice(logits, masks) + bce(logits, masks)).backward()
            optimizer.step()
        seconds += time.perf_counter() - began  # without validation, as for the other
        model.eval()
        matrix = torch.zeros(2, 2, dtype=torch.int64)
        with torch.no_grad():
            for images, masks in val:
                matrix += confusion_matrix((model(images / 255)[:, 0] >= 0).long(), masks, 2)
        rows.append({"epoch": len(rows) + 1, "seconds": seconds, "iou": primary_iou(matrix)})
    return rows


def ours(source: Source, config: Config) -> tuple[list[dict], float]:
    """The course's `fit`: one row for each epoch, and the IoU of its best epoch on the test split.

    Reading the files once is part of the first epoch.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = fit(config.override(output=Path(folder) / "run"), source=source, on_epoch=None)
        before = time.perf_counter() - began - run.history["seconds"].sum()
        test = report_split(Predictor.from_run(run.folder, device="cpu"), source).score
    training = len(source.pairs("train")) / run.history["images_per_second"]
    rows = [
        {"epoch": int(row.epoch), "seconds": before + seconds, "iou": row.val_score}
        for row, seconds in zip(run.history.itertuples(), training.cumsum(), strict=True)
    ]
    return rows, test


def human(root: Path) -> None:
    """Let both recipes train in turn, from both starts, three seeds each; the guided one gets the course's time."""
    base = Config.preset("human", root=root, **SMALL)
    source = catalog.load(base)
    val = get_data_loaders(base.override(batch_size=16), source).val
    rows, tests = [], []
    for seed in SEEDS:
        for start, recipe in RECIPES.items():
            course, test = ours(source, base.override(seed=seed, **recipe))
            tests.append({"start": start, "seed": seed, "course: test IoU": test})
            other = guided(source, val, start, seed, budget=course[-1]["seconds"])
            for name, found in {"course": course, "guided project": other}.items():
                rows += [{"start": start, "recipe": name, "seed": seed, **row} for row in found]
                print(
                    f"{name}, {start}, seed {seed}: {found[-1]['seconds']:.0f} s, IoU {found[-1]['iou']:.3f}",
                    flush=True,
                )
    curves = pd.DataFrame(rows)
    curves.round(3).to_csv(Path(__file__).with_name("human_curves.csv"), index=False)
    table = compare(curves).merge(pd.DataFrame(tests), on=["start", "seed"])
    print(table.T.to_string(float_format="{:.3f}".format))


def compare(curves: pd.DataFrame) -> pd.DataFrame:
    """Lay out, for each start and seed: seconds to the goal, and the best IoU by the end of the course's run."""
    table = []
    for (start, seed), of_run in curves.groupby(["start", "seed"]):
        end, goal = of_run.loc[of_run["recipe"] == "course", "seconds"].max(), GOALS[start]
        row = {"start": start, "seed": seed, "goal": goal, "equal time, s": end}
        for name, curve in of_run.groupby("recipe"):
            reached = curve.loc[curve["iou"] >= goal, "seconds"]
            row[f"{name}: s to the goal"] = reached.min() if len(reached) else "not reached"
            row[f"{name}: best IoU by then"] = curve.loc[curve["seconds"] <= end, "iou"].max()
        table.append(row)
    return pd.DataFrame(table)


# ---------------------------------------------------------------- what the engine costs
def overhead(rounds: int = 150) -> None:
    """Time `train_one_epoch` and a bare loop on the same batch, in turn, in an order drawn anew for each round."""
    config = Config(device="cpu", batch_size=8)
    loss_fn, accelerator = build_loss(config), make_accelerator(config)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (8, 3, 128, 128), dtype=torch.uint8, generator=generator)
    batches = [(images, torch.randint(0, 6, (8, 128, 128), generator=generator))]
    model = build_model(config, 6)
    optimizer = build_optimizer(config, model)
    scheduler = build_scheduler(config, optimizer, 10_000)
    prepared = accelerator.prepare(model, optimizer, scheduler)

    def engine() -> None:
        train_one_epoch(
            prepared[0], batches, loss_fn, prepared[1], accelerator, scheduler=prepared[2], grad_clip=config.grad_clip
        )

    def bare() -> None:
        model.train()
        losses: list[Tensor] = []
        for images, masks in batches:
            loss = loss_fn(model(images), masks)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
            losses.append(loss.detach())
        torch.stack(losses).mean().item()

    seconds: dict[str, list[float]] = {"engine": [], "bare": []}
    contenders = [("engine", engine), ("bare", bare)]
    for number in range(-5, rounds):
        random.shuffle(contenders)
        for name, run in contenders:
            start = time.perf_counter()
            run()
            if number >= 0:  # the first rounds only warm up
                seconds[name].append(time.perf_counter() - start)
    table = pd.DataFrame(seconds).quantile([0, 0.25, 0.5, 0.75]) * 1000
    table["engine's speed"] = table["bare"] / table["engine"]
    print(f"one step, ms, by quantile\n{table.to_string(float_format='{:.3f}'.format)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40, help="for tiny")
    parser.add_argument("--human", type=Path, metavar="FOLDER")
    parser.add_argument("--overhead", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    if options.human:
        human(options.human)
    if options.overhead:
        overhead()
    if not (options.human or options.overhead):
        tiny(options.epochs)


if __name__ == "__main__":
    main()

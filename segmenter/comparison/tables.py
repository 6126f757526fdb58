"""The tables of a comparison: a row for each finished run, and a row for each model and augmentation."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch

from segmenter.comparison.plot import plot_summary
from segmenter.words import counted
from utils.config import Config
from utils.errors import CourseError
from utils.files import write_atomically
from utils.models import build_model, count_parameters
from utils.runs import Run, scores_of
from utils.runtime import count_flops
from utils.schedules import should_stop

COLUMNS = ["run", "model", "augmentation", "seed", "best val IoU", "epoch", "seconds", "images/s", "parameters (M)",
           "GFLOPs"]  # fmt: skip


def compare_runs(folders: Sequence[Path]) -> pd.DataFrame:
    """Lay several runs side by side, best first: what they were, what they cost, and what they reached on validation.

    Columns: 'run', 'model', 'augmentation', 'seed', 'best val IoU', 'epoch' (of the best), 'seconds' (of training and
    validation), 'images/s', 'parameters (M)', 'GFLOPs' (of one image at the training size; NaN where the
    model does not take it).
    """
    table = pd.DataFrame([run_row(Path(folder)) for folder in folders], columns=COLUMNS)
    return table.sort_values("best val IoU", ascending=False, ignore_index=True)


def run_row(folder: Path) -> dict[str, str | float]:
    """Return the row of one run for `compare_runs`."""
    run, config = Run.load(folder), Config.load(folder / "config.yaml")
    classes = sum(column.startswith("val_iou_") for column in run.history)
    outputs = 1 if classes == 2 else classes
    parameters, flops = model_size(config.model, config.unet_width, config.unet_depth, config.image_size, outputs)
    return {
        "run": folder.name,
        "model": config.model,
        "augmentation": config.augmentation,
        "seed": config.seed,
        "best val IoU": run.best["val_score"],
        "epoch": int(run.best["epoch"]),
        "seconds": run.history["seconds"].sum(),
        "images/s": run.history["images_per_second"].median(),
        "parameters (M)": parameters / 1e6,
        "GFLOPs": flops / 1e9,
    }


@cache  # the tables are made after every run
def model_size(model: str, width: int, depth: int, size: int, outputs: int) -> tuple[int, float]:
    """Return a model's parameters, and its operations for one image: NaN where it does not take that size."""
    with torch.random.fork_rng(devices=[]):  # a table must not change the random numbers of whoever asks for it
        built = build_model(Config(model=model, unet_width=width, unet_depth=depth), outputs)
    try:
        return count_parameters(built), float(count_flops(built, size))
    except (RuntimeError, ValueError, AssertionError):
        return count_parameters(built), float("nan")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise `compare_runs` over seeds, best first: one row for each model and augmentation.

    'val IoU' is the mean over seeds of the best validation score, 'sd' their standard deviation (n - 1; NaN for one
    seed, and rough for three), and the costs are means.
    """
    groups = table.groupby(["model", "augmentation"], sort=False)
    found = groups["best val IoU"].agg(["mean", "std", "count"])
    found.columns = ["val IoU", "sd", "seeds"]
    costs = groups[["seconds", "images/s", "parameters (M)", "GFLOPs"]].mean()
    return found.join(costs).sort_values("val IoU", ascending=False).reset_index()


def caption(config: Config) -> str:
    """Say what the numbers of a comparison mean, and what they do not."""
    fewer = f", or fewer where {config.patience} brought no better score" if config.patience else ""
    return (
        "Best validation IoU, mean and standard deviation (sd) over seeds; no test image is looked at. Equal budget: "
        f"{counted(config.epochs, 'epoch')} over the same images for each{fewer}, and one learning "
        "rate for all, which may suit some better. Seconds compare where one idle machine trained all. The sd of 3 "
        "seeds is rough: the true one may be half of it, or six times as large."
    )


def is_finished(config: Config) -> bool:
    """Say whether a run has come to its end: all epochs, or early stopping."""
    try:
        history = Run.load(config.output).history.to_dict("records")
    except (CourseError, ValueError):  # there is none yet, or the table is damaged, and resuming writes it anew
        return False
    return len(history) >= config.epochs or should_stop(scores_of(history), config.patience)


def refuse_foreign_tables(folder: Path) -> None:
    """Raise CourseError where a folder holds files by the names of a comparison's tables that are no comparison's."""
    table, others = folder / "comparison.csv", [folder / "summary.csv", folder / "comparison.png"]
    found = next((path for path in (table, *others) if path.exists()), None)
    ours = table.is_file() and table.read_bytes().startswith(",".join(COLUMNS).encode())
    if found and not ours:
        raise CourseError(f"{found} is not that of a comparison: it is left as it is. Choose another output.")


def save_tables(runs: Sequence[Config]) -> pd.DataFrame:
    """Write comparison.csv (the finished runs), summary.csv and comparison.png beside the run folders.

    Returns the summary.
    """
    folder, finished = runs[0].output.parent, [config.output for config in runs if is_finished(config)]
    table = compare_runs(finished)
    means = summary(table)
    figure = plot_summary(means)
    write_atomically(folder / "comparison.csv", lambda path: table.to_csv(path, index=False))
    write_atomically(folder / "summary.csv", lambda path: means.to_csv(path, index=False))
    write_atomically(folder / "comparison.png", lambda path: figure.savefig(path, dpi=110, format="png"))
    plt.close(figure)
    return means

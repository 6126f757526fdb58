"""Models, augmentations and seeds at equal budget: train the grid, go on after a break, sum up (notebook 8)."""

import gc
import os
import re
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from utils import catalog
from utils.catalog.base import Source
from utils.checkpoint import has_only_begun, has_state
from utils.config import Config
from utils.errors import CheckpointError, ConfigError, CourseError
from utils.files import write_atomically
from utils.loaders import get_data_loaders
from utils.models import build_model, count_flops, count_parameters
from utils.plots import BLUE, GREEN, ORANGE, RED
from utils.runs import SPLITS_FILE, Run, as_in_run, refuse_another_config, refuse_changed_data, scores_of
from utils.schedules import build_optimizer, should_stop
from utils.training import fit

MARKERS = "osD^vP*X<>"
COLOURS = [BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "black"]  # Okabe-Ito without its yellow
FILLS = [("full", None), ("full", "white"), ("left", None), ("top", None)]  # of the four augmentations
COSTS = {"seconds": "seconds of training", "parameters (M)": "million parameters", "GFLOPs": "GFLOPs an image"}
COLUMNS = ["run", "model", "augmentation", "seed", "best val IoU", "epoch", "seconds", "images/s", *list(COSTS)[1:]]


def grid(config: Config, models: Sequence[str], augmentations: Sequence[str], seeds: Sequence[int]) -> list[Config]:
    """Return a run for each model, augmentation and seed, in folders of their own below `config.output`.

    All else is equal, and so is the budget: the same number of epochs, that is, of images seen. Raises ConfigError
    for a run named twice: it would pass for two, with no spread between them.
    """
    runs, names = [], set()
    for seed, model, augmentation in product(seeds, models, augmentations):  # a whole round for each seed
        name = f"{re.sub(r'[^A-Za-z0-9_.+-]+', '-', model)}-{augmentation}-seed{seed}"
        if name.lower() in names:  # some file systems know no capitals
            raise ConfigError(f"'{name}' would be trained twice: name every model, augmentation and seed once.")
        names.add(name.lower())
        output = config.output / name
        runs.append(config.override(model=model, augmentation=augmentation, seed=seed, output=output))
    return runs


def run_grid(runs: Sequence[Config], source: Source | None = None) -> dict[str, str]:
    """Train what is not trained yet; return the runs that failed: {name: sentence}.

    A run that was broken off goes on. Ctrl-C ends the grid (raises KeyboardInterrupt); the same call takes it up again.
    After every run, the tables and the plot in the folder of the grid are made anew. Everything is checked before
    anything is trained: raises ConfigError where a model cannot be trained, DataError for faulty files, and
    CheckpointError for a folder of another configuration, or data that changed since.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ConfigError("A comparison trains one run after the other, in one process: start it without torchrun.")
    source = same_source(runs, source or catalog.load(runs[0]))
    check_models([config for config in runs if not is_finished(config)], source)
    failed = {}
    for number, config in enumerate(runs, start=1):
        name = config.output.name
        if is_finished(config):
            print(f"run {number}/{len(runs)}   {name}: there already", flush=True)
            continue
        print(f"run {number}/{len(runs)}   {name}", flush=True)
        try:
            fit(config, source=source, resume=has_state(config.output) or has_only_begun(config.output), on_epoch=None)
        except CourseError as error:
            failed[name] = str(error)
            print(f"failed: {error}", flush=True)
            continue
        finally:
            gc.collect()  # the model, before the next one needs its memory
        if not is_finished(config):  # fit has swallowed the interruption
            raise KeyboardInterrupt
        save_tables(runs)
    return failed


def same_source(runs: Sequence[Config], source: Source) -> Source:
    """Return the data set with the splits of the runs that are there already: all train and score on the same pairs.

    Raises CheckpointError where a run that is there had another configuration or other data.
    """
    begun = [config for config in runs if (config.output / "config.yaml").is_file()]
    for config in begun:
        refuse_another_config(Config.load(config.output / "config.yaml"), config)
    folders = [config.output for config in begun if (config.output / SPLITS_FILE).is_file()]
    if not folders:
        return source
    tables = [pd.read_csv(f / SPLITS_FILE, dtype=str).sort_values("image", ignore_index=True) for f in folders]
    for folder, table in zip(folders, tables, strict=True):
        if not table.equals(tables[0]):
            raise CheckpointError(
                f"{folder} and {folders[0]} had other pairs or splits: their scores do not compare. Move one away."
            )
    source = as_in_run(source, folders[0])
    refuse_changed_data(source, folders[0] / SPLITS_FILE)
    return source


def check_models(pending: Sequence[Config], source: Source) -> None:
    """Read the data, build every model and show it two images: no mistake must surface after hours."""
    if pending:
        get_data_loaders(pending[0], source)
    for name in dict.fromkeys(config.model for config in pending):
        todo = [config for config in pending if config.model == name]
        resumed = all(has_state(config.output) for config in todo)  # these need no pretrained weights again
        model = build_model(todo[0].override(weights=None) if resumed else todo[0], source.num_outputs)
        build_optimizer(todo[0], model)
        try_model(model, todo[0])


def try_model(model: torch.nn.Module, config: Config) -> None:
    """Raise ConfigError where a model cannot train on images of this size, or on so few at once."""
    count, size = min(config.batch_size, 2), config.image_size
    try:
        with torch.no_grad():  # in training mode, where BatchNorm wants more than one value a channel
            model.train()(torch.zeros(count, 3, size, size, dtype=torch.uint8))
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise ConfigError(
            f"'{config.model}' cannot train on {size} x {size} pixels in batches of {config.batch_size} ({reason}). "
            "Take a larger image_size or batch_size, or leave this model out."
        ) from error


def is_finished(config: Config) -> bool:
    """Say whether a run has come to its end: all epochs, or early stopping."""
    try:
        history = Run.load(config.output).history.to_dict("records")
    except (CourseError, ValueError):  # none yet, or a damaged table, which resuming writes anew
        return False
    return len(history) >= config.epochs or should_stop(scores_of(history), config.patience)


def compare_runs(folders: Sequence[Path]) -> pd.DataFrame:
    """Lay several runs side by side, best first: what they were, what they cost, and what they reached on validation.

    Columns: 'run', 'model', 'augmentation', 'seed', 'best val IoU', 'epoch' (of the best), 'seconds' (of training and
    validation), 'images/s', 'parameters (M)', 'GFLOPs' (of one image at the training size; NaN where the
    model does not take it).
    """
    rows = []
    for folder in folders:
        run, config = Run.load(folder), Config.load(Path(folder) / "config.yaml")
        classes = sum(column.startswith("val_iou_") for column in run.history)
        outputs = 1 if classes == 2 else classes
        parameters, flops = model_size(config.model, config.unet_width, config.unet_depth, config.image_size, outputs)
        rows.append(
            {
                "run": run.folder.name,
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
        )
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("best val IoU", ascending=False, ignore_index=True)


@cache  # the tables are made after every run
def model_size(model: str, width: int, depth: int, size: int, outputs: int) -> tuple[int, float]:
    """Return a model's parameters, and its operations for one image: NaN where it does not take that size."""
    with torch.random.fork_rng(devices=[]):  # a table must move nobody's random numbers
        built = build_model(Config(model=model, unet_width=width, unet_depth=depth), outputs)
    try:
        return count_parameters(built), float(count_flops(built, size))
    except (RuntimeError, ValueError, AssertionError):
        return count_parameters(built), float("nan")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Summarise `compare_runs` over seeds, best first: one row for each model and augmentation.

    'val IoU' is the mean over seeds of the best validation score, 'sd' their standard deviation (n - 1; NaN for one
    seed: of three it is rough), and the costs are means.
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
        f"{config.epochs} epoch{'s' * (config.epochs > 1)} over the same images for each{fewer}, and one learning "
        "rate for all, which may suit some better. Seconds compare where one idle machine trained all. The sd of 3 "
        "seeds is rough: the true one may be half of it, or six times as large."
    )


def plot_summary(table: pd.DataFrame) -> Figure:
    """Draw the quality of a `summary` against time, parameters and FLOPs; bars are one standard deviation."""
    models = list(dict.fromkeys(table["model"]))
    looks = {m: (MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)]) for i, m in enumerate(models)}
    fills = dict(zip(dict.fromkeys(table["augmentation"]), FILLS, strict=False))
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    for ax, (column, label) in zip(axes, COSTS.items(), strict=True):
        for _, row in table.iterrows():
            marker, colour = looks[row["model"]]
            style, face = fills[row["augmentation"]]
            look = {"fillstyle": style, "markerfacecolor": face or colour, "markerfacecoloralt": "white"}
            spread = None if pd.isna(row["sd"]) else row["sd"]
            ax.errorbar(
                row[column], row["val IoU"], spread, color=colour, capsize=3, marker=marker, markersize=9, **look
            )
        ax.set(xlabel=label, xscale="log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="best validation IoU")
    dot = {"xdata": [], "ydata": [], "linestyle": "", "markersize": 9}
    handles = [Line2D(**dot, marker=marker, color=colour, label=model) for model, (marker, colour) in looks.items()]
    for strength, (style, face) in fills.items():
        look = {"fillstyle": style, "markerfacecolor": face or "grey", "markerfacecoloralt": "white"}
        handles.append(Line2D(**dot, marker="s", color="grey", label=f"augmentation: {strength}", **look))
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    seeds = f"{table['seeds'].min()} to {table['seeds'].max()}" if table["seeds"].nunique() > 1 else table["seeds"][0]
    figure.suptitle(f"Equal epochs, {seeds} seed{'' if seeds == 1 else 's'} each")
    return figure


def save_tables(runs: Sequence[Config]) -> pd.DataFrame:
    """Write comparison.csv (the finished runs), summary.csv and comparison.png beside the run folders."""
    folder, done = runs[0].output.parent, [config.output for config in runs if is_finished(config)]
    table = compare_runs(done)
    short = summary(table)
    figure = plot_summary(short)
    write_atomically(folder / "comparison.csv", lambda path: table.to_csv(path, index=False))
    write_atomically(folder / "summary.csv", lambda path: short.to_csv(path, index=False))
    write_atomically(folder / "comparison.png", lambda path: figure.savefig(path, dpi=110, format="png"))
    plt.close(figure)
    return short

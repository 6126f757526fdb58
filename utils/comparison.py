"""Architectures and augmentations compared at equal budget, over several seeds (`python -m utils compare`)."""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from utils import catalog
from utils.catalog.base import Source
from utils.checkpoint import load_weights, write_atomically
from utils.config import Config
from utils.errors import CourseError
from utils.models import build_model, count_flops, count_parameters
from utils.plots import BLUE, GREEN, ORANGE, RED
from utils.runs import Run, has_only_begun, has_state, refuse_another_config, scores_of
from utils.schedules import should_stop
from utils.training import fit

MARKERS = "osD^vP*X<>"
COLOURS = [BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "black"]  # Okabe-Ito without its yellow
COSTS = {"seconds": "seconds of training", "parameters (M)": "million parameters", "GFLOPs": "GFLOPs an image"}


def grid(config: Config, models: Sequence[str], augmentations: Sequence[str], seeds: Sequence[int]) -> list[Config]:
    """Return a run for each model, augmentation and seed, in folders of their own below `config.output`.

    All else is equal, and so is the budget: the same number of epochs, that is, of images seen.
    """
    runs = []
    for seed, model, augmentation in product(seeds, models, augmentations):  # a whole round for each seed
        name = f"{re.sub(r'[^A-Za-z0-9_.+-]+', '-', model)}-{augmentation}-seed{seed}"
        output = config.output / name
        runs.append(config.override(model=model, augmentation=augmentation, seed=seed, output=output))
    return runs


def run_grid(runs: Sequence[Config], source: Source | None = None) -> dict[str, str]:
    """Train what is not trained yet; return the runs that failed: {name: sentence}.

    A run that was broken off goes on. Ctrl-C ends the grid (raises KeyboardInterrupt); the same call takes it up again.
    After every run, the tables and the plot in the folder of the grid are made anew. Raises ConfigError, before
    anything is trained, where a model cannot be built, and CheckpointError for a folder of another configuration.
    """
    source = source or catalog.load(runs[0])
    for config in runs:
        if (config.output / "config.yaml").is_file():
            refuse_another_config(Config.load(config.output / "config.yaml"), config)
    for model in dict.fromkeys(config.model for config in runs):  # a typo must not surface after hours
        build_model(next(config for config in runs if config.model == model), source.num_outputs)
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
        if not is_finished(config):  # fit has swallowed the interruption
            raise KeyboardInterrupt
        save_tables(runs)
    return failed


def is_finished(config: Config) -> bool:
    """Say whether a run has come to its end: all epochs, or early stopping."""
    if not has_state(config.output) or not (config.output / "history.csv").is_file():
        return False
    history = Run.load(config.output).history.to_dict("records")
    return len(history) >= config.epochs or should_stop(scores_of(history), config.patience)


def compare_runs(folders: Sequence[Path]) -> pd.DataFrame:
    """Lay several runs side by side, best first: what they were, what they cost, and what they reached on validation.

    Columns: 'run', 'model', 'augmentation', 'seed', 'best val IoU', 'epoch' (of the best), 'seconds' (of training and
    validation), 'images/s', 'parameters (M)', 'GFLOPs' (of one image at the training size).
    """
    rows = []
    for folder in folders:
        run, header = Run.load(folder), load_weights(folder / "best.safetensors")[1]
        config = header["config"]
        model = build_model(config, 1 if len(header["classes"]) == 2 else len(header["classes"]))
        rows.append(
            {
                "run": folder.name,
                "model": config.model,
                "augmentation": config.augmentation,
                "seed": config.seed,
                "best val IoU": run.best["val_score"],
                "epoch": int(run.best["epoch"]),
                "seconds": run.history["seconds"].sum(),
                "images/s": run.history["images_per_second"].median(),
                "parameters (M)": count_parameters(model) / 1e6,
                "GFLOPs": count_flops(model, config.image_size) / 1e9,
            }
        )
    return pd.DataFrame(rows).sort_values("best val IoU", ascending=False, ignore_index=True)


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


def plot_summary(table: pd.DataFrame) -> Figure:
    """Draw the quality of a `summary` against time, parameters and FLOPs; bars are one standard deviation."""
    models = list(dict.fromkeys(table["model"]))
    looks = {m: (MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)]) for i, m in enumerate(models)}
    strengths = list(dict.fromkeys(table["augmentation"]))
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    for ax, (column, label) in zip(axes, COSTS.items(), strict=True):
        for _, row in table.iterrows():
            marker, colour = looks[row["model"]]
            full = row["augmentation"] == strengths[0]
            ax.errorbar(
                row[column], row["val IoU"], yerr=None if pd.isna(row["sd"]) else row["sd"], color=colour, capsize=3,
                marker=marker, markersize=9, markerfacecolor=colour if full else "white",
            )  # fmt: skip
        ax.set(xlabel=label, xscale="log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(alpha=0.3)
    axes[0].set(ylabel="best validation IoU")
    dot = {"xdata": [], "ydata": [], "linestyle": "", "markersize": 9}
    handles = [Line2D(**dot, marker=marker, color=colour, label=model) for model, (marker, colour) in looks.items()]
    for strength in strengths:
        full = {} if strength == strengths[0] else {"markerfacecolor": "white"}
        handles.append(Line2D(**dot, marker="s", color="grey", label=f"augmentation: {strength}", **full))
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

"""Figures of notebook 8 about a run: its film, its curves while it trains, and BatchNorm's lag."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from exercises.page import DPI
from utils.catalog.base import Source
from utils.images import read_image
from utils.plots import GREEN, GREY, RED, Palette, draw_history, legend, overlay, plot_history
from utils.runs import Run
from utils.tracking import PICTURE_SIDE


class LiveRun:
    """Redraws a run after `every` epochs, in place, in a notebook: `fit(config, on_epoch=LiveRun(config.output))`.

    `source` names the classes of the pictures, and `caption` stands below and is read out in their place. Where a run
    stops early, `draw` shows its last epochs.
    """

    def __init__(self, folder: str | Path, every: int = 1, source: Source | None = None, caption: str = "") -> None:
        self.folder, self.every, self.source, self.caption, self.handle = Path(folder), every, source, caption, None

    def __call__(self, row: dict[str, Any], epochs: int) -> None:
        if row["epoch"] % self.every == 0:
            self.draw(f"epoch {row['epoch']} of {epochs}")

    def draw(self, heading: str) -> None:
        """Draw the run as it is now."""
        from IPython.display import Markdown, display

        figure = draw_run(self.folder, heading)
        if self.source:
            legend(figure, self.source.classes, self.source.palette)
        about = {"metadata": {"image/jpeg": {"alt": self.caption}}} if self.caption else {}
        if self.handle is None:
            self.handle = display(figure, display_id=True, **about)
            if self.caption:
                display(Markdown(f"*{self.caption}*"))
        else:
            self.handle.update(figure, **about)
        plt.close(figure)


def draw_run(folder: str | Path, heading: str = "", rows: int = 2, columns: int = 4) -> Figure:
    """Draw a run so far: its curves, and how `rows` validation pictures improved over up to `columns` epochs.

    The epochs since the best one have a grey ground. A run without pictures has its curves alone.
    """
    folder = Path(folder)
    history = Run.load(folder).history
    epochs = [e for e in history["epoch"] if (folder / "pictures" / f"epoch_{e:03d}.jpg").is_file()]
    if not epochs or not (folder / "pictures" / "truth.jpg").is_file():
        return plot_history(history)
    chosen = [epochs[i] for i in sorted({round(x) for x in np.linspace(0, len(epochs) - 1, columns)})]
    names = {f"epoch_{e:03d}.jpg": f"epoch {e}: {history['val_score'][e - 1]:.2f}" for e in chosen}
    names["truth.jpg"] = "truth"
    strips = [(title, read_image(folder / "pictures" / name)) for name, title in names.items()]
    rows = min(rows, strips[-1][1].shape[1] // PICTURE_SIDE)
    figure = plt.figure(figsize=(10, 3.2 + 2.1 * rows), dpi=DPI, layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[3.2, 2.1 * rows])
    curves = above.subplots(1, 2)
    draw_history(history, *curves)
    best = int(history["val_score"].idxmax()) + 1
    for ax in curves:
        ax.axvspan(best, len(history), color="#DDDDDD", label=f"waited: {len(history) - best} epochs", zorder=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    curves[0].legend(frameon=False)
    axes = below.subplots(rows, columns + 1, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for column, (title, strip) in enumerate(strips):
        axes[0, column].set_title(title)
        for row in range(rows):
            axes[row, column].imshow(strip[:, row * PICTURE_SIDE : (row + 1) * PICTURE_SIDE])
    figure.suptitle(heading)
    return figure


def plot_first_run(
    scene: np.ndarray, truth: np.ndarray, film: Sequence[tuple[int, float, np.ndarray]], score: pd.Series,
    classes: Sequence[str], palette: Palette,
) -> Figure:  # fmt: skip
    """Draw how a run learned one scene: six of its (epoch, score, mask) over the curve of its score by epoch."""
    last = max(len(film) - 1, 0)  # the film is empty where every epoch was trained before a lost connection
    shown = [film[i] for i in sorted({round(x**1.5 * last) for x in np.linspace(0, 1, 6)}) if film]
    masks = [(f"epoch {epoch}: IoU {value:.2f}", mask) for epoch, value, mask in shown] + [("truth", truth)]
    cells = [("a validation scene", scene)] + [(name, overlay(scene, mask, palette)) for name, mask in masks]
    layout = [[0, 1, 2, 3], [4, 5, 6, 7], ["curve"] * 4]
    figure, axes = plt.subplot_mosaic(layout, figsize=(10, 7.6), height_ratios=[1, 1, 0.75])
    for place in range(8):
        axes[place].axis("off")
    for place, (name, picture) in enumerate(cells):
        axes[place].imshow(picture, interpolation="nearest")
        axes[place].set_title(name)
    axes["curve"].plot(score, color=GREEN)
    axes["curve"].plot([epoch for epoch, _, _ in shown], [value for _, value, _ in shown], "o", color=RED)
    axes["curve"].set(title="Validation IoU (dots: the pictures above)", xlabel="epoch", ylabel="IoU", ylim=(0, 1))
    legend(figure, classes, palette)
    return figure


def plot_losses(history: pd.DataFrame, fresh: pd.DataFrame) -> Figure:
    """Draw the curves of a run, and its 'val loss' and 'val IoU' with `fresh` statistics of BatchNorm, by epoch.

    The axis of the loss goes from 0 to the largest training loss and a little more.
    """
    figure = plot_history(history)
    losses, scores = figure.axes
    losses.set(ylim=(0, 1.2 * history["train_loss"].max()), ylabel="loss")
    losses.plot(fresh.columns, fresh.loc["val loss"], "s", color=GREY, label="validation, fresh statistics")
    losses.legend(frameon=False)
    scores.lines[0].set_label("as kept")
    scores.plot(fresh.columns, fresh.loc["val IoU"], "s", color=GREY, label="fresh statistics")
    scores.set_ylabel("IoU")
    scores.legend(frameon=False, loc="upper left")
    return figure


def plot_lag(epochs: pd.DataFrame, rates: Sequence[float]) -> Figure:
    """Draw the IoU of the same weights twice over the epochs ('as kept', 'recomputed'), and the learning rate.

    A grey line marks the epoch in which the two are furthest apart.
    """
    figure, ax = plt.subplots(figsize=(9, 3.2))
    behind = ax.twinx()
    behind.plot(epochs.index, rates, ":", color=GREY, label="learning rate")
    behind.set_ylabel("learning rate", color=GREY)
    worst = (epochs["recomputed"] - epochs["as kept"]).idxmax()
    ax.axvline(worst, color="#DDDDDD", linewidth=8, zorder=0, label=f"epoch {worst}")
    behind.set_ylim(0, None)
    behind.spines["right"].set_visible(True)
    ax.plot(epochs.index, epochs["recomputed"], "s--", color=GREEN, label="statistics recomputed")
    ax.plot(epochs.index, epochs["as kept"], "o-", color=RED, label="as BatchNorm keeps them")
    ax.set(title="The same weights, validated twice", xlabel="epoch", ylabel="validation IoU", ylim=(0, 1))
    figure.legend(frameon=False, loc="outside lower center", ncols=4)
    return figure

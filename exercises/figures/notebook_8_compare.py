"""Figures of notebook 8 about several runs: augmentation, averaged weights, models, luck, and a tracker's pictures."""

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from utils.plots import BLUE, GREEN, ORANGE, RED, Palette, legend


def plot_arms(arms: Mapping[tuple[str, str], pd.DataFrame]) -> Figure:
    """Draw both losses of runs by (budget, augmentation): a panel for each budget, a colour for each augmentation."""
    budgets = list(dict.fromkeys(budget for budget, _ in arms))
    figure, axes = plt.subplots(1, len(budgets), figsize=(10, 3.4), sharey=True)
    for (budget, augmentation), history in arms.items():
        ax = axes[budgets.index(budget)]
        colour = RED if augmentation == "none" else BLUE
        ax.plot(history["epoch"], history["train_loss"], color=colour, label=f"{augmentation}: training")
        ax.plot(history["epoch"], history["val_loss"], "--", color=colour, label=f"{augmentation}: validation")
        ax.set(title=budget, xlabel="epoch", ylim=(0, 3))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("loss")
    axes[0].legend(frameon=False, loc="lower left")
    return figure


def plot_average(curves: pd.DataFrame) -> Figure:
    """Draw the validation IoU of the weights and of their moving average by epoch, each with its deepest fall."""
    figure, ax = plt.subplots(figsize=(9, 3.4))
    for name, style, colour in zip(curves, ("o--", "s-"), (ORANGE, GREEN), strict=True):
        fall = max(0.0, -curves[name].diff().min())
        ax.plot(curves.index, curves[name], style, color=colour, label=f"{name}: deepest fall {fall:.2f}")
    ax.set(title="Validation IoU of one run at a constant rate", xlabel="epoch", ylabel="IoU", ylim=(0, None))
    ax.legend(frameon=False, loc="lower right")
    return figure


def plot_models(table: pd.DataFrame) -> Figure:
    """Draw the validation IoU of a `summary`, with one standard deviation, over the work that an image costs."""
    figure, ax = plt.subplots(figsize=(10, 3.2))
    for (_, row), marker in zip(table.iterrows(), "osD^vPX*", strict=False):
        style = {"fmt": marker, "markersize": 9, "capsize": 5}
        label = f"{row['model']}: {row['val IoU']:.2f}"
        ax.errorbar(row["GFLOPs"], row["val IoU"], row["sd"], label=label, **style)
    title = "Mean and standard deviation over the seeds of each model"
    ax.set(title=title, xlabel="GFLOPs for one image", ylabel="validation IoU", xlim=(0, None), ylim=(0, None))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_optimism(counts: Sequence[int], wrong: Sequence[float], right: Sequence[float]) -> Figure:
    """Draw by how much a reported test score promises too much, over the number of checkpoints to choose from."""
    figure, ax = plt.subplots(figsize=(9, 3.2))
    ax.plot(counts, wrong, "o-", color=RED, label="wrong: best epoch chosen on the test set")
    ax.plot(counts, right, "s--", color=GREEN, label="right: chosen on validation")
    ax.set(title="Reported test IoU minus the true one", xlabel="checkpoints to choose from", ylabel="optimism (IoU)")
    ax.legend(frameon=False)
    return figure


def plot_board(curve: pd.Series, pictures: Mapping[int, bytes], classes: Sequence[str], palette: Palette) -> Figure:
    """Draw what a tracker received: a curve by epoch, and truth beside prediction, as PNGs, at some epochs."""
    figure, axes = plt.subplots(1, 1 + len(pictures), figsize=(10.4, 2.7), width_ratios=[1.2] + [2] * len(pictures))
    axes[0].plot(curve, "o-", color=GREEN)
    axes[0].set(title="val_score", xlabel="epoch", ylabel="IoU", ylim=(0, 1))
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax, (epoch, picture) in zip(axes[1:], pictures.items(), strict=True):
        ax.imshow(Image.open(io.BytesIO(picture)), interpolation="nearest")
        ax.set_title(f"validation/0, epoch {epoch}: truth, prediction")
        ax.axis("off")
    legend(figure, classes, palette)
    return figure

"""Figures of notebook 8 about several runs: augmentation, averaged weights, models, and luck."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from utils.plots import BLUE, GREEN, ORANGE, RED


def plot_arms(arms: Mapping[tuple[str, str], pd.DataFrame]) -> Figure:
    """Draw both losses of runs by (budget, augmentation): a panel for each budget, a colour for each augmentation.

    A bar behind the last epoch shows how far the two losses of a run end apart, and its number stands above.
    """
    budgets = list(dict.fromkeys(budget for budget, _ in arms))
    figure, axes = plt.subplots(1, len(budgets), figsize=(10, 3.4), sharey=True)
    for (budget, augmentation), history in arms.items():
        ax = axes[budgets.index(budget)]
        colour = RED if augmentation == "none" else BLUE
        ax.plot(history["epoch"], history["train_loss"], color=colour, label=f"{augmentation}: training")
        ax.plot(history["epoch"], history["val_loss"], "--", color=colour, label=f"{augmentation}: validation")
        place, (training, validation) = len(ax.texts), history.iloc[-1][["train_loss", "val_loss"]]
        behind = len(history) + (0.02 + 0.03 * place) * (len(history) - 1)
        ax.plot([behind] * 2, [training, validation], color=colour, linewidth=5, alpha=0.5, solid_capstyle="butt")
        says, height = f"{augmentation}: gap at the end {validation - training:+.2f}", 0.97 - 0.1 * place
        ax.text(1, height, says, transform=ax.transAxes, color=colour, ha="right", va="top")
        ax.set(title=budget, xlabel="epoch", ylim=(0, 3))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("loss")
    axes[0].legend(frameon=False, loc="lower left")
    return figure


def plot_average(curves: pd.DataFrame) -> Figure:
    """Draw the validation IoU of a run's weights and of others made from them, by epoch, each with its deepest fall."""
    figure, ax = plt.subplots(figsize=(9, 3.4))
    for name, style, colour in zip(curves, ("o--", "s-", "^:"), (ORANGE, GREEN, BLUE), strict=False):
        fall = max(0.0, -curves[name].diff().min())
        ax.plot(curves.index, curves[name], style, color=colour, label=f"{name}: deepest fall {fall:.2f}")
    ax.set(title="Validation IoU of one run at a constant rate", xlabel="epoch", ylabel="IoU", ylim=(0, None))
    ax.legend(frameon=False, loc="lower right")
    return figure


def plot_models(table: pd.DataFrame) -> Figure:
    """Draw the runs of `compare_runs` over the work that an image costs: a dot for each seed, a line between them."""
    figure, ax = plt.subplots(figsize=(9, 3.6))
    for (model, runs), marker in zip(table.groupby("model", sort=False), "osD^vPX*", strict=False):
        scores, cost = runs["best val IoU"], runs["GFLOPs"].iloc[0]
        ax.plot(runs["GFLOPs"], scores, f"{marker}-", markersize=8)
        name = f"{model}: {scores.mean():.2f}\nseeds {scores.max() - scores.min():.3f} apart"
        ax.annotate(name, (cost, scores.mean()), (12, 0), textcoords="offset points", va="center")
    title = "Each mark is a run with one seed; a line joins the seeds of a model"
    ax.set(title=title, xlabel="GFLOPs for one image", ylabel="validation IoU", xlim=(0, 1.4 * table["GFLOPs"].max()))
    return figure


def plot_optimism(counts: Sequence[int], wrong: Sequence[float], right: Sequence[float]) -> Figure:
    """Draw by how much a reported test score promises too much, over the number of checkpoints to choose from."""
    figure, ax = plt.subplots(figsize=(9, 3.2))
    ax.plot(counts, wrong, "o-", color=RED, label="wrong: best epoch chosen on the test set")
    ax.plot(counts, right, "s--", color=GREEN, label="right: chosen on validation")
    ax.set(title="Reported test IoU minus the true one", xlabel="checkpoints to choose from", ylabel="optimism (IoU)")
    ax.legend(frameon=False)
    return figure

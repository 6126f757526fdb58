"""Figures of notebook 8 about steps: optimizers, learning rates, when to stop, and a run that is resumed."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from utils.plots import BLUE, GREEN, GREY, ORANGE, RED

LIGHT = "#BBBBBB"
SCHEDULES = {"one_cycle": ("-", BLUE), "poly": ("--", ORANGE), "cosine": ("-.", GREEN), "constant": (":", RED)}
# Style, colour and size of each ending: dots, squares, and rings around the dots. The smallest lie on top.
ENDINGS = [("o", GREEN, 6, "full"), ("s--", RED, 3, "full"), ("o", "black", 9, "none")]


def plot_first_steps(steps: pd.DataFrame) -> Figure:
    """Draw how far the first step of each optimizer (a column) moves the weights of each layer, input first."""
    figure, ax = plt.subplots(figsize=(9, 3.4))
    for (name, sizes), style, colour in zip(steps.items(), ("s-", "o-"), (GREEN, RED), strict=True):
        label = f"{name}: largest / smallest = {sizes.max() / sizes.min():.0f}"
        ax.plot(range(1, len(sizes) + 1), sizes, style, color=colour, label=label)
    ax.set(title="The first step in each layer of a U-Net", xlabel="layer, from the input to the output", yscale="log")
    ax.set_ylabel("mean size of the step")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return figure


def plot_rates(values: Mapping[str, Sequence[float]], run: pd.DataFrame, shaded: int, source: str) -> Figure:
    """Draw the rate at every step of several schedules, and the rates that a run recorded at the start of each epoch.

    The epoch `shaded` is marked, and `source` says whose function drew "poly".
    """
    figure, ax = plt.subplots(figsize=(9, 3.4))
    length = len(values["poly"]) / len(run)
    for schedule, rates in values.items():
        style, colour = SCHEDULES[schedule]
        ax.plot(rates, style, color=colour, label=schedule)
    ax.plot((run["epoch"] - 1) * length, run["learning_rate"], "o", color="black", label="your run")
    ax.axvspan((shaded - 1) * length, shaded * length, color="#EEEEEE", zorder=0, label=f"epoch {shaded}")
    ax.set(title=f"Learning rate over the run ({source})", xlabel="step", ylabel="learning rate")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def plot_schedules(runs: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the validation IoU of one run for each schedule, by epoch, and name where it ends."""
    figure, ax = plt.subplots(figsize=(9, 3.4))
    for schedule, history in runs.items():
        style, colour = SCHEDULES[schedule]
        label = f"{schedule}: {history['val_score'].iloc[-1]:.2f} at the end"
        ax.plot(history["epoch"], history["val_score"], style, color=colour, label=label)
    ax.set(title="The same run with three schedules", xlabel="epoch", ylabel="validation IoU", ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(frameon=False, loc="lower right")
    return figure


def plot_finder(found: pd.DataFrame, chosen: float) -> Figure:
    """Draw the smoothed loss over a rising learning rate (the index), a curve for each seed, and the rate chosen.

    The lowest point of each curve is marked.
    """
    figure, ax = plt.subplots(figsize=(9, 3.4))
    for seed, colour, marker in zip(found, (BLUE, ORANGE, RED), "osD", strict=True):
        lowest = found[seed].idxmin()
        ax.plot(found[seed], color=colour, linewidth=1.3)
        ax.plot(lowest, found[seed][lowest], marker, color=colour, label=f"seed {seed}: lowest at {lowest:.2g}")
    ax.axvline(chosen, color=GREEN, linestyle=":", label=f"our peak: {chosen:g}")
    title = "Learning-rate finder with three seeds (mean of 5 steps)"
    ax.set(title=title, xlabel="learning rate", ylabel="training loss", xscale="log")
    ax.legend(frameon=False)
    return figure


def plot_patience(score: pd.Series, stops: Mapping[int, tuple[int, float]]) -> Figure:
    """Draw the score by epoch, and for each patience where it stops and the best score that it keeps."""
    figure, ax = plt.subplots(figsize=(9, 3.4))
    ax.plot(score, color=GREY)
    for (patience, (epoch, kept)), marker in zip(stops.items(), "osD^", strict=False):
        ax.plot(epoch, score[epoch], marker, markersize=9, label=f"patience {patience}: keeps {kept:.2f}")
    ax.set(title="Where each patience stops, and the best IoU it keeps", xlabel="epoch", ylabel="validation IoU")
    ax.set_ylim(0, None)
    ax.legend(frameon=False, loc="lower right")
    return figure


def plot_resumed(steps: pd.DataFrame, endings: Mapping[str, pd.DataFrame], source: str) -> Figure:
    """Draw loss, rate and weights of a whole run (a row a step), and of its end, resumed in up to three ways.

    The weights are drawn as their distance from those of the whole run; `source` says with whose code.
    """
    figure, axes = plt.subplots(1, 3, figsize=(10.4, 3.4))
    for (title, end), (style, colour, size, fill) in zip(endings.items(), ENDINGS, strict=False):
        expected = np.stack(steps["weights"][end.index])
        away = np.linalg.norm(np.stack(end["weights"]) - expected, axis=1) / np.linalg.norm(expected, axis=1)
        look = {"color": colour, "markersize": size, "fillstyle": fill, "zorder": 12 - size}
        for ax, values in zip(axes, (end["rate"], end["loss"], 100 * away), strict=True):
            ax.plot(end.index, values, style, label=f"resumed: {title}", **look)
    shown = steps.loc[end.index[0] - 10 :]
    for ax, name in zip(axes, ("rate", "loss"), strict=False):
        ax.plot(shown.index, shown[name], color=BLUE, linewidth=13, alpha=0.35, label="never interrupted", zorder=-1)
    titles = ("Learning rate", "Training loss", "Distance of weights (% of their length)")
    for ax, title in zip(axes, titles, strict=True):
        ax.axvline(end.index[0] - 0.5, color=LIGHT, linestyle=":")
        ax.set(title=title, xlabel="step")
    axes[2].set_xlim(axes[1].get_xlim())
    figure.legend(*axes[1].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=4)
    figure.suptitle(f"Cut at the dotted line, and resumed ({source})")
    return figure


def plot_cut(whole: pd.Series, resumed: pd.Series, cut: int) -> Figure:
    """Draw the score by epoch of a run that nobody disturbed, and of one that was cut after an epoch and went on."""
    figure, ax = plt.subplots(figsize=(9, 2.8))
    ax.plot(whole, color=GREEN, linewidth=6, alpha=0.35, label="undisturbed")
    ax.plot(resumed[:cut], "o-", color=GREEN, label="until it was cut", zorder=3)
    later = {"markevery": slice(1, None), "markerfacecolor": "white"}  # the first point belongs to the run that was cut
    ax.plot(resumed[cut - 1 :], "o--", color=GREEN, label="resumed", **later)
    ax.axvline(cut + 0.5, color=RED)
    ax.set(title="The same run with and without an interruption", xlabel="epoch", ylabel="validation IoU")
    ax.legend(frameon=False)
    return figure


def plot_peaks(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the training loss and the validation IoU of up to four runs by their name, and name where they end."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2))
    for (name, history), style in zip(histories.items(), (":", "-", "--", "-."), strict=False):
        for ax, column in zip(axes, ("train_loss", "val_score"), strict=True):
            ax.plot(
                history["epoch"], history[column], style, label=f"{name}: {history[column].iloc[-1]:.2f} at the end"
            )
    axes[0].set(title="Training loss", xlabel="epoch", ylabel="loss", ylim=(0, None))
    axes[1].set(title="Validation IoU", xlabel="epoch", ylabel="IoU", ylim=(0, 1))
    axes[1].legend(frameon=False)
    return figure

"""Figures of notebook 8 about steps: optimizers, learning rates, when to stop, and a run that is resumed."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from utils.plots import BLUE, GREEN, GREY, ORANGE, RED

LIGHT = "#BBBBBB"


def plot_valley(paths: Mapping[str, np.ndarray]) -> Figure:
    """Draw the paths (steps, 2) of optimizers through the valley x² / 2 + 10 y², whose lowest point is a star."""
    x, y = np.meshgrid(np.linspace(-4.5, 1.5, 80), np.linspace(-1.5, 1.5, 60))
    figure, ax = plt.subplots(figsize=(9, 3.4))
    ax.contour(x, y, x**2 / 2 + 10 * y**2, levels=12, colors=LIGHT, linewidths=1)
    for (name, path), style, colour in zip(paths.items(), ("o-", "s--"), (BLUE, ORANGE), strict=True):
        ax.plot(*path.T, style, color=colour, markersize=4, label=name)
        ax.plot(*path[-1], style[0], color=colour, markersize=11, markeredgecolor="black", zorder=3)
    ax.plot(0, 0, "k*", markersize=14, zorder=4)
    ax.set_title(f"{len(path)} steps towards the star, up to the large markers")
    ax.set(xlabel="weight 1: flat", ylabel="weight 2: steep")
    ax.legend(frameon=False)
    return figure


def plot_powers(curves: Mapping[float, Sequence[float]], source: str) -> Figure:
    """Draw polynomial schedules by their power, as shares of the peak; `source` says whose function drew them."""
    figure, ax = plt.subplots(figsize=(9, 2.9))
    for (power, curve), style in zip(curves.items(), (":", "-", "--"), strict=True):
        ax.plot(curve, style, label=f"power {power}")
    ax.set(title=f"The power bends the line ({source})", xlabel="step of 100", ylabel="share of the peak")
    ax.legend(frameon=False)
    return figure


def plot_rates(courses: Mapping[str, Sequence[float]], steps: Sequence[int], rates: Sequence[float]) -> Figure:
    """Draw the rate at every step of several schedules, and the rates that a run recorded at some steps."""
    figure, ax = plt.subplots(figsize=(9, 3.2))
    for (schedule, course), style in zip(courses.items(), ("-", "--", "-.", ":"), strict=True):
        ax.plot(course, style, label=schedule)
    ax.plot(steps, rates, "o", color=RED, label="your run")
    ax.set(title="Learning rate over the run", xlabel="step", ylabel="learning rate")
    ax.legend(frameon=False)
    return figure


def plot_finder(found: pd.DataFrame, smooth: pd.Series, chosen: float) -> Figure:
    """Draw the loss over a rising learning rate, as measured and smoothed, its lowest point and the rate chosen."""
    rate = found["learning_rate"]
    lowest = rate[smooth.idxmin()]
    figure, ax = plt.subplots(figsize=(9, 3.2))
    ax.plot(rate, found["loss"], color=LIGHT, label="loss of each batch")
    ax.plot(rate, smooth, color=BLUE, label="mean of 5")
    ax.axvline(lowest, color=RED, linestyle="--", label=f"lowest: {lowest:.2g}")
    ax.axvline(chosen, color=GREEN, linestyle=":", label=f"the config's peak: {chosen:g}")
    ax.set(title="Learning-rate finder", xlabel="learning rate", ylabel="training loss", xscale="log")
    ax.legend(frameon=False)
    return figure


def plot_patience(score: pd.Series, stops: Mapping[int, tuple[int, float]]) -> Figure:
    """Draw the score by epoch, and for each patience where it stops and the best score that it keeps."""
    figure, ax = plt.subplots(figsize=(9, 3.4))
    ax.plot(score, color=GREY)
    for (patience, (epoch, kept)), marker in zip(stops.items(), "osD^", strict=True):
        ax.plot(epoch, score[epoch], marker, markersize=9, label=f"patience {patience}: keeps {kept:.2f}")
    ax.set(title="Where each patience stops, and the best IoU it keeps", xlabel="epoch", ylabel="validation IoU")
    ax.set_ylim(0, 1)
    ax.legend(frameon=False, loc="lower right")
    return figure


def plot_resumed(
    whole: Sequence[tuple[float, float]], endings: Mapping[str, Sequence[tuple[float, float]]], source: str
) -> Figure:
    """Draw (loss, rate) of each step of a whole run, and of its end, resumed in two ways; `source`: with whose code."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
    for i, (ax, name) in enumerate(zip(axes, ["training loss", "learning rate"], strict=True)):
        ax.plot([row[i] for row in whole], color=BLUE, label="never interrupted")
        for (title, rows), style, colour in zip(endings.items(), ("o", "s--"), (GREEN, RED), strict=True):
            steps = range(len(whole) - len(rows), len(whole))
            ax.plot(steps, [row[i] for row in rows], style, color=colour, markersize=4, label=f"resumed: {title}")
        ax.axvline(steps[0] - 0.5, color=LIGHT, linestyle=":")
        ax.set(title=name.capitalize(), xlabel="step", ylabel=name)
    late = [loss for rows in (whole[steps[0] - 10 :], *endings.values()) for loss, _ in rows]
    axes[0].set(xlim=(steps[0] - 10, None), ylim=(0.9 * min(late), 1.1 * max(late)))  # where the difference is
    axes[0].legend(frameon=False)
    figure.suptitle(source)
    return figure


def plot_wrong_rates(histories: Mapping[float, pd.DataFrame]) -> Figure:
    """Draw the training loss and the validation IoU of runs by their learning rate."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2))
    for (rate, history), style in zip(histories.items(), (":", "-", "--"), strict=True):
        best = history["val_score"].max()
        axes[0].plot(history["epoch"], history["train_loss"], style, label=f"rate {rate:g}")
        axes[1].plot(history["epoch"], history["val_score"], style, label=f"rate {rate:g}: best {best:.2f}")
    axes[0].set(title="Training loss", xlabel="epoch", ylabel="loss")
    axes[1].set(title="Validation IoU", xlabel="epoch", ylabel="IoU", ylim=(0, 1))
    for ax in axes:
        ax.legend(frameon=False)
    return figure

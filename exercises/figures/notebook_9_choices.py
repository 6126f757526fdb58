"""Figures of notebook 9 about decisions: how sure a network is, which threshold it gets, and what other sizes bring."""

from collections.abc import Mapping, Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from exercises.figures.notebook_9 import WIDTH, add_frame, show
from utils.plots import BLUE, GREY, RED, Palette, blend, colour_mask, legend


def plot_confidence(painted: np.ndarray, confidence: np.ndarray, wrong: np.ndarray, bins: pd.DataFrame) -> Figure:
    """Show a prediction, its confidence, float (H, W), its errors, bool (H, W), and what the confidence is worth.

    bins: columns "sure" and "right", the mean confidence and the share of right pixels, a row for each level.
    """
    figure, grid = plt.subplots(2, 2, figsize=(8.4, 8.4))
    axes = grid.ravel()
    show(axes[0], painted, "prediction")
    axes[1].imshow(confidence, cmap="gray", vmin=0.3, vmax=1)
    axes[2].imshow(~wrong, cmap="gray", vmin=0, vmax=1)
    for ax, title in zip(axes[1:3], ("confidence (dark: low)", "errors (black)"), strict=True):
        ax.set_title(title)
        ax.axis("off")
    draw_promise(axes[3], bins, "Right, by confidence")
    return figure


def draw_promise(ax: Axes, bins: pd.DataFrame, title: str) -> None:
    """Draw the share of right pixels at each level of confidence, a bar, and the line of kept promises."""
    ax.bar(bins["sure"], bins["right"], width=0.07, color=BLUE, edgecolor="black", label="measured")
    ax.plot([0, 1], [0, 1], "--", color=RED, label="a kept promise")
    ax.set(title=title, xlabel="mean confidence", ylabel="share of pixels that are right")
    ax.set(xlim=(0.2, 1.04), ylim=(0, 1.04))
    for level in bins.itertuples():
        ax.text(level.sure, level.right - 0.03, f"{level.right:.2f}", ha="center", va="top", size=7, color="white")
    ax.legend(frameon=False, loc="upper left", fontsize=9)


def plot_calibration(versions: Mapping[str, pd.DataFrame]) -> Figure:
    """Show side by side how many pixels are right at each level of confidence, with the share in each bar."""
    figure, axes = plt.subplots(1, len(versions), figsize=(4.2 * len(versions), 3.8), sharey=True)
    for ax, (title, bins) in zip(axes, versions.items(), strict=True):
        draw_promise(ax, bins, title)
    return figure


def plot_thresholds(sweep: pd.DataFrame, costs: Mapping[str, pd.Series], name: str) -> Figure:
    """Draw precision, recall and IoU of a class over the threshold, and what the errors cost at several prices.

    sweep: a row for each threshold, a column for each score. costs: for each price, a cost for each threshold; the best
    one is marked.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.7))
    for score, style in zip(sweep, ("-", "--", ":"), strict=True):
        left.plot(sweep.index, sweep[score], style, label=score.replace("iou", "IoU"))
    left.set(title=f"'{name}' against the rest", xlabel="threshold", ylabel="score", ylim=(0, 1.02))
    left.legend(frameon=False)
    for (price, cost), style in zip(costs.items(), cycle(("-", "--", ":", "-.")), strict=False):
        (line,) = right.plot(cost.index, 100 * cost, style, label=price)
        right.plot(cost.idxmin(), 100 * cost.min(), "o", ms=10, color=line.get_color(), mec="black")
        right.annotate(f"{cost.idxmin():.2f}", (cost.idxmin(), 100 * cost.min()), (6, 8), textcoords="offset points")
    right.set(title="What the errors cost (dot: the cheapest threshold)", xlabel="threshold")
    right.set(ylabel="cost for every 100 pixels", ylim=(0, None))
    right.legend(frameon=False)
    return figure


def plot_at_thresholds(
    image: np.ndarray, chance: np.ndarray, thresholds: list[float], name: str, colour: Sequence[int], truth: np.ndarray
) -> Figure:
    """Show the pixels that pass each threshold in a colour over the pale image: uint8 (H, W, 3) and float (H, W).

    truth: bool (H, W), whose outlines are drawn in black. The second row enlarges the framed middle.
    """
    figure, axes = plt.subplots(2, len(thresholds), figsize=(8.4, 2 * 8.4 / len(thresholds) + 0.5))
    middle = tuple(slice(n * 3 // 8, n * 5 // 8) for n in truth.shape)
    for whole, closer, threshold in zip(*axes, thresholds, strict=True):
        found = chance >= threshold
        painted = blend(pale(image), np.full_like(image, colour), found, opacity=0.6)
        show(whole, painted, f"{name} from {threshold:.2f} on:\n{found.mean():.0%} of the image")
        add_frame(whole, middle)
        show(closer, painted[middle], "")
        for ax, part in ((whole, truth), (closer, truth[middle])):
            ax.contour(part, [0.5], colors="black", linewidths=0.8)
    return figure


def pale(image: np.ndarray) -> np.ndarray:
    """Return an image, uint8 (H, W, 3), in pale grey, so that colours over it stand out."""
    grey = image.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return (255 - (255 - grey) * 0.4).astype(np.uint8)


def plot_sizes(
    image: np.ndarray, masks: Mapping[float, np.ndarray], curve: pd.Series, classes: Sequence[str], palette: Palette
) -> Figure:
    """Show the upper right quarter of an image, uint8 (H, W, 3), and of its masks by size, and a score by size."""
    figure = plt.figure(figsize=(8.6, 5.3), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[6, 5])
    quarter = np.s_[: image.shape[0] // 2, image.shape[1] // 2 :]
    axes = above.subplots(1, 1 + len(masks))
    show(axes[0], image[quarter], "image")
    for ax, (size, mask) in zip(axes[1:], masks.items(), strict=True):
        show(ax, colour_mask(mask[quarter], palette), f"seen at size {size:g}")
    legend(figure, classes, palette)
    ax = below.subplots()
    ax.plot(curve.index, curve, "o-", color=BLUE)
    for size, score in curve.items():
        ax.annotate(f"{score:.3f}", (size, score), (0, 9), textcoords="offset points", ha="center")
    ax.set(title="One size is seen best", xlabel="size at which the images are looked at (1: their own)")
    ax.set(ylabel="validation IoU", xticks=list(curve.index))
    ax.margins(x=0.06, y=0.25)
    return figure


def plot_action(table: pd.DataFrame, chosen: float) -> Figure:
    """Draw validation scores over the size below which regions are removed: a column a score, a row a size."""
    figure, ax = plt.subplots(figsize=(8.4, 3.6))
    for score, style in zip(table, ("o-", "s--"), strict=True):
        ax.plot(table.index, table[score], style, label=score)
        for size, side in {table.index[0]: 1, chosen: -1}.items():  # left of the chosen size the lines leave room
            up = 1 if table[score][size] >= table.loc[size].mean() else -1
            text = f"{table[score][size]:.3f}", (size, table[score][size]), (6 * side, 7 * up)
            words = {"ha": "left" if side > 0 else "right", "va": "bottom" if up > 0 else "top"}
            ax.annotate(*text, textcoords="offset points", **words)
    ax.margins(y=0.12)
    ax.axvline(chosen, color=GREY, lw=1)
    ax.set(title="Regions that are too small to be true, removed", ylabel="mean IoU")
    ax.set(xlabel="regions of fewer pixels than this are removed")
    ax.legend(frameon=False)
    return figure

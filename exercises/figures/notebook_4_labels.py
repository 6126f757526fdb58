"""Figures of notebook 4 about labels: whether a mask fits, and what a network learns from masks that do not."""

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal, Stroke

from utils.images import IGNORE_INDEX
from utils.plots import BLUE, GREY, ORANGE, Palette, colour_mask, legend, overlay, show_images

PALE = 190  # the grey of an ignored pixel, where white already means something else


def plot_two_outlines(image: np.ndarray, outlines: Mapping[str, tuple], truth: np.ndarray | None = None) -> Figure:
    """Draw two outlines on an enlarged image uint8 (H, W, 3) with a grid, and beside it the pixels of one of them only.

    Args:
        image: what was labelled.
        outlines: for each of two annotators the corners [[x, y], ...] and the mask of zeros and ones (H, W).
        truth: the true mask of zeros and ones (H, W); if it is given, its edge is drawn as well.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10.2, 5.6))
    (_, first), (_, second) = outlines.values()
    axes[0].imshow(image, interpolation="nearest")
    for (name, (corners, _)), colour in zip(outlines.items(), (BLUE, ORANGE), strict=True):
        twice = [Stroke(linewidth=6, foreground="white"), Normal()]
        axes[0].plot(*zip(*corners, corners[0], strict=True), "o-", color=colour, lw=3, path_effects=twice, label=name)
    if truth is not None:
        axes[0].contour(truth, [0.5], colors="black", linewidths=2, linestyles="dashed")
        axes[0].plot([], [], "--", color="black", lw=2, label="the true edge")
    kinds = dict(zip(("both", *outlines), (GREY, BLUE, ORANGE), strict=True))
    wheres = ((first & second) > 0, first > second, second > first)
    picture = np.full(image.shape, 255, dtype=np.uint8)
    for where, colour in zip(wheres, kinds.values(), strict=True):
        picture[where] = np.array(to_rgb(colour)) * 255
    axes[1].imshow(picture, interpolation="nearest")
    for ax in axes:
        ax.set_xticks(range(0, image.shape[1], 4))
        ax.set_yticks(range(0, image.shape[0], 4))
        ax.grid(color="black", alpha=0.25, lw=0.8)
        ax.set(xlabel="x in pixels", ylabel="y in pixels")
    axes[0].set_title("the corners that the two chose")
    axes[1].set_title("the pixels that they filled")
    only = [Patch(color=colour, label=name if name == "both" else f"{name} only") for name, colour in kinds.items()]
    figure.legend(
        handles=[*axes[0].lines, *only], loc="outside lower center", ncols=6, frameon=False, columnspacing=1.2
    )
    return figure


def plot_moved_scores(scores: Mapping[str, Sequence[float]], classes: Sequence[str]) -> Figure:
    """Draw groups of bars, one group for each class: the IoU (C,) under each name.

    Scores of several runs (runs, C) become one bar, their mean, with a dot for each run. A class without IoU gets no
    bar, and what rounds to 0.00 is written as 0, so that neighbours do not run together.
    """
    figure, ax = plt.subplots(figsize=(10.2, 3.9))
    wide, colours = 0.8 / len(scores), (GREY, BLUE, ORANGE)
    for number, (name, values) in enumerate(scores.items()):
        runs = np.atleast_2d(np.asarray(values, dtype=float))
        means = runs.mean(axis=0)
        places = np.arange(len(classes)) + (number - (len(scores) - 1) / 2) * wide
        ax.bar(places, means, wide, color=colours[number], edgecolor="black", label=name)
        if len(runs) > 1:
            ax.plot(np.tile(places, len(runs)), runs.ravel(), "o", ms=5, mfc="white", mec="black", clip_on=False)
        for place, mean, top in zip(places, means, runs.max(axis=0), strict=True):
            if mean == mean:
                ax.text(place, top + 0.04, f"{mean:.2f}".replace("0.00", "0"), ha="center", size=9)
    ax.set_xticks(range(len(classes)), classes)
    ax.set(ylabel="IoU with the clean masks", ylim=(0, 1.12))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def plot_learned(
    image: np.ndarray, masks: Mapping[str, np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show an image and what networks made of it, and below them one part of the right mask and of each prediction.

    The part is where the second network errs most about class 1 and the first is right. Frames show its place, and a
    thin white line on it where the large regions of class 1 end in the right mask, whose ignored pixels are grey.

    Args:
        image: uint8 (H, W, 3).
        masks: class ids (H, W), each under its name; the first one counts as right.
        classes: their names.
        palette: their colours.
    """
    (first, right), *predictions = ((name, np.asarray(mask)) for name, mask in masks.items())
    ignored = right == IGNORE_INDEX
    wrong = [mask != right for _, mask in predictions]
    truth = np.where(ignored[..., None], PALE, colour_mask(right, palette)).astype(np.uint8)
    predicted = [colour_mask(mask, palette) for _, mask in predictions]
    side = min(right.shape) * 2 // 5
    better, worse = (mask for _, mask in (predictions * 2)[:2])
    x, y = densest_square((better == right) & ((worse == 1) != (right == 1)), side)
    lines = lines_of(right == 1)
    here = np.s_[3 * y : 3 * (y + side), 3 * x : 3 * (x + side)]
    parts = [with_lines(picture, lines)[here] for picture in (truth, *predicted)]
    shares = (f"{name}\n{w[~ignored].mean():.0%} wrong" for (name, _), w in zip(predictions, wrong, strict=True))
    titles = ["the image", *(title.replace(" on ", " on\n") for title in shares), f"{first}, the framed part"]
    titles += [""] * len(predicted)
    figure = show_images([image, *predicted, *parts], titles, columns=len(masks), size=9.6 / len(masks))
    for ax in figure.axes[: len(masks)]:
        for colour, width in (("white", 4), ("black", 1.8)):
            ax.add_patch(Rectangle((x - 0.5, y - 0.5), side, side, fill=False, edgecolor=colour, lw=width))
    named = {**dict(zip(classes, palette, strict=True)), "ignored": (PALE,) * 3}
    handles = [Patch(facecolor=np.array(c) / 255, edgecolor="black", label=name) for name, c in named.items()]
    twice = [Stroke(linewidth=4, foreground="black"), Normal()]
    handles.append(Line2D([], [], color="white", lw=1.5, path_effects=twice, label=f"edge of the true {classes[1]}"))
    figure.legend(handles=handles, loc="outside lower center", ncols=10, frameon=False, columnspacing=0.9, fontsize=9)
    return figure


def densest_square(where: np.ndarray, side: int) -> tuple[int, int]:
    """Return the upper left corner (x, y) of the square of `side` pixels that holds most of a region, bool (H, W)."""
    total = np.pad(where, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    inside = total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]
    y, x = np.unravel_index(inside.argmax(), inside.shape)
    return int(x), int(y)


def lines_of(where: np.ndarray) -> list[np.ndarray]:
    """Return the outlines of the large parts of a region, bool (H, W), for a picture that is three times as large."""
    whole = cv2.morphologyEx(where.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15)))
    large = cv2.resize(whole, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST_EXACT)
    lines = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)[0]
    return [line for line in lines if cv2.contourArea(line) > large.size / 50]


def with_lines(picture: np.ndarray, lines: list[np.ndarray]) -> np.ndarray:
    """Enlarge a picture uint8 (H, W, 3) three times and draw lines on it, white between black."""
    large = cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST_EXACT)
    for colour, thickness in (((0, 0, 0), 5), ((255, 255, 255), 2)):
        cv2.drawContours(large, lines, -1, colour, thickness)
    return large


def plot_lookup(rows: Mapping[str, tuple], classes: Sequence[str], palette: Palette) -> Figure:
    """Show how a mask is looked up, a row for each question.

    Args:
        rows: for each name the image that was asked, its neighbour in training, the neighbour's mask, and its IoU with
            the mask of the image that was asked.
        classes: their names.
        palette: their colours.
    """
    figure, axes = plt.subplots(len(rows), 3, figsize=(6.6, 2.6 * len(rows) + 0.5), squeeze=False, layout="constrained")
    for line, (name, (asked, found, copied, score)) in zip(axes, rows.items(), strict=True):
        pictures = (asked, found, overlay(asked, copied, palette))
        titles = (f"{name}: asked", "found in training", f"its mask, laid over the\nscene that asked: IoU {score:.2f}")
        for ax, picture, title in zip(line, pictures, titles, strict=True):
            ax.imshow(picture, interpolation="nearest")
            ax.set(title=title, xticks=[], yticks=[])
    figure.get_layout_engine().set(h_pad=0.1)
    legend(figure, classes, palette, ncols=3)
    return figure

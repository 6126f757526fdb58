"""Figures of notebook 7 about scores: sets of pixels as areas, counts in a table, and the scores of single images."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from scipy import ndimage
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import BLUE, ORANGE, RED, Palette, blend, colour_mask, to_array

OVERLAP, REST = (230, 159, 0), (160, 205, 235)  # orange and light blue, told apart by every eye
FOUND = "darkred"  # an outline that stands out from orange, light blue and white
STYLES = ("-", "--", "-.", ":")


def without_total(table: pd.DataFrame) -> pd.DataFrame:
    """Round a table of scores, and empty the cell in which its row of means holds the sum of all shares of pixels."""
    shares = [f"{share:.3f}" for share in table["pixels"].drop("mean")]
    return table.round(3).assign(pixels=[*shares, ""])


def paint(whole: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Paint a region light blue and a part of it orange: two bool (H, W) -> uint8 (H, W, 3)."""
    picture = np.full((*whole.shape, 3), 255, dtype=np.uint8)
    picture[whole], picture[part] = REST, OVERLAP
    return picture


def outline(ax: Axes, region: np.ndarray, colour: str, style: str, width: float = 2.2) -> None:
    """Draw the outline of a region, bool (H, W), along the edges of its pixels."""
    fine = np.pad(region, 1).repeat(8, axis=0).repeat(8, axis=1)
    rows, columns = (np.arange(n) / 8 - 1.5 + 1 / 16 for n in fine.shape)
    ax.contour(columns, rows, fine, [0.5], colors=colour, linestyles=style, linewidths=width)


def plot_two_maps(image: Tensor, truth: Tensor, maps: Mapping[str, Tensor], name: str = "car") -> Figure:
    """Show an image with one class outlined, and maps of that class, bool (H, W), with their patches numbered."""
    rows = 1 if len(maps) < 3 else 2
    columns = -(-(1 + len(maps)) // rows)
    figure, axes = plt.subplots(rows, columns, figsize=(8, 0.6 + rows * (0.4 + 8 / columns)))
    picture, truth = to_array(image), to_array(truth)
    for ax, (title, found) in zip(axes.flat, {"what is there": None, **maps}.items(), strict=True):
        painted = np.full_like(picture, OVERLAP)
        ax.imshow(picture if found is None else blend(picture, painted, to_array(found), 0.75), interpolation="nearest")
        outline(ax, truth, "white", *(("-", 2.2) if found is None else (":", 1.2)))
        ax.set_title(title)
        ax.axis("off")
        if found is not None:
            number_patches(ax, to_array(found), truth)
    dark = {"facecolor": "dimgrey", "edgecolor": "white"}
    patches = [
        Patch(**dark, lw=2, label=f"a {name}"),
        Patch(**dark, lw=1.2, ls=":", label=f"the same {name}, to compare"),
        Patch(facecolor=np.array(OVERLAP) / 255, label=f"what the map calls {name}"),
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=3, facecolor="silver", handleheight=1.3)
    return figure


def number_patches(ax: Axes, found: np.ndarray, truth: np.ndarray, most: int = 30) -> None:
    """Number each patch of a mask (H, W), and call "missed" what no patch touches, where there are at most `most`."""
    things = ndimage.label(truth)[0]
    numbered = ndimage.find_objects(ndimage.label(found)[0])
    missed = [place for i, place in enumerate(ndimage.find_objects(things), 1) if not found[things == i].any()]
    words = [(str(number), place) for number, place in enumerate(numbered, 1)]
    words += [("missed", place) for place in missed if numbered]
    for text, (rows, columns) in words if len(words) <= most else []:
        edge = 0.02 + 0.01 * len(text)
        middle = np.clip((columns.start + columns.stop - 1) / 2, edge * len(found[0]), (1 - edge) * len(found[0]))
        written = ax.text(middle, rows.start - 1, text, ha="center", va="bottom", weight="bold", clip_on=True)
        written.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def plot_iou_shapes(truth: Tensor, predictions: Mapping[str, Tensor]) -> Figure:
    """Draw each prediction over the truth, and below it the overlap over the union as a fraction of two shapes."""
    figure, axes = plt.subplots(2, len(predictions), figsize=(9.6, 5.6), height_ratios=[1, 1.5])
    truth = to_array(truth).astype(bool)
    places = np.argwhere(np.any([truth, *map(to_array, predictions.values())], axis=0))
    rows, columns = (slice(low, high + 1) for low, high in zip(places.min(axis=0), places.max(axis=0), strict=True))
    for (name, prediction), above, below in zip(predictions.items(), *axes, strict=True):
        found = to_array(prediction).astype(bool)
        both, either = truth & found, truth | found
        above.imshow(paint(either, both))
        outline(above, truth, "black", "-")
        outline(above, found, FOUND, "--")
        for edge in range(columns.start, columns.stop + 1):
            above.vlines(edge - 0.5, rows.start - 0.5, rows.stop - 0.5, color="grey", lw=0.4)
        for edge in range(rows.start, rows.stop + 1):
            above.hlines(edge - 0.5, columns.start - 0.5, columns.stop - 0.5, color="grey", lw=0.4)
        above.set_title(name, size=13)
        above.set(xlim=(columns.start - 1, columns.stop), ylim=(rows.stop, rows.start - 1))
        parts = [paint(whole, both)[rows, columns] for whole in (both, both, either)]
        height, width = parts[0].shape[:2]
        parts[1] = np.full((1, width, 3), 255, dtype=np.uint8)  # room for the line of the fraction
        below.imshow(np.vstack(parts))
        below.plot([-0.5, width - 0.5], [height] * 2, color="black", lw=2.5)
        result = f"= {both.sum()} / {either.sum()}\n= {both.sum() / either.sum():.2f}"
        below.text(width + 0.2, height, result, size=15, va="center")
        for word, place in (("overlap", -0.6), ("union", 2 * height + 1.2)):
            below.text(width / 2 - 0.5, place, word, ha="center", va="center", size=12)
        below.set(xlim=(-0.5, width + 10), ylim=(2 * height + 2, -1.5))
        for ax in (above, below):
            ax.axis("off")
    figure.suptitle("Truth: solid black outline. Prediction: dashed red outline. Overlap: orange. Only in one: blue.")
    return figure


def plot_counting(truth: Tensor, prediction: Tensor, matrix: Tensor, focus: int) -> Figure:
    """Show two small masks with their ids, and their confusion matrix with the row and column of one class framed."""
    figure, axes = plt.subplots(1, 3, figsize=(9.4, 3.4), width_ratios=[1, 1, 1.6])
    for ax, grid, title in zip(
        axes, (truth, prediction, matrix), ("truth", "prediction", "confusion matrix"), strict=True
    ):
        counts = grid is matrix
        hidden = torch.zeros_like(grid, dtype=torch.bool) if counts else truth == IGNORE_INDEX
        values = grid.float().where(~hidden, torch.nan)
        ax.imshow(values, cmap="Greys" if counts else "Blues", vmin=0, vmax=6 if counts else 3.5, aspect="auto")
        for row, values in enumerate(grid.tolist()):
            for column, value in enumerate(values):
                word = "ignored" if value == IGNORE_INDEX else f"({value})" if hidden[row, column] else str(value)
                if counts and value and focus in (row, column):
                    wrong = f"\nmiss, false\nalarm of {column}" if row == focus else f"\nfalse alarm,\nmiss of {row}"
                    word += "\nhit" if row == column else wrong
                ax.text(column, row, word, ha="center", va="center", size=10 if "\n" in word else 14)
        ax.set(title=title, xticks=[], yticks=[], facecolor="silver")  # seen where a pixel is ignored
    last, n = axes[2], len(matrix)
    last.set(xticks=range(n), yticks=range(n), xlabel="predicted class", ylabel="true class")
    row, column = (-0.47, focus - 0.47), (focus - 0.47, -0.47)
    last.add_patch(plt.Rectangle(row, n - 0.06, 0.94, fill=False, ec=BLUE, lw=3))
    last.add_patch(plt.Rectangle(column, 0.94, n - 0.06, fill=False, ec=RED, lw=3, ls="--"))
    return figure


def plot_image_scores(shares: Tensor, ious: Tensor, levels: Mapping[str, float], name: str) -> Figure:
    """Draw the IoU of one class in every image over its share of that image, and the two summaries as lines."""
    figure, ax = plt.subplots(figsize=(8, 3.4))
    points = 100 * shares[~ious.isnan()], ious[~ious.isnan()]
    ax.scatter(*points, s=70, color=BLUE, alpha=0.6, edgecolor="black", zorder=3, label="one image")
    places, counts = torch.stack(points).unique(dim=1, return_counts=True)
    for place, count in zip(places.T.tolist(), counts.tolist(), strict=True):
        if count > 1:
            ax.annotate(f"{count} images", place, (10, 0), textcoords="offset points", va="center")
    for (level, value), style, colour in zip(levels.items(), ("-", "--"), (ORANGE, RED), strict=True):
        ax.axhline(value, ls=style, color=colour, label=f"{level}: {value:.2f}")
    ax.set(title=f"IoU of '{name}' in each validation image", ylabel="IoU", ylim=(-0.04, 1.04))
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xlim(-0.1, 110)
    ticks = [0, 0.1, 0.5, 1, 10, 100]
    ax.set(xlabel=f"share of the image that is {name} (%)", xticks=ticks, xticklabels=map(str, ticks))
    ax.legend(frameon=False, loc="lower right")
    return figure


def plot_ap(curve: np.ndarray, ap: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Draw, for each class, the share of images that reach each IoU threshold."""
    figure, ax = plt.subplots(figsize=(8, 3.4))
    for index, name in enumerate(classes):
        colour, style = np.array(palette[index]) / 255 * 0.85, STYLES[index % len(STYLES)]
        label = f"{name}: AP {ap[index]:.2f}"
        ax.plot([i / 10 for i in range(11)], curve[:, index], "osD^vP"[index % 6] + style, color=colour, label=label)
    ax.set(title=f"How often is a class found well enough? Mean AP {np.nanmean(ap):.2f}")
    ax.set(xlabel="IoU threshold", ylabel="share of images that reach it", ylim=(-0.03, 1.05))
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=10)
    return figure


def plot_absent(
    pairs: Sequence[tuple[Tensor, Tensor]], ious: Tensor, classes: Sequence[str], palette: Palette
) -> Figure:
    """Show truth and prediction (H, W) of tiles beside the IoU of each class (tiles, C), NaN where it is absent."""
    n, across, down = len(pairs), min(len(classes), 7), -(-len(classes) // 7)  # many classes take several rows
    size = plt.rcParams["font.size"] / (1 if down == 1 else 1.4)
    figure, axes = plt.subplots(n, 3, figsize=(10.5, 2.15 * n), width_ratios=[1, 1, 3.4], squeeze=False)
    for (truth, prediction), scores, (left, middle, right) in zip(pairs, ious, axes, strict=True):
        for ax, mask, title in ((left, truth, "truth (white: ignored)"), (middle, prediction, "prediction")):
            ax.imshow(colour_mask(mask, palette), interpolation="nearest")
            ax.set_title(title)
        for c, (name, score, colour) in enumerate(zip(classes, scores.tolist(), palette, strict=True)):
            absent, (y, x) = score != score, divmod(c, across)
            edge, fill = ("lightgrey", "whitesmoke") if absent else (np.array(colour) / 255, "white")
            right.add_patch(plt.Rectangle((x + 0.05, y + 0.1), 0.9, 0.8, fc=fill, ec=edge, lw=3))
            words, ink = (f"{name}\nabsent: 1", "grey") if absent else (f"{name}\n{score:.2f}", "black")
            right.text(x + 0.5, y + 0.5, words, ha="center", va="center", color=ink, fontsize=size)
        right.set(xlim=(0, across), ylim=(down, 0), box_aspect=min(1.1 * down / across, 0.3))
        left_out, as_one = scores.nanmean(), scores.nan_to_num(1).mean()
        right.set_title(f"mean without absent classes {left_out:.2f}, with them {as_one:.2f}")
    for ax in axes.flat:
        ax.axis("off")
    return figure

"""Figures of notebook 9: the maps that a network draws, and the places where somebody should look again."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from exercises.page import DPI
from utils.images import IGNORE_INDEX
from utils.metrics import FAILURE, iou
from utils.plots import Palette, colour_mask, legend

WIDTH = 10.4  # inches: as wide as the page
FEW_COLOURS = 60  # a painted mask has one for each class
MISSED, EXTRA, FOUND = (0, 0, 0), (230, 30, 60), (165, 165, 165)  # black, red, grey: no class has these colours
HARD_TO_SEE = 0.005  # share of an image below which its errors are ringed
RINGS, INCHES_A_NAME = 3, 1.15  # at most, round the largest errors; what a class takes in a legend


class Case(NamedTuple):
    """An image, uint8 (H, W, 3), its true and its predicted mask, uint8 (H, W), and the id of the class that failed."""

    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    failed: int


class Square(NamedTuple):
    """A square part of a map: its upper left corner, its side in pixels, what to write into it, and if it is new."""

    y: int
    x: int
    side: int
    words: str
    new: bool = False


def plot_maps(maps: Mapping[str, np.ndarray], classes: Sequence[str] = (), palette: Palette = ()) -> Figure:
    """Show painted maps, uint8 (H, W, 3), side by side under their titles, with a legend where classes are given.

    All are drawn at one scale, so that a larger map is larger on the page as well.
    """
    height, width = max(m.shape[0] for m in maps.values()), sum(m.shape[1] for m in maps.values())
    inches = min(WIDTH, width * 1.15 / DPI)
    rows = math.ceil(len(classes) * INCHES_A_NAME / inches)  # of the legend
    figure, axes = plt.subplots(
        1, len(maps), figsize=(inches, inches * height / width + 0.4 + 0.3 * rows), squeeze=False,
        width_ratios=[m.shape[1] for m in maps.values()],
    )  # fmt: skip
    for ax, (title, painted) in zip(axes[0], maps.items(), strict=True):
        show(ax, painted, title)
        ax.set_ylim(height - 0.5, -0.5)
    if classes:
        legend(figure, classes, palette, ncols=math.ceil(len(classes) / rows))
    return figure


def show(ax: Axes, image: np.ndarray, title: str) -> None:
    """Show an image, uint8 (H, W, 3), or a mask in few colours, whose pixels stay sharp, without axes under a title."""
    few = len(np.unique(image.reshape(-1, 3)[::7], axis=0)) < FEW_COLOURS
    ax.imshow(image, interpolation="nearest" if few else None)
    ax.set_title(title)
    ax.axis("off")


def add_frame(ax: Axes, place: tuple[slice, slice], style: str = "-") -> None:
    """Frame a place of an image, rows and columns, in black on white, so that the line shows on every colour."""
    rows, columns = place
    corner, sides = (columns.start - 0.5, rows.start - 0.5), (columns.stop - columns.start, rows.stop - rows.start)
    ax.add_patch(plt.Rectangle(corner, *sides, fill=False, ec="white", lw=4.5))
    ax.add_patch(plt.Rectangle(corner, *sides, fill=False, ec="black", lw=2.2, ls=style))


def plot_strip(
    image: np.ndarray, mask: np.ndarray, place: tuple[slice, slice], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show the left half of a large image, uint8 (H, W, 3), and the right half of its predicted mask.

    Below them a place of it, rows and columns, is enlarged: as the network gets it, and as a map.
    """
    height, width = mask.shape
    painted = colour_mask(mask, palette)
    high, wide = painted[place].shape[:2]
    figure, axes = plt.subplot_mosaic(
        [["strip", "strip"], ["image", "map"]], height_ratios=[height / width, high / wide / 2],
        figsize=(7.6, 7.6 * (height / width + high / wide / 2) + 1),
    )  # fmt: skip
    show(axes["strip"], np.hstack([image[:, : width // 2], painted[:, width // 2 :]]), "")
    axes["strip"].axvline(width / 2 - 0.5, color="white", lw=4)
    axes["strip"].set_title("left half: what the network gets", loc="left")
    axes["strip"].set_title("right half: its map", loc="right")
    add_frame(axes["strip"], place)
    show(axes["image"], image[place], "the framed place, as the network gets it")
    show(axes["map"], painted[place], "and as a map")
    legend(figure, classes, palette)
    return figure


def paint_errors(case: Case) -> np.ndarray:
    """Paint what was missed, marked wrongly and found of the failed class on light grey: uint8 (H, W, 3)."""
    painted = np.full(case.image.shape, 238, dtype=np.uint8)
    true, marked = case.truth == case.failed, case.prediction == case.failed
    painted[true & ~marked], painted[true & marked] = MISSED, FOUND
    painted[marked & ~true & (case.truth != IGNORE_INDEX)] = EXTRA
    return painted


def find_specks(wrong: np.ndarray) -> tuple[list[float], list[float]]:
    """Return the places, x and y, of the largest groups of True in bool (H, W); pixels side by side are one group."""
    near = cv2.dilate(wrong.astype(np.uint8), np.ones((9, 9), np.uint8))
    count, groups = cv2.connectedComponents(near)
    pixels = sorted((np.argwhere(wrong & (groups == g)) for g in range(1, count)), key=len, reverse=True)[:RINGS]
    return [p[:, 1].mean() for p in pixels], [p[:, 0].mean() for p in pixels]


def plot_failures(cases: Mapping[str, Case], classes: Sequence[str], palette: Palette) -> Figure:
    """Show a row for each case under its heading: image, truth, prediction, and the errors of the failed class.

    Errors that are hard to see are ringed.
    """
    figure = plt.figure(figsize=(7.8, 2.7 * len(cases) + 0.8), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.06)  # between a heading and the titles below it
    rows = figure.subfigures(len(cases), 1, squeeze=False)[:, 0]
    for row, (heading, case) in zip(rows, cases.items(), strict=True):
        row.suptitle(heading, size=10)
        axes, errors = row.subplots(1, 4), paint_errors(case)
        wrong = (errors == MISSED).all(axis=2) | (errors == EXTRA).all(axis=2)
        if 0 < wrong.mean() < HARD_TO_SEE:
            axes[3].plot(*find_specks(wrong), "o", ms=30, mfc="none", mec="black", mew=2)
            errors = cv2.erode(errors, np.ones((3, 3), np.uint8))  # a pixel becomes nine: everything else is lighter
        masks = (colour_mask(mask, palette) for mask in (case.truth, case.prediction))
        titles = "image", "truth", "prediction", f"errors of '{classes[case.failed]}'"
        for ax, shown, title in zip(axes, (case.image, *masks, errors), titles, strict=True):
            show(ax, shown, title)
    legend(figure, classes, palette, loc="outside lower left", ncols=3, title="truth and prediction", fontsize=10)
    names = ("missed", "marked, but not there", "found")
    legend(figure, names, (MISSED, EXTRA, FOUND), loc="outside lower right", ncols=1, title="errors", fontsize=10)
    return figure


def failed_squares(mask: np.ndarray, truth: np.ndarray, side: int, classes: Sequence[str]) -> list[Square]:
    """Return the squares of a map, uint8 (H, W), in which classes have an IoU of 0.5 or less, with their names."""
    first = 1 if len(classes) == 2 else 0  # one foreground class is judged alone
    squares = []
    for y in range(0, mask.shape[0] - side + 1, side):
        for x in range(0, mask.shape[1] - side + 1, side):
            place = np.s_[y : y + side, x : x + side]
            ious = iou(*(torch.from_numpy(part[place]).long() for part in (mask, truth)), len(classes))
            bad = [classes[c] for c in range(first, len(classes)) if ious[c] <= FAILURE]
            if bad:
                squares.append(Square(y, x, side, "\n".join(bad)))
    return squares


def plot_squares(
    mask: np.ndarray, cleaned: np.ndarray, still: Sequence[Square], repaired: Sequence[Square],
    classes: Sequence[str], palette: Palette,
) -> Figure:  # fmt: skip
    """Show a map as predicted in two halves, the left one above, and frame squares of it, with what fails in them.

    Frames are solid where a class still fails in the cleaned map, dotted where it does not any more, with rings round
    what was removed of it, and dashed where it fails only there.
    """
    half, painted = mask.shape[1] // 2, colour_mask(mask, palette)
    figure, axes = plt.subplots(2, 1, figsize=(8.4, 2 * 8.4 * mask.shape[0] / half + 0.4))
    new = sum(square.new for square in still)
    axes[0].set_title(
        f"a class fails in {len(still)} squares ({len(still) - new} solid, {new} dashed and new); "
        f"{len(repaired)} are repaired (dotted)"
    )
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    for ax, left in zip(axes, (0, half), strict=True):
        show(ax, painted[:, left : left + half], ax.get_title())
        for square, style in [*((s, "--" if s.new else "-") for s in still), *((s, ":") for s in repaired)]:
            if left <= square.x < left + half:
                y, x, end = square.y, square.x - left, square.side - 5
                add_frame(ax, np.s_[y + 3 : y + end, x + 3 : x + end], style)
                if style == ":":
                    place = np.s_[y : y + square.side, square.x : square.x + square.side]
                    failed = np.isin(mask[place], [classes.index(name) for name in square.words.split("\n")])
                    xs, ys = find_specks(failed & (mask[place] != cleaned[place]))
                    for colour, width in (("white", 4.5), ("black", 2)):
                        ring = {"ms": 14, "mfc": "none", "mec": colour, "mew": width, "zorder": 5, "clip_on": False}
                        ax.plot(np.add(xs, x), np.add(ys, y), "o", **ring)
                ax.text(x + 8, y + 9, square.words, size=8.5, va="top", bbox=box, zorder=6)  # above the rings
    return figure

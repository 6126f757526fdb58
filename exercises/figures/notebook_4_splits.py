"""Figures of notebook 4 about splits: which towns leak, and what a leak is worth."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.plots import BLUE, GREEN, GREY, ORANGE

COLOURS = {"train": BLUE, "val": ORANGE, "test": GREEN}


def members_of(groups: Sequence[str]) -> dict[str, list[int]]:
    """Return the positions of the members of each group."""
    members = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    return dict(members)


def leaking(groups: Sequence[str], splits: Sequence[str]) -> list[str]:
    """Return the groups that are in more than one split."""
    return [group for group, found in members_of(groups).items() if len({splits[i] for i in found}) > 1]


def plot_splits(faces: Mapping[str, np.ndarray], groups: Sequence[str], ways: Mapping[str, Sequence[str]]) -> Figure:
    """Draw a column for each group: one of its images, and below it the split of each member, for each way to split.

    Args:
        faces: an image uint8 (h, w, 3) of each group that is to be shown.
        groups: the group of every item.
        ways: under the name of each way the split of every item.
    """
    members = members_of(groups)
    rows = min(12, max(len(members[group]) for group in faces))
    heights = [rows * 0.36 + (1 if number == 0 else 0.1) for number in range(len(ways))]
    size = (8.2, 8.2 / max(8, len(faces)) * sum(heights) + 0.75 * len(ways))
    figure, axes = plt.subplots(len(ways), 1, figsize=size, squeeze=False, height_ratios=heights)
    for ax, (name, splits) in zip(axes[:, 0], ways.items(), strict=True):
        leaks = leaking(groups, splits)
        for column, (group, face) in enumerate(faces.items()):
            draw_group(ax, column, face if ax is axes[0, 0] else None, [splits[i] for i in members[group][:rows]])
        top = -1 if ax is axes[0, 0] else -0.1  # the images stand above the first way only
        ax.set(xlim=(-0.5, len(faces) - 0.5), ylim=(rows * 0.36, top), aspect="equal", yticks=[])
        ax.set_xticks(range(len(faces)), ["LEAK" if group in leaks else "ok" for group in faces])
        sizes = ", ".join(f"{list(splits).count(split)} {split}" for split in COLOURS)
        ax.set_title(f"split {name}: {len(leaks)} of {len(members)} groups leak ({sizes})")
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    return figure


def draw_group(ax: Axes, column: int, face: np.ndarray | None, splits: Sequence[str]) -> None:
    """Draw the image of a group as a square, if there is one, and a named block for the split of each member."""
    if face is not None:
        square = cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA)
        ax.imshow(square, extent=(column - 0.46, column + 0.46, -0.04, -0.96), aspect="equal")
    for row, split in enumerate(splits):
        place = (column - 0.46, row * 0.36 + 0.02)
        ax.add_patch(Rectangle(place, 0.92, 0.32, facecolor=COLOURS[split]))
        colour = "black" if split == "val" else "white"
        ax.text(column, row * 0.36 + 0.18, split, ha="center", va="center", size=9, color=colour)


def plot_leak(result: Mapping[str, float]) -> Figure:
    """Draw the IoU that each way to test gives to one and the same model, as bars with their numbers."""
    figure, ax = plt.subplots(figsize=(9.5, 2.9))
    colours = [BLUE if "new" in name else ORANGE if "reported" in name else GREY for name in result]
    bars = ax.barh(list(result), list(result.values()), color=colours, edgecolor="black")
    ax.bar_label(bars, [f"{value:.2f}" for value in result.values()], padding=4)
    ax.invert_yaxis()
    ax.set(title="One model that cannot segment, tested in several ways", xlabel="mean IoU", xlim=(0, 1.1))
    return figure

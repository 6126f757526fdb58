"""Figures of notebook 5 about batches: what is in one, how it is padded, and which images meet in it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from utils.plots import GREEN, ORANGE, RED, Palette, colour_mask, legend, overlay, show_images, to_array

PLACES = 48  # of an epoch, as many as a figure can show apart
COLOURS = ("#56B4E9", ORANGE, GREEN, "#F0E442", "#CC79A7", RED, "#BBBBBB", "#8DA0E8", "#B98A5E", "#7FE0D0")


def plot_batch(images: Tensor, masks: Tensor, classes: Sequence[str], palette: Palette) -> Figure:
    """Show up to eight images of a batch with their masks laid over: uint8 (N, 3, H, W) and int64 (N, H, W)."""
    shown = [overlay(image, mask, palette, 0.35) for image, mask in list(zip(images, masks, strict=True))[:8]]
    figure = show_images(shown, columns=4, size=2.15)
    legend(figure, classes, palette)
    return figure


def plot_padded(
    images: Tensor, masks: Tensor, titles: Sequence[str], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show every image of a padded batch above its mask, on grey, where the white of what is ignored stands out."""
    pictures = [*images, *(colour_mask(mask, palette) for mask in masks)]
    figure = show_images(pictures, titles, columns=len(images), size=2.9)
    figure.set_facecolor("#DDDDDD")
    legend(figure, classes, palette, ignored=True)
    return figure


def plot_orders(rows: Mapping[str, Sequence[tuple[np.ndarray, str]]]) -> Figure:
    """Draw a row of images, each under its group, for every order in which they were taken: uint8 (H, W, 3)."""
    columns = max(map(len, rows.values()))
    figure, axes = plt.subplots(len(rows), columns, figsize=(2.05 * columns, 2.35 * len(rows)), squeeze=False)
    for line, (name, pictures) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
        for ax, (picture, title) in zip(line, pictures, strict=False):
            ax.imshow(to_array(picture))
            ax.set_title(title)
        line[0].set_ylabel(name, weight="bold")
    return figure


def plot_visits(visits: Mapping[str, Sequence[Sequence[Sequence[int]]]], groups: Mapping[str, Sequence[str]]) -> Figure:
    """Draw which file comes at which place of an epoch, as tiles that are coloured by its group.

    Lines part the batches, and the files that an epoch leaves out follow at its end, pale and with their numbers.

    Args:
        visits: for each loader and every epoch, the batches of numbers of files; at most 48 tiles are drawn.
        groups: for each loader, the group of every file.
    """
    figure, axes = plt.subplots(len(visits), 1, figsize=(10.5, 1.5 * len(visits)), squeeze=False)
    known = list(dict.fromkeys(group for name in visits for group in groups[name]))  # no two share a colour
    for ax, (name, epochs) in zip(axes[:, 0], visits.items(), strict=True):
        for row, batches in enumerate(epochs):
            seen = [file for batch in batches for file in batch]
            left_out = sorted(set(range(len(groups[name]))) - set(seen))
            for place, file in enumerate([*seen, *left_out][:PLACES]):
                colour = COLOURS[known.index(groups[name][file]) % len(COLOURS)]
                pale = 0.3 if place >= len(seen) else 1
                ax.add_patch(Rectangle((place, row), 1, 1, facecolor=colour, edgecolor="white", alpha=pale))
                if place >= len(seen):
                    ax.text(place + 0.5, row + 0.5, file + 1, ha="center", va="center", size=9)
            ends = np.cumsum([0, *map(len, batches)])
            ax.vlines(ends[ends <= PLACES], row + 0.03, row + 0.97, color="black", linewidth=2.2)
        ax.set_yticks(np.arange(len(epochs)) + 0.5, [f"epoch {n}" for n in range(1, len(epochs) + 1)])
        own = list(dict.fromkeys(groups[name]))
        ax.set_title(f"{name}: {len(groups[name])} files of {len(own)} groups, {own[0]} to {own[-1]}", loc="left")
        ax.set(xticks=[], xlim=(-0.1, PLACES + 0.1), ylim=(len(epochs), 0))
        ax.spines[:].set_visible(False)
    axes[-1, 0].set_xlabel("place in the epoch (black lines part the batches, pale files are left out)", loc="left")
    return figure

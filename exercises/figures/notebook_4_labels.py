"""Figures of notebook 4 about labels: whether a mask fits, and what a network learns from masks that do not."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plots import BLUE, GREY, ORANGE, Palette, colour_mask, legend, overlay, show_images


def plot_masks_on_image(
    image: np.ndarray, masks: Mapping[str, np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Lay several masks (H, W) over one image uint8 (H, W, 3), each under its name: which of them fits?"""
    figure = show_images([overlay(image, mask, palette) for mask in masks.values()], list(masks), 3, 3.5)
    legend(figure, classes, palette)
    return figure


def plot_moved_scores(scores: Mapping[str, Sequence[float]], classes: Sequence[str]) -> Figure:
    """Draw groups of bars, one group for each class: the IoU (C,) under each name. A class without IoU gets no bar."""
    figure, ax = plt.subplots(figsize=(10.2, 3.9))
    wide, colours = 0.8 / len(scores), (GREY, BLUE, ORANGE, "white")
    for number, (name, values) in enumerate(scores.items()):
        places = np.arange(len(classes)) + (number - (len(scores) - 1) / 2) * wide
        bars = ax.bar(places, values, wide, color=colours[number], edgecolor="black", label=name)
        ax.bar_label(bars, [f"{v:.2f}" if v == v else "" for v in values], size=9, padding=2)
    ax.set_xticks(range(len(classes)), classes)
    ax.set(ylabel="IoU with the clean masks", ylim=(0, 1.12))
    figure.legend(loc="outside upper center", ncols=len(scores), frameon=False)
    return figure


def plot_learned(
    image: np.ndarray, masks: Mapping[str, np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show an image and below its clean mask what networks made of it: masks (H, W), each under its name."""
    pictures = [image, *(colour_mask(mask, palette) for mask in masks.values())]
    figure = show_images(pictures, ["the image", *masks], columns=4, size=2.1)
    legend(figure, classes, palette, ignored=True)
    return figure


def plot_lookup(rows: Mapping[str, tuple], classes: Sequence[str], palette: Palette) -> Figure:
    """Show how a mask is looked up, a row for each question.

    Args:
        rows: for each name the image that was asked, its neighbour in training, and the neighbour's mask.
        classes: their names.
        palette: their colours.
    """
    figure, axes = plt.subplots(len(rows), 3, figsize=(5.8, 2.1 * len(rows) + 0.5), squeeze=False)
    for line, (name, (asked, found, copied)) in zip(axes, rows.items(), strict=True):
        pictures = (asked, found, overlay(asked, copied, palette))
        titles = (f"{name}: asked", "found in training", "its mask, copied")
        for ax, picture, title in zip(line, pictures, titles, strict=True):
            ax.imshow(picture, interpolation="nearest")
            ax.set(title=title, xticks=[], yticks=[])
    legend(figure, classes, palette, ncols=3)
    return figure


def plot_zipped(pairs: Sequence[tuple[np.ndarray, np.ndarray]], classes: Sequence[str], palette: Palette) -> Figure:
    """Show up to two images with the masks that they were given, where both are of one size."""
    fitting = [(image, mask) for image, mask in pairs if image.shape[:2] == mask.shape][:2]
    painted = [overlay(image, mask, palette) for image, mask in fitting] or [pairs[0][0]]
    figure = show_images(painted, columns=2, size=2.4)
    legend(figure, classes, palette, ncols=3)
    return figure

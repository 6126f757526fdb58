"""Figures of notebook 5 about batches: what is in one, how it is padded, and which images meet in it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from utils.plots import Palette, colour_mask, legend, overlay, show_images, to_array


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

"""Figures of notebook 9 about tiles: what a pixel near their border sees, and a map in patches."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from exercises.figures.notebook_9 import WIDTH, add_frame, show
from exercises.figures.notebook_9_choices import pale
from utils.plots import RED, Palette, colour_mask, legend


def plot_seen(window: np.ndarray, views: Mapping[str, Tensor], tile: int) -> Figure:
    """Show what one pixel at the border of a tile sees when the network is given more, or less, of the image.

    window: uint8 (2 * tile, 2 * tile, 3), with the tile in its middle. views: for each title, how much every pixel of a
    centred part of the window counts, float (h, h). What the network is not given is white.
    """
    figure, axes = plt.subplots(1, len(views), figsize=(8, 8 / len(views) + 0.35))
    half, grey = tile // 2, pale(window)
    strongest = max(float(view.max()) for view in views.values())
    for ax, (title, view) in zip(axes, views.items(), strict=True):
        first = (len(window) - len(view)) // 2
        given = slice(first, first + len(view))
        painted = np.full(window.shape, 255, dtype=np.uint8)
        painted[given, given] = grey[given, given]
        heat = np.sqrt(np.clip(view.numpy() / strongest * 8, 0, 1))[..., None]
        painted[given, given] = (1 - heat) * painted[given, given] + heat * np.array([213, 94, 0])
        show(ax, painted, title)
        add_frame(ax, np.s_[half : half + tile, half : half + tile])
        if len(view) > tile:
            add_frame(ax, (given, given), "--")
        for frame in ax.patches:
            frame.set_clip_on(False)  # round the whole window it would lose its outer half
        ax.plot(half + tile - 1, tile, "o", ms=7, color="white", mec="black", mew=1.5)
    return figure


def plot_patchwork(maps: Mapping[str, np.ndarray], tile: int, classes: Sequence[str], palette: Palette) -> Figure:
    """Show maps of one place side by side; the first one has a tick at every seam of its tiles."""
    figure, axes = plt.subplots(1, len(maps), figsize=(WIDTH, WIDTH / len(maps) + 0.9))
    for ax, (title, mask) in zip(axes, maps.items(), strict=True):
        ax.imshow(colour_mask(mask, palette), interpolation="nearest")
        ax.set(title=title, xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    seams = np.arange(tile, len(mask), tile) - 0.5
    axes[0].set(xticks=seams, yticks=seams, xticklabels=[], yticklabels=[], xlabel="ticks: where tiles meet")
    axes[0].tick_params(length=8, width=2, color=RED)
    legend(figure, classes, palette)
    return figure

"""Figures of notebook 4 about one pair: its numbers, and what reading, saving and resizing do to them."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from utils.images import IGNORE_INDEX
from utils.plots import Palette, colour_mask, legend, overlay, show_images

BLACK = (0, 0, 0)
BOX = 10  # pixels on each side of the box that is shown as numbers


def liveliest_box(mask: np.ndarray) -> tuple[int, int]:
    """Return row and column of the box of ten by ten pixels of a mask (H, W) in which most classes meet."""

    def score(corner: tuple[int, int]) -> float:
        box = mask[corner[0] : corner[0] + BOX, corner[1] : corner[1] + BOX]
        return (np.bincount(box.ravel()) > 7).sum() - (box == IGNORE_INDEX).mean()

    corners = [(y, x) for y in range(0, mask.shape[0] - BOX, 5) for x in range(0, mask.shape[1] - BOX, 5)]
    return max(corners, key=score)


def quarter(picture: np.ndarray) -> np.ndarray:
    """Return the top left quarter of a picture (H, W, ...), so that its pixels can be seen."""
    return picture[: picture.shape[0] // 2, : picture.shape[1] // 2]


def plot_pair(image: np.ndarray, mask: np.ndarray, stored: Path, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a pair in four ways: the image, the mask file as grey, the mask in colours, and a box of it as numbers.

    Args:
        image: uint8 (H, W, 3).
        mask: class ids, uint8 (H, W).
        stored: the file of the mask.
        classes: their names.
        palette: their colours.
    """
    figure, axes = plt.subplots(1, 4, figsize=(8.6, 2.8))
    top, left = liveliest_box(mask)
    numbers = mask[top : top + BOX, left : left + BOX]
    axes[0].imshow(image)
    axes[1].imshow(np.array(Image.open(stored)), cmap="gray", vmin=0, vmax=255)
    axes[2].imshow(colour_mask(mask, palette), interpolation="nearest")
    axes[2].add_patch(Rectangle((left - 0.5, top - 0.5), BOX, BOX, fill=False, edgecolor="white", lw=4))
    axes[2].add_patch(Rectangle((left - 0.5, top - 0.5), BOX, BOX, fill=False, edgecolor="black", lw=2))
    axes[3].imshow(colour_mask(numbers, palette), interpolation="nearest")
    for (row, column), value in np.ndenumerate(numbers):
        frame = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
        axes[3].text(column, row, value, ha="center", va="center", size=7, bbox=frame)
    titles = ("the image", "the mask file, as grey", "in class colours", "inside the box")
    for ax, title in zip(axes, titles, strict=True):
        ax.set(title=title, xticks=[], yticks=[])
    legend(figure, classes, palette, ignored=True)
    return figure


def plot_saved_twice(mask: np.ndarray, damaged: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a quarter of a mask as PNG, as JPEG, and in black the labels that JPEG has changed: both uint8 (H, W).

    In the JPEG a number that names no class is black. The titles count the pixels of this quarter.
    """
    mask, damaged = quarter(mask), quarter(damaged)
    changed = (damaged != mask) & (mask != IGNORE_INDEX)
    unknown = (damaged >= len(classes)) & (damaged != IGNORE_INDEX)
    marked = [
        np.where(where[..., None], 0, colour_mask(ids, palette)).astype(np.uint8)
        for where, ids in ((unknown, damaged), (changed, mask))
    ]
    titles = [
        f"saved as PNG:\n{len(np.unique(mask))} different numbers",
        f"saved as JPEG:\n{len(np.unique(damaged))} different numbers",
        f"black: a wrong label\n({changed.mean():.0%} of these pixels)",
    ]
    figure = show_images([colour_mask(mask, palette), *marked], titles, 3, 2.8)
    legend(figure, [*classes, "no class, or a wrong one"], [*palette, BLACK], ignored=True, ncols=4)
    return figure


def plot_examples(
    pairs: Sequence, classes: Sequence[str], palette: Palette, titles: Sequence[str] = (), size: float = 2.4
) -> Figure:
    """Show the mask of each pair over its image, four in a row, each picture `size` inches wide."""
    columns = min(4, len(pairs))
    figure = show_images([overlay(x, y, palette) for x, y in pairs], titles, columns=columns, size=size)
    figure.set_layout_engine("constrained", h_pad=0.08)  # room above the titles
    figure.set_figheight(figure.get_figheight() + 0.4)
    legend(figure, classes, palette, ncols=2 * columns - 1)
    return figure

"""Figures of notebook 4 about pairs of files: what saving, cropping and broken files do to them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.errors import DataError
from utils.images import IGNORE_INDEX, read_image, read_values
from utils.plots import Palette, colour_mask, legend, overlay, show_images, to_array

BLACK = (0, 0, 0)


def quarter(picture: np.ndarray) -> np.ndarray:
    """Return the top left quarter of a picture (H, W, ...), so that its pixels can be seen."""
    return picture[: picture.shape[0] // 2, : picture.shape[1] // 2]


def frame_part(ax: Axes, corner: tuple[int, int], size: int, name: str = "", style: str = "-") -> None:
    """Draw a square of `size` pixels from its upper left corner (x, y) on, black on white, and its name in it."""
    place = (corner[0] - 0.5, corner[1] - 0.5)
    for colour, width, kind in (("white", 4.5, "-"), ("black", 2, style)):
        ax.add_patch(Rectangle(place, size, size, fill=False, edgecolor=colour, lw=width, ls=kind))
    if name:
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "black"}
        ax.text(corner[0] + 14, corner[1] + 16, name, ha="center", va="center", size=10, bbox=box)


def plot_saved_twice(mask: np.ndarray, damaged: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a quarter of a mask as PNG, as JPEG, and in black the labels that JPEG has changed: both uint8 (H, W).

    In the JPEG a number that names no class is black. The titles count what is in this quarter.
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
        f"black: a wrong label\n({changed[mask != IGNORE_INDEX].mean():.0%} of the labels)",
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


def plot_crops(
    whole: Sequence[np.ndarray], crops: Sequence, classes: Sequence[str], palette: Palette, titles: Sequence[str]
) -> Figure:
    """Show a pair of arrays and crops of it, each a pair, and on the whole a numbered frame where each was cut.

    The frames differ in their lines, so that they can be told apart where they cross.
    """
    figure = plot_examples([whole, *crops], classes, palette, titles)
    for number, (crop, _) in enumerate(crops, start=1):
        crop = to_array(crop)
        corner = find_crop(whole[0], crop)
        if corner:
            frame_part(figure.axes[0], corner, len(crop), str(number), ("-", "--", ":")[(number - 1) % 3])
    return figure


def find_crop(image: np.ndarray, crop: np.ndarray) -> tuple[int, int] | None:
    """Return the corner (x, y) from which a square was cut out of an image, also if it was turned or mirrored.

    Returns None where the square is larger than the image, or was changed so much that nothing in the image fits it.
    """
    if crop.shape[0] > min(image.shape[:2]):
        return None
    found = []
    for mirrored in (crop, crop[:, ::-1]):
        for turns in range(4):
            fits = cv2.matchTemplate(image, np.ascontiguousarray(np.rot90(mirrored, turns)), cv2.TM_CCOEFF_NORMED)
            found.append(cv2.minMaxLoc(fits)[1::2])  # the largest value, and where it is
    best, corner = max(found)
    return corner if best > 0.95 else None


def plot_folder(images: Sequence[Path], masks: Path) -> Figure:
    """Show files as a file browser would: each image above its mask in grey or colours, or why there is no picture.

    Args:
        images: the files of the images, which need not exist as pictures.
        masks: the folder of their masks, which have the same names.
    """
    columns = min(6, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(2 * rows, columns, figsize=(9.2, 3.35 * rows), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        mask = next(iter(masks.glob(f"{image.stem}.*")), None)
        show_file(axes[2 * row, column], image, read_image)
        show_file(axes[2 * row + 1, column], mask, read_values)
        axes[2 * row, column].set_title(image.name, size=10)
        axes[2 * row + 1, column].set_title(mask.name if mask else "", size=10)
    return figure


def show_file(ax: Axes, path: Path | None, read: Callable[[Path], np.ndarray]) -> None:
    """Draw what a file holds, or an empty tile that says why it cannot be drawn."""
    try:
        reason = "no file" if path is None else ""
        if path:
            ax.imshow(read(path), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    except DataError:
        reason = "no picture"
    if reason:
        ax.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        ax.add_patch(Rectangle((0, 0), 1, 1, facecolor="0.92", edgecolor="black"))
        ax.text(0.5, 0.5, reason, ha="center", va="center", size=11)

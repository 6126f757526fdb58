"""Figures of notebook 2 about masks: cut, as numbers, over their images, as files, and counted."""

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.images import IGNORE_INDEX
from utils.plots import Palette, colour_mask, legend, overlay, show_images

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]
SIDE = 16  # pixels on each side of the window that is shown as numbers
SHOWN = 2.25  # inches, width of one of four pictures


def plot_cut(pairs: Pairs, classes: Sequence[str], palette: Palette) -> Figure:
    """Show pairs cut along the diagonal: the image above it, the mask in colours below it.

    Args:
        pairs: images, uint8 (H, W, 3), with their class ids, uint8 (H, W).
        classes: their names.
        palette: their colours.
    """
    views = []
    for image, mask in pairs:
        height, width = mask.shape
        place = np.arange(height)[:, None] / height + np.arange(width) / width - 1
        view = np.where(place[..., None] < 0, image, colour_mask(mask, palette))
        view[abs(place) < 0.008] = 255
        views.append(view)
    figure = show_images(views, size=SHOWN)
    legend(figure, classes, palette, ignored=True)
    return figure


def rarest_corner(mask: np.ndarray) -> tuple[int, int]:
    """Return row and column of a window at the border of the rarest class of a mask of ids, uint8 (H, W)."""
    counts = np.bincount(mask[mask != IGNORE_INDEX])
    rarest = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    inner = cv2.distanceTransform((mask == rarest).astype(np.uint8), cv2.DIST_L2, 3)
    inner[inner > 6] = 0  # not far from a border
    centre = np.unravel_index(inner.argmax(), mask.shape)
    row, column = (
        min(max(int(at) - SIDE // 2, 0), max(side - SIDE, 0)) for at, side in zip(centre, mask.shape, strict=True)
    )
    return row, column


def plot_zoom(image: np.ndarray, mask: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a pair, uint8 (H, W, 3) and ids (H, W), and a window at its rarest class as pixels and as numbers."""
    top, left = rarest_corner(mask)
    window = (slice(top, top + SIDE), slice(left, left + SIDE))
    figure = plt.figure(figsize=(9, 5.9))
    panels = figure.subplot_mosaic([["scene", "numbers"], ["zoomed", "numbers"]], width_ratios=(1, 2))
    scene, zoomed, numbers = (panels[name] for name in ("scene", "zoomed", "numbers"))
    scene.imshow(image)
    for colour, width in (("white", 4), ("black", 2)):
        frame = Rectangle((left - 0.5, top - 0.5), SIDE, SIDE, fill=False, edgecolor=colour, lw=width)
        scene.add_patch(frame)
    zoomed.imshow(image[window])
    numbers.imshow(colour_mask(mask[window], palette), alpha=0.55)
    for (y, x), value in np.ndenumerate(mask[window]):
        numbers.text(x, y, value, ha="center", va="center", fontsize=8.5)
        if value == IGNORE_INDEX:
            cell = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch="//", edgecolor="#dddddd", lw=0, zorder=1)
            numbers.add_patch(cell)
    titles = ("a scene and a small window", f"its {SIDE} x {SIDE} pixels", "what the mask says there")
    for ax, title in zip((scene, zoomed, numbers), titles, strict=True):
        ax.set_title(title)
        ax.axis("off")
    legend(figure, [f"{index} {name}" for index, name in enumerate(classes)], palette, ignored=True, columnspacing=1)
    return figure


def plot_painted(mask: np.ndarray, painted: np.ndarray, classes: Sequence[str], palette: Palette, who: str) -> Figure:
    """Show a mask of ids (H, W) as a viewer does, and in colours, uint8 (H, W, 3), which `who` has painted."""
    grey = np.repeat(mask.astype(np.uint8)[..., None], 3, axis=-1)
    figure = show_images([grey, painted], ["the file, as a viewer shows it", f"painted ({who})"], columns=2, size=2.6)
    legend(figure, classes, palette, ignored=True, ncols=4)
    return figure


def plot_looks(image: np.ndarray, mask: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show the middle of a pair, uint8 (H, W, 3) and ids (H, W), at several opacities, once with contours."""
    height, width = mask.shape
    middle = (slice(height // 4, height * 3 // 4), slice(width // 4, width * 3 // 4))
    looks = {
        "opacity 0": (0.0, False),
        "0.45": (0.45, False),
        "0.45 with contours": (0.45, True),
        "opacity 1": (1.0, False),
    }
    views = [overlay(image[middle], mask[middle], palette, *look) for look in looks.values()]
    figure = show_images(views, list(looks), size=SHOWN)
    legend(figure, classes, palette)
    return figure


def plot_encodings(
    files: Mapping[str, np.ndarray], decoded: Mapping[str, np.ndarray], palettes: Mapping[str, Palette],
    classes: Sequence[str],
) -> Figure:  # fmt: skip
    """Show masks as a viewer shows their files, uint8 (H, W, 3), and below as they are decoded, ids (H, W)."""
    painted = [colour_mask(ids, palettes[name]) for name, ids in decoded.items()]
    figure = show_images([*files.values(), *painted], list(files), columns=len(files), size=2.0)
    figure.suptitle("Above: the file in a viewer. Below: decoded and painted, white is ignored")
    legend(figure, [*classes, "anything else"], [*palettes["ids"], palettes["0/255"][0]])
    return figure


def plot_class_shares(shares: Sequence[float], classes: Sequence[str], palette: Palette, title: str = "") -> Figure:
    """Draw the share of pixels of each class as labelled bars."""
    figure, ax = plt.subplots(figsize=(8, 0.45 * len(classes) + 0.9))
    colours = [np.array(c) / 255 for c in palette]
    bars = ax.barh(list(classes), shares, color=colours, edgecolor="black")
    ax.bar_label(bars, [f"{s:.1%}" for s in shares], padding=4)
    ax.invert_yaxis()
    ax.set(xticks=[], title=title or "Share of labelled pixels", xlim=(0, max(shares) * 1.15))
    ax.spines["bottom"].set_visible(False)
    return figure

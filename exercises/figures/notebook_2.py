"""Figures of notebook 2 about masks: cut, as numbers, over their images, as files, and counted."""

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils.images import IGNORE_INDEX
from utils.plots import Palette, colour_mask, legend, show_images

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]
Overlays = Mapping[float, np.ndarray]  # of an image and the colours of its mask, (H, W, 3), by opacity
SIDE = 16  # pixels on each side of the window that is shown as numbers
SHOWN = 2.25  # inches, width of one of four pictures
FOREGROUND = (230, 70, 160)  # pink, which stands out from water and grass alike
TINT = 0.55  # opacity of the colours under the numbers of a mask


def make_room(figure: Figure, inches: float) -> None:
    """Make a figure higher for its titles and its legend, and let its pictures stand right above the legend."""
    figure.set_figheight(figure.get_figheight() + inches)
    for ax in figure.axes:
        ax.set_anchor("S")


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
    figure = plt.figure(figsize=(9, 7.2))
    panels = figure.subplot_mosaic([["scene", "names"], ["zoomed", "numbers"]], height_ratios=(1, 2))
    scene, zoomed, numbers = (panels[name] for name in ("scene", "zoomed", "numbers"))
    scene.imshow(image)
    for colour, width in (("white", 4), ("black", 2)):
        frame = Rectangle((left - 0.5, top - 0.5), SIDE, SIDE, fill=False, edgecolor=colour, lw=width)
        scene.add_patch(frame)
    zoomed.imshow(image[window])
    for ax in (zoomed, numbers):
        draw_outline(ax, mask[window] == IGNORE_INDEX)
    numbers.imshow(colour_mask(mask[window], palette), alpha=TINT)
    for (y, x), value in np.ndenumerate(mask[window]):
        numbers.text(x, y, value, ha="center", va="center", fontsize=8.5)
        if value == IGNORE_INDEX:
            cell = Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, hatch="//", edgecolor="#dddddd", lw=0, zorder=1)
            numbers.add_patch(cell)
    titles = ("a scene and a small window", f"its {SIDE} x {SIDE} pixels", "what the mask says there")
    for ax, title in zip((scene, zoomed, numbers), titles, strict=True):
        ax.set_title(title)
        ax.axis("off")
    names = panels["names"]
    names.axis("off")
    numbered = [f"{index} {name}" for index, name in enumerate(classes)]
    tinted = [tuple(round(TINT * value + (1 - TINT) * 255) for value in colour) for colour in palette]
    legend(names, numbered, tinted, ignored=True, loc="center", ncols=2)
    names.get_legend().get_patches()[-1].set_hatch("//")  # as the cells of ignored pixels are drawn
    return figure


def draw_outline(ax: Axes, region: np.ndarray) -> None:
    """Draw the border of a region, bool (H, W), along the sides of its pixels: black on white, seen on any colour."""
    rows, columns = region.shape
    padded = np.pad(region, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]  # a line above each pixel that differs from the one above it
    down = padded[1:-1, 1:] != padded[1:-1, :-1]
    lines = [[(x - 0.5, y - 0.5), (x + 0.5, y - 0.5)] for y, x in zip(*across.nonzero(), strict=True) if 0 < y < rows]
    lines += [[(x - 0.5, y - 0.5), (x - 0.5, y + 0.5)] for y, x in zip(*down.nonzero(), strict=True) if 0 < x < columns]
    for colour, width in (("white", 2.6), ("black", 1.2)):
        ax.add_collection(LineCollection(lines, colors=colour, linewidths=width, capstyle="round"))


def plot_painted(painted: np.ndarray, classes: Sequence[str], palette: Palette, who: str) -> Figure:
    """Show a mask in colours, uint8 (H, W, 3), which `who` has painted, beside the names of its classes."""
    figure, (picture, names) = plt.subplots(1, 2, figsize=(5.7, 4.2), width_ratios=(3.6, 1.6))
    picture.set_anchor("S")  # the slack belongs above, to the title
    picture.imshow(painted)
    picture.set_title(f"painted ({who})")
    legend(names, classes, palette, ignored=True, loc="center left", ncols=1)
    for ax in (picture, names):
        ax.axis("off")
    return figure


def plot_looks(overlays: Overlays, mask: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a part of a mask, ids (H, W), enlarged, in three overlays: image, mixture (with contours, too), mask."""
    middle = near_middle(mask.shape)
    factor = max(1, 400 // max(mask[middle].shape))  # contours are thinner than a pixel of the image
    image, half, full = (np.where(mask[..., None] == IGNORE_INDEX, overlays[0], view) for view in overlays.values())
    *views, ids = (
        cv2.resize(part[middle].astype(np.uint8), None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
        for part in (image, half, half, full, mask)
    )
    draw_contours(views[2], ids, palette)
    inner = tuple(slice(factor, max(side - factor, factor + 1)) for side in ids.shape)  # no contours along its edges
    titles = [f"opacity {opacity:g}" for opacity in overlays]
    titles.insert(2, titles[1].removeprefix("opacity ") + " with contours")
    figure = show_images([view[inner] for view in views], titles, columns=2, size=3.3)
    named = [index for index in range(len(classes)) if index in ids]
    legend(figure, [classes[i] for i in named], [palette[i] for i in named], ncols=6, columnspacing=1, handlelength=1.5)
    return figure


def near_middle(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the part of a mask of a shape that is looked at closely: its middle, and a little below it."""
    height, width = shape
    return slice(height * 6 // 16, max(height * 12 // 16, 1)), slice(width * 5 // 16, max(width * 11 // 16, 1))


def draw_contours(view: np.ndarray, mask: np.ndarray, palette: Palette) -> None:
    """Draw the borders of all classes of a mask of ids, (H, W), into a picture, in their colours between dark lines."""
    for index, colour in enumerate(palette):
        lines, _ = cv2.findContours((mask == index).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for ink, width in (((0, 0, 0), 5), (tuple(int(value) for value in colour), 3)):
            cv2.drawContours(view, list(lines), -1, ink, width)


def plot_files(files: Sequence[np.ndarray]) -> Figure:
    """Show mask files as a viewer shows them, uint8 (H, W, 3), each under its letter."""
    return show_images(files, [f"file {letter}" for letter in "ABCDE"[: len(files)]], columns=len(files), size=2.0)


def plot_decoded(
    decoded: Mapping[str, np.ndarray], palettes: Mapping[str, Palette], classes: Sequence[str], who: str
) -> Figure:  # fmt: skip
    """Show what mask files say, ids (H, W), painted: each under its letter, by order, and the name of its encoding.

    `who` has looked up the colours of the RGB file, such as "yours", before a colon.
    """
    painted = [colour_mask(ids, palettes[name]) for name, ids in decoded.items()]
    names = [f"{name} ({who.partition(':')[0]})" if name == "RGB" else name for name in decoded]
    titles = [f"{letter}: {name}" for letter, name in zip("ABCDE", names, strict=False)]
    figure = show_images(painted, titles, columns=len(painted), size=2.0)
    make_room(figure, 0.45)
    legend(figure, [*classes, "anything else"], [*palettes["ids"], palettes["0/255"][0]], ignored=True)
    return figure


def plot_class_shares(shares: Sequence[float], classes: Sequence[str], palette: Palette, title: str = "") -> Figure:
    """Draw the share of pixels of each class as labelled bars."""
    figure, ax = plt.subplots(figsize=(8, 0.45 * len(classes) + 0.9))
    bars = ax.barh(list(classes), shares, color=[np.array(c) / 255 for c in palette], edgecolor="black")
    ax.bar_label(bars, [f"{s:.1%}" for s in shares], padding=4)
    ax.invert_yaxis()
    ax.set(xticks=[], title=title or "Share of labelled pixels", xlim=(0, max(shares) * 1.15))
    ax.spines["bottom"].set_visible(False)
    return figure

"""Pictures: overlays with contours, grids with legends, curves. Colour is never the only signal."""

from collections.abc import Sequence
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from utils.images import IGNORE_INDEX

Palette = Sequence[tuple[int, int, int]]
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"


def to_array(image: np.ndarray | Tensor) -> np.ndarray:
    """Bring a picture (H, W, 3), tensor (3, H, W) or mask into the array form that matplotlib shows."""
    if isinstance(image, Tensor):
        image = image.detach().cpu().numpy()
        if image.ndim == 3 and image.shape[0] in (1, 3):
            image = image.transpose(1, 2, 0)
    return image


def ids_to_rgb(ids: np.ndarray, palette: Palette) -> np.ndarray:
    """Paint class ids, integers (H, W), in their colours: uint8 (H, W, 3); ignored pixels (255) are white."""
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[: len(palette)] = palette
    return table[ids]


def colour_mask(mask: np.ndarray | Tensor, palette: Palette) -> np.ndarray:
    """Paint a mask, array or tensor (H, W), in the colours of its classes: uint8 (H, W, 3)."""
    return ids_to_rgb(to_array(mask).astype(np.uint8), palette)


def blend(image: np.ndarray, painted: np.ndarray, where: np.ndarray, opacity: float = 0.45) -> np.ndarray:
    """Mix two pictures, uint8 (H, W, 3), where a mask, bool (H, W), says so: uint8 (H, W, 3)."""
    mixed = (1 - opacity) * image + opacity * painted
    return np.where(where[..., None], mixed, image).astype(np.uint8)


def overlay(
    image: np.ndarray | Tensor,
    mask: np.ndarray | Tensor,
    palette: Palette,
    opacity: float = 0.45,
    contours: bool = True,
) -> np.ndarray:
    """Lay a mask over its picture, each region outlined in its colour: uint8 (H, W, 3)."""
    image, mask = to_array(image), to_array(mask).astype(np.uint8)
    painted = colour_mask(mask, palette)
    show = mask == 1 if len(palette) == 2 else mask != IGNORE_INDEX  # one foreground class: the background stays
    blended = np.ascontiguousarray(blend(image, painted, show, opacity))
    if contours:
        thickness = max(1, round(min(mask.shape) / 600))
        for index in range(1 if len(palette) == 2 else 0, len(palette)):
            lines, _ = cv2.findContours((mask == index).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            colour = tuple(int(c) for c in palette[index])
            cv2.drawContours(blended, list(lines), -1, colour, thickness)
    return blended


def add_legend(image: np.ndarray, classes: Sequence[str], palette: Palette) -> np.ndarray:
    """Put the class names with their colours below a picture: uint8 (H, W, 3) -> (H + h, at least W, 3)."""
    size = int(np.clip(max(image.shape[:2]) / 40, 12, 120))  # pixels, of the letters
    font = ImageFont.load_default(size)
    widths = [size * 3 + round(font.getlength(name)) for name in classes]
    width, places = max(image.shape[1], *widths), []
    x, y = 0, size // 2
    for entry in widths:
        if x + entry > width:
            x, y = 0, y + size * 3 // 2
        places.append((x + size // 2, y))
        x += entry
    canvas = Image.new("RGB", (width, image.shape[0] + y + size * 2), "white")
    canvas.paste(Image.fromarray(image))
    draw = ImageDraw.Draw(canvas)
    for (x, y), name, colour in zip(places, classes, palette, strict=True):
        y += image.shape[0]
        draw.rectangle((x, y, x + size, y + size), fill=tuple(colour), outline="black")
        draw.text((x + size * 3 // 2, y + size // 2), name, fill="black", font=font, anchor="lm")
    return np.array(canvas)


def legend(
    target: Figure | Axes, classes: Sequence[str], palette: Palette, ignored: bool = False, **options: Any
) -> None:
    """Add the class names with their colours below a figure; `options` are matplotlib's, such as ncols=3."""
    patches = [
        Patch(facecolor=np.array(c) / 255, edgecolor="black", label=n) for n, c in zip(classes, palette, strict=True)
    ]
    if ignored:
        patches.append(Patch(facecolor="white", edgecolor="black", label="ignored"))
    place = "outside lower center" if isinstance(target, Figure) else "best"
    target.legend(**{"handles": patches, "loc": place, "ncols": 8, "frameon": False, **options})


def show_images(
    images: Sequence[np.ndarray | Tensor], titles: Sequence[str] = (), columns: int = 4, size: float = 2.6,
    heading: str = "",
) -> Figure:  # fmt: skip
    """Lay pictures out in a grid, each under its title."""
    rows = -(-len(images) // columns)
    shape = to_array(images[0]).shape
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * (size * shape[0] / shape[1] + 0.35)), squeeze=False
    )
    for index, ax in enumerate(axes.flat):
        ax.axis("off")
        if index < len(images):
            ax.imshow(to_array(images[index]), cmap="gray")
            if index < len(titles):
                ax.set_title(titles[index])
    if heading:
        figure.suptitle(heading)
    return figure


def show_pairs(
    pairs: Sequence[tuple[np.ndarray | Tensor, np.ndarray | Tensor]], classes: Sequence[str], palette: Palette,
    titles: Sequence[str] = (), size: float = 2.6, heading: str = "",
) -> Figure:  # fmt: skip
    """Show each pair as a column: picture, mask, and both laid over each other, with a legend."""
    pictures = [to_array(image) for image, _ in pairs]
    masks = [colour_mask(mask, palette) for _, mask in pairs]
    overlays = [overlay(image, mask, palette) for image, mask in pairs]
    figure = show_images([*pictures, *masks, *overlays], titles, columns=len(pairs), size=size, heading=heading)
    ignored = any((to_array(mask) == IGNORE_INDEX).any() for _, mask in pairs)
    legend(figure, classes, palette, ignored)
    return figure


def plot_history(history: pd.DataFrame) -> Figure:
    """Draw loss and validation score over the epochs, the best epoch marked."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2))
    draw_history(history, *axes)
    return figure


def draw_history(history: pd.DataFrame, left: Axes, right: Axes) -> None:
    """Draw the losses of a history into one panel, its validation scores into another."""
    left.plot(history["epoch"], history["train_loss"], ".-", label="training")
    left.plot(history["epoch"], history["val_loss"], ".--", label="validation")
    left.set(title="Loss", xlabel="epoch")
    left.legend(frameon=False)
    best = history.loc[history["val_score"].idxmax()]
    right.plot(history["epoch"], history["val_score"], color=GREEN)
    right.plot(best["epoch"], best["val_score"], "o", color=RED)
    words = f"best: {best['val_score']:.3f} in epoch {best['epoch']:.0f}"
    right.text(0.98, 0.05, words, ha="right", transform=right.transAxes)
    right.set(title="Validation IoU", xlabel="epoch", ylim=(0, 1))

"""Figures of notebook 1 about pictures: what a mask is, what the first network finds, and what else one could ask."""

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import Palette, colour_mask, legend, overlay

GREY = 0.3  # how much of a photograph's contrast is left where it only stands behind something
EDGE = 6  # pixels of a small scene that a number needs on each side
LARGE = 250  # pixels of an object that a number may stand in


def plot_mask(photograph: np.ndarray, mask: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a photograph, uint8 (H, W, 3), its mask, class ids (H, W), and the mask laid over the photograph."""
    figure, axes = plt.subplots(1, 3, figsize=(10.8, 10.8 / 3 * mask.shape[0] / mask.shape[1] + 0.7))
    pictures = (photograph, colour_mask(mask, palette), overlay(photograph, mask, palette))
    for ax, picture, title in zip(axes, pictures, ("photograph", "mask", "mask over photograph"), strict=True):
        ax.imshow(picture)
        ax.set_title(title)
        ax.axis("off")
    legend(figure, classes, palette, ignored=bool((mask == IGNORE_INDEX).any()))
    return figure


def plot_coloured_in(
    pictures: Mapping[str, np.ndarray], masks: Sequence[np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show pictures, uint8 (H, W, 3), above what a network found in them, masks of class ids (H, W)."""
    widths = [picture.shape[1] / picture.shape[0] for picture in pictures.values()]
    height = min(3.2, 10.2 / sum(widths))
    figure, axes = plt.subplots(
        2, len(widths), figsize=(sum(widths) * height + 0.5, 2 * height + 1.2), width_ratios=widths, squeeze=False
    )
    for (above, below), (name, picture), mask in zip(axes.T, pictures.items(), masks, strict=True):
        above.imshow(picture)
        above.set_title(name)
        below.imshow(overlay(picture, mask, palette))
        below.set_title(f"{classes[1]}: {(mask == 1).mean():.0%} of the pixels")
        above.axis("off")
        below.axis("off")
    legend(figure, classes, palette)
    return figure


def plot_questions(
    scene: np.ndarray, labels: np.ndarray, instances: Mapping[int, np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show a scene, uint8 (H, W, 3), and five answers to it, with class ids (H, W).

    `instances` has, for each class of things, the number of the object at each pixel, (H, W), 0 where there is none.
    """
    figure, axes = plt.subplots(2, 3, figsize=(10.8, 8.2))
    grey = (scene.mean(axis=2, keepdims=True) * GREY + 255 * (1 - GREY)).astype(np.uint8).repeat(3, axis=2)
    shades = shade_objects(grey, instances, palette)
    semantic = overlay(scene, labels, palette, opacity=0.7, contours=False)
    stuff = ~np.isin(labels, [*instances, IGNORE_INDEX])
    pictures = (scene, scene, scene, semantic, shades, np.where(stuff[..., None], semantic, shades))
    titles = (
        "the scene", "classify: what is here?", "detect: where is each thing?",
        "semantic: what is each pixel?", "instance: which pixels is each thing?", "panoptic: both at once",
    )  # fmt: skip
    for ax, picture, title in zip(axes.flat, pictures, titles, strict=True):
        ax.imshow(picture)
        ax.set_title(title)
        ax.axis("off")
    write_classes(axes[0, 1], labels, classes, palette)
    draw_boxes(axes[0, 2], instances, palette)
    number_objects(axes[1, 1], instances)
    number_objects(axes[1, 2], instances)
    legend(figure, classes, palette)
    return figure


def shade_objects(background: np.ndarray, instances: Mapping[int, np.ndarray], palette: Palette) -> np.ndarray:
    """Paint each object in the colour of its class, with a black outline, over a picture, uint8 (H, W, 3)."""
    painted = background.copy()
    for class_id, numbers in instances.items():
        for number in range(1, int(numbers.max()) + 1):
            shape = (numbers == number).astype(np.uint8)
            painted[shape == 1] = palette[class_id]
            lines, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(painted, list(lines), -1, (0, 0, 0), 1)
    return painted


def write_classes(ax: Axes, labels: np.ndarray, classes: Sequence[str], palette: Palette) -> None:
    """Write the names of the classes that occur in a scene, class ids (H, W), over it."""
    for row, class_id in enumerate(i for i in range(len(classes)) if (labels == i).any()):
        chip = {
            "facecolor": "white",
            "edgecolor": np.array(palette[class_id]) / 255,
            "linewidth": 3,
            "boxstyle": "round",
        }
        ax.text(0.06, 0.92 - 0.15 * row, classes[class_id], transform=ax.transAxes, va="center", fontsize=12, bbox=chip)


def draw_boxes(ax: Axes, instances: Mapping[int, np.ndarray], palette: Palette) -> None:
    """Draw a box round each object, in the colour of its class between two dark lines."""
    for class_id, numbers in instances.items():
        for number in range(1, int(numbers.max()) + 1):
            x, y, width, height = cv2.boundingRect((numbers == number).astype(np.uint8))
            for colour, line in (("black", 4), (np.array(palette[class_id]) / 255, 2.2)):
                ax.add_patch(plt.Rectangle((x, y), width, height, fill=False, edgecolor=colour, linewidth=line))


def number_objects(ax: Axes, instances: Mapping[int, np.ndarray]) -> None:
    """Write the running number of each object, counted over all classes: inside a large one, beside a small one."""
    taken: list[np.ndarray] = []
    anything = np.any([numbers > 0 for numbers in instances.values()], axis=0).astype(np.float32)
    covered = cv2.blur(anything, (2 * EDGE + 1, 2 * EDGE + 1))  # by objects, the share of a square around each pixel
    for numbers in instances.values():
        for number in range(1, int(numbers.max()) + 1):
            shape = (numbers == number).astype(np.uint8)
            x, y, width, height = cv2.boundingRect(shape)
            middle, (away, down) = (x + width / 2, y + height / 2), (width / 2 + EDGE, height / 2 + EDGE)
            beside = [(away, 0), (-away, 0), (0, -down), (0, down)]
            places = np.add(middle, [(0, 0)] if shape.sum() > LARGE else beside)
            places = np.clip(places, EDGE, np.array(numbers.shape[::-1]) - 1 - EDGE)
            crowd = [sum(np.abs(place - other).max() < 2 * EDGE for other in taken) for place in places]
            cost = [more + covered[int(y), int(x)] for more, (x, y) in zip(crowd, places, strict=True)]
            taken.append(places[np.argmin(cost)])
            halo = [withStroke(linewidth=2.5, foreground="white")]
            ax.text(*taken[-1], len(taken), ha="center", va="center", fontsize=9, path_effects=halo)


def plot_chance(masks: Mapping[str, Tensor], classes: Sequence[str], palette: Palette) -> Figure:
    """Show what untrained networks make of one picture: masks of class ids (H, W), by title."""
    figure, axes = plt.subplots(1, len(masks), figsize=(10.5, 4.2))
    for ax, (title, mask) in zip(axes, masks.items(), strict=True):
        ax.imshow(colour_mask(mask, palette), interpolation="nearest")
        ax.set_title(title)
        ax.axis("off")
    legend(figure, classes, palette)
    return figure

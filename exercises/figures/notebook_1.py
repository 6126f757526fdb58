"""Figures of notebook 1 about pictures: what a mask is, what the first network finds, and what else one could ask."""

from collections.abc import Mapping, Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from utils.images import IGNORE_INDEX
from utils.plots import Palette, blend, colour_mask, legend, overlay

GREY = 0.3  # how much of a photograph's contrast is left where it only stands behind something
SHADES = ((0, 0), (0.3, 1), (0.45, 0), (0.15, 0), (0.5, 1))  # how much of black (0) or white (1) is mixed in


def plot_mask(photograph: np.ndarray, mask: np.ndarray, classes: Sequence[str], palette: Palette) -> Figure:
    """Show a photograph, uint8 (H, W, 3), its mask, class ids (H, W), and the mask laid over the photograph."""
    tall = mask.shape[0] / mask.shape[1]
    width = min(10.8, 3 * 3.4 / tall)  # a portrait would push the text below it off the screen
    figure, axes = plt.subplots(1, 3, figsize=(width, width / 3 * tall + 0.7))
    left_open = mask == IGNORE_INDEX  # pale, or it would look like background
    laid_over = blend(overlay(photograph, mask, palette), np.full_like(photograph, 255), left_open, opacity=0.7)
    pictures = (photograph, colour_mask(mask, palette), laid_over)
    for ax, picture, title in zip(axes, pictures, ("photograph", "mask", "mask over photograph"), strict=True):
        ax.imshow(picture)
        ax.set_title(title)
        ax.axis("off")
    legend(figure, classes, palette, ignored=bool((mask == IGNORE_INDEX).any()))
    return figure


def fill_outlines(drawing: np.ndarray) -> np.ndarray:
    """Return where a drawing of dark lines, uint8 (H, W, 3), encloses something, the lines included: bool (H, W)."""
    sheet = (drawing.mean(axis=2) < 128).astype(np.uint8)
    cv2.floodFill(sheet, None, (0, 0), 2)  # all of the paper that can be reached from the corner
    return sheet != 2


def plot_coloured_in(
    pictures: Mapping[str, np.ndarray],
    masks: Sequence[np.ndarray],
    right: Sequence[float],
    classes: Sequence[str],
    palette: Palette,
) -> Figure:
    """Show pictures, uint8 (H, W, 3), above what a network found in them, masks of class ids (H, W).

    `right` has, for each picture, the share of its pixels that the network should have found.
    """
    shares = zip(masks, right, strict=True)
    titles = [f"{classes[1]}: {(mask == 1).mean():.0%} (right: {share:.0%})" for mask, share in shares]
    return _draw_in_columns(pictures, masks, titles, classes, palette)


def plot_shapes(
    pictures: Mapping[str, np.ndarray], masks: Sequence[np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show shapes on plain ground, uint8 (H, W, 3), above what a network found, and how much of each shape that is."""
    titles = []
    for (name, picture), mask in zip(pictures.items(), masks, strict=True):
        shape = (picture != picture[0, 0]).any(axis=2)
        titles.append(f"{classes[1]}: {(mask[shape] == 1).mean():.0%} of the {name}")
    return _draw_in_columns(pictures, masks, titles, classes, palette)


def _draw_in_columns(
    pictures: Mapping[str, np.ndarray],
    masks: Sequence[np.ndarray],
    titles: Sequence[str],
    classes: Sequence[str],
    palette: Palette,
) -> Figure:
    """Draw each picture above itself with its mask laid over, under a title."""
    widths = [picture.shape[1] / picture.shape[0] for picture in pictures.values()]
    height = min(3.2, 10.2 / sum(widths))
    figure, axes = plt.subplots(
        2, len(widths), figsize=(sum(widths) * height + 0.5, 2 * height + 1.2), width_ratios=widths, squeeze=False
    )
    for (above, below), (name, picture), mask, title in zip(axes.T, pictures.items(), masks, titles, strict=True):
        above.imshow(picture)
        above.set_title(name)
        below.imshow(overlay(picture, mask, palette))
        below.set_title(title)
        above.axis("off")
        below.axis("off")
    legend(figure, classes[1:], palette[1:])
    return figure


def plot_questions(
    scene: np.ndarray, labels: np.ndarray, instances: Mapping[int, np.ndarray], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show a scene, uint8 (H, W, 3), and five answers to it, with class ids (H, W).

    `instances` has, for each class of things, the number of the object at each pixel, (H, W), 0 where there is none.
    """
    figure, axes = plt.subplots(2, 3, figsize=(10.8, 8.2))
    grey = (scene.mean(axis=2, keepdims=True) * GREY + 255 * (1 - GREY)).astype(np.uint8).repeat(3, axis=2)
    semantic = overlay(scene, labels, palette, opacity=0.8, contours=False)
    semantic[labels == IGNORE_INDEX] = 255
    things = list_things(instances)
    hues = [
        hsv_to_rgb(((0.75 + 0.382 * number) % 1, 0.75, 0.95)) for number in range(len(things))
    ]  # neighbours differ most
    shades = [
        (1 - mixed) * np.array(palette[class_id]) / 255 + mixed * paper
        for number, (class_id, _) in enumerate(things)
        for mixed, paper in [SHADES[number % len(SHADES)]]
    ]
    pictures = (scene, scene, scene, semantic, paint(grey, things, hues), paint(semantic, things, shades))
    titles = (
        "the scene", "classify: what is here?", "detect: where is each thing?",
        "semantic: a colour for each class", "instance: a colour for each thing",
        "panoptic: a class, and a shade for each thing",
    )  # fmt: skip
    for ax, picture, title in zip(axes.flat, pictures, titles, strict=True):
        ax.imshow(picture)
        ax.set_title(title)
        ax.axis("off")
    write_classes(axes[0, 1], labels, classes, palette)
    draw_boxes(axes[0, 2], things, palette)
    for ax in axes[1, 1:]:
        for number, (_, shape) in enumerate(things, 1):
            *_, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(cv2.copyMakeBorder(shape, *[1] * 4, 0), cv2.DIST_L2, 5))
            halo = [withStroke(linewidth=3, foreground="white")]
            x, y = np.clip((x - 1, y - 1), 4, np.array(labels.shape[::-1]) - 5)
            ax.text(x, y, number, ha="center", va="center", fontsize=8, path_effects=halo)
    legend(figure, classes, palette, ignored=True)
    return figure


def list_things(instances: Mapping[int, np.ndarray]) -> list[tuple[int, np.ndarray]]:
    """List every object, class after class: its class id, and where it is, uint8 (H, W), 1 or 0."""
    return [
        (class_id, (numbers == number).astype(np.uint8))
        for class_id, numbers in instances.items()
        for number in range(1, int(numbers.max()) + 1)
    ]


def paint(
    background: np.ndarray, things: Sequence[tuple[int, np.ndarray]], colours: Sequence[np.ndarray]
) -> np.ndarray:
    """Paint each object in its own colour, RGB from 0 to 1, outlined in black, over a picture, uint8 (H, W, 3)."""
    painted = background.copy()
    for (_, shape), colour in zip(things, colours, strict=True):
        painted[shape == 1] = 255 * np.array(colour)
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


def draw_boxes(ax: Axes, things: Sequence[tuple[int, np.ndarray]], palette: Palette) -> None:
    """Draw a box round each object, in the colour of its class between two dark lines."""
    for class_id, shape in things:
        x, y, width, height = cv2.boundingRect(shape)
        for colour, line in (("black", 4), (np.array(palette[class_id]) / 255, 2.2)):
            ax.add_patch(plt.Rectangle((x - 0.5, y - 0.5), width, height, fill=False, edgecolor=colour, linewidth=line))

"""Figures of notebook 6 that look inside a network: feature maps, one pixel's journey, skips and their loss."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from torch import Tensor

from exercises.figures.notebook_6 import frame, zoom
from utils.images import IGNORE_INDEX
from utils.models import probabilities, to_mask
from utils.plots import BLUE, Palette, colour_mask, legend, to_array


def three_colours(features: Tensor) -> np.ndarray:
    """Show the three main directions of a feature map (1, C, h, w) as an RGB picture, float (h, w, 3).

    The same map always gets the same colours: whatever covers most of it is bright.
    """
    flat = features[0].flatten(1).T
    flat = flat - flat.mean(dim=0)
    colours = flat @ torch.linalg.eigh(flat.T @ flat)[1][:, -3:].flip(1)  # along the directions that vary most
    low, high = colours.quantile(0.02, dim=0), colours.quantile(0.98, dim=0)
    colours = ((colours - low) / (high - low)).clamp(0, 1)
    colours = torch.where(colours.mean(dim=0) < 0.5, 1 - colours, colours)  # a direction has two ends: choose one
    return colours.reshape(*features.shape[2:], 3).numpy()


def plot_inside(
    scene: Tensor, maps: Mapping[str, Tensor], logits: Tensor, classes: Sequence[str], palette: Palette
) -> Figure:
    """Lay the feature maps of a U-Net out like the letter U, between the image and its prediction.

    Args:
        scene: uint8 (3, H, W).
        maps: "encoder i" and "decoder i" with their feature maps (1, C, h, w), as a forward pass left them.
        logits: (1, outputs, H, W).
        classes: their names.
        palette: their colours.
    """
    depth = sum(name.startswith("decoder") for name in maps)
    layout = [["image", "encoder 0", "decoder 0", "prediction"]]
    layout += [[".", f"encoder {i}", f"decoder {i}", "."] for i in range(1, depth)]
    layout += [[".", f"encoder {depth}", f"encoder {depth}", "."]]
    heights = [0.8**i for i in range(depth + 1)]
    size = (9.2, 2.25 * sum(heights) + 0.36 * len(heights))  # inches; the second part is for the titles
    figure, axes = plt.subplot_mosaic(layout, figsize=size, height_ratios=heights)
    pictures = {name: three_colours(features) for name, features in maps.items()}
    pictures |= {"image": to_array(scene), "prediction": colour_mask(to_mask(logits)[0], palette)}
    for name, ax in axes.items():
        ax.imshow(pictures[name], interpolation="nearest")
        text = "\n{} channels, {} x {}".format(*maps[name].shape[1:]) if name in maps else ""
        ax.set_title(name + text, fontsize=10.5)
        ax.axis("off")
    for i in range(depth):
        ends = {"xyA": (1.02, 0.5), "xyB": (-0.02, 0.5), "coordsA": "axes fraction", "coordsB": "axes fraction"}
        figure.add_artist(
            ConnectionPatch(axesA=axes[f"encoder {i}"], axesB=axes[f"decoder {i}"], arrowstyle="->", lw=2, **ends)
        )
    legend(figure, classes, palette)
    return figure


def plot_mix(scene: Tensor, below: Tensor, skip: Tensor, mixed: Tensor, part: int = 128) -> Figure:
    """Show the top left part of an image, uint8 (3, H, W), and of three feature maps of one decoder step."""
    names = ("image", "from below: what", "the skip: where", "mixed: what and where")
    height, width = scene.shape[1:]
    pictures = [to_array(scene)[:part, :part]]
    for features in (below, skip, mixed):
        rows, columns = part * features.shape[2] // height, part * features.shape[3] // width
        pictures.append(three_colours(features[:, :, :rows, :columns]))
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 2.7))
    for ax, picture, name in zip(axes, pictures, names, strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(f"{name}\n{picture.shape[0]} x {picture.shape[1]}")
        ax.axis("off")
    return figure


def plot_masks(masks: Mapping[str, Tensor], classes: Sequence[str], palette: Palette, size: float = 2.65) -> Figure:
    """Show masks (H, W), each under its name, in the colours of the classes; ignored pixels are white."""
    figure, axes = plt.subplots(1, len(masks), figsize=(size * len(masks), size + 0.75), squeeze=False)
    for ax, (name, mask) in zip(axes[0], masks.items(), strict=True):
        ax.imshow(colour_mask(mask, palette), interpolation="nearest")
        ax.set(title=name, xticks=[], yticks=[])
    legend(figure, classes, palette, ignored=any((to_array(mask) == IGNORE_INDEX).any() for mask in masks.values()))
    return figure


def draw_views(ax: Axes, scene: Tensor, pixel: tuple[int, int], views: Mapping[str, int]) -> None:
    """Draw around a pixel of a scene the square that each station sees, with the station's name and the side."""
    row, column = pixel
    zoom(ax, scene, pixel, max([40, *views.values()]) // 2 + 8)
    for name, side in views.items():
        frame(ax, row - side // 2, column - side // 2, side, "white", 2)
        if side > 20:  # a name does not fit into the smallest squares
            text = ax.text(column - side // 2 + 1, row + side // 2 - 1.5, f"{name}: {side}", va="bottom", size=9.5)
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    frame(ax, row, column, 1, "black", 2)
    ax.set(title=f"pixel ({row}, {column})")


def plot_journey(
    scene: Tensor,
    pixel: tuple[int, int],
    vectors: Mapping[str, Tensor],
    logits: Tensor,
    classes: Sequence[str],
    views: Mapping[str, int] | None = None,
) -> Figure:
    """Follow one pixel through a network: its numbers at every station, its logits, its probabilities, its class.

    Args:
        scene: uint8 (3, H, W).
        pixel: its row and column.
        vectors: the name of each station, with what the network holds at this pixel there, (C,).
        logits: of this pixel (outputs,).
        classes: their names.
        views: for some stations the side of the square of the image that each sees, in pixels, from small to large.
    """
    figure = plt.figure(figsize=(10.8, 4.6), layout="constrained")
    left, middle, right = figure.subfigures(1, 3, width_ratios=[3.6, 4, 3.2])
    draw_views(left.subplots(), scene, pixel, views or {})
    for ax, (name, vector) in zip(middle.subplots(1, len(vectors)), vectors.items(), strict=True):
        limit = vector.abs().max().item() or 1
        ax.imshow(
            vector[:, None].numpy(), cmap="PuOr_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
        )
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"{name}\n{len(vector)}", size=9.5)
    middle.supxlabel("its numbers, station by station", size=11)
    chances = probabilities(logits[None, :, None, None])[0, :, 0, 0]
    names = list(classes)[-len(logits) :]
    chosen = to_mask(logits[None, :, None, None]).item() - (len(classes) - len(logits))
    for ax, values, title in zip(right.subplots(2, 1), (logits, chances), ("logits", "probabilities"), strict=True):
        faces = [BLUE if i == chosen else "white" for i in range(len(values))]
        ax.barh(range(len(values)), values.numpy(), color=faces, edgecolor="black")
        ax.set_yticks(range(len(values)), names)
        ax.invert_yaxis()
        ax.axvline(0, color="black", lw=1)
        ax.set_title(title, size=11)
    return figure


def plot_features(image: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """Show an image, uint8 (3, H, W), and one feature map (1, C, h, w) of each encoder."""
    pictures = {"image": to_array(image)} | {name: three_colours(features) for name, features in maps.items()}
    figure, axes = plt.subplots(1, len(pictures), figsize=(8.6, 2.8))
    for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(f"{name}\n{picture.shape[0]} x {picture.shape[1]}")
        ax.axis("off")
    return figure

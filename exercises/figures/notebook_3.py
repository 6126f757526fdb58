"""Figures of notebook 3: pairs and their masks, how far both drift apart, and a model scored ten times."""

from collections.abc import Mapping, Sequence

import albumentations as A
import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from utils import plots

WIDTH = 10.6  # inches, of figures with many tiles
Pair = tuple[np.ndarray | Tensor, np.ndarray | Tensor]
Draw = tuple[float, np.ndarray, np.ndarray]  # distance in pixels, image, mask


def plot_outlined(
    pairs: Sequence[Pair], names: Sequence[str], classes: Sequence[str], palette: plots.Palette, columns: int = 4,
    width: float = WIDTH,
) -> Figure:  # fmt: skip
    """Draw images, uint8 (H, W, 3), with the outlines of their masks (H, W), each in the colour of its class."""
    pairs = [(plots.to_array(image), plots.to_array(mask)) for image, mask in pairs]
    rows, (tall, wide) = -(-len(pairs) // columns), pairs[0][1].shape
    title = 0.05 + 0.25 * (1 + max(name.count("\n") for name in names))  # inches, as all of `size`
    size = (width, rows * (width / columns * tall / wide + title) + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for ax, (image, mask), name in zip(axes.flat, pairs, names, strict=False):
        ax.imshow(plots.overlay(image, mask, palette, opacity=0.15, contours=False), interpolation="bicubic")
        for index in range(1 if len(palette) == 2 else 0, len(palette)):
            if 0 < np.mean(mask == index) < 1:
                colour = [np.array(palette[index]) / 255]
                ax.contour(mask == index, levels=[0.5], colors=colour, linewidths=1.3)
        ax.set_title(name)
    there = [index for index in range(len(classes)) if any((mask == index).any() for _, mask in pairs)]
    plots.legend(figure, [classes[index] for index in there], [palette[index] for index in there])
    return figure


def plot_image_above_mask(
    pairs: Sequence[Pair], names: Sequence[str], classes: Sequence[str], palette: plots.Palette, width: float = WIDTH
) -> Figure:
    """Draw each image, uint8 (H, W, 3), above its mask (H, W), in grey frames: ignored corners are white on white."""
    tall, wide = pairs[0][1].shape
    size = (width, 2 * width / len(pairs) * tall / wide + 1)  # inches
    figure, axes = plt.subplots(2, len(pairs), figsize=size, squeeze=False, layout="constrained")
    for (above, below), (image, mask), name in zip(axes.T, pairs, names, strict=True):
        above.imshow(plots.to_array(image), interpolation="bicubic")
        above.set_title(name)
        below.imshow(plots.colour_mask(mask, palette), interpolation="nearest")
    for ax in axes.flat:
        frame(ax)
    plots.legend(figure, classes, palette, ignored=True)
    return figure


def frame(ax: Axes) -> None:
    """Draw a grey frame around a picture, and no ticks."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=plots.GREY)


def plot_masks(
    rows: Sequence[tuple[np.ndarray, Mapping[str, np.ndarray]]], classes: Sequence[str], palette: plots.Palette
) -> Figure:
    """Draw in each row an image, uint8 (H, W, 3), and beside it masks (H, W) of the same size, under their names."""
    columns = 1 + len(rows[0][1])
    size = (WIDTH, len(rows) * (WIDTH / columns + 0.35) + 0.5)  # inches
    figure, axes = plt.subplots(len(rows), columns, figsize=size, squeeze=False, layout="constrained")
    for row, (image, masks) in zip(axes, rows, strict=True):
        views = {"image": image} | {name: plots.colour_mask(mask, palette) for name, mask in masks.items()}
        for ax, (name, view) in zip(row, views.items(), strict=True):
            ax.imshow(view, interpolation="nearest" if name in masks else "bicubic")
            ax.set_title(name)
            frame(ax)
    plots.legend(figure, classes, palette, ignored=True)
    return figure


def plot_enlarged(nearest: np.ndarray, bilinear: np.ndarray, classes: Sequence[str], palette: plots.Palette) -> Figure:
    """Show one enlarged mask, uint8 (H, W), by nearest neighbour and mixed, and the numbers of a piece of the second.

    The piece, framed in red, is the square of 12 pixels that holds the most pixels with an invented label.
    """
    wrong, side = nearest != bilinear, 12
    found = cv2.boxFilter(wrong.astype(np.float32), -1, (side, side), anchor=(0, 0))[: 1 - side, : 1 - side]
    y, x = np.unravel_index(found.argmax(), found.shape)
    piece = bilinear[y : y + side, x : x + side]
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 4.6), layout="constrained")
    views = {
        "nearest neighbour": nearest,
        f"bilinear: {wrong.mean():.0%} of the pixels are wrong": bilinear,
        "the red square: invented labels in frames": piece,
    }
    for ax, (name, view) in zip(axes, views.items(), strict=True):
        ax.imshow(plots.colour_mask(view, palette), interpolation="nearest")
        ax.set_title(name)
        frame(ax)
    axes[1].add_patch(Rectangle((x - 0.5, y - 0.5), side, side, fill=False, edgecolor="red", linewidth=2.5))
    for (row, column), label in np.ndenumerate(piece):
        box = {"edgecolor": "red", "linewidth": 1.5} if wrong[y + row, x + column] else {"edgecolor": "none"}
        axes[2].text(column, row, label, ha="center", va="center", bbox={"facecolor": "white", "pad": 2} | box)
    there = [index for index in range(len(classes)) if index in nearest or index in bilinear]
    plots.legend(figure, [f"{index} {classes[index]}" for index in there], [palette[index] for index in there])
    return figure


def plot_landmarks(draws: Mapping[str, Sequence[Draw]], author: str) -> Figure:
    """Draw one example of every pipeline (the third), and the distance between both dots in all of its draws."""
    count = len(draws)
    figure, axes = plt.subplots(1, count + 1, figsize=(11, 3), width_ratios=[1] * count + [1.6], layout="constrained")
    for row, (ax, (name, found)) in enumerate(zip(axes, draws.items(), strict=False)):
        distance, image, mask = found[2]
        ax.imshow(plots.overlay(image, mask, [(0, 0, 0), (230, 159, 0)], opacity=0))
        ax.set(title=f"{name}\n{distance:.2f} px apart", xticks=[], yticks=[])
        distances = np.array([distance for distance, *_ in found]).clip(0.02)
        axes[-1].plot(distances, row + np.linspace(-0.2, 0.2, len(found)), ".")
    axes[-1].set(title="all draws", xscale="log", xlabel="distance, px (0 drawn at 0.02)")
    axes[-1].set(yticks=range(count), yticklabels=list(draws))
    axes[-1].axvline(1, color=plots.GREY, linestyle="--")
    key = "Filled (dimmed where colours change): the dot in the image. Orange: the dot in the mask"
    figure.suptitle(f"{key}\nby hand ({author})")
    return figure


def plot_changes(image: np.ndarray, changes: Mapping[str, Sequence[float]]) -> Figure:
    """Draw what each amount of a change makes of an image, uint8 (H, W, 3), a row a change.

    changes: "brightness", "contrast", "saturation" or "noise", with the amounts that are drawn; a factor of 1, or no
    noise, is the image unchanged, in a thick frame.
    """
    rows, columns, (tall, wide) = len(changes), max(map(len, changes.values())), image.shape[:2]
    size = (WIDTH, rows * (WIDTH / columns * tall / wide + 0.32))  # inches
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for row, (name, amounts) in zip(axes, changes.items(), strict=True):
        for ax, amount in zip(row, amounts, strict=True):
            ax.imshow(changed(image, name, amount), interpolation="bicubic")
            ax.set_title(f"{name} {amount}")
            frame(ax)
            if amount == (0 if name == "noise" else 1):
                ax.set_title("unchanged")
                ax.spines[:].set(color="black", linewidth=3)
    return figure


def changed(image: np.ndarray, name: str, amount: float) -> np.ndarray:
    """Change brightness, contrast or saturation of an image, uint8 (H, W, 3), by a factor, or add noise."""
    if name == "noise":
        step = A.GaussNoise(std_range=(amount, amount), per_channel=False, p=1)  # grey grain, as in training
    else:
        factors = {"brightness": (1, 1), "contrast": (1, 1), "saturation": (1, 1), name: (amount, amount)}
        step = A.ColorJitter(**factors, hue=(0, 0), p=1)
    return A.Compose([step], seed=1, strict=True)(image=image)["image"]


def plot_ten_scores(fixed: Sequence[float], jittered: Sequence[float]) -> Figure:
    """Draw the scores of one unchanged model under the fixed pipeline and under the training pipeline."""
    runs = range(1, len(fixed) + 1)
    figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
    ax.plot(runs, fixed, "o", markersize=5, zorder=3, label="fixed pipeline")  # in front of a square at the same score
    ax.plot(runs, jittered, "s", markersize=9, label="training pipeline")
    best = (int(np.argmax(jittered)) + 1, max(jittered))
    ax.annotate("“the best epoch”", best, (-12, 8), textcoords="offset points")
    ax.set_ylim(min(jittered) - 0.02, max(*fixed, *jittered) + 0.05)
    ax.set(title="One unchanged model, scored ten times", xlabel="run", ylabel="validation IoU", xticks=runs)
    ax.legend(frameon=False)
    return figure

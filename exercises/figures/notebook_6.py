"""Figures of notebook 6 about convolutions: neighbours, what a pixel sees, and the way back up."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from utils.plots import BLUE, ORANGE, RED, to_array

FACES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")  # one colour for each pixel from below


def write_numbers(ax: Axes, values: Tensor, title: str, size: int = 12) -> None:
    """Show a small matrix (h, w) as grey squares with its numbers written in them."""
    array = to_array(values)
    ax.imshow(array, cmap="gray", interpolation="nearest")
    middle = (array.min() + array.max()) / 2
    for (row, column), value in np.ndenumerate(array):
        colour = "black" if value > middle else "white"
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, size=size)
    ax.set(title=title, xticks=[], yticks=[])


def frame(ax: Axes, row: int, column: int, side: int, colour: str = RED, width: float = 4) -> None:
    """Outline a square of `side` pixels whose top left pixel is given."""
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), side, side, fill=False, edgecolor=colour, lw=width))


def plot_neighbours(
    patch: Tensor, kernel: Tensor, result: Tensor, scene: Tensor | None = None, place: tuple[int, int] = (0, 0)
) -> Figure:
    """Show how one number of a convolution comes about.

    Args:
        patch: grey values (h, w), of which the middle 3 x 3 are asked.
        kernel: the nine weights (3, 3).
        result: what the convolution makes of the patch, without padding (h - 2, w - 2).
        scene: uint8 (3, H, W), if it is to be shown where the patch lies.
        place: row and column of the patch's middle in the scene.
    """
    widths = [5, 7, 4, 5][scene is None :]
    figure, axes = plt.subplots(1, len(widths), figsize=(10.8, 3.5), width_ratios=widths)
    if scene is not None:
        zoom(axes[0], scene, place, 24)
        frame(axes[0], place[0] - len(patch) // 2, place[1] - len(patch) // 2, len(patch), "black", 3)
        frame(axes[0], place[0] - 1, place[1] - 1, 3, RED, 2.5)
        axes[0].set(title="where they lie: here the\nsum is largest in the scene")
    top, left = ((side - 3) // 2 for side in patch.shape)
    write_numbers(axes[-3], patch, f"{patch.shape[0]} x {patch.shape[1]} grey values, 0 to 255", 10)
    frame(axes[-3], top, left, 3)
    write_numbers(axes[-2], kernel, "the kernel: nine weights", 14)
    write_numbers(axes[-1], result, "the convolution's output", 10)
    frame(axes[-1], top, left, 1)
    for ax, sign in zip(axes[-3:-1], ("times", "sum ="), strict=True):
        ax.text(1.06, 0.5, sign, transform=ax.transAxes, ha="left", va="center", size=12)
    return figure


def plot_rescaled(before: Tensor, after: Tensor) -> Figure:
    """Draw how the values of each channel are spread, (N, C, H, W) with up to three, before BatchNorm and after it."""
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 2.8))
    for ax, values, title in ((axes[0], before, "before BatchNorm"), (axes[1], after, "after BatchNorm")):
        limits = values.detach().flatten().quantile(torch.tensor([0.001, 0.999])).tolist()
        for number, style in zip(range(values.shape[1]), ("-", "--", ":"), strict=False):
            counts, edges = np.histogram(to_array(values[:, number].flatten()), bins=80, range=limits)
            ax.plot((edges[:-1] + edges[1:]) / 2, counts, style, label=f"channel {number}")
        ax.set(title=title, xlabel="value", yticks=[], ylim=(0, None))
    axes[0].set_ylabel("how many pixels")
    axes[0].legend(frameon=False)
    return figure


def zoom(ax: Axes, scene: Tensor, place: tuple[int, int], reach: int) -> None:
    """Show the part of a scene, uint8 (3, H, W), that lies within `reach` pixels of a place, with its own rows."""
    ax.imshow(to_array(scene), interpolation="nearest")
    (top, bottom), (left, right) = (
        (max(0, middle - reach) - 0.5, min(side, middle + reach) - 0.5)
        for middle, side in zip(place, scene.shape[1:], strict=True)
    )
    ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])


def plot_receptive_fields(
    scene: Tensor, centre: tuple[int, int], seen: Mapping[int, int], without: Mapping[int, int]
) -> Figure:
    """Show on a scene what one pixel sees: a panel for each depth, with two squares; the first one is enlarged.

    Args:
        scene: uint8 (3, H, W).
        centre: row and column of the pixel.
        seen: for each depth the side of the square that it sees, in pixels.
        without: the same for a network that never halves the image.
    """
    figure, axes = plt.subplots(1, len(seen), figsize=(9.8, 3.45))
    picture = to_array(scene)
    for ax, (depth, side) in zip(axes, seen.items(), strict=True):
        top, left = (max(0, middle - side // 2) for middle in centre)
        bright = (slice(top, centre[0] + side - side // 2), slice(left, centre[1] + side - side // 2))
        shown = (255 - (255 - picture.astype(float)) * 0.22).astype(np.uint8)
        shown[bright] = picture[bright]
        ax.imshow(shown, interpolation="nearest")
        for square, colour in ((side, "black"), (without[depth], ORANGE)):
            frame(ax, centre[0] - square // 2, centre[1] - square // 2, square, colour, 2.5)
        ax.set(title=f"depth {depth}: {side} pixels\n(without halving {without[depth]})", xticks=[], yticks=[])
        ax.set(xlim=(-0.5, picture.shape[1] - 0.5), ylim=(picture.shape[0] - 0.5, -0.5))
    frame(axes[0], *centre, 1, "white", 2)
    axes[0].set_title(axes[0].get_title().replace(":", ", enlarged:"))
    reach = max(seen.values()) // 6
    axes[0].set(xlim=(centre[1] - reach, centre[1] + reach), ylim=(centre[0] + reach, centre[0] - reach))
    names = {"black": "sees with halving (bright)", ORANGE: "sees without halving"}
    handles = [Rectangle((0, 0), 1, 1, fill=False, edgecolor=c, lw=3, label=name) for c, name in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def plot_transposed(below: Tensor, kernel: Tensor, above: Tensor) -> Figure:
    """Show a transposed convolution of stride 2 as stamps, and what a kernel of 3 makes of a map without any detail.

    Args:
        below: the map to enlarge (2, 2).
        kernel: its weights (2, 2).
        above: the result (4, 4); each pixel from below has left its stamp in a colour of its own.
    """
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 4.2), width_ratios=[2.2, 3.2, 3.2])
    for ax, values, title in ((axes[0], below, "from below"), (axes[1], above, "2 x 2 stamps, side by side")):
        for (row, column), value in np.ndenumerate(to_array(values)):
            size = len(values) // len(below)
            face = FACES[2 * (row // size) + column // size]
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor="white", alpha=0.45))
            ax.text(column, row, f"{value:.0f}", ha="center", va="center", size=13)
        limits = (-0.5, len(values) - 0.5)
        ax.set(xlim=limits, ylim=limits[::-1], aspect="equal", title=title, xticks=[], yticks=[])
    weights = "\n".join("  ".join(f"{value:.0f}" for value in row) for row in to_array(kernel))
    axes[0].set_xlabel(f"kernel:\n{weights}", size=12)
    counts = F.conv_transpose2d(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 3, 3), stride=2)[0, 0]
    axes[2].imshow(to_array(counts[:9, :9]), cmap="Blues", vmin=0, vmax=4, interpolation="nearest")
    axes[2].set(title="3 x 3 stamps of ones, on a map of ones", xticks=[], yticks=[])
    for (row, column), count in np.ndenumerate(to_array(counts[:9, :9])):
        axes[2].text(column, row, f"{count:.0f}", ha="center", va="center", color="white" if count > 3 else "black")
    return figure


def plot_padding(image: Tensor, padded: Tensor, stride: int) -> Figure:
    """Show an image uint8 (3, H, W) and its version padded to a stride (3, H', W'); what was added is tinted."""
    height, width = image.shape[1:]
    before = np.full((*padded.shape[1:], 3), 255, dtype=np.uint8)
    before[:height, :width] = to_array(image)
    after = to_array(padded).copy()
    added = np.ones(after.shape[:2], dtype=bool)
    added[:height, :width] = False
    after[added] = (0.5 * after[added] + 0.5 * np.array([230, 159, 0])).astype(np.uint8)
    figure, axes = plt.subplots(1, 2, figsize=(5.8, 3.1))
    for ax, picture, title in ((axes[0], before, "image"), (axes[1], after, f"padded to a stride of {stride}")):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(f"{title}\n{height if ax is axes[0] else len(after)} x "
                     f"{width if ax is axes[0] else after.shape[1]} pixels")  # fmt: skip
        ax.axis("off")
    axes[0].add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=BLUE, lw=2))
    axes[1].add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor=ORANGE, lw=2))
    return figure

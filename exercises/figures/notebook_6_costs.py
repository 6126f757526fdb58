"""Figures of notebook 6 about costs: memory, parameters, operations and time; and BatchNorm that moves."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator
from matplotlib.transforms import Bbox, BboxBase
from torch import Tensor, nn

from utils.plots import BLUE, ORANGE, RED, Palette, colour_mask, legend, to_array

# Where a name may stand beside its dot, the best place first: right, left, below, above, and the corners.
SIDES = ((1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8))


def kept_by_size(net: nn.Module, images: Tensor) -> dict[int, int]:
    """Measure what a forward pass keeps of its feature maps for the backward pass: bytes for each of their widths."""
    kept: dict[int, tuple[int, int]] = {}

    def remember(tensor: Tensor) -> Tensor:
        if tensor.ndim == 4:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = (tensor.shape[-1], storage.nbytes())
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in net.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        output = net(images)  # kept alive, so that no storage is freed and its address used again
    del output
    sizes: dict[int, int] = {}
    for pointer, (width, size) in kept.items():
        if pointer not in weights:
            sizes[width] = sizes.get(width, 0) + size
    return sizes


def plot_levels(kept: Mapping[int, int], parameters: Sequence[int]) -> Figure:
    """Draw for each level of a U-Net, the top first, its memory to the left and its parameters to the right.

    Args:
        kept: bytes of the feature maps for each of their widths in pixels, the largest width first.
        parameters: how many numbers each level learns.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9.6, 3), sharey=True)
    memory = [size / 2**20 for size in kept.values()]
    sides = ((axes[0], memory, BLUE, "{:.1f} MB, {:.0%}"), (axes[1], parameters, ORANGE, "{:,}, {:.0%}"))
    for ax, values, colour, words in sides:
        ax.set(xlim=(0, 1.45 * max(values)), xticks=[], ylim=(len(values) - 0.5, -0.5))
        ax.xaxis.set_inverted(ax is axes[0])
        bars = ax.barh(range(len(values)), values, color=colour, edgecolor="black")
        ax.bar_label(bars, [words.format(value, value / sum(values)) for value in values], padding=5)
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(left=False, labelleft=ax is axes[1])
    axes[0].spines["left"].set_visible(False)
    axes[0].spines["right"].set_visible(True)
    axes[0].set_title("memory of the feature maps in training", loc="right")
    axes[1].set_title("parameters", loc="left")
    axes[1].set_yticks(range(len(kept)), [f"{width} x {width}" for width in kept])
    return figure


def name_dots(ax: Axes, names: Sequence[str], points: Sequence[tuple[float, float]], radii: Sequence[float]) -> None:
    """Write a name beside each dot, whose radius is in points, where it covers least of the dots and of other names."""
    ax.figure.draw_without_rendering()  # from here on every point has its place
    pixels = ax.figure.dpi / 72  # an inch has 72 points
    middles = list(zip(ax.transData.transform(points), radii, strict=True))
    taken = [Bbox([middle - pixels * radius, middle + pixels * radius]) for middle, radius in middles]
    for name, point, radius in zip(names, points, radii, strict=True):
        labels = [label_dot(ax, name, point, radius + 3, side) for side in SIDES]
        boxes = [label.get_window_extent().padded(1) for label in labels]
        outside = [box.width * box.height - covered(box, [ax.bbox]) for box in boxes]
        bad = [round(covered(box, taken) + out) for box, out in zip(boxes, outside, strict=True)]
        best = bad.index(min(bad))
        taken.append(boxes[best])
        for label in labels[:best] + labels[best + 1 :]:
            label.remove()


def covered(box: Bbox, others: Sequence[BboxBase]) -> float:
    """Return how many square pixels a box shares with others."""
    shared = [Bbox.intersection(box, other) for other in others]
    return sum(part.width * part.height for part in shared if part is not None)


def label_dot(ax: Axes, name: str, point: tuple[float, float], away: float, side: tuple[float, float]) -> Annotation:
    """Write a name at some distance from a point, in points, on a side of it: see SIDES."""
    across = {-1: "right", 0: "center", 1: "left"}[round(side[0])]
    up = {-1: "top", 0: "center", 1: "bottom"}[round(side[1])]
    place = (away * side[0], away * side[1])
    return ax.annotate(name, point, place, textcoords="offset points", ha=across, va=up, fontsize=10)


def plot_costs(costs: pd.DataFrame) -> Figure:
    """Draw operations against latency on logarithmic axes: three columns, millions of parameters, GFLOPs, ms."""
    figure, ax = plt.subplots(figsize=(10.5, 4.6))
    millions, flops, latency = costs.to_numpy().T
    radii = (100 + 30 * millions) ** 0.5 / 2
    ax.scatter(flops, latency, s=4 * radii**2, color="#9FD0EE", edgecolor="black")
    ax.set(xscale="log", yscale="log", xlabel="operations for one image of 128 x 128, GFLOPs")
    ax.set(
        ylabel="latency on this CPU, ms", title="What one image costs; larger dots have more parameters (M: millions)"
    )
    ax.margins(0.12)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_locator(LogLocator(subs=(2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("{x:g}")
    names = [f"{name.split(':')[-1]}, {size:.1f} M" for name, size in zip(costs.index, millions, strict=True)]
    name_dots(ax, names, list(zip(flops, latency, strict=True)), radii)
    return figure


def plot_moving_norm(
    moved: Mapping[str, Sequence[float]], masks: Mapping[str, Tensor], classes: Sequence[str], palette: Palette
) -> Figure:
    """Draw how far a BatchNorm's average moved, batch by batch, and the masks (H, W) that networks give afterwards."""
    figure, axes = plt.subplots(1, 1 + len(masks), figsize=(10.8, 3.8), width_ratios=[1.35] + [1] * len(masks))
    for (name, shares), style, colour in zip(moved.items(), ("-", "--"), (RED, BLUE), strict=True):
        axes[0].plot(shares, style, color=colour, label=name)
    axes[0].set(title="First BatchNorm of the encoder", xlabel="batches seen", ylabel="running mean moved by")
    axes[0].yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes[0].legend(frameon=False)
    for ax, (name, mask) in zip(axes[1:], masks.items(), strict=True):
        ax.imshow(colour_mask(mask, palette), interpolation="nearest")
        ax.set(title=name, xticks=[], yticks=[])
    legend(figure, classes, palette)
    return figure


def plot_cropped(
    scene: Tensor, mask: Tensor, kept: tuple[int, int], classes: Sequence[str], palette: Palette
) -> Figure:
    """Show an image, uint8 (3, H, W), and what is left of its mask (H, W) when the image is cropped to `kept`."""
    cropped = colour_mask(mask, palette)
    cropped[kept[0] :], cropped[:, kept[1] :] = 0, 0
    lost = 1 - kept[0] * kept[1] / mask.numel()
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.9))
    titles = ("image", f"cropped before: {lost:.0%} without an answer (black)")
    for ax, picture, title in zip(axes, (to_array(scene), cropped), titles, strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set(title=title, xticks=[], yticks=[])
    legend(figure, classes, palette)
    return figure

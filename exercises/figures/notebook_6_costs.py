"""Figures of notebook 6 about costs: memory and parameters, an image that was cropped, and BatchNorm that moves."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from utils.plots import BLUE, ORANGE, RED, Palette, colour_mask, legend, to_array


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

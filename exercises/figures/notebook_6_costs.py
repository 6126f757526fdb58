"""Figures of notebook 6 about what a mistake costs: an image that was cropped, and BatchNorm that moves."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor

from utils.plots import BLUE, RED, Palette, colour_mask, legend, to_array


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

"""Figures of notebook 1 about the machine: seconds, memory, which is measured here, and what a seed does to a score."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from utils.plots import BLUE, GREY, ORANGE
from utils.runtime import largest_batch

MB = 1024**2
# A training step of U-Net on ResNet-34, 512 x 512 pixels and 21 classes, on an H100 in bf16: images a second, by batch.
H100_RATES = {1: 41, 4: 176, 16: 379, 32: 408}  # from docs/gpu.md
H100_UNET = 1380  # the same of our U-Net with 16 pictures of 256 x 256 pixels and 21 classes, in fp32, from docs/gpu.md


def activation_bytes(model: nn.Module, images: Tensor) -> int:
    """Measure what a forward pass keeps for the backward pass, in bytes (each storage counted once)."""
    kept: dict[int, int] = {}

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        output = model(images)  # kept alive, so that no storage is freed and its address used again
    del output
    return sum(size for pointer, size in kept.items() if pointer not in weights)


def plot_memory(total: int, fixed: int, costs: Mapping[str, int]) -> Figure:
    """Draw the memory of a device as a bar for each size of picture: the network, a block a picture, and what is left.

    Half of `total` bytes is planned for the network, `fixed`, and the activations; a picture takes its part of `costs`.
    """
    figure, ax = plt.subplots(figsize=(10.8, 2.6))
    for row, cost in enumerate(costs.values()):
        batch, half = largest_batch(cost, fixed, total // 2), total / 2 / 1024**3
        kept = np.full(batch, cost / 1024**3)
        starts = fixed / 1024**3 + cost / 1024**3 * np.arange(batch)
        ax.barh(row, half, 0.6, left=half, color="white", edgecolor=GREY, hatch="//", linewidth=1)
        ax.barh(np.full(batch, row), kept, 0.6, left=starts, color=ORANGE, edgecolor="white", linewidth=1)
        ax.barh(row, fixed / 1024**3, 0.6, color=BLUE, edgecolor=BLUE, linewidth=0.8)
        chip = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        ax.text(half * 1.5, row, "the rest of a step", ha="center", va="center", bbox=chip)
        ax.text(half / 2, row, f"{batch} pictures of {cost / MB:,.0f} MB", ha="center", va="center", bbox=chip)
    ax.annotate(
        f"the network: {fixed / MB:.1f} MB", (0, -0.3), (0.25, -0.72), va="center",
        arrowprops={"arrowstyle": "->", "color": BLUE}, color=BLUE,
    )  # fmt: skip
    ax.set(yticks=range(len(costs)), yticklabels=costs, xlabel="GB", xlim=(-0.1, total / 1024**3), ylim=(1.4, -1))
    ax.spines[["left", "top", "right"]].set_visible(False)
    return figure


def plot_step_times(sides: Sequence[int], seconds: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the seconds of a training step: measured, against the side of its pictures, a line for each device.

    Beside it, against the number of pictures, stands a step of an H100, as it is stored in H100_RATES; H100_UNET is
    written below the measured line.
    """
    figure, (ax, stored) = plt.subplots(1, 2, figsize=(10.8, 4.2), width_ratios=(3, 2))
    for (device, took), marker in zip(seconds.items(), "os^", strict=False):
        draw_times(ax, sides, took, 2, marker, f"measured: {device}", "proportional to pixels")
    ax.set(title="Our U-Net, four pictures in a step", xlabel="side of the pictures, pixels")
    says = f"one H100, stored: {16_000 / H100_UNET:.0f} ms for\n16 pictures of 256 x 256\n(fp32, 21 classes)"
    ax.text(0.97, 0.04, says, transform=ax.transAxes, ha="right", va="bottom")
    batches = list(H100_RATES)
    took = [batch / rate for batch, rate in H100_RATES.items()]
    draw_times(stored, batches, took, 1, "D", "stored: one H100", "proportional to pictures")
    stored.set(title="U-Net on ResNet-34, bf16, 512 x 512 pixels", xlabel="pictures in a step")
    for half, x in ((ax, 0.08), (stored, 0.12)):
        half.set(ylabel="ms for one training step")
        half.margins(x=x, y=0.15)
    return figure


def draw_times(ax: Axes, sizes: Sequence[int], seconds: Sequence[float], power: int, marker: str, *labels: str) -> None:
    """Draw seconds against sizes on logarithmic axes, and the line that follows a power of the size; label both."""
    milliseconds = 1000 * np.array(seconds)
    lines = milliseconds, milliseconds[-1] * (np.array(sizes) / sizes[-1]) ** power
    for line, style, label in zip(lines, (marker + "-", "--"), labels, strict=True):
        ax.loglog(sizes, line, style, label=label)
    for size, value in zip(sizes, milliseconds, strict=True):
        chip = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.annotate(f"{value:.0f} ms", (size, value), (0, 9), textcoords="offset points", ha="center", bbox=chip)
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.legend(frameon=False, loc="upper left")


def plot_seeds(scores: Mapping[int, float]) -> Figure:
    """Draw the IoU of trainings that differ in the seed alone, a dot for each, on one line."""
    figure, ax = plt.subplots(figsize=(10, 2.2))
    ax.plot(list(scores.values()), [0] * len(scores), "o", color=BLUE, markersize=11)
    for rank, seed in enumerate(sorted(scores, key=scores.get)):  # by turns above and below, or neighbours would meet
        place, side = ((0, 10), "bottom") if rank % 2 else ((0, -10), "top")
        where = {"xy": (scores[seed], 0), "xytext": place, "va": side, "ha": "center"}
        ax.annotate(f"seed {seed}\n{scores[seed]:.3f}", textcoords="offset points", **where)
    ax.set(xlabel="validation IoU", yticks=[], ylim=(-2, 2))
    ax.margins(x=0.1)
    ax.spines[["left", "top", "right"]].set_visible(False)
    return figure

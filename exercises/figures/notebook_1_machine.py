"""Figures of notebook 1 about the machine: seconds, memory, which is measured here, and what a seed does to a score."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import psutil
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from utils.plots import BLUE, GREY, ORANGE
from utils.runtime import largest_batch

MB = 1024**2
# A training step of U-Net on ResNet-34, 512 x 512 pixels and 21 classes, on an H100 in bf16: images a second, by batch.
H100_RATES = {1: 41, 4: 176, 16: 379, 32: 408}  # from docs/gpu.md


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


def memory_bytes(device: torch.device) -> int:
    """Return how much memory a device has: a GPU of NVIDIA its own, anything else that of the computer."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).total_memory
    return psutil.virtual_memory().total


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
        ax.text(half * 1.5, row, "loss and backward pass", ha="center", va="center", bbox=chip)
        ax.text(half / 2, row, f"{batch} pictures of {cost / MB:,.0f} MB", ha="center", va="center", bbox=chip)
    ax.annotate(
        f"the network: {fixed / MB:.1f} MB", (0, -0.3), (0.25, -0.72), va="center",
        arrowprops={"arrowstyle": "->", "color": BLUE}, color=BLUE,
    )  # fmt: skip
    ax.set(yticks=range(len(costs)), yticklabels=costs, xlabel="GB", xlim=(-0.1, total / 1024**3), ylim=(1.4, -1))
    ax.spines[["left", "top", "right"]].set_visible(False)
    return figure


def plot_card(machines: Mapping[str, tuple[str, int, int, float, int]]) -> Figure:
    """Write what is known of two machines.

    For each: precision, bytes of memory, pictures in a step, how many of 256 x 256 it takes a second, largest batch.
    """
    rows = (
        "precision to choose", "memory", "pictures in a step", "pictures of 256 x 256 a second (fp32)",
        "10,000 photographs, once", "10,000 photographs, 15 times", "largest batch, 512 x 512, estimated",
    )  # fmt: skip
    figure, ax = plt.subplots(figsize=(10, 4.3))
    ax.set(xlim=(0, 10), ylim=(len(rows), -1))
    ax.axis("off")
    for row, name in enumerate(rows):
        ax.text(0, row + 0.5, name, va="center", fontsize=12)
        ax.axhline(row, color=GREY, linewidth=0.8)
    for left, colour, (name, (precision, memory, step, rate, batch)) in zip(
        (4.2, 7.2), (BLUE, ORANGE), machines.items(), strict=True
    ):
        ax.add_patch(plt.Rectangle((left - 0.15, -1), 2.8, len(rows) + 1, color=colour, alpha=0.2, linewidth=0))
        ax.text(left, -0.5, name, va="center", fontsize=12, weight="bold")
        numbers = (
            precision, f"{memory / 1024**3:.0f} GB", f"{step}", f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}",
            spell_time(10_000 / rate), spell_time(150_000 / rate), f"{batch:,}",
        )  # fmt: skip
        for row, number in enumerate(numbers):
            ax.text(left, row + 0.5, number, va="center", fontsize=16)
    return figure


def spell_time(seconds: float) -> str:
    """Write seconds as seconds, minutes or hours: whatever gives a number that one can imagine."""
    name, unit = next(
        (n, u) for n, u in (("hours", 3600), ("minutes", 60), ("seconds", 1)) if seconds >= 2 * u or u == 1
    )
    return f"{seconds / unit:.1f} {name}"


def plot_step_times(sides: Sequence[int], seconds: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the seconds of a training step: measured, against the side of its pictures, a line for each device.

    Beside it, against the number of pictures, stands a step of an H100, as it is stored in H100_RATES.
    """
    figure, (ax, stored) = plt.subplots(1, 2, figsize=(10.8, 4.2), width_ratios=(3, 2), sharey=True)
    for (device, took), marker in zip(seconds.items(), "os^", strict=False):
        draw_times(ax, sides, took, 2, marker, f"measured: {device}", "proportional to pixels")
    ax.set(
        title="Our U-Net, four pictures in a step",
        xlabel="side of the pictures, pixels",
        ylabel="ms for one training step",
    )
    batches = list(H100_RATES)
    took = [batch / rate for batch, rate in H100_RATES.items()]
    draw_times(stored, batches, took, 1, "D", "stored: one H100", "proportional to pictures")
    stored.set(title="U-Net on ResNet-34, bf16, 512 x 512 pixels", xlabel="pictures in a step")
    ax.margins(x=0.08, y=0.15)
    stored.margins(x=0.12)
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

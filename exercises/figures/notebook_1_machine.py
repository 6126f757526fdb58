"""Figures of notebook 1 about the machine: seconds, and memory, which is measured here."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import psutil
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from utils.plots import BLUE, GREY, ORANGE

MB = 1024**2


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


def plot_card(machines: Mapping[str, tuple[str, float, int]]) -> Figure:
    """Write side by side what is known of machines: precision, pictures of 256 x 256 a second, largest batch."""
    rows = ("precision to choose", "pictures a second (fp32)", "10,000 photographs, once", "batch at 512 x 512")
    figure, ax = plt.subplots(figsize=(10, 2.9))
    ax.set(xlim=(0, 10), ylim=(len(rows), -1))
    ax.axis("off")
    for row, name in enumerate(rows):
        ax.text(0, row + 0.5, name, va="center", fontsize=12)
        ax.axhline(row, color=GREY, linewidth=0.8)
    for left, colour, (name, (precision, rate, batch)) in zip(
        (4.2, 7.2), (BLUE, ORANGE), machines.items(), strict=True
    ):
        ax.add_patch(plt.Rectangle((left - 0.15, -1), 2.8, len(rows) + 1, color=colour, alpha=0.2, linewidth=0))
        ax.text(left, -0.5, name, va="center", fontsize=12, weight="bold")
        numbers = precision, f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}", spell_time(10_000 / rate), f"{batch:,}"
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
    """Draw the seconds of a training step against the side of its pictures, in pixels, a line for each device."""
    figure, ax = plt.subplots(figsize=(10, 3.8))
    for (device, took), marker in zip(seconds.items(), "os^", strict=False):
        milliseconds = 1000 * np.array(took)
        ax.loglog(sides, milliseconds, marker + "-", label=f"measured: {device}")
        ax.loglog(sides, milliseconds[-1] * (np.array(sides) / sides[-1]) ** 2, "--", label="proportional to pixels")
        for side, value in zip(sides, milliseconds, strict=True):
            chip = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.annotate(f"{value:.0f} ms", (side, value), (0, 9), textcoords="offset points", ha="center", bbox=chip)
    ax.set(title="One training step of four pictures", xlabel="side of the pictures, pixels", ylabel="milliseconds")
    ax.set_xticks(sides, sides)
    ax.minorticks_off()
    ax.margins(y=0.2)
    ax.legend(frameon=False, loc="upper left")
    return figure

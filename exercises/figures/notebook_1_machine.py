"""Figures of notebook 1 about the machine: seconds, memory, which is measured here, and numbers that are rounded."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from utils.plots import BLUE, GREEN, ORANGE, RED

MB = 1024**2
LOST = 2.0**-25  # half of the smallest number of fp16: whatever is smaller becomes 0


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


def plot_rates(rates: Mapping[str, float]) -> Figure:
    """Draw pictures a second by name, one bar each, on an axis that starts at 0."""
    figure, ax = plt.subplots(figsize=(10, 2.2))
    bars = ax.barh(list(rates), list(rates.values()), color=[BLUE, ORANGE], edgecolor="black")
    bars[-1].set_hatch("//")
    ax.bar_label(
        bars, [f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second" for rate in rates.values()], padding=4
    )
    ax.set(title="Training on pictures of 256 x 256 pixels", xlabel="pictures a second")
    ax.set_xlim(0, 1.2 * max(rates.values()))
    ax.invert_yaxis()
    return figure


def plot_memory(
    kept: Mapping[int, Sequence[int]], batches: Sequence[int], sides: Sequence[int], fits: Mapping[int, Sequence[int]]
) -> Figure:
    """Draw the bytes that batches of each side keep, and how many pictures of other sides fit into gigabytes."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.9))
    for (side, numbers), marker in zip(kept.items(), "os^D", strict=True):
        left.plot(batches, np.array(numbers) / MB, marker + "-", label=f"{side} x {side} pixels")
    for (gigabytes, counts), marker in zip(fits.items(), "os^D", strict=False):
        right.loglog(sides, counts, marker + "-", label=f"{gigabytes} GB")
        for side, count in zip(sides, counts, strict=True):
            right.annotate(f"{count:,}", (side, count), (5, 4), textcoords="offset points", fontsize=9)
    left.set(title="Activations grow with batch and pixels", xlabel="batch, pictures", ylabel="MB kept")
    left.set_xticks(batches)
    right.set(title="Largest batch, half of the memory left free", xlabel="side of the pictures, pixels")
    right.set(ylabel="pictures, on a logarithmic axis")
    right.set_xticks(sides, sides)
    right.set_yticks([])  # each point says its number
    right.minorticks_off()
    right.margins(x=0.12, y=0.1)
    for ax in (left, right):
        ax.legend(frameon=False)
    return figure


def plot_parts(parts: Mapping[str, int], title: str) -> Figure:
    """Draw what takes the memory, in bytes by name, as one bar each."""
    figure, ax = plt.subplots(figsize=(10, 2.7))
    megabytes = np.array(list(parts.values())) / MB
    bars = ax.barh(list(parts), megabytes, color=[BLUE, ORANGE, GREEN, RED], edgecolor="black")
    ax.bar_label(bars, [f"{m:.1f} MB" for m in megabytes], padding=4)
    ax.invert_yaxis()
    ax.set(title=title, xlabel="MB", xlim=(0, max(megabytes) * 1.15))
    return figure


def plot_claims(claims: Mapping[str, float], title: str) -> Figure:
    """Draw two times, seconds by name, the wrong one hatched, on one logarithmic axis."""
    figure, ax = plt.subplots(figsize=(10, 2.2))
    milliseconds = [1000 * seconds for seconds in claims.values()]
    bars = ax.barh(list(claims), milliseconds, color=[RED, BLUE], edgecolor="black")
    bars[0].set_hatch("//")
    ax.bar_label(bars, [f"{m:.3g} ms" for m in milliseconds], padding=4)
    ax.set(title=title, xlabel="milliseconds, each step ten times the last", xscale="log")
    ax.set_xlim(min(milliseconds) / 4, max(milliseconds) * 4)
    ax.invert_yaxis()
    return figure


def plot_rounding(gradients: Tensor) -> Figure:
    """Draw the rounding error of two formats for numbers of every size, and the sizes of gradients, (N,), above 0."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 3.9))
    values = torch.logspace(-10, 6, 4000)
    for name, dtype, style in (("fp16 (float16)", torch.float16, "-"), ("bf16 (bfloat16)", torch.bfloat16, "--")):
        error = ((values.to(dtype).float() - values).abs() / values).clamp(1e-6, 1)
        left.loglog(values[20::40], error.reshape(-1, 40).amax(dim=1), style, label=name)
    left.set(
        title="Largest rounding error (1: the number is lost)", xlabel="size of the number", ylabel="relative error"
    )
    left.legend(frameon=False, loc="upper center")
    right.hist(gradients.numpy(), bins=np.logspace(-10, -3, 80))
    right.axvspan(1e-10, LOST, color=RED, alpha=0.25, hatch="//", label="becomes 0 in fp16")
    right.set(title="Gradients of one backward pass", xlabel="size of the gradient", ylabel="how many", xscale="log")
    right.legend(frameon=False, loc="upper left")
    return figure


def plot_calls(seconds: Sequence[float], device: str) -> Figure:
    """Draw the seconds of equal calls one after the other, the first one hatched, and their median."""
    figure, ax = plt.subplots(figsize=(10, 3))
    milliseconds = 1000 * np.array(seconds)
    colours = [RED] + [BLUE] * (len(seconds) - 1)
    bars = ax.bar(range(1, len(seconds) + 1), milliseconds, color=colours, edgecolor="black")
    bars[0].set_hatch("//")
    ax.bar_label(bars, [f"{m:,.0f} ms" for m in milliseconds], padding=2, fontsize=9)
    median = np.median(milliseconds)
    ax.axhline(median, color="black", linestyle="--", linewidth=1, label="median")
    times = f"{milliseconds[0] / median:.0f} times the median"
    ax.set(title=f"The same forward pass on this {device}: the first call takes {times}")
    ax.set(xlabel="call", ylabel="milliseconds")
    ax.set_xticks(range(1, len(seconds) + 1))
    ax.legend(frameon=False)
    return figure


def plot_sums(errors: np.ndarray, counts: np.ndarray) -> Figure:
    """Draw how often each error occurs among sums of the same numbers in different orders."""
    figure, ax = plt.subplots(figsize=(10, 3))
    ax.vlines(errors * 1e6, 0, counts, color=BLUE)
    ax.axvline(0, color=RED, linestyle="--", label="the exact sum")
    ax.set(title=f"The same 5000 numbers, added in {counts.sum()} orders: {len(errors)} different sums")
    ax.set(xlabel="error of the sum, millionths", ylabel="how often")
    ax.legend(frameon=False)
    return figure

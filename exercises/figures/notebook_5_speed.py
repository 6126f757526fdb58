"""Figures of notebook 5 about speed: what each step of loading costs, and who waits for whom."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from utils.plots import BLUE, GREEN, GREY, ORANGE, RED

STYLES = {
    "decode": (ORANGE, ""), "copy and convert": ("#F0E442", "\\\\"), "check labels": (RED, "||"),
    "resize": ("#56B4E9", "//"), "augment": (GREEN, ".."), "collate": ("#CC79A7", "xx"), "model": (GREY, ""),
}  # fmt: skip
Spans = list[tuple[float, float]]  # (start, length) in seconds


def slow_source(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a pair as it is, 25 milliseconds later, as if it had come from a slow disk or over a network.

    It waits and does not compute, so that a drawing of who waits for whom is the same however busy the machine is.
    """
    time.sleep(0.025)
    return image, mask


def only_decode(*files: Path) -> None:
    """Let Pillow decode files and throw their pixels away; kinds that it does not know are passed over."""
    for file in files:
        with contextlib.suppress(OSError), Image.open(file) as image:
            image.load()


def plot_stages(costs: Mapping[str, Mapping[str, float]], magnified: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw what every step costs one image, in milliseconds: rows on one scale, then small ones on one of their own."""
    figure, axes = plt.subplots(2, 1, figsize=(10.5, 4.9), height_ratios=(len(costs), len(magnified)))
    draw_stages(axes[0], costs)
    axes[0].set(title="Loading one image, and a training step on it", xlabel="milliseconds")
    draw_stages(axes[1], magnified)
    axes[1].set(title="Magnified, with a GPU", xlabel="milliseconds")
    used = [name for name in STYLES if any(name in row for row in costs.values())]
    handles = [plt.Rectangle((0, 0), 1, 1, fc=STYLES[n][0], hatch=STYLES[n][1], ec="black", lw=0.5) for n in used]
    figure.legend(handles, used, loc="outside lower center", ncols=len(used), frameon=False)
    return figure


def draw_stages(ax: Axes, costs: Mapping[str, Mapping[str, float]]) -> None:
    """Draw a bar for each row, made of its steps, with its sum behind it."""
    for name, row in costs.items():
        start = 0.0
        for stage, length in row.items():
            colour, hatch = STYLES[stage]
            ax.barh(name, length, left=start, color=colour, hatch=hatch, edgecolor="black", linewidth=0.5)
            start += length
        ax.annotate(f"{start:.1f} ms", (start, name), xytext=(5, -4), textcoords="offset points")
    ax.set_xlim(0, 1.12 * max(sum(row.values()) for row in costs.values()))
    ax.invert_yaxis()


def plot_timelines(runs: Mapping[str, tuple[Spans, Spans]]) -> Figure:
    """Draw when the model waits and when it computes, a row for each loader: (waits, steps) under its name."""
    figure, ax = plt.subplots(figsize=(10.5, 3.2))
    names = []
    for y, (name, spans) in enumerate(runs.items()):
        began = spans[0][0][0]
        waits, steps = ([(start - began, length) for start, length in kind] for kind in spans)
        ax.broken_barh(waits, (y - 0.3, 0.6), facecolor=ORANGE, hatch="///", edgecolor="black", linewidth=0)
        ax.broken_barh(steps, (y - 0.3, 0.6), facecolor=BLUE, linewidth=0)
        # However short a wait is, its beginning stays visible.
        ax.vlines([start for start, _ in waits], y - 0.3, y + 0.3, color=ORANGE, linewidth=1.8)
        names.append(f"{name}\n{sum(length for _, length in waits) / sum(steps[-1]):.0%} waiting")
    ax.set_yticks(range(len(runs)), names)
    title = f"{len(next(iter(runs.values()))[1])} batches from a slow source"
    ax.set(title=title, xlabel="seconds since the epoch began", ylim=(len(runs) - 0.5, -0.5))
    figure.legend(
        ax.collections[:2], ["the model waits for data", "the model computes"], loc="outside lower center", ncols=2,
        frameon=False,
    )  # fmt: skip
    return figure

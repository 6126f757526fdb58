"""Figures of notebook 5 about rare classes: what a sampler draws, and what a network finds."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.utils.data import DataLoader

from utils.images import IGNORE_INDEX
from utils.plots import BLUE, GREY, ORANGE, RED


def batch_shares(loader: DataLoader, class_id: int, epochs: int) -> Tensor:
    """Return the share of a class among the labelled pixels of each batch: float32 (batches,)."""
    every = [masks for _ in range(epochs) for _, masks in loader]
    return torch.stack([(masks == class_id).sum() / (masks != IGNORE_INDEX).sum() for masks in every])


def plot_drawn(drawn: Mapping[str, Mapping[str, Tensor]]) -> Figure:
    """Draw the share of a class in every batch as a point, for each loader with its mean, a panel for each case.

    Args:
        drawn: under the title of each panel, the shares (batches,) of each loader; all panels have one scale.
    """
    figure, axes = plt.subplots(len(drawn), 1, figsize=(10.5, 2.6 * len(drawn)), sharex=True, squeeze=False)
    for ax, (title, shares) in zip(axes[:, 0], drawn.items(), strict=True):
        for y, share in enumerate(shares.values()):
            jitter = np.linspace(-0.2, 0.2, len(share))
            ax.scatter(share, y + jitter, s=32, color=[GREY, BLUE][y], edgecolor="black", linewidth=0.4)
            ax.plot([share.mean()] * 2, [y - 0.35, y + 0.35], color=RED)
            ax.annotate(f"mean {share.mean():.1%}", (share.mean(), y - 0.35), ha="center", va="bottom", color=RED)
        ax.set_yticks(range(len(shares)), shares)
        ax.set(ylim=(len(shares) - 0.4, -0.75))
        ax.set_title(title, loc="left")
    axes[-1, 0].set(xlabel="share of the class among the labelled pixels of a batch", xlim=(0, None))
    axes[-1, 0].xaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
    return figure


def plot_found(found: Mapping[str, Sequence[float]], seeds: Sequence[int]) -> Figure:
    """Draw the IoU of a class as a dot for each seed, in a row for each way to train.

    Args:
        found: for each row, the IoU of every seed.
        seeds: the seeds, which the legend names.
    """
    figure, ax = plt.subplots(figsize=(10.5, 1 + 0.55 * len(found)))
    for n, (seed, colour, marker) in enumerate(zip(seeds, (ORANGE, BLUE), "oD", strict=True)):
        rows = np.arange(len(found)) + 0.3 * n - 0.15  # equal dots of two seeds stay apart
        dots = {"color": colour, "marker": marker, "s": 75, "edgecolor": "black", "zorder": 3}
        ax.scatter([ious[n] for ious in found.values()], rows, label=f"seed {seed}", **dots)
    ax.hlines(np.arange(1, len(found)) - 0.5, -0.03, 1.03, color="#BBBBBB", linewidth=0.8)
    ax.set(title="IoU of the class", xlim=(-0.03, 1.03), ylim=(len(found) - 0.5, -0.5))
    ax.set_yticks(range(len(found)), found)
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    figure.legend(loc="outside lower center", ncols=len(seeds), frameon=False)
    return figure

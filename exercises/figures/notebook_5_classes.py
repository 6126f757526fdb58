"""Figures of notebook 5 about rare classes: what a loss hears of them, what a sampler draws, what a network finds."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor
from torch.utils.data import DataLoader

from utils.images import IGNORE_INDEX
from utils.plots import BLUE, GREY, ORANGE, RED, Palette, colour_mask, legend, to_array


def plot_loss_shares(
    shares: Mapping[str, Sequence[float]], classes: Sequence[str], palette: Palette, focus: int
) -> Figure:
    """Draw which share of the loss each class has, a bar for each way to weigh; shares from 2 % on say their number.

    Dashed lines lead from bar to bar along both ends of the class in focus, whose numbers are bold.
    """
    figure, ax = plt.subplots(figsize=(10.5, 3.2))
    for name, row in shares.items():
        start = 0.0
        for n, (share, colour) in enumerate(zip(row, palette, strict=True)):
            ax.barh(name, share, left=start, color=np.array(colour) / 255, edgecolor="black", linewidth=0.7)
            if share >= 0.02:
                frame = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
                words = {"ha": "center", "va": "center", "bbox": frame}
                words |= {"size": 11, "weight": "bold"} if n == focus else {"size": 9}
                ax.text(start + share / 2, name, f"{share:.0%}", **words)
            start += share
    ends = [(sum(row[:focus]), sum(row[: focus + 1])) for row in shares.values()]
    for n, (above, below) in enumerate(pairwise(ends)):
        ax.plot([above, below], [n + 0.4, n + 0.6], color="black", linestyle="--", linewidth=1.3)
    ax.set(title="Share of each class in the first loss", xlabel="share of the loss", xlim=(0, 1))
    ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    ax.invert_yaxis()
    legend(figure, classes, palette)
    return figure


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


def plot_found(found: Mapping[str, Sequence[Mapping[str, float]]], seeds: Sequence[int]) -> Figure:
    """Draw what was found as dots, one for each seed: the IoU of the class, and the mean IoU of the other classes.

    Args:
        found: for each row, and in it for each seed, the scores "iou" and "mean IoU of the others".
        seeds: the seeds, which the legend names.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10.5, 1 + 0.55 * len(found)), sharey=True)
    for ax, (key, title) in zip(axes, {"iou": "IoU of the class", "mean IoU of the others": ""}.items(), strict=True):
        for n, (seed, colour, marker) in enumerate(zip(seeds, (ORANGE, BLUE), "oD", strict=True)):
            values = [scores[n][key] for scores in found.values()]
            rows = np.arange(len(found)) + 0.3 * n - 0.15  # equal dots of two seeds stay apart
            dots = {"color": colour, "marker": marker, "s": 75, "edgecolor": "black", "zorder": 3}
            ax.scatter(values, rows, label=f"seed {seed}", **dots)
        ax.hlines(np.arange(1, len(found)) - 0.5, -0.03, 1.03, color="#BBBBBB", linewidth=0.8)
        ax.set(title=title or key, xlim=(-0.03, 1.03), ylim=(len(found) - 0.5, -0.5))
        ax.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes[0].set_yticks(range(len(found)), found)
    axes[1].legend(loc="center right")
    return figure


def plot_maps(
    image: Tensor, maps: Mapping[str, Tensor], focus: int, classes: Sequence[str], palette: Palette
) -> Figure:
    """Show the part of an image in which most of a class lies, its truth, and below what networks say about it.

    On the maps of the networks, white lines, edged in black, go round the places where the class truly is.

    Args:
        image: uint8 (3, H, W).
        maps: class ids (H, W) under their titles: the truth, and then three or six networks.
        focus: the class.
        classes: their names.
        palette: their colours.
    """
    truth = to_array(next(iter(maps.values()))) == focus
    rows, columns = crowded_part(truth)
    shown = {"image": to_array(image)[rows, columns]}
    shown |= {name: colour_mask(to_array(mask)[rows, columns], palette) for name, mask in maps.items()}
    figure, axes = plt.subplots(1 + len(maps) // 3, 3, figsize=(10.5, 3.6 + 3.6 * (len(maps) // 3)))
    places = [axes[0, 0], axes[0, 1], *axes[1:].flat]
    for ax, (name, picture) in zip(places, shown.items(), strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set(title=name, xticks=[], yticks=[])
    for ax in places[2:] if truth.any() else ():
        lines = ax.contour(truth[rows, columns], levels=[0.5], colors="white", linewidths=1.6)
        lines.set_path_effects([withStroke(linewidth=3.2, foreground="black")])
    axes[0, 2].axis("off")
    axes[0, 2].text(0.04, 0.05, f"outlined: where '{classes[focus]}' truly is", transform=axes[0, 2].transAxes, size=13)
    legend(axes[0, 2], classes, palette, ignored=True, ncols=1, loc="center left", fontsize=13)
    return figure


def crowded_part(found: np.ndarray) -> tuple[slice, slice]:
    """Return rows and columns of the square, half as large as the shorter side, that holds most of a mask (H, W)."""
    side = min(found.shape) // 2
    sums = np.pad(found.astype(int), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return slice(top, top + side), slice(left, left + side)

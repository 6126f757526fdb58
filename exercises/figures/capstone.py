"""The figures of the capstone: the town, what a network finds in it, and where it fails."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from utils.catalog.base import Source
from utils.images import IGNORE_INDEX
from utils.inference import Predictor
from utils.metrics import iou
from utils.plots import blend, draw_history, legend, overlay, show_pairs

MAGENTA = (190, 0, 120)  # no class of the town has it


def plot_scenes(pairs: Sequence[tuple[np.ndarray, np.ndarray]], source: Source) -> Figure:
    """Draw scenes with their masks, in the colours of a data set: picture, mask, and one over the other."""
    return show_pairs(pairs, source.classes, source.palette, size=2.7)


def plot_first(history: pd.DataFrame, given: float) -> Figure:
    """Draw the losses and the validation scores of a run, with the score of the network that was given as a line."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
    draw_history(history, left, right)
    right.axhline(given, color="0.35", linestyle="--", linewidth=1.2, label=f"the network you were given: {given:.2f}")
    right.legend(frameon=False, loc="upper right")
    scores = [*history["val_score"], given]
    right.set(ylim=(max(0, min(scores) - 0.12), min(1, max(scores) + 0.1)))
    for ax in (left, right):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def plot_found(images: Sequence[np.ndarray], titles: Sequence[str], predictor: Predictor) -> Figure:
    """Draw scenes, and below each what a predictor finds there."""
    figure, axes = plt.subplots(2, len(images), figsize=(2.7 * len(images), 5.9), squeeze=False)
    for column, image, title in zip(axes.T, images, titles, strict=True):
        column[0].set_title(title)
        for ax, panel in zip(
            column, (image, overlay(image, predictor(image).mask, predictor.palette, 0.6)), strict=True
        ):
            ax.imshow(panel)
            ax.set(xticks=[], yticks=[])
    legend(figure, predictor.classes, predictor.palette)
    return figure


def plot_failures(images: Sequence[np.ndarray], truths: Sequence[np.ndarray], predictor: Predictor) -> Figure:
    """Draw a row for each scene: the picture, the mask found, the true one, and in magenta where they differ."""
    figure, axes = plt.subplots(len(images), 4, figsize=(10.8, 2.75 * len(images) + 0.6), squeeze=False)
    for row, image, truth in zip(axes, images, truths, strict=True):
        found = predictor(image).mask
        wrong = (found != truth) & (truth != IGNORE_INDEX)
        grey = np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1).astype(np.uint8)
        magenta = np.broadcast_to(np.uint8(MAGENTA), image.shape)
        panels = [overlay(image, mask, predictor.palette, 0.6) for mask in (found, truth)]
        for ax, panel in zip(row, [image, *panels, blend(grey, magenta, wrong, 0.85)], strict=True):
            ax.imshow(panel)
            ax.set(xticks=[], yticks=[])
        ids = [torch.from_numpy(mask).long() for mask in (found, truth)]
        score = iou(*ids, len(predictor.classes)).nanmean()
        row[3].set_xlabel(f"{wrong.sum() / (truth != IGNORE_INDEX).sum():.0%} of the pixels, mean IoU {score:.2f}")
    for ax, words in zip(axes[0], ("from above", "found", "true", "wrong, in magenta"), strict=True):
        ax.set_title(words)
    legend(figure, predictor.classes, predictor.palette)
    return figure

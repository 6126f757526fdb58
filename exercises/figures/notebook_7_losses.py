"""Runs of notebook 7: three losses on one batch, words about the learner's own loop, and a run beside its bug."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import BLUE, GREEN, ORANGE, Palette, colour_mask, legend, plot_history


def plot_losses(
    ious: Mapping[str, Tensor], rare: int, masks: Mapping[str, Tensor], first: int, classes: Sequence[str],
    palette: Palette,
) -> Figure:  # fmt: skip
    """Draw the IoU of one class and the mIoU over the steps, from the IoUs (steps, C) of each run, and masks.

    The truth and the other masks (N, H, W) are those of one batch. Shown are image `first` in all its classes, and the
    errors of the one class in the image that has most of it.
    """
    truth, *found = masks.values()
    figure = plt.figure(figsize=(9.6, 9), layout="constrained")
    above, errors_row, masks_row = figure.subfigures(3, 1, height_ratios=[1, 0.95, 0.95])
    panels = {f"IoU of {classes[rare]}": lambda run: run[:, rare], "mIoU": lambda run: run.nanmean(dim=1)}
    for ax, (title, score), place in zip(
        above.subplots(1, 2), panels.items(), ("lower right", "upper left"), strict=True
    ):
        for (name, run), style, colour in zip(ious.items(), (":", "-", "--"), (BLUE, GREEN, ORANGE), strict=True):
            ax.plot(score(run), style, color=colour, lw=2, label=f"{name}: ends at {float(score(run)[-1]):.2f}")
        ax.set(title=f"{title} on the four images", xlabel="step", ylabel=title, ylim=(0, 1))
        ax.legend(frameon=False, loc=place)
    titles = ["another image: truth", *list(masks)[1:]]
    pictures = [colour_mask(mask[first], palette) for mask in masks.values()]
    show_row(masks_row, list(zip(pictures, titles, strict=True)))
    legend(masks_row, classes, palette, bool((truth == IGNORE_INDEX).any()), loc="outside lower center")
    most = int((truth == rare).sum(dim=(1, 2)).argmax())
    errors = [draw_errors(truth[most], mask[most], rare) for mask in found]
    errors = [(picture, f"{name}: {words}") for name, (picture, words) in zip(ious, errors, strict=True)]
    show_row(errors_row, [(colour_mask(truth[most], palette), "truth"), *errors])
    legend(errors_row, ERRORS, ERRORS.values(), loc="outside lower center")
    return figure


ERRORS = {"found": (110, 110, 110), "missed": (0, 114, 178), "false alarm": (230, 159, 0), "neither": (228, 228, 228)}


def draw_errors(truth: Tensor, mask: Tensor, c: int) -> tuple[np.ndarray, str]:
    """Paint the hits and errors of one class, ignored pixels white, and say its IoU: two masks (H, W)."""
    counted, real, claimed = truth != IGNORE_INDEX, truth == c, mask == c
    parts = [part & counted for part in (real & claimed, real & ~claimed, claimed & ~real, ~claimed & ~real)]
    picture = np.full((*truth.shape, 3), 255, dtype=np.uint8)
    for part, colour in zip(parts, ERRORS.values(), strict=True):
        picture[part.cpu()] = colour
    hits, missed, false = (int(part.sum()) for part in parts[:3])
    return picture, f"IoU {hits / max(1, hits + missed + false):.2f} here"


def show_row(figure: SubFigure, cells: Sequence[tuple[np.ndarray, str]]) -> None:
    """Show pictures (H, W, 3) in a row, each under its title."""
    for ax, (picture, title) in zip(figure.subplots(1, len(cells)), cells, strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(title)
        ax.axis("off")


def judge_loop(losses: Any, page: Sequence[float]) -> str:
    """Say in words what a learner's losses tell; `page` are those of the loop on the page, from the same weights."""
    steps = 30
    if losses is None:
        return "not written yet: there is no list my_losses"
    if not isinstance(losses, list) or len(losses) != steps:
        size = f"has {len(losses)}" if isinstance(losses, list) else f"is a {type(losses).__name__}"
        return f"not yet: my_losses must be a list of {steps} numbers, one for each step, and it {size}"
    if not all(isinstance(loss, float) for loss in losses):
        return "not yet: the entries are no plain numbers, so append loss.item()"
    if not np.isfinite(losses).all():
        return "not yet: a loss is NaN or infinite"
    if not np.isclose(losses[0], page[0], rtol=0.05):
        return (
            f"not yet: it starts at {losses[0]:.2f}, and the fresh network at {page[0]:.2f}: judge with loss_fn, or "
            "run the cell that makes the network again"
        )
    if np.ptp(losses) < 1e-3:
        return (
            "not yet: the loss stands still, so no weight moves: backward() first, then step(), and no zero_grad() "
            "between the two"
        )
    if not np.allclose(losses[:6], page[:6], rtol=0.05) or np.mean(losses[-5:]) > 1.25 * np.mean(page[25:steps]):
        return (
            f"not yet: it goes from {losses[0]:.2f} to {losses[-1]:.2f}, and the loop on the page is at "
            f"{page[steps - 1]:.2f} by then: is every gradient cleared before the next one is computed, and is the "
            "network in training mode?"
        )
    return f"right: your loop brings the loss from {losses[0]:.2f} to {losses[-1]:.2f} in {steps} steps"


def plot_with_bug(
    history: pd.DataFrame, buggy: Sequence[float], name: str, batchwise: Sequence[tuple[float, float]]
) -> Figure:
    """Draw the losses and scores of a run, and beside them the scores of the same run with a bug.

    `batchwise` are loss and score on the validation images after each epoch, as the statistics of each batch give them.
    """
    figure = plot_history(history)
    left, right = figure.axes
    right.lines[0].set_label("as trained")
    for ax, values, line in zip(
        (left, right), zip(*batchwise, strict=True), (left.lines[1], right.lines[0]), strict=True
    ):
        ax.plot(history["epoch"], values, "o", ms=8, mfc="none", color=line.get_color(), label="with batch statistics")
    right.plot(history["epoch"], buggy, ":s", ms=5, color="dimgrey", label="with the bug of 7.8")
    end = (history["epoch"].iloc[-1], buggy[-1])
    right.annotate(f"{buggy[-1]:.2f}", end, (0, -14), textcoords="offset points", ha="center", color="dimgrey")
    left.legend(frameon=False)
    right.legend(frameon=False, loc="upper left")
    right.set(title=f"Validation {name}", ylabel=name)
    return figure

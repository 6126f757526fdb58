"""Runs of notebook 7 on one batch: three losses side by side, and what there is to say about the learner's own loop."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import BLUE, GREEN, ORANGE, Palette, colour_mask, legend


def plot_losses(
    ious: Mapping[str, Tensor], rare: int, masks: Mapping[str, Tensor], classes: Sequence[str], palette: Palette
) -> Figure:
    """Draw the IoU of one class and the mIoU over the steps, from the IoUs (steps, C) of each run, and masks (H, W).

    Where the class fills only a small part of the first mask, that part of every mask is shown enlarged as well.
    """
    close = find_part(next(iter(masks.values())) == rare)
    figure = plt.figure(figsize=(9.6, 8.4 if close else 6.2))
    above, below = figure.subfigures(2, 1, height_ratios=[1, 1.75 if close else 0.95])
    panels = {f"IoU of {classes[rare]}": lambda run: run[:, rare], "mIoU": lambda run: run.nanmean(dim=1)}
    for ax, (title, score), place in zip(
        above.subplots(1, 2), panels.items(), ("lower right", "upper left"), strict=True
    ):
        for (name, run), style, colour in zip(ious.items(), (":", "-", "--"), (BLUE, GREEN, ORANGE), strict=True):
            ax.plot(score(run), style, color=colour, lw=2, label=f"{name}: ends at {float(score(run)[-1]):.2f}")
        ax.set(title=f"{title} on the four images", xlabel="step", ylabel=title, ylim=(0, 1))
        ax.legend(frameon=False, loc=place)
    rows = below.subplots(2 if close else 1, len(masks), squeeze=False)
    for ax, (title, mask) in zip(rows[0], masks.items(), strict=True):
        ax.imshow(colour_mask(mask, palette), interpolation="nearest")
        ax.set_title(title)
    for ax, (title, mask) in zip(rows[1] if close else (), masks.items(), strict=bool(close)):
        ax.imshow(colour_mask(mask, palette)[close], interpolation="nearest")
        ax.set_title(f"{title}, enlarged")
    for ax in rows.flat:
        ax.axis("off")
    ignored = any(bool((mask == IGNORE_INDEX).any()) for mask in masks.values())
    legend(figure, classes, palette, ignored)
    return figure


def find_part(shown: Tensor) -> tuple[slice, slice] | None:
    """Return the square around what is shown in a mask (H, W), or None where that is nothing or half of the mask."""
    places = shown.nonzero()
    if not len(places):
        return None
    size, low, high = min(shown.shape), places.amin(dim=0), places.amax(dim=0)
    side = int((high - low).max()) + 9  # and four pixels around it
    if side > size // 2:
        return None
    starts = ((low + high + 1 - side) // 2).tolist()
    starts = [max(0, min(start, length - side)) for start, length in zip(starts, shown.shape, strict=True)]
    return tuple(slice(start, start + side) for start in starts)


def judge_loop(losses: Any, model: Sequence[float]) -> str:
    """Say in words what a learner's losses tell; `model` are those of the loop on the page, from the same weights."""
    steps = 30
    if losses is None:
        return "not written yet: there is no list my_losses"
    if not isinstance(losses, list) or len(losses) != steps:
        size = f"{len(losses)} entries" if isinstance(losses, list) else f"a {type(losses).__name__}"
        return f"not yet: my_losses must be a list of {steps} numbers, one for each step, and it is {size}"
    if not all(isinstance(loss, float) for loss in losses):
        return "not yet: the entries are no plain numbers, so append loss.item()"
    if not np.isfinite(losses).all():
        return "not yet: a loss is NaN or infinite"
    if not np.isclose(losses[0], model[0], rtol=0.05):
        return (
            f"not yet: it starts at {losses[0]:.2f}, and the fresh network at {model[0]:.2f}: run the cell that makes "
            "it again, and judge with loss_fn"
        )
    if np.ptp(losses) < 1e-3:
        return (
            "not yet: the loss stands still, so no weight moves: backward() first, then step(), and no zero_grad() "
            "between the two"
        )
    if not np.allclose(losses[:6], model[:6], rtol=0.05) or np.mean(losses[-5:]) > 1.25 * np.mean(model[25:steps]):
        return (
            f"not yet: it goes from {losses[0]:.2f} to {losses[-1]:.2f}, and the loop on the page is at "
            f"{model[steps - 1]:.2f} by then: is every gradient cleared before the next one is computed, and is the "
            "network in training mode?"
        )
    return f"right: your loop brings the loss from {losses[0]:.2f} to {losses[-1]:.2f} in {steps} steps"

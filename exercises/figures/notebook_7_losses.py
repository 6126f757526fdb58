"""Runs of notebook 7: words about the learner's own loop, and a run beside its bug."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from utils.plots import plot_history


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
    start = f"not yet: it starts at {losses[0]:.2f}, and the fresh network in training mode at {page[0]:.2f}: "
    if not np.isclose(losses[0], page[0], rtol=0.05):
        return start + "judge with loss_fn, or run the cell that makes the network again"
    if not np.isclose(losses[0], page[0], rtol=0.005):
        return start + "put it into training mode with net.train() before the loop"
    if np.ptp(losses) < 1e-3:
        return (
            "not yet: the loss stands still, so no weight moves: backward() first, then step(), and no zero_grad() "
            "between the two"
        )
    if not np.allclose(losses[:6], page[:6], rtol=0.05) or np.mean(losses[-5:]) > 1.25 * np.mean(page[25:steps]):
        return (
            f"not yet: it goes from {losses[0]:.2f} to {losses[-1]:.2f}, and the loop on the page is at "
            f"{page[steps - 1]:.2f} by then: is every gradient cleared before the next one is computed?"
        )
    return f"right: your loop brings the loss from {losses[0]:.2f} to {losses[-1]:.2f} in {steps} steps"


def plot_with_bug(
    history: pd.DataFrame,
    buggy: Sequence[float],
    name: str,
    batchwise: Sequence[tuple[float, float]],
    evaluated: float,
) -> Figure:
    """Draw the losses and scores of a run, and beside them the scores of the same run with a bug.

    `batchwise` are loss and score on the validation images after each epoch, as the statistics of each batch give them.
    `evaluated` is the loss on the training images at the end, measured as the validation loss is.
    """
    figure = plot_history(history)
    left, right = figure.axes
    right.lines[0].set_label("as trained")
    for ax, values, line in zip(
        (left, right), zip(*batchwise, strict=True), (left.lines[1], right.lines[0]), strict=True
    ):
        ax.plot(history["epoch"], values, "o", ms=8, mfc="none", color=line.get_color(), label="with batch statistics")
    label = f"training images,\nevaluated: {evaluated:.2f}"
    left.plot(history["epoch"].iloc[-1], evaluated, "D", ms=8, mfc="none", color=left.lines[0].get_color(), label=label)
    right.plot(history["epoch"], buggy, ":s", ms=5, color="dimgrey", label="with the bug of 7.8")
    end = (history["epoch"].iloc[-1], buggy[-1])
    right.annotate(f"{buggy[-1]:.2f}", end, (0, -14), textcoords="offset points", ha="center", color="dimgrey")
    left.set_ylim(0)
    left.legend(frameon=False, loc="lower left")
    right.legend(frameon=False, loc="upper left")
    right.set(title=f"Validation {name}", ylabel=name)
    return figure

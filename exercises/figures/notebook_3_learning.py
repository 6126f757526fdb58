"""Figure and table of notebook 3: how a network learns a few scenes by heart, and what augmentation does about it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from utils import plots
from utils.metrics import primary_iou, scores

Curves = tuple[Sequence[float], Mapping[int, float], Tensor]  # training losses, validation loss by step, final counts


def plot_learning(runs: Mapping[str, Sequence[Curves]]) -> Figure:
    """Draw training and validation loss side by side, on one axis, with the gap between their means filled.

    runs: for each name the runs of several seeds, thin: the training loss of every step, the validation loss of some.
    The axis ends above the highest median, so that the spike of a run, which leaves the picture, flattens nothing.
    """
    figure, axes = plt.subplots(1, len(runs), figsize=(10.6, 3.6), sharey=True, layout="constrained")
    highest = 0.0
    for ax, (name, seeds) in zip(axes, runs.items(), strict=True):
        steps = np.array(list(seeds[0][1]))
        ten = [[np.mean(losses[max(0, step - 10) : step]) for step in steps] for losses, *_ in seeds]  # before each
        for curves, style, colour, label in (
            (np.array(ten), "-", plots.BLUE, "training loss"),
            (np.array([list(by_step.values()) for _, by_step, _ in seeds]), "--", plots.RED, "validation loss"),
        ):
            ax.plot(steps, curves.T, style, color=colour, linewidth=0.8, alpha=0.6)
            ax.plot(steps, curves.mean(axis=0), style, color=colour, linewidth=2.5, label=label)
            highest = max(highest, *np.median(curves, axis=0))
        learned, unseen = (ax.lines[n * (len(seeds) + 1) + len(seeds)].get_ydata() for n in (0, 1))
        ax.fill_between(steps, learned, unseen, color=plots.GREY, alpha=0.15, label="gap")
        ax.set(title=f"{name}: gap {unseen[-1] - learned[-1]:.2f}", xlabel="step")
    axes[0].set(ylabel="loss (cross-entropy)", ylim=(0, 1.05 * highest))  # of all, which share it
    axes[0].legend(frameon=False)
    return figure


def score_lines(runs: Mapping[str, Sequence[Curves]], classes: Sequence[str]) -> str:
    """List the last validation loss and the IoU of every run with their means, then the mean IoU of each class.

    runs: as in `plot_learning`; the counts are a confusion matrix, int64 (C, C).
    """
    lines, by_class = [], {}
    for name, seeds in runs.items():
        losses = [[*by_step.values()][-1] for _, by_step, _ in seeds]
        ious = [primary_iou(counts) for *_, counts in seeds]
        loss, iou = (f"{np.mean(found):.2f} ({' '.join(f'{v:.2f}' for v in found)})" for found in (losses, ious))
        lines.append(f"{name:8s}  mean validation loss {loss}   mean validation IoU {iou}")
        by_class[name] = np.mean([scores(counts)["iou"].numpy() for *_, counts in seeds], axis=0)
    table = pd.DataFrame(by_class, index=list(classes)).T.to_string(float_format="{:.2f}".format, line_width=110)
    return "\n".join([*lines, "", "mean IoU of each class", table])

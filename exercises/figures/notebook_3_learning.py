"""Figure of notebook 3: how a network learns a few scenes by heart, and what augmentation does about it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils import plots

Curves = tuple[Sequence[float], Mapping[int, float], float]  # training losses, validation loss by step, IoU


def plot_learning(runs: Mapping[str, Sequence[Curves]]) -> Figure:
    """Draw training and validation loss side by side, on one axis, with the gap between their means filled.

    runs: for each name the runs of several seeds, thin: the training loss of every step, the validation loss of some.
    The axis ends above the highest mean, so that the spike of a single run, which leaves the picture, flattens nothing.
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
        learned, unseen = (ax.lines[n * (len(seeds) + 1) + len(seeds)].get_ydata() for n in (0, 1))
        ax.fill_between(steps, learned, unseen, color=plots.GREY, alpha=0.15, label="gap")
        ax.set(title=f"{name}: gap {unseen[-1] - learned[-1]:.2f}", xlabel="step")
        highest = max(highest, *learned, *unseen)
    axes[0].set(ylabel="loss (cross-entropy)", ylim=(0, 1.05 * highest))  # of all, which share it
    axes[0].legend(frameon=False)
    return figure

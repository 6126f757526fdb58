"""Figure of notebook 3: how a network learns a few scenes by heart, and what augmentation does about it."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils import plots

Curves = tuple[Sequence[float], Mapping[int, float], float]  # training losses, validation loss by step, IoU


def plot_learning(runs: Mapping[str, Curves]) -> Figure:
    """Draw training and validation loss of several runs side by side, on one axis, with the gap between them filled.

    runs: for each name the training loss of every step, the validation loss of some steps, and the last IoU.
    """
    figure, axes = plt.subplots(1, len(runs), figsize=(9.6, 3.6), sharey=True, layout="constrained")
    for ax, (name, (training, validation, iou)) in zip(axes, runs.items(), strict=True):
        steps = np.array(list(validation))
        scores = np.array(list(validation.values()))
        smooth = np.array([np.mean(training[max(0, step - 10) : step]) for step in steps])  # of the ten steps before
        ax.plot(steps, smooth, "o-", color=plots.BLUE, markersize=4, label="training loss")
        ax.plot(steps, scores, "s--", color=plots.RED, markersize=4, label="validation loss")
        ax.fill_between(steps, smooth, scores, color=plots.GREY, alpha=0.15)
        ax.set(title=f"{name}\ngap at the end {scores[-1] - smooth[-1]:.2f}, validation IoU {iou:.2f}", xlabel="step")
        ax.set_ylim(0)
    axes[0].set_ylabel("loss (cross-entropy)")
    axes[0].legend(frameon=False)
    return figure

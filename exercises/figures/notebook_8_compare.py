"""Figures of notebook 8 about several runs: augmentation, models, and luck."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from utils.plots import BLUE, GREEN, RED


def plot_arms(arms: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw both losses and the validation IoU of runs by their augmentation, which has a colour."""
    figure, (losses, scores) = plt.subplots(1, 2, figsize=(10, 3.8))
    for (augmentation, history), colour in zip(arms.items(), (RED, BLUE), strict=False):
        losses.plot(history["epoch"], history["train_loss"], color=colour, label=f"{augmentation}: training")
        losses.plot(history["epoch"], history["val_loss"], "--", color=colour, label=f"{augmentation}: validation")
        scores.plot(history["epoch"], history["val_score"], "--", color=colour)
    losses.set(title="Training and validation loss", xlabel="epoch", ylabel="loss", ylim=(0, 3))
    scores.set(title="Validation IoU", xlabel="epoch", ylabel="IoU", ylim=(0, None))
    for ax in (losses, scores):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*losses.get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=4)
    return figure


def plot_models(table: pd.DataFrame) -> Figure:
    """Draw the IoU of runs with kept statistics ('best val IoU') and with 'fresh statistics': a line for each run.

    The runs of one model share a colour, and the legend names their means.
    """
    figure, ax = plt.subplots(figsize=(9, 3.6))
    columns = ["best val IoU", "fresh statistics"]
    for place, (model, runs) in enumerate(table.groupby("model", sort=False)):
        kept, fresh = runs[columns].mean()
        look = {"color": f"C{place}", "marker": "osD^vPX*"[place % 8], "linestyle": ("-", "--", ":")[place % 3]}
        lines = ax.plot([0, 1], runs[columns].to_numpy().T, **look)
        lines[0].set_label(f"{model}\n{kept:.3f}, then {fresh:.3f}")
    ax.set(title="Each line is a run, each colour a model", ylabel="validation IoU", xlim=(-0.1, 1.1))
    ax.set_xticks([0, 1], ["as BatchNorm kept them", "fresh statistics"])
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), title="mean of the seeds")
    return figure


def plot_optimism(counts: Sequence[int], wrong: Sequence[float], right: Sequence[float]) -> Figure:
    """Draw by how much a reported test score promises too much, over the number of models to choose from."""
    figure, ax = plt.subplots(figsize=(9, 3.2))
    ax.plot(counts, wrong, "o-", color=RED, label="wrong: chosen on the test set")
    ax.plot(counts, right, "s--", color=GREEN, label="right: chosen on validation")
    ax.set(title="Reported test IoU minus the true one", xlabel="models to choose from", ylabel="optimism (IoU)")
    ax.set_xscale("log")
    ax.set_xticks(counts, counts, minor=False)
    ax.minorticks_off()
    ax.legend(frameon=False)
    return figure

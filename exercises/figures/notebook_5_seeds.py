"""Figures of notebook 5 about random numbers: what workers that share them show."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch.utils.data import get_worker_info

from utils.plots import ORANGE


def plot_fingerprints(grids: Mapping[str, Sequence[Sequence[int]]]) -> Figure:
    """Draw the numbers of distinct results, a row for each epoch; what had been there before is orange."""
    figure, axes = plt.subplots(1, len(grids), figsize=(max(10.5, 3.4 * len(grids)), 3.0), squeeze=False)
    for ax, (name, grid) in zip(axes[0], grids.items(), strict=True):
        numbers = np.array(grid)
        again = np.ones(numbers.size, dtype=bool)
        again[np.unique(numbers, return_index=True)[1]] = False
        ax.pcolormesh(
            again.reshape(numbers.shape), cmap=ListedColormap(["white", ORANGE]), vmin=0, vmax=1, edgecolor="black"
        )
        for (row, column), number in np.ndenumerate(numbers):
            ax.text(column + 0.5, row + 0.5, number, ha="center", va="center", size=12)
        ax.set_yticks(np.arange(len(numbers)) + 0.5, [f"epoch {n}" for n in range(1, len(numbers) + 1)])
        ax.set_xticks(np.arange(numbers.shape[1]) + 0.5, range(numbers.shape[1]))
        ax.set(title=f"{name}\n{len(np.unique(numbers))} distinct of {numbers.size}", xlabel="sample")
        ax.invert_yaxis()
    return figure


def by_sample(views: Sequence[Sequence[int]], orders: Sequence[Sequence[int]]) -> list[list[int]]:
    """Sort the results of shuffled epochs so that column n is sample n, given the order in which each epoch came."""
    return [[row[order.index(n)] for n in range(len(order))] for row, order in zip(views, orders, strict=True)]


def seed_by_number(worker_id: int) -> None:
    """Give each worker another seed, namely its own number: what does that leave the same?"""
    get_worker_info().dataset.transform.set_random_seed(worker_id)

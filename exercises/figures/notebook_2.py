"""Figures of notebook 2: how much of the images each class covers."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.plots import Palette


def plot_class_shares(shares: Sequence[float], classes: Sequence[str], palette: Palette, title: str = "") -> Figure:
    """Draw the share of pixels of each class as labelled bars."""
    figure, ax = plt.subplots(figsize=(8, 0.45 * len(classes) + 0.9))
    colours = [np.array(c) / 255 for c in palette]
    bars = ax.barh(list(classes), shares, color=colours, edgecolor="black")
    ax.bar_label(bars, [f"{s:.1%}" for s in shares], padding=4)
    ax.invert_yaxis()
    ax.set(xticks=[], title=title or "Share of labelled pixels", xlim=(0, max(shares) * 1.15))
    ax.spines["bottom"].set_visible(False)
    return figure

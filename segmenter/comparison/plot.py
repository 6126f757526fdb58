"""The picture of a comparison: quality against what it costs. Colour is never the only signal."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from segmenter.words import counted
from utils.plots import BLUE, GREEN, ORANGE, RED

MARKERS = "osD^vP*X<>"
COLOURS = [BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "black"]  # Okabe-Ito without its yellow
FILLS = [("full", None), ("full", "white"), ("left", None), ("top", None)]  # (style, face) of the four augmentations
COSTS = {"seconds": "seconds of training", "parameters (M)": "million parameters", "GFLOPs": "GFLOPs an image"}


def plot_summary(table: pd.DataFrame) -> Figure:
    """Draw the quality of a `summary` against time, parameters and FLOPs; bars are one standard deviation."""
    models = list(dict.fromkeys(table["model"]))
    styles = {m: (MARKERS[i % len(MARKERS)], COLOURS[i % len(COLOURS)]) for i, m in enumerate(models)}
    fills = dict(zip(dict.fromkeys(table["augmentation"]), FILLS, strict=False))
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    for ax, (column, label) in zip(axes, COSTS.items(), strict=True):
        for _, row in table.iterrows():
            marker, colour = styles[row["model"]]
            spread = None if pd.isna(row["sd"]) else row["sd"]
            fill = fill_style(fills[row["augmentation"]], colour)
            line = {"marker": marker, "color": colour, "markersize": 9, "capsize": 3}
            ax.errorbar(row[column], row["val IoU"], spread, **line, **fill)
        format_cost_axis(ax, label)
    axes[0].set(ylabel="best validation IoU")
    handles = [legend_entry(model, marker, colour) for model, (marker, colour) in styles.items()]
    for augmentation, fill in fills.items():
        handles.append(legend_entry(f"augmentation: {augmentation}", "s", "grey", **fill_style(fill, "grey")))
    figure.legend(handles=handles, loc="outside right upper", frameon=False)
    fewest, most = int(table["seeds"].min()), int(table["seeds"].max())
    seeds = f"{fewest} to {most} seeds" if fewest < most else counted(most, "seed")
    figure.suptitle(f"Equal epochs, {seeds} each")
    return figure


def fill_style(fill: tuple[str, str | None], colour: str) -> dict[str, str]:
    """Return how a marker is filled, in matplotlib's words: whole, empty, or half of it."""
    style, face = fill
    return {"fillstyle": style, "markerfacecolor": face or colour, "markerfacecoloralt": "white"}


def legend_entry(label: str, marker: str, colour: str, **style: str) -> Line2D:
    """Return a marker without a line for the legend."""
    return Line2D([], [], linestyle="", marker=marker, color=colour, label=label, markersize=9, **style)


def format_cost_axis(ax: Axes, label: str) -> None:
    """Give a panel a logarithmic axis of costs with plain numbers."""
    ax.set(xlabel=label, xscale="log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(alpha=0.3)

"""Figures of notebook 9: a map as one would sign it, with its scale of trust, its notes and a line for a name."""

import textwrap
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from exercises.figures.notebook_9 import add_frame
from utils.plots import Palette, colour_mask

WIDTH = 8.8  # inches
BORDERS = (0.5, 0.7, 0.9)  # of the confidence, between the steps of the scale of trust
STEPS = ("below 50%", "50 to 70%", "70 to 90%", "over 90%")
BOX = {"facecolor": "white", "edgecolor": "black", "pad": 3}
STRENGTH = np.array([0.0, 0.35, 0.65, 1.0])  # of the colour at each step: what is unsure fades to white


def trust(confidence: np.ndarray) -> np.ndarray:
    """Return the step of the scale of trust, 0 to 3, of each confidence."""
    return np.digitize(confidence, BORDERS)


def fade(colours: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Let colours, uint8 (..., 3), fade to white by their steps of trust, int (...)."""
    strength = STRENGTH[steps][..., None]
    return (strength * colours + (1 - strength) * 255).astype(np.uint8)


def plot_signed_map(
    mask: np.ndarray, confidence: np.ndarray, legend: Sequence[tuple[str, str]], shares: Sequence[float],
    notes: Sequence[str], palette: Palette, *, image: np.ndarray, spots: Sequence[tuple[slice, slice]],
    signature: str = "",
) -> Figure:  # fmt: skip
    """Draw a mask as a map that fades where the network is unsure, its legend by trust, notes and a line to sign on.

    mask: uint8 (H, W). confidence: float (H, W). legend: the name of each class and what to say beside it. shares: of
    the pixels at each step of trust, how many were right where that could be measured. spots: rows and columns that
    are framed, numbered, and enlarged beside what the network was given, `image`, uint8 (H, W, 3).
    """
    height, width = mask.shape
    names = [f"{kind} {i}" for i in range(1, len(spots) + 1) for kind in ("image", "map")]
    heights = [
        WIDTH * height / width,
        max(WIDTH / len(names) * p.shape[0] / p.shape[1] for p in map(image.__getitem__, spots)),
        2.6,
    ]
    columns = len(names)
    figure, axes = plt.subplot_mosaic(
        [["map"] * columns, names, ["legend"] * (columns // 2) + ["notes"] * (columns // 2)],
        figsize=(WIDTH, sum(heights) + 0.5), height_ratios=heights,
    )  # fmt: skip
    painted = fade(colour_mask(mask, palette), trust(confidence))
    draw_map(axes["map"], painted)
    for i, spot in enumerate(spots, start=1):
        draw_map(axes[f"image {i}"], image[spot], f"{i}: the image", smooth=True)
        draw_map(axes[f"map {i}"], painted[spot], f"{i}: the map")
        add_frame(axes["map"], spot)
        axes["map"].text(spot[1].stop + 8, spot[0].start + 30, i, size=11, weight="bold", bbox=BOX)
    draw_scale_bar(axes["map"], height, 2 ** int(np.log2(width / 6)))
    draw_trust_legend(axes["legend"], legend, shares, palette)
    axes["legend"].text(len(STEPS) + 0.1, -1.2, "IoU in the\ntest report", va="center", size=9)
    draw_notes(axes["notes"], notes, signature)
    return figure


def draw_map(ax: Axes, painted: np.ndarray, title: str = "", *, smooth: bool = False) -> None:
    """Show a map, uint8 (H, W, 3), whose pixels stay sharp, or `smooth` an image, in a black frame."""
    ax.imshow(painted, interpolation=None if smooth else "nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, loc="left")
    ax.spines[:].set(visible=True, linewidth=2)


def draw_scale_bar(ax: Axes, height: int, length: int) -> None:
    """Draw a bar of `length` pixels of the map into its lower left corner."""
    y = height * 0.95
    left = height * 0.05
    ax.text(left + length / 2, y - height * 0.03, f"{length} pixels", ha="center", va="bottom", size=10, bbox=BOX)
    ax.plot([left, left + length], [y, y], color="white", lw=8, solid_capstyle="butt")
    ax.plot([left, left + length], [y, y], color="black", lw=4, solid_capstyle="butt")


def draw_trust_legend(ax: Axes, legend: Sequence[tuple[str, str]], shares: Sequence[float], palette: Palette) -> None:
    """Draw the colour of each class, a row, at each step of trust, a column, with what it is worth above it."""
    colours = np.array(palette, dtype=np.uint8)[: len(legend)]
    for row, (name, words) in enumerate(legend):
        ax.text(-0.12, row, name, ha="right", va="center")
        for step in range(len(STEPS)):
            colour = fade(colours[row], np.array(step)) / 255
            ax.add_patch(plt.Rectangle((step + 0.06, row - 0.36), 0.88, 0.72, facecolor=colour, edgecolor="black"))
        ax.text(len(STEPS) + 0.1, row, words, va="center", size=10)
    for step, (name, share) in enumerate(zip(STEPS, shares, strict=True)):
        ax.text(step + 0.5, -1.5, name, ha="center", va="center", size=8)
        ax.text(step + 0.5, -0.85, "none seen" if np.isnan(share) else f"{share:.0%}", ha="center", va="center", size=9)
    for row, words in ((-1.5, "confidence"), (-0.85, "were right")):
        ax.text(-0.12, row, words, ha="right", va="center", size=9)
    ax.set(xlim=(-1, len(STEPS) + 1.1), ylim=(len(legend) - 0.4, -2))
    ax.set_title("legend and scale of trust", loc="left")
    ax.axis("off")


def draw_notes(ax: Axes, notes: Sequence[str], signature: str) -> None:
    """Write notes below each other, and below them a line with a signature, or for one, and a line for a date."""
    ax.text(0, 0.98, "\n".join(textwrap.fill(note, 54) for note in notes), va="top", size=10, linespacing=1.6)
    for left, right, words in ((0, 0.66, "signature"), (0.72, 1, "date")):
        ax.plot([left, right], [0.1, 0.1], color="black", lw=1.2)
        ax.text(left, 0.06, words, va="top", size=9)
    ax.text(0.02, 0.13, signature, style="italic", family="serif", size=17)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_title("what this map is good for", loc="left")
    ax.axis("off")


def show_card(card: str) -> Markdown:
    """Return the text of a model card, without its header for machines, with headings that fit below a section."""
    _, _, text = card.split("---\n", 2)
    return Markdown(text.replace("## ", "##### ").replace("# Seg", "#### Seg"))

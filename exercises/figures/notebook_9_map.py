"""The last figure of notebook 9: a map as one would sign it, with a scale that says how far to trust it."""

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
    notes: Sequence[str], palette: Palette, *, image: np.ndarray, place: tuple[slice, slice], signature: str = "",
) -> Figure:  # fmt: skip
    """Draw a mask as a map that fades where the network is unsure, its legend by trust, notes and a line to sign on.

    mask: uint8 (H, W). confidence: float (H, W). legend: the name of each class and what to say beside it. shares: of
    the pixels at each step of trust, how many were right where that could be measured. place: rows and columns that
    are framed, and enlarged beside what the network was given there, `image`, uint8 (H, W, 3).
    """
    height, width = mask.shape
    heights = [WIDTH * height / width, WIDTH / 2 * image[place].shape[0] / image[place].shape[1], 2.6]
    figure, axes = plt.subplot_mosaic(
        [["map", "map"], ["image", "place"], ["legend", "notes"]], figsize=(WIDTH, sum(heights) + 0.5),
        height_ratios=heights,
    )  # fmt: skip
    painted = fade(colour_mask(mask, palette), trust(confidence))
    for name, shown in {"map": painted, "image": image[place], "place": painted[place]}.items():
        axes[name].imshow(shown, interpolation=None if name == "image" else "nearest")
        axes[name].set(xticks=[], yticks=[])
        axes[name].spines[:].set(visible=True, linewidth=2)
    add_frame(axes["map"], place)
    axes["image"].set_title("the framed place, as the network gets it", loc="left")
    axes["place"].set_title("and as a map", loc="left")
    draw_scale_bar(axes["map"], height, 2 ** int(np.log2(width / 6)))
    draw_trust_legend(axes["legend"], legend, shares, palette)
    axes["legend"].text(len(STEPS) + 0.1, -1.2, "IoU in the\ntest report", va="center", size=9)
    draw_notes(axes["notes"], notes, signature)
    return figure


def draw_scale_bar(ax: Axes, height: int, length: int) -> None:
    """Draw a bar of `length` pixels of the map into its lower left corner."""
    y, box = height * 0.95, {"facecolor": "white", "edgecolor": "black", "pad": 3}
    left = height * 0.05
    ax.text(left + length / 2, y - height * 0.03, f"{length} pixels", ha="center", va="bottom", size=10, bbox=box)
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
    ax.text(0, 0.93, "\n".join(textwrap.fill(note, 64) for note in notes), va="top", size=9, linespacing=1.5)
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

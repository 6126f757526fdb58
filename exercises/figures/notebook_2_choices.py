"""What notebook 2 shows of the choices themselves: every field, what a word changes, and what two mistakes cost."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from utils.config import Config
from utils.images import IGNORE_INDEX
from utils.plots import Palette, colour_mask, legend, overlay, show_images

GROUPS = {"dataset": "Data", "model": "Model", "loss": "Training", "device": "Machine and output"}


def list_fields() -> Any:
    """Return every field of `Config` with its default and its meaning, as a folded table in Markdown."""
    from IPython.display import Markdown

    rows = [f"<details><summary>All {len(Config.model_fields)} fields</summary>\n"]
    rows += ["| field | default | meaning |", "| --- | --- | --- |"]
    for name, field in Config.model_fields.items():
        default = "/".join(field.default.parts[-2:]) if isinstance(field.default, Path) else field.default
        rows += [f"| **{GROUPS[name]}** | | |"] if name in GROUPS else []
        rows.append(f"| `{name}` | {default} | {html.escape(field.description or '', quote=False)} |")
    return Markdown("\n".join([*rows, "\n</details>"]))


def plot_first_seen(seen: Mapping[str, Tensor]) -> Figure:
    """Show training images, uint8 (3, H, W), each under the settings that made it, in rows of four."""
    return show_images(list(seen.values()), list(seen), size=2.0)


def plot_empty(
    image: np.ndarray, targets: Mapping[str, np.ndarray], scores: Mapping[str, float], colour: tuple[int, int, int]
) -> Figure:
    """Show over an image, uint8 (H, W, 3), what each decoder makes of its 0/255 mask, with an empty prediction's score.

    Args:
        image: the image.
        targets: for each decoder the ids, (H, W): 0, 1, and 255 for ignored.
        scores: for each decoder the pixel accuracy of a prediction that finds nothing.
        colour: the colour of the foreground.
    """
    views, titles = [], []
    for name, target in targets.items():
        views.append(overlay(image, target, [(0, 0, 0), colour]))
        views[-1][target == IGNORE_INDEX] = 255
        titles.append(f"{name}\nan empty prediction scores {scores[name]:.0%}")
    figure = show_images(views, titles, columns=len(views), size=2.9)
    figure.set_figheight(figure.get_figheight() + 0.25)  # the titles have two lines
    return figure


def plot_orders(
    read: Mapping[str, np.ndarray], guesses: Mapping[str, Tensor], scores: Mapping[str, float],
    classes: Sequence[str], palette: Palette,
) -> Figure:  # fmt: skip
    """Show an image as each reader gives it, uint8 (H, W, 3), beside what a model makes of it, ids (H, W)."""
    views, titles = [], []
    for name, image in read.items():
        views += [image, colour_mask(guesses[name], palette)]
        titles += [name, f"pixel accuracy {scores[name]:.1%}"]
    figure = show_images(views, titles, size=2.3)
    legend(figure, classes, palette)
    return figure

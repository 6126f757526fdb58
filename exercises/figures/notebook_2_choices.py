"""What notebook 2 shows of the choices themselves: every field, what a word changes, and what two mistakes cost."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from exercises.figures.notebook_2 import FOREGROUND, make_room
from utils.catalog.base import Source
from utils.config import Config
from utils.images import IGNORE_INDEX
from utils.plots import blend, colour_mask, legend, show_images

TRAIN_SIDE = 64  # pixels, to which the images of the small network are brought
GROUPS = {"dataset": "Data", "model": "Model", "loss": "Training", "device": "Machine and output"}


def list_fields() -> Any:
    """Return the fields of `Config`, folded, in Markdown: those of the data explained in a table, all others named."""
    from IPython.display import Markdown

    groups: dict[str, list[str]] = {}
    for name in Config.model_fields:
        group = GROUPS.get(name) or list(groups)[-1]
        groups.setdefault(group, []).append(f"`{name}`")
    first = next(iter(groups))
    lines = [f"<details><summary>All {len(Config.model_fields)} fields</summary>\n"]
    lines += [f"| {first} | default | meaning |", "| --- | --- | --- |"]
    for quoted in groups.pop(first):
        field = Config.model_fields[quoted.strip("`")]
        lines.append(f"| {quoted} | {field.default} | {html.escape(field.description or '', quote=False)} |")
    lines += [f"\n**{group}**: {', '.join(names)}." for group, names in groups.items()]
    lines.append("\n`python -m segmenter train --help` explains them all; section 4 says where to run it.")
    return Markdown("\n".join([*lines, "\n</details>"]))


def plot_first_seen(seen: Mapping[str, Tensor], image: np.ndarray, frames: Sequence[str], over: str) -> Figure:
    """Show training images, uint8 (3, H, W), each under the settings that made it, in rows of four.

    Args:
        seen: the training images by their settings.
        image: the one that they come from, uint8 (H, W, 3).
        frames: the settings of the crops whose places are framed, where they can be found.
        over: the settings of the whole image, on which they are framed.
    """
    figure = show_images(list(seen.values()), list(seen), size=2.0)
    whole = figure.axes[list(seen).index(over)]
    factor = seen[over].shape[-1] / image.shape[1]
    square = image.shape[0] == image.shape[1]  # any other image is no longer in proportion once it is resized
    for name in frames if square else ():
        place = find_window(seen[name].permute(1, 2, 0).numpy(), image)
        if place:
            top, left, side = (value * factor for value in place)
            for colour, width in (("black", 3.5), ("white", 1.8)):
                corner = (left - 0.5, top - 0.5)
                whole.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, lw=width, clip_on=False))
            whole.text(
                left + 2, top + 2, name.split("=")[-1], va="top", fontsize=9, weight="bold",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )  # fmt: skip
    return figure


def find_window(crop: np.ndarray, image: np.ndarray) -> tuple[int, int, int] | None:
    """Return top, left and side of a square crop, uint8 (S, S, 3), in its image, or None where it is not found."""
    side = crop.shape[0]
    if side > min(image.shape[:2]):
        return None
    left, top = cv2.minMaxLoc(cv2.matchTemplate(image, crop, cv2.TM_SQDIFF))[2]
    return (top, left, side) if np.array_equal(image[top : top + side, left : left + side], crop) else None


def plot_framings(photograph: np.ndarray, side: int, top: int, left: int) -> Figure:
    """Show a photograph, uint8 (H, W, 3), resized to a square, and a square of the same side that is cut out of it."""
    crop = photograph[top : top + side, left : left + side]
    views = [photograph, cv2.resize(photograph, (side, side), interpolation=cv2.INTER_AREA), crop]
    figure = show_images(views, ["the photograph", f"resize, image_size={side}", f"crop, image_size={side}"], 3, 2.6)
    for colour, width in (("black", 3.5), ("white", 1.8)):
        figure.axes[0].add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=colour, lw=width))
    return figure


def plot_empty(image: np.ndarray, targets: Mapping[str, np.ndarray], scores: Mapping[str, float]) -> Figure:
    """Show over an image, uint8 (H, W, 3), the targets by which an empty prediction is scored, with its scores.

    Args:
        image: the image.
        targets: for each decoder what it makes of a 0/255 mask, ids (H, W): 0, 1, and 255 for ignored.
        scores: for each decoder the pixel accuracy of a prediction that finds nothing.
    """
    views, titles = [], []
    for name, target in targets.items():
        view = blend(image, np.full_like(image, FOREGROUND), target == 1, 0.7)
        view[target == IGNORE_INDEX] = 255
        lines, _ = cv2.findContours((target > 0).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        views.append(cv2.drawContours(view, list(lines), -1, (0, 0, 0), 1))
        titles.append(f"{name}\nthe empty prediction scores {scores[name]:.0%}")
    figure = show_images(views, titles, columns=len(views), size=4.2)
    make_room(figure, 0.7)  # the titles have two lines
    legend(figure, ["foreground"], [FOREGROUND], ignored=True)
    return figure


def train_small(pictures: Sequence[np.ndarray], targets: Sequence[np.ndarray], steps: int = 40) -> nn.Module:
    """Train a very small network for a second or two and return it, ready for `found_by`.

    Args:
        pictures: images, uint8 (H, W, 3).
        targets: for each image its ids, (H, W): 0, 1, and 255 for ignored.
        steps: how often its weights are changed, each time with all the images.
    """
    sides = (TRAIN_SIDE, TRAIN_SIDE)
    images = torch.stack([as_input(cv2.resize(picture, sides)) for picture in pictures])
    nearest = [cv2.resize(ids.astype(np.uint8), sides, interpolation=cv2.INTER_NEAREST_EXACT) for ids in targets]
    truth = torch.from_numpy(np.stack(nearest)).long()
    with torch.random.fork_rng(devices=[]):  # a figure changes nothing for the cells below it
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 2, 3, padding=1))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), truth, ignore_index=IGNORE_INDEX).backward()
            optimizer.step()
    return model


def as_input(picture: np.ndarray) -> Tensor:
    """Turn an image, uint8 (H, W, 3), into what the small network takes: float (3, H, W), centred on 0."""
    return torch.from_numpy(picture).permute(2, 0, 1).float() / 127.5 - 1


def found_by(model: nn.Module, picture: np.ndarray) -> np.ndarray:
    """Return where a small network finds the foreground in an image, uint8 (H, W, 3): bool (H, W)."""
    with torch.no_grad():
        return model(as_input(picture)[None])[0].argmax(dim=0).bool().numpy()


def plot_found(image: np.ndarray, found: Mapping[str, np.ndarray], truth: np.ndarray, name: str) -> Figure:
    """Show over an image, uint8 (H, W, 3), where each network finds the foreground, bool (H, W).

    Args:
        image: the image.
        found: for each decoder where the network that it taught finds the foreground.
        truth: where the foreground is, (H, W), true or 1.
        name: of the foreground, such as "water".
    """
    views = [blend(image, np.full_like(image, FOREGROUND), where, 0.7) for where in found.values()]
    titles = [f"{how}\nfinds {where[truth.astype(bool)].mean():.0%} of the {name}" for how, where in found.items()]
    figure = show_images(views, titles, columns=len(views), size=4.2)
    make_room(figure, 0.7)  # the titles have two lines
    legend(figure, [f"{name}, as the network finds it"], [FOREGROUND])
    return figure


def plot_orders(
    read: Mapping[str, np.ndarray], guesses: Mapping[str, np.ndarray], scores: Mapping[str, float],
    truth: np.ndarray, source: Source,
) -> Figure:  # fmt: skip
    """Show an image as each reader gives it, uint8 (H, W, 3), what a model makes of it, and the true mask, ids (H, W).

    Each reader has a row of its own; the true mask stands at the end of the last one, below the names of the classes.
    """
    figure, axes = plt.subplots(len(read), 3, figsize=(8.1, 2.95 * len(read)), squeeze=False)
    for row, (name, image) in zip(axes, read.items(), strict=True):
        guess = colour_mask(guesses[name], source.palette)
        for ax, view, title in zip(row, (image, guess), (name, f"pixel accuracy {scores[name]:.1%}"), strict=False):
            ax.imshow(view)
            ax.set_title(title)
    axes[-1, -1].imshow(colour_mask(truth, source.palette))
    axes[-1, -1].set_title("the true mask")
    for ax in axes.flat:
        ax.axis("off")
    legend(axes[0, -1], source.classes, source.palette, ignored=True, loc="center", ncols=1)
    return figure

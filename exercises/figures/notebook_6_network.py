"""Figures of notebook 6 that look inside a network: feature maps, and skips and their loss."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from torch import Tensor

from exercises.figures.notebook_6 import frame
from utils.images import IGNORE_INDEX
from utils.models import to_mask
from utils.plots import Palette, colour_mask, legend, to_array


def three_colours(features: Tensor, like: np.ndarray | None = None) -> np.ndarray:
    """Show the three main directions of a feature map (1, C, h, w) as an RGB picture, float (h, w, 3).

    The directions are turned so that colours come as close as they can to those of the picture `like` (H, W, 3), which
    shows the same scene; without it, whatever covers most of the map is bright.
    """
    flat = features[0].flatten(1).T
    flat = flat - flat.mean(dim=0)
    colours = flat @ torch.linalg.eigh(flat.T @ flat)[1][:, -3:].flip(1)  # along the directions that vary most
    if like is not None:
        wanted = F.interpolate(torch.from_numpy(like).permute(2, 0, 1)[None].float(), features.shape[2:], mode="area")
        wanted = wanted[0].flatten(1).T
        wanted = (wanted - wanted.mean(dim=0)) / wanted.std(dim=0).clamp(min=1e-6)
        left, _, right = torch.linalg.svd(colours.T @ wanted)
        colours = colours @ left @ right  # a rotation adds nothing that is not in the three directions
    low, high = colours.quantile(0.02, dim=0), colours.quantile(0.98, dim=0)
    colours = ((colours - low) / (high - low)).clamp(0, 1)
    if like is None:
        colours = torch.where(colours.mean(dim=0) < 0.5, 1 - colours, colours)  # a direction has two ends: choose one
    return colours.reshape(*features.shape[2:], 3).numpy()


def plot_inside(
    scene: Tensor, maps: Mapping[str, Tensor], logits: Tensor, classes: Sequence[str], palette: Palette, known: int = 0
) -> Figure:
    """Lay the feature maps of a U-Net out like the letter U, between the image and its prediction.

    Args:
        scene: uint8 (3, H, W).
        maps: "encoder i" and "decoder i" with their feature maps (1, C, h, w), as a forward pass left them.
        logits: (1, outputs, H, W).
        classes: their names.
        palette: their colours.
        known: side of the square at the top left that the network learned from, which is framed, or 0.
    """
    depth = sum(name.startswith("decoder") for name in maps)
    layout = [["image", "encoder 0", "decoder 0", "prediction"]]
    layout += [[".", f"encoder {i}", f"decoder {i}", "."] for i in range(1, depth)]
    layout += [[".", f"encoder {depth}", f"encoder {depth}", "."]]
    heights = [0.8**i for i in range(depth + 1)]
    size = (9.2, 2.25 * sum(heights) + 0.36 * len(heights))  # inches; the second part is for the titles
    figure, axes = plt.subplot_mosaic(layout, figsize=size, height_ratios=heights)
    first = three_colours(maps["encoder 0"])
    pictures = {name: three_colours(features, first) for name, features in maps.items()} | {"encoder 0": first}
    pictures |= {"image": to_array(scene), "prediction": colour_mask(to_mask(logits)[0], palette)}
    for name, ax in axes.items():
        ax.imshow(pictures[name], interpolation="nearest")
        text = "\n{} channels, {} x {}".format(*maps[name].shape[1:]) if name in maps else ""
        ax.set_title(name + text, fontsize=10.5)
        ax.axis("off")
    for name in ("image", "prediction")[: 2 * bool(known)]:
        frame(axes[name], 0, 0, known, "black", 3)
    draw_way(axes, depth)
    legend(figure, classes, palette)
    return figure


def draw_way(axes: Mapping[str, Axes], depth: int) -> None:
    """Draw the arrows of a U-Net between the panels of `plot_inside`: dashed along the skips, solid everywhere else.

    Those that go down and up leave and arrive at the outer sides, because titles stand above the panels.
    """
    left, right, bend = (-0.02, 0.5), (1.02, 0.5), "arc3,rad=0.4"
    down = [(f"encoder {i}", (-0.02, 0.25), f"encoder {i + 1}", (-0.02, 0.6), bend, "-") for i in range(depth)]
    below = [f"encoder {depth}", *(f"decoder {i}" for i in reversed(range(1, depth)))]
    up = [(name, (1.02, 0.6), f"decoder {depth - 1 - i}", (1.02, 0.25), bend, "-") for i, name in enumerate(below)]
    ends = [(a, right, b, left, "arc3", "-") for a, b in (("image", "encoder 0"), ("decoder 0", "prediction"))]
    skips = [(f"encoder {i}", right, f"decoder {i}", left, "arc3", (0, (3, 1.5))) for i in range(depth)]
    for start, place, end, target, curve, dashes in [*down, *up, *ends, *skips]:
        style = {"arrowstyle": "->", "connectionstyle": curve, "linestyle": dashes, "lw": 2, "mutation_scale": 13}
        both = {"axesA": axes[start], "axesB": axes[end]}
        axes[start].figure.add_artist(ConnectionPatch(place, target, *["axes fraction"] * 2, **both, **style))


def likeness(features: Tensor, pixel: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Return how much each place (h, w) of a feature map (1, C, h, w) resembles that of one pixel, -1 to 1.

    It is the cosine of the two places' channels, of which each is centred first; `size` is that of the image.
    """
    centred = features[0] - features[0].mean(dim=(1, 2), keepdim=True)
    row, column = (i * side // whole for i, side, whole in zip(pixel, features.shape[2:], size, strict=True))
    return F.cosine_similarity(centred, centred[:, row, column, None, None], dim=0)


def plot_mix(
    scene: Tensor, below: Tensor, skip: Tensor, mixed: Tensor, pixel: tuple[int, int], part: int = 128
) -> Figure:
    """Show a square of `part` pixels around one pixel of an image, uint8 (3, H, W), in three maps of a decoder step.

    Above are the maps in false colours; below is how much each place resembles the pixel, from black (0) to white (1).
    """
    maps = {"from below": below, "the skip": skip, "mixed": mixed}
    size = tuple(scene.shape[1:])
    top, left = (min(max(0, i - part // 2), side - part) // 8 * 8 for i, side in zip(pixel, size, strict=True))
    first = three_colours(skip)
    figure, axes = plt.subplot_mosaic([["image", *maps], [".", *map(str.upper, maps)]], figsize=(10.8, 6))
    axes["image"].imshow(to_array(scene)[top : top + part, left : left + part], interpolation="nearest")
    axes["image"].set_title(f"image\n{part} x {part}")
    frame(axes["image"], pixel[0] - top - 2, pixel[1] - left - 2, 5, "white", 1.2)
    for name, features in maps.items():
        step = size[0] // features.shape[2]
        rows, columns = (slice(i // step, (i + part) // step) for i in (top, left))
        colours = first if features is skip else three_colours(features, first)
        axes[name].imshow(colours[rows, columns], interpolation="nearest")
        axes[name].set_title(f"{name}\n{part // step} x {part // step}")
        alike = likeness(features, pixel, size)[rows, columns]
        axes[name.upper()].imshow(alike, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes[name.upper()].set_title("like the marked pixel")
    for ax in axes.values():
        ax.axis("off")
    return figure


def plot_masks(
    masks: Mapping[str, Tensor], classes: Sequence[str], palette: Palette, size: float = 2.65, rows: int = 1
) -> Figure:
    """Show masks (H, W), each under its name, in the colours of the classes; ignored pixels are white."""
    columns = -(-len(masks) // rows)
    figure, axes = plt.subplots(rows, columns, figsize=(size * columns, (size + 0.35) * rows + 0.4), squeeze=False)
    for ax, (name, mask) in zip(axes.flat, masks.items(), strict=False):
        ax.imshow(colour_mask(mask, palette), interpolation="nearest")
        ax.set(title=name, xticks=[], yticks=[])
    legend(figure, classes, palette, ignored=any((to_array(mask) == IGNORE_INDEX).any() for mask in masks.values()))
    return figure


def plot_features(image: Tensor, maps: Mapping[str, Tensor]) -> Figure:
    """Show an image, uint8 (3, H, W), and a map (1, C, h, w) of each encoder, without two places at each edge."""
    places = next(iter(maps.values())).shape[2:]
    edge = [2 * side // count for side, count in zip(image.shape[1:], places, strict=True)]
    first = to_array(image)[edge[0] : -edge[0], edge[1] : -edge[1]]
    pictures = {"image": first}
    pictures |= {name: three_colours(features[..., 2:-2, 2:-2], first) for name, features in maps.items()}
    figure, axes = plt.subplots(1, len(pictures), figsize=(8.6, 2.8))
    for ax, (name, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(f"{name}\n{picture.shape[0]} x {picture.shape[1]}")
        ax.axis("off")
    return figure

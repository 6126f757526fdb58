"""Figures of notebook 6 that look inside a network: feature maps, one pixel's journey, skips and their loss."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import ConnectionPatch
from torch import Tensor

from exercises.figures.notebook_6 import frame, zoom
from utils.images import IGNORE_INDEX
from utils.models import probabilities, to_mask
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
    scene: Tensor, maps: Mapping[str, Tensor], logits: Tensor, classes: Sequence[str], palette: Palette
) -> Figure:
    """Lay the feature maps of a U-Net out like the letter U, between the image and its prediction.

    Args:
        scene: uint8 (3, H, W).
        maps: "encoder i" and "decoder i" with their feature maps (1, C, h, w), as a forward pass left them.
        logits: (1, outputs, H, W).
        classes: their names.
        palette: their colours.
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


def plot_mix(scene: Tensor, below: Tensor, skip: Tensor, mixed: Tensor, part: int = 128) -> Figure:
    """Show the top left part of an image, uint8 (3, H, W), and of three feature maps of one decoder step."""
    names = ("image", "from below: what", "the skip: where", "mixed: what and where")
    height, width = scene.shape[1:]
    first = three_colours(skip)
    pictures = [to_array(scene), three_colours(below, first), first, three_colours(mixed, first)]
    pictures = [p[: part * p.shape[0] // height, : part * p.shape[1] // width] for p in pictures]
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 2.7))
    for ax, picture, name in zip(axes, pictures, names, strict=True):
        ax.imshow(picture, interpolation="nearest")
        ax.set_title(f"{name}\n{picture.shape[0]} x {picture.shape[1]}")
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


def draw_views(ax: Axes, scene: Tensor, pixel: tuple[int, int], views: Mapping[str, int]) -> None:
    """Draw around a pixel of a scene the square that each station sees, with the station's name and the side."""
    row, column = pixel
    zoom(ax, scene, pixel, max([40, *views.values()]) // 2 + 8)
    small = [side for side in views.values() if side <= 20]  # a name fits into none of these: it stands above them
    for number, (name, side) in enumerate(views.items()):
        frame(ax, row - side // 2, column - side // 2, side, "white", 2)
        point, corner, place = (column, row), (column - side // 2 + 1, row + side // 2 - 1.5), {"va": "bottom"}
        if side in small:  # one name to the left and one to the right, so that no line runs through the other name
            way, line = 2 * (number % 2) - 1, {"arrowstyle": "-", "color": "white", "lw": 1.5}
            point, corner = (
                (column + way * side / 2, row - side // 2),
                (column + 10 * way, row - 23 - 7 * (number // 2)),
            )
            place = {"va": "center", "ha": ("right", "left")[number % 2], "arrowprops": line}
        text = ax.annotate(f"{name}: {side}", point, corner, size=11, **place)
        text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    frame(ax, row, column, 1, "black", 2)
    ax.set(title=f"pixel ({row}, {column})")


def plot_journey(
    scene: Tensor,
    pixel: tuple[int, int],
    vectors: Mapping[str, Tensor],
    logits: Tensor,
    classes: Sequence[str],
    *,
    palette: Palette,
    views: Mapping[str, int] | None = None,
) -> Figure:
    """Follow one pixel through a network: its numbers at every station, its logits, its probabilities, its class.

    Args:
        scene: uint8 (3, H, W).
        pixel: its row and column.
        vectors: the name of each station, with what the network holds at this pixel there, (C,).
        logits: of this pixel (outputs,).
        classes: their names.
        palette: their colours, of which the winner's bar takes its own.
        views: for some stations the side of the square of the image that each sees, in pixels, from small to large.
    """
    figure = plt.figure(figsize=(10.4, 8.2), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=[5, 3])
    left, right = upper.subfigures(1, 2, width_ratios=[4.9, 5.5])
    draw_views(left.subplots(), scene, pixel, views or {})
    with_grey = plt.get_cmap("Oranges").with_extremes(bad="#9E9E9E")
    for ax, (name, vector) in zip(right.subplots(1, len(vectors)), vectors.items(), strict=True):
        strip = vector.where(vector != 0, torch.nan)[:, None].numpy()
        ax.imshow(strip, cmap=with_grey, vmin=0, vmax=vector.max().item() or 1, aspect="auto", interpolation="nearest")
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"{name}\n{len(vector)}", size=12)
        ax.set_xlabel(f"{int((vector == 0).sum())} zero", size=11)
    right.supxlabel("grey is zero; the darkest number is the largest of its station", size=12)
    chances = probabilities(logits[None, :, None, None])[0, :, 0, 0]
    names = list(classes)[-len(logits) :]
    chosen = to_mask(logits[None, :, None, None]).item() - (len(classes) - len(logits))
    for ax, values, title in zip(lower.subplots(1, 2), (logits, chances), ("logits", "probabilities"), strict=True):
        own = np.array(palette[-len(logits) :]) / 255
        faces = [own[i] if i == chosen else "white" for i in range(len(values))]
        ax.barh(range(len(values)), values.numpy(), color=faces, edgecolor="black")
        ax.set_yticks(range(len(values)), names)
        ax.invert_yaxis()
        ax.axvline(0, color="black", lw=1)
        ax.set_title(title, size=12)
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

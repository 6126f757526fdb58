"""Figure of notebook 6 about context: two pieces of a scene that look alike and are not."""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import to_array

WIDE = 64  # pixels that fit around each piece, so that a learner can look further
MOST = 5000  # pieces of one kind that are compared, or there would be a table of gigabytes


def find_alike(scene: Tensor, truth: Tensor, side: int = 9) -> list[tuple[int, int]]:
    """Find two pieces of different classes that are as alike as can be, and return the row and column of their middles.

    Each has `side` x `side` pixels of a single class, and lies so far from the edges that WIDE pixels fit around it, if
    the scene is large enough. Where no two classes have such pieces, nothing is found.

    Args:
        scene: uint8 (3, H, W).
        truth: its mask (H, W).
        side: of a piece, an odd number of pixels.
    """
    edge = max(0, min(WIDE // 2, min(scene.shape[1:]) // 2 - side) - side // 2)
    inner = slice(edge, -edge or None)
    pieces = F.unfold(scene[None, :, inner, inner].float(), side)[0].T
    labels = F.unfold(truth[None, None, inner, inner].float(), side)[0].T
    pure = (labels == labels[:, :1]).all(dim=1) & (labels[:, 0] != IGNORE_INDEX)
    width = scene[0, inner, inner].shape[1] - side + 1
    best = (float("inf"), [])
    for number in labels[pure, 0].unique().tolist():
        chosen = (pure & (labels[:, 0] == number), pure & (labels[:, 0] > number))
        one, other = (found[:: len(found) // MOST + 1] for found in (m.nonzero()[:, 0] for m in chosen))
        if len(other):
            apart = torch.cdist(pieces[one], pieces[other])
            first, second = divmod(int(apart.argmin()), len(other))
            best = min(best, (apart.min().item(), [int(one[first]), int(other[second])]))
    corner = edge + side // 2
    return [(place // width + corner, place % width + corner) for place in best[1]]


def plot_pieces(scene: Tensor, places: list[tuple[int, int]], side: int) -> Figure:
    """Show the `side` x `side` pixels of a scene, uint8 (3, H, W), around each of two places, named A and B."""
    figure, axes = plt.subplots(1, 2, figsize=(6.2, 3.3))
    for ax, place, name in zip(axes, places, "AB", strict=False):
        rows, columns = (slice(max(0, i - side // 2), i - side // 2 + side) for i in place)
        ax.imshow(to_array(scene)[rows, columns], interpolation="nearest")
        ax.set(title=f"{name}: {side} x {side} pixels", xticks=[], yticks=[])
    return figure

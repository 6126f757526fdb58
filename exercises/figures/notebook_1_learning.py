"""What notebook 1 shows of a network that learns: its mistakes after some epochs, and whether their IoU is counted."""

from collections.abc import Callable, Mapping

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from utils.images import IGNORE_INDEX
from utils.metrics import iou
from utils.plots import blend, ids_to_rgb, legend

VERDICTS = {"found": (0, 158, 115), "missed": (0, 114, 178), "coloured in by mistake": (230, 159, 0)}
COLUMNS = 3
Iou = Callable[[np.ndarray, np.ndarray], float]


def plot_learning(photograph: np.ndarray, truth: np.ndarray, masks: Mapping[int, np.ndarray]) -> Figure:
    """Show a photograph, uint8 (H, W, 3), and what masks of class ids (H, W), by epoch, find, miss and make up."""
    rows = -(-(len(masks) + 2) // COLUMNS)  # the photograph comes first, and the legend takes the last place
    height = 10.8 / COLUMNS * truth.shape[0] / truth.shape[1] + 0.7
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(10.8, rows * height))
    for ax in grid.flat:
        ax.axis("off")
    plain, *axes = grid.flat
    plain.imshow(photograph)
    plain.set_title("the photograph")
    grey = (photograph.mean(axis=2, keepdims=True) / 2 + 127).astype(np.uint8).repeat(3, axis=2)
    for ax, (epoch, mask) in zip(axes, masks.items(), strict=False):
        parts = np.select([(truth == 1) & (mask == 1), truth == 1, (truth == 0) & (mask == 1)], [1, 2, 3])
        coloured = blend(grey, ids_to_rgb(parts, [(0, 0, 0), *VERDICTS.values()]), parts > 0, opacity=0.75)
        coloured[truth == IGNORE_INDEX] = 255
        ax.imshow(coloured)
        ax.contour(truth == 1, [0.5], colors="black", linewidths=1.2)
        hits, all_of_them = (parts == 1).sum(), (parts > 0).sum()
        ax.set_title(f"after epoch {epoch}")
        ax.text(0.5, -0.03, f"IoU = {hits:,} / {all_of_them:,} = {hits / all_of_them:.2f}", transform=ax.transAxes,
                ha="center", va="top", fontsize=11)  # fmt: skip
    ignored = bool((truth == IGNORE_INDEX).any())
    legend(axes[-1], list(VERDICTS), list(VERDICTS.values()), ignored=ignored, ncols=1, loc="center")
    return figure


def judge_iou(answer: Iou, person: np.ndarray, network: np.ndarray) -> Iou:
    """Say whether a function counts the IoU of two masks, bool (H, W); return it, or else one that does."""
    wanted = count_iou(person, network)
    try:
        with np.errstate(all="ignore"):
            given, other = answer(person, network), answer(network, person[::-1])  # a fixed number fits only one pair
        if np.ndim(given) > 0:
            print("not yet: this is still a picture: count its pixels with .sum() · the course's iou stands in")
            return count_iou
        given, other = float(given), float(other)
    except Exception as error:
        says = f"{type(error).__name__}: {error}"
        if "truth value" in says:
            says = "`and` and `or` cannot compare whole masks: use `&` and `|`"
        print(f"not yet: {says} · the course's iou stands in")
        return count_iou
    if np.isclose(given, wanted) and np.isclose(other, count_iou(network, person[::-1])):
        print(f"right: {given:.2f}, as below the last picture")
        return answer
    both = (person & network).sum()
    mistakes = {
        "this is the Dice score, which counts pixels in both masks twice": 2 * both / (person.sum() + network.sum()),
        "what only the network coloured in is missing below the line": both / person.sum(),
        "what only the person coloured in is missing below the line": both / network.sum(),
        "pixels in both masks count twice below the line": both / (person.sum() + network.sum()),
        "pixels that neither of the two coloured in count, too": both / person.size,
        "background that both leave out counts as agreement, which flatters any mask": (person == network).mean(),
        "both numbers count the same pixels": 1,
    }
    hints = [hint for hint, value in mistakes.items() if np.isclose(given, value)]
    says = "".join(f" ({hint})" for hint in hints[:1])
    print(f"not yet: {given:.2f}{says}, and below the last picture stands {wanted:.2f} · the course's iou stands in")
    return count_iou


def count_iou(person: np.ndarray, network: np.ndarray) -> float:
    """Return the IoU of two masks, bool (H, W): the pixels of both, divided by those of at least one."""
    found, truth = (torch.tensor(mask.astype(int)) for mask in (network, person))
    return float(iou(found, truth, 2)[1])

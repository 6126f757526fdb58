"""Figures of notebook 7: predictions beside the truth, and the confusion matrix."""

from collections.abc import Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import RED, Palette, colour_mask, legend, show_images, to_array

THIN, WIDE = (148, 52, 230), (0, 0, 0)  # violet and black: no class has them


def show_predictions(
    image: Tensor, truth: Tensor, prediction: Tensor, classes: Sequence[str], palette: Palette
) -> Figure:
    """Show a picture, its truth, its prediction, and where they differ, narrowly or widely."""
    real, found = to_array(truth), to_array(prediction)
    wrong = (real != found) & (real != IGNORE_INDEX)
    wide = cv2.morphologyEx(wrong.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(bool)
    errors = 255 - (255 - to_array(image)) // 3
    errors[wrong], errors[wide] = THIN, WIDE
    cells = [image, colour_mask(truth, palette), colour_mask(prediction, palette), errors]
    figure = show_images(cells, ["image", "truth", "prediction", f"wrong: {wrong.mean():.0%}"], columns=2, size=3.8)
    names = [*classes, "wrong, thin", "wrong, wide"]
    legend(figure, names, [*palette, THIN, WIDE], bool((real == IGNORE_INDEX).any()), ncols=5)
    return figure


def plot_confusion(matrix: Tensor, classes: Sequence[str], framed: bool = False) -> Figure:
    """Draw the confusion matrix, each row in shares of the true class; `framed` marks the worst mistake of each row."""
    shares = (matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    figure, ax = plt.subplots(figsize=(max(5, 1.6 + 0.75 * len(classes)), 1.2 + 0.6 * len(classes)))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        ax.text(column, row, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.5 else "black")
    for row, wrong in enumerate(shares * (1 - np.eye(len(classes)))):
        if framed and wrong.any():
            ax.add_patch(plt.Rectangle((wrong.argmax() - 0.46, row - 0.46), 0.92, 0.92, fill=False, ec=RED, lw=2.5))
    ax.set_xticks(range(len(classes)), classes, rotation=30)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="predicted", ylabel="truth", title="Where the pixels of each class went")
    return figure

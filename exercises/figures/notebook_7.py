"""Figures of notebook 7: predictions beside the truth, and the confusion matrix."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from utils.images import IGNORE_INDEX
from utils.plots import Palette, legend, overlay, show_images, to_array


def show_predictions(
    images: Sequence[np.ndarray], truths: Sequence[np.ndarray], predictions: Sequence[np.ndarray],
    classes: Sequence[str], palette: Palette, *, titles: Sequence[str] = (), size: float = 2.6,
) -> Figure:  # fmt: skip
    """Show a row for each picture: itself, the truth, the prediction, and where they differ (black)."""
    cells, names = [], []
    for i, (image, truth, prediction) in enumerate(zip(images, truths, predictions, strict=True)):
        wrong = (to_array(truth) != to_array(prediction)) & (to_array(truth) != IGNORE_INDEX)
        errors = np.where(wrong[..., None], 0, 255 - (255 - to_array(image)) // 3).astype(np.uint8)
        cells += [image, overlay(image, truth, palette), overlay(image, prediction, palette), errors]
        names += [titles[i] if i < len(titles) else "image", "truth", "prediction", f"wrong: {wrong.mean():.0%}"]
    figure = show_images(cells, names, columns=4, size=size)
    legend(figure, classes, palette)
    return figure


def plot_confusion(matrix: Tensor, classes: Sequence[str]) -> Figure:
    """Draw the confusion matrix, each row in shares of the true class."""
    shares = (matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    figure, ax = plt.subplots(figsize=(max(5, 1.6 + 0.75 * len(classes)), 1.2 + 0.6 * len(classes)))
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(shares):
        ax.text(column, row, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.5 else "black")
    ax.set_xticks(range(len(classes)), classes, rotation=30)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="predicted", ylabel="truth", title="Where the pixels of each class went")
    return figure

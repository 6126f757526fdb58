"""exercises/figures: what a lesson alone draws says its classes, its numbers and its titles."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from helpers import CLASSES, draw_pair

from exercises.figures.notebook_2 import plot_class_shares
from exercises.figures.notebook_7 import plot_confusion, show_predictions

PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for text in figure.findobj(plt.Text)]


def test_predictions_stand_beside_the_truth_with_the_share_that_is_wrong():
    image, mask = draw_pair(0)
    wrong = np.where(mask == 1, 2, mask)
    figure = show_predictions([image], [mask], [wrong], CLASSES, PALETTE, titles=["town"])
    assert {*CLASSES, "town", "truth", "prediction"} <= set(texts(figure))
    assert f"wrong: {(mask == 1).mean():.0%}" in texts(figure)


def test_the_confusion_matrix_shows_shares_of_the_true_class():
    found = texts(plot_confusion(torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), CLASSES))
    assert {"75%", "25%", "100%", *CLASSES} <= set(found)


def test_bars_say_the_share_of_each_class():
    assert {"50.0%", "25.0%"} <= set(texts(plot_class_shares([0.5, 0.25, 0.25], CLASSES, PALETTE)))

"""exercises/figures/notebook_7*: curves of losses, maps beside their truth, and words about a learner's loop."""

import pandas as pd
import pytest
import torch
from helpers import CLASSES, PALETTE, texts

from exercises.figures.notebook_7 import plot_confusion
from exercises.figures.notebook_7_learning import plot_overlooked, plot_slope
from exercises.figures.notebook_7_losses import judge_loop, plot_with_bug
from exercises.figures.notebook_7_scores import plot_absent, plot_counting, plot_two_maps, without_total
from utils.metrics import score_table

MODEL = [2.0 * 0.95**step for step in range(61)]  # the losses of the loop on the page


def test_absent_classes_are_said_to_be_absent_and_change_the_mean():
    tile = torch.zeros(4, 4, dtype=torch.int64)
    ious = torch.full((1, len(CLASSES)), torch.nan)
    ious[0, 0] = 0.25
    found = texts(plot_absent([(tile, tile)], ious, CLASSES, PALETTE))
    assert {f"{CLASSES[0]}\n0.25", f"{CLASSES[1]}\nabsent: 1"} <= set(found)
    gift = (0.25 + len(CLASSES) - 1) / len(CLASSES)
    assert f"mean without absent classes 0.25, with them {gift:.2f}" in found


def test_the_worst_mistake_of_each_row_is_framed():
    matrix = torch.tensor([[3, 1, 2], [0, 2, 0], [1, 0, 0]])
    frames = plot_confusion(matrix, CLASSES, framed=True).axes[0].patches
    assert [(round(f.get_x()), round(f.get_y())) for f in frames] == [(2, 0), (0, 2)]
    assert not plot_confusion(matrix, CLASSES).axes[0].patches


def test_a_score_of_steps_stands_beside_a_smooth_loss():
    x = torch.linspace(-1, 1, 5)
    figure = plot_slope(x, (x > 0).float(), x**2)
    assert {"What becomes of the IoU", "What becomes of the loss"} <= set(texts(figure))
    assert figure.axes[0].lines[0].get_ydata().tolist() == [0, 0, 0, 1, 1]
    assert [ax.lines[1].get_xdata().tolist() for ax in figure.axes] == [[0.5, 1], [0]]  # where each is at its best


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (None, "not written yet"),
        (2.0, "it is a float"),
        (MODEL[:12], "and it has 12"),
        (list(map(torch.tensor, MODEL[:30])), "append loss.item()"),
        ([2.0, float("nan"), *MODEL[2:30]], "NaN"),
        (MODEL[10:40], "starts at 1.20, and the fresh network in training mode at 2.00: judge with loss_fn"),
        ([1.95, *MODEL[1:30]], "net.train() before the loop"),
        (MODEL[:1] * 30, "no weight moves"),
        ([2.0 * 0.98**step for step in range(30)], "is every gradient cleared"),
        (MODEL[:30], "right: your loop brings the loss from 2.00 to 0.45"),
    ],
)
def test_a_loop_is_judged_in_words(losses, words):
    assert words in judge_loop(losses, MODEL)


def test_the_pull_of_a_loss_is_said_to_grow():
    figure = plot_overlooked([0.1, 0.5], {"one": [1, 2], "other": [1, 1]}, {"one": [0.01, 0.4], "other": [0.1, 0.3]})
    assert {"one: 0.0100 to 0.400, 40 times", "other: 0.1000 to 0.300, 3 times"} <= set(texts(figure))
    assert figure.axes[0].lines[0].get_ydata().tolist() == [1, 2]


def test_a_run_with_a_bug_ends_in_its_score():
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [2, 1], "val_loss": [2, 1], "val_score": [0.25, 0.75]})
    figure = plot_with_bug(history, [0.25, 0.5], "mIoU", [(1.75, 0.125), (1.5, 0.625)], evaluated=0.875)
    assert {"0.50", "with the bug of 7.8", "Validation mIoU", "training images,\nevaluated: 0.88"} <= set(texts(figure))
    assert figure.axes[0].get_ylim()[0] == 0  # so that two losses compare as they look
    hollow = [line for ax in figure.axes for line in ax.lines if line.get_markerfacecolor() == "none"]
    assert [line.get_ydata().tolist() for line in hollow] == [[1.75, 1.5], [0.875], [0.125, 0.625]]


def test_a_mean_of_shares_is_not_shown():
    table = without_total(score_table(torch.tensor([[3, 1], [0, 0]]), ["a", "b"]))
    assert table["pixels"].tolist() == ["1.000", "0.000", ""]
    assert table.loc["a", "iou"] == 0.75


def test_patches_are_numbered_and_a_third_map_begins_a_second_row():
    nothing, truth, two = torch.zeros(3, 16, 16, dtype=torch.bool)
    truth[2, 2], truth[8, 4], two[2, 2:4], two[15, 15] = True, True, True, True
    figure = plot_two_maps(torch.zeros(3, 16, 16, dtype=torch.uint8), truth, {"A": nothing, "B": two, "C": two})
    words = ["1", "2", "missed"]
    assert [[text.get_text() for text in ax.texts] for ax in figure.axes] == [[], [], words, words]
    assert len({ax.get_subplotspec().rowspan.start for ax in figure.axes}) == 2


def test_only_counted_pixels_are_called_hits_and_errors():
    truth, prediction = torch.tensor([[0, 1, 1]]), torch.tensor([[1, 1, 0]])
    matrix = torch.tensor([[0, 1, 0], [1, 1, 0], [0, 0, 0]])
    found = texts(plot_counting(truth, prediction, matrix, focus=1))
    assert {"1\nhit", "1\nmiss, false\nalarm of 0", "1\nfalse alarm,\nmiss of 0"} <= set(found)
    assert not any(word.startswith("0\n") for word in found)


def test_a_prediction_that_does_not_count_stands_in_brackets():
    truth, prediction = torch.tensor([[0, 255]]), torch.tensor([[0, 1]])
    found = texts(plot_counting(truth, prediction, torch.tensor([[1, 0], [0, 0]]), focus=0))
    assert {"ignored", "(1)"} <= set(found)

"""Figures of notebook 1: what is found, missed and made up is counted, and every thing has a number."""

import numpy as np
import pytest
from helpers import CLASSES, PALETTE, texts

from exercises.figures.notebook_1 import plot_coloured_in, plot_questions, plot_shapes
from exercises.figures.notebook_1_learning import count_iou, judge_iou, plot_learning
from exercises.figures.notebook_1_machine import MB, plot_memory, plot_seeds, plot_step_times


def test_iou_stands_below_the_pictures_and_ignored_pixels_count_nowhere():
    truth = np.array([[1, 1, 0, 0], [1, 255, 0, 0]])
    masks = {1: np.array([[1, 0, 1, 0], [0, 1, 0, 0]]), 15: (truth == 1).astype(int)}
    figure = plot_learning(np.zeros((2, 4, 3), np.uint8), truth, masks)
    assert (figure.axes[1].images[0].get_array()[1, 1] == 255).all()
    assert {"after epoch 1", "IoU = 1 / 4 = 0.25", "IoU = 3 / 3 = 1.00"} <= set(texts(figure))


PERSON = np.array([[True, True, True, False, False], [True, False, False, False, False]])
NETWORK = np.array([[False, True, True, True, False], [False, False, False, False, False]])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda p, n: (p & n).sum() / (p | n).sum(), "right: 0.40, as below the last picture"),
        (lambda p, n: (p * n).sum() / (p + n).sum(), "right: 0.40"),
        (lambda p, n: 0 / 1, "not yet: 0.00, and below the last picture stands 0.40 · the course's iou stands in"),
        (lambda p, n: 0.4, "not yet: 0.40"),
        (lambda p, n: (p & n).sum() / p.sum(), "0.50 (what only the network coloured in is missing"),
        (lambda p, n: (p & n).sum() / n.sum(), "0.67 (what only the person coloured in is missing"),
        (lambda p, n: (p & n).sum() / (p.sum() + n.sum()), "0.29 (pixels in both masks count twice"),
        (lambda p, n: 2 * (p & n).sum() / (p.sum() + n.sum()), "0.57 (this is the Dice score"),
        (lambda p, n: (p and n).sum(), "not yet: `and` and `or` cannot compare whole masks: use `&` and `|`"),
        (lambda p, n: (p & n).mean(), "0.20 (pixels that neither of the two coloured in count, too)"),
        (lambda p, n: (p == n).sum() / p.size, "0.70 (background that both leave out counts as agreement"),
        (lambda p, n: (p & n) / (p | n), "not yet: this is still a picture: count its pixels with .sum()"),
        (lambda p, n: (p & n).sum() / (p | n), "count its pixels with .sum()"),
        (lambda p, n: (p | n).sum() / (p | n).sum(), "1.00 (both numbers count the same pixels)"),
        (lambda p, n: print, "not yet: TypeError"),
    ],
)
def test_an_iou_is_judged_by_its_masks(answer, says, capsys):
    judged = judge_iou(answer, PERSON, NETWORK)
    assert says in capsys.readouterr().out
    assert judged is (answer if says.startswith("right") else count_iou)
    assert judged(PERSON, NETWORK) == 0.4


def test_what_was_found_stands_beside_what_is_right():
    masks = [np.array([[1, 1, 0, 0]]), np.array([[1, 0, 0, 0]])]
    pictures = dict.fromkeys(("cup", "cat"), np.zeros((1, 4, 3), np.uint8))
    figure = plot_coloured_in(pictures, masks, (0, 0.5), ("background", "pet"), [(0, 0, 0), (230, 159, 0)])
    said = [ax.get_title() for ax in figure.axes]
    assert {"cup", "pet: 50% (right: 0%)", "cat", "pet: 25% (right: 50%)"} == set(said)


def test_of_a_shape_its_own_pixels_are_counted():
    bar = np.zeros((1, 5, 3), np.uint8)
    bar[0, 1:5] = 200
    figure = plot_shapes({"bar": bar}, [np.array([[1, 1, 1, 1, 0]])], ("background", "pet"), [(0, 0, 0), (230, 159, 0)])
    assert [ax.get_title() for ax in figure.axes] == ["bar", "pet: 75% of the bar"]


def test_every_thing_has_a_number_in_two_answers():
    labels = np.zeros((20, 20), dtype=np.uint8)
    labels[2:8, 2:8] = labels[12:18, 12:18] = 1
    numbers = np.where(labels == 1, 1 + (np.arange(20) >= 10)[:, None], 0)
    figure = plot_questions(np.zeros((20, 20, 3), np.uint8), labels, {1: numbers}, CLASSES, PALETTE)
    instance, panoptic = figure.axes[4:]
    assert [[text.get_text() for text in ax.texts] for ax in (instance, panoptic)] == [["1", "2"], ["1", "2"]]


def test_half_of_the_memory_is_filled_with_pictures():
    figure = plot_memory(16 * MB, MB, {"small": 2 * MB, "large": 7 * MB})
    said = texts(figure)
    assert {"the network: 1.0 MB", "3 pictures of 2 MB", "1 pictures of 7 MB", "the rest of a step"} <= set(said)


def test_a_stored_gpu_stands_beside_the_measured_device():
    measured, stored = plot_step_times((8, 16), {"cpu": (0.012, 0.014)}).axes
    assert [text.get_text() for text in measured.texts[:2]] == ["12 ms", "14 ms"]
    assert measured.texts[2].get_text().startswith("one H100, stored: 12 ms for\n16 pictures")
    assert [text.get_text() for text in stored.texts] == ["24 ms", "23 ms", "42 ms", "78 ms"]


def test_every_seed_has_a_dot():
    figure = plot_seeds({42: 0.854, 43: 0.762})
    assert {"seed 42\n0.854", "seed 43\n0.762"} <= set(texts(figure))
    assert list(figure.axes[0].lines[0].get_xdata()) == [0.854, 0.762]

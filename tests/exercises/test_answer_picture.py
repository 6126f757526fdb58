"""exercises/answer_picture.py: input, expected, yours, and where they differ."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from exercises.answer_picture import draw_answer
from exercises.catalogue import all_exercises, find, reference

WITH_PICTURE = [exercise for exercise in all_exercises() if exercise.picture]


def titles(figure):
    found = [ax.get_title() for ax in figure.axes if ax.get_title()]
    plt.close(figure)
    return found


@pytest.mark.parametrize("exercise", WITH_PICTURE, ids=lambda e: e.id)
def test_the_reference_differs_in_no_pixel(exercise):
    figure = draw_answer(exercise, reference(exercise.id))
    assert titles(figure) == ["input", "expected", "yours", "no difference"]


def test_a_wrong_picture_shows_where_it_differs():
    figure = draw_answer(find("2.2"), lambda ids, palette: np.zeros((*ids.shape, 3), np.uint8))
    assert titles(figure)[3].startswith("difference: ")


def test_an_answer_that_gives_no_picture_is_not_drawn():
    assert draw_answer(find("2.2"), lambda ids, palette: None) is None


def test_no_difference_never_stands_under_not_yet():
    as_floats = lambda ids, palette: reference("2.2")(ids, palette).astype(np.float64)  # noqa: E731
    assert titles(draw_answer(find("2.2"), as_floats))[3] == "no difference"
    assert draw_answer(find("2.2"), as_floats, passed=False) is None
    from_0_to_1 = lambda image, mask: tuple(t / 255 for t in reference("4.3")(image, mask))  # noqa: E731
    assert draw_answer(find("4.3"), from_0_to_1, passed=False) is None

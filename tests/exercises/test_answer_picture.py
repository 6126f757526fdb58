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

"""exercises/catalogue.py: exercises by their id."""

import pytest

from exercises import ExerciseError, exercise, hint


def test_unknown_id_is_refused():
    with pytest.raises(ExerciseError, match=r"There is no exercise '7\.99'"):
        exercise("7.99")
    with pytest.raises(ExerciseError, match="There is no exercise 'iou'"):
        hint("iou")

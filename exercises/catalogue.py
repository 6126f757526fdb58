"""All exercises of the course, found by their id, and the course's own functions that they refer to."""

import importlib
import re
from functools import cache
from typing import Any

from exercises.definitions import Exercise, ExerciseError
from utils.config import nearest


@cache
def notebook_exercises(number: int) -> tuple[Exercise, ...]:
    """Return the exercises of a notebook in order."""
    return tuple(importlib.import_module(f"exercises.checks.notebook_{number}").EXERCISES)


def all_exercises() -> list[Exercise]:
    """Return every exercise of the course in order."""
    return [exercise for number in range(1, 10) for exercise in notebook_exercises(number)]


def find(exercise_id: str) -> Exercise:
    """Return the exercise with this id. Raises ExerciseError for an id that does not exist."""
    exercise_id = str(exercise_id)
    of_a_notebook = re.fullmatch(r"([1-9])\.\d+", exercise_id)  # then the checks of one notebook are imported only
    candidates = notebook_exercises(int(of_a_notebook[1])) if of_a_notebook else all_exercises()
    known = {exercise.id: exercise for exercise in candidates}
    if exercise_id not in known:
        hint = nearest(exercise_id, known) or " See progress() for the list."
        raise ExerciseError(f"There is no exercise '{exercise_id}'.{hint}")
    return known[exercise_id]


@cache
def reference(exercise_id: str) -> Any:
    """Return the course's own function or class for an exercise.

    It is looked up once and remembered, because later a learner's function may stand in its place.
    """
    holder, name = find(exercise_id).location
    return getattr(holder, name)

"""The plain definitions that everything in this package shares: an exercise, a verdict, and their errors."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from utils.errors import CourseError

Check = Callable[[Any], None]
# What a verdict can be. "error" means that an exception stopped the answer.
PASSED, WRONG, UNWRITTEN, STOPPED = "passed", "wrong", "unwritten", "error"


class ExerciseError(CourseError):
    """An exercise does not exist, or it is not solved while `strict()` is on."""


class NotWritten(Exception):
    """`todo` raises this where a part of an answer is still to be written."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        id: the notebook and a number, for example "7.3". An id is never reused.
        title: what is written, in a few words.
        reference: where the course's own function is, for example "utils.metrics.iou".
        difficulty: from 1 (one line) to 5.
        minutes: the time that a beginner needs.
        purpose: one sentence that says what the exercise is for.
        checks: functions that raise Wrong. The first line of a check's docstring is the property that it asks for,
            and the rest is the hint for a learner whose answer fails it.
        hints: three or more, from a nudge to nearly the answer.
        picture: given for answers that are pictures. It calls an answer and returns (input, output), two images.
        by_name: parameters that later cells hand over by name; the others go by their place.
        axes: what the axes of the result are, for a verdict on its shape: "N, H, W".
    """

    id: str
    title: str
    reference: str
    difficulty: int
    minutes: int
    purpose: str
    checks: Sequence[Check]
    hints: Sequence[str]
    picture: Callable[[Any], tuple[Any, Any]] | None = None
    by_name: Sequence[str] = ()
    axes: str = ""

    @property
    def name(self) -> str:
        """The name of the function or class that the learner writes."""
        return self.reference.rpartition(".")[2]

    @property
    def location(self) -> tuple[Any, str]:
        """The module (or class) that holds the reference, and the name that the reference has there."""
        parts = self.reference.split(".")
        module = importlib.import_module(".".join(parts[:2]))
        return (getattr(module, parts[2]), parts[3]) if len(parts) == 4 else (module, parts[2])


@dataclass(frozen=True)
class Verdict:
    """The result of checking one answer.

    Attributes:
        id: the exercise.
        status: PASSED, WRONG, UNWRITTEN or STOPPED.
        sentence: what is wrong, in words.
        details: the values that belong to the sentence: what went in, what was expected, what came out.
        failed_check: the name of the check that failed, empty where all of them passed.
        printed: what the answer printed while it was checked.
    """

    id: str
    status: str
    sentence: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    failed_check: str = ""
    printed: str = ""


def todo(what: str) -> None:
    """Mark what is still to be written: `todo("count the pixels that agree")`."""
    raise NotWritten(what)

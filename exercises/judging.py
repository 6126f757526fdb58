"""Run the checks of an exercise on an answer and make a verdict of what happens."""

import contextlib
import inspect
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from exercises.catalogue import reference
from exercises.definitions import PASSED, STOPPED, UNWRITTEN, WRONG, Exercise, NotWritten, Verdict
from exercises.expect import Wrong, difference, require
from exercises.process_state import restore_process_state
from exercises.session import SESSION
from exercises.time_limit import CHECK_SECONDS, TimeLimitExceeded, check_limit
from utils.config import COURSE

COURSE_FOLDERS = tuple(str(COURSE / name) for name in ("utils", "exercises", "segmenter"))
AXES_MATTER = re.compile(r"has shape \([\d, ]*\), not \(")
STANDARD_LIBRARY = re.compile(r"[/\\]lib[/\\]python3")


def run_checks(
    exercise: Exercise, answer: Any, scope: dict[str, Any] | None = None, seconds: float = CHECK_SECONDS
) -> Verdict:
    """Run the checks of an exercise in order, up to the first that fails, and restore the state of the process.

    `scope` holds the global names of the answer, and `seconds` are those that each check may compute.
    """
    scope = {} if scope is None else scope
    name = getattr(answer, "__name__", exercise.name)
    with (
        restore_process_state() as output,
        SESSION.uncounted(),
        refused(exercise, answer, scope),
        temporarily_bound(scope, name, answer),
    ):
        verdict = first_failure(exercise, answer, seconds)
    if verdict.status == PASSED and output.overwritten:
        says = (
            f"`{output.overwritten[0]}` is overwritten, and everything that comes later would use yours: call it only"
        )
        verdict = Verdict(exercise.id, WRONG, says)
    return replace(verdict, printed=output.getvalue())


@contextlib.contextmanager
def refused(exercise: Exercise, answer: Any, scope: dict[str, Any]) -> Iterator[None]:
    """Put something that refuses in the place of the course's own function, which is no answer to its own exercise."""
    (holder, name), course_function = exercise.location, reference(exercise.id)
    if answer is course_function or inspect.isclass(course_function):
        yield
        return

    def refuse(*_: Any, **__: Any) -> None:
        raise Wrong(f"that is the course's own `{name}`, well found: it is yours to write here")

    own = vars(holder)[name]
    aliases = {key: value for key, value in scope.items() if value is own or value is course_function}
    setattr(holder, name, refuse)
    scope.update(dict.fromkeys(aliases, refuse))
    try:
        yield
    finally:
        setattr(holder, name, own)
        scope.update(aliases)


@contextlib.contextmanager
def temporarily_bound(scope: dict[str, Any], name: str, answer: Any) -> Iterator[None]:
    """Bind the answer to its name: one that calls itself, or says `super(Name, self)`, must find itself."""
    missing = object()
    before = scope.get(name, missing)
    scope[name] = answer
    try:
        yield
    finally:
        if before is missing:
            del scope[name]
        else:
            scope[name] = before


def first_failure(exercise: Exercise, answer: Any, seconds: float) -> Verdict:
    """Return the verdict of the first check that fails, or the verdict that all of them passed."""
    check_name = ""
    try:
        require_parameters(exercise, answer)
        for check in exercise.checks:
            check_name = check.__name__
            with check_limit(seconds):
                check(answer)
    except NotWritten as unwritten:
        return Verdict(exercise.id, UNWRITTEN, str(unwritten), failed_check=check_name)
    except Wrong as wrong:
        axes = f", the axes are ({exercise.axes})" if exercise.axes and AXES_MATTER.search(wrong.sentence) else ""
        return Verdict(exercise.id, WRONG, wrong.sentence + axes, wrong.details, check_name)
    except TimeLimitExceeded:
        sentence = f"takes longer than {seconds:.0f} seconds: does a loop never end?"
        return Verdict(exercise.id, WRONG, sentence, failed_check=check_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an answer may raise anything, also SystemExit
        return verdict_on_exception(exercise, error, check_name)
    return Verdict(exercise.id, PASSED)


def require_parameters(exercise: Exercise, answer: Any) -> None:
    """Raise Wrong unless the answer can be called as later cells do: by position, and some parameters by name.

    Further parameters are free where they have a default value.
    """
    empty, kinds = inspect.Parameter.empty, inspect.Parameter
    wanted = list(inspect.signature(reference(exercise.id)).parameters.values())
    wanted = [p for p in wanted if p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)]
    try:
        found = list(inspect.signature(answer).parameters.values())
    except (TypeError, ValueError):  # it has no signature: the checks will see
        return
    places = [p for p in found if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    names = {p.name: p for p in found if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)}
    says = "it cannot be called as the exercise says: "
    details = {"expected": ", ".join(p.name for p in wanted), "yours": ", ".join(p.name for p in found)}
    for place, parameter in enumerate(wanted):
        name, own = parameter.name, names.get(parameter.name)
        missing = name in exercise.by_name and own is None and all(p.kind is not kinds.VAR_KEYWORD for p in found)
        require(not missing, f"{says}no parameter is called `{name}`, and later cells call it by name", **details)
        moved = own in places and places.index(own) != place
        require(not moved, f"{says}`{name}` must be parameter number {place + 1}", **details)
        own = own or (places[place] if place < len(places) else None)
        if own is not None and parameter.default is not empty:
            require(own.default is not empty, f"{says}`{own.name}` has lost its default value", **details)
            values = {"expected": parameter.default, "yours": own.default}
            same = same_numbers(own.default, parameter.default)
            require(same, f"without `{name}` another value counts than the exercise says", **values)


def same_numbers(found: Any, wanted: Any) -> bool:
    """Say whether two default values are the same; of those that are no numbers, the checks see what they do."""
    try:
        values = [np.asarray(value, dtype=np.float64) for value in (found, wanted)]
    except (TypeError, ValueError):
        return True
    return any(np.isnan(v).any() for v in values) or difference(values[0], values[1], 1e-6) == ""


def verdict_on_exception(exercise: Exercise, error: BaseException, check_name: str) -> Verdict:
    """Say in which of the learner's lines an exception arose.

    Where no such line exists, the check could not use the result of the answer.
    """
    message = " ".join(str(error).split()) or "no message"
    message = message if len(message) <= 300 else message[:299] + "…"
    status, sentence = WRONG, f"its result cannot be used: {type(error).__name__}: {message}"
    if line := learners_line(error):
        status = STOPPED
        sentence = f"{type(error).__name__} on line {line.lineno}, `{line.line.strip()}`: {message}"
    elif isinstance(error, TypeError) and f"{exercise.name}(" in message:
        status, sentence = STOPPED, f"it cannot be called as the exercise says: {message}"
    return Verdict(exercise.id, status, sentence, failed_check=check_name)


def learners_line(error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost frame of a traceback that is neither in the course nor in a library, if there is one."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        in_course = frame.filename.startswith(COURSE_FOLDERS)
        in_library = "site-packages" in frame.filename or STANDARD_LIBRARY.search(frame.filename)
        if frame.line and not in_course and not in_library and not frame.filename.startswith("<frozen"):
            return frame
    return None

"""Run the checks of an exercise on an answer and make a verdict of what happens."""

import contextlib
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from exercises.definitions import PASSED, STOPPED, UNWRITTEN, WRONG, Exercise, NotWritten, Verdict
from exercises.expect import Wrong
from exercises.process_state import restore_process_state
from exercises.time_limit import CHECK_SECONDS, TimeLimitExceeded, check_limit
from utils.config import COURSE

COURSE_FOLDERS = tuple(str(COURSE / name) for name in ("utils", "exercises", "segmenter"))
STANDARD_LIBRARY = re.compile(r"[/\\]lib[/\\]python3")


def run_checks(exercise: Exercise, answer: Any, scope: dict[str, Any] | None = None) -> Verdict:
    """Run the checks of an exercise in order, up to the first that fails, and restore the state of the process.

    `scope` holds the global names of the answer.
    """
    scope = {} if scope is None else scope
    name = getattr(answer, "__name__", exercise.name)
    with restore_process_state() as output, temporarily_bound(scope, name, answer):
        verdict = first_failure(exercise, answer)
    return replace(verdict, printed=output.getvalue())


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


def first_failure(exercise: Exercise, answer: Any) -> Verdict:
    """Return the verdict of the first check that fails, or the verdict that all of them passed."""
    check_name = ""
    try:
        for check in exercise.checks:
            check_name = check.__name__
            with check_limit():
                check(answer)
    except NotWritten as unwritten:
        return Verdict(exercise.id, UNWRITTEN, str(unwritten), failed_check=check_name)
    except Wrong as wrong:
        return Verdict(exercise.id, WRONG, wrong.sentence, wrong.details, check_name)
    except TimeLimitExceeded:
        sentence = f"takes longer than {CHECK_SECONDS:.0f} seconds: does a loop never end?"
        return Verdict(exercise.id, WRONG, sentence, failed_check=check_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an answer may raise anything, also SystemExit
        return verdict_on_exception(exercise, error, check_name)
    return Verdict(exercise.id, PASSED)


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

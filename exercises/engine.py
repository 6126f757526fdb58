"""Write, run, verdict: `@exercise("7.3")` checks the function below it at once.

A right answer is bound to its name as it is. While an answer is missing or wrong, the one that you kept, or else the
course's own, stands in, so that a notebook always runs to its end.
"""

import ast
import importlib
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from exercises.expect import Wrong
from exercises.guard import SECONDS, TooSlow, kept_as_found, time_limit
from utils.config import COURSE, nearest
from utils.errors import CourseError

Check = Callable[[Any], None]
PASSED, WRONG, UNWRITTEN, STOPPED = "passed", "wrong", "unwritten", "error"


class ExerciseError(CourseError):
    """An exercise does not exist, or (strictly) is not solved."""


class NotWritten(Exception):
    """Raised by `todo`: this part is still to be written."""


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        id: notebook and number, never reused: "7.3".
        title: what is written, in a few words.
        reference: where the course's own function is: "utils.metrics.iou".
        difficulty: 1 (a line) to 5.
        minutes: what a beginner needs.
        purpose: one sentence: what it is for.
        checks: functions that raise Wrong. Of their docstring, the first line is the property, the rest is the hint
            for whoever fails it.
        hints: three or more, from a nudge to nearly the answer.
        picture: for answers that are pictures: calls an answer and returns (input, output), two images.
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

    @property
    def name(self) -> str:
        return self.reference.rpartition(".")[2]

    @property
    def place(self) -> tuple[Any, str]:
        """The module (or class) that holds the reference, and its name there."""
        parts = self.reference.split(".")
        module = importlib.import_module(".".join(parts[:2]))
        return (getattr(module, parts[2]), parts[3]) if len(parts) == 4 else (module, parts[2])


@dataclass(frozen=True)
class Verdict:
    """What came of an answer: status 'passed', 'wrong', 'unwritten' or 'error', in words, with the facts."""

    id: str
    status: str
    sentence: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    failed: str = ""  # name of the check that failed
    printed: str = ""


@dataclass
class Attempt:
    """What a session remembers of an exercise."""

    verdict: Verdict | None = None
    answer: Any = None
    source: str = ""
    failures: int = 0
    hints: int = 0


ATTEMPTS: dict[str, Attempt] = {}
KEPT: dict[str, Any] = {}  # answers that passed, in this session or an earlier one
REFERENCES: dict[str, Any] = {}  # the course's own, also while an answer of yours stands in its place
_strict = False


@cache
def notebook_exercises(number: int) -> tuple[Exercise, ...]:
    """Return the exercises of a notebook in order."""
    module: ModuleType = importlib.import_module(f"exercises.checks.notebook_{number}")
    return tuple(module.EXERCISES)


def all_exercises() -> list[Exercise]:
    """Return every exercise of the course in order."""
    return [e for number in range(1, 10) for e in notebook_exercises(number)]


def find(exercise_id: str) -> Exercise:
    """Return the exercise with this id. Raises ExerciseError for an id that does not exist."""
    known = {e.id: e for e in all_exercises()} if not re.fullmatch(r"[1-9]\.\d+", str(exercise_id)) else {
        e.id: e for e in notebook_exercises(int(str(exercise_id)[0]))
    }  # fmt: skip
    if str(exercise_id) not in known:
        hint = nearest(str(exercise_id), known) or " See progress() for the list."
        raise ExerciseError(f"There is no exercise '{exercise_id}'.{hint}")
    return known[str(exercise_id)]


def reference(exercise_id: str) -> Any:
    """Return the course's own function or class for an exercise, whoever's stands in its place now."""
    if exercise_id not in REFERENCES:
        holder, name = find(exercise_id).place
        REFERENCES[exercise_id] = getattr(holder, name)
    return REFERENCES[exercise_id]


def strict(on: bool = True) -> None:
    """Make every exercise that is not solved raise ExerciseError: for teachers and for tests."""
    global _strict
    _strict = on


def todo(what: str) -> None:
    """Mark what is still to be written: `todo("count the pixels that agree")`."""
    raise NotWritten(what)


def exercise(exercise_id: str) -> Callable[[Any], Any]:
    """Check the function or class below at once; see the module's text for what it is then bound to."""
    find(exercise_id)
    frame = sys._getframe(1)
    text, scope = "".join(linecache.getlines(frame.f_code.co_filename)), frame.f_globals
    return lambda answer: judge(exercise_id, answer, own_source(text, exercise_id), scope)


def check(exercise_id: str, answer: Any) -> Any:
    """Check an answer without the decorator; returns what `@exercise` would bind."""
    find(exercise_id)
    functions = [answer, *(vars(answer).values() if isinstance(answer, type) else [])]
    code = next((f.__code__ for f in functions if hasattr(f, "__code__")), None)
    text = "".join(linecache.getlines(code.co_filename)) if code else ""
    scope = getattr(answer, "__globals__", None)
    if scope is None:
        module = sys.modules.get(getattr(answer, "__module__", ""))
        scope = vars(module) if module else {}
    return judge(exercise_id, answer, own_source(text, exercise_id, getattr(answer, "__name__", "")), scope)


def own_source(text: str, exercise_id: str, name: str = "") -> str:
    """Cut the definition of an answer out of the text of its cell, without the decorator; empty where there is none."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError:
        return ""
    found = ""
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        marks = [d for d in node.decorator_list if isinstance(d, ast.Call) and getattr(d.func, "id", "") == "exercise"]
        if any(m.args and getattr(m.args[0], "value", None) == exercise_id for m in marks) or node.name == name:
            lines = text.splitlines()
            head = min((d.lineno for d in node.decorator_list if d not in marks), default=node.lineno)
            gone = {n for d in marks for n in range(d.lineno, (d.end_lineno or d.lineno) + 1)}
            kept = [lines[n - 1] for n in range(head, node.end_lineno + 1) if n not in gone]
            indent = len(kept[0]) - len(kept[0].lstrip())
            found = "\n".join(line[indent:] for line in kept) + "\n"
    return found


def judge(exercise_id: str, answer: Any, source: str, scope: dict[str, Any]) -> Any:
    """Run the checks, say what came of it, remember it, and return what to bind to the name."""
    from exercises import answers as work
    from exercises import display as show

    the = find(exercise_id)
    course = reference(exercise_id)
    attempt = ATTEMPTS.setdefault(exercise_id, Attempt())
    verdict = run_checks(the, answer, scope)
    if attempt.verdict and attempt.verdict.failed != verdict.failed:
        attempt.hints = 0  # another property fails now: its own hint comes first
    attempt.verdict, attempt.answer, attempt.source = verdict, answer, source
    if verdict.status == PASSED:
        attempt.failures = attempt.hints = 0
        note = "" if answer is course else work.keep(the, answer, source, scope)
    else:
        attempt.failures += verdict.status != UNWRITTEN
        note = ""
    print(show.verdict_text(the, verdict, attempt, note), flush=True)
    show.draw(the, verdict, answer)
    if _strict and verdict.status != PASSED:
        raise ExerciseError(f"{exercise_id} is {verdict.status}: {verdict.sentence or 'still to be written'}")
    return answer if verdict.status == PASSED else KEPT.get(exercise_id, course)


def run_checks(the: Exercise, answer: Any, scope: dict[str, Any] | None = None) -> Verdict:
    """Run the checks of an exercise in order, up to the first that fails; the session stays as it was."""
    name, scope = getattr(answer, "__name__", the.name), {} if scope is None else scope
    missing = object()
    before = scope.get(name, missing)
    scope[name] = answer  # an answer that calls itself, or `super(Name, self)`, means itself
    current = ""
    with kept_as_found() as printed:
        try:
            for current_check in the.checks:
                current = current_check.__name__
                with time_limit():
                    current_check(answer)
            result = Verdict(the.id, PASSED, failed="")
        except NotWritten as unwritten:
            result = Verdict(the.id, UNWRITTEN, str(unwritten), failed=current)
        except Wrong as wrong:
            result = Verdict(the.id, WRONG, wrong.sentence, wrong.facts, current)
        except TooSlow:
            result = Verdict(
                the.id, WRONG, f"takes longer than {SECONDS:.0f} seconds: does a loop never end?", {}, current
            )
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever an answer may raise, SystemExit included
            result = stopped(the, error, current)
        finally:
            if before is missing:
                del scope[name]
            else:
                scope[name] = before
    return Verdict(result.id, result.status, result.sentence, result.facts, result.failed, printed.getvalue())


def stopped(the: Exercise, error: BaseException, failed: str) -> Verdict:
    """Say where in the learner's own lines an exception arose; without such a line the result cannot be used."""
    words = " ".join(str(error).split()) or "no message"
    words = words if len(words) <= 300 else words[:299] + "…"
    course = tuple(str(COURSE / house) for house in ("utils", "exercises", "segmenter"))
    # The learner's lines: below the last frame of a check, the first that is neither the course's nor a library's.
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        own = not frame.filename.startswith(course) and "site-packages" not in frame.filename and frame.line
        if own and not re.search(r"[/\\]lib[/\\]python3", frame.filename) and not frame.filename.startswith("<frozen"):
            where = f"on line {frame.lineno}, `{frame.line.strip()}`"
            return Verdict(the.id, STOPPED, f"{type(error).__name__} {where}: {words}", {}, failed)
    if isinstance(error, TypeError) and f"{the.name}(" in words:
        return Verdict(the.id, STOPPED, f"it cannot be called as the exercise says: {words}", {}, failed)
    return Verdict(the.id, WRONG, f"its result cannot be used: {type(error).__name__}: {words}", {}, failed)

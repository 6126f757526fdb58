"""Write, run, verdict: `@exercise("7.3")` checks the function below it at once.

A right answer is bound to its name as it is. While an answer is missing or wrong, the one that you kept, or else the
course's own, stands in, so that a notebook always runs to its end.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from exercises.answer_picture import show_answer_picture
from exercises.answers import keep
from exercises.catalogue import find, reference
from exercises.definitions import PASSED, ExerciseError
from exercises.display import reference_source, verdict_text
from exercises.judging import run_checks
from exercises.session import SESSION, Attempt
from exercises.source_text import cell_text, definition_source, definitions_below
from exercises.standalone import global_names


def exercise(exercise_id: str) -> Callable[[Any], Any]:
    """Check the function or class below at once; see the module's text for what it is then bound to.

    Raises ExerciseError where the definition below has another name than the exercise asks for.
    """
    wanted = find(exercise_id).name
    frame = sys._getframe(1)
    text, scope = cell_text(frame.f_code.co_filename), frame.f_globals
    lend_names(exercise_id, scope)

    def judge(answer: Any) -> Any:
        name = getattr(answer, "__name__", wanted)
        if name not in (wanted, "<lambda>"):
            raise ExerciseError(
                f"{exercise_id} asks for `{wanted}`, and `{name}` stands below it: give one the other's name."
            )
        for definition in definitions_below(text, exercise_id):
            with contextlib.suppress(Exception):  # where a helper below does not work, the cell says so itself
                exec(compile(definition, frame.f_code.co_filename, "exec"), scope)
        return judge_answer(exercise_id, answer, definition_source(text, exercise_id), scope)

    return judge


def lend_names(exercise_id: str, scope: dict[str, Any]) -> None:
    """Add names that the course's solution uses and a notebook lacks, so that a solution runs where it is pasted."""
    there = vars(sys.modules[reference(exercise_id).__module__])
    solution, _ = reference_source(exercise_id)
    used = set(global_names(compile(solution, "<solution>", "exec")))
    for name in used & there.keys() - {find(exercise_id).name}:
        scope.setdefault(name, there[name])


def check(exercise_id: str, answer: Any) -> Any:
    """Check an answer without the decorator; returns what `@exercise` would bind."""
    find(exercise_id)
    functions = [answer, *(vars(answer).values() if isinstance(answer, type) else [])]
    code = next((function.__code__ for function in functions if hasattr(function, "__code__")), None)
    text = cell_text(code.co_filename) if code else ""
    scope = getattr(answer, "__globals__", None)
    if scope is None:
        module = sys.modules.get(getattr(answer, "__module__", ""))
        scope = vars(module) if module else {}
    return judge_answer(
        exercise_id, answer, definition_source(text, exercise_id, getattr(answer, "__name__", "")), scope
    )


def strict(on: bool = True) -> None:
    """Make every exercise that is not solved raise ExerciseError: for teachers and for tests."""
    SESSION.strict = on


def judge_answer(exercise_id: str, answer: Any, source: str, scope: dict[str, Any]) -> Any:
    """Run the checks, remember and print the verdict, and return what to bind to the name.

    Args:
        exercise_id: the exercise.
        answer: the function or class of the learner.
        source: the text of its definition, empty where it was not found.
        scope: the global names of the notebook.
    """
    judged_exercise, course_answer = find(exercise_id), reference(exercise_id)
    attempt = SESSION.attempts.setdefault(exercise_id, Attempt())
    verdict = run_checks(judged_exercise, answer, scope)
    attempt.record(verdict, answer, source)
    passed = verdict.status == PASSED
    note = keep(judged_exercise, answer, source, scope) if passed and answer is not course_answer else ""
    print(verdict_text(judged_exercise, verdict, attempt, note), flush=True)
    with SESSION.uncounted():
        show_answer_picture(judged_exercise, verdict, answer)
    if SESSION.strict and not passed:
        raise ExerciseError(f"{exercise_id} is {verdict.status}: {verdict.sentence or 'still to be written'}")
    return answer if passed else SESSION.passed_answers.get(exercise_id, course_answer)

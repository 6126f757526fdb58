"""The learner's answers: kept when they pass, and used by the course from then on."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

from exercises.catalogue import all_exercises, find, reference
from exercises.definitions import PASSED, UNWRITTEN, Exercise, ExerciseError
from exercises.judging import run_checks
from exercises.session import SESSION
from exercises.standalone import NotStandalone, standalone_source
from exercises.storage import (
    answer_path,
    answers_folder,
    kept_ids,
    load_answer,
    make_module,
    with_header,
    write_atomically,
)
from exercises.time_limit import PATIENT_SECONDS, TimeLimitExceeded


class LearnerFunction:
    """A learner's function in the place of the course's function.

    It counts its calls, except those of the checks. When it stops on real data, it says so once, and the course's
    function takes over.
    """

    def __init__(self, exercise_id: str, answer: Callable) -> None:
        self.id, self.answer, self.calls, self.stopped = exercise_id, answer, 0, False
        self.__wrapped__ = reference(exercise_id)
        self.__name__ = self.__wrapped__.__name__
        self.__doc__ = self.__wrapped__.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.stopped:
            return self.__wrapped__(*args, **kwargs)
        try:
            self.calls += SESSION.counting
            return self.answer(*args, **kwargs)
        except Exception as error:
            result = self.__wrapped__(*args, **kwargs)  # where this raises as well, the learner is not at fault
            self.stopped = True
            message = " ".join(str(error).split())
            print(f"{self.id}  your {self.__name__} stopped here: {type(error).__name__}: {message}", flush=True)
            print("     the course's takes over", flush=True)
            return result

    def __reduce__(self) -> tuple:  # a DataLoader worker that is spawned finds the answer in my_work
        return load_or_reference, (self.id,)


def load_or_reference(exercise_id: str) -> Callable:
    """Return the kept function, or the course's where it cannot be loaded."""
    try:
        return LearnerFunction(exercise_id, load_answer(exercise_id))
    except Exception:
        return reference(exercise_id)


def use_in_course(exercise: Exercise, answer: Any) -> None:
    """Let the course call the learner's function wherever it calls its own.

    Classes and methods stay the course's, because a checkpoint must load with the same layer names on any machine.
    """
    if not any(map(inspect.isclass, (answer, reference(exercise.id), exercise.location[0]))):
        bind_in_course(exercise, LearnerFunction(exercise.id, answer))


def bind_in_course(exercise: Exercise, function: Any) -> None:
    """Replace the course's function, or an earlier one of the learner, in every module of the course that has it."""
    course_function = reference(exercise.id)
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] in ("utils", "segmenter")]
    for holder in [exercise.location[0], *modules]:
        for name, value in list(vars(holder).items()):
            if value is course_function or (isinstance(value, LearnerFunction) and value.id == exercise.id):
                setattr(holder, name, function)


def function_in_use(exercise_id: str) -> LearnerFunction | None:
    """Return the learner's function if the course uses it now."""
    holder, name = find(exercise_id).location
    value = vars(holder).get(name)
    return value if isinstance(value, LearnerFunction) else None


def keep(exercise: Exercise, answer: Any, source: str, scope: dict[str, Any]) -> str:
    """Use an answer that passed, and keep it in a file.

    Returns an empty text, or a sentence that says why the next notebook will not have the answer.
    """
    SESSION.passed_answers[exercise.id] = answer
    use_in_course(exercise, answer)
    if not source:
        return "its text was not found, so it is not carried to the next notebook"
    try:
        text = with_header(exercise, standalone_source(answer, source, scope))
        module = make_module(text, f"exercise {exercise.id}")
        verdict = run_checks(exercise, getattr(module, answer.__name__), vars(module), PATIENT_SECONDS)
    except (NotStandalone, Exception) as error:
        return f"it is not carried to the next notebook: {error}"
    if verdict.status != PASSED:
        reason = verdict.sentence or "it does not pass"
        return f"it is not carried to the next notebook: taken out of this one, {reason}"
    try:
        write_atomically(answer_path(exercise.id), text)
    except OSError as error:
        return f"it could not be kept in {answers_folder().name}: {error.strerror}"
    return ""


def use_kept_answers() -> None:
    """Use every kept answer from the start of a notebook; name a file that cannot be used, and leave it as it is."""
    count = 0
    for exercise_id in kept_ids():
        try:
            answer = load_answer(exercise_id)
        except (Exception, SystemExit, TimeLimitExceeded) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            print(f"{exercise_id}  {answer_path(exercise_id).name} is not used: {reason} (the file is left as it is)")
            continue
        SESSION.passed_answers[exercise_id] = answer
        use_in_course(find(exercise_id), answer)
        count += 1
    if count:
        print(f"{count} of your answers {'is' if count == 1 else 'are'} in use · progress()")


def mine(exercise_id: str) -> Any:
    """Return your own latest answer, right or wrong."""
    find(exercise_id)
    attempt = SESSION.attempts.get(exercise_id)
    if attempt and attempt.verdict and attempt.verdict.status != UNWRITTEN:
        return attempt.answer
    if exercise_id in SESSION.passed_answers:
        return SESSION.passed_answers[exercise_id]
    raise ExerciseError(f"There is no answer of yours to {exercise_id} yet: write it in notebook {exercise_id[0]}.")


def forget(exercise_id: str) -> None:
    """Go back to the course's function for one exercise; your file stays, renamed to end in `.old`."""
    exercise, path = find(exercise_id), answer_path(exercise_id)
    if path.is_file():
        path.replace(path.with_suffix(".old"))
    SESSION.attempts.pop(exercise_id, None)
    SESSION.passed_answers.pop(exercise_id, None)
    bind_in_course(exercise, reference(exercise_id))
    print(f"{exercise_id}  the course's {exercise.name} is in use")


def whose(*ids: str) -> str:
    """Say whose functions are in use, and how often the course called yours: for the captions of result figures.

    A class or method that passed is yours as well, though the course never calls it: the notebook uses it.
    """
    yours, course = [], []
    for exercise_id in ids or [exercise.id for exercise in all_exercises()]:
        name, function = find(exercise_id).name, function_in_use(exercise_id)
        if function is None:
            (yours if exercise_id in SESSION.passed_answers else course).append(name)
        elif function.stopped:
            course.append(name)
        else:
            calls = f" ({function.calls} call{'s' * (function.calls != 1)})" if function.calls else ""
            yours.append(name + calls)
    if not yours:
        return "the course's: " + ", ".join(course) if ids else "All functions here are the course's."
    if not course:
        return "yours: " + ", ".join(yours)
    return f"yours: {', '.join(yours)} · the course's: " + (", ".join(course) if ids else f"the other {len(course)}")

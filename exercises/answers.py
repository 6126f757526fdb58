"""Your answers: kept in `my_work/` when they pass, and used by the course from then on.

A kept answer is a small module of its own: its imports, the helpers that it needs, and the function. Its header says
for which checks it passed, so that after an update of the course it is checked again instead of trusted.
"""

import inspect
import linecache
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from exercises import engine
from exercises.engine import PASSED, Exercise, ExerciseError
from exercises.guard import TooSlow, time_limit
from exercises.standalone import Uncarried, checks_hash, standalone, text_hash
from utils.config import COURSE

HEADER = re.compile(r"^# exercise (\S+)  checks (\w+)  text (\w+)$", re.MULTILINE)


def folder() -> Path:
    """Return the folder of your answers: `my_work` beside the notebooks, or where MY_WORK says."""
    return Path(os.environ.get("MY_WORK", COURSE / "my_work")).expanduser()


def file_of(exercise_id: str) -> Path:
    """Return where the answer to an exercise is kept."""
    return folder() / f"exercise_{exercise_id.replace('.', '_')}.py"


class LearnerFunction:
    """Your function in the place of the course's, all over the course.

    Counts its calls. Should it stop on real data, says so once, and the course's function takes over.
    """

    def __init__(self, exercise_id: str, answer: Callable) -> None:
        self.id, self.answer, self.calls, self.stopped = exercise_id, answer, 0, False
        self.__wrapped__ = engine.reference(exercise_id)
        self.__name__ = self.__wrapped__.__name__
        self.__doc__ = self.__wrapped__.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.stopped:
            try:
                self.calls += 1
                return self.answer(*args, **kwargs)
            except Exception as error:
                result = self.__wrapped__(*args, **kwargs)  # where the course refuses as well, the fault is not yours
                self.stopped = True
                words = " ".join(str(error).split())
                print(f"{self.id}  your {self.__name__} stopped here: {type(error).__name__}: {words}", flush=True)
                print("     the course's takes over", flush=True)
                return result
        return self.__wrapped__(*args, **kwargs)

    def __reduce__(self) -> tuple:  # a DataLoader worker that is spawned finds the answer in my_work
        return restore, (self.id,)


def restore(exercise_id: str) -> Callable:
    """Return your kept function, or the course's where it cannot be loaded."""
    try:
        return LearnerFunction(exercise_id, load(file_of(exercise_id), exercise_id))
    except Exception:
        return engine.reference(exercise_id)


def use(the: Exercise, answer: Any) -> None:
    """Put your function in the place of the course's wherever the course uses it.

    Classes (and methods) stay the course's there: a checkpoint must load with the same layer names on any machine.
    """
    if not any(map(inspect.isclass, (answer, engine.reference(the.id), the.place[0]))):
        put(the, LearnerFunction(the.id, answer))


def put(the: Exercise, new: Any) -> None:
    """Let every module of the course see `new` where it saw the course's function, or an earlier one of yours."""
    course = engine.reference(the.id)
    holder = the.place[0]
    modules = [m for n, m in sys.modules.items() if n.split(".")[0] in ("utils", "segmenter")]
    for module in [holder, *modules]:
        for key, value in list(vars(module).items()):
            if value is course or (isinstance(value, LearnerFunction) and value.id == the.id):
                setattr(module, key, new)


def in_use(exercise_id: str) -> LearnerFunction | None:
    """Return your function as the course uses it now, if it does."""
    holder, name = engine.find(exercise_id).place
    value = vars(holder).get(name)
    return value if isinstance(value, LearnerFunction) else None


def keep(the: Exercise, answer: Any, source: str, scope: dict[str, Any]) -> str:
    """Keep a right answer and put it to use; return a sentence when it cannot be carried to the next notebook."""
    engine.KEPT[the.id] = answer
    use(the, answer)
    if not source:
        return "its text was not found, so it is not carried to the next notebook"
    try:
        text = standalone(the, answer, source, scope)
        module = execute(text, f"exercise {the.id}")
        again = engine.run_checks(the, getattr(module, answer.__name__), vars(module))
    except (Uncarried, Exception) as error:
        return f"it is not carried to the next notebook: {error}"
    if again.status != PASSED:
        return f"it is not carried to the next notebook: taken out of this one, {again.sentence or 'it does not pass'}"
    try:
        write(file_of(the.id), text)
    except OSError as error:
        return f"it could not be kept in {folder().name}: {error.strerror}"
    return ""


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def execute(text: str, name: str) -> ModuleType:
    """Make a module of a text; its lines stay visible in error messages."""
    module = ModuleType("my_" + re.sub(r"\W", "_", name))
    linecache.cache[f"<{name}>"] = (len(text), None, text.splitlines(keepends=True), f"<{name}>")
    sys.modules[module.__name__] = module
    exec(compile(text, f"<{name}>", "exec"), vars(module))
    return module


def load(path: Path, exercise_id: str) -> Any:
    """Return a kept answer; checks it again when the course's checks or the file changed since it passed."""
    the, text = engine.find(exercise_id), path.read_text(encoding="utf-8")
    header = HEADER.search(text)
    with time_limit():
        module = execute(text, f"{path.parent.name}/{path.name}")
    answers = [v for v in vars(module).values() if getattr(v, "__module__", None) == module.__name__]
    answer = vars(module).get(the.name) or (answers[-1] if answers else None)
    if answer is None:
        raise ExerciseError(f"it defines no {the.name}")
    if not header or header.groups() != (the.id, checks_hash(the), text_hash(text[header.end() :])):
        verdict = engine.run_checks(the, answer, vars(module))
        if verdict.status != PASSED:
            raise ExerciseError(f"it no longer passes: {verdict.sentence or 'something is still to be written'}")
    return answer


def text_of(exercise_id: str) -> str:
    """Return the text of a kept answer, without its header; empty where none is kept."""
    if not file_of(exercise_id).is_file():
        return ""
    return HEADER.split(file_of(exercise_id).read_text(encoding="utf-8"))[-1].strip()


def kept() -> list[str]:
    """Return the ids of the exercises whose answers are kept, in order."""
    found = (re.fullmatch(r"exercise_(\d)_(\d+)\.py", p.name) for p in folder().glob("exercise_*.py"))
    return [f"{a}.{b}" for a, b in sorted((int(m[1]), int(m[2])) for m in found if m)]


def load_all() -> None:
    """Put every kept answer to use, at the start of a notebook; a file that cannot be used is named and left alone."""
    count = 0
    for exercise_id in kept():
        try:
            answer = load(file_of(exercise_id), exercise_id)
        except (Exception, SystemExit, TooSlow) as error:
            words = " ".join(str(error).split()) or type(error).__name__
            print(f"{exercise_id}  {file_of(exercise_id).name} is not used: {words} (the file is left as it is)")
            continue
        engine.KEPT[exercise_id] = answer
        use(engine.find(exercise_id), answer)
        count += 1
    if count:
        print(f"{count} of your answers {'is' if count == 1 else 'are'} in use · progress()")


def mine(exercise_id: str) -> Any:
    """Return your own latest answer, right or wrong."""
    engine.find(exercise_id)
    attempt = engine.ATTEMPTS.get(exercise_id)
    if attempt and attempt.verdict and attempt.verdict.status != engine.UNWRITTEN:
        return attempt.answer
    if exercise_id in engine.KEPT:
        return engine.KEPT[exercise_id]
    raise ExerciseError(f"There is no answer of yours to {exercise_id} yet: write it in notebook {exercise_id[0]}.")


def forget(exercise_id: str) -> None:
    """Go back to the course's function for one exercise; your file stays, renamed to end in `.old`."""
    the, path = engine.find(exercise_id), file_of(exercise_id)
    if path.is_file():
        path.replace(path.with_suffix(".old"))
    engine.ATTEMPTS.pop(exercise_id, None)
    engine.KEPT.pop(exercise_id, None)
    put(the, engine.reference(exercise_id))
    print(f"{exercise_id}  the course's {the.name} is in use")


def whose(*ids: str) -> str:
    """Say whose functions are in use, and how often yours were called: for the captions of result figures."""
    yours, course = [], []
    for exercise_id in ids or [e.id for e in engine.all_exercises()]:
        the, used = engine.find(exercise_id), in_use(exercise_id)
        if used is None or used.stopped:
            course.append(the.name)
        else:
            times = f" ({used.calls} call{'s' * (used.calls != 1)})" if used.calls else ""
            yours.append(the.name + times)
    if not yours:
        return "the course's: " + ", ".join(course) if ids else "All functions here are the course's."
    if not course:
        return "yours: " + ", ".join(yours)
    return f"yours: {', '.join(yours)} · the course's: " + (", ".join(course) if ids else f"the other {len(course)}")

"""The files in `my_work/`: one small module for each answer that passed.

A file holds the imports of the answer, the helpers that it needs, and the function. Its header says for which checks it
passed, so that it is checked again after an update of the course, or after the learner edited it.
"""

import hashlib
import importlib
import inspect
import linecache
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from exercises.catalogue import find
from exercises.definitions import PASSED, Exercise, ExerciseError
from exercises.judging import run_checks
from exercises.time_limit import PATIENT_SECONDS, check_limit
from utils.config import COURSE

ANSWER_FILE = re.compile(r"exercise_(\d)_(\d+)\.py")
HEADER = re.compile(r"^# exercise (\S+)  checks (\w+)  text (\w+)$", re.MULTILINE)


def answers_folder() -> Path:
    """Return the folder of the answers: `my_work` beside the notebooks, or where MY_WORK says."""
    return Path(os.environ.get("MY_WORK", COURSE / "my_work")).expanduser()


def answer_path(exercise_id: str) -> Path:
    """Return the file in which the answer to an exercise is kept."""
    return answers_folder() / f"exercise_{exercise_id.replace('.', '_')}.py"


def kept_ids() -> list[str]:
    """Return the ids of the exercises whose answers are kept, in order."""
    found = (ANSWER_FILE.fullmatch(p.name) for p in answers_folder().glob("exercise_*.py"))
    return [f"{notebook}.{number}" for notebook, number in sorted((int(m[1]), int(m[2])) for m in found if m)]


def kept_source(exercise_id: str) -> str:
    """Return the text of a kept answer, without its header; empty where none is kept."""
    path = answer_path(exercise_id)
    return HEADER.split(path.read_text(encoding="utf-8"))[-1].strip() if path.is_file() else ""


def with_header(exercise: Exercise, body: str) -> str:
    """Put a docstring and the header above the text of an answer."""
    title = f'"""Exercise {exercise.id}, {exercise.title}: your answer."""\n'
    return title + f"# exercise {exercise.id}  checks {checks_hash(exercise)}  text {text_hash(body)}\n\n{body}"


def load_answer(exercise_id: str) -> Any:
    """Return a kept answer; check it again when the course's checks or the file changed since it passed.

    Raises ExerciseError when the file defines no answer, or when the answer no longer passes.
    """
    exercise, path = find(exercise_id), answer_path(exercise_id)
    text = path.read_text(encoding="utf-8")
    header = HEADER.search(text)
    with check_limit(PATIENT_SECONDS):
        module = make_module(text, f"{path.parent.name}/{path.name}")
    defined = [v for v in vars(module).values() if getattr(v, "__module__", None) == module.__name__]
    answer = vars(module).get(exercise.name) or (defined[-1] if defined else None)
    if answer is None:
        raise ExerciseError(f"it defines no {exercise.name}")
    if not header or header.groups() != (exercise.id, checks_hash(exercise), text_hash(text[header.end() :])):
        verdict = run_checks(exercise, answer, vars(module), PATIENT_SECONDS)
        if verdict.status != PASSED:
            raise ExerciseError(f"it no longer passes: {verdict.sentence or 'something is still to be written'}")
    return answer


def make_module(text: str, name: str) -> ModuleType:
    """Execute a text as a module; its lines stay visible in error messages."""
    module = ModuleType("my_" + re.sub(r"\W", "_", name))
    linecache.cache[f"<{name}>"] = (len(text), None, text.splitlines(keepends=True), f"<{name}>")
    sys.modules[module.__name__] = module
    exec(compile(text, f"<{name}>", "exec"), vars(module))
    return module


def write_atomically(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def text_hash(text: str) -> str:
    """Return a short hash by which one text is told from another."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:12]


def checks_hash(exercise: Exercise) -> str:
    """Return a hash that changes with the checks of the exercise's notebook."""
    return text_hash(inspect.getsource(importlib.import_module(f"exercises.checks.notebook_{exercise.id[0]}")))

"""Exercises that check themselves: `@exercise("7.3")` above your function, and the verdict comes at once.

engine: the decorator and the verdict. expect: what a check is written with. guard: time limit, everything as found.
work: your answers, kept from notebook to notebook (carry makes modules of them, take_home a package). show: hints,
solutions, pictures, the board. notebook_1 ... notebook_9: the exercises and their checks. grade, sandbox: for teachers.
"""

from exercises.answers import forget, load_all, mine, whose
from exercises.archive import download, keep_on_drive, package
from exercises.display import compare, explain, hint, in_notebook, progress, solution
from exercises.engine import ExerciseError, check, exercise, strict, todo

__all__ = [
    "ExerciseError", "check", "compare", "download", "exercise", "explain", "forget", "hint", "keep_on_drive", "mine",
    "package", "progress", "solution", "strict", "todo", "whose",
]  # fmt: skip

if in_notebook():  # the answers that you kept are put to use by the setup cell of every notebook
    load_all()

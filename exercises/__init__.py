"""Exercises that check themselves: `@exercise("7.3")` above your function, and the verdict comes at once.

The modules, each of which imports earlier ones only:

- definitions: an exercise, a verdict, and their errors.
- expect: what a check is written with. checks/notebook_N: the exercises of each notebook and their checks.
- catalogue: all exercises by id, and the course's own functions. session: what a session remembers.
- time_limit, process_state: a learner's code ends in time, and leaves the process as it was.
- judging: run the checks of an exercise on an answer.
- source_text, standalone: the text of an answer, and a module made of it. storage: the files in `my_work/`.
- answers: your functions in the place of the course's. archive: a package, an archive, and Drive.
- course: run the nine notebooks. page: code and drawings in a notebook. figures/notebook_N: drawings of one lesson.
- display, answer_picture, board: verdicts, hints and solutions; pictures; how far you are.
- engine: the decorator `@exercise`, `check` and `strict`.
- grading: for teachers. `python -m exercises` runs, grades and retargets the course.
"""

from exercises.answers import forget, mine, use_kept_answers, whose
from exercises.archive import bring, download, keep_on_drive, package
from exercises.board import progress
from exercises.definitions import ExerciseError, todo
from exercises.display import compare, explain, hint, in_notebook, solution
from exercises.engine import check, exercise, strict

__all__ = [
    "ExerciseError", "bring", "check", "compare", "download", "exercise", "explain", "forget", "hint",
    "keep_on_drive", "mine", "package", "progress", "solution", "strict", "todo", "whose",
]  # fmt: skip

if in_notebook():  # the setup cell of every notebook imports this package, and your kept answers are used from there
    use_kept_answers()

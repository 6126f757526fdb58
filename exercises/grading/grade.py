"""Grade submitted notebooks: each in a process of its own, shut off, with limits; one row for every exercise."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from exercises.catalogue import notebook_exercises
from exercises.definitions import STOPPED, UNWRITTEN
from exercises.grading.isolated_run import Limits, Sandbox, Verdicts
from exercises.grading.landlock import landlock_version
from exercises.grading.submissions import exercises_in, find_notebooks, read_cells
from exercises.grading.table import COLUMNS, add_rows, start_table
from utils.errors import CourseError


def grade(
    submissions: list[Path], table: Path | None = None, minutes: float = 15, gigabytes: float = 6, trusted: bool = False
) -> list[dict[str, str]]:
    """Judge notebooks, or folders of them; return (and write as CSV) a row for each exercise of each notebook.

    Verdicts: 'passed'; 'wrong', with the property that failed; 'unwritten'; 'error', with what stopped it.

    Args:
        submissions: .ipynb files, or folders that are searched for them; a folder's name is the name of its learner.
        table: CSV file to write; rows are added as they come, so that an interruption loses nothing.
        minutes: time for one notebook.
        gigabytes: memory for one notebook.
        trusted: run without protection where the system offers none.

    Raises CourseError when there is nothing to grade, or when submissions cannot be shut off.
    """
    protected = landlock_version() > 0
    if os.name == "nt":
        raise CourseError("Grading needs Linux (or, for submissions that you trust, macOS): a Colab runtime will do.")
    if not protected and not trusted:
        raise CourseError(
            "This system cannot shut submissions off from your files: that needs Linux 5.13 or newer with Landlock. "
            "Grade there (a Colab runtime will do), or, if you trust every submission, pass --trusted."
        )
    limits = Limits(seconds=minutes * 60, memory=int(gigabytes * 1024**3))
    rows: list[dict[str, str]] = []
    notebooks = list(find_notebooks(submissions))
    if table:
        start_table(table)
    with Sandbox() as sandbox:
        for number, (learner, path) in enumerate(notebooks, 1):
            print(f"[{number}/{len(notebooks)}] {learner} {path.name} ...", end=" ", flush=True)
            notebook_rows = grade_notebook(learner, path, lambda cells: sandbox.run(cells, limits, protected))
            rows += notebook_rows
            if table:
                add_rows(table, notebook_rows)
            counts = Counter(row["verdict"] for row in notebook_rows)
            print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), flush=True)
    return rows


def grade_notebook(learner: str, path: Path, run: Callable[[list[str]], tuple[Verdicts, str]]) -> list[dict[str, str]]:
    """Return a row for every exercise of one notebook, whatever the notebook does; `run` runs its cells."""

    def row(exercise_id: str, title: str, verdict: str, detail: str) -> dict[str, str]:
        return dict(zip(COLUMNS, (learner, path.name, exercise_id, title, verdict, detail), strict=True))

    try:
        cells = read_cells(path)
    except CourseError as error:
        return [row("", "", STOPPED, str(error))]
    present = {exercise_id for cell in cells for exercise_id in exercises_in(cell)}
    numbers = {exercise_id.split(".")[0] for exercise_id in present} & set("123456789")
    expected = [exercise for number in sorted(numbers) for exercise in notebook_exercises(int(number))]
    if not expected:
        return [row("", "", STOPPED, "there is no exercise in this notebook")]
    verdicts, ending = run(cells)
    rows = []
    for exercise in expected:
        verdict, detail = verdicts.get(exercise.id, (STOPPED, ending))
        if exercise.id not in verdicts and exercise.id not in present:
            verdict, detail = UNWRITTEN, "the cell of this exercise is missing"
        rows.append(row(exercise.id, exercise.title, verdict, detail))
    return rows

"""Find the notebooks that were handed in, and the exercises in their cells."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from utils.errors import CourseError


def find_notebooks(submissions: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield (learner, notebook) for notebooks and folders of them. Raises CourseError where there is none."""
    for submission in submissions:
        if submission.is_dir():
            found = [path for path in sorted(submission.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
        else:
            found = [submission] if submission.is_file() and submission.suffix == ".ipynb" else []
        if not found:
            raise CourseError(f"There is no notebook at {submission}: give .ipynb files, or a folder that holds some.")
        for path in found:
            yield learner_of(path, submission), path


def learner_of(path: Path, submission: Path) -> str:
    """Return the name of a learner: of the folder below the submission, of the submission, or of a single notebook."""
    if not submission.is_dir():
        return path.stem
    folders = path.relative_to(submission).parts[:-1]
    return folders[0] if folders else submission.name


def read_cells(path: Path) -> list[str]:
    """Return the code cells of a notebook as text. Raises CourseError for a file that is no notebook."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path} is no notebook ({type(error).__name__}): ask for it again.") from None


def exercises_in(source: str) -> list[str]:
    """Return the ids that a cell marks with `@exercise("...")`, or checks with `check("...", ...)`."""
    lines = [line if not line.lstrip().startswith(("!", "%")) else "" for line in source.splitlines()]
    try:
        nodes = list(ast.walk(ast.parse("\n".join(lines))))
    except SyntaxError:
        return []
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    calls = [call for call in calls if getattr(call.func, "id", "") in ("exercise", "check") and call.args]
    ids = [getattr(call.args[0], "value", None) for call in calls]
    return [exercise_id for exercise_id in ids if isinstance(exercise_id, str)]

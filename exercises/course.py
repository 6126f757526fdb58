"""Run the nine notebooks (`make course`, `make notebooks`), and point the course at a fork (`retarget`)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from utils.config import COURSE
from utils.errors import CourseError

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOKS = COURSE / "notebooks"
CAPSTONE = NOTEBOOKS / "capstone.ipynb"
BUILD = COURSE / "build"
# The repository on GitHub. `retarget` replaces this name in this file, in the badges and setup cells of the notebooks,
# in README.md, pyproject.toml and CITATION.cff.
REPOSITORY = "OWNER/segmentation-course"


def list_notebooks() -> list[Path]:
    """Return the nine notebooks in order."""
    return sorted(NOTEBOOKS.glob("0[1-9]_*.ipynb"))


def run_course(build: Path = BUILD) -> None:
    """Execute the notebooks in order, with a line for each, and leave the executed copies and HTML in `build`.

    The notebooks themselves are not changed. Raises CourseError, with the cell and its error, when a notebook fails.
    """
    import nbformat
    from nbconvert import HTMLExporter

    build.mkdir(parents=True, exist_ok=True)
    course_start = time.perf_counter()
    for number, path in enumerate(list_notebooks(), 1):
        notebook_start = time.perf_counter()
        print(f"[{number}/9] {path.stem} ...", end=" ", flush=True)
        notebook = execute_notebook(path)
        html, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
        (build / f"{path.stem}.html").write_text(html, encoding="utf-8")
        nbformat.write(notebook, build / path.name)
        print(f"{time.perf_counter() - notebook_start:.0f} s", flush=True)
    if (COURSE / "runs" / "notebook-8").is_dir():
        shutil.copytree(COURSE / "runs" / "notebook-8", build / "run", dirs_exist_ok=True)
    print(f"The course ran in {(time.perf_counter() - course_start) / 60:.1f} minutes.")


def execute_notebook(path: Path, cell_seconds: int = 600, **environment: str) -> NotebookNode:
    """Return an executed copy of a notebook.

    Args:
        path: the notebook.
        cell_seconds: the time limit of one cell.
        **environment: environment variables of the kernel, besides those of this process.

    Raises CourseError with the cell that failed, and where the kernel died.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=cell_seconds,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # the kernel's warnings would come between the lines of progress
        coalesce_streams=True,  # lines that were printed one by one are stored as one output
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env={**os.environ, **environment})
    except (CellExecutionError, CellTimeoutError) as error:
        raise CourseError(f"{path.name} failed: {str(error).strip()[-2000:]}") from None
    except DeadKernelError:
        raise CourseError(
            f"The kernel of {path.name} died, most likely because memory ran out. Close other programs, and run it "
            "again."
        ) from None
    return notebook


def refresh_notebooks(numbers: Sequence[int] = ()) -> None:
    """Execute the notebooks and store their outputs in them, cleaned so that two runs differ in results only.

    `numbers` names some of the nine; without any, all are executed, and the capstone after them.
    """
    import nbformat

    from exercises.stored_page import prepare_page

    for number, path in enumerate([*list_notebooks(), CAPSTONE], 1):
        if numbers and number not in numbers:
            continue
        print(f"{path.stem} ...", flush=True)
        notebook = execute_notebook(path, MY_WORK=str(BUILD / "no_answers"))  # without the answers of whoever runs this
        prepare_page(notebook)
        nbformat.write(notebook, path)
        subprocess.run(
            [sys.executable, "-m", "nbstripout", "--keep-output", "--keep-count", "--keep-id",
             "--extra-keys", "cell.metadata.execution metadata.widgets metadata.language_info.version", str(path)],
            check=True,
        )  # fmt: skip


def retarget(repository: str) -> list[Path]:
    """Point badges, setup cells and README at another GitHub repository; return the files that changed.

    Raises CourseError unless `repository` has the form OWNER/NAME.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise CourseError(f"'{repository}' is no repository: give OWNER/NAME, as in github.com/OWNER/NAME.")
    rewritten = []
    named = [COURSE / name for name in ("README.md", "pyproject.toml", "CITATION.cff")]
    for path in [*sorted(NOTEBOOKS.glob("*.ipynb")), *named, Path(__file__)]:
        text = path.read_text(encoding="utf-8")
        new_text = text.replace(REPOSITORY, repository)
        if new_text == text:
            continue
        if path.suffix == ".ipynb":
            json.loads(new_text)  # raises unless it is valid JSON still
        temporary = path.with_suffix(".retarget")
        temporary.write_text(new_text, encoding="utf-8")
        temporary.replace(path)
        rewritten.append(path)
    return rewritten

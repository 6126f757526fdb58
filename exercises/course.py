"""Running the nine notebooks, and pointing them at a fork: `make course`, `make notebooks`, `retarget`."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from utils.config import COURSE
from utils.errors import CourseError

NOTEBOOKS = COURSE / "notebooks"
BUILD = COURSE / "build"
# The address of the repository: written here, and by `retarget` into badges, setup cells and the README.
REPOSITORY = "OWNER/segmentation-course"


def list_notebooks() -> list[Path]:
    """Return the nine notebooks in order."""
    return sorted(NOTEBOOKS.glob("0[1-9]_*.ipynb"))


def run_course(build: Path = BUILD) -> None:
    """Execute the notebooks in order, with a line for each; leave HTML copies in `build`.

    Raises CourseError, with the cell and its error, when a notebook fails; the notebooks themselves are not changed.
    """
    import nbformat
    from nbconvert import HTMLExporter

    build.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    for number, path in enumerate(list_notebooks(), 1):
        began = time.perf_counter()
        print(f"[{number}/9] {path.stem} ...", end=" ", flush=True)
        notebook = execute(path)
        html, _ = HTMLExporter(template_name="classic").from_notebook_node(notebook)
        (build / f"{path.stem}.html").write_text(html, encoding="utf-8")
        nbformat.write(notebook, build / path.name)
        print(f"{time.perf_counter() - began:.0f} s", flush=True)
    if (COURSE / "runs" / "notebook-8").is_dir():
        shutil.copytree(COURSE / "runs" / "notebook-8", build / "run", dirs_exist_ok=True)
    print(f"The course ran in {(time.perf_counter() - start) / 60:.1f} minutes.")


def execute(path: Path, timeout: int = 600, **environment: str):  # noqa: ANN201
    """Return an executed copy of a notebook. Raises CourseError with the cell that failed."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # no warnings of the kernel between the lines of progress
        coalesce_streams=True,  # lines that were printed one by one are stored as one output
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env={**os.environ, **environment})
    except (CellExecutionError, CellTimeoutError) as error:
        raise CourseError(f"{path.name} failed: {str(error).strip()[-2000:]}") from None
    return notebook


def refresh_notebooks() -> None:
    """Execute the notebooks and store their outputs, cleaned so that two runs differ in results only."""
    import nbformat

    for path in list_notebooks():
        print(f"{path.stem} ...", flush=True)
        nbformat.write(execute(path, MY_WORK=str(BUILD / "no_answers")), path)  # as a learner first meets it
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
    changed = []
    for path in [*list_notebooks(), COURSE / "README.md", COURSE / "pyproject.toml", Path(__file__)]:
        text = path.read_text(encoding="utf-8")
        new = text.replace(REPOSITORY, repository)
        if path.suffix == ".ipynb":
            json.loads(new)  # still a notebook
        if new != text:
            temporary = path.with_suffix(".retarget")
            temporary.write_text(new, encoding="utf-8")
            temporary.replace(path)
            changed.append(path)
    return changed

"""The nine notebooks: alone in a fresh Colab, their stored outputs, and their form."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from colab.run import environment, shows_picture
from helpers import copy_course
from nbclient import NotebookClient

from exercises.course import REPOSITORY, list_notebooks
from utils.config import COURSE

NOTEBOOKS = list_notebooks()
LINT = COURSE.parent / "shared" / "tools" / "notebook_lint.py"


def code_cells(path: Path) -> list[dict]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]


@pytest.fixture(scope="session")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working tree as a git repository, in place of GitHub."""
    folder = copy_course(tmp_path_factory.mktemp("remote"))
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "-m", "course"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def colab(remote: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a Colab runtime: its variable, its module, and a clone in place of the network."""
    return environment(tmp_path, remote)


def test_there_are_nine() -> None:
    assert [p.stem[:2] for p in NOTEBOOKS] == [f"0{n}" for n in range(1, 10)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_starts_alone_in_an_empty_directory(path: Path, colab: dict[str, str], tmp_path: Path) -> None:
    """From nothing to the first picture: setup fetches the course, imports find it, the data is there."""
    notebook = nbformat.read(path, as_version=4)
    first = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and shows_picture(cell))
    notebook.cells = notebook.cells[: first + 1]
    for cell in notebook.cells:
        cell.source = re.sub(r"EPOCHS = \d+", "EPOCHS = 2", cell.source)  # notebook 8 starts with its long run
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    again = nbformat.v4.new_code_cell(setup.source)  # running the setup twice is harmless
    where = nbformat.v4.new_code_cell("import utils; print(Path(utils.__file__).parents[1] == Path.cwd() / 'course')")
    notebook.cells += [again, where]
    empty = tmp_path / "content"
    empty.mkdir()
    client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str(empty)}})
    client.execute(env=colab)
    assert where["outputs"][0]["text"] == "True\n"
    assert shows_picture(notebook.cells[first])


def test_setup_cell_is_the_same_in_all_and_short() -> None:
    setups = {"".join(code_cells(path)[0]["source"]) for path in NOTEBOOKS}
    assert len(setups) == 1
    setup = setups.pop()
    assert len([line for line in setup.splitlines() if line.strip()]) <= 9  # with the title of the form
    assert setup.count("pip install") == 1
    assert "segmentation-models-pytorch" in setup
    assert f"https://github.com/{REPOSITORY}" in setup


@pytest.mark.parametrize("name", ["bring-answers", "take-answers"])
def test_the_forms_for_answers_are_the_same_in_all(name: str) -> None:
    forms = [
        ("".join(cell["source"]), json.dumps(cell["metadata"], sort_keys=True))
        for path in NOTEBOOKS
        for cell in code_cells(path)
        if cell["id"] == f"n{path.stem[:2]}-{name}"
    ]
    assert len(forms) == 9
    assert len(set(forms)) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_badge_points_at_this_notebook(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert f"colab.research.google.com/github/{REPOSITORY}/blob/main/notebooks/{path.name}" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_some_outputs_are_compared(path: Path) -> None:
    """Lax nbval compares only marked cells: each notebook has some, and they hold text alone."""
    compared = [
        cell for cell in code_cells(path)
        if "".join(cell["source"]).startswith("# NBVAL_CHECK_OUTPUT")
        or "nbval-check-output" in cell["metadata"].get("tags", [])
    ]  # fmt: skip
    assert len(compared) >= 2
    for cell in compared:
        assert cell["outputs"]
        assert not shows_picture(cell)


def test_lint_finds_nothing() -> None:
    if not LINT.is_file():
        pytest.skip("needs ../shared/tools/notebook_lint.py, which lies beside the project where it is built")
    found = subprocess.run([sys.executable, str(LINT), str(COURSE / "notebooks")], capture_output=True, text=True)
    findings = [line for line in found.stdout.splitlines() if line.startswith("0") and ": " in line.split("  ")[0]]
    assert findings == []
    assert "findings" in found.stdout

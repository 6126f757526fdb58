"""The nine notebooks run to the end on every data set, by changing one line, and in every state of their exercises.

On `tiny` every answer is right, on `camvid` every one is wrong, elsewhere none is written, as on `tiny` in nbval.
Trainings are short here, and the data sets are small copies in the layouts of their downloads.
"""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import bank
import nbformat
import pytest
from helpers import copy_course, exercise_cells, printed, run_notebooks, shorten
from stand_ins import SMALL

from exercises.catalogue import all_exercises, notebook_exercises
from exercises.course import list_notebooks
from utils.config import COURSE

ALL = all_exercises()
ANSWERS = {"tiny": True, "camvid": False}
LINE = 'config = Config.preset(DATASET, root=ROOT, model="unet")'
# A preset trains for hours; everything else is as the learner has it.
SHORT = 'config = Config.preset(DATASET, root=ROOT, model="unet", image_size=96, batch_size=4, workers=0)'


class Run(NamedTuple):
    """A copy of the course that was run: its folder, the answers that it kept, and the process."""

    course: Path
    work: Path
    done: subprocess.CompletedProcess

    def notebooks(self) -> list[nbformat.NotebookNode]:
        return [nbformat.read(p, as_version=4) for p in sorted((self.course / "build").glob("0*.ipynb"))]


def switch(notebook: nbformat.NotebookNode, dataset: str, root: str) -> None:
    """Change the one line."""
    before = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert before.count('DATASET = "tiny"') == before.count("ROOT = None") == before.count(LINE) == 1
    assert f'"{dataset}"' in next(line for line in before.splitlines() if line.startswith('DATASET = "tiny"'))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('DATASET = "tiny"', f'DATASET = "{dataset}"')
            cell.source = cell.source.replace("ROOT = None", f"ROOT = {root!r}").replace(LINE, SHORT)


def run_on(dataset: str, data: Path, folder: Path) -> Run:
    """Run the course on a data set, in a copy of its own."""
    course, root, work = copy_course(folder / "course"), folder / "data", folder / "my_work"
    if dataset != "tiny":
        SMALL[dataset](data, root)
    for number, path in enumerate(list_notebooks(), 1):
        notebook = nbformat.read(path, as_version=4)
        if dataset != "tiny":
            switch(notebook, dataset, str(root))
        if dataset in ANSWERS:
            filled = bank.fill(notebook, ANSWERS[dataset])
            assert sorted(filled) == [e.id for e in notebook_exercises(number)]
        shorten(notebook)
        nbformat.write(notebook, course / "notebooks" / path.name)
    return Run(course, work, run_notebooks(course, work))


@pytest.fixture(scope="module")
def runs(shared_data, tmp_path_factory) -> dict[str, Run]:
    """The course on every data set, two at a time."""
    tiny = COURSE / "data" / "tiny"
    data = {"tiny": tiny} | {name: tiny if name == "drone" else shared_data(name) for name in SMALL}
    with ThreadPoolExecutor(max_workers=2) as pool:
        started = {name: pool.submit(run_on, name, data[name], tmp_path_factory.mktemp(name)) for name in data}
        return {name: run.result() for name, run in started.items()}


@pytest.mark.parametrize("dataset", ["tiny", *SMALL])
def test_the_nine_notebooks_run_on(dataset, runs):
    done = runs[dataset].done
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"\[(\d)/9\] \S+ \.\.\. \d+ s", done.stdout) == list("123456789")


def test_all_right_runs_with_the_learners_own_functions(runs):
    notebooks = runs["tiny"].notebooks()
    for exercise in ALL:
        (text,) = exercise_cells(notebooks[int(exercise.id[0]) - 1], exercise)
        assert f"{exercise.id}  passed {len(exercise.checks)} checks" in text
        assert "not carried" not in text
    said = [printed(c) for c in notebooks[-1].cells if c.cell_type == "code"]
    assert any(f"{len(ALL)} of {len(ALL)} exercises passed · all of the course is yours" in text for text in said)
    before = sum(len(notebook_exercises(n)) for n in range(1, 9))
    assert f"{before} of your answers are in use" in said[0]  # the setup cell of notebook 9
    stopped = [printed(c) for n in notebooks for c in n.cells if c.cell_type == "code" and "stopped here" in printed(c)]
    assert stopped == []
    for number in (7, 8, 9):  # result figures and tables say whose functions made them
        source = str(notebooks[number - 1])
        assert "yours: " in source


def test_all_wrong_runs_with_the_courses_functions(runs):
    notebooks = runs["camvid"].notebooks()
    for exercise in ALL:
        (text,) = exercise_cells(notebooks[int(exercise.id[0]) - 1], exercise)
        assert f"{exercise.id}  not yet: " in text or f"{exercise.id}  stopped: " in text
        assert f"the course's {exercise.name} stands in" in text
    last = next(c for c in reversed(notebooks[-1].cells) if c.cell_type == "code" and "progress()" in c.source)
    assert f"0 of {len(ALL)} exercises passed · not right yet: 9.1" in printed(last)
    assert not list(runs["camvid"].work.glob("*.py"))

"""The nine notebooks run to the end with every answer right, and with every answer wrong.

Untouched they run in `make test` (nbval) and in `make course`; here their stored outputs are looked at.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bank
import nbformat
import pytest
from helpers import copy_course, run_notebooks, shorten
from test_bank import STUBS_THAT_FAIL

from exercises.catalogue import all_exercises, find, notebook_exercises
from exercises.course import list_notebooks

ALL = all_exercises()
NOTEBOOKS = list_notebooks()
HIDDEN = {"5.6", "7.8", "9.8"}  # bugs to be found, whose verdicts are stored no more than the answer to any prediction


def texts(cell: nbformat.NotebookNode) -> str:
    """Return what a cell printed."""
    return "".join(output.get("text", "") for output in cell.outputs)


def exercise_cells(notebook: nbformat.NotebookNode, exercise_id: str) -> list[str]:
    """Return what the cells of an exercise printed."""
    name = find(exercise_id).name
    cells = [c for c in notebook.cells if c.cell_type == "code" and f'@exercise("{exercise_id}")' in c.source]
    assert all(name in c.source for c in cells)
    return [texts(c) for c in cells]


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_untouched_every_exercise_says_that_it_is_to_be_written(exercise):
    notebook = nbformat.read(NOTEBOOKS[int(exercise.id[0]) - 1], as_version=4)
    (text,) = exercise_cells(notebook, exercise.id)
    if exercise.id in HIDDEN:
        assert text == ""
        return
    words = "not yet: " if exercise.id in STUBS_THAT_FAIL else "not written yet · "
    assert text.startswith(f"{exercise.id}  {words}")
    assert f"the course's {exercise.name} stands in" in text


@pytest.mark.parametrize("exercise", ALL, ids=lambda e: e.id)
def test_card_above_the_cell_says_what_the_exercise_says(exercise):
    cells = nbformat.read(NOTEBOOKS[int(exercise.id[0]) - 1], as_version=4).cells
    place = next(i for i, c in enumerate(cells) if c.cell_type == "code" and f'@exercise("{exercise.id}")' in c.source)
    card = cells[place - 1].source
    assert cells[place - 1].cell_type == "markdown"
    assert f"Exercise {exercise.id}" in card
    assert f"Difficulty: {exercise.difficulty} of 5" in card
    minutes = f"{exercise.minutes} minute" + "s" * (exercise.minutes != 1)
    assert minutes in card


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_notebook_ends_with_the_tally(path):
    cells = nbformat.read(path, as_version=4).cells
    last = next(c for c in reversed(cells) if c.cell_type == "code" and "progress()" in c.source)  # or an appendix
    assert f"of {len(ALL)} exercises passed" in texts(last)


@pytest.fixture(scope="module")
def states(tmp_path_factory) -> dict[str, Path]:
    """Run the course twice at the same time, each in a copy of its own: all answers right, all wrong."""
    folders = {state: copy_course(tmp_path_factory.mktemp(state)) for state in ("right", "wrong")}
    for state, folder in folders.items():
        for path in sorted((folder / "notebooks").glob("0*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            filled = bank.fill(notebook, state == "right")
            assert sorted(filled) == [e.id for e in notebook_exercises(int(path.name[1]))]
            shorten(notebook)
            nbformat.write(notebook, path)
    with ThreadPoolExecutor() as pool:
        for done in pool.map(lambda folder: run_notebooks(folder, folder / "my_work"), folders.values()):
            assert done.returncode == 0, done.stdout + done.stderr
    return folders


def executed(states: dict[str, Path], state: str) -> list[nbformat.NotebookNode]:
    return [nbformat.read(p, as_version=4) for p in sorted((states[state] / "build").glob("0*.ipynb"))]


def test_all_right_runs_to_the_end_with_the_learners_own_functions(states):
    notebooks = executed(states, "right")
    assert len(notebooks) == 9
    for exercise in ALL:
        (text,) = exercise_cells(notebooks[int(exercise.id[0]) - 1], exercise.id)
        assert f"{exercise.id}  passed {len(exercise.checks)} checks" in text
        assert "not carried" not in text
    said = [texts(c) for c in notebooks[-1].cells if c.cell_type == "code"]
    assert any(f"{len(ALL)} of {len(ALL)} exercises passed · all of the course is yours" in text for text in said)
    before = sum(len(notebook_exercises(n)) for n in range(1, 9))
    assert f"{before} of your answers are in use" in said[0]  # the setup cell of notebook 9
    stopped = [texts(c) for n in notebooks for c in n.cells if c.cell_type == "code" and "stopped here" in texts(c)]
    assert stopped == []
    for number in (7, 8, 9):  # result figures and tables say whose functions made them
        source = str(notebooks[number - 1])
        assert "yours: " in source


def test_all_wrong_runs_to_the_end_with_the_courses_functions(states):
    notebooks = executed(states, "wrong")
    for exercise in ALL:
        (text,) = exercise_cells(notebooks[int(exercise.id[0]) - 1], exercise.id)
        assert f"{exercise.id}  not yet: " in text or f"{exercise.id}  stopped: " in text
        assert f"the course's {exercise.name} stands in" in text
    last = next(c for c in reversed(notebooks[-1].cells) if c.cell_type == "code" and "progress()" in c.source)
    assert f"0 of {len(ALL)} exercises passed · not right yet: 9.1" in texts(last)
    assert not list((states["wrong"] / "my_work").glob("*.py"))

"""The nine notebooks run on every data set by changing one line: on small copies in the layouts of the downloads."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from helpers import copy_course, run_notebooks, shorten
from stand_ins import SMALL

from exercises.course import list_notebooks
from utils.config import COURSE

LINE = 'config = Config.preset(DATASET, root=ROOT, model="unet")'
# A preset trains for hours; everything else is as the learner has it.
SHORT = 'config = Config.preset(DATASET, root=ROOT, model="unet", image_size=96, batch_size=4, workers=0)'


def switched(notebook: nbformat.NotebookNode, dataset: str, root: str) -> None:
    """Change the one line, and let the runs be short."""
    before = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert before.count('DATASET = "tiny"') == before.count("ROOT = None") == before.count(LINE) == 1
    assert f'"{dataset}"' in next(line for line in before.splitlines() if line.startswith('DATASET = "tiny"'))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('DATASET = "tiny"', f'DATASET = "{dataset}"')
            cell.source = cell.source.replace("ROOT = None", f"ROOT = {root!r}").replace(LINE, SHORT)
    shorten(notebook)


def run_on(dataset: str, data: Path, work: Path) -> subprocess.CompletedProcess:
    """Run the course on a data set, in a copy of its own."""
    course, root = copy_course(work / "course"), work / "data"
    SMALL[dataset](data, root)
    for path in list_notebooks():
        notebook = nbformat.read(path, as_version=4)
        switched(notebook, dataset, str(root))
        nbformat.write(notebook, course / "notebooks" / path.name)
    return run_notebooks(course, work / "my_work")


@pytest.fixture(scope="module")
def runs(shared_data, tmp_path_factory) -> dict[str, subprocess.CompletedProcess]:
    """The course on every data set, two at a time."""
    data = {name: COURSE / "data" / "tiny" if name == "drone" else shared_data(name) for name in SMALL}
    with ThreadPoolExecutor(max_workers=2) as pool:
        started = {name: pool.submit(run_on, name, data[name], tmp_path_factory.mktemp(name)) for name in SMALL}
        return {name: run.result() for name, run in started.items()}


@pytest.mark.parametrize("dataset", list(SMALL))
def test_the_nine_notebooks_run_on(dataset, runs):
    assert runs[dataset].returncode == 0, runs[dataset].stdout + runs[dataset].stderr
    assert re.findall(r"\[(\d)/9\] \S+ \.\.\. \d+ s", runs[dataset].stdout) == list("123456789")

"""The nine notebooks run on every data set by changing one line: on small copies in the layouts of the downloads."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from stand_ins import SMALL

from utils.config import COURSE
from utils.course import list_notebooks

LINE = "config = Config.preset(DATASET, root=ROOT)"
# A preset trains for hours; everything else is as the learner has it.
SHORT = "config = Config.preset(DATASET, root=ROOT, image_size=96, batch_size=4, workers=0)"


def switched(notebook: nbformat.NotebookNode, dataset: str, root: str) -> None:
    """Change the one line, and let the runs be short."""
    before = "\n".join(cell.source for cell in notebook.cells)
    assert before.count('DATASET = "tiny"') == before.count("ROOT = None") == before.count(LINE) == 1
    assert f'"{dataset}"' in next(line for line in before.splitlines() if line.startswith('DATASET = "tiny"'))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace('DATASET = "tiny"', f'DATASET = "{dataset}"')
            cell.source = cell.source.replace("ROOT = None", f"ROOT = {root!r}").replace(LINE, SHORT)
            cell.source = re.sub(r"EPOCHS = \d+", "EPOCHS = 3", cell.source)
            cell.source = re.sub(r"epochs=(\d\d)", "epochs=4", cell.source)


@pytest.mark.parametrize("dataset", list(SMALL))
def test_the_nine_notebooks_run_on(dataset, shared_data, tmp_path):
    course, root = tmp_path / "course", tmp_path / "data"
    SMALL[dataset](COURSE / "data" / "tiny" if dataset == "drone" else shared_data(dataset), root)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=COURSE, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (COURSE / name).is_file():
            (course / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(COURSE / name, course / name)
    for path in list_notebooks():
        notebook = nbformat.read(path, as_version=4)
        switched(notebook, dataset, str(root))
        nbformat.write(notebook, course / "notebooks" / path.name)
    inherited = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"}  # notebooks draw inline
    done = subprocess.run(
        [sys.executable, "-c", "from utils.course import run_course; run_course()"],
        cwd=course,
        env={**inherited, "MY_WORK": str(tmp_path / "my_work"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((course / "build").glob("0*.html"))) == 9

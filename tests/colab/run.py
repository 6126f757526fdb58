"""The nine notebooks as a Colab runtime without a GPU would run them: `make colab`.

Each notebook lies alone in an empty folder, in an environment that has what Colab has, with a stand-in for
`google.colab`. Its own set-up cell installs what is missing and fetches the course, from a bare clone of what is
committed here in place of GitHub; then all cells run. Answers go from notebook to notebook by the forms, over a
stand-in for Google Drive and by file. ImageNet's weights come from a package, in place of the Hub, which is not asked.

Usage: PYTHONPATH=. python tests/colab/run.py [NUMBER ...], with the Python of that environment.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from exercises.course import REPOSITORY

COURSE = Path(__file__).parents[2]
DRIVE = Path("/content/drive")
ADDED = "segmentation-models-pytorch"
FORM = 'ANSWERS = "this runtime"'
ANSWER = """@exercise("1.1")
def image_bytes(height, width, channels=3, bytes_per_value=1):
    return height * width * channels * bytes_per_value
"""


def pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def installed() -> dict[str, str]:
    """Return the version of every package in this environment."""
    return {p["name"].lower().replace("_", "-"): p["version"] for p in json.loads(pip("list", "--format=json"))}


def environment(folder: Path, remote: Path) -> dict[str, str]:
    """Return the variables of a Colab runtime: its release, its module, and a repository in place of the network."""
    for name in ("drive", "downloads"):
        (folder / name).mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "MY_WORK")}
    return inherited | {
        "COLAB_RELEASE_TAG": "release-colab-stand-in",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parent),
        "STAND_IN_DRIVE": str(folder / "drive"),
        "STAND_IN_DOWNLOADS": str(folder / "downloads"),
        "HF_HUB_OFFLINE": "1",
        "WANDB_MODE": "offline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{remote}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{REPOSITORY}",
    }


def as_learner(notebook: nbformat.NotebookNode, number: int, place: str) -> None:
    """Bring the answers of the notebooks before, write one in the first notebook, and take all along at the end."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(FORM in cell.source for cell in cells) == sum("TAKE = False" in cell.source for cell in cells) == 1
    for cell in cells:
        cell.source = cell.source.replace(FORM, f'ANSWERS = "{place}"').replace("TAKE = False", "TAKE = True")
        if number == 1 and '@exercise("1.1")' in cell.source:
            cell.source = ANSWER


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))


def shows_picture(cell: Mapping[str, Any]) -> bool:
    return any(kind.startswith("image/") for output in cell.get("outputs", []) for kind in output.get("data", {}))


def seconds_to_first_picture(notebook: nbformat.NotebookNode, start: float) -> float:
    """Return how long after `start` (Unix time) the first cell that shows a picture was done."""
    shown = next(cell for cell in notebook.cells if shows_picture(cell))
    done = datetime.fromisoformat(shown.metadata.execution["shell.execute_reply"])
    return done.timestamp() - start


def run(number: int, place: str, env: Mapping[str, str]) -> str:
    """Run a notebook as on a new machine; return a line about it. Raises AssertionError where it is not as promised."""
    (path,) = (COURSE / "notebooks").glob(f"0{number}_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    as_learner(notebook, number, place)
    before = installed()
    assert ADDED not in before, f"Colab has {ADDED} by now: the set-up cell need not install it."
    with tempfile.TemporaryDirectory(prefix="content_") as content:
        start = time.time()
        client = NotebookClient(notebook, timeout=1200, record_timing=True, resources={"metadata": {"path": content}})
        try:
            client.execute(env=dict(env))
            seconds = time.time() - start
            after = installed()
        finally:
            pip("uninstall", "--yes", ADDED)  # the next notebook finds a new machine
    changed = {name: version for name, version in after.items() if before.get(name) != version}
    assert list(changed) == [ADDED], f"the set-up cell changed {changed}"
    assert set(before) <= set(after), f"the set-up cell removed {set(before) - set(after)}"
    if number > 1:
        assert "1 of your answers is in use" in printed(notebook), f"notebook {number} did not bring the answer along"
    first = seconds_to_first_picture(notebook, start)
    return f"{path.stem}: all cells in {seconds:.0f} s, the first picture after {first:.0f} s, answers from {place}"


def main(numbers: list[int]) -> None:
    python, torch = platform.python_version(), installed()["torch"]
    print(f"Python {python} (Colab: 3.13), torch {torch}, no GPU: what a GPU would change is not tried.", flush=True)
    with tempfile.TemporaryDirectory(prefix="colab_") as folder:
        bare = Path(folder, "course.git")
        subprocess.run(["git", "clone", "--quiet", "--bare", COURSE, bare], check=True)
        env = environment(Path(folder), bare)
        drive = DRIVE.parent.is_dir() or os.access(DRIVE.parent.parent, os.W_OK)  # only then it can be mounted there
        for number in numbers or range(1, 10):
            place = "Google Drive" if drive and number % 2 else "a file" if number > 1 else "this runtime"
            print(run(number, place, env), flush=True)
    print(f"Nothing but {ADDED} was added, and no version changed.")


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])

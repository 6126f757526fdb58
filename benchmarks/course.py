"""How long `make course` takes after installation, and how much memory each notebook needs.

Prints a table: seconds and peak memory of every notebook, its dearest cells, and the ratio to nine notebooks that only
import the stack. `python -m benchmarks.course 7 8` runs those two alone.
"""

import sys
import time
from datetime import datetime

import nbformat
from nbclient import NotebookClient

from exercises.course import list_notebooks
from utils.config import COURSE

IMPORTS = "import albumentations, cv2, matplotlib.pyplot, segmentation_models_pytorch, torch, torchvision"
PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def run(notebook: nbformat.NotebookNode) -> tuple[float, float]:
    """Execute a notebook; return seconds, and the peak memory of its kernel in GB (Linux counts in KiB)."""
    notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
    start = time.perf_counter()
    NotebookClient(
        notebook,
        timeout=900,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(COURSE / "notebooks")}},
    ).execute()
    return time.perf_counter() - start, int(notebook.cells[-1].outputs[0].text) * 1024 / 1e9


def dearest_cells(notebook: nbformat.NotebookNode, count: int = 5) -> list[tuple[float, str]]:
    """Return the cells that took longest: seconds, and what the cell begins with."""
    found = []
    for cell in notebook.cells:
        times = {k: datetime.fromisoformat(v) for k, v in cell.metadata.get("execution", {}).items()}
        if {"iopub.execute_input", "shell.execute_reply"} <= times.keys():
            seconds = (times["shell.execute_reply"] - times["iopub.execute_input"]).total_seconds()
            lines = [line for line in cell.source.splitlines() if line and not line.startswith(("#", "%"))]
            found.append((seconds, lines[0][:90] if lines else ""))
    return sorted(found, reverse=True)[:count]


def main(numbers: list[str]) -> None:
    """Print the table of the notebooks with these numbers, or of all nine."""
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)])
    floor = 9 * run(empty)[0]
    total = 0.0
    print(f"{'notebook':24s} {'seconds':>8s} {'peak GB':>8s}")
    paths = [path for path in list_notebooks() if not numbers or path.stem[1] in numbers]
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        seconds, peak = run(notebook)
        total += seconds
        print(f"{path.stem:24s} {seconds:8.1f} {peak:8.2f}", flush=True)
        for cost, line in dearest_cells(notebook):
            print(f"    {cost:6.1f}  {line}", flush=True)
    if len(paths) == 9:
        print(
            f"all nine: {total / 60:.1f} minutes, {total / floor:.1f} times nine notebooks that only import the stack"
        )


if __name__ == "__main__":
    main(sys.argv[1:])

"""How long `make course` takes after installation, and how much memory each notebook needs.

Prints a table: seconds and peak memory of every notebook, and the ratio to nine notebooks that only import the stack.
"""

import time

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


def main() -> None:
    """Print the table."""
    empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)])
    floor = 9 * run(empty)[0]
    total = 0.0
    print(f"{'notebook':24s} {'seconds':>8s} {'peak GB':>8s}")
    for path in list_notebooks():
        seconds, peak = run(nbformat.read(path, as_version=4))
        total += seconds
        print(f"{path.stem:24s} {seconds:8.1f} {peak:8.2f}", flush=True)
    print(f"all nine: {total / 60:.1f} minutes, {total / floor:.1f} times nine notebooks that only import the stack")


if __name__ == "__main__":
    main()

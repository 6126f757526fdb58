"""What a notebook stores when its outputs are refreshed: folded solutions from `utils`, and no spoiled prediction."""

import re
from typing import Any

from exercises.display import reference_source

SOLUTION = "solution"  # metadata of a Markdown cell: the id of the exercise whose solution it folds away
PREDICT = "predict"  # tag of a code cell that answers "Predict before you run": it is stored without output
CODE = re.compile(r"```python\n.*?```", re.DOTALL)


def solution_cell(cell: Any) -> str:
    """Return the text of a solution's cell with the course's own function as it is today in place of its code.

    The function comes from `utils`, so that the page cannot show another one than the later notebooks import.
    """
    source, _ = reference_source(cell["metadata"][SOLUTION])
    text = "".join(cell["source"])
    return CODE.sub(lambda _: f"```python\n{source}```", text, count=1)


def prepare_page(notebook: Any) -> None:
    """Fill in the folded solutions, and drop the outputs that would answer a prediction, in place."""
    for cell in notebook["cells"]:
        if SOLUTION in cell["metadata"]:
            cell["source"] = solution_cell(cell)
        if PREDICT in cell["metadata"].get("tags", []):
            cell["outputs"] = []

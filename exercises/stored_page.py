"""What a notebook stores when its outputs are refreshed: folded solutions from `utils`, and no spoiled prediction."""

import re
from typing import Any

from exercises.display import reference_source

SOLUTION = "solution"  # metadata of a Markdown cell: the id of the exercise whose solution it folds away
PREDICT = "predict"  # tag of a code cell that answers "Predict before you run": it is stored without output
NUMBERS = "numbers"  # metadata of a cell or an output: the numbers with a decimal point that it prints or draws
CODE = re.compile(r"```python\n.*?```", re.DOTALL)
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\d)")


def solution_cell(cell: Any) -> str:
    """Return the text of a solution's cell with the course's own function as it is today in place of its code.

    The function comes from `utils`, so that the page cannot show another one than the later notebooks import.
    """
    source, _ = reference_source(cell["metadata"][SOLUTION])
    text = "".join(cell["source"])
    return CODE.sub(lambda _: f"```python\n{source}```", text, count=1)


def prepare_page(notebook: Any) -> None:
    """Fill in folded solutions, drop outputs that would answer a prediction, and mend the headings of tables.

    All in place. Of the outputs that go the numbers stay, in the metadata, as the proof of what the text says below.
    """
    for cell in notebook["cells"]:
        if SOLUTION in cell["metadata"]:
            cell["source"] = solution_cell(cell)
        if PREDICT in cell["metadata"].get("tags", []):
            cell["metadata"][NUMBERS] = sorted(set().union(*map(numbers_of, cell["outputs"])))
            cell["outputs"] = []
        for output in cell.get("outputs", []):
            without_empty_headings(output)


def without_empty_headings(output: Any) -> None:
    """Make a plain cell of the empty corner of a pandas table, in place: a screen reader announces it as a heading."""
    table = output.get("data", {}).get("text/html")
    if table:
        output["data"]["text/html"] = "".join(table).replace("<th></th>", "<td></td>")


def numbers_of(output: Any) -> set[str]:
    """Return the numbers with a decimal point in an output of a cell: printed, in its caption, or drawn."""
    data, about = output.get("data", {}), output.get("metadata", {})
    words = [output.get("text", ""), *(text for kind, text in data.items() if kind.startswith("text/"))]
    numbers = set(DECIMAL.findall("\n".join("".join(text) for text in words)))
    drawn = [picture.get(NUMBERS, []) for picture in about.values() if isinstance(picture, dict)]
    return numbers.union(*drawn)

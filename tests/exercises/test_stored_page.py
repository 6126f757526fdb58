"""exercises/stored_page.py: folded solutions are those of the library, and predictions are not spoiled."""

import json

import pandas as pd
import pytest

from exercises.course import list_notebooks
from exercises.display import reference_source
from exercises.stored_page import NUMBERS, PREDICT, SOLUTION, prepare_page, solution_cell


def markdown(source, **metadata):
    return {"cell_type": "markdown", "source": source, "metadata": metadata}


def test_a_solution_is_filled_in_and_what_stands_around_it_stays():
    text = "<details><summary>One solution</summary>\n\n```python\nold\n```\n\nIt counts once.\n</details>"
    notebook = {"cells": [markdown(text, solution="7.3"), markdown("```python\nmine\n```")]}
    prepare_page(notebook)
    filled, other = (cell["source"] for cell in notebook["cells"])
    assert reference_source("7.3")[0] in filled
    assert filled.startswith("<details>")
    assert filled.endswith("It counts once.\n</details>")
    assert "old" not in filled
    assert other == "```python\nmine\n```"


def test_the_empty_corner_of_a_table_is_no_heading_and_its_headings_stay():
    table = pd.DataFrame({"IoU": [0.5]}, index=["car"])
    output = {"output_type": "display_data", "data": {"text/html": table._repr_html_(), "text/plain": repr(table)}}
    prepare_page({"cells": [{"cell_type": "code", "metadata": {}, "outputs": [output]}]})
    page = output["data"]["text/html"]
    assert "<th></th>" in table._repr_html_()
    assert "<th></th>" not in page
    assert [page.count(cell) for cell in ("<td></td>", "<th>IoU</th>", "<th>car</th>")] == [1, 1, 1]


def test_no_stored_table_has_an_empty_heading():
    assert not [path.name for path in list_notebooks() if "<th></th>" in path.read_text(encoding="utf-8")]


def test_the_answer_to_a_prediction_is_not_stored_but_its_numbers_are():
    outputs = [
        {"output_type": "stream", "text": "it is 0.25, not 3, in v1.2.3\n"},
        {
            "data": {"image/png": "0.9", "text/plain": "a curve ends at 1.5."},
            "metadata": {"image/png": {NUMBERS: ["0.77"]}},
        },
    ]
    cells = [{"cell_type": "code", "metadata": {"tags": tags}, "outputs": outputs} for tags in ([PREDICT], [])]
    prepare_page({"cells": cells})
    assert [cell["outputs"] for cell in cells] == [[], outputs]
    assert [cell["metadata"].get(NUMBERS) for cell in cells] == [["0.25", "0.77", "1.5"], None]


@pytest.mark.parametrize("path", list_notebooks(), ids=lambda path: path.stem)
def test_the_stored_solutions_are_those_of_the_library(path):
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if SOLUTION in cell["metadata"]:
            stored = "".join(cell["source"])
            assert stored == solution_cell(cell), f"{path.name}: run `python -m exercises course --refresh`"

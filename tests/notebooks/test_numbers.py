"""Whatever number a page states in its prose, the page itself, or a table of results that is kept, shows.

Looked at are numbers with a decimal point. Each must stand in an output, a caption or a figure of the notebook, in its
code, in what a cell that answers a prediction printed (its metadata keeps that), or in a committed table. What is
worked out by hand has its arithmetic in the metadata of the cell, such as {"numbers": {"0.83": "2 * (sqrt(2) - 1)"}}.
"""

import json
import math
import re

import pytest

from exercises.catalogue import all_exercises
from exercises.course import CAPSTONE, list_notebooks
from exercises.stored_page import DECIMAL, NUMBERS, numbers_of
from utils.config import COURSE

RESULTS = ("benchmarks/README.md", "data/README.md")
# Code, addresses, pictures and their texts, names of exercises, and what a question offers are no claims of the prose.
NO_PROSE = re.compile(
    r"```.*?```|`[^`\n]*`|!?\[[^\]]*\]\([^)]*\)|xercises? [\d., and]+|<[^>]*>|:(?:(?!\. )[^:\n])*\?", re.DOTALL
)


def shown(notebook):
    """Return every number that a notebook shows in its code, outputs, figures and predictions."""
    numbers = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            about = cell["metadata"]
            numbers |= set(DECIMAL.findall("".join(cell["source"]))) | set(about.get(NUMBERS, []))
            numbers |= set(DECIMAL.findall(about.get("alt", ""))).union(*map(numbers_of, cell["outputs"]))
    return numbers


def stated(cell):
    """Return the numbers that the prose of a Markdown cell states."""
    ids = {exercise.id for exercise in all_exercises()}
    return [n for n in DECIMAL.findall(NO_PROSE.sub(" ", "".join(cell["source"]))) if n not in ids]


def rounds_to(value, number):
    """Say whether a value is a number but for the decimals that the number does not have."""
    return abs(float(value) - float(number)) <= 0.5000001 * 10 ** -len(number.partition(".")[2])


@pytest.mark.parametrize("path", [*list_notebooks(), CAPSTONE], ids=lambda path: path.stem)
def test_every_number_in_the_prose_is_shown_or_worked_out(path):
    notebook = json.loads(path.read_text("utf-8"))
    proof = shown(notebook).union(*(DECIMAL.findall((COURSE / name).read_text("utf-8")) for name in RESULTS))
    unproven = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            worked = cell["metadata"].get(NUMBERS, {})
            right = {n for n, sum_ in worked.items() if rounds_to(eval(sum_, {"__builtins__": {}}, vars(math)), n)}
            assert right == set(worked), f"{cell['id']}: {worked}"
            unproven += [(cell["id"], n) for n in stated(cell) if not any(rounds_to(p, n) for p in proof | right)]
    assert unproven == []


def test_a_number_that_nobody_showed_is_found():
    code = {"cell_type": "code", "metadata": {NUMBERS: ["0.25"]}, "source": ["x = 1.5"], "outputs": [{"text": "0.77"}]}
    assert shown({"cells": [code]}) == {"0.25", "1.5", "0.77"}
    text = "It rose to 0.77 (see [0.11](http://x/0.12)), `lr=0.01`, in exercise 7.3 and Exercises 2.1 and 2.2: 41.7 %."
    text += " It fell: to 0.31. How far: 0.2, 0.3 or by 0.4?"
    assert stated({"source": [text]}) == ["0.77", "41.7", "0.31"]
    assert rounds_to(2 * (math.sqrt(2) - 1), "0.83")
    assert not rounds_to(0.8249, "0.83")

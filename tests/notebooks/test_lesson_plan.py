"""The minutes of a lesson are stated once, in the lesson plan, and the head of each notebook agrees with it."""

import re

import nbformat
import pandas as pd
import pytest

from benchmarks.lessons import WORDS_PER_MINUTE, count_words
from exercises.catalogue import notebook_exercises
from exercises.course import NOTEBOOKS, list_notebooks

COLUMNS = ["notebook", "seconds", "words", "reading", "exercises", "writing", "in all"]


@pytest.fixture(scope="module")
def plan() -> pd.DataFrame:
    """Return the first table of the lesson plan, a row for each notebook."""
    text = (NOTEBOOKS / "LESSON_PLAN.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| 0\d_.*$", text, re.MULTILINE)]
    return pd.DataFrame(rows, columns=COLUMNS).set_index("notebook").astype(int)


@pytest.mark.parametrize("path", list_notebooks(), ids=lambda p: p.stem)
def test_the_plan_counts_what_the_notebook_has(path, plan):
    row, exercises = plan.loc[path.stem], notebook_exercises(int(path.stem[1]))
    words = count_words(nbformat.read(path, as_version=4))
    assert row["words"] == pytest.approx(words, rel=0.05), "count again: python -m benchmarks.lessons"
    assert row["reading"] == pytest.approx(row["words"] / WORDS_PER_MINUTE, abs=1)
    assert (row["exercises"], row["writing"]) == (len(exercises), sum(e.minutes for e in exercises))
    assert row["in all"] == pytest.approx(row["reading"] + row["writing"] + row["seconds"] / 60, abs=1.5)


@pytest.mark.parametrize("path", list_notebooks(), ids=lambda p: p.stem)
def test_the_head_of_a_notebook_states_the_minutes_of_the_plan(path, plan):
    head = " ".join(c.source for c in nbformat.read(path, as_version=4).cells[:4] if c.cell_type == "markdown")
    (minutes,) = re.findall(r"about (\d+) minutes in all", head)
    assert int(minutes) == pytest.approx(plan.loc[path.stem, "in all"], rel=0.1)

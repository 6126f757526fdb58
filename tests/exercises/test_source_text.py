"""exercises/source_text.py: the definition is found in the text of its cell."""

import ast

import bank
import pytest
from iou_cells import RIGHT_CELL, run_cell

from exercises.source_text import definition_source, definitions_below
from exercises.storage import kept_ids


def test_syntax_error_in_another_cell_does_not_matter():
    scope = bank.scope_of(7)
    with pytest.raises(SyntaxError):
        run_cell("def broken(:", scope, "<broken>")
    run_cell(RIGHT_CELL, scope)
    assert kept_ids() == ["7.3"]


def test_magic_in_the_cell_does_not_matter():
    """IPython has turned magics into calls by then; the text of the definition is found all the same."""
    run_cell("get_ipython = lambda: None\n" + RIGHT_CELL)
    assert kept_ids() == ["7.3"]


def test_a_method_of_the_same_name_is_not_taken_for_the_answer():
    """The cell of 6.7 is a function `forward`, and in a file it may stand among classes that have a `forward` each."""
    method = "class {}:\n    def forward(self, x, skip):\n        return skip\n\n"
    answer = "def forward(self, x):\n    return x\n"
    for mark in ("", '@exercise("6.7")\n'):
        text = method.format("Above") + mark + answer + "\n\n" + method.format("Below")
        assert definition_source(text, "6.7", "forward") == answer
    assert definition_source(method.format("Alone"), name="forward") == "def forward(self, x, skip):\n    return skip\n"
    indented = "if True:\n    def forward(self, x):\n        return x\n"
    assert definition_source(indented + method.format("Below"), name="forward") == answer


def test_an_answer_among_methods_of_its_name_is_kept():
    answer = next(a for a in bank.read(6)[1] if a.id == "6.7" and a.right)
    text = "class Other:\n    def forward(self, x, skip):\n        return x\n\n" + answer.text
    scope = bank.scope_of(6)
    run_cell(text + '\ncheck("6.7", forward)\n', scope, "<a file with two of them>")
    assert kept_ids() == ["6.7"]


VALUES_BELOW = """
AXES = (2, 0, 1)
TURNS = {6: T.ROTATE_270, -1: [lambda a: a[::-1]]}
LIMIT: float = 2 / 100
KIND = np.int64
COUNT = SIZE = 4
"""
STATEMENTS_BELOW = """
example = dataset[0]
mean = shares.mean()
previous = best
count = count + 1
config.seed = 3
table[0] = 3
best: float
squares = [n for n in numbers]
"""


@pytest.mark.parametrize(("lines", "taken"), [(VALUES_BELOW, True), (STATEMENTS_BELOW, False)])
def test_of_what_stands_below_only_plain_values_are_taken_before_the_check(lines, taken):
    """Python runs the lines below once more afterwards: nothing may read, count or change anything twice."""
    found = definitions_below('@exercise("7.3")\ndef iou():\n    return 1\n' + lines, "7.3")
    assert [ast.unparse(module) for module in found] == [line for line in lines.split("\n") if line and taken]

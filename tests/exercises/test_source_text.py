"""exercises/source_text.py: the definition is found in the text of its cell."""

import bank
import pytest
from iou_cells import RIGHT_CELL, run_cell

from exercises.source_text import definition_source
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

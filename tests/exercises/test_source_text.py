"""exercises/source_text.py: the definition is found in the text of its cell."""

import bank
import pytest
from iou_cells import RIGHT_CELL, run_cell

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

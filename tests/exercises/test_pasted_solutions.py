"""The solution that a page folds away runs where a learner pastes it: below the imports of its notebook."""

import bank
import nbformat
import pytest

from exercises.catalogue import all_exercises
from exercises.course import list_notebooks
from exercises.definitions import PASSED
from exercises.session import SESSION
from exercises.storage import kept_ids
from exercises.stored_page import CODE, SOLUTION


def pasted(exercise_id):
    """Return the imports of a notebook, and the solution of one of its exercises below the decorator."""
    cells = nbformat.read(list_notebooks()[int(exercise_id[0]) - 1], as_version=4).cells
    imports = next(cell.source for cell in cells if cell.source.startswith("# @title Imports"))
    fold = next(cell.source for cell in cells if cell.metadata.get(SOLUTION) == exercise_id)
    code = CODE.search(fold)[0].removeprefix("```python\n").removesuffix("```")
    return imports, bank.cell_text(bank.Answer(exercise_id, True, "pasted", code))


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda e: e.id)
def test_a_solution_passes_where_it_is_pasted_and_is_carried_on(exercise):
    imports, solution = pasted(exercise.id)
    scope = {"__name__": "__main__"}
    bank.run_cell(f"from exercises import *\n{imports}", scope, "<imports>")
    bank.run_cell(solution, scope, f"<solution of {exercise.id}>")
    assert SESSION.attempts[exercise.id].verdict.status == PASSED
    assert exercise.id in kept_ids()

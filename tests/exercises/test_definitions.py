"""exercises/definitions.py: what is still to be written."""

import pytest

from exercises import todo
from exercises.definitions import NotWritten


def test_todo_is_no_error_of_the_course():
    with pytest.raises(NotWritten):
        todo("write")

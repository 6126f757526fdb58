"""utils/errors.py: one sentence, wherever the error was raised."""

import pytest

from utils.errors import CheckpointError, ConfigError, CourseError, DataError


@pytest.mark.parametrize("kind", [ConfigError, DataError, CheckpointError])
def test_every_kind_is_a_course_error_and_shows_one_line_in_a_notebook(kind):
    error = kind("masks/a.png is empty. Replace it.")
    assert isinstance(error, CourseError)
    assert error._render_traceback_() == [f"{kind.__name__}: masks/a.png is empty. Replace it."]


def test_a_workers_traceback_is_cut_down_to_the_sentence():
    told = 'Caught DataError in DataLoader worker process 0.\nOriginal Traceback:\n  File "x.py", line 1, in y\n'
    error = DataError(told + "utils.errors.DataError: /data/a.png is empty: 0 bytes. Replace it.\n")
    assert str(error) == "/data/a.png is empty: 0 bytes. Replace it."

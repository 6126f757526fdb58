"""utils/errors.py: one sentence, wherever the error was raised."""

from pathlib import Path

import pytest

from utils.errors import CheckpointError, ConfigError, CourseError, DataError, Fault


@pytest.mark.parametrize("kind", [ConfigError, DataError, CheckpointError])
def test_every_kind_is_a_course_error_and_shows_one_line_in_a_notebook(kind):
    error = kind("masks/a.png is empty. Replace it.")
    assert isinstance(error, CourseError)
    assert error._render_traceback_() == [f"{kind.__name__}: masks/a.png is empty. Replace it."]


def test_a_workers_traceback_is_cut_down_to_the_sentence():
    told = 'Caught DataError in DataLoader worker process 0.\nOriginal Traceback:\n  File "x.py", line 1, in y\n'
    error = DataError(told + "utils.errors.DataError: /data/a.png is empty: 0 bytes. Replace it.\n")
    assert str(error) == "/data/a.png is empty: 0 bytes. Replace it."


def test_a_name_is_not_taken_for_a_workers_traceback():
    sentence = "Caught a bug: x in DataLoader worker/p.png is empty (0 bytes). Replace it."
    assert str(DataError(sentence)) == sentence


@pytest.mark.parametrize(
    ("kind", "facts", "one", "more"),
    [
        ("colour outside the class table", {"pixels": 1, "colour": (1, 2, 3)}, "1 pixel of", "7 pixels of"),
        ("value without a class", {"pixels": 1, "labels": "9", "meaning": "0, 1"}, "1 pixel of 9", "7 pixels of 9"),
        ("mask of fractions", {"pixels": 1, "value": 0.25}, "0.25, in 1 pixel:", "0.25, in 7 pixels:"),
        ("anti-aliased mask", {"values": 1, "share": 0.5}, "1 grey value between", "7 grey values between"),
        (
            "label outside the classes",
            {"pixels": 1, "labels": "9", "classes": 1, "highest": 0},
            "1 pixel labelled 9, outside the 1 class (",
            "7 pixels labelled 9, outside the 7 classes (",
        ),
        ("several images in one file", {"count": 1}, "1 picture (", "7 pictures ("),
    ],
)
def test_one_is_no_plural(kind, facts, one, more):
    assert one in str(Fault(kind, Path("masks/a.png"), facts))
    many = {name: 7 if value == 1 else value for name, value in facts.items()}
    assert more in str(Fault(kind, Path("masks/a.png"), many))


def test_what_is_no_count_is_formatted_as_ever():
    facts = {"size": (30, 40), "mask": "a|b.png", "mask_size": (30, 1)}
    assert "is 40x30 but its mask a|b.png is 1x30" in str(Fault("sizes do not fit", Path("a.jpg"), facts))

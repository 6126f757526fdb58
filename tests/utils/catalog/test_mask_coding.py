"""utils/catalog/mask_coding.py: whatever is declared is written, read back and looked up as it was."""

from pathlib import Path

import numpy as np
import pytest
from helpers import assert_clear
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from utils.catalog.mask_coding import FOREIGN, MaskCoding
from utils.errors import ConfigError, DataError

IDS = st.integers(0, 254)
VALUES = st.dictionaries(st.integers(0, 65535), IDS, min_size=1, max_size=12)
COLOURS = st.dictionaries(st.tuples(*[st.integers(0, 255)] * 3), IDS, max_size=8)
CODINGS = st.builds(
    lambda values, colours, *flags: MaskCoding(tuple(values.items()), tuple(colours.items()), *flags),
    VALUES, COLOURS, *[st.booleans()] * 4,
)  # fmt: skip


@given(CODINGS)
def test_a_coding_is_read_back_as_it_was_written(coding):
    assert MaskCoding.parse(str(coding)) == coding


@settings(max_examples=50)
@given(VALUES, st.integers(0, 99))
def test_every_number_finds_its_class_and_no_other_one(values, seed):
    stored = np.random.default_rng(seed).choice([*values, 255, 65535, 7], (5, 6)).astype(np.uint16)
    found = MaskCoding(tuple(values.items())).ids(stored)
    wanted = {255: 255} | values
    assert found.tolist() == [[wanted.get(int(v), FOREIGN) for v in row] for row in stored]


@settings(max_examples=30)
@given(COLOURS, st.integers(0, 99))
def test_every_colour_finds_its_class_and_no_other_one(colours, seed):
    known = np.array([*colours, (1, 2, 3), (9, 9, 9)])
    stored = known[np.random.default_rng(seed).integers(0, len(known), (5, 6))].astype(np.uint8)
    found = MaskCoding(colours=tuple(colours.items())).ids(stored)
    assert found.tolist() == [[colours.get(tuple(v), FOREIGN) for v in row] for row in stored.tolist()]


@pytest.mark.parametrize("value", [-1, -300, 65536, 2**31 - 1])
def test_numbers_that_no_class_can_have_are_foreign(value):
    assert MaskCoding(((0, 0), (1, 1))).ids(np.array([[value, 1]], np.int64)).tolist() == [[FOREIGN, 1]]


def test_a_foreign_number_is_counted_with_what_is_known(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[10, 20, 30, 30]], np.uint8)).save(path)
    with pytest.raises(DataError) as error:
        MaskCoding(((10, 0), (20, 1))).read(path)
    assert_clear(error, path, "2 pixels of 30", "10 = 0, 20 = 1", "classes.csv")
    assert error.value.fault.kind == "value without a class"


@pytest.mark.parametrize("text", ["a=b", "0=0,1=1", "1=", "0=256", "300,0,0=1", "70000=1", "upside-down"])
def test_another_spelling_is_refused_with_an_example(text):
    with pytest.raises(ConfigError) as error:
        MaskCoding.parse(text)
    assert_clear(error, "mask_values")


def test_words_name_the_classes_and_say_what_is_ignored():
    assert MaskCoding(((0, 0), (128, 1))).words(("a", "b")) == "0 = a, 128 = b, 255 = ignored"
    assert MaskCoding(((0, 0), (255, 1)), alpha=True).words(("a", "b")) == "the alpha channel: 0 = a, 255 = b"
    assert "cut at 128" in MaskCoding(((0, 0), (255, 1)), cut=True).words(None)
    many = MaskCoding(tuple((i, i) for i in range(30)))
    assert many.words(None).count("=") == 9
    assert "30 in all" in many.words(None)


def test_a_colour_mask_without_colours_is_a_fault_of_its_own():
    with pytest.raises(DataError) as error:
        MaskCoding(((0, 0), (1, 1))).decode(np.array([[[1, 2, 3]]], np.uint8), Path("a.png"))
    assert_clear(error, "a.png", "class table")

"""segmenter/optional.py: a missing package is named, with what to install."""

import json

import pytest
from helpers import assert_clear

from segmenter.optional import require
from utils.errors import CourseError


def test_a_package_that_is_there_is_returned():
    assert require("json") is json


def test_a_package_that_is_missing_is_named_with_the_remedy():
    with pytest.raises(CourseError) as error:
        require("no_such_package.part")
    assert_clear(error, "no_such_package", "pip install no_such_package`")
    with pytest.raises(CourseError) as error:
        require("no_such_package", "one two")
    assert_clear(error, "pip install one two`")

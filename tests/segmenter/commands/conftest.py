"""Shared by the tests of the commands: a training run of seconds, and what a refusal looks like."""

import pytest
from helpers import CLASSES, assert_sentence

from segmenter.__main__ import main

SMALL = ["--image-size", "32", "--framing", "crop", "--batch-size", "4", "--unet-width", "4", "--unet-depth", "2",
         "--device", "cpu", "--precision", "fp32", "--workers", "0"]  # fmt: skip


@pytest.fixture
def train_as_long():
    """Train on drawn pairs through the command line, as long as `more` says; return the exit code."""

    def run(pairs, output, *more):
        data = ["--dataset", "folder", "--root", str(pairs), "--classes", *CLASSES, "--model", "unet"]
        return main(["train", "--output", str(output), *data, *SMALL, *more])

    return run


@pytest.fixture
def train(train_as_long):
    """Train on drawn pairs for one epoch; return the exit code."""
    return lambda pairs, output, *more: train_as_long(pairs, output, "--epochs", "1", *more)


@pytest.fixture
def refused(capsys):
    """Assert that a command failed with exit code 2 and one sentence on stderr that holds the words."""

    def check(code, *words):
        found = capsys.readouterr()
        assert code == 2
        assert found.err.startswith("error: ")
        assert_sentence(found.err, *words)
        return found.out

    return check

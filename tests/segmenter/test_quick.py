"""segmenter/quick.py: a first segmenter in one call."""

import numpy as np
import pytest
from helpers import drop_splits, write_pairs
from PIL import Image

from segmenter import quick
from segmenter.quick import fine_tune
from utils.config import COURSE
from utils.errors import CheckpointError, DataError
from utils.images import read_image

SHORT = {"epochs": 1, "image_size": 64, "device": "cpu", "precision": "fp32"}


def test_the_photographs_that_ship(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(quick, "COURSE", tmp_path)
    for _ in range(2):  # the cell of a notebook is run again
        predictor = fine_tune(**SHORT)
    assert "starts from ImageNet weights" in capsys.readouterr().out
    assert (tmp_path / "runs" / "first" / "best.safetensors").is_file()
    cat = COURSE / "data" / "pets_mini" / "unseen" / "chelsea.jpg"
    assert predictor(cat).mask.shape == read_image(cat).shape[:2]
    assert set(np.unique(predictor(cat).mask)) <= {0, 1}
    assert [mask.shape for mask in predictor.watched] == [(174, 256)]


def test_a_folder_of_ones_own_is_never_written_over(tmp_path):
    pairs = write_pairs(tmp_path / "data")
    fields = SHORT | {"classes": ("a", "b", "c"), "batch_size": 4, "workers": 0}
    predictor = fine_tune(pairs, output=tmp_path / "run", **fields)
    assert predictor.classes == ("a", "b", "c")
    with pytest.raises(CheckpointError, match="overwrite"):
        fine_tune(pairs, output=tmp_path / "run", **fields)


def test_four_pairs_are_enough(tmp_path):
    """The preset's batch of eight is more than there is to train on."""
    predictor = fine_tune(drop_splits(write_pairs(tmp_path / "data", [None] * 4)), output=tmp_path / "run", **SHORT)
    assert predictor.config.batch_size == 2
    assert len(predictor.watched) == 1


@pytest.mark.parametrize(("value", "words"), [(0, "of the class 'class 0'"), (255, "is ignored")])
def test_masks_that_tell_nothing_apart_are_refused_before_training(value, words, tmp_path):
    pairs = drop_splits(write_pairs(tmp_path / "data"))
    for mask in (pairs / "masks").iterdir():
        Image.new("L", (48, 40), value).save(mask)
    (pairs / "classes.csv").write_text("name\nclass 0\nclass 1\n", "utf-8")
    with pytest.raises(DataError, match=words):
        fine_tune(pairs, output=tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()

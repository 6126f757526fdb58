"""segmenter/quick.py: a first segmenter in one call."""

import numpy as np
import pytest
from helpers import write_pairs

from segmenter import quick
from segmenter.quick import fine_tune
from utils.config import COURSE
from utils.errors import CheckpointError
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

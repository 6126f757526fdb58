"""segmenter/report/evaluation.py: what is evaluated, and which classes are rare."""

import numpy as np
import pytest
from helpers import assert_clear, draw_pair, three_class_folder

from segmenter.report import evaluate_run
from segmenter.report.evaluation import training_shares
from utils import catalog
from utils.config import Config
from utils.errors import CourseError


def test_a_data_set_of_other_classes_is_refused(pairs, oracle):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=("a", "b", "c")))
    with pytest.raises(CourseError) as error:
        evaluate_run(oracle(), source)
    assert_clear(error, "ground, house, lake", "a, b, c", "the same classes")


def test_shares_of_the_training_pixels_are_those_of_the_masks(pairs):
    source = three_class_folder(pairs)
    shares, read = training_shares(source)
    ids = np.concatenate([draw_pair(n)[1].ravel() for n in range(8)])
    assert shares.tolist() == pytest.approx([(ids == c).sum() / (ids < 255).sum() for c in range(3)])
    assert read == 8
    (pairs / "masks" / "03.png").write_bytes(b"no picture")
    assert training_shares(source)[1] == 7
    assert training_shares(source, most=2)[1] == 2


def test_without_training_masks_no_class_is_called_rare_and_the_page_says_so(pairs, tmp_path, oracle, page_of):
    source = three_class_folder(pairs)
    source.fixed = {"images/10.png": "test", "images/11.png": "test"}
    report = evaluate_run(oracle(oracle.nothing_in_11), source)
    assert "rare" not in report.causes
    assert report.about["training_shares"] is None
    assert "no class is called rare" in page_of(report, tmp_path).words

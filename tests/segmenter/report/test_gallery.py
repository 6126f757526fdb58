"""segmenter/report/gallery.py: the failures, worst first, with small images of their errors."""

import numpy as np
import pytest
import torch
from helpers import CLASSES
from hypothesis import given
from hypothesis import strategies as st

from segmenter.report.gallery import EXTRA, MISSED, RIGHT, Gallery, confidence, error_areas, error_map
from utils.config import Config
from utils.inference import Prediction, seen_size


def test_wrong_annotations_are_found_and_doubted(evaluation, saved, changed_names):
    """The three masks that were made wrong are the failures, and the model's sureness gives them away."""
    failed = [f for f in saved["failures"] if f["image"] in changed_names]
    assert {f["image"] for f in failed} == changed_names
    doubted = [any(r["kind"] == "odd annotation?" for r in f["reasons"]) for f in failed]
    assert np.mean(doubted) > 0.7
    assert saved["causes"]["odd annotation?"] == sum(doubted) + sum(
        r["kind"] == "odd annotation?"
        for f in saved["failures"]
        if f["image"] not in changed_names
        for r in f["reasons"]
    )
    worst = [card.failed[0].iou for card in evaluation.gallery.cards]
    assert worst == sorted(worst)


def test_the_error_map_is_orange_blue_and_grey():
    truth = np.array([[1, 1, 2, 0], [0, 0, 255, 2]], np.uint8)
    found = np.array([[1, 0, 1, 1], [0, 2, 1, 2]], np.uint8)
    painted = error_map(np.zeros((2, 4, 3), np.uint8), truth, found, [1])
    pale = (170, 170, 170)
    wanted = [[RIGHT, MISSED, EXTRA, EXTRA], [pale, pale, pale, pale]]
    assert [[tuple(pixel) for pixel in row] for row in painted.tolist()] == wanted
    both = error_map(np.zeros((2, 4, 3), np.uint8), truth, found, [1, 2])  # one taken for the other: missed
    wanted = [[RIGHT, MISSED, MISSED, EXTRA], [pale, EXTRA, pale, RIGHT]]
    assert [[tuple(pixel) for pixel in row] for row in both.tolist()] == wanted


@given(st.integers(0, 2**32 - 1), st.sets(st.integers(0, 3), min_size=1))
def test_no_pixel_is_two_things_in_the_error_map(seed, wrong):
    rng = np.random.default_rng(seed)
    truth, found = rng.choice([0, 1, 2, 3, 255], (6, 7)), rng.integers(0, 4, (6, 7))
    areas = error_areas(truth, found, sorted(wrong))
    assert (np.sum(areas, axis=0) <= 1).all()
    assert not np.any(areas, axis=0)[truth == 255].any()
    missed, extra, _ = areas
    touched = np.isin(truth, list(wrong)) | np.isin(found, list(wrong))
    assert ((missed | extra) == ((truth != found) & (truth != 255) & touched)).all()


def test_only_the_worst_keep_images_and_the_others_are_listed(tmp_path, oracle):
    """Whatever the order in which images come, the gallery ends with the same cards."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (9, 40, 50)).astype(np.uint8)
    image = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    ious = torch.tensor([[0.9, v, 0.8] for v in (0.4, 0.1, 0.6, 0.2, 0.1, 0.5, 0.3, float("nan"), 0.0)])
    for order in (range(9), reversed(range(9)), rng.permutation(9)):
        gallery = Gallery(oracle(), most_drawn=3)
        for i in map(int, order):
            chances = np.full((3, 40, 50), 1 / 3, np.float32)
            gallery.add(i, image, truth[i], Prediction(truth[i - 1], chances), ious[i])
        assert [card.index for card in gallery.cards] == [8, 1, 4, 3, 6, 0, 5]
        assert [len(card.images) for card in gallery.cards] == [4, 4, 4, 0, 0, 0, 0]


def test_a_large_image_leaves_little_behind(oracle):
    """6 megapixels: what the gallery keeps is small, and thickness is told as the model sees it."""
    truth = np.zeros((2000, 3000), np.uint8)
    truth[1000:1020] = 1
    image = np.full((2000, 3000, 3), 120, np.uint8)
    predictor = oracle()
    predictor.config = Config(dataset="folder", root=".", classes=CLASSES, framing="crop", max_side=750)
    gallery = Gallery(predictor)
    found = Prediction(np.zeros_like(truth), np.full((3, 2000, 3000), 1 / 3, np.float32))
    gallery.add(0, image, truth, found, torch.tensor([0.99, 0.0, float("nan")]))
    (card,) = gallery.cards
    assert sum(len(data) for data, _ in card.images.values()) < 50_000
    assert card.size == (2000, 3000)
    assert "thin (20 px, 5.0 as the model sees it)" in [r.words for r in card.failed[0].reasons]


def test_confidence_is_that_of_what_was_predicted():
    chance = np.array([[0.7, 0.9, 0.2]], np.float32)
    found = Prediction((chance >= 0.8).astype(np.uint8), chance[None])
    assert confidence(found).ravel().tolist() == pytest.approx([0.3, 0.9, 0.8])
    several = np.array([[[0.7]], [[0.2]], [[0.1]]], np.float32)
    assert confidence(Prediction(np.zeros((1, 1), np.uint8), several)).item() == pytest.approx(0.7)


def test_the_size_that_the_model_sees():
    assert seen_size(Config(framing="resize", image_size=320), (4000, 6000)) == (320, 320)
    assert seen_size(Config(framing="crop", max_side=1500), (4000, 6000)) == (1000, 1500)
    assert seen_size(Config(framing="crop"), (300, 200)) == (300, 200)

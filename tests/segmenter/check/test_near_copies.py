"""segmenter/check/near_copies.py: copies are found again, and different photographs are not mixed up."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmenter.check import check_dataset
from segmenter.check.near_copies import correlate, find_near_copies, fingerprint, shrink_to_grey
from utils import catalog
from utils.config import Config
from utils.images import read_image


def fingerprints_of(images):
    thumbnails = np.stack([shrink_to_grey(image) for image in images])
    return np.stack([np.stack([fingerprint(g), fingerprint(g[:, ::-1])]) for g in thumbnails]), thumbnails


def find(train, test):
    """Pairs (query, match, mirrored), each counted from 0, that `test` shares with `train`."""
    fingerprints, thumbnails = fingerprints_of([*train, *test])
    found = find_near_copies(fingerprints, thumbnails, ["train"] * len(train) + ["test"] * len(test))
    return [(n.query - len(train), n.match, n.mirrored) for n in found]


def scene(seed):
    """A drawn photograph, uint8 (H, W, 3): soft shapes in many tones, and noise."""
    rng = np.random.default_rng(seed)
    height, width = (int(v) for v in rng.integers(120, 260, 2))
    image = np.full((height, width, 3), rng.integers(40, 200, 3), np.uint8)
    for _ in range(25):
        centre = tuple(int(v) for v in rng.integers(0, (width, height)))
        axes = tuple(int(v) for v in rng.integers(8, 70, 2))
        cv2.ellipse(image, centre, axes, int(rng.integers(180)), 0, 360, tuple(map(int, rng.integers(0, 256, 3))), -1)
    return np.clip(cv2.GaussianBlur(image, (0, 0), 1.5) + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


def jpeg(image, quality=60):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def resized(image, factor):
    kind = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=kind)


def relit(image, factor, offset):
    return np.clip(image.astype(float) * factor + offset, 0, 255).astype(np.uint8)


def cropped(image, share, place):
    height, width = image.shape[:2]
    top, left = round(place * height * share), round((1 - place) * width * share)
    return image[top : top + round(height * (1 - share)), left : left + round(width * (1 - share))]


ALTER = {
    "JPEG 60": jpeg,
    "half size": lambda i: resized(i, 0.5),
    "larger": lambda i: resized(i, 1.7),
    "lighter": lambda i: relit(i, 1.15, 10),
    "darker": lambda i: relit(i, 0.85, 0),
    "cropped": lambda i: cropped(i, 0.02, 0.3),
    "mirrored": lambda i: i[:, ::-1].copy(),
    "all of it": lambda i: jpeg(relit(resized(cropped(i[:, ::-1], 0.02, 0.8), 0.6), 1.1, 5)),
}


@given(
    seed=st.integers(0, 10**6),
    quality=st.integers(60, 95),
    factor=st.floats(0.5, 1.7),
    light=st.floats(0.85, 1.15),
    share=st.floats(0, 0.02),
    place=st.floats(0, 1),
    mirror=st.booleans(),
)
def test_altered_copies_of_drawn_photographs_are_found(seed, quality, factor, light, share, place, mirror):
    known = [scene(seed + k) for k in range(3)]
    image = known[1][:, ::-1] if mirror else known[1]
    altered = jpeg(relit(resized(cropped(image, share, place), factor), light, 0), quality)
    assert find(known, [altered]) == [(0, 1, mirror)]


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_different_drawn_photographs_are_not_mixed_up(seed):
    assert find([scene(seed + k) for k in range(6)], [scene(seed + k) for k in range(6, 12)]) == []


@pytest.mark.parametrize("alter", ALTER)
def test_altered_copies_of_real_photographs_are_found(alter, human):
    images = [read_image(pair.image) for pair, _ in human.labelled()[::6]]
    found = find(images, [ALTER[alter](image) for image in images])
    assert [(query, match) for query, match, _ in found] == [(i, i) for i in range(len(images))]


def test_real_photographs_give_no_false_alarm(human_report, shared_data):
    """Every photograph is compared with every other: once each way round, as training or as test image."""
    voc = check_dataset(catalog.load(Config.preset("voc", root=shared_data("voc"))))
    for report in (human_report, voc):
        fingerprints, thumbnails = (
            np.stack([getattr(m, name) for m in report.measurements]) for name in ("fingerprints", "thumbnail")
        )
        places = np.arange(len(fingerprints))
        found = set()
        for bit in range(9):  # two different numbers below 512 differ in one of nine bits
            splits = np.where(places >> bit & 1, "train", "test").tolist()
            found |= {frozenset((n.query, n.match)) for n in find_near_copies(fingerprints, thumbnails, splits)}
        names = [sorted(report.measurements[i].pair.image.name for i in pair) for pair in found]
        assert names == ([["102.jpg", "270.jpg"]] if report is human_report else [])


def test_images_of_one_tone_are_copies_of_nothing():
    flat = [np.full((50, 60, 3), tone, np.uint8) for tone in (0, 90, 255)]
    assert find(flat, [*flat, scene(0)]) == []
    assert correlate(shrink_to_grey(flat[1]), shrink_to_grey(flat[1])) == 0


def test_the_closest_one_is_named_and_each_image_once():
    original = scene(3)
    assert find([jpeg(original), original, cropped(original, 0.02, 0.5)], [original.copy()]) == [(0, 1, False)]


def test_only_other_splits_are_searched():
    fingerprints, thumbnails = fingerprints_of([scene(1)] * 4)
    assert find_near_copies(fingerprints, thumbnails, ["train", "train", None, None]) == []
    assert [(n.query, n.match) for n in find_near_copies(fingerprints, thumbnails, ["val", "train", "test", None])] == [
        (0, 1),
        (2, 0),
    ]
    assert find_near_copies(fingerprints, thumbnails, ["test"] * 4) == []


def test_many_frames_of_a_still_camera_are_listed_once_each():
    fingerprints, thumbnails = fingerprints_of([scene(1)])
    count = 3000
    splits = ["train" if i % 2 else "test" for i in range(count)]
    found = find_near_copies(np.repeat(fingerprints, count, 0), np.repeat(thumbnails, count, 0), splits)
    assert len(found) == count / 2


def test_time_grows_no_faster_than_the_square():
    rng = np.random.default_rng(0)
    fingerprints = rng.integers(0, 256, (8000, 2, 64), dtype=np.uint8)
    thumbnails = rng.integers(0, 256, (8000, 32, 32), dtype=np.uint8)
    start = time.perf_counter()
    assert find_near_copies(fingerprints, thumbnails, ["train"] * 6400 + ["test"] * 1600) == []
    assert time.perf_counter() - start < 20  # 0.3 s on one core that is free

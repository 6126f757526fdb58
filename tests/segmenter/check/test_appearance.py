"""segmenter/check/appearance.py: how a pair looks, in numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmenter.check.appearance import histogram, measure_appearance


@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 40))
def test_histograms_count_as_numpy_does(seed, height, width):
    values = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    assert histogram(values).tolist() == np.bincount(values.ravel(), minlength=256).tolist()


def test_an_appearance_by_hand():
    image = np.full((64, 64, 3), 100, np.uint8)
    image[16:32, 16:32] = 180
    mask = np.zeros((64, 64), np.uint8)
    mask[16:32, 16:32] = mask[40:44, 60:64] = 1
    found = measure_appearance(image, mask, 2)
    assert found.brightness == pytest.approx(105)
    assert found.contrast == pytest.approx(np.std([180] * 256 + [100] * (4096 - 256)))
    assert found.regions == 2
    assert found.touched_borders == 1
    assert 20 < found.colour_distance < 80
    assert measure_appearance(image, np.full_like(mask, 255), 2).regions == 0


def test_a_hidden_object_is_closer_to_its_surroundings_than_a_bright_one():
    mask = np.zeros((64, 64), np.uint8)
    mask[16:40, 16:40] = 1
    distances = []
    for tone in (104, 140, 250):
        image = np.full((64, 64, 3), 100, np.uint8)
        image[mask == 1] = tone
        distances.append(measure_appearance(image, mask, 2).colour_distance)
    assert distances == sorted(distances)
    assert distances[0] < 5 < distances[1]

"""utils/dataset.py: pictures of 1, 3 or 4 channels with 8 or 16 bits all become the same uint8 RGB."""

import cv2
import numpy as np
import pytest
import torch
from helpers import draw_pair
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from utils.dataset import SegmentationDataset
from utils.images import open_image, read_image, shrink_pair, shrunk_size, to_eight_bits


def stored(path, image, channels, bits):
    """Write a picture as OpenCV does: BGR order, 8 or 16 bits (8-bit values times 257, as PNG defines them)."""
    alpha = np.full((*image.shape[:2], 1), 200, np.uint8)
    arrays = {
        1: image[..., 0],
        3: image[..., ::-1],
        4: np.concatenate([image[..., ::-1], alpha], axis=2),
    }
    values = arrays[channels]
    assert cv2.imwrite(str(path), values.astype(np.uint16) * 257 if bits == 16 else values)
    return path


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_every_depth_and_channel_count_becomes_the_same_rgb(ending, channels, bits, tmp_path):
    image = draw_pair(3)[0]
    image[0, 0] = 255  # the largest value becomes 255: here nothing is scaled
    path = stored(tmp_path / f"a.{ending}", image, channels, bits)
    found = read_image(path)
    assert (found.dtype, found.shape) == (np.uint8, (40, 48, 3))
    expected = np.repeat(image[..., :1], 3, axis=2) if channels == 1 else image
    assert np.abs(found.astype(int) - expected).max() <= 1
    if bits == 16 and channels > 1:
        assert open_image(path).info["bits"] == 16


@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits_in_sixteen_keep_their_detail(channels, tmp_path):
    """A camera of 12 bits: dropping the lower byte would leave 16 grey values."""
    ramp = np.linspace(0, 4095, 40 * 48).astype(np.uint16).reshape(40, 48)
    cv2.imwrite(str(tmp_path / "a.png"), ramp if channels == 1 else np.repeat(ramp[..., None], 3, axis=2))
    found = read_image(tmp_path / "a.png")
    assert len(np.unique(found)) == 256
    assert found.max() == 255


@given(st.integers(1, 40_000), st.sampled_from([np.uint16, np.int32, np.float32]))
def test_the_largest_value_becomes_255_and_order_is_kept(largest, kind):
    values = np.linspace(0, largest, 50).astype(kind)
    scaled = to_eight_bits(values)
    assert scaled.max() == (255 if largest >= 1 else 0)
    assert (np.diff(scaled.astype(int)) >= 0).all()


def test_what_is_no_number_becomes_black():
    assert to_eight_bits(np.array([np.nan, np.inf, -3.0, 0.0, 10.0])).tolist() == [0, 0, 0, 0, 255]


@given(st.integers(1, 300), st.integers(1, 300), st.integers(32, 200))
def test_shrinking_keeps_proportions_and_leaves_small_pictures_alone(height, width, most):
    new = shrunk_size(height, width, most)
    image, mask = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    found = shrink_pair(image, mask, most)
    assert found[0].shape[:2] == found[1].shape == new
    if max(height, width) <= most:
        assert found[0] is image
    else:
        assert max(new) == most
        assert abs(new[0] * width - new[1] * height) <= max(height, width)  # within one pixel


def test_a_data_set_with_max_side_serves_shrunk_pairs(pairs):
    from utils import catalog
    from utils.config import Config

    source = catalog.load(Config(dataset="folder", root=pairs, classes=("a", "b", "c")))
    image, mask = SegmentationDataset(source.pairs("train"), source, max_side=32)[0]
    assert (image.shape, mask.shape) == ((3, 27, 32), (27, 32))
    expected = shrink_pair(*draw_pair(0), 32)
    assert torch.equal(mask, torch.from_numpy(expected[1]).long())


def test_a_prediction_has_the_size_of_its_picture_whatever_max_side_says(trained, tmp_path):
    from utils.inference import Predictor

    predictor = Predictor.from_run(trained)
    predictor.config = predictor.config.override(max_side=48)
    image = draw_pair(1, (90, 130))[0]
    found = predictor(image)
    assert found.mask.shape == (90, 130)
    assert found.probabilities.shape == (3, 90, 130)
    small = cv2.resize(image, (48, 33), interpolation=cv2.INTER_AREA)
    coarse = predictor(small).mask
    back = np.array(Image.fromarray(coarse).resize((130, 90), Image.Resampling.NEAREST))
    assert (back == found.mask).mean() > 0.85

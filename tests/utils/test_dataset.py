"""utils/dataset.py: pairs are checked, resized, augmented and served as tensors."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, draw_pair, snapshot
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.functional import pil_to_tensor

from utils import catalog
from utils.catalog.base import Pair
from utils.config import Config
from utils.dataset import SegmentationDataset, pair_faults, read_pair, to_tensors
from utils.errors import DataError
from utils.images import read_image, read_mask


@pytest.fixture
def source(pairs):
    return catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))


@given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 99), flip=st.booleans())
def test_tensors_as_torchvision_makes_them(height, width, seed, flip):
    rng = np.random.default_rng(seed)
    image, mask = rng.integers(0, 256, (height, width, 3), dtype=np.uint8), rng.integers(0, 256, (height, width))
    image, mask = (image[:, ::-1], mask[:, ::-1]) if flip else (image, mask)
    x, y = to_tensors(image, mask.astype(np.uint8))
    assert torch.equal(x, pil_to_tensor(Image.fromarray(np.ascontiguousarray(image))))
    assert y.dtype == torch.int64
    assert y.tolist() == mask.tolist()


# ---------------------------------------------------------------- pairs
def test_a_smaller_mask_is_enlarged_by_nearest_neighbour(pairs, source):
    path = pairs / "masks" / "00.png"
    mask = np.array(Image.open(path))[::2, ::2]
    Image.fromarray(mask).save(path)
    image, found = read_pair(source.pairs("train")[0], source)
    assert image.shape == (40, 48, 3)
    assert (found == np.kron(mask, np.ones((2, 2), np.uint8))).all()
    assert found.dtype == np.uint8


@pytest.mark.parametrize(("size", "fits"), [((48, 40), True), ((96, 80), True), ((97, 80), True), ((50, 40), False)])
def test_which_sizes_are_one_picture(size, fits, pairs, source):
    with Image.open(pairs / "masks" / "00.png") as mask:
        mask.resize(size, Image.Resampling.NEAREST).save(pairs / "masks" / "00.png")
    pair = source.pairs("train")[0]
    if fits:
        assert read_pair(pair, source)[1].shape == (40, 48)
    else:
        with pytest.raises(DataError, match="not one picture"):
            read_pair(pair, source)


@pytest.mark.parametrize("value", [3, 200, 254])
def test_labels_outside_are_counted_and_255_is_not_one(value, pairs, source):
    mask = np.full((40, 48), 255, np.uint8)
    mask[0, :7] = value
    Image.fromarray(mask).save(pairs / "masks" / "00.png")
    with pytest.raises(DataError) as error:
        read_pair(source.pairs("train")[0], source)
    assert_clear(error, "masks/00.png", "7 pixels", f"labelled {value}", "0-2", "255")


@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    mask_size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    few=st.lists(st.sampled_from([0, 1, 2, 3, 7, 254, 255, 256, -1]), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_faults_of_a_pair(size, mask_size, few, seed):
    """Against the definition in fractions, pixel by pixel."""
    mask = np.random.default_rng(seed).choice(few, mask_size)
    found = pair_faults(np.zeros((*size, 3), np.uint8), mask, 3)
    ratio = Fraction(mask_size[1], mask_size[0]) / Fraction(size[1], size[0])
    labels = {int(value) for value in mask.flat}
    expected = {"shape"} if abs(ratio - 1) > Fraction(2, 100) else set()
    expected |= {"labels"} if labels - {0, 1, 2, 255} else set()
    expected |= {"empty"} if labels == {255} else set()
    assert set(found) == expected
    assert len(found) == len(expected)


def test_real_photographs_with_smaller_masks_and_grey_ones(human, human_report):
    by_name = {p.image.name: p for p, _ in human.labelled()}
    small = by_name[human_report.notes["mask of another size (resized)"][0].replace("png", "jpg")]
    for pair in (small, by_name["56.jpg"], by_name["97.jpg"]):
        image, mask = read_pair(pair, human)
        assert image.shape == (*mask.shape, 3)
        assert set(np.unique(mask)) == {0, 1}
    assert read_mask(small.mask).shape != read_image(small.image).shape[:2]
    grey = read_image(by_name["56.jpg"].image)
    assert (grey == grey[..., :1]).all()


# ---------------------------------------------------------------- the data set
def test_shapes_and_types(source):
    data = SegmentationDataset(source.pairs("train"), source)
    image, mask = data[0]
    expected = draw_pair(0)
    assert image.dtype == torch.uint8
    assert mask.dtype == torch.int64
    assert (image.permute(1, 2, 0).numpy() == expected[0]).all()
    assert (mask.numpy() == expected[1]).all()
    assert len(data) == 8


def test_resizing_squares_both_and_keeps_ids_whole(source):
    image, mask = SegmentationDataset(source.pairs("train"), source, resize=17)[0]
    assert image.shape == (3, 17, 17)
    assert mask.shape == (17, 17)
    assert set(mask.unique().tolist()) <= {0, 1, 2, 255}


def test_the_transform_sees_arrays_and_its_result_is_served(source):
    seen = []

    def transform(image, mask):
        seen.append((image.shape, image.dtype, mask.shape, mask.dtype))
        return image[:8, :9], mask[:8, :9]

    image, mask = SegmentationDataset(source.pairs("train"), source, transform)[1]
    assert seen == [((40, 48, 3), np.uint8, (40, 48), np.uint8)]
    assert (image.shape, mask.shape) == ((3, 8, 9), (8, 9))


@pytest.mark.parametrize("resize", [None, 24])
def test_after_preloading_no_file_is_read_again_and_nothing_differs(resize, pairs, source):
    fresh = SegmentationDataset(source.pairs("val"), source, resize=resize)
    expected = [fresh[i] for i in range(2)]
    loaded = SegmentationDataset(source.pairs("val"), source, resize=resize).preload()
    for path in pairs.rglob("*.png"):
        path.unlink()
    for (image, mask), index in zip(expected, range(2), strict=True):
        assert torch.equal(loaded[index][0], image)
        assert torch.equal(loaded[index][1], mask)


def test_reading_changes_no_file(pairs, source):
    before = snapshot(pairs)
    SegmentationDataset(source.pairs("train"), source).preload()
    assert snapshot(pairs) == before


def test_a_missing_file_is_named(source, tmp_path):
    data = SegmentationDataset([Pair(tmp_path / "no.png", tmp_path / "no_mask.png", "g")], source)
    with pytest.raises(DataError) as error:
        data[0]
    assert_clear(error, tmp_path / "no.png", "no file")

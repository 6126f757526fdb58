"""utils/dataset.py: reading, decoding, splitting and serving pairs, and no crash on damaged bytes."""

import io
import random
from fractions import Fraction

import cv2
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
from utils.images import decode_binary, decode_ids, decode_rgb, read_image, read_mask, resize_pair, rgb_to_ids
from utils.splits import split_by_group


@pytest.fixture
def source(pairs):
    return catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))


# ---------------------------------------------------------------- reading
@pytest.mark.parametrize(
    ("mode", "ending"),
    [("RGB", "png"), ("RGB", "bmp"), ("RGB", "tif"), ("RGBA", "png"), ("L", "png"), ("P", "png"), ("CMYK", "tif"),
     ("1", "png"), ("LA", "png"), ("RGB", "jpg"), ("RGB", "webp"), ("CMYK", "jpg")],
)  # fmt: skip
def test_every_kind_of_picture_becomes_rgb(mode, ending, tmp_path):
    plain = Image.fromarray(draw_pair(0)[0])
    plain.convert(mode).save(tmp_path / f"a.{ending}")
    image = read_image(tmp_path / f"a.{ending}")
    assert image.shape == (40, 48, 3)
    assert image.dtype == np.uint8
    if ending in ("png", "bmp", "tif") and mode in ("RGB", "RGBA"):
        assert (image == np.array(plain)).all()
    if mode in ("L", "LA", "1"):
        assert (image == image[..., :1]).all()
        assert image.std() > 10


def test_red_stays_red(tmp_path):
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    assert read_image(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_more_than_8_bits_are_scaled(dtype, tmp_path):
    values = np.array([[0, 1000], [2000, 4000]], dtype)
    Image.fromarray(values).save(tmp_path / "deep.tif")
    assert read_image(tmp_path / "deep.tif")[..., 0].tolist() == [[0, 63], [127, 255]]


def test_a_turned_photograph_is_put_upright(tmp_path):
    picture = Image.fromarray(draw_pair(0)[0])
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    assert read_image(tmp_path / "turned.jpg").shape == (48, 40, 3)


def picture_bytes(kind, seed=0):
    image, mask = draw_pair(seed)
    buffer = io.BytesIO()
    if kind == "P":
        coded = Image.fromarray(mask, mode="P")
        coded.putpalette(list(range(256)) * 3)
        coded.save(buffer, "PNG")
    else:
        Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


FORMATS = ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "P"]


@given(kind=st.sampled_from(FORMATS), share=st.floats(0, 1), flips=st.lists(st.floats(0, 0.999), max_size=4))
def test_damaged_bytes_give_a_picture_or_one_sentence(tmp_path_factory, kind, share, flips):
    data = bytearray(picture_bytes(kind))
    data = data[: int(share * len(data))]
    for place in flips:
        if data:
            data[int(place * len(data))] ^= 0xFF
    path = tmp_path_factory.getbasetemp() / "damaged.png"
    path.write_bytes(data)
    for read in (read_image, read_mask):
        try:
            assert read(path).dtype.kind in "uif"
        except DataError as error:
            assert_clear(error, path.name)


def test_a_huge_picture_is_refused_with_a_sentence(tmp_path, monkeypatch):
    Image.fromarray(draw_pair(0)[0]).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError) as error:
        read_image(tmp_path / "bomb.png")
    assert_clear(error, "bomb.png", "cannot be read")


def test_masks_are_read_as_stored(tmp_path):
    mask = draw_pair(0)[1]
    coded = Image.fromarray(mask, mode="P")
    coded.putpalette([(7 * i) % 256 for i in range(768)])
    coded.save(tmp_path / "p.png")
    Image.fromarray(mask).save(tmp_path / "l.png")
    Image.fromarray(mask.astype(np.uint16)).save(tmp_path / "i.png")
    Image.fromarray(mask == 1).save(tmp_path / "1.png")
    for name in ("p", "l", "i"):
        assert (read_mask(tmp_path / f"{name}.png") == mask).all()
    assert (read_mask(tmp_path / "1.png") == (mask == 1)).all()
    assert read_mask(tmp_path / "1.png").dtype == np.uint8


@given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 99), flip=st.booleans())
def test_tensors_as_torchvision_makes_them(height, width, seed, flip):
    rng = np.random.default_rng(seed)
    image, mask = rng.integers(0, 256, (height, width, 3), dtype=np.uint8), rng.integers(0, 256, (height, width))
    image, mask = (image[:, ::-1], mask[:, ::-1]) if flip else (image, mask)
    x, y = to_tensors(image, mask.astype(np.uint8))
    assert torch.equal(x, pil_to_tensor(Image.fromarray(np.ascontiguousarray(image))))
    assert y.dtype == torch.int64
    assert y.tolist() == mask.tolist()


@pytest.mark.parametrize("note", range(1, 9))
def test_photographs_are_turned_as_opencv_turns_them(note, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = note
    Image.fromarray(draw_pair(note)[0]).save(tmp_path / "a.jpg", exif=exif, quality=95)
    other = cv2.imread(str(tmp_path / "a.jpg"))[..., ::-1]
    assert read_image(tmp_path / "a.jpg").shape == other.shape
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - other).max() <= 3  # two decoders


# ---------------------------------------------------------------- decoding
def test_decoders(tmp_path):
    raw = np.array([[0, 1, 255]], np.uint8)
    assert decode_ids(raw, tmp_path).tolist() == [[0, 1, 255]]
    assert decode_binary(raw, tmp_path).tolist() == [[0, 1, 1]]
    assert decode_ids(raw, tmp_path).dtype == decode_binary(raw, tmp_path).dtype == np.int64
    colours = np.array([[(1, 2, 3), (9, 9, 9)]], np.uint8)
    assert decode_rgb(colours, [(9, 9, 9), (1, 2, 3)], tmp_path).tolist() == [[1, 0]]
    with pytest.raises(DataError) as error:
        decode_ids(colours, tmp_path / "a.png")
    assert_clear(error, "a.png", "colour", "class table")


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


# ---------------------------------------------------------------- splits
@given(groups=st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_no_group_is_ever_in_two_splits(groups, seed):
    found = split_by_group(groups, seed=seed)
    assert len(found) == len(groups)
    assert set(found) <= {"train", "val", "test"}
    for group in set(groups):
        assert len({split for g, split in zip(groups, found, strict=True) if g == group}) == 1
    assert found == split_by_group(groups, seed=seed)


def test_a_split_does_not_depend_on_the_order_of_files():
    groups = [f"g{i // 2}" for i in range(40)]
    mixed = random.Random(0).sample(groups, len(groups))
    assert dict(zip(groups, split_by_group(groups), strict=True)) == dict(
        zip(mixed, split_by_group(mixed), strict=True)
    )


@pytest.mark.parametrize("count", [10, 50, 333])
def test_shares_are_kept(count):
    found = split_by_group([str(i) for i in range(count)], (0.7, 0.2, 0.1), seed=3)
    for split, share in (("train", 0.7), ("val", 0.2), ("test", 0.1)):
        assert abs(found.count(split) - share * count) < 2
    assert found != split_by_group([str(i) for i in range(count)], (0.7, 0.2, 0.1), seed=4)


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


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.booleans())
def test_a_pair_is_resized_as_torch_resizes_it(seed, height, width, factor, shrinks):
    """By whole factors, where every library agrees what the mean and the nearest pixel are (torch is the oracle)."""
    rng = np.random.default_rng(seed)
    high, wide = (height * factor, width * factor) if shrinks else (height, width)
    image, mask = rng.integers(0, 256, (high, wide, 3), np.uint8), rng.integers(0, 256, (high, wide), np.uint8)
    target = (height, width) if shrinks else (height * factor, width * factor)
    small, ids = resize_pair(image, mask, *target)
    assert (small.shape, small.dtype, ids.shape, ids.dtype) == ((*target, 3), np.uint8, target, np.uint8)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    if shrinks:
        mean = torch.nn.functional.interpolate(planes, target, mode="area")[0].permute(1, 2, 0).numpy()
        assert np.abs(small - mean).max() <= 1
    twin = torch.nn.functional.interpolate(torch.from_numpy(mask)[None, None], target, mode="nearest-exact")[0, 0]
    assert np.array_equal(ids, twin.numpy())


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


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 9), st.integers(1, 9))
def test_colours_become_ids_like_a_dictionary_of_pixels(seed, classes, height, width):
    generator = np.random.default_rng(seed)
    palette = np.unique(generator.integers(0, 4, (classes, 3)), axis=0)
    raw = generator.integers(0, 4, (height, width, 3)).astype(np.uint8)
    places = {tuple(colour): index for index, colour in enumerate(palette.tolist())}
    wanted = [[places.get(tuple(pixel), -1) for pixel in row] for row in raw.tolist()]
    assert rgb_to_ids(raw, palette.tolist()).tolist() == wanted

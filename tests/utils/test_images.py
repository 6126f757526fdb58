"""utils/images.py: images of every kind become uint8 RGB, masks become ids, and damaged bytes give one sentence."""

import io
import struct

import cv2
import numpy as np
import pytest
import torch
from helpers import assert_clear, draw_pair
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from utils import formats
from utils.catalog.mask_scan import scan_mask
from utils.dataset import SegmentationDataset
from utils.errors import DataError
from utils.images import (
    decode_binary,
    decode_ids,
    decode_rgb,
    header_size,
    open_image,
    read_image,
    read_mask,
    resize_pair,
    rgb_to_ids,
    shrink_pair,
    shrunk_size,
    to_eight_bits,
)


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
        assert open_image(str(path)).info["bits"] == 16  # a text names a file as well as a Path


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
    assert_clear(error, "bomb.png", "more pixels", "million", "smaller")


def cut_gif():
    """Two frames, the second of which ends after a few bytes."""
    held = io.BytesIO()
    frames = [Image.fromarray(np.full((48, 64), grey, np.uint8)) for grey in (0, 1)]
    frames[0].save(held, "GIF", save_all=True, append_images=frames[1:])
    return held.getvalue()[: held.getvalue().rindex(b",") + 3]


def tiff_without_size():
    """A TIFF whose first tag, its width, counts two values."""
    held = io.BytesIO()
    Image.new("L", (64, 48)).save(held, "TIFF")
    data = bytearray(held.getvalue())
    place = data.index(b"\x00\x01\x04\x00\x01\x00\x00\x00@")
    data[place + 4] = 2
    return bytes(data)


@pytest.mark.parametrize("make", [cut_gif, tiff_without_size])
def test_whatever_a_library_raises_names_the_file(make, tmp_path):
    (tmp_path / "a.tif").write_bytes(make())
    for read in (read_image, read_mask):
        with pytest.raises(DataError) as error:
            read(tmp_path / "a.tif")
        assert_clear(error, "a.tif", "cannot be read", "replace it")
    assert header_size(tmp_path / "a.tif")
    assert scan_mask(tmp_path / "a.tif") is None


@pytest.mark.parametrize("error", [TypeError("x"), IndexError(), struct.error("y"), RuntimeError("z")])
def test_no_step_of_reading_lets_an_error_of_a_library_through(error, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise error

    Image.fromarray(draw_pair(0)[0]).convert("RGBA").save(tmp_path / "a.png")
    for place, name in ((Image.Image, "load"), (Image.Image, "convert"), (ImageOps, "exif_transpose")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, fail)
            with pytest.raises(DataError) as found:
                read_image(tmp_path / "a.png")
            assert_clear(found, "a.png", "cannot be read")


def test_sixteen_bits_that_cannot_be_decoded(tmp_path, monkeypatch):
    cv2.imwrite(str(tmp_path / "a.png"), draw_pair(0)[0].astype(np.uint16))
    monkeypatch.setattr(cv2, "imdecode", lambda *_: None)
    with pytest.raises(DataError) as error:
        read_image(tmp_path / "a.png")
    assert_clear(error, "a.png", "16 bits")


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


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 9), st.integers(1, 9))
def test_colours_become_ids_like_a_dictionary_of_pixels(seed, classes, height, width):
    generator = np.random.default_rng(seed)
    palette = np.unique(generator.integers(0, 4, (classes, 3)), axis=0)
    raw = generator.integers(0, 4, (height, width, 3)).astype(np.uint8)
    places = {tuple(colour): index for index, colour in enumerate(palette.tolist())}
    wanted = [[places.get(tuple(pixel), -1) for pixel in row] for row in raw.tolist()]
    assert rgb_to_ids(raw, palette.tolist()).tolist() == wanted


@pytest.mark.parametrize("name", ["a.heic", "from_a_phone.jpg"])
def test_a_photograph_of_a_phone_names_the_package_that_reads_it(name, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "READS_HEIF", False)
    path = tmp_path / name
    path.write_bytes(b"\0\0\0\x1cftypheic" + bytes(500))
    assert formats.is_image_name("a.heic")  # so that a folder of them is never read as an empty one
    with pytest.raises(DataError) as error:
        open_image(path)
    assert_clear(error, name, "HEIC", "pip install pillow-heif", "JPEG")
    assert error.value.fault.kind == "HEIC photograph"
    monkeypatch.setattr(formats, "READS_HEIF", True)  # and where there is the package, the file is broken
    with pytest.raises(DataError) as error:
        open_image(path)
    assert error.value.fault.kind == "unreadable file"

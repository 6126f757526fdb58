"""segmenter/large: parts give what the whole gives, masks keep their place, a kill costs a row of blocks."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import rasterio
import torch
from helpers import CLASSES, COURSE, assert_clear, assert_sentence, full_disk
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin

from segmenter.large import predict as large
from segmenter.large.blocks import predict_blocks, resize_blocks
from segmenter.large.geotiff import area_of, save_polygons, summarise_mask
from segmenter.large.images import open_large
from segmenter.large.predict import predict_large, predict_mask
from utils.config import Config
from utils.errors import CourseError, DataError
from utils.images import read_image
from utils.inference import SHIPPED, Predictor
from utils.models import build_model
from utils.tiling import predict_tiled, tile_spans

pytestmark = pytest.mark.filterwarnings(
    "ignore::PendingDeprecationWarning", "ignore::rasterio.errors.NotGeoreferencedWarning"
)
PLACE = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_000_000, 0.5, 0.5)}


def make(framing="crop", classes=CLASSES, max_side=None, **options):
    torch.manual_seed(0)
    config = Config(framing=framing, image_size=32, unet_width=4, unet_depth=2, device="cpu", max_side=max_side)
    model = build_model(config, 1 if len(classes) == 2 else len(classes))
    balance(model)
    return Predictor(model, config, classes, ((1, 2, 3), (40, 50, 60), (70, 80, 90))[: len(classes)], **options)


@torch.no_grad()
def balance(model):
    """Let each class be the likeliest somewhere: an untrained model finds one class only, which hides mistakes."""
    images = torch.from_numpy(blocks(8, 8, seed=9).transpose(2, 0, 1).copy())[None]
    for _ in range(20):  # sets the statistics of BatchNorm
        model.train()(images)
    head = [layer for layer in model.modules() if isinstance(layer, torch.nn.Conv2d)][-1]
    head.bias -= model.eval()(images).mean(dim=(0, 2, 3))


def blocks(height, width, seed=0):
    """Draw blocks of 8 x 8 pixels, each of one colour: uint8 (8 height, 8 width, 3)."""
    return np.kron(picture(height, width, seed), np.ones((8, 8, 1), np.uint8))


def write_tiff(path, image, **fields):
    """Write (H, W) or (H, W, C) as a TIFF."""
    bands = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    profile = {"driver": "GTiff", "dtype": image.dtype, "count": len(bands), "height": len(image)}
    with rasterio.open(path, "w", width=image.shape[1], **profile | PLACE | fields) as file:
        file.write(bands)
    return path


def read_tiff(path):
    with rasterio.open(path) as file:
        return file.read(1)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def join(blocks, shape):
    """Lay blocks side by side, and make sure that they cover every pixel once."""
    result, times = None, np.zeros(shape, int)
    for y, x, block in blocks:
        if result is None:
            result = np.full((len(block), *shape), np.nan, np.float32)
        rows, columns = slice(y, y + block.shape[1]), slice(x, x + block.shape[2])
        result[:, rows, columns] = block
        times[rows, columns] += 1
    return result, times


# ---------------------------------------------------------------- blocks
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    tile=st.integers(2, 40),
    share=st.floats(0, 0.95),
    stride=st.sampled_from([1, 2, 4]),
    batch=st.integers(1, 5),
    data=st.data(),
)
def test_blocks_together_are_what_tiles_in_memory_give(size, tile, share, stride, batch, data):
    """For any layout, also with more than two tiles over a pixel, and from any row of blocks on."""
    image = picture(*size)
    rows, columns = (tile_spans(n, tile, int(share * tile), stride) for n in size)

    def model(images):  # what it says depends on the place in the tile: blending matters
        ramp = torch.arange(images.shape[-1]) + 3 * torch.arange(images.shape[-2])[:, None]
        return torch.stack([images[:, 0].float() + ramp, images[:, 1].float() - ramp], dim=1) / 64

    def found_blocks(first=0):
        return predict_blocks(model, lambda r, c: image[r, c], rows, columns, first, batch)

    found, times = join(found_blocks(), size)
    assert (times == 1).all()
    assert np.allclose(found, predict_tiled(model, image, tile, int(share * tile), stride), atol=1e-4)
    first = data.draw(st.integers(0, len(rows) - 1))
    later, times = join(found_blocks(first), size)
    assert (times[: rows[first].low] == 0).all()
    assert (times[rows[first].low :] == 1).all()
    assert np.array_equal(later[:, rows[first].low :], found[:, rows[first].low :])  # to the bit


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
def test_enlarged_blocks_are_what_interpolate_gives(h, w, height, width, side):
    logits = torch.randn(1, 2, h, w, generator=torch.Generator().manual_seed(0))
    found, times = join(resize_blocks(logits, height, width, side=side), (height, width))
    assert (times == 1).all()
    wanted = torch.nn.functional.interpolate(logits, (height, width), mode="bilinear")[0]
    assert np.allclose(found, wanted, atol=1e-4)


# ---------------------------------------------------------------- masks
@pytest.mark.parametrize("framing", ["crop", "resize", "shrunk"])
@pytest.mark.parametrize("classes", [CLASSES, ("rest", "thing")])
def test_a_large_image_gets_the_mask_that_it_gets_in_memory(framing, classes, tmp_path):
    predictor = make("resize" if framing == "resize" else "crop", classes, 70 if framing == "shrunk" else None)
    image = blocks(18, 22)
    np.save(tmp_path / "a.npy", image)
    write_tiff(tmp_path / "a.tif", image)
    wanted = predictor(image).mask
    for source in (tmp_path / "a.npy", tmp_path / "a.tif", image):
        for ending in ("npy", "tif"):
            target = predict_large(predictor, source, tmp_path / "out" / f"mask.{ending}")
            found = np.load(target) if ending == "npy" else read_tiff(target)
            assert (found.dtype, found.shape) == (np.uint8, wanted.shape)
            # Shrunk by GDAL or OpenCV, a picture differs by rounding; elsewhere only equal logits may differ.
            assert (found == wanted).mean() > (0.999 if framing == "crop" else 0.93)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["mask.npy", "mask.tif"]


def test_the_courses_model_maps_a_real_mosaic_as_in_memory(tmp_path, tiny):
    from utils.images import read_image

    predictor = Predictor.from_run(SHIPPED, device="cpu")
    image = read_image(tiny.root / "mosaic.jpg")[:333, :410]
    found = read_tiff(predict_large(predictor, image, tmp_path / "a.tif"))
    assert (found == predictor(image).mask).mean() > 0.9999


@pytest.mark.parametrize("kind", ["uint16", "int16", "float32", "grey", "rgba", "palette"])
def test_bands_of_every_kind(kind, tmp_path):
    """The numbers of the whole image decide how they are scaled, not those of a tile."""
    image = blocks(12, 14)
    image[0, 0] = 255
    expected = image
    if kind in ("uint16", "int16", "float32"):
        write_tiff(tmp_path / "a.tif", (image.astype(np.float64) * 100).astype(kind))
    elif kind == "grey":
        write_tiff(tmp_path / "a.tif", image[..., 0])
        expected = np.repeat(image[..., :1], 3, axis=2)
    elif kind == "rgba":
        alpha = np.full((*image.shape[:2], 1), 255, np.uint8)
        write_tiff(tmp_path / "a.tif", np.concatenate([image, alpha], axis=2), photometric="RGB", alpha="YES")
    else:
        ids = image[..., 0] // 64
        table = {i: (10 * i, 200 - 20 * i, 30 + i, 255) for i in range(4)}
        write_tiff(tmp_path / "a.tif", ids, photometric="palette")
        with rasterio.open(tmp_path / "a.tif", "r+") as file:
            file.write_colormap(1, table)
        expected = np.array([table[i][:3] for i in range(4)], np.uint8)[ids]
    with open_large(tmp_path / "a.tif") as found:
        whole = found.read(slice(0, 96), slice(0, 112))
        part = found.read(slice(40, 72), slice(16, 48))
    assert np.abs(whole.astype(int) - expected).max() <= 1
    assert (part == whole[40:72, 16:48]).all()


def test_bands_are_found_by_their_names_or_chosen(tmp_path):
    image = np.dstack([picture(20, 20), picture(20, 20, 1)[..., :1]])
    path = write_tiff(tmp_path / "a.tif", image)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [rasterio.enums.ColorInterp[n] for n in ("blue", "green", "red", "undefined")]
    everything = slice(0, 20), slice(0, 20)
    with open_large(path) as found:
        assert (found.read(*everything) == image[..., [2, 1, 0]]).all()
    with open_large(path, [4, 3, 2]) as found:
        assert (found.read(*everything) == image[..., [3, 2, 1]]).all()
    with open_large(path, [4]) as found:
        assert (found.read(*everything) == image[..., [3, 3, 3]]).all()


def test_a_mask_keeps_crs_transform_and_nodata(tmp_path):
    image = picture(300, 280)
    image[:100, :130] = 0
    path = write_tiff(tmp_path / "a.tif", image, nodata=0)
    predictor = make()
    with rasterio.open(predict_large(predictor, path, tmp_path / "mask.tif")) as file:
        mask = file.read(1)
        assert file.crs == rasterio.crs.CRS.from_epsg(32632)
        assert file.transform == PLACE["transform"]
        assert file.nodata == 255
        assert file.profile["tiled"]
        assert file.profile["compress"] == "deflate"
        assert (file.profile["blockxsize"], file.profile["blockysize"]) == (256, 256)
        assert [file.colormap(1)[i][:3] for i in range(3)] == list(predictor.palette)
        assert ((file.dataset_mask() == 0) == (image == 0).all(axis=2)).mean() > 0.999
    assert (mask[:100, :130] == 255).all()
    assert (mask[150:] < 3).all()


def test_without_nodata_every_pixel_has_a_class(tmp_path):
    path = write_tiff(tmp_path / "a.tif", np.zeros((40, 40, 3), np.uint8))
    with rasterio.open(predict_large(make(), path, tmp_path / "mask.tif")) as file:
        assert file.nodata is None
        assert file.read(1).max() < 3


def test_polygons_lie_where_the_regions_lie(tmp_path):
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 10:30] = 1
    mask[12:14, 12:14] = 0  # a hole
    mask[30:, :] = 2
    mask[:5, 50:] = 255
    path = write_tiff(tmp_path / "mask.tif", mask)
    found = json.loads(save_polygons(path, tmp_path / "a.geojson", CLASSES).read_text())
    by_class = {f["properties"]["class"]: f for f in found["features"] if f["properties"]["class"] != "ground"}
    assert by_class["house"]["properties"]["area"] == (200 - 4) * 0.25  # square metres
    assert by_class["lake"]["properties"]["area"] == 600 * 0.25
    longitude, latitude = by_class["house"]["geometry"]["coordinates"][0][0]
    assert (longitude, latitude) == pytest.approx(
        [v[0] for v in rasterio.warp.transform("EPSG:32632", "EPSG:4326", [500_005], [4_999_995])], abs=1e-6
    )
    assert sum(f["properties"]["class"] == "ground" for f in found["features"]) == 2  # around, and in the hole


def test_polygons_of_one_foreground_class_leave_the_background_out_and_may_be_in_pixels(tmp_path):
    mask = np.zeros((20, 20), np.uint8)
    mask[5:9, 5:10] = 1
    path = write_tiff(tmp_path / "mask.tif", mask, crs=None, transform=None)
    found = json.loads(save_polygons(path, tmp_path / "a.geojson", ("rest", "thing")).read_text())["features"]
    assert [f["properties"] for f in found] == [{"class": "thing", "id": 1, "area": 20.0}]
    assert sorted(map(tuple, found[0]["geometry"]["coordinates"][0][:4])) == [(5, 5), (5, 9), (10, 5), (10, 9)]


def test_the_area_of_a_ring_with_a_hole():
    square = [(0, 0), (4, 0), (4, 4), (0, 4), (0, 0)]
    hole = [(1, 1), (1, 2), (2, 2), (2, 1), (1, 1)]
    assert area_of({"coordinates": [square, hole]}) == 15


def test_a_mask_in_small(tmp_path):
    mask = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones((300, 200), np.uint8))
    np.save(tmp_path / "a.npy", mask)
    write_tiff(tmp_path / "a.tif", mask)
    for name in ("a.npy", "a.tif"):
        small, counts = summarise_mask(tmp_path / name, 4, 6)
        assert (small == np.kron(np.arange(6).reshape(2, 3), np.ones((2, 2)))).all()
        assert counts[:6].tolist() == [60_000] * 6
        assert counts.sum() == mask.size


# ---------------------------------------------------------------- interrupted
def test_interrupted_work_goes_on_and_ends_in_the_same_mask(tmp_path, monkeypatch):
    predictor, image = make(), blocks(30, 8)
    path = write_tiff(tmp_path / "a.tif", image)
    wanted = read_tiff(predict_large(predictor, path, tmp_path / "whole.tif"))
    strips, rows = large.mask_strips, []

    def broken(predictor, image, starts, first):
        for number, strip in enumerate(strips(predictor, image, starts, first)):
            if number == 3:
                raise KeyboardInterrupt
            yield strip

    monkeypatch.setattr(large, "mask_strips", broken)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            predict_large(predictor, path, tmp_path / "mask.tif")
    assert [p.suffix for p in tmp_path.glob(".mask*")] == [".part"]
    assert not (tmp_path / "mask.tif").exists()
    part = next(tmp_path.glob(".mask*"))
    with part.open("ab") as file:
        file.write(b"\x07" * 100)  # half a row, as a kill leaves it

    def counted(predictor, image, starts, first):
        rows.append(first)
        return strips(predictor, image, starts, first)

    monkeypatch.setattr(large, "mask_strips", counted)
    found = read_tiff(predict_large(predictor, path, tmp_path / "mask.tif"))
    assert rows == [6]
    assert (found == wanted).all()
    assert list(tmp_path.glob(".mask*")) == []


def test_another_image_or_option_starts_anew(tmp_path, monkeypatch):
    path = write_tiff(tmp_path / "a.tif", picture(120, 40))
    first = {}
    for name, predictor in {"a": make(), "b": make(flips=True)}.items():
        with open_large(path) as image:
            first[name] = large.unfinished_path(tmp_path / "mask.tif", predictor, image)
    write_tiff(path, picture(120, 40, 1))
    with open_large(path) as image:
        first["c"] = large.unfinished_path(tmp_path / "mask.tif", make(), image)
    assert len(set(first.values())) == 3
    for part in first.values():
        part.write_bytes(b"left behind")
    predict_large(make(), path, tmp_path / "mask.tif")
    assert list(tmp_path.glob(".mask*")) == []


def test_another_array_of_the_same_size_starts_anew(tmp_path, monkeypatch):
    predictor = make()
    first, second = blocks(30, 8), blocks(30, 8, seed=1)
    strips = large.mask_strips

    def broken(*arguments):
        yield next(strips(*arguments))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(large, "mask_strips", broken)
        with pytest.raises(KeyboardInterrupt):
            predict_large(predictor, first, tmp_path / "mask.npy")
    wanted = predict_mask(predictor, second)
    assert (wanted[:20] != predict_mask(predictor, first)[:20]).any()
    assert (np.load(predict_large(predictor, second, tmp_path / "mask.npy")) == wanted).all()


def test_a_process_that_is_killed(tmp_path, trained):
    """SIGKILL from outside, at no chosen moment; the same command then ends in the mask of an undisturbed one."""
    image = blocks(120, 60)
    path = write_tiff(tmp_path / "a.tif", image)
    command = [sys.executable, "-m", "segmenter", "predict", str(trained), str(path), "--device", "cpu", "--output"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, str(tmp_path / "out")], cwd=COURSE, env=environment, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not any(p.stat().st_size > 20_000 for p in tmp_path.glob("out/.*.part")) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "a_mask.tif").exists()
    done = subprocess.run(
        [*command, str(tmp_path / "out")], cwd=COURSE, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "row" in done.stderr
    wanted = predict_large(Predictor.from_run(trained, device="cpu"), path, tmp_path / "whole.tif")
    assert (read_tiff(tmp_path / "out" / "a_mask.tif") == read_tiff(wanted)).all()


# ---------------------------------------------------------------- what cannot be
def test_a_full_disk_keeps_what_was_done(tmp_path):
    image = picture(200, 100)
    with full_disk(9_000), pytest.raises(DataError) as error:
        predict_large(make(), image, tmp_path / "mask.tif")
    assert_clear(error, tmp_path / "mask.tif", "free some space", "goes on")
    assert next(tmp_path.glob(".mask*.part")).stat().st_size > 4_000
    assert predict_large(make(), image, tmp_path / "mask.tif").is_file()


def test_too_little_room_is_said_before_hours_of_work(tmp_path, monkeypatch):
    monkeypatch.setattr(large.shutil, "disk_usage", lambda path: (0, 0, 10_000))
    with pytest.raises(DataError) as error:
        predict_large(make(), picture(200, 100), tmp_path / "mask.tif")
    assert_clear(error, "needs", "free", tmp_path)


def bad_tiff(tmp_path, kind):
    path = tmp_path / "a.tif"
    if kind == "two bands":
        write_tiff(path, picture(20, 20)[..., :2])
    elif kind == "decibels":
        write_tiff(path, picture(20, 20).astype(np.float32) / 10 - 30)
    elif kind == "truncated":
        write_tiff(path, picture(300, 300), compress="deflate")
        path.write_bytes(path.read_bytes()[:90_000])
    elif kind == "text":
        path.write_text("no picture")
    elif kind == "list of other files":
        path.write_text('<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand band="1"/></VRTDataset>')
    elif kind == "empty":
        path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("two bands", ["2 bands", "red, green and blue", "--bands"]),
        ("decibels", ["numbers from -30 to -4.5", "black", "add one number"]),
        ("truncated", ["cannot be read", "replace it"]),
        ("text", ["cannot be read", "replace it"]),
        ("list of other files", ["cannot be read", "replace it"]),
        ("empty", ["cannot be read", "replace it"]),
        ("missing", ["no file"]),
    ],
)
def test_a_tiff_that_cannot_be_read(kind, words, tmp_path):
    path = bad_tiff(tmp_path, kind)
    with pytest.raises(DataError) as error:
        predict_large(make(), path, tmp_path / "mask.tif")
    assert_clear(error, path, *words)
    assert not (tmp_path / "mask.tif").exists()


@pytest.mark.parametrize("bands", [[1, 2], [0], [1, 2, 9]])
def test_bands_that_are_not_there(bands, tmp_path):
    path = write_tiff(tmp_path / "a.tif", picture(20, 20))
    with pytest.raises(DataError) as error:
        predict_large(make(), path, tmp_path / "mask.tif", bands=bands)
    assert_clear(error, path, "bands 1 to 3", bands)


@pytest.mark.parametrize("kind", ["floats", "objects", "cut", "text", "missing"])
def test_an_array_file_that_is_no_picture(kind, tmp_path):
    path = tmp_path / "a.npy"
    if kind == "floats":
        np.save(path, np.zeros((9, 9)))
    elif kind == "objects":
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif kind == "cut":
        np.save(path, picture(90, 90))
        path.write_bytes(path.read_bytes()[:1000])
    elif kind == "text":
        path.write_text("no array")
    with pytest.raises(DataError) as error:
        predict_large(make(), path, tmp_path / "mask.npy")
    assert_clear(error, path)


@pytest.mark.parametrize("name", ["mask.png", "mask", "mask.jpg"])
def test_a_mask_of_another_kind(name, tmp_path):
    with pytest.raises(DataError) as error:
        predict_large(make(), picture(20, 20), tmp_path / name)
    assert_clear(error, tmp_path / name, ".tif or .npy")


def test_without_rasterio_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(CourseError) as error, open_large(tmp_path / "a.tif"):
        pass
    assert_sentence(str(error.value), "rasterio", "pip install rasterio")


@pytest.mark.parametrize("name", ["a.npy", "a.tif"])
def test_one_hot_pixel_does_not_make_an_image_dark(name, tmp_path):
    values = blocks(40, 50).astype(np.uint16) * 4
    values[7, 9] = 65535
    write_tiff(tmp_path / "whole.tif", values)
    cv2.imwrite(str(tmp_path / "whole.png"), values[..., ::-1])
    np.save(tmp_path / "a.npy", values)
    write_tiff(tmp_path / "a.tif", values)
    with open_large(tmp_path / name) as image:
        found = image.read(slice(0, 320), slice(0, 400))
    assert found.mean() > 60
    for whole in ("whole.png", "whole.tif"):
        assert np.abs(found.astype(int) - read_image(tmp_path / whole)).max() <= 1


def test_no_data_is_black_for_the_network_as_in_training(tmp_path):
    values = picture(40, 50).astype(np.uint16) * 4
    values[:9] = 65535
    write_tiff(tmp_path / "a.tif", values, nodata=65535)
    with open_large(tmp_path / "a.tif") as image:
        found = image.read(slice(0, 40), slice(0, 50))
    assert not found[:9].any()
    assert np.abs(found.astype(int) - read_image(tmp_path / "a.tif")).max() <= 1

"""data/tiny and data/make_tiny.py: the embedded scenes can be drawn again, and their checkpoint holds its score."""

import csv
import importlib.util
import sys

import numpy as np
import pytest
from helpers import COURSE
from PIL import Image

from segmenter.evaluation import report_split
from utils import catalog
from utils.catalog.tiny import Tiny
from utils.checkpoint import load_weights
from utils.config import Config
from utils.inference import SHIPPED, Predictor

FOLDER = COURSE / "data" / "tiny"
AGAIN = ["town01_00", "town03_02", "town05_04", "town06_03", "town08_05", "town10_01", "town11_00", "town12_05"]


@pytest.fixture(scope="module")
def make_tiny():
    spec = importlib.util.spec_from_file_location("make_tiny", COURSE / "data" / "make_tiny.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_tiny"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_tiny"]


def stored(name, folder="masks"):
    path = FOLDER / f"{name}.png" if name == "mosaic" else FOLDER / folder / f"{name}.png"
    if folder == "images":
        path = path.with_suffix(".jpg")
    return np.array(Image.open(path))


@pytest.fixture(scope="module")
def rows():
    with (FOLDER / "splits.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------- drawing again
@pytest.mark.parametrize("name", AGAIN)
def test_a_scene_drawn_again_has_the_same_mask_and_nearly_the_same_picture(name, make_tiny):
    image, mask = make_tiny.draw_named(name)
    assert mask.dtype == np.uint8
    assert (mask == stored(name)).all()
    difference = np.abs(image.astype(int) - stored(name, "images"))
    assert difference.mean() < 5
    assert np.percentile(difference, 99) < 40


def test_files_written_again_have_the_same_mask_bytes(make_tiny, tmp_path):
    for name in AGAIN[:2]:
        make_tiny.save(name, tmp_path / f"{name}.jpg", tmp_path / f"{name}.png", 90)
        with Image.open(tmp_path / f"{name}.png") as mask, Image.open(FOLDER / "masks" / f"{name}.png") as old:
            assert (mask.mode, mask.size) == (old.mode, old.size) == ("P", (256, 256))
            assert mask.tobytes() == old.tobytes()
            assert mask.getpalette() == old.getpalette()


def test_the_mosaic_drawn_again_has_the_same_mask(make_tiny, monkeypatch):
    """Drawn without the finish, which only touches the picture and takes most of the time."""
    monkeypatch.setattr(make_tiny, "finish", lambda rgb, ids, style, seed: rgb)
    assert (make_tiny.draw_named("mosaic")[1] == stored("mosaic")).all()


def test_another_seed_is_another_scene(make_tiny):
    style = make_tiny.TOWNS["town01"]
    masks = [make_tiny.draw_scene(seed, 64, 64, style)[1] for seed in (1, 2)]
    assert (masks[0] != masks[1]).any()
    assert (make_tiny.draw_scene(1, 64, 64, style)[1] == masks[0]).all()


# ---------------------------------------------------------------- what ships
def test_scenes_splits_and_towns(rows, make_tiny):
    assert [(r["name"], r["town"], r["split"]) for r in rows] == make_tiny.scenes()
    assert len(rows) == len({r["name"] for r in rows}) == 72
    assert {s: sum(r["split"] == s for r in rows) for s in ("train", "val", "test")} == {
        "train": 48, "val": 12, "test": 12,
    }  # fmt: skip
    towns = {s: {r["town"] for r in rows if r["split"] == s} for s in ("train", "val", "test")}
    assert not towns["train"] & towns["val"]
    assert not towns["train"] & towns["test"]
    assert not towns["val"] & towns["test"]


def test_every_file_is_there_and_none_else(rows):
    expected = {f"{kind}/{r['name']}.{end}" for r in rows for kind, end in (("images", "jpg"), ("masks", "png"))}
    expected |= {"mosaic.jpg", "mosaic.png", "splits.csv", "LICENSE", "checkpoint.safetensors"}
    assert {p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*") if p.is_file()} == expected


def test_sizes_and_encodings(rows):
    for row in rows:
        with Image.open(FOLDER / "images" / f"{row['name']}.jpg") as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (256, 256))
        with Image.open(FOLDER / "masks" / f"{row['name']}.png") as mask:
            assert (mask.format, mask.mode, mask.size) == ("PNG", "P", (256, 256))
    with Image.open(FOLDER / "mosaic.jpg") as image, Image.open(FOLDER / "mosaic.png") as mask:
        assert image.size == mask.size == (2048, 1536)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_split_shows_every_class_and_ignored_rings(split, rows):
    values = set()
    for row in rows:
        if row["split"] == split:
            values |= set(np.unique(stored(row["name"])).tolist())
    assert values == {0, 1, 2, 3, 4, 5, 255}


def test_rings_are_thin_and_separate_the_classes(rows):
    shares = [(stored(row["name"]) == 255).mean() for row in rows]
    assert 0.02 < np.mean(shares) < 0.25
    mask = stored(rows[0]["name"]).astype(int)
    a, b = mask[:, :-1], mask[:, 1:]
    touching = (a != b) & (a != 255) & (b != 255)
    assert touching.mean() < 0.005


def test_the_data_stay_small():
    sizes = [p.stat().st_size for p in FOLDER.rglob("*") if p.is_file() and p.suffix != ".safetensors"]
    assert sum(sizes) < 4_000_000


def test_names_and_colours_are_those_of_the_catalog(make_tiny, tiny):
    assert make_tiny.CLASSES == tiny.classes == Tiny.classes
    assert [tuple(make_tiny.PALETTE[i]) for i in range(6)] == [tuple(c) for c in tiny.palette]
    with Image.open(FOLDER / "masks" / "town01_00.png") as mask:
        assert mask.getpalette()[:18] == [v for colour in tiny.palette for v in colour]


def test_the_scenes_may_be_used_for_anything():
    assert "CC0 1.0" in (FOLDER / "LICENSE").read_text("utf-8")
    assert "CC0" in Tiny.license


def test_pictures_are_no_colour_code_of_their_masks(tiny):
    """A class is not one brightness: textures, shadows and haze overlap, or there would be nothing to learn."""
    means = {c: [] for c in range(6)}
    for pair in tiny.pairs("train"):
        image, mask = np.array(Image.open(pair.image)).mean(axis=2), np.array(Image.open(pair.mask))
        for c in range(6):
            if (mask == c).sum() > 50:
                means[c].append((image[mask == c].mean(), image[mask == c].std()))
    for c, found in means.items():
        assert np.mean([std for _, std in found]) > 8, tiny.classes[c]


# ---------------------------------------------------------------- the shipped checkpoint
def test_the_shipped_checkpoint_is_small_and_names_its_score():
    assert SHIPPED.stat().st_size < 3_000_000
    _, header = load_weights(SHIPPED)
    assert header["classes"] == Tiny.classes
    assert 0.70 <= header["facts"]["test_score"] <= 1
    assert header["config"].dataset == "tiny"


def test_the_shipped_checkpoint_reaches_the_score_that_it_names(tiny):
    predictor = Predictor.from_run(SHIPPED, device="cpu")
    report = report_split(predictor, tiny, "test")
    assert len(report.pairs) == 12
    assert report.score == pytest.approx(load_weights(SHIPPED)[1]["facts"]["test_score"], abs=0.005)
    assert report.score >= 0.70
    assert report.table.loc["car", "iou"] > 0.3


def test_the_default_configuration_trains_on_the_embedded_scenes():
    source = catalog.load(Config())
    assert isinstance(source, Tiny)
    assert source.root == FOLDER

"""`export-masks`: what was predicted goes to a labelling tool and comes back as it was."""

import json
import shutil

import cv2
import numpy as np
import pytest
from helpers import assert_clear, snapshot, write_pairs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from segmenter.__main__ import main
from segmenter.formats.base import Item, Region
from segmenter.formats.contours import TOLERANCE, joined, trace
from segmenter.formats.drawing import draw
from segmenter.formats.predictions import export_masks
from utils import catalog
from utils.config import Config
from utils.errors import CourseError


def redrawn(mask, tolerance, one_ring):
    regions = [
        Region("a", (joined(outline),)) if one_ring else Region("a", (outline.ring,), tuple(outline.holes))
        for outline in trace(mask, tolerance)
    ]
    return draw(Item("", None, regions), ("background", "a"), *mask.shape) == 1


@pytest.mark.parametrize("one_ring", [False, True])
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.95))
def test_outlines_of_any_mask_give_it_back_to_the_pixel(one_ring, seed, share):
    """Noise is the hardest: single pixels, corners that touch, holes in holes."""
    mask = np.random.default_rng(seed).random((12, 17)) < share
    assert np.array_equal(redrawn(mask, 0, one_ring), mask)


def test_simple_outlines_stay_within_a_pixel_and_have_few_points():
    mask = np.zeros((200, 200), np.uint8)
    cv2.circle(mask, (100, 100), 70, 1, -1)
    cv2.circle(mask, (90, 110), 30, 0, -1)
    found = redrawn(mask > 0, TOLERANCE, True)
    near = cv2.dilate(mask, np.ones((3, 3))) != cv2.erode(mask, np.ones((3, 3)))
    assert not ((found != (mask > 0)) & ~near).any()
    (outline,) = trace(mask > 0)
    assert len(outline.ring) < 80
    assert len(outline.holes) == 1


@pytest.fixture(scope="module")
def predicted(trained, tmp_path_factory):
    """Masks of twelve pictures, as `predict` writes them."""
    root = tmp_path_factory.mktemp("predicted")
    pictures = write_pairs(root / "data") / "images"
    assert main(["predict", str(trained), str(pictures), "--output", str(root / "masks"), "--device", "cpu"]) == 0
    return root / "masks"


@pytest.mark.parametrize("kind", ["coco", "labelme", "yolo"])
def test_masks_come_back_from_a_labelling_tool_as_they_were(kind, predicted, tmp_path, capsys):
    before, out = snapshot(predicted.parent), tmp_path / kind
    assert main(["export-masks", str(predicted), "--format", kind, "--output", str(out), "--tolerance", "0"]) == 0
    told = capsys.readouterr().out
    assert "12 images" in told
    assert f"convert {out} --into" in told
    assert main(["convert", str(out), "--into", str(tmp_path / "back"), "--unlabelled", "background"]) == 0
    back = catalog.load(Config(dataset="folder", root=tmp_path / "back"))
    pairs = [pair for pair, _ in back.labelled()]
    assert len(pairs) == 12
    names = ["ground", "house", "lake"]  # the first is the background of a tool
    for pair in pairs:
        with Image.open(predicted / f"{pair.image.stem}_mask.png") as mask:
            wanted = np.array(mask)
        ids = back.read_ids(pair.mask)
        for index, name in enumerate(names[1:], 1):
            if name in back.classes:
                assert np.array_equal(ids == back.classes.index(name), wanted == index)
            else:
                assert not (wanted == index).any()
    assert snapshot(predicted.parent) == before


def test_coco_is_as_the_format_demands(predicted, tmp_path):
    from pycocotools.coco import COCO

    export_masks(predicted, "coco", tmp_path / "out")
    document = COCO(tmp_path / "out/annotations.json")
    assert [category["name"] for category in document.loadCats(document.getCatIds())] == ["house", "lake"]
    for annotation in document.loadAnns(document.getAnnIds()):
        mask = document.annToMask(annotation)
        assert abs(mask.sum() - annotation["area"]) <= 0.5 * mask.sum() + 2
        assert len(annotation["bbox"]) == 4


def test_labelme_names_the_picture_as_seen_from_its_file(predicted, tmp_path):
    first = export_masks(predicted, "labelme", tmp_path / "out").files[0]
    content = json.loads(first.read_text())
    assert (first.parent / content["imagePath"]).resolve().is_file()


@pytest.mark.parametrize("kind", ["coco", "labelme", "yolo"])
def test_a_prediction_that_cannot_be_outlined_leaves_the_others_alone(kind, predicted, tmp_path, capsys):
    folder, out = tmp_path / "masks", tmp_path / "out"
    shutil.copytree(predicted, folder)
    table = (folder / "predictions.csv").read_text("utf-8")
    header, *rows = table.splitlines()
    mask = rows[0].split(",")[1]
    (folder / mask).rename(folder / mask.replace(".png", ".npy"))  # as a picture that was read in parts has it
    rows[0] = rows[0].replace(mask, mask.replace(".png", ".npy"))
    rows[1] = rows[1].replace(rows[1].split(",")[0], "/nowhere/gone.png")
    broken, lost = (folder / row.split(",")[1] for row in rows[2:4])
    broken.write_bytes(broken.read_bytes()[:60])
    lost.unlink()
    (folder / "predictions.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    assert main(["export-masks", str(folder), "--format", kind, "--output", str(out)]) == 0
    told = capsys.readouterr()
    assert "8 images" in told.out
    for words in ("--polygons", "gone.png was predicted", broken.name, f"{lost.name} is in predictions.csv"):
        assert words in told.err
    assert told.err.count("Left out: ") == 4
    if kind == "coco":
        found = json.loads((out / "annotations.json").read_text("utf-8"))["images"]
    else:
        found = list(out.glob("*.json") if kind == "labelme" else (out / "labels").glob("*.txt"))
    assert len(found) == 8


@pytest.mark.parametrize("name", ["no predictions", "an output in use", "a tolerance below 0", "a lost picture"])
def test_what_cannot_be_exported_is_one_sentence(name, predicted, tmp_path):
    folder, output, tolerance = predicted, tmp_path / "out", 0.5
    if name == "no predictions":
        folder = tmp_path
    elif name == "an output in use":
        output.mkdir()
        (output / "mine.txt").write_text("mine")
    elif name == "a tolerance below 0":
        tolerance = -1
    else:
        folder = tmp_path / "masks"
        folder.mkdir()
        (folder / "predictions.csv").write_text("picture,mask,key,a,b\n/nowhere/x.png,x_mask.png,1,0.5,0.5\n")
    words = {
        "no predictions": ["predictions.csv", "predict"],
        "an output in use": ["not empty", "new folder"],
        "a tolerance below 0": ["tolerance=-1", "pixels"],
        "a lost picture": ["/nowhere/x.png", "put it back"],
    }
    with pytest.raises(CourseError) as error:
        export_masks(folder, "coco", output, tolerance)
    assert_clear(error, *words[name])
    assert not (output / "annotations.json").exists()

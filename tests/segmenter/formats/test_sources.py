"""segmenter/formats/sources.py and listing.py: which picture and which format is meant, or what to do."""

import os
import shutil

import drawn_annotations as drawn
import pytest
from drawn_folders import COUNT, draw, image, save
from helpers import assert_sentence

from segmenter.__main__ import main
from segmenter.formats.base import Annotations, Item
from segmenter.formats.convert import fingerprint
from segmenter.formats.listing import Listing
from segmenter.formats.sources import read
from utils.catalog.places import place_of


def yolo(root):
    return drawn.yolo(root, "{kind}/{number}")


@pytest.mark.parametrize("folder", ["previews", "masks", "a/b"])
@pytest.mark.parametrize("make", [drawn.coco, yolo, drawn.cvat])
def test_pictures_of_the_same_names_elsewhere_are_not_those_that_were_annotated(make, folder, tmp_path):
    make(tmp_path)
    for number in range(2):
        save(tmp_path / f"{folder}/{number}.png", image(number)[::-1].copy())
    found = read(Listing(tmp_path))
    assert [item.image.parent.name for item in found.items if item.is_labelled] == ["images"] * COUNT
    assert found.notes == [f"2 pictures not read, such as {folder}/0.png."]


def test_names_that_several_pictures_have_are_said(tmp_path, capsys):
    drawn.coco(tmp_path / "data")
    (tmp_path / "data/images").rename(tmp_path / "data/a")
    shutil.copytree(tmp_path / "data/a", tmp_path / "data/b")
    assert main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert "6 names that several pictures have, such as 0.png: a/0.png and b/0.png. Name the folder" in told.out
    assert_sentence(told.err, "6 annotated image(s) were not found", "--images")
    more = ["--images", str(tmp_path / "data/a")]
    assert main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out"), *more]) == 0


def shapefile(root):
    for ending in ("shp", "dbf"):
        drawn.write(root / f"fields.{ending}", "1")
    return drawn.coco(root)


@pytest.mark.parametrize("source", [".", "the file"])
@pytest.mark.parametrize(
    ("make", "main_file", "read_with_it"),
    [
        (drawn.panoptic, "annotations/panoptic_val2017.json", "annotations/panoptic_val2017/3.png"),
        (shapefile, "fields.shp", "fields.dbf"),
        (drawn.yolo, "data.yaml", "data.yaml"),
    ],
)
def test_a_file_that_is_read_with_the_annotations_makes_it_another_conversion(
    make, main_file, read_with_it, source, tmp_path
):
    make(tmp_path)
    path = tmp_path if source == "." else tmp_path / main_file

    def key():
        listing = Listing(path)
        images = [Item(image.name, image) for image in listing.pictures]
        return fingerprint(Annotations("x", [tmp_path / main_file], ("background",), images), images, listing, "")

    before = key()
    assert key() == before
    os.utime(tmp_path / read_with_it, ns=(1, 1))
    assert key() != before


@pytest.mark.parametrize(
    ("folder", "split"),
    [("train", "train"), ("train2017", "train"), ("stage1_test", "test"), ("my_own_validation", "val"),
     ("test_set", "test"), ("train-org-img", "train"), ("valimages", "val"), ("val_de_marne", None),
     ("Test of our roof", None), ("contest", None), ("evaluation", None)],
)  # fmt: skip
def test_a_split_is_a_word_of_its_own_and_no_mere_part_of_a_name(folder, split, tmp_path):
    drawn.coco(tmp_path)
    assert Listing(tmp_path).split_of(tmp_path / folder / "0.png") == split
    assert place_of(tmp_path, tmp_path / folder / "0.png").split == split


SPLITS = {
    "train, valid, test": (("train", "valid", "test"), "Splits that the source names: 2 train, 2 val, 2 test."),
    "no validation": (
        ("train", "test"),
        "Splits that the source names: 3 train, 3 test; a tenth of train is drawn for validation.",
    ),
    "no training": (("val", "test"), "none is for training, so all splits are drawn."),
    "some without": (("train", "val", "others"), "2 of the images have none, such as 2.png, so all splits are drawn."),
    "none": (("a", "b"), ""),
}


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("command", ["check", "convert"])
def test_the_splits_that_names_of_folders_say_are_told(name, command, tmp_path, capsys):
    folders, sentence = SPLITS[name]
    drawn.labelme(tmp_path / "data")
    for path in list((tmp_path / "data").iterdir()):
        folder = tmp_path / "data" / folders[int(path.stem) % len(folders)]
        folder.mkdir(exist_ok=True)
        path.rename(folder / path.name)
    assert main([command, str(tmp_path / "data"), *["--into", str(tmp_path / "out")] * (command == "convert")]) == 0
    told = capsys.readouterr().out
    assert sentence in told
    assert ("Splits that the source names" in told) == bool(sentence)


def no_common_name(root):
    draw(root, image_name="images/a{}.png", mask_name="masks/b5{}.png")


def two_ways(root):
    shutil.copytree(draw(root) / "masks", root / "labels")


def unknown_xml(root):
    drawn.write(drawn.images(root / "images").parent / "annotations.xml", "<annotations><track/></annotations>")


def cut_json(root):
    drawn.write(drawn.images(root / "images").parent / "coco.json", '{"images": [')


# name -> (draw, options of convert, words)
NOTHING = {
    "no name in common": (no_common_name, [], ["6 images in images, 6 masks in masks", "`a0.png` and `b50.png`"]),
    "two folders of masks": (two_ways, [], ["2 ways", "masks in labels"]),
    "two folders of masks, named": (two_ways, ["--format", "pairs"], ["2 ways", "masks in labels"]),
    "an XML of no known format": (unknown_xml, [], ["annotations.xml is of none of the formats", "coco, cvat"]),
    "a JSON that is cut off": (cut_json, [], ["coco.json", "no whole JSON file"]),
    "another format": (drawn.labelme, ["--format", "coco"], ["nothing of the format 'coco'", "`--format labelme`"]),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_cannot_be_read_says_what_is_there_and_leads_to_no_dead_end(name, tmp_path, capsys):
    make, options, words = NOTHING[name]
    make(tmp_path / "data")
    assert main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out"), *options]) == 2
    said = capsys.readouterr().err
    assert_sentence(said, *words)
    assert "segmenter convert" not in said
    if not options:
        assert main(["check", str(tmp_path / "data")]) == 2
        assert capsys.readouterr().err == said

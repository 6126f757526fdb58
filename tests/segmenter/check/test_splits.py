"""segmenter/check/splits.py: splits that leak, or lack a class."""

import csv
from contextlib import nullcontext

import numpy as np
import pytest
from helpers import CLASSES, assert_clear, small_config
from PIL import Image

from segmenter.check import check_dataset
from utils import catalog
from utils.config import Config
from utils.errors import DataError
from utils.loaders import get_data_loaders


def test_ids_with_gaps_are_told_apart_from_named_classes_without_a_pixel(pairs, check_folder):
    for path in (pairs / "masks").glob("*.png"):
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 2, 5, mask).astype(np.uint8)).save(path)
    found = check_folder(pairs, classes=None)
    assert found.warnings == {"ids with gaps": ["class 2", "class 3", "class 4"]}
    named = check_folder(pairs, classes=("a", "b", "c", "d", "e", "f"))
    assert (named.warnings, named.notes) == ({}, {"class without a pixel": ["c", "d", "e"]})


def test_a_class_that_one_split_lacks(pairs, check_folder):
    for name in ("08", "09"):
        path = pairs / "masks" / f"{name}.png"
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 2, 0, mask).astype(np.uint8)).save(path)
    found = check_folder(pairs)
    assert found.warnings == {"class missing from a split": ["lake: in train and test, not in val"]}
    assert found.presence["val"].tolist() == [2, 2, 0]
    assert found.presence["train"].tolist() == [8, 8, 8]


ALL_SPLITS = ("train", "val", "test")
UNSCORED = {
    "all ignored": (ALL_SPLITS, 255, CLASSES, ["train", "val"], False),
    "training ignored": (("train",), 255, CLASSES, ["train"], False),
    "validation ignored": (("val",), 255, CLASSES, ["val"], False),
    "validation without foreground": (("val",), 0, ("ground", "thing"), [], True),
    "validation of one class of several": (("val",), 0, CLASSES, [], False),
    "no foreground for training": (("train",), 0, ("ground", "thing"), [], False),
}


@pytest.mark.parametrize("name", UNSCORED)
def test_what_training_refuses_or_warns_of_the_check_does(name, pairs, check_folder, capsys):
    splits, value, classes, refused, warned = UNSCORED[name]
    with (pairs / "pairs.csv").open(newline="") as file:
        split_of = {row["mask"]: row["split"] for row in csv.DictReader(file)}
    for mask, split in split_of.items():
        ids = np.minimum(np.array(Image.open(pairs / mask)), len(classes) - 1)
        Image.fromarray(np.full_like(ids, value) if split in splits else ids).save(pairs / mask)
    meaning = " ".join(f"{index}={index}" for index in range(len(classes)))
    found = check_folder(pairs, classes=classes, mask_values=meaning)
    assert found.errors.get("split without labels", []) == refused
    assert found.ok == (not refused)
    assert found.warnings.get("validation without foreground", []) == ["thing"] * warned
    config = small_config(pairs, pairs / "run", classes=classes, mask_values=meaning)
    capsys.readouterr()
    with pytest.raises(DataError) if refused else nullcontext() as error:
        get_data_loaders(config)
    if refused:
        assert_clear(error, "nothing is labelled")
    assert ("no pixel to validate on is of the class 'thing'" in capsys.readouterr().out) == warned


def test_groups_in_several_splits_are_a_warning_that_counts_them(shared_data):
    camvid = catalog.load(Config.preset("camvid", root=shared_data("camvid")))
    found = check_dataset(camvid)
    assert found.ok
    assert found.warnings["group in several splits"] == ["0001TP: 5 train, 3 test", "0016E5: 13 train, 8 val"]


def number_objects(pairs):
    """Paint 1 to 4 stripes, numbered, in place of the classes of each mask."""
    for number, path in enumerate(sorted((pairs / "masks").glob("*.png"))):
        mask = np.zeros((40, 48), np.uint8)
        for stripe in range(number % 4 + 1):
            mask[:, 10 * stripe : 10 * stripe + 5] = stripe + 1
        Image.fromarray(mask).save(path)


def test_ids_that_count_objects_are_told_from_classes(pairs, check_folder):
    number_objects(pairs)
    found = check_folder(pairs, classes=None)
    assert found.warnings["ids that count objects"] == ["0 to 4"]
    assert "mask_values='0=0 1=1 2=1 3=1'" in str(found)
    mended = check_folder(pairs, classes=None, mask_values="0=0 1=1 2=1 3=1 4=1")
    assert (mended.ok, len(mended.classes), "ids that count objects" in mended.warnings) == (True, 2, False)
    named = check_folder(pairs, classes=("a", "b", "c", "d", "e"))
    assert "ids that count objects" not in named.warnings

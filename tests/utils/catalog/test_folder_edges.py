"""utils/catalog/folder.py: folders as people really have them."""

import os
import shutil

import numpy as np
import pytest
from helpers import CLASSES, assert_clear, drop_splits
from PIL import Image

from segmenter.check import check_dataset
from utils import catalog
from utils.config import Config
from utils.errors import DataError


def folder(root, **fields):
    return catalog.load(Config(dataset="folder", root=root, **fields))


def test_a_csv_with_semicolons_is_read_as_spreadsheets_of_many_countries_write_it(pairs):
    before = folder(pairs, classes=CLASSES).assigned()
    table = pairs / "pairs.csv"
    table.write_text(table.read_text().replace(",", ";"))
    assert folder(pairs, classes=CLASSES).assigned() == before


def test_a_column_names_the_groups(pairs):
    rows = ["image,mask,group"] + [f"images/{n:02d}.png,masks/{n:02d}.png,town {n // 3}" for n in range(12)]
    (pairs / "pairs.csv").write_text("\n".join(rows))
    source = folder(pairs, classes=CLASSES)
    assert {pair.group for pair, _ in source.labelled()} == {f"town {n}" for n in range(4)}
    for seed in range(5):
        groups = [{pair.group for pair in members} for members in source.assigned(seed).values()]
        assert groups[0].isdisjoint(groups[1] | groups[2])
        assert groups[1].isdisjoint(groups[2])


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_two_files_of_one_name_are_not_guessed_between(kind, pairs):
    drop_splits(pairs)
    with Image.open(pairs / kind / "00.png") as picture:
        picture.save(pairs / kind / "00.bmp")
    source = folder(pairs, classes=CLASSES)
    with pytest.raises(DataError) as error:
        source.pairs("train")
    assert_clear(error, f"{kind}/00.", "partner", "add or remove")
    assert not check_dataset(source).ok


@pytest.mark.parametrize("name", ["16 bits", "smooth edges"])
def test_masks_that_hold_no_class_ids_are_not_taken_for_hundreds_of_classes(name, pairs):
    drop_splits(pairs)
    for path in (pairs / "masks").glob("*.png"):
        if name == "16 bits":
            values = np.zeros((40, 48), np.uint16)
            values[:20], values[20:25] = 65535, 1000
        else:
            values = np.linspace(0, 255, 40 * 48).astype(np.uint8).reshape(40, 48)
        Image.fromarray(values).save(path)
    with pytest.raises(DataError) as error:
        folder(pairs)
    assert_clear(error, pairs, "no class ids", "without smooth edges", "name the classes")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
@pytest.mark.parametrize("kind", ["images", "masks"])
def test_a_pipe_in_place_of_a_picture_is_named_and_never_waited_for(kind, pairs):
    (pairs / kind / "03.png").unlink()
    os.mkfifo(pairs / kind / "03.png")
    with pytest.raises(DataError) as error:
        folder(pairs, classes=CLASSES).pairs("train")
    assert_clear(error, f"{kind}/03.png", "pipe", "put the picture")


def test_a_copy_of_a_folder_elsewhere_has_the_same_splits(pairs, tmp_path):
    drop_splits(pairs)
    shutil.copytree(pairs, tmp_path / "moved")
    for way in ("random", "stratified", "hash"):
        first, second = (folder(root, classes=CLASSES, splits=way) for root in (pairs, tmp_path / "moved"))
        assert {s: [p.image.name for p in m] for s, m in first.assigned().items()} == {
            s: [p.image.name for p in m] for s, m in second.assigned().items()
        }

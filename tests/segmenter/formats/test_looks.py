"""segmenter/formats/looks.py: pairs under names that say nothing are told apart by what they show, or left alone."""

import shutil

import numpy as np
import pytest
from drawn_annotations import coco
from drawn_folders import COLOURS, COUNT, ids, image, save
from helpers import assert_clear, snapshot
from PIL import Image

from segmenter import formats
from segmenter.__main__ import main
from segmenter.formats.sources import with_pairs
from utils import catalog
from utils.config import Config
from utils.errors import DataError


def lay_out(root, image_name, mask_name, split="", count=COUNT):
    for number in range(count):
        save(root / image_name.format(n=number + 11, split=split), image(number))
        save(root / mask_name.format(n=number + 11, split=split), ids(number))
    return root


# Layouts as their publishers lay them out; what tells images and masks apart there is only what they show.
PUBLISHED = {
    "IDD": ("leftImg8bit/0/{n}_leftImg8bit.png", "gtFine/0/{n}_gtFine_labellevel3Ids.png"),
    "GlaS": ("{n}.bmp", "{n}_anno.bmp"),
    "CIHP": ("Training/Images/{n}.png", "Training/Category_ids/{n}.png"),
    "ETIS-Larib": ("ETIS/{n}.tif", "ETIS/p{n}.tif"),
    "CamVid, as Cambridge packs it": ("701_StillsRaw_full/{n}.png", "LabeledApproved_full/{n}_L.png"),
    "PH2": ("PH2/IMD{n}/IMD{n}_Dermoscopic_Image/IMD{n}.bmp", "PH2/IMD{n}/IMD{n}_lesion/IMD{n}_lesion.bmp"),
    "CARLA": ("CameraRGB/{n}.png", "CameraSeg/{n}.png"),
    "A2D2": ("camera/front/{n}_camera_front.png", "label/front/{n}_label_front.png"),
    "COCO-Stuff": ("train2017/{n}.jpg", "stuffthingmaps/train2017/{n}.png"),
    "Segments.ai": ("{n}.jpg", "{n}_label_ground-truth.png"),
    "RUGD": ("RUGD_frames-with-annotations/creek/{n}.png", "RUGD_annotations/creek/{n}.png"),
    "SWIMSEG": ("pictures/{n}.png", "GTmaps/{n}_GT.png"),
    "zeros before the number": ("a/000{n}.png", "b/{n}.png"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_layouts_become_the_pairs_that_they_are(name, tmp_path, capsys):
    root = lay_out(tmp_path / "data", *PUBLISHED[name])
    before = snapshot(root)
    assert list(formats.detect(formats.Listing(root))) == ["looks"]
    config = with_pairs(Config(dataset="folder", root=root, output=tmp_path / "run"))
    told = capsys.readouterr().out
    assert "told apart by what they show" in told
    assert " is the mask of " in told
    source = catalog.load(config)
    pairs = sorted(pair for pair, _ in source.labelled())
    assert len(pairs) == COUNT
    for number, pair in enumerate(pairs):  # their names are in the order of their numbers
        assert pair.image.read_bytes() == before[PUBLISHED[name][0].format(n=number + 11)]
        assert np.array_equal(source.read_ids(pair.mask), ids(number))
    assert snapshot(root) == before


def test_towns_with_equal_numbers_are_paired_within_each(tmp_path):
    root = tmp_path / "data"
    for town in ("creek", "trail"):
        lay_out(root, f"frames/{town}/{{n}}.png", f"drawn/{town}/{{n}}.png")
    found = formats.read(formats.Listing(root))
    assert len(found.items) == 2 * COUNT
    for item in found.items:
        assert np.array_equal(item.ids(), ids(int(item.image.stem) - 11))
    # Equal numbers in folders that have no word in common with those of the images are left alone.
    for town, other in (("creek", "one"), ("trail", "two")):
        (root / "drawn" / town).rename(root / "drawn" / other)
    assert formats.detect(formats.Listing(root)) == {}


def test_the_split_in_a_folder_stays(tmp_path):
    for split in ("train", "val"):
        lay_out(tmp_path / "data", "{split}/a/{n}.png", "{split}/b/{n}x.png", split)
    found = formats.read(formats.Listing(tmp_path / "data"))
    assert {item.split for item in found.items} == {"train", "val"}
    assert all(item.split in item.name for item in found.items)


def test_images_without_a_mask_are_not_read_and_counted(tmp_path):
    root = lay_out(tmp_path / "data", "a/{n}.png", "b/{n}.png")
    save(root / "a/99.png", image(3))
    found = formats.read(formats.Listing(root))
    assert len(found.items) == COUNT
    assert any("pictures that are in no pair, 1 in all: a/99.png" in note for note in found.notes)


def photographs_alone(root):
    lay_out(root, "a/{n}.png", "b/{n}.png")
    shutil.rmtree(root / "b")


def two_masks_of_an_image(root):
    lay_out(root, "a/{n}.png", "b/{n}.png")
    lay_out(root, "a/{n}.png", "c/{n}.png")


def a_mask_without_an_image(root):
    lay_out(root, "a/{n}.png", "b/{n}.png")
    (root / "a/12.png").unlink()


def masks_alone(root):
    lay_out(root, "a/{n}.png", "b/{n}.png")
    shutil.rmtree(root / "a")


UNCLEAR = [photographs_alone, two_masks_of_an_image, a_mask_without_an_image, masks_alone]


@pytest.mark.parametrize("make", UNCLEAR)
def test_what_is_not_one_mask_for_each_image_is_left_alone(make, tmp_path):
    make(tmp_path / "data")
    assert formats.detect(formats.Listing(tmp_path / "data")) == {}


def test_a_list_that_names_what_is_not_there_is_not_passed_over(tmp_path):
    root = lay_out(tmp_path / "data", "a/{n}.png", "b/{n}.png")
    (root / "train.txt").write_text("11\n12\n")
    assert formats.detect(formats.Listing(root)) == {}
    with pytest.raises(DataError) as error:
        catalog.load(Config(dataset="folder", root=root))
    assert_clear(error, "train.txt", "11")


def test_annotations_go_before_looks(tmp_path):
    root = tmp_path / "data"
    coco(root)
    lay_out(root, "images/{n}.png", "drawn/{n}.png")
    assert "looks" not in formats.detect(formats.Listing(root))


@pytest.mark.parametrize("mode", ["palette", "black and white JPEG", "colours"])
def test_masks_of_every_kind_are_known_from_photographs(mode, shared_data, tmp_path):
    """Real photographs and masks, under names that say nothing."""
    human, root = shared_data("human"), tmp_path / "data"
    for folder in ("x", "y"):
        (root / folder).mkdir(parents=True)
    for path in sorted((human / "Training_Images").glob("*.jpg"))[:8]:
        shutil.copy(path, root / "x" / path.name)
        mask = np.array(Image.open(human / "Ground_Truth" / f"{path.stem}.png").convert("L")) > 127
        if mode == "palette":
            picture = Image.fromarray(mask.astype(np.uint8), "P")
            picture.putpalette(np.array(COLOURS[:2], np.uint8).tobytes())
            picture.save(root / "y" / f"{path.stem}.png")
        elif mode == "colours":
            Image.fromarray(np.array([(0, 0, 0), (200, 0, 0)], np.uint8)[mask.astype(int)]).save(
                root / "y" / f"{path.stem}.png"
            )
        else:
            Image.fromarray(mask.astype(np.uint8) * 255).save(root / "y" / f"{path.stem}.jpg")
    (root / "classes.csv").write_text("name,r,g,b\nother,0,0,0\nperson,200,0,0\n" if mode == "colours" else "")
    if mode != "colours":
        (root / "classes.csv").unlink()
    assert main(["convert", str(root), "--into", str(tmp_path / "out")]) == 0
    source = catalog.load(Config(dataset="folder", root=tmp_path / "out"))
    assert len(source.labelled()) == 8
    for pair, _ in source.labelled():
        mask = np.array(Image.open(human / "Ground_Truth" / f"{pair.image.stem}.png").convert("L")) > 127
        assert ((source.read_ids(pair.mask) == 1) == mask).mean() > 0.99

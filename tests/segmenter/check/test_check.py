"""utils/check.py: every fault of a data set with its file, before training; and what real photographs show."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import CLASSES, FAULTS, assert_clear, assert_sentence, draw_pair, drop_splits, snapshot, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segmenter.__main__ import main
from segmenter.check import check_dataset
from segmenter.check.measurements import _smoothed, examine
from segmenter.check.near_copies import tiny_grey
from segmenter.check.report import KINDS, SEVERITIES
from utils import catalog
from utils.config import Config
from utils.errors import DataError
from utils.images import read_image
from utils.loaders import get_data_loaders

DIFFERENT = "identical images with different masks"


def report(root, **fields):
    return check_dataset(catalog.load(Config(dataset="folder", root=root, **{"classes": CLASSES} | fields)))


def test_a_sound_folder_is_counted_exactly(pairs):
    found = report(pairs)
    assert found.ok
    assert found.splits == {"train": 8, "val": 2, "test": 2}
    stored = np.concatenate([np.array(Image.open(p)).ravel() for p in (pairs / "masks").glob("*.png")])
    assert found.pixels.tolist() == np.bincount(stored, minlength=256)[:3].tolist()
    assert "Every pair can be trained on." in str(found)
    assert found.notes == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_filed_under_its_kind_with_its_file(fault, pairs):
    damage, words, kind = FAULTS[fault]
    damage(pairs)
    before = snapshot(pairs)
    found = report(pairs)
    assert list(found.errors) == [kind]
    assert len(found.errors[kind]) == 1
    if kind not in ("without partner", "empty split"):
        assert_sentence(found.errors[kind][0], *words)
    assert "Mend the errors" in str(found)
    assert not found.ok
    assert snapshot(pairs) == before


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_stops_training_before_it_starts(fault, config):
    damage, words, _ = FAULTS[fault]
    damage(config.root)
    with pytest.raises(DataError) as error:
        get_data_loaders(config)
    assert_clear(error, *words, kind=DataError)


def test_several_faults_are_reported_at_once_and_sound_pairs_still_counted(pairs):
    (pairs / "images" / "00.png").write_bytes(b"")
    FAULTS["label outside"][0](pairs)
    (pairs / "masks" / "05.png").write_text("<html>")
    Image.fromarray(np.full((40, 48), 9, np.uint8)).save(pairs / "masks" / "06.png")
    found = report(pairs)
    assert {kind: len(texts) for kind, texts in found.errors.items()} == {
        "unreadable file": 2,
        "label outside the classes": 1,
    }
    assert "masks/06.png has 1920 pixels labelled 9" in str(found)
    assert found.pixels.sum() == 9 * 40 * 47


def test_training_counts_the_faults_that_it_does_not_name(config):
    for name in ("00", "01", "02"):
        (config.root / "images" / f"{name}.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        get_data_loaders(config)
    assert_clear(error, "images/00.png", "3 files have faults", "python -m segmenter check")


def test_faults_of_validation_files_stop_training_too(config):
    (config.root / "masks" / "09.png").write_text("<html>")
    with pytest.raises(DataError) as error:
        get_data_loaders(config)
    assert_clear(error, "masks/09.png", "web page", "replace it")


def test_a_list_that_names_a_missing_file(pairs):
    (pairs / "images" / "00.png").unlink()
    (pairs / "masks" / "00.png").unlink()
    found = report(pairs)
    assert list(found.errors) == ["missing file"]
    assert_sentence(found.errors["missing file"][0], "images/00.png", "no file", "remove it from the list")


def test_oddities_are_notes_and_no_errors(pairs):
    with Image.open(pairs / "images" / "00.png") as picture:
        picture.convert("L").save(pairs / "images" / "00.png")
    with Image.open(pairs / "masks" / "01.png") as mask:
        mask.resize((24, 20), Image.Resampling.NEAREST).save(pairs / "masks" / "01.png")
    Image.fromarray(np.full((40, 48), 255, np.uint8)).save(pairs / "masks" / "02.png")
    shutil.copy(pairs / "images" / "03.png", pairs / "images" / "04.png")
    found = report(pairs, classes=(*CLASSES, "never"))
    assert found.ok
    assert list(found.warnings) == [DIFFERENT]
    assert found.notes == {
        "grey image": ["00.png"],
        "mask of another size (resized)": ["01.png"],
        "every pixel ignored": ["02.png"],
        "class without a pixel": ["never"],
        "identical images, kept in one split": ["03.png = 04.png"],
    }


def test_copies_that_a_list_puts_into_two_splits_are_an_error(pairs):
    shutil.copy(pairs / "images" / "03.png", pairs / "images" / "09.png")
    found = report(pairs)
    assert found.errors == {"identical images in several splits": ["03.png (train) = 09.png (val)"]}
    assert found.warnings == {"identical images with different masks": [found.warnings[DIFFERENT][0]]}
    assert "03.png = 09.png" in found.warnings[DIFFERENT][0]


def test_pairs_without_partner_are_all_listed(pairs):
    drop_splits(pairs)
    (pairs / "masks" / "00.png").unlink()
    (pairs / "images" / "01.png").unlink()
    assert report(pairs).errors == {"without partner": ["images/00.png", "masks/01.png"]}


# ---------------------------------------------------------------- oddities of a file
def resave(path, change, **options):
    with Image.open(path) as picture:
        picture.load()
    change(picture).save(path, **options)


def turned(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = root / "images" / "00.png"
    resave(path, lambda i: i.transpose(Image.Transpose.ROTATE_90), exif=exif)


def deep(root):
    Image.fromarray(np.linspace(0, 60000, 40 * 48).reshape(40, 48).astype(np.uint16)).save(root / "images" / "00.png")


def tiny_pair(root, height, width):
    image, mask = draw_pair(0, (height, width))
    Image.fromarray(image).save(root / "images" / "00.png")
    Image.fromarray(mask).save(root / "masks" / "00.png")


def cmyk(root):
    with Image.open(root / "images" / "00.png") as picture:
        picture.convert("CMYK").save(root / "images" / "00.jpg", quality=95)
    (root / "images" / "00.png").unlink()
    table = root / "pairs.csv"
    table.write_text(table.read_text().replace("images/00.png", "images/00.jpg"))


ODDITIES = {
    "EXIF-turned image (turned upright)": turned,
    "image of more than 8 bits (scaled)": deep,
    "fourth channel (dropped)": lambda r: resave(r / "images" / "00.png", lambda i: i.convert("RGBA")),
    "CMYK image (converted)": cmyk,
    "image longer than 4:1": lambda r: tiny_pair(r, 32, 144),
    "image smaller than 32 pixels": lambda r: tiny_pair(r, 31, 48),
    "only one class in the mask": lambda r: Image.new("L", (48, 40), 1).save(r / "masks" / "00.png"),
    "grey image": lambda r: resave(r / "images" / "00.png", lambda i: i.convert("L")),
}


@pytest.mark.parametrize("kind", ODDITIES)
def test_every_oddity_is_found_with_its_file_and_is_no_error(kind, pairs):
    ODDITIES[kind](pairs)
    found = report(pairs)
    assert found.ok
    named = found.notes | found.warnings
    assert [Path(item).stem for item in named[kind]] == ["00"]
    assert set(named) <= {kind, "grey image"}  # 16 bits are tested on a grey picture


@pytest.mark.parametrize("make", [turned, deep, cmyk, ODDITIES["grey image"], ODDITIES["fourth channel (dropped)"]])
def test_the_picture_that_is_measured_is_the_one_that_is_trained_on(make, pairs):
    make(pairs)
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    pair = source.pairs("train")[0]
    facts, image = examine(pair, source), read_image(pair.image)
    assert facts.size == image.shape[:2] == (40, 48)
    assert (facts.grey == tiny_grey(image)).all()


def test_an_image_that_cannot_become_rgb_is_a_fault_and_not_a_crash(pairs, monkeypatch):
    monkeypatch.setattr(
        Image.Image, "convert", lambda *_: (_ for _ in ()).throw(ValueError("conversion not supported"))
    )
    found = report(pairs)
    assert len(found.errors["unreadable file"]) == 12
    assert_sentence(found.errors["unreadable file"][0], "images/00.png", "RGB")


def test_one_name_twice_leaves_it_open_which_file_is_meant(pairs):
    drop_splits(pairs)
    with Image.open(pairs / "images" / "00.png") as picture:
        picture.save(pairs / "images" / "00.jpg")
    assert report(pairs).errors == {"same name twice": ["images/00.jpg and images/00.png"]}


def test_masks_beside_their_images_with_other_endings_are_no_doubles(pairs):
    for path in sorted((pairs / "images").glob("*.png")):
        resave(path, lambda i: i, format="TIFF")
        path.rename(pairs / f"{path.stem}.tif")
        (pairs / "masks" / path.name).rename(pairs / path.name)
    table = pairs / "pairs.csv"
    table.write_text(re.sub(r"images/(\d+).png,masks/", r"\1.tif,", table.read_text()))
    assert report(pairs).errors == {}


def soften(root, names):
    """Draw discs as 0/255 masks; those of `names` with soft edges."""
    for path in sorted((root / "masks").glob("*.png")):
        y, x = np.mgrid[:40, :48]
        distance = 12 - np.hypot(y - 20, x - 20 - int(path.stem) / 3)
        edge = distance * 100 + 128 if path.stem in names else np.where(distance > 0, 255, 0)
        Image.fromarray(edge.clip(0, 255).astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    ("names", "classes"),
    [(["03"], None), (["03", "04", "09"], ("rest", "disc")), ([f"{i:02d}" for i in range(12)], ("rest", "disc"))],
)
def test_soft_edges_of_masks_are_named_for_what_they_are(names, classes, pairs):
    soften(pairs, names)
    found = report(pairs, classes=classes)
    assert list(found.errors) == ["anti-aliased mask"]
    assert len(found.errors["anti-aliased mask"]) == len(names)
    assert_sentence(found.errors["anti-aliased mask"][0], f"masks/{names[0]}.png", "grey values between", "smoothing")


@settings(max_examples=60)
@given(ids=st.lists(st.integers(0, 40), min_size=1, max_size=24, unique=True), seed=st.integers(0, 99))
def test_masks_of_ids_are_never_taken_for_soft_ones(ids, seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(len(ids) + 2))
    mask = rng.choice([0, 255, *ids], (30, 40), p=weights).astype(np.uint8)
    assert _smoothed(mask) == ""


def test_ids_with_gaps_are_told_apart_from_named_classes_without_a_pixel(pairs):
    for path in (pairs / "masks").glob("*.png"):
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 2, 5, mask).astype(np.uint8)).save(path)
    found = report(pairs, classes=None)
    assert found.warnings == {"ids with gaps": ["class 2", "class 3", "class 4"]}
    named = report(pairs, classes=("a", "b", "c", "d", "e", "f"))
    assert (named.warnings, named.notes) == ({}, {"class without a pixel": ["c", "d", "e"]})


def test_a_class_that_one_split_lacks(pairs):
    for name in ("08", "09"):
        path = pairs / "masks" / f"{name}.png"
        mask = np.array(Image.open(path))
        Image.fromarray(np.where(mask == 2, 0, mask).astype(np.uint8)).save(path)
    found = report(pairs)
    assert found.warnings == {"class missing from a split": ["lake: in train and test, not in val"]}
    assert found.presence["val"].tolist() == [2, 2, 0]
    assert found.presence["train"].tolist() == [8, 8, 8]


def test_groups_in_several_splits_are_a_warning_that_counts_them(shared_data):
    camvid = catalog.load(Config.preset("camvid", root=shared_data("camvid")))
    found = check_dataset(camvid)
    assert found.ok
    assert found.warnings["group in several splits"] == ["0001TP: 5 train, 3 test", "0016E5: 13 train, 8 val"]


def test_a_pair_that_a_list_names_in_two_splits(pairs):
    with (pairs / "pairs.csv").open("a") as table:
        table.write("images/00.png,masks/00.png,test\n")
    found = report(pairs)
    assert found.errors == {"identical images in several splits": ["00.png is listed in train and test"]}


def test_equal_pixels_in_other_files_are_found_too(pairs):
    with Image.open(pairs / "images" / "03.png") as picture:
        picture.save(pairs / "images" / "10.png", compress_level=1)
    assert (pairs / "images" / "03.png").read_bytes() != (pairs / "images" / "10.png").read_bytes()
    assert report(pairs).errors == {"identical images in several splits": ["03.png (train) = 10.png (test)"]}


def test_images_smaller_than_the_crop_are_named_with_what_they_become(pairs):
    fields = {"dataset": "folder", "root": pairs, "classes": CLASSES, "image_size": 42}
    source = catalog.load(Config(**fields))
    found = check_dataset(source, Config(**fields, framing="crop"))
    assert len(found.notes["image smaller than the crop"]) == 12
    assert found.notes["image smaller than the crop"][0] == "00.png (48x40)"
    assert check_dataset(source, Config(**fields, framing="resize")).notes == {}
    small = Config(**fields | {"image_size": 40}, framing="crop", max_side=36)
    assert check_dataset(source, small).notes["image smaller than the crop"][0] == "00.png (36x30)"


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path):
    for split in ("train", "val", "test"):
        write_pairs(tmp_path / split, splits=["train"] * 2, size=(40, 48 + 8 * len(split)))
        (tmp_path / split / "pairs.csv").unlink()
        resave(tmp_path / split / "images" / "00.png", lambda i: i.convert("L"))
    found = report(tmp_path)
    assert sorted(found.notes["grey image"]) == [f"{split}/images/00.png" for split in ("test", "train", "val")]


# ---------------------------------------------------------------- the text
def test_the_text_names_three_files_or_all_and_a_remedy_for_each_kind(pairs):
    for number in range(5):
        (pairs / "images" / f"{number:02d}.png").write_bytes(b"")
    found = report(pairs)
    assert "unreadable file: 5 (images/00.png is empty (0 bytes); images/01.png" in found.text()
    assert "... and 2 more" in found.text()
    assert "images/04.png" not in found.text()
    assert "images/04.png" in found.text(every_name=True)
    assert all(f"-> {f.remedy}" in found.text() for f in found.findings)
    assert found.text().splitlines()[-1] == found.verdict == "Mend the errors before training."
    assert str(pairs) not in found.text(every_name=True)


def test_findings_are_in_order_of_their_severity(pairs):
    shutil.copy(pairs / "images" / "03.png", pairs / "images" / "04.png")
    (pairs / "images" / "00.png").write_bytes(b"")
    severities = [f.severity for f in report(pairs).findings]
    assert severities == ["error", "warning", "note"]
    assert {severity for severity, _ in KINDS.values()} == set(SEVERITIES)


def test_figures_of_the_summary(human_report):
    assert dict(human_report.summary()) == {
        "pixels": "background 72.3%, person 27.7%",
        "images": "183-1500 wide, 145-1498 high, 105 different sizes",
        "foreground": "person covers 1.6% to 84.9% of an image, median 26.8%",
    }


def test_options_of_the_command(pairs, tmp_path, capsys):
    for number in range(5):
        (pairs / "images" / f"{number:02d}.png").write_bytes(b"")
    page, copy = tmp_path / "pages" / "report.html", tmp_path / "copy"
    before = snapshot(pairs)
    names = ["--classes", *CLASSES]
    assert main(["check", str(pairs), *names, "--all", "--html", str(page), "--fix-into", str(copy)]) == 0
    out = capsys.readouterr().out
    assert "images/04.png" in out
    assert "The copy: Every pair can be trained on." in out
    assert "<h2>Findings</h2>" in page.read_text()
    assert snapshot(pairs) == before
    assert main(["check", str(copy)]) == 0
    assert main(["check", str(copy), "--splits", "random"]) == 0
    assert main(["check", str(pairs), *names, "--fix-into", str(copy)]) == 2
    assert "not empty" in capsys.readouterr().err


# ---------------------------------------------------------------- real photographs
def test_the_report_on_the_real_photographs(human_report):
    """And what nobody had seen before: the two copies of one photograph carry different masks."""
    assert human_report.warnings == {DIFFERENT: ["102.jpg = 270.jpg (0.3% of the pixels differ)"]}
    assert human_report.ok
    assert human_report.splits == {"train": 232, "val": 29, "test": 29}
    notes = human_report.notes
    assert len(notes["mask of another size (resized)"]) == 198
    assert sorted(notes["grey image"]) == ["56.jpg", "97.jpg"]
    assert notes["identical images, kept in one split"] == ["102.jpg = 270.jpg"]
    assert set(notes) == {"mask of another size (resized)", "grey image", "identical images, kept in one split"}
    assert 0.25 < human_report.pixels[1] / human_report.pixels.sum() < 0.30


def test_the_report_on_the_embedded_scenes(tiny):
    found = check_dataset(tiny)
    assert found.ok
    assert found.findings == []
    assert (found.pixels > 0).all()

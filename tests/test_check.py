"""utils/check.py: every fault of a data set with its file, before training; and what real photographs show."""

import shutil

import numpy as np
import pytest
from helpers import CLASSES, FAULTS, assert_clear, assert_sentence, drop_splits, snapshot
from PIL import Image

from utils import catalog
from utils.check import check_dataset
from utils.config import Config
from utils.errors import DataError
from utils.loaders import get_data_loaders


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
    assert_clear(error, "images/00.png", "3 files have faults", "python -m utils check")


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
    assert list(found.errors) == ["group in several splits"]
    assert "03.png, 09.png in train, val" in found.errors["group in several splits"][0]


def test_pairs_without_partner_are_all_listed(pairs):
    drop_splits(pairs)
    (pairs / "masks" / "00.png").unlink()
    (pairs / "images" / "01.png").unlink()
    assert report(pairs).errors == {"without partner": ["images/00.png", "masks/01.png"]}


# ---------------------------------------------------------------- real photographs
def test_the_report_on_the_real_photographs(human_report):
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
    assert found.notes == {}
    assert (found.pixels > 0).all()

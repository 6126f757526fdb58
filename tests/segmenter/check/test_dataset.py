"""segmenter/check/dataset.py: every fault of a data set with its file, before training."""

import shutil

import numpy as np
import pytest
from helpers import CLASSES, FAULTS, assert_clear, assert_sentence, snapshot
from PIL import Image

from segmenter.__main__ import main
from segmenter.check import check_dataset
from utils import catalog
from utils.config import Config
from utils.errors import DataError
from utils.loaders import get_data_loaders

DIFFERENT = "identical images with different masks"


def test_a_sound_folder_is_counted_exactly(pairs, check_folder):
    found = check_folder(pairs)
    assert found.ok
    assert found.splits == {"train": 8, "val": 2, "test": 2}
    stored = np.concatenate([np.array(Image.open(p)).ravel() for p in (pairs / "masks").glob("*.png")])
    assert found.pixels.tolist() == np.bincount(stored, minlength=256)[:3].tolist()
    assert "Every pair can be trained on." in str(found)
    assert found.notes == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_filed_under_its_kind_with_its_file(fault, pairs, check_folder):
    damage, words, kind = FAULTS[fault]
    damage(pairs)
    before = snapshot(pairs)
    found = check_folder(pairs)
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


def test_several_faults_are_reported_at_once_and_sound_pairs_still_counted(pairs, check_folder):
    (pairs / "images" / "00.png").write_bytes(b"")
    FAULTS["label outside"][0](pairs)
    (pairs / "masks" / "05.png").write_text("<html>")
    Image.fromarray(np.full((40, 48), 9, np.uint8)).save(pairs / "masks" / "06.png")
    found = check_folder(pairs)
    assert {kind: len(texts) for kind, texts in found.errors.items()} == {
        "unreadable file": 2,
        "label outside the classes": 2,
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


def test_a_list_that_names_a_missing_file(pairs, check_folder):
    (pairs / "images" / "00.png").unlink()
    (pairs / "masks" / "00.png").unlink()
    found = check_folder(pairs)
    assert list(found.errors) == ["missing file"]
    assert_sentence(found.errors["missing file"][0], "images/00.png", "no file", "remove it from the list")


def test_oddities_are_notes_and_no_errors(pairs, check_folder):
    with Image.open(pairs / "images" / "00.png") as picture:
        picture.convert("L").save(pairs / "images" / "00.png")
    with Image.open(pairs / "masks" / "01.png") as mask:
        mask.resize((24, 20), Image.Resampling.NEAREST).save(pairs / "masks" / "01.png")
    Image.fromarray(np.full((40, 48), 255, np.uint8)).save(pairs / "masks" / "02.png")
    shutil.copy(pairs / "images" / "03.png", pairs / "images" / "04.png")
    found = check_folder(pairs, classes=(*CLASSES, "never"))
    assert found.ok
    assert list(found.warnings) == [DIFFERENT]
    assert found.notes == {
        "grey image": ["00.png"],
        "mask of another size (resized)": ["01.png"],
        "every pixel ignored": ["02.png"],
        "class without a pixel": ["never"],
        "identical images, kept in one split": ["03.png = 04.png"],
    }


def test_images_smaller_than_the_crop_are_named_with_what_they_become(pairs):
    fields = {"dataset": "folder", "root": pairs, "classes": CLASSES, "image_size": 42}
    source = catalog.load(Config(**fields))
    found = check_dataset(source, Config(**fields, framing="crop"))
    assert len(found.notes["image smaller than the crop"]) == 12
    assert found.notes["image smaller than the crop"][0] == "00.png (48x40)"
    assert check_dataset(source, Config(**fields, framing="resize")).notes == {}
    small = Config(**fields | {"image_size": 40}, framing="crop", max_side=36)
    assert check_dataset(source, small).notes["image smaller than the crop"][0] == "00.png (36x30)"


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

"""segmenter/check/report.py and findings.py: the text, its names and its order."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import drop_splits, write_pairs
from PIL import Image

from segmenter.check.findings import Case, FileNames, sort_findings
from segmenter.check.kinds import KINDS, SEVERITIES
from utils.catalog.base import Pair
from utils.errors import FAULTS, Fault


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path, check_folder):
    for split in ("train", "val", "test"):
        write_pairs(tmp_path / split, splits=["train"] * 2, size=(40, 48 + 8 * len(split)))
        (tmp_path / split / "pairs.csv").unlink()
        with Image.open(tmp_path / split / "images" / "00.png") as picture:
            grey = picture.convert("L")
        grey.save(tmp_path / split / "images" / "00.png")
    found = check_folder(tmp_path)
    assert sorted(found.notes["grey image"]) == [f"{split}/images/00.png" for split in ("test", "train", "val")]


def test_the_text_names_three_files_or_all_and_a_remedy_for_each_kind(pairs, check_folder):
    for number in range(5):
        (pairs / "images" / f"{number:02d}.png").write_bytes(b"")
    found = check_folder(pairs)
    assert "unreadable file: 5 (images/00.png is empty (0 bytes); images/01.png" in found.text()
    assert "... and 2 more" in found.text()
    assert "images/04.png" not in found.text()
    assert "images/04.png" in found.text(every_name=True)
    assert all(f"-> {f.remedy}" in found.text() for f in found.findings)
    assert found.text().splitlines()[-1] == found.verdict == "Mend the errors before training."
    assert str(pairs) not in found.text(every_name=True)


@pytest.mark.parametrize("name", ["a. b", "{files}", "{0} {", "100%s"])
def test_a_name_is_shown_whole_whatever_is_in_it(name, tmp_path, check_folder):
    root = drop_splits(write_pairs(tmp_path / "data"))
    for folder in ("images", "masks"):
        (root / folder / "00.png").rename(root / folder / f"{name}.png")
        (root / folder / "01.png").rename(root / folder / f"{name} grey.png")
    (root / "images" / f"{name}.png").write_bytes(b"")
    Image.new("L", (48, 40), 1).save(root / "images" / f"{name} grey.png")
    found = check_folder(root)
    assert f"unreadable file: 1 (images/{name}.png is empty (0 bytes))" in found.text()
    assert found.notes == {"grey image": [f"{name} grey.png"]}


def test_every_kind_of_fault_is_an_error_with_its_remedy():
    for kind, (_, remedy) in FAULTS.items():
        assert KINDS[kind].severity == "error"
        assert KINDS[kind].remedy.startswith(remedy)


def test_words_are_made_of_values():
    source = SimpleNamespace(relative=lambda path: path.relative_to("/data").as_posix())
    a, b, c = Path("/data/x/a.png"), Path("/data/y/a.png"), Path("/data/x/{c}.png")
    names = FileNames(source, [Pair(a, a, ""), Pair(b, b, ""), Pair(c, c, "")])
    cases = {
        "near duplicates in several splits": [Case((a, c), ("test, mirrored", "train"))],
        "group in several splits": [Case(facts={"name": c, "counts": {"train": 5, "test": 3}})],
        "class missing from a split": [Case(facts={"name": "lake", "present": ("train", "val"), "missing": ("test",)})],
        "unreadable file": [Fault("unreadable file", c, {"reason": "is {empty}"})],
        "grey image": [],
    }
    findings = sort_findings(cases)
    assert [(f.kind, f.sentences(names)) for f in findings] == [
        ("unreadable file", ["x/{c}.png is {empty}. Replace it with a complete image file, or remove it."]),
        ("group in several splits", ["{c}.png: 5 train, 3 test"]),
        ("near duplicates in several splits", ["x/a.png (test, mirrored) ~ {c}.png (train)"]),
        ("class missing from a split", ["lake: in train and val, not in test"]),
    ]
    assert findings[0].descriptions(names) == ["x/{c}.png is {empty}"]
    with pytest.raises(KeyError):
        sort_findings({"a kind that nobody knows": [Case()]})


def test_findings_are_in_order_of_their_severity(pairs, check_folder):
    shutil.copy(pairs / "images" / "03.png", pairs / "images" / "04.png")
    (pairs / "images" / "00.png").write_bytes(b"")
    severities = [f.severity for f in check_folder(pairs).findings]
    assert severities == ["error", "warning", "note"]
    assert {kind.severity for kind in KINDS.values()} == set(SEVERITIES)


def test_figures_of_the_summary(human_report):
    assert dict(human_report.summary()) == {
        "classes": "2",
        "pixels": "background 72.3%, person 27.7%",
        "ignored": "0.0% of all pixels",
        "images": "183-1500 wide, 145-1498 high, 105 different sizes",
        "foreground": "person covers 1.6% to 84.9% of an image, median 26.8%",
    }

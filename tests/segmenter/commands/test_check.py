"""segmenter/commands/check.py: the report in the terminal, its exit codes, and nothing changed."""

import shutil

import pytest
from helpers import CLASSES, FAULTS, snapshot

from segmenter.__main__ import main
from utils.config import COURSE


def test_reports_a_sound_folder(pairs, capsys):
    assert main(["check", str(pairs)]) == 0
    out = capsys.readouterr().out
    assert "8 train, 2 val, 2 test" in out
    assert "Every pair can be trained on." in out


def test_the_folder_of_images_alone_names_the_folder_above(pairs, capsys):
    assert main(["check", str(pairs / "images")]) == 2
    assert f"give {pairs} instead" in capsys.readouterr().err
    assert main(["check", str(pairs / "nowhere")]) == 2
    assert "correct the path" in capsys.readouterr().err


@pytest.mark.parametrize("fault", FAULTS)
def test_finds_every_fault_and_changes_nothing(fault, pairs, capsys):
    damage, words, kind = FAULTS[fault]
    damage(pairs)
    before = snapshot(pairs)
    assert main(["check", "--dataset", "folder", "--root", str(pairs), "--classes", *CLASSES]) == 1
    out = capsys.readouterr().out
    assert f"ERROR  {kind}: 1" in out
    assert (words[0] if kind != "empty split" else "(val)").lower() in out.lower()
    assert "Mend the errors" in out
    assert snapshot(pairs) == before


def test_of_the_embedded_and_of_the_real_data(human, capsys):
    assert main(["check"]) == 0
    assert "48 train, 12 val, 12 test" in capsys.readouterr().out
    assert main(["check", "--dataset", "human", "--root", str(human.root)]) == 0
    out = capsys.readouterr().out
    assert "mask of another size (resized): 198" in out
    assert "102.jpg = 270.jpg" in out


def test_a_data_set_of_the_course_that_is_read_as_a_folder_is_called_by_its_name(capsys):
    assert main(["check", str(COURSE / "data" / "pets_mini")]) == 0
    assert "better: --dataset pets_mini, which knows the classes" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "called"), [("tiny", True), ("white", False), ("folder", False)])
def test_only_a_data_set_is_called_by_its_name_and_no_module_beside_it(name, called, pairs, monkeypatch, capsys):
    monkeypatch.setattr("utils.catalog.folder.COURSE", pairs.parent)
    (pairs.parent / "data").mkdir(exist_ok=True)
    home = shutil.copytree(pairs, pairs.parent / "data" / name)
    assert main(["check", str(home)]) == 0
    assert ("better: --dataset" in capsys.readouterr().out) is called


def test_of_a_place_that_is_not_there(tmp_path, refused):
    refused(main(["check", str(tmp_path / "nowhere")]), tmp_path / "nowhere", "correct the path")

"""exercises/archive.py: answers as a package, as an archive, and on Drive."""

import io
import os
import subprocess
import sys
import types
import zipfile

import bank
import pytest
from iou_cells import RIGHT_CELL, run_cell

from exercises import ExerciseError, bring, download, keep_on_drive, package
from exercises.archive import unpack_answers
from exercises.catalogue import all_exercises, find
from exercises.storage import answers_folder
from utils.config import COURSE


def test_package_needs_enough_and_is_importable(tmp_path, capsys):
    with pytest.raises(ExerciseError, match="0 answers are kept so far"):
        package(tmp_path / "my_segmenter")
    wanted = [e.id for e in all_exercises() if e.id[0] in "79"]
    for exercise_id in wanted:
        bank.try_answer(next(a for a in bank.all_answers() if a.id == exercise_id and a.right))
    folder = package(tmp_path / "my_segmenter")
    assert (folder / "metrics.py").is_file()
    names = ", ".join(find(i).name for i in wanted)
    code = (
        f"from my_segmenter import {names}\nimport torch\nfrom my_segmenter import metrics\n"
        "print(iou(torch.tensor([[1, 0]]), torch.tensor([[1, 0]]), 2).tolist(), metrics.__file__)"
    )
    path = os.pathsep.join([str(tmp_path), str(COURSE)])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("[1.0, 1.0]")
    assert package(tmp_path / "my_segmenter") == folder  # again, in place of the first
    (tmp_path / "thesis").mkdir()
    with pytest.raises(ExerciseError, match="is no package of yours"):
        package(tmp_path / "thesis")


def test_download_packs_everything(own_work, capsys):
    assert download() is None
    run_cell(RIGHT_CELL)
    archive = download()
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["exercise_7_3.py"]
    given = []
    files = types.ModuleType("google.colab.files")
    files.download = given.append
    sys.modules["google.colab.files"] = files
    try:
        download()
    finally:
        del sys.modules["google.colab.files"]
    assert given == [str(archive)]


def test_drive_is_used_when_asked_and_nothing_there_is_replaced(tmp_path, own_work, monkeypatch, capsys):
    with pytest.raises(ExerciseError, match="There is no Drive here"):
        keep_on_drive()
    run_cell(RIGHT_CELL)
    drive = types.ModuleType("google.colab.drive")
    drive.mount = lambda place: None
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    there = tmp_path / "MyDrive" / "segmentation-course" / "my_work"
    there.mkdir(parents=True)
    older = (own_work / "exercise_7_3.py").read_text() + "\n# on Drive already\n"
    (there / "exercise_7_3.py").write_text(older)
    assert keep_on_drive(str(tmp_path)) == there
    assert answers_folder() == there
    assert (there / "exercise_7_3.py").read_text() == older
    assert "1 of your answers is in use" in capsys.readouterr().out


def stand_in_for_uploads(monkeypatch, *chosen):
    """Let `google.colab.files` hand over what somebody chooses, as {name: bytes}, with Colab's own signature."""
    files = types.ModuleType("google.colab.files")

    def upload(target_dir=""):
        return dict(chosen)

    files.upload = upload
    monkeypatch.setitem(sys.modules, "google.colab.files", files)


def packed(**texts):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in texts.items():
            file.writestr(name.replace("__", "/"), text)
    return archive.getvalue()


def test_answers_come_back_from_the_file_that_was_downloaded(own_work, monkeypatch, capsys):
    run_cell(RIGHT_CELL)
    archive = download()
    answer = own_work / "exercise_7_3.py"
    text = answer.read_text()
    answer.unlink()
    stand_in_for_uploads(monkeypatch, ("my_work.zip", archive.read_bytes()))
    bring("a file")
    assert answer.read_text() == text
    assert "1 of your answers is in use" in capsys.readouterr().out


def test_nothing_is_replaced_and_nothing_lands_elsewhere(own_work, monkeypatch):
    own_work.mkdir(exist_ok=True)
    (own_work / "exercise_7_1.py").write_text("mine")
    texts = {"exercise_7_1.py": "theirs", "..__..__exercise_7_2.py": "up", "readme.txt": "no answer"}
    before = {path for path in own_work.parent.rglob("*") if own_work not in path.parents}
    unpack_answers(packed(**texts))
    assert (own_work / "exercise_7_1.py").read_text() == "mine"
    assert sorted(path.name for path in own_work.iterdir()) == ["exercise_7_1.py", "exercise_7_2.py"]
    assert {path for path in own_work.parent.rglob("*") if own_work not in path.parents} == before


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ([], "No file was chosen"),
        ([("photo.jpg", b"\xff\xd8\xff")], "That file is no my_work.zip"),
        ([("empty.zip", packed(notes="nothing"))], "There is no answer in that archive"),
    ],
)
def test_another_file_ends_in_a_sentence(chosen, words, own_work, monkeypatch):
    stand_in_for_uploads(monkeypatch, *chosen)
    with pytest.raises(ExerciseError, match=words):
        bring("a file")


def test_outside_colab_nothing_is_asked(own_work, capsys):
    bring("this runtime")
    assert capsys.readouterr().out == ""
    with pytest.raises(ExerciseError, match="This is not Colab: unpack"):
        bring("a file")
    with pytest.raises(ExerciseError, match="choose 'this runtime'"):
        bring("nowhere")


def test_what_a_mac_puts_beside_the_answers_is_not_read(own_work):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("my_work/exercise_7_1.py", "answer")
        file.writestr("__MACOSX/my_work/._exercise_7_1.py", b"\x00\x05\x16\x07\xff")
    unpack_answers(archive.getvalue())
    assert [path.name for path in own_work.iterdir()] == ["exercise_7_1.py"]

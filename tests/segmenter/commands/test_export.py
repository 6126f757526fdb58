"""segmenter/commands/export.py: a run as one file of each format, named after the run."""

import shutil

import pytest

from segmenter.__main__ import main


@pytest.mark.parametrize(("kind", "ending"), [("onnx", ".onnx"), ("program", ".pt2"), ("int8", "-int8.onnx")])
def test_a_run_is_exported(kind, ending, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(trained), "--format", kind]) == 0
    out = capsys.readouterr().out
    assert (tmp_path / f"{trained.name}{ending}").stat().st_size > 5000
    assert "largest difference" in out
    assert ("IoU" in out) == (kind == "int8")


def test_a_name_with_a_full_stop_is_kept_whole(trained, tmp_path, monkeypatch):
    shutil.copytree(trained, tmp_path / "roofs-1.2")
    monkeypatch.chdir(tmp_path / "roofs-1.2")
    assert main(["export", ".", "--format", "program"]) == 0
    assert (tmp_path / "roofs-1.2" / "roofs-1.2.pt2").is_file()


def test_a_size_that_is_none_is_refused(trained, tmp_path, refused):
    refused(main(["export", str(trained), "--size", "0", "--output", str(tmp_path / "a.onnx")]), "size=0", "from 1 on")
    assert list(tmp_path.iterdir()) == []

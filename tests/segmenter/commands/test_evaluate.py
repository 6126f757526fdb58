"""segmenter/commands/evaluate.py: scores as text, as a page and as numbers, also where the data set has moved."""

import json

from segmenter.__main__ import main


def test_the_report_as_a_page_and_as_numbers(trained, tmp_path, capsys):
    html, numbers = tmp_path / "deep" / "report.html", tmp_path / "report.json"
    assert main(["evaluate", str(trained), "--html", str(html), "--json", str(numbers)]) == 0
    assert str(html) in capsys.readouterr().out
    assert "<!DOCTYPE html>" in html.read_text("utf-8")
    assert len(json.loads(numbers.read_text("utf-8"))["images"]) == 2


def test_a_moved_data_set_is_named_by_root(pairs, tmp_path, trained, capsys):
    assert main(["evaluate", str(trained / "best.safetensors"), "--root", str(pairs)]) == 0
    assert "2 images" in capsys.readouterr().out

"""segmenter/commands/evaluate.py: scores as text, as a page and as numbers, also where the data set has moved."""

import json

from helpers import drop_splits

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


def renamed(pairs, keep):
    """Give all pairs but `keep` other names, and let them go by name alone."""
    for path in [*(pairs / "images").iterdir(), *(pairs / "masks").iterdir()]:
        if path.stem not in keep:
            path.rename(path.with_stem(f"new_{path.stem}"))
    return drop_splits(pairs)


def test_a_data_set_that_the_run_never_saw_is_scored_whole(pairs, trained, capsys):
    assert main(["evaluate", str(trained), "--root", str(renamed(pairs, keep=()))]) == 0
    told = capsys.readouterr().out
    assert "none of the images" in told
    assert "all of its 12 pairs are scored" in told
    assert "12 images, pixel accuracy" in told


def test_pairs_that_came_after_the_run_are_counted_and_not_scored(pairs, trained, capsys):
    test = [path.stem for path in sorted((pairs / "images").iterdir())][-2:]
    assert main(["evaluate", str(trained), "--root", str(renamed(pairs, keep=test))]) == 0
    told = capsys.readouterr().out
    assert "10 of the 12 pairs" in told
    assert "not scored" in told
    assert "2 images, pixel accuracy" in told


def test_a_run_is_tried_on_another_data_set(pairs, trained, capsys):
    folder = str(renamed(pairs, keep=()))
    assert main(["evaluate", str(trained), "--dataset", "pets_mini"]) == 2
    told = capsys.readouterr().err
    assert "background, pet" in told
    assert "classes.csv" in told
    assert main(["evaluate", str(trained), "--dataset", "folder", "--root", folder]) == 0
    assert "all of its 12 pairs" in capsys.readouterr().out

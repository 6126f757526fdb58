"""exercises/__main__.py: help, what each command prints, and errors that exit with 2."""

import subprocess
import sys
from pathlib import Path

import pytest
from helpers import COURSE

from exercises import __main__ as command_line
from exercises.__main__ import main
from utils.errors import CourseError


def test_help_names_the_three_commands():
    command = [sys.executable, "-m", "exercises", "--help"]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: python -m exercises")
    for name, help_text in (
        ("course", "Execute the nine notebooks"),
        ("grade", "Judge the exercises of submitted notebooks"),
        ("retarget", "Point badges and setup cells at your fork."),
    ):
        assert name in done.stdout
        assert help_text in done.stdout


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("course", ["--refresh"]),
        ("grade", ["submissions", "--csv", "--minutes", "--gigabytes", "--trusted"]),
        ("retarget", ["OWNER/NAME"]),
    ],
)
def test_help_of_a_command_names_its_options(name, options, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert [option for option in options if option not in shown] == []


@pytest.mark.parametrize("arguments", [[], ["ship"], ["grade"], ["retarget"], ["grade", "x", "--minutes", "long"]])
def test_a_wrong_command_line_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: python -m exercises" in capsys.readouterr().err


def test_course_runs_the_notebooks_or_refreshes_them(monkeypatch, capsys):
    called = []
    monkeypatch.setattr(command_line, "run_course", lambda: called.append("run"))
    monkeypatch.setattr(command_line, "refresh_notebooks", lambda numbers: called.append(("refresh", numbers)))
    assert main(["course"]) == 0
    assert "The executed notebooks (HTML) and the trained run are in" in capsys.readouterr().out
    assert main(["course", "--refresh"]) == 0
    assert main(["course", "--refresh", "6", "7"]) == 0
    assert called == ["run", ("refresh", []), ("refresh", [6, 7])]


def test_a_notebook_that_fails_exits_with_2(monkeypatch, capsys):
    def fail():
        raise CourseError("03_augmentations.ipynb failed: a cell.")

    monkeypatch.setattr(command_line, "run_course", fail)
    assert main(["course"]) == 2
    assert capsys.readouterr().err == "error: 03_augmentations.ipynb failed: a cell.\n"


def test_grade_hands_its_options_on_and_prints_what_did_not_pass(monkeypatch, capsys):
    rows = [
        {"submission": "anna", "exercise": "7.3", "verdict": "passed", "detail": ""},
        {"submission": "anna", "exercise": "7.4", "verdict": "wrong", "detail": "the columns are swapped"},
    ]
    given = []
    monkeypatch.setattr(command_line, "grade", lambda *arguments: given.append(arguments) or rows)
    assert main(["grade", "a", "b", "--csv", "g.csv", "--minutes", "2", "--gigabytes", "3", "--trusted"]) == 0
    assert given == [([Path("a"), Path("b")], Path("g.csv"), 2.0, 3.0, True)]
    assert capsys.readouterr().out == (
        "anna  7.4  wrong: the columns are swapped\n1 of 2 exercises passed; the table is g.csv\n"
    )


def test_grade_of_nothing_exits_with_2(tmp_path, capsys):
    assert main(["grade", str(tmp_path / "nothing"), "--trusted"]) == 2
    assert capsys.readouterr().err.startswith("error: There is no notebook at ")


def test_retarget_says_what_it_rewrote(course_copy, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "COURSE", course_copy)
    assert main(["retarget", "ada/my-course"]) == 0
    assert "rewrote README.md" in capsys.readouterr().out
    assert main(["retarget", "nonsense"]) == 2
    assert "OWNER/NAME" in capsys.readouterr().err

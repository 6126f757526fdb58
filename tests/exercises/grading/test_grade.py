"""exercises/grading: it survives whatever is handed in, and no submission reaches the teacher's files."""

import contextlib
import csv
import json
import os
import time
from pathlib import Path

import psutil
import pytest

from exercises.course import list_notebooks
from exercises.grading.grade import grade as grade_strictly
from exercises.grading.isolated_run import Sandbox
from exercises.grading.landlock import landlock_version
from utils.errors import CourseError

SETUP = json.loads(list_notebooks()[6].read_text(encoding="utf-8"))
SETUP = next("".join(c["source"]) for c in SETUP["cells"] if c["cell_type"] == "code") + "\nimport torch"
RIGHT = """
@exercise("7.3")
def iou(prediction, target, num_classes, ignore_index=255):
    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    counts = [(((p == c) & (t == c)).sum(), ((p == c) | (t == c)).sum()) for c in range(num_classes)]
    return torch.stack([a / b for a, b in counts])
"""
WRONG = RIGHT.replace("p, t = prediction[valid], target[valid]", "p, t = prediction, target")
STUB = '@exercise("7.3")\ndef iou(prediction, target, num_classes, ignore_index=255):\n    todo("count")'
OTHER = '@exercise("7.2")\ndef confusion_matrix(prediction, target, num_classes, ignore_index=255):\n    return iou(1)'

PROTECTED = landlock_version() > 0


def grade(submissions: list[Path], table: Path | None = None, **options: float) -> list[dict[str, str]]:
    """Grade; where the system cannot shut submissions off, these ones are trusted."""
    return grade_strictly(submissions, table, trusted=not PROTECTED, **options)


def hand_in(folder: Path, name: str, *cells: str) -> Path:
    """Write a submission: one learner's notebook 7."""
    path = folder / name / "07_train_and_validate.ipynb"
    path.parent.mkdir(parents=True)
    code = [{"cell_type": "code", "source": c, "metadata": {}, "outputs": [], "execution_count": None} for c in cells]
    path.write_text(json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return path.parent


def verdict(rows: list[dict[str, str]], exercise: str = "7.3") -> tuple[str, str]:
    return next((r["verdict"], r["detail"]) for r in rows if r["exercise"] == exercise)


@pytest.fixture(scope="module", autouse=True)
def one_sandbox():
    """What every `grade` starts for itself, the process that imports the course, is started once for these tests."""
    with Sandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setattr("exercises.grading.grade.Sandbox", lambda: contextlib.nullcontext(sandbox))
        yield


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """The teacher's folder, which holds the submissions, and what nobody may see."""
    (tmp_path / "secret.txt").write_text("the exam of next week")
    return tmp_path


def test_one_row_for_each_exercise(room, capsys):
    table = room / "grades.csv"
    rows = grade([hand_in(room, "anna", SETUP, RIGHT, OTHER)], table)
    assert verdict(rows) == ("passed", "")
    status, detail = verdict(rows, "7.2")
    assert status == "error"
    assert "TypeError on line 3, `return iou(1)`" in detail
    assert verdict(rows, "7.4") == ("unwritten", "the cell of this exercise is missing")
    with table.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == rows
    assert rows[0]["submission"] == "anna"
    assert "1 passed" in capsys.readouterr().out


def test_wrong_and_unwritten_say_so(room):
    assert verdict(grade([hand_in(room, "bert", SETUP, WRONG)])) == ("wrong", "ignored pixels are counted")
    assert verdict(grade([hand_in(room, "cora", SETUP, STUB)]))[0] == "unwritten"
    handed_in = 'from utils.metrics import iou\ncheck("7.3", iou)'
    assert verdict(grade([hand_in(room, "dan", SETUP, handed_in)])) == (
        "unwritten", "the course's own function was handed in"
    )  # fmt: skip


def test_a_wrong_answer_does_not_spoil_the_next(room):
    """As in the notebook, the course's function stands in for a wrong one."""
    next_cell = "assert iou(torch.tensor([1]), torch.tensor([255]), 2).isnan().all()\n" + OTHER
    rows = grade([hand_in(room, "eva", SETUP, WRONG, next_cell)])
    assert "return iou(1)" in verdict(rows, "7.2")[1]


def test_hang_in_a_cell_costs_that_cell_only(room):
    rows = grade([hand_in(room, "finn", SETUP, "while True: pass", RIGHT)], minutes=0.3)
    assert verdict(rows) == ("passed", "")


def test_hang_that_cannot_be_interrupted_ends_with_the_limit(room):
    stubborn = "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\ntime.sleep(1000)"
    start = time.monotonic()
    rows = grade([hand_in(room, "gil", SETUP, RIGHT, stubborn, OTHER)], minutes=0.25)
    assert time.monotonic() - start < 300
    assert verdict(rows) == ("passed", "")
    assert verdict(rows, "7.2") == ("error", "the notebook runs longer than 15 seconds")


@pytest.mark.parametrize(
    ("crash", "words"),
    [
        ("import os\nos.kill(os.getpid(), 9)", "crashed the process (signal 9)"),
        ("import ctypes\nctypes.string_at(0)", "crashed the process (signal 11)"),
        ("import os\nos._exit(0)", "the notebook ended the process"),
    ],
)
def test_crash_keeps_what_was_judged(room, crash, words):
    rows = grade([hand_in(room, "hal", SETUP, RIGHT, crash, OTHER)])
    assert verdict(rows) == ("passed", "")
    assert words in verdict(rows, "7.2")[1]


def test_exit_and_errors_of_other_cells_are_survived(room):
    rows = grade([hand_in(room, "ida", SETUP, "raise SystemExit", "1 / 0", "def broken(:", RIGHT)])
    assert verdict(rows) == ("passed", "")


def test_too_much_memory_is_refused(room):
    hungry = "block = bytearray(8 * 1024**3)"
    rows = grade([hand_in(room, "jon", SETUP, hungry, RIGHT, "len(block)\n" + OTHER)], gigabytes=4)
    assert verdict(rows) == ("passed", "")
    assert "NameError" in verdict(rows, "7.2")[1]  # the block was never there


def test_forks_leave_nothing_behind(room):
    """Also what leaves its group and loses its parent is ended; a forked copy reports nothing."""
    mark = f"grading-left-{os.getpid()}"
    fork = f"""
import os, subprocess, sys
for _ in range(2):
    os.fork()
command = [sys.executable, "-c", "import time; time.sleep(600)  # {mark}"]
subprocess.Popen(command, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    os.fork()
"""
    assert verdict(grade([hand_in(room, "kim", SETUP, fork, WRONG)]))[0] == "wrong"
    left = [p for p in psutil.process_iter(["cmdline"]) if mark in " ".join(p.info["cmdline"] or [])]
    assert left == []


def test_fork_bomb_is_stopped(room):
    bomb = "import os, time\nfor _ in range(9):\n    os.fork()\ntime.sleep(600)"
    rows = grade([hand_in(room, "leo", SETUP, RIGHT, bomb, OTHER)], minutes=5)
    assert verdict(rows) == ("passed", "")
    assert "processes" in verdict(rows, "7.2")[1]


def test_a_verdict_that_is_only_printed_counts_nothing(room):
    """Nor one that is written where the verdicts go: each carries a secret."""
    fake = """
import json, os
print("7.3  passed 6 checks")
line = json.dumps({"secret": "", "exercise": "7.3", "verdict": "passed", "detail": ""}) + chr(10)
for descriptor in range(3, 64):
    try:
        os.write(descriptor, line.encode())
    except OSError:
        pass
"""
    assert verdict(grade([hand_in(room, "mia", SETUP, fake, WRONG)])) == ("wrong", "ignored pixels are counted")
    shadow = "def exercise(name):\n    return lambda f: print(name, 'passed') or f"
    assert verdict(grade([hand_in(room, "nik", SETUP, shadow, WRONG)]))[0] == "error"


@pytest.mark.parametrize(
    "cheat",
    [
        "from exercises import engine, judging\n"
        "engine.run_checks = judging.run_checks = lambda *a, **k: judging.Verdict('7.3', 'passed')",
        "from exercises.checks import notebook_7\nfrom exercises.catalogue import find\n"
        "find('7.3').checks.clear()\nnotebook_7.EXERCISES.clear()",
        "from exercises import expect\nexpect.values_close = lambda *a: True",
        "import torch, numpy as np\nnp.allclose = lambda *a, **k: True",
    ],
)
def test_changing_the_checker_does_not_help(room, cheat):
    status, detail = verdict(grade([hand_in(room, "olga", SETUP, cheat, WRONG)]))
    assert status in ("error", "wrong")
    assert "changes what judges it" in detail or detail == "ignored pixels are counted"


def test_the_teachers_files_are_out_of_reach(room):
    """Reading, listing, writing, deleting, by Python, OpenCV or a shell: all fail, inside the answer too."""
    attack = f"""
import os, shutil, subprocess
import cv2, numpy as np
secret, got = {str(room / "secret.txt")!r}, []
def attempt(call):
    try:
        got.append(call())
    except Exception:
        pass
attempt(lambda: open(secret).read())
attempt(lambda: os.listdir(os.path.dirname(secret)))
attempt(lambda: open(secret, "w").write("x"))
attempt(lambda: os.remove(secret))
attempt(lambda: subprocess.run(["cat", secret], capture_output=True, check=True).stdout)
attempt(lambda: os.symlink(secret, "link") or open("link").read())
attempt(lambda: os.kill(os.getppid(), 9))
attempt(lambda: open("/etc/shadow").read())
attempt(lambda: open({str(Path(__file__))!r}).read())
"""
    report = RIGHT.replace("    valid", "    assert not got, f'reached {got}'\n    valid")
    handed_in = hand_in(room, "paul", SETUP, attack, report)
    if not PROTECTED:  # then nothing runs at all
        with pytest.raises(CourseError, match="cannot shut submissions off"):
            grade_strictly([handed_in])
        return
    assert verdict(grade_strictly([handed_in])) == ("passed", "")
    assert (room / "secret.txt").read_text() == "the exam of next week"


def test_files_that_are_no_notebooks(room):
    broken = room / "ruth" / "broken.ipynb"
    broken.parent.mkdir()
    broken.write_text("{")
    rows = grade([broken.parent])
    assert rows[0]["verdict"] == "error"
    assert "is no notebook" in rows[0]["detail"]
    with pytest.raises(CourseError, match="There is no notebook at"):
        grade([room / "nothing"])
    with pytest.raises(CourseError, match="Choose another file with --csv"):
        grade([hand_in(room, "sam", SETUP, STUB)], room / "no" / "grades.csv")


def test_names_are_no_formulas(room):
    table = room / "grades.csv"
    grade([hand_in(room, "=cmd", SETUP, STUB)], table)
    assert "'=cmd" in table.read_text(encoding="utf-8")


def test_without_protection_it_asks_for_trust(room, monkeypatch):
    monkeypatch.setattr("exercises.grading.grade.landlock_version", lambda: 0)
    with pytest.raises(CourseError, match="--trusted"):
        grade_strictly([hand_in(room, "tom", SETUP, STUB)])
    assert verdict(grade_strictly([room / "tom"], trusted=True))[0] == "unwritten"


def test_a_submission_finds_nothing_of_the_one_before(room):
    """Neither its files, nor its names, nor what it changed in the course, although one process forks both."""
    spoil = (
        "import pathlib, shutil\nfrom utils import metrics\nmetrics.iou = None\nleft = 1\nshutil.rmtree('../../home')"
    )
    spoil += "\npathlib.Path('../utils/metrics.py').write_text('')\npathlib.Path('left').mkdir(mode=0)"
    look = "import pathlib\nfrom utils import metrics\nassert metrics.iou and 'left' not in globals()"
    look += "\nassert not pathlib.Path('left').exists() and pathlib.Path('../utils/metrics.py').read_text()"
    look += "\nassert pathlib.Path.home().is_dir()\n"
    rows = grade([hand_in(room, "vera", SETUP, spoil, OTHER), hand_in(room, "will", SETUP, look + RIGHT)])
    assert verdict([row for row in rows if row["submission"] == "will"]) == ("passed", "")


def test_command_line(room, capsys, monkeypatch):
    from exercises.__main__ import main

    monkeypatch.setattr("exercises.grading.grade.Sandbox", Sandbox)  # nothing is shared here
    trust = [] if PROTECTED else ["--trusted"]
    assert main(["grade", str(hand_in(room, "una", SETUP, RIGHT)), "--csv", str(room / "g.csv"), *trust]) == 0
    assert "exercises passed; the table is" in capsys.readouterr().out

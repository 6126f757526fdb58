"""utils/course.py: pointing the course at a fork; and what no file of the course may hold."""

import json
import re
import shutil
import subprocess

import pytest
from helpers import COURSE, assert_clear, snapshot

from exercises import course
from segmenter.__main__ import main
from utils.errors import CourseError

BINARY = {".jpg", ".png", ".safetensors", ".ico"}
REWRITTEN = ["README.md", "pyproject.toml", "exercises/course.py"]


@pytest.fixture(scope="module")
def tree():
    """Every text file that belongs to the project, by its path."""
    command = ["git", "-c", f"safe.directory={COURSE}", "ls-files", "-co", "--exclude-standard"]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True, check=False)
    names = done.stdout.splitlines() if done.returncode == 0 else []
    if not names:  # a copy without git
        folders = ("notebooks", "utils", "exercises", "segmenter", "data/tiny", "tests", "benchmarks", ".github")
        found = [*COURSE.glob("*.*"), *COURSE.glob("data/*.*"), *(p for f in folders for p in (COURSE / f).rglob("*"))]
        names = [p.relative_to(COURSE).as_posix() for p in found if p.is_file() and "__pycache__" not in p.parts]
    assert len(names) > 50
    paths = {name: COURSE / name for name in names if (COURSE / name).is_file()}
    return {name: p.read_text("utf-8") for name, p in paths.items() if p.suffix.lower() not in BINARY}


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the course's text files that `retarget` may rewrite."""
    for name in [*REWRITTEN, *(f"notebooks/{p.name}" for p in course.list_notebooks())]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(COURSE / name, tmp_path / name)
    monkeypatch.setattr(course, "COURSE", tmp_path)
    monkeypatch.setattr(course, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(course, "__file__", str(tmp_path / "exercises" / "course.py"))
    return tmp_path


def test_the_course_has_nine_notebooks():
    assert [p.stem[:3] for p in course.list_notebooks()] == [f"0{n}_" for n in range(1, 10)]


# ---------------------------------------------------------------- retarget
def test_retarget_points_everything_at_the_fork(copy, monkeypatch):
    before = snapshot(copy)
    changed = course.retarget("ada/my-course")
    after = snapshot(copy)
    assert before.keys() == after.keys()
    assert {str(p.relative_to(copy)) for p in changed} == {n for n in before if before[n] != after[n]}
    assert {*REWRITTEN, *(f"notebooks/{p.name}" for p in course.list_notebooks())} == {
        str(p.relative_to(copy)) for p in changed
    }
    old, new = course.REPOSITORY.encode(), b"ada/my-course"
    for name, content in after.items():
        if content is not None:
            assert old not in content, name
            assert content.replace(new, old) == before[name]
    for path in (copy / "notebooks").glob("*.ipynb"):
        text = json.dumps(json.loads(path.read_text("utf-8")))
        assert "ada/my-course/blob/main/notebooks/" in text, f"{path.name}: badge"
        assert "github.com/ada/my-course" in text, f"{path.name}: setup cell"
    assert course.retarget("ada/my-course") == []


def test_a_fork_can_be_forked_again(copy, monkeypatch):
    course.retarget("ada/my-course")
    named = re.search(r'^REPOSITORY = "(.*)"$', (copy / "exercises" / "course.py").read_text("utf-8"), re.MULTILINE)
    assert named[1] == "ada/my-course"
    monkeypatch.setattr(course, "REPOSITORY", named[1])
    assert len(course.retarget("bob/other")) == len(REWRITTEN) + 9
    assert not any(b"ada/my-course" in content for content in snapshot(copy).values() if content)


@pytest.mark.parametrize("name", ["", "course", "a/b/c", "ada lovelace/course", 'a"/b', "https://github.com/a/b"])
def test_what_is_no_repository_changes_nothing(name, copy):
    before = snapshot(copy)
    with pytest.raises(CourseError) as error:
        course.retarget(name)
    assert_clear(error, f"'{name}'", "OWNER/NAME")
    assert snapshot(copy) == before


def test_the_command_line_says_what_it_rewrote(copy, monkeypatch, capsys):
    monkeypatch.setattr("segmenter.commands.COURSE", copy)
    assert main(["retarget", "ada/my-course"]) == 0
    assert "rewrote README.md" in capsys.readouterr().out
    assert main(["retarget", "nonsense"]) == 2
    assert "OWNER/NAME" in capsys.readouterr().err


def test_the_address_is_in_no_file_that_retarget_passes_over(tree):
    holders = {name for name, text in tree.items() if course.REPOSITORY in text and not name.startswith("tests/")}
    assert holders == {*REWRITTEN, *(f"notebooks/{p.name}" for p in course.list_notebooks())}


# ---------------------------------------------------------------- what no file may hold
def test_no_path_of_a_machine_is_in_the_tree(tree):
    places = ["/" + "work/", "/" + "home/", "/" + "Users/", "/" + "root/", "C:" + "\\\\", "file:" + "///"]
    found = [(name, place) for name, text in tree.items() for place in places if place in text]
    temporary = [(name, "tmp") for name, text in tree.items() if name.endswith(".ipynb") and "/" + "tmp/" in text]
    assert found + temporary == []


def test_nothing_is_loaded_that_can_run_code(tree):
    risky = r"^\s*(import|from) pickle|pickle\.load|weights_only\s*=\s*False|allow_pickle\s*=\s*True|joblib"
    code = {n: t for n, t in tree.items() if n.endswith((".py", ".ipynb")) and not n.startswith("tests/")}
    assert len(code) > 30
    found = {name: len(re.findall(risky, text, re.MULTILINE)) for name, text in code.items()}
    assert {name: count for name, count in found.items() if count} == {}
    calls = [call for text in code.values() for call in re.findall(r"torch\.load\([^\n]*", text)]
    assert calls
    assert [c for c in calls if "weights_only=True" not in c] == []


def test_no_secret_is_in_the_tree(tree):
    secret = re.compile(r"(hf_|ghp_|sk-|AKIA)[A-Za-z0-9]{16,}|BEGIN [A-Z ]*PRIVATE KEY")
    assert [name for name, text in tree.items() if secret.search(text)] == []


# ---------------------------------------------------------------- showing
def test_code_is_shown_as_it_is_written():
    from utils.unet import DecoderStep, UNet

    text = course.show_code(UNet, DecoderStep).data
    assert text.count("```python\n") == 2
    assert "class UNet(nn.Module):" in text
    assert "class DecoderStep(nn.Module):" in text


def test_every_diagram_can_be_shown_and_read_out():
    drawings = sorted((COURSE / "notebooks" / "images").glob("*.svg"))
    assert drawings
    for path in drawings:
        shown = course.show_diagram(path.stem).data
        assert "<svg" in shown
        assert "<title" in shown, f"{path.name} has no title for screen readers"
        assert not re.search(r"<script|href=.https?:", shown), path.name

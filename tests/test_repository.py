"""What the files of the project may hold, and what none of them may."""

import re
import subprocess

import pytest
from helpers import COURSE

from exercises import course

BINARY = {".jpg", ".png", ".safetensors", ".ico"}


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


def test_the_address_is_in_no_file_that_retarget_passes_over(tree):
    holders = {name for name, text in tree.items() if course.REPOSITORY in text and not name.startswith("tests/")}
    notebooks = {f"notebooks/{path.name}" for path in course.list_notebooks()}
    assert holders == {"README.md", "pyproject.toml", "exercises/course.py", *notebooks}


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

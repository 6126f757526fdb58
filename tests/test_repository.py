"""What the files of the project may hold, and what none of them may."""

import os
import re
import runpy
import shutil
import subprocess
import sys

import pytest
import yaml
from helpers import COURSE

from exercises import course

WORKFLOWS = sorted((COURSE / ".github" / "workflows").glob("*.yml"))
SCRIPTS = COURSE / ".github" / "scripts"
BINARY = {".jpg", ".png", ".safetensors", ".ico"}


@pytest.fixture(scope="module")
def tree():
    """Every text file that belongs to the project, by its path."""
    command = ["git", "-c", f"safe.directory={COURSE}", "ls-files", "-co", "--exclude-standard"]
    done = subprocess.run(command, cwd=COURSE, capture_output=True, text=True, check=False)
    names = done.stdout.splitlines() if done.returncode == 0 else []
    if not names:  # a copy without git
        folders = (
            "notebooks",
            "utils",
            "exercises",
            "segmenter",
            "data/tiny",
            "tests",
            "benchmarks",
            "docs",
            ".github",
        )
        found = [*COURSE.glob("*.*"), *COURSE.glob("data/*.*"), *(p for f in folders for p in (COURSE / f).rglob("*"))]
        names = [p.relative_to(COURSE).as_posix() for p in found if p.is_file() and "__pycache__" not in p.parts]
    assert len(names) > 50
    paths = {name: COURSE / name for name in names if (COURSE / name).is_file()}
    return {name: p.read_text("utf-8") for name, p in paths.items() if p.suffix.lower() not in BINARY}


def test_the_address_is_in_no_file_that_retarget_passes_over(tree):
    holders = {name for name, text in tree.items() if course.REPOSITORY in text and not name.startswith("tests/")}
    notebooks = {f"notebooks/{path.name}" for path in course.NOTEBOOKS.glob("*.ipynb")}
    assert holders == {"README.md", "pyproject.toml", "CITATION.cff", "exercises/course.py", *notebooks}


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
    picture = re.compile(r'"image/(png|jpeg)": "[^"]*"')  # in millions of characters any four letters stand somewhere
    assert [name for name, text in tree.items() if secret.search(picture.sub("", text))] == []


# ---------------------------------------------------------------- workflows and their scripts
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_little_and_names_exact_actions(path):
    text = path.read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())
    actions = re.findall(r"uses: (.+)", text)
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", action) for action in actions), actions
    writers = [name for name, job in workflow["jobs"].items() if "write" in job.get("permissions", {}).values()]
    assert writers == {"pages": ["deploy"], "retarget": ["retarget"], "release": ["release"]}.get(path.stem, [])
    scripts = re.findall(r"\.github/scripts/(\w+\.py)", text)
    assert [name for name in scripts if not (SCRIPTS / name).is_file()] == []


def test_the_first_push_to_a_new_home_points_the_course_at_it(tmp_path):
    for folder in ("utils", ".github/scripts", "notebooks"):
        shutil.copytree(COURSE / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "images"))
    (tmp_path / "exercises").mkdir()
    for name in ("README.md", "pyproject.toml", "CITATION.cff", "exercises/course.py"):
        shutil.copy(COURSE / name, tmp_path / name)
    environment = {**os.environ, "GITHUB_REPOSITORY": "ada/my-course"}

    def push():
        command = [sys.executable, str(tmp_path / ".github" / "scripts" / "retarget.py")]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    assert re.search(r"ada/my-course, in \d\d files", push())
    assert "github.com/ada/my-course" in (tmp_path / "README.md").read_text("utf-8")
    assert "nothing to do" in push()


def test_the_notes_of_a_release_are_those_of_its_version():
    notes = runpy.run_path(str(SCRIPTS / "release_notes.py"))["notes"]
    version = re.search(r'^version = "(.+)"', (COURSE / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
    assert len(notes(f"v{version}")) > 20
    assert "## " not in notes(f"v{version}")
    with pytest.raises(SystemExit, match=f"The tag is v0, and pyproject.toml says {version}"):
        notes("v0")


def test_pins_are_those_of_colab_for_what_the_course_uses():
    pins = runpy.run_path(str(SCRIPTS / "colab_pins.py"))["pins"]
    freeze = "Jinja2==3.1.6\nhuggingface_hub==1.27.0\ntorch==2.11.0+cu128\nunused==1\npillow @ https://example.org/x\n"
    requirements = "# torch of old\ntorch>=2.7\njinja2>=3.1\nhuggingface-hub>=1.2\npillow>=11\n"
    assert pins(freeze, requirements) == ["Jinja2==3.1.6", "huggingface_hub==1.27.0", "torch==2.11.0"]
    constraints = runpy.run_path(str(SCRIPTS / "colab_pins.py"))["constraints"]
    assert constraints(freeze) == ["Jinja2==3.1.6", "huggingface_hub==1.27.0", "unused==1"]


def test_every_part_has_its_licence():
    text = (COURSE / "LICENSE").read_text("utf-8")
    for part in ("MIT License", "Permission is hereby granted", "licenses/by/4.0", "zero/1.0", "licenses/by-sa/4.0"):
        assert part in text, part
    assert {"data/tiny", "data/pets_mini", "notebooks/images"} <= set(re.findall(r"(?:data|notebooks)/\w+", text))
    assert "CC BY-SA 4.0" in (COURSE / "data" / "pets_mini" / "LICENSE").read_text("utf-8")


def test_no_file_is_empty(tree):
    assert [name for name, text in tree.items() if not text.strip() and not name.endswith("__init__.py")] == []

"""Every test has a my_work of its own, and the course's functions in their places before and after."""

import shutil

import pytest

from exercises import course, strict
from exercises.answers import bind_in_course
from exercises.catalogue import find, reference
from exercises.session import SESSION
from utils.config import COURSE


@pytest.fixture(autouse=True)
def own_work(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_WORK", str(tmp_path / "my_work"))
    SESSION.clear()
    yield tmp_path / "my_work"
    strict(False)
    for exercise_id in {*SESSION.attempts, *SESSION.passed_answers}:
        bind_in_course(find(exercise_id), reference(exercise_id))
    SESSION.clear()


@pytest.fixture
def course_copy(tmp_path, monkeypatch):
    """A copy of the course's text files that `retarget` may rewrite."""
    notebooks = [f"notebooks/{path.name}" for path in course.list_notebooks()]
    for name in ["README.md", "pyproject.toml", "CITATION.cff", "exercises/course.py", *notebooks]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(COURSE / name, tmp_path / name)
    monkeypatch.setattr(course, "COURSE", tmp_path)
    monkeypatch.setattr(course, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(course, "__file__", str(tmp_path / "exercises" / "course.py"))
    return tmp_path

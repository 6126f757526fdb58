"""exercises/course.py: the nine notebooks, and pointing the course at a fork."""

import json
import re

import nbformat
import pytest
from helpers import assert_clear, snapshot

from exercises import course
from utils.errors import CourseError

REWRITTEN = ["README.md", "pyproject.toml", "CITATION.cff", "exercises/course.py"]


def test_the_course_has_nine_notebooks():
    assert [p.stem[:3] for p in course.list_notebooks()] == [f"0{n}_" for n in range(1, 10)]


def test_a_kernel_that_dies_is_a_sentence(tmp_path):
    path = tmp_path / "dies.ipynb"
    cell = nbformat.v4.new_code_cell("import os; os.kill(os.getpid(), 9)")  # as the system does when memory runs out
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    with pytest.raises(CourseError) as error:
        course.execute_notebook(path)
    assert_clear(error, "dies.ipynb", "died", "memory", "run it again")


# ---------------------------------------------------------------- retarget
def test_retarget_points_everything_at_the_fork(course_copy, monkeypatch):
    before = snapshot(course_copy)
    changed = course.retarget("ada/my-course")
    after = snapshot(course_copy)
    assert before.keys() == after.keys()
    assert {str(p.relative_to(course_copy)) for p in changed} == {n for n in before if before[n] != after[n]}
    assert {*REWRITTEN, *(f"notebooks/{p.name}" for p in (course_copy / "notebooks").glob("*.ipynb"))} == {
        str(p.relative_to(course_copy)) for p in changed
    }
    old, new = course.REPOSITORY.encode(), b"ada/my-course"
    for name, content in after.items():
        if content is not None:
            assert old not in content, name
            assert content.replace(new, old) == before[name]
    for path in (course_copy / "notebooks").glob("*.ipynb"):
        text = json.dumps(json.loads(path.read_text("utf-8")))
        assert "ada/my-course/blob/main/notebooks/" in text, f"{path.name}: badge"
        assert "github.com/ada/my-course" in text, f"{path.name}: setup cell"
    assert course.retarget("ada/my-course") == []


def test_a_fork_can_be_forked_again(course_copy, monkeypatch):
    course.retarget("ada/my-course")
    named = re.search(
        r'^REPOSITORY = "(.*)"$', (course_copy / "exercises" / "course.py").read_text("utf-8"), re.MULTILINE
    )
    assert named[1] == "ada/my-course"
    monkeypatch.setattr(course, "REPOSITORY", named[1])
    assert len(course.retarget("bob/other")) == len(REWRITTEN) + 9
    assert not any(b"ada/my-course" in content for content in snapshot(course_copy).values() if content)


@pytest.mark.parametrize("name", ["", "course", "a/b/c", "ada lovelace/course", 'a"/b', "https://github.com/a/b"])
def test_what_is_no_repository_changes_nothing(name, course_copy):
    before = snapshot(course_copy)
    with pytest.raises(CourseError) as error:
        course.retarget(name)
    assert_clear(error, f"'{name}'", "OWNER/NAME")
    assert snapshot(course_copy) == before

"""Every test has a my_work of its own, and the course's functions in their places before and after."""

import pytest

from exercises import answers as work
from exercises import engine


@pytest.fixture(autouse=True)
def own_work(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_WORK", str(tmp_path / "my_work"))
    engine.ATTEMPTS.clear()
    engine.KEPT.clear()
    yield tmp_path / "my_work"
    engine.strict(False)
    for exercise_id in {*engine.ATTEMPTS, *engine.KEPT}:
        work.put(engine.find(exercise_id), engine.reference(exercise_id))
    engine.ATTEMPTS.clear()
    engine.KEPT.clear()

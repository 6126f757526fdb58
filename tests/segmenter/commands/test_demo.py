"""segmenter/commands/demo.py: the run, the port and the address reach the server."""

import socket

import pytest

from segmenter import app
from segmenter.__main__ import main
from utils.inference import best_run


@pytest.fixture
def launched(monkeypatch):
    """What `launch` was called with, in place of a server."""
    calls = []
    monkeypatch.setattr(app, "launch", lambda predictor, *options: calls.append((predictor, *options)))
    return calls


def test_a_run_is_served(trained, launched):
    assert main(["demo", str(trained), "--port", "8000", "--host", "0.0.0.0", "--share"]) == 0
    ((predictor, *options),) = launched
    assert predictor.classes == ("ground", "house", "lake")
    assert options == [8000, "0.0.0.0", True]


def test_without_a_run_the_courses_own_is_served_on_this_machine_only(launched):
    assert best_run().exists()
    assert main(["demo"]) == 0
    assert launched[0][1:] == (None, "127.0.0.1", False)


def test_what_cannot_be_served_is_one_sentence(trained, tmp_path, refused):
    refused(main(["demo", str(tmp_path / "no-run")]), "no run folder")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused(main(["demo", str(trained), "--port", port]), port, "taken")

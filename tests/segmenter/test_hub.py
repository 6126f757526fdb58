"""segmenter/hub: the library of the Hub itself, in a process of its own, against a server on this machine."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pytest
from helpers import COURSE, assert_clear, assert_sentence, draw_pair, snapshot
from hub_server import TOKEN, hub_server
from safetensors.torch import load_file, save_file

from segmenter.evaluation import report_split
from segmenter.hub import model_card, pull, push
from segmenter.hub.upload import publishable
from utils import catalog
from utils.checkpoint import load_weights, save_weights
from utils.config import Config
from utils.errors import CourseError
from utils.inference import Predictor
from utils.models import build_model

WORKER = """
import json, os, sys
from segmenter import hub
from utils.errors import CourseError
for line in sys.stdin:
    what, arguments, token = json.loads(line)
    os.environ["HF_TOKEN"] = token
    try:
        answer = [str(getattr(hub, what)(*arguments)), ""]
    except CourseError as error:
        answer = ["", str(error)]
    print("ANSWER" + json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def worker():
    """A process that may use the network, where this one may not, and a Hub for it: (Hub, process)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    with hub_server() as (address, hub), tempfile.TemporaryDirectory() as home:
        hub.address = address
        environment |= {"HF_ENDPOINT": address, "HF_HOME": home, "NO_PROXY": "*", "HF_HUB_DISABLE_TELEMETRY": "1"}
        environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        with subprocess.Popen(
            [sys.executable, "-c", WORKER],
            cwd=COURSE,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            yield hub, process
            process.stdin.close()


@pytest.fixture
def hub(worker):
    """The Hub, empty."""
    hub = worker[0]
    hub.repos, hub.blobs, hub.requests, hub.damaged, hub.status = {}, {}, [], False, None
    hub.process = worker[1]
    return hub


def call(hub, what, *arguments, token=TOKEN):
    """Run push or pull in that process; return (what it returned, sentence of the error)."""
    hub.process.stdin.write(json.dumps([what, [str(argument) for argument in arguments], token or ""]) + "\n")
    hub.process.stdin.flush()
    for line in hub.process.stdout:
        if line.startswith("ANSWER"):
            return tuple(json.loads(line.removeprefix("ANSWER")))
    raise AssertionError("the process has ended with a traceback, see above")


def test_a_run_goes_up_and_comes_down_as_it_was(hub, trained, tmp_path):
    address, sentence = call(hub, "push", trained, "me/blocks")
    assert (address, sentence) == (f"{hub.address}/me/blocks", "")
    assert sorted(hub.repos["me/blocks"]) == ["README.md", "model.safetensors"]
    assert "python -m segmenter pull me/blocks" in hub.repos["me/blocks"]["README.md"].decode()
    assert any(request.startswith("PUT /blobs/") for request in hub.requests)  # as large files go up
    assert call(hub, "push", trained, "me/blocks")[1] == ""  # again: a new commit, no error

    folder = tmp_path / "deep" / "pulled"
    assert call(hub, "pull", "me/blocks", folder, token=None) == (str(folder), "")
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "best.safetensors"]
    assert [p.name for p in folder.parent.iterdir()] == ["pulled"]
    image = draw_pair(7)[0]
    before, after = (Predictor.from_run(run, device="cpu")(image) for run in (trained, folder))
    assert np.array_equal(before.probabilities, after.probabilities)


def test_what_goes_up_says_nothing_of_this_machine(tmp_path):
    config = Config(unet_width=4, unet_depth=1, weights="/somewhere/secret.safetensors", output=tmp_path / "out")
    model = build_model(config.override(weights=None), 3)
    save_weights(tmp_path / "best.safetensors", model, config, ("a", "b", "c"), ((0, 0, 0),) * 3, epoch=3)
    assert b"somewhere" in (tmp_path / "best.safetensors").read_bytes()
    data = publishable(tmp_path / "best.safetensors")
    assert b"somewhere" not in data
    assert str(tmp_path).encode() not in data
    (tmp_path / "again.safetensors").write_bytes(data)
    assert load_weights(tmp_path / "again.safetensors")[1]["facts"] == {"epoch": 3}


@pytest.mark.parametrize(
    ("name", "token", "status", "words"),
    [
        ("me/blocks", None, None, ["not logged in", "hf auth login"]),
        ("me/blocks", "hf_wrong", None, ["does not know you", "hf auth login"]),
        ("you/blocks", TOKEN, None, ["no right", "you/blocks"]),
        ("me/a/b", TOKEN, None, ["me/a/b", "OWNER/NAME"]),
        ("me/blocks", TOKEN, 418, ["answered 418", "again later"]),
    ],
)
def test_what_stops_a_push_is_one_sentence(hub, trained, name, token, status, words):
    hub.status = status
    _, sentence = call(hub, "push", trained, name, token=token)
    assert_sentence(sentence, *words)
    assert not any(hub.repos.values())


def test_what_stops_a_pull_is_one_sentence_and_leaves_nothing(hub, trained, tmp_path):
    target = tmp_path / "new"
    weights = publishable(trained / "best.safetensors")
    hub.repos |= {
        "me/empty": {"README.md": b"# Nothing", "pytorch_model.bin": b"a pickle"},
        "me/foreign": {"model.safetensors": b"no such file", "../../escape.txt": b"x"},
        "me/good": {"model.safetensors": weights, "../../escape.txt": b"x"},
    }
    state = load_file(trained / "best.safetensors")
    save_file(state, tmp_path / "plain.safetensors")
    hub.repos["me/plain"] = {"model.safetensors": (tmp_path / "plain.safetensors").read_bytes()}
    (tmp_path / "plain.safetensors").unlink()
    cases = {
        ("me/nowhere", "main"): ["no model me/nowhere", "check the name"],
        ("me/empty", "main"): ["me/empty", "no model.safetensors"],
        ("me/foreign", "main"): ["model.safetensors", "damaged", "cannot be used"],
        ("me/plain", "main"): ["not written by this course"],
        ("me/good", "other"): ["no such revision"],
    }
    for (name, revision), words in cases.items():
        assert_sentence(call(hub, "pull", name, target, revision)[1], *words)
        assert list(tmp_path.iterdir()) == [], name
    hub.damaged = True
    assert_sentence(call(hub, "pull", "me/good", target)[1], "damaged", "pull it again")
    assert list(tmp_path.iterdir()) == []
    hub.damaged = False
    assert call(hub, "pull", "me/good", target) == (str(target), "")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["best.safetensors", "new"]


def test_no_network_is_one_sentence(hub, trained, tmp_path, monkeypatch):
    hub.status = "hang up"
    for what, arguments in (("pull", ("me/blocks", tmp_path / "new")), ("push", (trained, "me/blocks"))):
        assert_sentence(call(hub, what, *arguments)[1], "me/blocks", "check the network")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for function, arguments in ((pull, ("me/blocks", tmp_path / "new")), (push, (trained, "me/blocks"))):
        with pytest.raises(CourseError) as error:  # this process is told to stay offline
            function(*arguments)
        assert_clear(error, "me/blocks", "check the network", "HF_HUB_OFFLINE")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    before = snapshot(tmp_path)
    for target in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(CourseError) as error:
            pull("me/blocks", target)
        assert_clear(error, target, "new folder")
    assert snapshot(tmp_path) == before


def test_what_is_no_run_is_refused_before_anything_is_sent(tmp_path):
    with pytest.raises(CourseError) as error:
        push(tmp_path / "nothing", "me/blocks")
    assert_clear(error, "nothing", "train first")


def test_a_missing_package_names_the_remedy(trained, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for function, arguments in ((push, (trained, "me/a")), (pull, ("me/a", tmp_path / "new"))):
        with pytest.raises(CourseError) as error:
            function(*arguments)
        assert_clear(error, "huggingface_hub", "pip install", "then this again")


def test_the_card_says_what_was_trained_and_measured(trained):
    header = load_weights(trained / "best.safetensors")[1]
    bare = model_card(header)
    assert bare.startswith("---\nlibrary_name: pytorch\npipeline_tag: image-segmentation\n")
    for words in ("# Segmentation of ground, house, lake", "`unet`", "up to 2 epochs", "random weights", "not stated"):
        assert words in bare
    assert "No scores were measured" in bare
    source = catalog.load(Config.load(trained / "config.yaml"))
    report = report_split(Predictor.from_run(trained, device="cpu"), source, "test")
    card = model_card(header, report, source.license, "imagenet")
    assert source.license in card
    assert "`imagenet` weights" in card
    assert f"| house | {report.table.loc['house', 'iou']:.3f} |" in card
    assert "2 pictures that it was not trained on" in card
    assert "No scores" not in card

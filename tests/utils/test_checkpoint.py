"""utils/checkpoint.py: files that are whole or not there, hold no code, and say what is wrong with them."""

import errno
import json
import os
import pickle
import shutil
import stat

import pytest
import torch
from helpers import assert_clear, equal_states, full_disk, snapshot
from safetensors.torch import save_file

from utils.checkpoint import LOCAL_FIELDS, load_state, load_weights, restore, save_state, save_weights
from utils.config import Config
from utils.errors import CheckpointError
from utils.files import write_atomically
from utils.models import build_model

CLASSES = ("ground", "house", "lake")
PALETTE = ((1, 2, 3), (4, 5, 6), (7, 8, 9))
CONFIG = Config(unet_width=2, unet_depth=1, seed=7)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model(CONFIG, 3)


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "best.safetensors"
    save_weights(path, model, CONFIG, CLASSES, PALETTE, epoch=3, val_score=0.5)
    return path


# ---------------------------------------------------------------- weights
def test_weights_come_back_with_all_that_is_needed_to_use_them(saved, model):
    state, header = load_weights(saved)
    assert equal_states(state, model.state_dict())
    assert header == {
        "config": CONFIG,
        "classes": CLASSES,
        "palette": PALETTE,
        "facts": {"epoch": 3, "val_score": 0.5},
    }
    other = build_model(header["config"], 3)
    restore(other, state, saved)
    assert equal_states(other.state_dict(), model.state_dict())


def test_nothing_of_the_machine_is_passed_on(model, tmp_path):
    config = CONFIG.override(root="/secret/place", output="/secret/run", workers=9, device="cpu", tracker="wandb")
    save_weights(tmp_path / "a.safetensors", model, config, CLASSES, PALETTE)
    assert b"secret" not in (tmp_path / "a.safetensors").read_bytes()
    assert load_weights(tmp_path / "a.safetensors")[1]["config"] == CONFIG
    assert set(Config.model_fields) > LOCAL_FIELDS


def test_trained_weights_do_not_ask_for_pretrained_ones(model, tmp_path):
    save_weights(tmp_path / "a.safetensors", model, CONFIG.override(weights="imagenet"), CLASSES, PALETTE)
    assert load_weights(tmp_path / "a.safetensors")[1]["config"].weights is None


def test_others_may_read_what_is_saved(saved):
    assert stat.S_IMODE(saved.stat().st_mode) == 0o644


def _header(**header):
    return lambda path: save_file({"a": torch.zeros(1)}, path, {"format": "pt", **header})


WHOLE = {"config": "{}", "classes": '["a", "b"]', "palette": "[[0, 0, 0], [1, 1, 1]]"}
BROKEN = {
    "cut off": (lambda p: p.write_bytes(p.read_bytes()[:-50]), ["damaged", "another checkpoint"]),
    "empty": (lambda p: p.write_bytes(b""), ["damaged", "another checkpoint"]),
    "web page": (lambda p: p.write_text("<!DOCTYPE html><html>404</html>"), ["damaged", "another checkpoint"]),
    "a torch file": (lambda p: torch.save({"a": torch.zeros(1)}, p), ["damaged", "another checkpoint"]),
    "missing": (lambda p: p.unlink(), ["no file", "train first"]),
    "another program's": (_header(), ["not written by this course"]),
    "another program's config": (_header(**WHOLE | {"config": "resnet"}), ["another program", "another checkpoint"]),
    "no object": (_header(**WHOLE | {"config": "[]"}), ["another program", "another checkpoint"]),
    "another version's field": (_header(**WHOLE | {"config": '{"epoch": 3}'}), ["no field 'epoch'", "version"]),
    "no palette": (_header(config="{}", classes="[]"), ["palette", "another checkpoint"]),
}


@pytest.mark.parametrize("damage", BROKEN)
def test_a_broken_or_foreign_file_gets_one_sentence(damage, saved):
    change, words = BROKEN[damage]
    change(saved)
    before = snapshot(saved.parent)
    with pytest.raises(CheckpointError) as error:
        load_weights(saved)
    assert_clear(error, saved, *words)
    assert snapshot(saved.parent) == before


@pytest.mark.parametrize(
    ("other", "outputs", "words"),
    [
        (CONFIG, 5, ["net.head", "(3,) there and (5,) here"]),
        (CONFIG.override(unet_width=4), 3, ["does not fit", "there and"]),
        (CONFIG.override(model="smp:unet/resnet18"), 3, ["another model", "missing", "foreign"]),
    ],
)
def test_weights_of_another_model_are_not_loaded(other, outputs, words, saved):
    model = build_model(other, outputs)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(CheckpointError) as error:
        restore(model, load_weights(saved)[0], saved)
    assert_clear(error, saved, *words, "trained with")
    assert equal_states(before, model.state_dict())


# ---------------------------------------------------------------- states
def test_a_state_comes_back(tmp_path):
    state = {"config": "{}", "history": [{"epoch": 1, "loss": 0.5}], "model": {"a": torch.rand(3)}}
    save_state(tmp_path / "last.ckpt", **state)
    found = load_state(tmp_path / "last.ckpt")
    assert torch.equal(found["model"].pop("a"), state["model"].pop("a"))
    assert found == state


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", ["torch", "plain"])
def test_no_code_hides_in_a_state(write, tmp_path):
    path, sprung = tmp_path / "last.ckpt", tmp_path / "sprung"
    trap = {"config": "{}", "model": Trap(sprung)}
    torch.save(trap, path) if write == "torch" else path.write_bytes(pickle.dumps(trap))
    with pytest.raises(CheckpointError) as error:
        load_state(path)
    assert_clear(error, path, "more than tensors and plain types", "is not opened", "cannot be resumed from")
    assert not sprung.exists()
    assert pickle.loads(pickle.dumps(Trap(sprung))) is None  # the trap does work
    assert sprung.exists()


@pytest.mark.parametrize(("content", "words"), [(None, ["no file", "without resume"]), (b"", ["damaged"]),
                                                (b"<html>", ["damaged"]), (b"PK\x03\x04", ["damaged"])])  # fmt: skip
def test_a_broken_state_gets_one_sentence(content, words, tmp_path):
    path = tmp_path / "last.ckpt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load_state(path)
    assert_clear(error, path, *words)


# ---------------------------------------------------------------- writing
@pytest.mark.parametrize("before", [None, b"the old one"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("write failed\nmore")]
)
def test_a_failed_write_leaves_what_was_there_and_no_litter(before, error, tmp_path):
    path = tmp_path / "file"
    if before:
        path.write_bytes(before)

    def half(temporary):
        temporary.write_bytes(b"half of the new o")
        raise error

    with pytest.raises(CheckpointError) as found:
        write_atomically(path, half)
    assert_clear(found, path, "free some space", "unharmed")
    assert snapshot(tmp_path) == ({"file": before} if before else {})


def test_even_a_crash_leaves_no_litter(tmp_path):
    def crash(temporary):
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", crash)
    assert snapshot(tmp_path) == {}


def test_readers_never_see_a_file_in_the_making(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(temporary):
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert temporary.parent == path.parent

    write_atomically(path, write)
    assert snapshot(tmp_path) == {"file": b"new"}


@pytest.mark.parametrize("kind", ["weights", "state"])
@pytest.mark.parametrize("limit", [0, 1000])
def test_a_disk_that_is_really_full(kind, limit, model, saved, tmp_path):
    path = tmp_path / "full"
    shutil.copy(saved, path)
    before = snapshot(tmp_path)
    save = {
        "weights": lambda: save_weights(path, model, CONFIG, CLASSES, PALETTE),
        "state": lambda: save_state(path, model=model.state_dict(), history=[]),
    }[kind]
    with full_disk(limit), pytest.raises(CheckpointError) as error:
        save()
    assert_clear(error, path, "cannot write", "free some space")
    assert snapshot(tmp_path) == before


def test_a_folder_that_is_not_there(model, tmp_path):
    with pytest.raises(CheckpointError) as error:
        save_state(tmp_path / "no" / "last.ckpt", history=[])
    assert_clear(error, tmp_path / "no" / "last.ckpt", "cannot write")


def test_the_header_is_plain_json(saved):
    raw = saved.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]
    assert json.loads(header["classes"]) == list(CLASSES)
    assert json.loads(header["facts"]) == {"epoch": 3, "val_score": 0.5}

"""A run that is killed at any moment, or loses a file, goes on and ends bit for bit as if nothing had happened."""

import os
import random
import signal
import time

import numpy as np
import pytest
import torch
from helpers import COURSE, assert_clear, equal_states, small_config, snapshot, write_pairs
from PIL import Image
from warm import Process

from utils.checkpoint import load_state, load_weights
from utils.config import Config
from utils.errors import CheckpointError
from utils.losses import cross_entropy
from utils.runs import Run
from utils.training import fit

CLOCK = ["images_per_second", "seconds"]


def everything(config):
    """A configuration in which everything that has a state, or is random, takes part."""
    return config.override(
        augmentation="strong", class_weights=True, accumulate=2, batch_size=2, epochs=4, ema=0.8, encoder_rate=0.5
    )


def quiet(config, **options):
    return fit(config, on_epoch=None, **options)


def stop_after(epochs):
    def on_epoch(row, _):
        if row["epoch"] == epochs:
            raise KeyboardInterrupt

    return on_epoch


@pytest.fixture
def data(tmp_path):
    return write_pairs(tmp_path / "data")


@pytest.fixture
def whole(data, tmp_path):
    """A run that nothing interrupted."""
    config = everything(small_config(data, tmp_path / "whole"))
    quiet(config)
    return config


def assert_same_run(a, b):
    """Weights, average, optimizer, schedule and history of two finished runs, bit for bit."""
    one, two = (load_state(config.output / "last.ckpt") for config in (a, b))
    assert one.keys() == two.keys() >= {"model", "average", "optimizer", "scheduler"}
    for part in ("model", "average"):
        assert equal_states(one[part], two[part])
    for part in ("optimizer", "scheduler"):
        assert plain(one[part]) == plain(two[part])
    assert equal_states(*(load_weights(config.output / "best.safetensors")[0] for config in (a, b)))
    tables = [Run.load(config.output).history.drop(columns=CLOCK) for config in (a, b)]
    assert tables[0].equals(tables[1])


def plain(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


# ---------------------------------------------------------------- killed
def process(tmp_path, *arguments):
    return Process(*arguments, output=tmp_path / "printed", cwd=COURSE, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_a_run_killed_again_and_again_ends_as_if_it_never_had_been(whole, tmp_path):
    """In its first epoch, half-way through a file, between two files, and with no `last` in its place."""
    broken = whole.override(output=tmp_path / "broken")
    broken.save(tmp_path / "broken.yaml")
    moments = ["step::3", "half:last.ckpt:1", "before:last.ckpt:2", "after:previous.ckpt:1", "before:history.csv:2"]
    epochs = []
    for number, moment in enumerate(moments):
        script = COURSE / "tests" / "run_that_is_killed.py"
        killed = process(tmp_path, script, tmp_path / "broken.yaml", moment, *["resume"] * (number > 0))
        assert killed.wait(600) == -signal.SIGKILL, killed.text()
        there = [broken.output / name for name in ("last.ckpt", "previous.ckpt")]
        epochs.append(max((len(load_state(path)["history"]) for path in there if path.exists()), default=0))
    assert epochs == [0, 0, 1, 2, 3]
    quiet(broken, resume=True)
    assert_same_run(whole, broken)
    assert not list(broken.output.glob(".*"))  # what a killed process left half-written is cleared away


def test_a_run_killed_at_any_moment_goes_on_from_the_command_line(whole, tmp_path):
    """The clock decides: each process is killed a random while after it has begun to train, or comes to its end."""
    broken = whole.override(output=tmp_path / "broken", epochs=20, workers=1)
    longer = broken.override(output=tmp_path / "longer")
    quiet(longer)
    broken.save(tmp_path / "broken.yaml")
    rng, kills = random.Random(time.time_ns()), 0
    for attempt in range(20):
        resume = ["--resume"] if broken.output.exists() else []
        run = process(tmp_path, "-m", "segmenter", "train", "--config", tmp_path / "broken.yaml", *resume)
        if attempt == 0:
            while run.poll() is None and not (broken.output / "pictures").exists():
                time.sleep(0.01)
        run.wait(rng.uniform(0.0, 0.8) if attempt < 2 else 600)
        if run.poll() is None:
            run.kill()
            kills += 1
            continue
        assert run.poll() == 0, run.text()
        break
    assert kills >= 1
    assert_same_run(longer, broken)


def test_an_interruption_while_a_file_is_written_loses_nothing(whole, tmp_path, monkeypatch):
    from utils import runs

    broken = whole.override(output=tmp_path / "broken")
    save, calls = runs.save_state, []

    def interrupted(*arguments, **state):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        save(*arguments, **state)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "save_state", interrupted)
        assert len(quiet(broken).history) == 2  # what is not written is not claimed
    quiet(broken, resume=True)
    assert_same_run(whole, broken)


# ---------------------------------------------------------------- a file that is damaged
@pytest.mark.parametrize("damage", ["cut off", "empty", "gone"])
def test_a_damaged_last_state_falls_back_to_the_one_before(damage, whole, tmp_path, capsys):
    broken = whole.override(output=tmp_path / "broken")
    fit(broken, on_epoch=stop_after(3))
    last = broken.output / "last.ckpt"
    {
        "cut off": lambda: last.write_bytes(last.read_bytes()[:-1000]),
        "empty": lambda: last.write_bytes(b""),
        "gone": last.unlink,
    }[damage]()
    capsys.readouterr()
    quiet(broken, resume=True)
    said = capsys.readouterr().out
    assert "previous.ckpt" in said
    assert "after epoch 2" in said
    assert str(last) in said
    assert_same_run(whole, broken)


def test_where_both_states_are_damaged_the_run_is_refused_and_untouched(whole, tmp_path):
    broken = whole.override(output=tmp_path / "broken")
    fit(broken, on_epoch=stop_after(2))
    for name in ("last.ckpt", "previous.ckpt"):
        (broken.output / name).write_bytes(b"")
    before = snapshot(broken.output)
    with pytest.raises(CheckpointError) as error:
        quiet(broken, resume=True)
    assert_clear(error, broken.output, "damaged", "cannot be resumed")
    assert snapshot(broken.output) == before


def test_a_history_that_was_never_written_is_written_on_resuming(whole):
    before = Run.load(whole.output).history.drop(columns=CLOCK)
    (whole.output / "history.csv").unlink()
    quiet(whole, resume=True)
    assert Run.load(whole.output).history.drop(columns=CLOCK).equals(before)


def test_a_finished_run_that_lost_its_states_is_not_begun_anew(whole):
    for name in ("last.ckpt", "previous.ckpt"):
        (whole.output / name).unlink()
    before = snapshot(whole.output)
    with pytest.raises(CheckpointError) as error:
        quiet(whole, resume=True)
    assert_clear(error, "last.ckpt", "no file")
    assert snapshot(whole.output) == before


def test_a_run_that_had_only_begun_refuses_another_configuration(whole, tmp_path):
    begun = whole.override(output=tmp_path / "begun")
    begun.output.mkdir()
    begun.save(begun.output / "config.yaml")
    with pytest.raises(CheckpointError) as error:
        quiet(begun.override(seed=1), resume=True)
    assert_clear(error, "seed was 42 and is 1")
    quiet(begun, resume=True)
    assert_same_run(whole, begun)


# ---------------------------------------------------------------- other randomness, other data
def test_randomness_of_every_library_is_that_of_the_epoch(data, tmp_path):
    """A loss that draws from Python, NumPy and torch on its own: a run that was cut draws as one that was not."""

    def noisy(logits, masks):
        draws = random.random() + np.random.rand() + torch.rand(()).item()  # noqa: NPY002 (as libraries still do)
        return cross_entropy(logits, masks) * draws

    runs = []
    for name in ("whole", "cut"):
        config = everything(small_config(data, tmp_path / name))
        if name == "cut":
            fit(config, loss_fn=noisy, on_epoch=stop_after(2))
            random.random(), np.random.rand(), torch.rand(3)  # noqa: NPY002
        quiet(config, loss_fn=noisy, resume=name == "cut")
        runs.append(config)
    assert_same_run(*runs)


def repaint(path):
    picture = np.array(Image.open(path))
    picture[0, 0] = 1 - picture[0, 0].clip(max=1)
    Image.fromarray(picture).save(path)


def _without_line(path, word):
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if word not in line), encoding="utf-8")


CHANGES = {
    "image": (lambda root: repaint(root / "images" / "03.png"), ["1 changed", "images/03.png"]),
    "mask": (lambda root: repaint(root / "masks" / "09.png"), ["1 changed", "images/09.png"]),
    "list": (
        lambda root: _without_line(root / "pairs.csv", "02.png"),
        ["1 gone", "images/02.png"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_data_set_that_has_changed_is_refused_with_what_differs(change, data, tmp_path):
    config = small_config(data, tmp_path / "run", epochs=3)
    fit(config, on_epoch=stop_after(1))
    before = snapshot(config.output)
    damage, words = CHANGES[change]
    damage(data)
    with pytest.raises(CheckpointError) as error:
        quiet(config, resume=True)
    assert_clear(error, data, config.output, "of 12 pairs", *words, "new run")
    assert snapshot(config.output) == before


def test_pairs_that_came_later_neither_stop_a_run_nor_take_part(whole, data, tmp_path):
    broken = whole.override(output=tmp_path / "broken")
    fit(broken, on_epoch=stop_after(1))
    for folder in ("images", "masks"):
        (data / folder / "00.png").with_name("99.png").write_bytes((data / folder / "00.png").read_bytes())
    with (data / "pairs.csv").open("a", encoding="utf-8") as table:
        table.write("images/99.png,masks/99.png,train\n")
    quiet(broken, resume=True)
    assert_same_run(whole, broken)


def test_pretrained_weights_are_not_needed_again(data, tmp_path):
    first = small_config(data, tmp_path / "first")
    quiet(first)
    own = tmp_path / "start.safetensors"
    own.write_bytes((first.output / "best.safetensors").read_bytes())
    config = small_config(data, tmp_path / "second", epochs=3, weights=str(own))
    fit(config, on_epoch=stop_after(1))
    own.unlink()
    assert len(quiet(config, resume=True).history) == 3
    assert Config.load(config.output / "config.yaml").weights == str(own)

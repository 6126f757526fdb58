"""utils/training.py: a run repeats itself, survives interruptions bit for bit, and is never lost."""

import errno
import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from functools import partialmethod

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import FAULTS, assert_clear, equal_states, full_disk, small_config, snapshot, write_pairs
from PIL import Image
from safetensors.torch import load_file
from torch.utils.data import get_worker_info

from segmenter.evaluation import report_split
from utils import catalog, checkpoint, loaders, runs, session, tracking, training
from utils.checkpoint import load_state, load_weights, resume
from utils.checkpoint import snapshot as snapshot_of_parts
from utils.config import COURSE, Config
from utils.dataset import read_pair
from utils.errors import CheckpointError, ConfigError, CourseError, DataError, TrainingError
from utils.inference import Predictor
from utils.loaders import get_data_loaders
from utils.plots import overlay
from utils.runs import Run
from utils.training import fit

CLOCK = ["images_per_second", "seconds"]
RUN_FILES = {"run.json", "config.yaml", "splits.csv", "history.csv", "last.ckpt", "best.safetensors", "pictures"}


@pytest.fixture
def hard(config):
    """A configuration with everything that is random or has a state of its own."""
    return config.override(augmentation="strong", class_weights=True, accumulate=2, batch_size=2, epochs=3)


def quiet(config, **options):
    return fit(config, on_epoch=None, **options)


def assert_same_run(a, b):
    """Weights, optimizer, schedule, best epoch and history of two run folders, bit for bit."""
    (first, one), (second, two) = (load_weights(folder / "best.safetensors") for folder in (a, b))
    assert equal_states(first, second)
    assert one["facts"] == two["facts"]
    states = [load_state(folder / "last.ckpt") for folder in (a, b)]
    assert equal_states(states[0]["model"], states[1]["model"])
    for part in ("optimizer", "scheduler"):
        assert pickle.dumps(_plain(states[0][part])) == pickle.dumps(_plain(states[1][part]))
    tables = [Run.load(folder).history.drop(columns=CLOCK) for folder in (a, b)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def _plain(value):
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def stop_after(epochs, error=KeyboardInterrupt):
    """An `on_epoch` that breaks the run off once so many epochs are whole."""

    def on_epoch(row, _):
        if row["epoch"] == epochs:
            raise error

    return on_epoch


# ---------------------------------------------------------------- a run is a folder
def test_what_a_run_leaves(trained):
    assert {p.name for p in trained.iterdir()} == RUN_FILES | {"previous.ckpt"}
    assert {p.name for p in (trained / "pictures").iterdir()} == {"truth.jpg", "epoch_001.jpg", "epoch_002.jpg"}
    run = Run.load(trained)
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.history.notna().all(axis=None)
    assert run.history["val_score"].between(0, 1).all()
    config = Config.load(trained / "config.yaml")
    assert config.output == trained
    _, header = load_weights(trained / "best.safetensors")
    assert header["classes"] == config.classes
    assert header["facts"] == {"epoch": run.best["epoch"], "val_score": run.best["val_score"]}
    assert run.best["val_score"] == run.history["val_score"].max()


def test_a_run_learns(config):
    run = quiet(config.override(epochs=15, batch_size=2, augmentation="none", unet_width=8))
    assert run.history["train_loss"].iloc[-1] < 0.6 * run.history["train_loss"].iloc[0]
    assert run.best["val_score"] > 0.55


def test_the_history_in_memory_is_the_one_on_disk(config):
    run = quiet(config)
    pd.testing.assert_frame_equal(run.history, Run.load(run.folder).history)


def test_every_epoch_is_reported(config, capsys):
    fit(config)
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 2
    assert all("train loss" in line and "val IoU" in line and "images/s" in line for line in lines)
    assert "1/2" in lines[0]


def test_the_learning_rate_follows_the_schedule_to_its_end(config):
    for accumulate in (1, 3):
        run = quiet(config.override(schedule="poly", epochs=4, accumulate=accumulate, batch_size=2), overwrite=True)
        assert run.history["learning_rate"].tolist() == pytest.approx([0.01 * (1 - i / 4) ** 0.9 for i in range(4)])


def test_a_model_and_a_loss_of_ones_own(config):
    from utils.losses import cross_entropy
    from utils.models import build_model

    model = build_model(config.override(unet_width=2), 3)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    calls = []
    run = quiet(config, model=model, loss_fn=lambda x, y: calls.append(1) or cross_entropy(x, y))
    assert not equal_states(before, model.state_dict())
    assert load_state(run.folder / "last.ckpt")["model"].keys() == before.keys()
    assert len(calls) == 2 * (2 + 1)


@pytest.mark.parametrize(
    "fields",
    [{"loss": "ce", "optimizer": "sgd"}, {"loss": "dice", "optimizer": "adam", "schedule": "constant"},
     {"class_weights": True, "grad_clip": 0.0}, {"schedule": "cosine", "encoder_rate": 0.1, "ema": 0.9},
     {"loss": "bce+jaccard+focal"}, {"loss": "tversky+lovasz"},
     {"precision": "bf16"}, {"framing": "resize", "freeze_encoder": True}],
    ids=str,
)  # fmt: skip
def test_every_choice_trains(fields, config):
    history = quiet(config.override(**fields)).history
    assert history[["train_loss", "val_loss"]].notna().all(axis=None)


def test_early_stopping_ends_a_run_and_resuming_does_not_prolong_it(config):
    config = config.override(epochs=6, patience=1, learning_rate=1e-9)
    assert len(quiet(config).history) < 6
    before = snapshot(config.output)["last.ckpt"]
    assert len(quiet(config, resume=True).history) == len(Run.load(config.output).history) < 6
    assert snapshot(config.output)["last.ckpt"] == before


def test_a_class_that_validation_never_shows_is_no_crash(tmp_path):
    """One foreground class, absent from validation and never predicted: the score is not defined, the run is whole."""
    import numpy as np
    from PIL import Image

    root = write_pairs(tmp_path / "data")
    for path in (root / "masks").glob("*.png"):
        Image.fromarray(np.zeros((40, 48), np.uint8)).save(path)
    config = small_config(root, tmp_path / "run", classes=("rest", "thing"))
    quiet(config, loss_fn=lambda x, y: (x + 9).square().mean())
    assert (config.output / "best.safetensors").is_file()
    Predictor.from_run(config.output, device="cpu")


# ---------------------------------------------------------------- the average of the weights
def test_the_average_is_validated_and_kept_and_is_what_its_decay_says(config, monkeypatch):
    config = config.override(ema=0.7, epochs=2)
    steps, update = [], session.AveragedModel.update_parameters

    def watched(self, model):
        steps.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        update(self, model)

    monkeypatch.setattr(session.AveragedModel, "update_parameters", watched)
    run = quiet(config)
    expected = steps[0]
    for state in steps[1:]:
        expected = {name: 0.7 * expected[name] + 0.3 * state[name] for name in state}
    state = load_state(run.folder / "last.ckpt")
    assert len(steps) == 2 * len(get_data_loaders(config).train)
    assert any(not torch.allclose(state["model"][name], expected[name], atol=1e-4) for name in expected)
    for name, tensor in expected.items():
        assert name.endswith("num_batches_tracked") or torch.allclose(
            state["average"][f"module.{name}"], tensor, atol=1e-5
        ), name
    best = load_weights(run.folder / "best.safetensors")[0]
    if run.best["epoch"] == 2:
        assert all(torch.equal(tensor, state["average"][f"module.{name}"]) for name, tensor in best.items())


def test_with_accumulation_the_average_moves_once_a_step(config, monkeypatch):
    calls, update = [], session.AveragedModel.update_parameters
    monkeypatch.setattr(
        session.AveragedModel, "update_parameters", lambda self, model: calls.append(1) or update(self, model)
    )
    quiet(config.override(ema=0.7, epochs=1, batch_size=2, accumulate=2))
    assert len(calls) == 2


def test_a_compiled_model_trains_and_its_weights_load_anywhere(config, monkeypatch):
    compiled = partialmethod(torch.nn.Module.compile, backend="aot_eager")  # all but the minute of the C++ compiler
    monkeypatch.setattr(torch.nn.Module, "compile", compiled)
    run = quiet(config.override(compile=True, epochs=1, unet_width=2, unet_depth=1))
    names = load_weights(run.folder / "best.safetensors")[0].keys()
    assert not any("_orig_mod" in name for name in names)
    Predictor.from_run(run.folder, device="cpu")


def test_memory_that_runs_out_is_told_with_what_to_change(config):
    def greedy(logits, masks):
        return torch.empty(2**50, dtype=torch.float32).sum()  # a petabyte: the allocator itself refuses

    with pytest.raises(TrainingError) as error:
        quiet(config, loss_fn=greedy)
    assert_clear(error, "out of memory on cpu in epoch 1", "batches of 4 images of 32 x 32", "halve batch_size")


def test_other_faults_are_not_taken_for_a_lack_of_memory(config):
    def broken(logits, masks):
        raise RuntimeError("size mismatch")

    with pytest.raises(RuntimeError, match="size mismatch"):
        quiet(config, loss_fn=broken)


# ---------------------------------------------------------------- repeating
@pytest.mark.parametrize("workers", [0, 2])
def test_a_seeded_run_repeats_itself_exactly(workers, hard, tmp_path):
    a, b = (hard.override(workers=workers, output=tmp_path / name, epochs=2) for name in "ab")
    quiet(a)
    torch.rand(7)
    quiet(b)
    assert_same_run(a.output, b.output)


def test_workers_that_are_spawned_train_the_same_run(hard, tmp_path):
    """On Windows and macOS a worker imports everything anew, and nothing of the process that started it."""
    hard = hard.override(workers=2, epochs=1)
    fit(hard.override(output=tmp_path / "forked"), on_epoch=None)
    hard.override(output=tmp_path / "spawned").save(tmp_path / "config.yaml")
    starts = (
        "import multiprocessing, sys; multiprocessing.set_start_method('spawn'); "
        "from segmenter.__main__ import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", starts, "train", "--config", str(tmp_path / "config.yaml")]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(COURSE)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert equal_states(*(load_file(tmp_path / run / "best.safetensors") for run in ("forked", "spawned")))


def test_another_seed_is_another_run(hard, tmp_path):
    for seed in (1, 2):
        quiet(hard.override(seed=seed, epochs=1, output=tmp_path / str(seed)))
    states = [load_state(tmp_path / str(seed) / "last.ckpt")["model"] for seed in (1, 2)]
    assert not equal_states(*states)


# ---------------------------------------------------------------- interrupting and resuming
@pytest.mark.parametrize("workers", [0, 2])
def test_interrupted_and_resumed_equals_uninterrupted(workers, hard, tmp_path):
    whole, broken = (hard.override(workers=workers, output=tmp_path / name) for name in ("whole", "broken"))
    quiet(whole)
    assert len(fit(broken, on_epoch=stop_after(1)).history) == 1
    assert len(Run.load(broken.output).history) == 1
    resumed = quiet(broken, resume=True)
    assert resumed.history["epoch"].tolist() == [1, 2, 3]
    assert_same_run(whole.output, broken.output)


def test_a_model_with_randomness_of_its_own_goes_on_as_if_nothing_had_happened(hard, tmp_path):
    from torch import nn

    from utils.models import SegmentationModel

    def dropping():
        torch.manual_seed(0)
        return SegmentationModel(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(8, 3, 1)), 1)

    whole, broken = (hard.override(output=tmp_path / name) for name in ("whole", "broken"))
    quiet(whole, model=dropping())
    fit(broken, model=dropping(), on_epoch=stop_after(1))
    quiet(broken, model=dropping(), resume=True)
    assert_same_run(whole.output, broken.output)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_run_that_breaks_off_within_an_epoch_goes_on_from_the_last_whole_one(error, hard, tmp_path, monkeypatch):
    whole, broken = (hard.override(output=tmp_path / name) for name in ("whole", "broken"))
    quiet(whole)
    steps = []

    def loss_that_fails(config, weight):
        loss_fn = build_loss(config, weight)

        def loss(logits, masks):
            steps.append(1)
            if len(steps) == 8:
                raise error
            return loss_fn(logits, masks)

        return loss

    from utils.losses import build_loss

    with monkeypatch.context() as patch:
        patch.setattr(session, "build_loss", loss_that_fails)
        if error is KeyboardInterrupt:
            assert len(quiet(broken).history) == 1
        else:
            with pytest.raises(TrainingError) as found:
                quiet(broken)
            assert_clear(found, "out of memory", "epoch 2", "batches of 2 images of", "smaller image_size")
    assert len(Run.load(broken.output).history) == 1
    quiet(broken, resume=True)
    assert_same_run(whole.output, broken.output)


def test_an_interruption_before_the_first_whole_epoch(config, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_one_epoch", interrupt)
        assert fit(config).history.empty
    assert "0 whole epochs" in capsys.readouterr().out


def test_resuming_a_finished_run_changes_nothing(config):
    quiet(config)
    before = snapshot(config.output)
    assert len(quiet(config, resume=True).history) == 2
    assert snapshot(config.output) == before


def test_places_and_devices_may_change_on_resuming(hard, tmp_path):
    whole = hard.override(output=tmp_path / "whole")
    quiet(whole)
    fit(hard, on_epoch=stop_after(2))
    shutil.move(hard.output, tmp_path / "moved")
    shutil.copytree(hard.root, tmp_path / "elsewhere")
    quiet(hard.override(output=tmp_path / "moved", root=tmp_path / "elsewhere"), resume=True)
    assert_same_run(whole.output, tmp_path / "moved")


@pytest.mark.parametrize("change", [{"seed": 1}, {"epochs": 1}, {"unet_width": 5, "learning_rate": 0.1}])
def test_resuming_as_another_run_is_refused(change, config):
    fit(config, on_epoch=stop_after(1))
    before = snapshot(config.output)
    with pytest.raises(CheckpointError) as error:
        quiet(config.override(**change), resume=True)
    assert_clear(error, config.output, *(f"{k} was" for k in change), "change it back")
    assert snapshot(config.output) == before


def test_nothing_to_resume(config):
    with pytest.raises(CheckpointError) as error:
        quiet(config, resume=True)
    assert_clear(error, config.output / "last.ckpt", "without resume")
    assert not config.output.exists()


def _rewrite(change):
    def damage(path):
        state = torch.load(path, weights_only=True)
        change(state)
        torch.save(state, path)

    return damage


BROKEN_STATES = {
    "cut off": lambda p: p.write_bytes(p.read_bytes()[:-100]),
    "empty": lambda p: p.write_bytes(b""),
    "web page": lambda p: p.write_text("<!DOCTYPE html><html>404</html>"),
    "tensors of another program": lambda p: torch.save({"weights": torch.zeros(3)}, p),
    "no dictionary": lambda p: torch.save(torch.zeros(3), p),
    "a pickle": lambda p: p.write_bytes(pickle.dumps({"config": json.dumps}, protocol=2)),
    "a field of another version": _rewrite(lambda s: s.update(config=json.dumps({"epoch": 3}))),
    "another model": _rewrite(lambda s: s["model"].popitem()),
    "no optimizer": _rewrite(lambda s: s.pop("optimizer")),
}  # fmt: skip


@pytest.mark.parametrize("damage", BROKEN_STATES)
def test_a_broken_or_foreign_state_is_not_resumed(damage, config):
    fit(config, on_epoch=stop_after(1))
    BROKEN_STATES[damage](config.output / "last.ckpt")
    before = snapshot(config.output)
    with pytest.raises(CourseError) as error:
        quiet(config, resume=True)
    assert_clear(error, config.output / "last.ckpt")
    assert snapshot(config.output) == before


# ---------------------------------------------------------------- nothing is lost
def test_a_run_folder_that_exists_is_never_overwritten_unless_asked(config):
    quiet(config)
    before = snapshot(config.output)
    with pytest.raises(CheckpointError) as error:
        quiet(config)
    assert_clear(error, config.output, "already holds a run", "resume", "overwrit")
    assert snapshot(config.output) == before
    (config.output / "notes.txt").write_text("of the old run")
    quiet(config.override(seed=1), overwrite=True)
    assert Config.load(config.output / "config.yaml").seed == 1
    assert (config.output / "notes.txt").read_text() == "of the old run"  # no run wrote it


def test_replacing_a_run_removes_only_what_a_run_wrote(config):
    """A data set, or anything else, in a folder that also holds a run."""
    quiet(config)
    for name in ("images/a.png", "pictures/mine.jpg", "masks.zip"):
        (config.output / name).parent.mkdir(exist_ok=True)
        (config.output / name).write_bytes(name.encode())
    quiet(config.override(epochs=1), overwrite=True)
    for name in ("images/a.png", "pictures/mine.jpg", "masks.zip"):
        assert (config.output / name).read_bytes() == name.encode()
    assert len(Run.load(config.output).history) == 1
    assert {path.name for path in (config.output / "pictures").iterdir()} == {"truth.jpg", "epoch_001.jpg", "mine.jpg"}


def test_a_config_alone_does_not_make_a_folder_a_run(config):
    config.output.mkdir()
    (config.output / "config.yaml").write_text("port: 8080")
    with pytest.raises(CheckpointError) as error:
        quiet(config, overwrite=True)
    assert_clear(error, config.output, "no run", "choose another output")
    assert snapshot(config.output) == {"config.yaml": b"port: 8080"}


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_folder_that_is_no_run_is_never_deleted(overwrite, config):
    config.output.mkdir()
    (config.output / "thesis.docx").write_text("years of work")
    with pytest.raises(CheckpointError) as error:
        quiet(config, overwrite=overwrite)
    assert_clear(error, config.output, "choose another output")
    assert snapshot(config.output) == {"thesis.docx": b"years of work"}


def test_an_empty_folder_may_be_used(config):
    config.output.mkdir()
    assert len(quiet(config).history) == 2


BAD_STARTS = {
    "model": ({"model": "unett"}, ConfigError, ["unett"]),
    "weights": ({"weights": "imagenet"}, ConfigError, ["imagenet"]),
    "batch": ({"batch_size": 9}, ConfigError, ["batch_size=9"]),
    "dataset": ({"dataset": "foldr", "classes": None}, ConfigError, ["foldr"]),
    "device": ({"device": "mps"}, ConfigError, ["device='mps'"]),
    "root": ({"root": "/no/such/place"}, DataError, ["/no/such/place"]),
}


@pytest.mark.parametrize("start", ["fresh", "overwrite", "resume"])
@pytest.mark.parametrize("bad", BAD_STARTS)
def test_what_cannot_start_leaves_the_run_that_was_there(bad, start, config, trained, monkeypatch):
    fields, kind, words = BAD_STARTS[bad]
    if (bad, start) == ("weights", "resume"):
        kind = CheckpointError  # they are not fetched again, but they are not those of the run
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    if start != "fresh":
        shutil.copytree(trained, config.output)
    before = snapshot(config.output)
    with pytest.raises(kind) as error:
        quiet(config.override(**fields), overwrite=start == "overwrite", resume=start == "resume")
    assert_clear(error, *words)
    assert snapshot(config.output) == before


def test_other_weights_to_start_from_are_another_configuration(config):
    fit(config, on_epoch=stop_after(1))
    with pytest.raises(CheckpointError) as error:
        quiet(config.override(weights="imagenet"), resume=True)
    assert_clear(error, "weights was None and is 'imagenet'", "change it back")


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_data_stops_before_the_run_folder_is_touched(fault, config, trained):
    damage, words, _ = FAULTS[fault]
    damage(config.root)
    shutil.copytree(trained, config.output)
    before = snapshot(config.output)
    with pytest.raises(DataError) as error:
        quiet(config, overwrite=True)
    assert_clear(error, *words)
    assert snapshot(config.output) == before


def test_an_output_that_cannot_be_made(config, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for output in (tmp_path / "file" / "run", tmp_path / "file"):
        with pytest.raises(CheckpointError) as error:
            quiet(config.override(output=output))
        assert_clear(error, output)
    assert (tmp_path / "file").read_text() == "no folder"


@pytest.mark.parametrize("file", ["best.safetensors", "last.ckpt", "history.csv"])
def test_a_full_disk_in_the_second_epoch_leaves_the_first_and_the_run_can_go_on(file, hard, tmp_path, monkeypatch):
    whole, broken = (hard.override(output=tmp_path / name) for name in ("whole", "broken"))
    quiet(whole)
    original, writes = checkpoint.write_atomically, []

    def fail_second(path, write, before=None):
        def half(temporary):
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        writes.append(path.name)
        original(path, half if writes.count(file) == 2 and path.name == file else write, before)

    scores = iter([0.1, 0.2, 0.3])
    with monkeypatch.context() as patch:
        patch.setattr(runs, "write_atomically", fail_second)
        patch.setattr(checkpoint, "write_atomically", fail_second)
        patch.setattr(training, "primary_iou", lambda _: next(scores))
        with pytest.raises(CheckpointError) as error:
            quiet(broken)
    assert_clear(error, broken.output / file, "no space left", "free some space", "unharmed")
    assert {p.name for p in broken.output.iterdir()} - {"previous.ckpt"} == RUN_FILES
    assert len(Run.load(broken.output).history) == 1
    assert len(load_state(broken.output / "last.ckpt")["history"]) == (2 if file == "history.csv" else 1)
    load_weights(broken.output / "best.safetensors")
    monkeypatch.setattr(training, "primary_iou", lambda _: next(scores, 0.9))
    assert quiet(broken, resume=True).history["epoch"].tolist() == [1, 2, 3]
    assert equal_states(*(load_state(c.output / "last.ckpt")["model"] for c in (whole, broken)))


def test_a_disk_that_is_really_full(config):
    fit(config, on_epoch=stop_after(1))
    before = snapshot(config.output)
    with full_disk(100), pytest.raises(CheckpointError) as error:
        quiet(config, resume=True)
    assert_clear(error, config.output, "cannot write")
    assert snapshot(config.output) == before
    assert len(quiet(config, resume=True).history) == 2


def test_a_loss_that_is_no_number_keeps_the_epochs_before(config):
    from utils.losses import cross_entropy

    calls = []

    def loss_fn(logits, masks):
        calls.append(1)
        return cross_entropy(logits, masks) * (float("nan") if len(calls) > 4 else 1)

    with pytest.raises(CourseError) as error:
        quiet(config, loss_fn=loss_fn)
    assert_clear(error, "NaN", "step 2", "learning_rate", "epoch 1")
    pictures = {f"{n:02d}.png" for n in range(8)}
    named = [word.strip(",.") for word in str(error.value).split() if word.strip(",.") in pictures]
    assert len(set(named)) == len(named) == config.batch_size
    assert len(Run.load(config.output).history) == 1


# ---------------------------------------------------------------- trackers
def test_tensorboard_gets_every_epoch(config):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = quiet(config.override(tracker="tensorboard"))
    events = EventAccumulator(str(next(run.folder.rglob("events.out.tfevents*")).parent))
    events.Reload()
    scores = [event.value for event in events.Scalars("val_score")]
    assert scores == pytest.approx(run.history["val_score"].tolist())


def test_tensorboard_gets_the_pictures_with_both_masks_laid_over(config):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = quiet(config.override(tracker="tensorboard"))
    events = EventAccumulator(str(next(run.folder.rglob("events.out.tfevents*")).parent)).Reload()
    assert events.Tags()["images"] == ["validation/0", "validation/1"]
    pictures = events.Images("validation/0")
    assert [picture.step for picture in pictures] == [1, 2]
    found = np.array(Image.open(io.BytesIO(pictures[0].encoded_image_string)))
    image, truth = get_data_loaders(config).val.dataset[0]
    expected = overlay(image, truth, catalog.load(config).palette)
    assert np.array_equal(found[:, : found.shape[1] // 2], expected)  # truth left, prediction right


def test_wandb_gets_the_pictures_with_masks_that_can_be_switched(config, monkeypatch):
    """Read back from the folder that `wandb sync` would send: pictures, and masks with the names of the classes."""
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = quiet(config.override(tracker="wandb", epochs=1))
    media = next((run.folder / "wandb").glob("offline-run-*")) / "files" / "media" / "images"
    assert len([p for p in media.glob("validation pictures*.png")]) == 2
    masks = [np.array(Image.open(path)) for path in sorted((media / "mask").glob("*.png"))]
    truths = [truth.numpy() for _, truth in (get_data_loaders(config).val.dataset[n] for n in range(2))]
    assert len(masks) in (3, 4)  # equal predictions share a file
    for truth in truths:
        assert any(np.array_equal(mask, truth) for mask in masks)


def test_wandb_is_offline_unless_one_is_logged_in(config, monkeypatch):
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    run = quiet(config.override(tracker="wandb", epochs=1))
    assert len(list((run.folder / "wandb").glob("offline-run-*/run-*.wandb"))) == 1


@pytest.mark.parametrize("tracker", ["wandb", "tensorboard"])
def test_a_tracker_that_is_not_installed_is_not_passed_over(tracker, config, monkeypatch):
    monkeypatch.setattr(tracking.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as error:
        quiet(config.override(tracker=tracker))
    assert_clear(error, f"tracker='{tracker}'", f"pip install {tracker}")
    assert not config.output.exists()


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(CheckpointError) as error:
        Run.load(tmp_path)
    assert_clear(error, tmp_path, "history.csv")


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_worker_that_is_killed_ends_in_one_sentence_and_the_run_goes_on(split, config, monkeypatch):
    """As the kernel's out-of-memory killer does it, in the middle of the second epoch."""
    config, collate = config.override(epochs=2, workers=1), loaders.pad_collate
    victim = catalog.load(config).pairs(split)

    def collate_or_die(items):
        if (config.output / "last.ckpt").is_file() and get_worker_info().dataset.pairs == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return collate(items)

    with monkeypatch.context() as patched:
        patched.setattr(loaders, "pad_collate", collate_or_die)
        with pytest.raises(TrainingError) as error:
            quiet(config)
    assert_clear(error, "epoch 2", "workers=0", "resume=True")
    assert len(quiet(config.override(workers=0), resume=True).history) == 2


# ---------------------------------------------------------------- real photographs
def test_one_epoch_on_the_real_photographs(human, tmp_path):
    config = Config.preset(
        "human", root=human.root, model="unet", image_size=48, batch_size=4, unet_width=4, unet_depth=2, epochs=1,
        workers=0, loss="dice", schedule="constant", device="cpu", precision="fp32", output=tmp_path / "run",
    )  # fmt: skip
    run = quiet(config, source=human)
    assert 0.2 < run.best["val_score"] < 1
    assert run.history["train_loss"].iloc[0] < 2
    predictor = Predictor.from_run(run.folder, device="cpu")
    assert predictor.classes == ("background", "person")
    photo = human.pairs("test")[0].image
    prediction = predictor(photo)
    from utils.images import read_image

    assert prediction.mask.shape == read_image(photo).shape[:2]
    assert prediction.probabilities.shape == (1, *prediction.mask.shape)


def test_a_data_set_without_test_split_can_be_trained_on(pairs, config):
    table = pairs / "pairs.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",test", ",train"), encoding="utf-8")
    assert get_data_loaders(config).test is None
    assert len(fit(config, on_epoch=None).history) == config.epochs


# ---------------------------------------------------------------- the state of all parts
def test_a_rate_that_is_a_numpy_number_leaves_a_state_that_can_be_resumed(config, monkeypatch):
    """A learner's poly_rate may give one; NumPy's numbers would make the checkpoint a pickle that is refused."""
    monkeypatch.setattr("utils.schedules.poly_rate", lambda step, steps, peak: np.float64(peak * (1 - step / steps)))
    fit(config.override(schedule="poly"), on_epoch=stop_after(1))
    assert len(quiet(config.override(schedule="poly"), resume=True).history) == 2


def _parts(seed):
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 2, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=9)
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler}


def _steps(parts, first, last):
    for step in range(first, last):
        images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        parts["optimizer"].zero_grad()
        parts["model"](images).square().mean().backward()
        parts["optimizer"].step()
        parts["scheduler"].step()


def _bytes(states):
    return pickle.dumps(_plain(states))


@pytest.mark.parametrize(("cut", "end"), [(1, 2), (2, 4), (5, 8)])
def test_a_snapshot_stays_and_a_run_resumed_from_it_equals_one_that_was_never_cut(cut, end):
    whole, other = _parts(0), _parts(1)
    _steps(whole, 0, cut)
    buffer = io.BytesIO()
    torch.save({name: part.state_dict() for name, part in whole.items()}, buffer)  # the oracle: torch's own file
    states = snapshot_of_parts(whole)
    _steps(whole, cut, end)
    assert _bytes(states) == _bytes(torch.load(io.BytesIO(buffer.getvalue())))
    resume({**other, "scaler": torch.amp.GradScaler("cpu")}, {**states, "history": []})
    _steps(other, cut, end)
    assert _bytes(snapshot_of_parts(other)) == _bytes(snapshot_of_parts(whole))
    with pytest.raises(RuntimeError):
        resume(other, {"model": {"foreign": torch.zeros(1)}})


def test_the_whole_way_on_real_voc_pairs_with_21_classes_and_ignored_borders(shared_data, tmp_path):
    config = Config.preset(
        "voc", root=shared_data("voc"), model="unet", splits="random", image_size=32, batch_size=8, unet_width=2,
        unet_depth=2, epochs=1, workers=0, device="cpu", precision="fp32", output=tmp_path / "run",
    )  # fmt: skip
    source = catalog.load(config)
    run = quiet(config, source=source)
    assert sum(name.startswith("val_iou_") for name in run.history) == 21
    report = report_split(Predictor.from_run(run.folder, device="cpu"), source)
    assert report.table.index.tolist() == [*source.classes, "mean"]
    truths = [read_pair(pair, source)[1] for pair in source.pairs("test")]
    assert report.matrix.sum() == sum((truth != 255).sum() for truth in truths)
    assert any((truth == 255).any() for truth in truths)
    assert all(name in str(report) for name in source.classes)

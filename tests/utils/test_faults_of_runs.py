"""What may happen to a run folder, by kind, and what must come of it: a clear sentence or the right result.

Nothing that was there before is lost, whatever the outcome.
"""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from helpers import COURSE, assert_clear, small_config, snapshot, write_pairs
from safetensors.torch import save_file

from utils import catalog, loaders, run_folder
from utils.checkpoint import load_state, load_tensors, load_weights, save_weights
from utils.config import Config
from utils.errors import CheckpointError, ConfigError, CourseError
from utils.files import RUN_MARKER
from utils.inference import Predictor
from utils.models import build_model
from utils.run_folder import RUN_LOCK
from utils.run_splits import read_splits
from utils.runs import CLOCK, Run
from utils.training import fit

READ_BACK = {
    "best.safetensors": load_weights,
    "last.ckpt": load_state,
    "previous.ckpt": load_state,
    "splits.csv": read_splits,
    "history.csv": lambda path: Run.load(path.parent),
}


def quiet(config, **options):
    return fit(config, on_epoch=None, **options)


def flip(path, bit):
    """Flip one bit of a file, as a bad disk does: size and time stay."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("data"))


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a finished run, with the configuration that goes on with it."""
    shutil.copytree(trained, tmp_path / "run")
    return Config.load(trained / "config.yaml").override(output=tmp_path / "run")


# ---------------------------------------------------------------- folders that no run made
def data_set(folder):
    write_pairs(folder)
    (folder / "config.yaml").write_text("dataset: mine")


def text(*names):
    def write(folder):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("mine")

    return write


FOREIGN = {
    "a data set with a config.yaml": data_set,
    "a config.yaml of another program": text("config.yaml"),
    "a config and splits": text("config.yaml", "splits.csv"),
    "all names of a run, without its marker": text("config.yaml", "splits.csv", "history.csv", "last.ckpt"),
    "a marker of another program": lambda f: (f / RUN_MARKER).write_text('{"made by": "me"}'),
    "a marker that is no JSON": text(RUN_MARKER),
    "a marker that is a list": lambda f: (f / RUN_MARKER).write_text("[1]"),
    "weights alone": text("best.safetensors"),
    "a document": text("thesis.docx"),
    "a hidden file": text(".secret"),
    "a folder in a folder": text("photographs/a.jpg"),
    "a hidden file with a number": text(".notes.2024"),
}


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("name", FOREIGN)
def test_a_folder_that_no_run_made_is_refused_and_untouched(name, overwrite, data, tmp_path):
    (tmp_path / "out").mkdir()
    FOREIGN[name](tmp_path / "out")
    before = snapshot(tmp_path / "out")
    with pytest.raises(CheckpointError) as error:
        quiet(small_config(data, tmp_path / "out"), overwrite=overwrite)
    assert_clear(error, tmp_path / "out", "choose another output")
    assert snapshot(tmp_path / "out") == before


def test_a_link_to_a_folder_is_no_way_around(data, tmp_path):
    (tmp_path / "mine").mkdir()
    text("a.txt")(tmp_path / "mine")
    (tmp_path / "out").symlink_to(tmp_path / "mine")
    with pytest.raises(CheckpointError):
        quiet(small_config(data, tmp_path / "out"), overwrite=True)
    assert snapshot(tmp_path / "mine") == {"a.txt": b"mine"}


OWN = [
    "images/a.png", "pictures/mine.jpg", "pictures/epoch_one.jpg", "pictures/epoch_001_annotated.jpg",
    "pictures/epoch_2.jpg", "pictures/epoch_0002.jpg", "notes.txt", ".config.yaml.old", ".git/HEAD",
]  # fmt: skip


def test_a_run_is_replaced_and_everything_else_stays(run):
    text(*OWN)(run.output)
    quiet(run.override(seed=3, epochs=1), overwrite=True)
    assert [(run.output / name).read_text() for name in OWN] == ["mine"] * len(OWN)
    assert Config.load(run.output / "config.yaml").seed == 3
    assert len(Run.load(run.output).history) == 1


def test_a_run_that_appears_after_the_check_is_not_removed(trained, data, tmp_path, monkeypatch):
    config = small_config(data, tmp_path / "run")
    load = catalog.load

    def meanwhile(*arguments):
        shutil.copytree(trained, config.output, dirs_exist_ok=True)
        return load(*arguments)

    monkeypatch.setattr(catalog, "load", meanwhile)
    with pytest.raises(CheckpointError) as error:
        quiet(config)
    assert_clear(error, config.output, "already holds a run")
    assert snapshot(config.output) == snapshot(trained)


# ---------------------------------------------------------------- two at once
HOLD = """
import sys, time
from pathlib import Path
from utils.run_folder import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(run):
    """Another process that holds the run folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.output)], cwd=COURSE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_folder_in_use_is_refused_and_a_killed_process_frees_it(run, holder):
    before = snapshot(run.output)
    for options in ({"resume": True}, {"overwrite": True}):
        with pytest.raises(CheckpointError) as error:
            quiet(run, **options)
        assert_clear(error, run.output, "another process", "wait")
    assert snapshot(run.output) == before
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (run.output / RUN_LOCK).exists()  # the lock of a dead process
    assert len(quiet(run, resume=True).history) == 2
    assert not (run.output / RUN_LOCK).exists()


def test_a_folder_that_is_being_begun_is_refused(data, tmp_path):
    config = small_config(data, tmp_path / "run")
    config.output.mkdir()
    with FileLock(config.output / RUN_LOCK), pytest.raises(CheckpointError) as error:
        quiet(config)
    assert_clear(error, config.output, "another process")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (OSError(errno.EROFS, "Read-only file system"), "read-only"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space"),
        (OSError(errno.EACCES, "Permission denied"), "permission"),
    ],
)
def test_a_folder_that_cannot_be_written(fault, words, data, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise fault

    monkeypatch.setattr(run_folder.FileLock, "acquire", refuse)
    with pytest.raises(CheckpointError) as error:
        quiet(small_config(data, tmp_path / "a" / "run"))
    assert_clear(error, tmp_path / "a" / "run", words, "another output")
    assert not (tmp_path / "a").exists()


def test_a_drive_without_locks_is_used_with_a_warning(run, monkeypatch, capsys):
    def refuse(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr(run_folder.FileLock, "acquire", refuse)
    assert len(quiet(run, resume=True).history) == 2
    assert "cannot be locked" in capsys.readouterr().out


# ---------------------------------------------------------------- a flipped bit
@pytest.mark.parametrize("name", READ_BACK)
def test_no_file_with_a_flipped_bit_is_read(name, run):
    path = run.output / name
    bits = random.Random(name).sample(range(8 * path.stat().st_size), 60)
    for bit in [0, 70, 8 * path.stat().st_size - 1, *bits]:
        flip(path, bit)
        with pytest.raises(CheckpointError) as error:
            READ_BACK[name](path)
        assert_clear(error, path, "damaged", RUN_MARKER)
        flip(path, bit)
    READ_BACK[name](path)


def test_every_flip_of_a_run_that_is_resumed_ends_in_the_same_run_or_a_sentence(run, trained, capsys):
    """At any file: what comes of it is the run as it was, or it is refused and untouched."""
    refused = []
    files = [*READ_BACK, RUN_MARKER, "config.yaml"]
    for number, name in enumerate(files):
        shutil.rmtree(run.output)
        shutil.copytree(trained, run.output)
        path = run.output / name
        flip(path, random.Random(number).randrange(8 * path.stat().st_size))
        before = snapshot(run.output)
        try:
            quiet(run, resume=True)
        except CourseError as error:
            refused.append(name)
            assert_clear(error)
            assert snapshot(run.output) == before
            continue
        for kept in ("best.safetensors", "last.ckpt"):
            assert (run.output / kept).read_bytes() == (trained / kept).read_bytes(), name
    assert set(refused) <= {"best.safetensors", "splits.csv", "config.yaml"}


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_damaged_best_weights_are_written_anew_from_the_state_of_their_epoch(how, data, tmp_path, capsys):
    config = small_config(data, tmp_path / "run", epochs=1)
    quiet(config)
    path = config.output / "best.safetensors"
    whole = path.read_bytes()
    flip(path, 9000) if how == "flipped" else path.unlink()
    quiet(config, resume=True)
    assert path.read_bytes() == whole
    assert str(path) in capsys.readouterr().out


def test_damaged_best_weights_of_an_earlier_epoch_are_named(data, tmp_path, monkeypatch):
    from utils import training

    scores = iter([0.9, 0.1])
    monkeypatch.setattr(training, "primary_iou", lambda _: next(scores))
    config = small_config(data, tmp_path / "run")
    quiet(config)
    flip(config.output / "best.safetensors", 9000)
    before = snapshot(config.output)
    with pytest.raises(CheckpointError) as error:
        quiet(config, resume=True)
    assert_clear(error, "best.safetensors", "epoch 1", "put a copy", "--overwrite")
    assert snapshot(config.output) == before


def test_a_damaged_last_state_is_never_kept_as_the_one_before(data, tmp_path):
    config = small_config(data, tmp_path / "run", epochs=3)
    quiet(config)
    whole = snapshot(config.output)
    flip(config.output / "last.ckpt", 9000)
    quiet(config, resume=True)
    for name in ("last.ckpt", "previous.ckpt", "best.safetensors"):
        assert (config.output / name).read_bytes() == whole[name], name


def test_weights_that_were_moved_alone_are_read(run, tmp_path):
    shutil.copy(run.output / "best.safetensors", tmp_path / "mine.safetensors")
    load_weights(tmp_path / "mine.safetensors")


def test_a_run_of_an_older_version_has_no_checksums_and_goes_on(run):
    (run.output / RUN_MARKER).unlink()
    load_weights(run.output / "best.safetensors")
    assert len(quiet(run, resume=True).history) == 2


# ---------------------------------------------------------------- one seed, one run
def test_runs_of_one_seed_are_equal_byte_for_byte(data, tmp_path):
    runs = [small_config(data, tmp_path / name, augmentation="strong", ema=0.5, epochs=3) for name in "abc"]
    stop = {"epoch": 2}

    def interrupt(row, _):
        if row["epoch"] == stop["epoch"]:
            raise KeyboardInterrupt

    quiet(runs[0])
    quiet(runs[1])
    fit(runs[2], on_epoch=interrupt)
    quiet(runs[2], resume=True)
    a, b, c = (snapshot(config.output) for config in runs)
    timed = {"history.csv", RUN_MARKER, "config.yaml"}  # which hold seconds, or the name of the folder
    assert {n: a[n] for n in a if n not in timed} == {n: b[n] for n in b if n not in timed}
    assert {n: a[n] for n in a if n not in timed} == {n: c[n] for n in c if n not in timed}
    tables = [Run.load(config.output).history for config in runs]
    assert tables[0].drop(columns=[*CLOCK]).equals(tables[2].drop(columns=[*CLOCK]))
    assert tables[2]["seconds"].notna().all()


def test_the_header_of_weights_is_always_the_same(tmp_path):
    config = Config(unet_width=2, unet_depth=1)
    model = build_model(config, 3)
    for name in "abcdef":
        save_weights(tmp_path / name, model, config, ("a", "b", "c"), ((0, 0, 0),) * 3, epoch=1, val_score=0.5)
    assert len({(tmp_path / name).read_bytes() for name in "abcdef"}) == 1


# ---------------------------------------------------------------- weights that are none
def rewrite(path, tensors=None, **header):
    """Write a weights file with something in it changed."""
    state, before = load_tensors(path)
    save_file(tensors(state) if tensors else state, path, before | header)


def config_with(**fields):
    def change(path):
        before = json.loads(load_tensors(path)[1]["config"])
        rewrite(path, config=json.dumps(before | fields))

    return change


def poison(value):
    def change(state):
        name = next(name for name in state if state[name].is_floating_point() and name.startswith("net."))
        state[name].view(-1)[0] = value
        return state

    return lambda path: rewrite(path, change)


WEIGHTS = {
    "NaN": (poison(float("nan")), ["NaN", "another checkpoint"]),
    "infinite": (poison(float("inf")), ["infinite", "another checkpoint"]),
    "300 classes": (
        lambda p: rewrite(p, classes=json.dumps([str(n) for n in range(300)])),
        ["300 classes", "2 to 255"],
    ),
    "one class": (lambda p: rewrite(p, classes='["a"]'), ["1 classes", "2 to 255"]),
    "no class": (lambda p: rewrite(p, classes="[]"), ["0 classes"]),
    "too few colours": (lambda p: rewrite(p, palette="[[0, 0, 0]]"), ["palette"]),
    "colours of four values": (lambda p: rewrite(p, palette="[[0,0,0,0],[0,0,0,0],[0,0,0,0]]"), ["palette"]),
    "colours above 255": (lambda p: rewrite(p, palette="[[0,0,0],[0,0,300],[0,0,0]]"), ["palette"]),
    "classes that are a number": (lambda p: rewrite(p, classes="3"), ["another program"]),
    "more classes than outputs": (
        lambda p: rewrite(p, classes='["a","b","c","d"]', palette="[[0,0,0],[1,1,1],[2,2,2],[3,3,3]]"),
        ["(3,) there and (4,) here"],
    ),
    "a model that is fetched": (config_with(model="smp:unet/tu-hf-hub:someone/evil"), ["no smp encoder"]),
    "a model in a folder": (config_with(model="smp:unet/tu-local-dir:/tmp"), ["no smp encoder"]),
    "a model that is not known": (config_with(model="keras:unet"), ["no model 'keras:unet'"]),
    "a pretrained encoder's tag": (config_with(model="smp:unet/tu-resnet18.a1_in1k"), ["another model"]),
    "another model": (config_with(model="smp:unet/resnet18"), ["another model"]),
    "another width": (config_with(unet_width=8), ["does not fit"]),
    "a size that is none": (config_with(image_size=-5), ["image_size=-5"]),
    "a size that no memory holds": (config_with(unet_width=10**6), ["cannot be built", "another checkpoint"]),
    "a field of another version": (config_with(colour="red"), ["no field 'colour'"]),
    "weights from the network": (config_with(weights="imagenet"), None),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weights_file_with_something_wrong_is_refused_and_asks_nobody(name, run, tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise AssertionError("the network was asked")

    change, words = WEIGHTS[name]
    path = tmp_path / "mine.safetensors"
    shutil.copy(run.output / "best.safetensors", path)
    change(path)
    monkeypatch.setattr("socket.socket.connect", no_network)
    monkeypatch.setattr("socket.getaddrinfo", no_network)
    before = path.read_bytes()
    if words is None:
        Predictor.from_run(path, device="cpu")
        return
    with pytest.raises(CourseError) as error:
        Predictor.from_run(path, device="cpu")
    assert_clear(error, *words)
    assert path.read_bytes() == before


def negative_variance(state):
    return {name: -tensor if name.endswith("running_var") else tensor for name, tensor in state.items()}


def huge(state):
    return {name: tensor * 1e30 if tensor.is_floating_point() else tensor for name, tensor in state.items()}


@pytest.mark.parametrize("change", [negative_variance, huge])
def test_finite_weights_whose_output_is_no_number_predict_nothing(change, run, tmp_path, data):
    path = tmp_path / "mine.safetensors"
    shutil.copy(run.output / "best.safetensors", path)
    rewrite(path, change)
    predictor = Predictor.from_run(path, device="cpu")
    with pytest.raises(CheckpointError) as error:
        predictor(data / "images" / "00.png")
    assert_clear(error, "no number", "another checkpoint")


def test_no_run_starts_from_weights_that_are_nan(run, data, tmp_path):
    path = tmp_path / "mine.safetensors"
    shutil.copy(run.output / "best.safetensors", path)
    poison(float("nan"))(path)
    with pytest.raises(CheckpointError) as error:
        quiet(small_config(data, tmp_path / "new", weights=str(path)))
    assert_clear(error, path, "NaN")
    assert not (tmp_path / "new").exists()


# ---------------------------------------------------------------- longer, smaller, stopped
@pytest.mark.parametrize("schedule", ["one_cycle", "poly", "cosine", "constant"])
def test_a_run_is_trained_longer_on_the_rest_of_the_longer_schedule(schedule, data, tmp_path, capsys):
    short = small_config(data, tmp_path / "short", schedule=schedule, epochs=2)
    quiet(short)
    capsys.readouterr()
    longer = quiet(short.override(epochs=4), resume=True).history
    assert "planned for 2 epochs and goes on to 4" in capsys.readouterr().out
    planned = quiet(short.override(epochs=4, output=tmp_path / "planned")).history
    assert longer["learning_rate"].tolist()[2:] == pytest.approx(planned["learning_rate"].tolist()[2:])
    assert longer["epoch"].tolist() == [1, 2, 3, 4]
    assert Config.load(short.output / "config.yaml").epochs == 4
    quiet(short.override(epochs=4), resume=True)
    assert "has had all of its 4 epochs" in capsys.readouterr().out


def test_a_longer_run_that_is_interrupted_is_the_same_run(data, tmp_path):
    def interrupt(row, _):
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    runs = [small_config(data, tmp_path / name, epochs=2) for name in "ab"]
    for config in runs:
        quiet(config)
    quiet(runs[0].override(epochs=4), resume=True)
    fit(runs[1].override(epochs=4), resume=True, on_epoch=interrupt)
    quiet(runs[1].override(epochs=4), resume=True)
    assert len({(config.output / "last.ckpt").read_bytes() for config in runs}) == 1


def test_fewer_epochs_are_refused(run):
    with pytest.raises(CheckpointError) as error:
        quiet(run.override(epochs=1), resume=True)
    assert_clear(error, "epochs was 2 and is 1")


@pytest.mark.parametrize("model", ["smp:deeplabv3/mobilenet_v2", "torchvision:deeplabv3_mobilenet_v3_large"])
def test_a_batch_of_one_that_a_model_cannot_average_over(model, data, tmp_path):
    with pytest.raises(ConfigError) as error:
        quiet(small_config(data, tmp_path / "run", model=model, batch_size=1))
    assert_clear(error, "batch_size=1", model, "batch_size to 2 or more")
    assert not (tmp_path / "run").exists()


def test_a_batch_of_one_that_a_model_can_take(data, tmp_path):
    assert len(quiet(small_config(data, tmp_path / "run", batch_size=1, epochs=1)).history) == 1


@pytest.mark.parametrize("where", ["train_one_epoch", "evaluate"])
@pytest.mark.parametrize(("batch_size", "halve"), [(4, True), (2, False), (1, False)])
def test_the_advice_where_memory_runs_out_leads_to_no_other_error(
    where, batch_size, halve, data, tmp_path, monkeypatch
):
    from utils import training

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(training, where, full)
    with pytest.raises(CourseError) as error:
        quiet(small_config(data, tmp_path / "run", batch_size=batch_size))
    assert_clear(error, "out of memory", "smaller image_size")
    assert ("Halve batch_size" in str(error.value)) == halve


def test_shared_memory_that_is_too_small_for_the_workers(data, tmp_path, monkeypatch):
    usage = shutil._ntuple_diskusage(64_000_000, 63_990_000, 10_000)
    monkeypatch.setattr(loaders.shutil, "disk_usage", lambda _: usage)
    if not loaders.SHARED_MEMORY.is_dir():
        pytest.skip("only Linux has /dev/shm")
    with pytest.raises(ConfigError) as error:
        quiet(small_config(data, tmp_path / "run", workers=2))
    assert_clear(error, "workers=2", "/dev/shm", "workers=0", "--shm-size")
    assert not (tmp_path / "run").exists()
    assert len(quiet(small_config(data, tmp_path / "run", workers=0, cache="ram", epochs=1)).history) == 1


def test_a_system_that_removes_no_open_file_leaves_the_lock_behind_and_free(run, monkeypatch):
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path.name == RUN_LOCK:
            raise PermissionError(13, "in use by another process", str(path))  # as Windows does
        unlink(path, missing_ok)

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", refuse)
        with run_folder.held(run.output):
            pass
    assert (run.output / RUN_LOCK).exists()
    assert len(quiet(run, resume=True).history) == 2
    assert not (run.output / RUN_LOCK).exists()


def test_environment_variables_of_a_launcher_leave_the_lock_to_the_first_process(run, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with run_folder.held(run.output):
        assert not (run.output / RUN_LOCK).exists()
    monkeypatch.delenv("RANK")
    with run_folder.held(run.output):
        assert (run.output / RUN_LOCK).exists()
    assert os.environ.get("RANK") is None

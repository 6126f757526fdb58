"""segmenter/commands/train.py: a run from the terminal, resumed, refused, interrupted; no folder is left behind."""

import errno
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers import FAULTS, assert_clear, snapshot
from PIL import Image

from segmenter import time_budget
from segmenter.__main__ import main
from segmenter.commands.train import tell
from utils import catalog, training
from utils.config import Config
from utils.errors import ConfigError
from utils.runs import Run


def test_options_come_on_top_of_a_file(config, tmp_path, capsys):
    config.save(tmp_path / "mine.yaml")
    assert main(["train", "--config", str(tmp_path / "mine.yaml"), "--epochs", "1", "--patience", "none"]) == 0
    done = Config.load(config.output / "config.yaml")
    assert done == config.override(epochs=1, patience=None, mask_values="0=0 1=1 2=2", threads=done.threads)


def test_a_run_is_resumed(train, pairs, tmp_path, capsys, monkeypatch):
    original, calls = training.train_one_epoch, []

    def interrupted(*args, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_one_epoch", interrupted)
        assert train(pairs, tmp_path / "run", "--epochs", "2") == 0
    assert "1 whole epochs" in capsys.readouterr().out
    assert train(pairs, tmp_path / "run", "--epochs", "2", "--resume") == 0
    assert len(Run.load(tmp_path / "run").history) == 2


def test_ctrl_c_in_the_first_epoch_is_no_crash(train, pairs, tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_one_epoch", interrupted)
    assert train(pairs, tmp_path / "run") == 0
    assert "0 whole epochs" in capsys.readouterr().out


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_data_is_refused_before_training_and_no_run_is_touched(train, fault, pairs, tmp_path, trained, refused):
    damage, words, _ = FAULTS[fault]
    damage(pairs)
    out = refused(train(pairs, tmp_path / "new"), *words)
    assert "epoch" not in out
    assert not (tmp_path / "new").exists()
    shutil.copytree(trained, tmp_path / "old")
    before = snapshot(tmp_path / "old")
    refused(train(pairs, tmp_path / "old", "--overwrite"), *words)
    assert snapshot(tmp_path / "old") == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", "many"], ["epochs='many'", "integer"]),
        (["--framing", "crops"], ["framing='crops'", "Did you mean 'crop'?"]),
        (["--model", "unett"], ["'unett'", "Did you mean 'unet'?"]),
        (["--model", "smp:unet/resnet43"], ["'resnet43'", "Did you mean 'resnet34'?"]),
        (["--batch-size", "9"], ["batch_size=9", "8 training images"]),
        (["--weights", "imagenet"], ["'imagenet'", "weights=None"]),
        (["--weights", "imagenet", "--model", "smp:unet/resnet18"], ["'imagenet'", "network"]),
        (["--learning-rate", "0"], ["learning_rate='0'", "greater than 0"]),
        (["--resume"], ["last.ckpt", "without resume"]),
    ],
)
def test_a_bad_option_is_refused_and_no_run_folder_is_left(
    train, options, words, pairs, tmp_path, refused, monkeypatch
):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    refused(train(pairs, tmp_path / "run", *options), *words)
    assert not (tmp_path / "run").exists()


def test_an_unknown_data_set(tmp_path, refused):
    refused(main(["train", "--dataset", "humen", "--output", str(tmp_path / "run")]), "'humen'", "'human'")


def test_a_run_that_exists_is_refused(train, pairs, tmp_path, trained, refused):
    shutil.copytree(trained, tmp_path / "old")
    before = snapshot(tmp_path / "old")
    refused(train(pairs, tmp_path / "old"), tmp_path / "old", "already holds a run", "--overwrite")
    assert snapshot(tmp_path / "old") == before


def test_no_disk_space(train, pairs, tmp_path, monkeypatch, refused):
    write = pd.DataFrame.to_csv

    def full(table, path, **options):
        if "history.csv" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(table, path, **options)

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    refused(train(pairs, tmp_path / "run"), "history.csv", "no space left", "free some space")


# ---------------------------------------------------------------- a time instead of epochs
def test_a_time_becomes_epochs_and_the_schedule_knows_them(train_as_long, pairs, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(time_budget, "epochs_within", lambda minutes, config, source: (round(60 * minutes), 1.0))
    assert train_as_long(pairs, tmp_path / "run", "--minutes", "0.05") == 0
    assert "0.05 minutes are 3 epochs of about 1.0 s" in capsys.readouterr().out
    run = Run.load(tmp_path / "run")
    assert len(run.history) == Config.load(tmp_path / "run" / "config.yaml").epochs == 3


def test_the_time_of_an_epoch_is_that_of_its_images(config, monkeypatch):
    """A trial of a few batches, told to take one second an image in training and half of one in validation."""
    source, seen = catalog.load(config), []

    def fit_in_no_time(trial, source, on_epoch):
        train, val = len(source.pairs("train")) // trial.batch_size * trial.batch_size, len(source.pairs("val"))
        seen.append((train, val, trial.output))
        row = {"images_per_second": 1.0, "seconds": train + 0.5 * val}
        return Run(trial.output, pd.DataFrame([row, row]))

    monkeypatch.setattr(time_budget, "BATCHES", 1)
    monkeypatch.setattr(time_budget, "fit", fit_in_no_time)
    config = config.override(batch_size=2)
    epochs, seconds = time_budget.epochs_within(10, config, source)
    assert seconds == len(source.pairs("train")) + 0.5 * len(source.pairs("val"))
    assert epochs == int(600 / seconds)
    assert seen[0][:2] == (2, min(2, len(source.pairs("val"))))
    assert not seen[0][2].exists()
    with pytest.raises(ConfigError) as error:
        time_budget.epochs_within(0.01, config, source)
    assert_clear(error, "--minutes 0.01", "one epoch takes", "--image-size")


def test_a_trial_leaves_nothing_behind_and_is_real(config, capsys):
    kept = config.output.parent
    before = snapshot(kept)
    epochs, seconds = time_budget.epochs_within(1, config, catalog.load(config))
    assert epochs == int(60 / seconds) > 1
    assert snapshot(kept) == before
    assert "epoch" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--minutes", "1", "--epochs", "3"], ["--minutes", "--epochs"]),
        (["--minutes", "1", "--resume"], ["--minutes", "--resume"]),
        (["--minutes", "0"], ["--minutes 0", "above zero"]),
    ],
)
def test_a_time_that_cannot_be_kept_is_refused(train_as_long, more, words, pairs, tmp_path, refused):
    refused(train_as_long(pairs, tmp_path / "run", *more), *words)
    assert not (tmp_path / "run").exists()


def test_several_processes_cannot_be_timed(train_as_long, pairs, tmp_path, refused, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    refused(train_as_long(pairs, tmp_path / "run", "--minutes", "1"), "torchrun", "--epochs")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dataset": "tiny"}, "unet, from random weights"),
        ({"dataset": "pets_mini"}, "smp:fpn/tu-tf_efficientnet_lite0, from the weights 'imagenet'"),
        ({"dataset": "pets_mini", "weights": None}, "smp:fpn/tu-tf_efficientnet_lite0, from random weights"),
        ({"dataset": "pets_mini", "model": "unet"}, "unet, from random weights"),
        (
            {"dataset": "pets_mini", "model": "smp:unet/resnet18"},
            "smp:unet/resnet18, from random weights (its 'imagenet' weights learn faster: --weights imagenet "
            "--learning-rate 0.003 --encoder-rate 0.1)",
        ),
    ],
)
def test_what_a_model_starts_from_is_said_before_it_trains(values, words):
    config = Config.preset(**values)
    assert tell(catalog.load(config), config).splitlines()[-1].split("model: ")[-1].strip() == words


def test_an_image_that_is_listed_in_two_splits_is_told_before_training(train, pairs, tmp_path, capsys):
    rows = (pairs / "pairs.csv").read_text("utf-8").splitlines()
    copy = rows[1].replace(",train", ",test")  # the first training pair is tested on as well
    (pairs / "pairs.csv").write_text("\n".join([*rows, copy]) + "\n", "utf-8")
    assert train(pairs, tmp_path / "run", "--epochs", "1") == 0
    assert "1 of the images are in several splits, which flatters scores: images/00.png" in capsys.readouterr().out


def test_photographs_that_are_turned_upright_are_told_before_training(train, pairs, tmp_path, capsys):
    """A mask that was drawn on the stored position of a camera held upside down has the right size and is wrong."""
    photograph = pairs / "images" / "00.png"
    with Image.open(photograph) as image:
        exif = Image.Exif()
        exif[274] = 3  # by half a turn
        image.convert("RGB").save(photograph, exif=exif)
    assert train(pairs, tmp_path / "run", "--epochs", "1") == 0
    told = capsys.readouterr().out
    assert "turned: 1 of 12 images, as EXIF data says: draw masks on the upright ones: images/00.png" in told


def test_what_is_said_of_classes_and_a_small_training_set(pairs, tmp_path, capsys):
    """The shares are those that the masks hold, and it is told where a batch is the whole training set."""
    options = ["--dataset", "folder", "--root", str(pairs), "--output", str(tmp_path / "run"), "--image-size", "32"]
    assert main(["train", *options, "--epochs", "1", "--model", "unet", "--batch-size", "8", "--weights", "none"]) == 0
    source = catalog.load(Config(dataset="folder", root=pairs))
    counts = sum(np.bincount(source.read_ids(pair.mask).ravel(), minlength=256) for pair, _ in source.labelled())
    told = capsys.readouterr().out
    for i, name in enumerate(source.classes):
        assert f"{name} {counts[i] / counts.sum():.1%}" in told
    assert f"ignored: {counts[255] / counts.sum():.1%} of all pixels" in told
    assert "batch: 8 images, which are all that there are to train on" in told


def test_a_folder_that_is_no_run_is_not_called_one(train, pairs, tmp_path, refused):
    before = snapshot(pairs)
    refused(train(pairs, pairs), pairs, "files that are no run", "another output")
    (tmp_path / "file").write_text("mine")
    refused(train(pairs, tmp_path / "file"), tmp_path / "file", "is a file")
    assert snapshot(pairs) == before

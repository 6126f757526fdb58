"""segmenter/commands/train.py: a run from the terminal, resumed, refused, interrupted; no folder is left behind."""

import errno
import shutil

import pandas as pd
import pytest
from helpers import FAULTS, snapshot

from segmenter.__main__ import main
from utils import training
from utils.config import Config
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

"""utils/__main__.py, commands.py: the commands in one process, their exit codes, one sentence for every error."""

import errno
import json
import re
import shutil
import subprocess
import sys

import pytest
from helpers import COURSE, FAULTS, assert_sentence, snapshot

from segmenter.__main__ import main
from utils import training
from utils.config import Config
from utils.runs import Run

SMALL = ["--image-size", "32", "--framing", "crop", "--batch-size", "4", "--unet-width", "4", "--unet-depth", "2",
         "--epochs", "1", "--device", "cpu", "--precision", "fp32", "--workers", "0"]  # fmt: skip
NAMES = ["--classes", "ground", "house", "lake"]


def train(pairs, output, *more):
    return main(["train", "--dataset", "folder", "--root", str(pairs), "--output", str(output), *NAMES, *SMALL, *more])


@pytest.fixture
def refused(capsys):
    """Assert that a command failed with exit code 2 and one sentence on stderr that holds the words."""

    def check(code, *words):
        found = capsys.readouterr()
        assert code == 2
        assert found.err.startswith("error: ")
        assert_sentence(found.err, *words)
        return found.out

    return check


# ---------------------------------------------------------------- check
def test_check_reports_a_sound_folder(pairs, capsys):
    assert main(["check", str(pairs)]) == 0
    out = capsys.readouterr().out
    assert "8 train, 2 val, 2 test" in out
    assert "Every pair can be trained on." in out


@pytest.mark.parametrize("fault", FAULTS)
def test_check_finds_every_fault_and_changes_nothing(fault, pairs, capsys):
    damage, words, kind = FAULTS[fault]
    damage(pairs)
    before = snapshot(pairs)
    assert main(["check", "--dataset", "folder", "--root", str(pairs), *NAMES]) == 1
    out = capsys.readouterr().out
    assert f"ERROR  {kind}: 1" in out
    assert (words[0] if kind != "empty split" else "(val)").lower() in out.lower()
    assert "Mend the errors" in out
    assert snapshot(pairs) == before


def test_check_of_the_embedded_and_of_the_real_data(human, capsys):
    assert main(["check"]) == 0
    assert "48 train, 12 val, 12 test" in capsys.readouterr().out
    assert main(["check", "--dataset", "human", "--root", str(human.root)]) == 0
    out = capsys.readouterr().out
    assert "mask of another size (resized): 198" in out
    assert "102.jpg = 270.jpg" in out


def test_check_of_a_place_that_is_not_there(tmp_path, refused):
    refused(main(["check", str(tmp_path / "nowhere")]), tmp_path / "nowhere", "set root")


# ---------------------------------------------------------------- train, evaluate, predict
def test_from_training_to_masks(pairs, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(pairs, run) == 0
    out = capsys.readouterr().out
    assert re.search(r"Best validation IoU \d\.\d{3} in epoch 1; the run is in ", out)
    assert len(Run.load(run).history) == 1

    assert main(["evaluate", str(run)]) == 0
    out = capsys.readouterr().out
    assert "2 images" in out
    assert all(word in out for word in ("mIoU", "ground", "house", "lake", "AP"))
    assert main(["evaluate", str(run), "--split", "train", "--root", str(pairs)]) == 0
    assert "8 images" in capsys.readouterr().out

    assert main(["predict", str(run), str(pairs / "images"), "--output", str(tmp_path / "out"), "--flips"]) == 0
    assert "12 masks and overlays are in" in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("*_mask.png"))) == 12
    assert main(["predict", str(run / "best.safetensors"), str(pairs / "images" / "00.png"),
                 "--output", str(tmp_path / "one")]) == 0  # fmt: skip
    assert {p.name for p in (tmp_path / "one").iterdir()} == {"00_mask.png", "00_overlay.jpg", "predictions.csv"}
    capsys.readouterr()
    assert main(["predict", str(run), str(pairs / "images"), "--output", str(tmp_path / "out"), "--flips"]) == 0
    assert "12 of them were there already" in capsys.readouterr().out


def test_the_report_as_a_page_and_as_numbers(trained, tmp_path, capsys):
    html, numbers = tmp_path / "deep" / "report.html", tmp_path / "report.json"
    assert main(["evaluate", str(trained), "--html", str(html), "--json", str(numbers)]) == 0
    assert str(html) in capsys.readouterr().out
    assert "<!DOCTYPE html>" in html.read_text("utf-8")
    assert len(json.loads(numbers.read_text("utf-8"))["images"]) == 2


@pytest.mark.parametrize(("kind", "ending"), [("onnx", ".onnx"), ("program", ".pt2"), ("int8", "-int8.onnx")])
def test_a_run_is_exported(kind, ending, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(trained), "--format", kind]) == 0
    out = capsys.readouterr().out
    assert (tmp_path / f"{trained.name}{ending}").stat().st_size > 5000
    assert "largest difference" in out
    assert ("IoU" in out) == (kind == "int8")


@pytest.mark.parametrize("command", ["push", "pull"])
def test_the_hub_without_network_is_one_sentence(command, trained, tmp_path, refused):
    arguments = [str(trained), "me/model", "--no-scores"] if command == "push" else ["me/model", str(tmp_path / "new")]
    refused(main([command, *arguments]), "hub")
    assert not (tmp_path / "new").exists()


def test_a_stopped_prediction_says_how_to_go_on(trained, pairs, tmp_path, capsys, monkeypatch):
    from segmenter import predictions

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "read_image", stop)
        assert main(["predict", str(trained), str(pairs / "images"), "--output", str(tmp_path / "out")]) == 1
    assert "the same command goes on" in capsys.readouterr().out


def test_a_moved_data_set_is_named_by_root(pairs, tmp_path, trained, capsys):
    assert main(["evaluate", str(trained / "best.safetensors"), "--root", str(pairs)]) == 0
    assert "2 images" in capsys.readouterr().out


def test_options_come_on_top_of_a_file(config, tmp_path, capsys):
    config.save(tmp_path / "mine.yaml")
    assert main(["train", "--config", str(tmp_path / "mine.yaml"), "--epochs", "1", "--patience", "none"]) == 0
    done = Config.load(config.output / "config.yaml")
    assert done == config.override(epochs=1, patience=None)


def test_every_field_is_an_option(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for name in Config.model_fields:
        assert f"--{name.replace('_', '-')}" in text


def test_a_run_is_resumed(pairs, tmp_path, capsys, monkeypatch):
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


def test_ctrl_c_in_the_first_epoch_is_no_crash(pairs, tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_one_epoch", interrupted)
    assert train(pairs, tmp_path / "run") == 0
    assert "0 whole epochs" in capsys.readouterr().out


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize("fault", FAULTS)
def test_bad_data_is_refused_before_training_and_no_run_is_touched(fault, pairs, tmp_path, trained, refused):
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
def test_a_bad_option_is_refused_and_no_run_folder_is_left(options, words, pairs, tmp_path, refused, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    refused(train(pairs, tmp_path / "run", *options), *words)
    assert not (tmp_path / "run").exists()


def test_an_unknown_data_set(tmp_path, refused):
    refused(main(["train", "--dataset", "humen", "--output", str(tmp_path / "run")]), "'humen'", "'human'")


@pytest.mark.parametrize("options", [["train", "--epoch", "x"], ["train", "--lr", "3"], ["trian"], [], ["evaluate"]])
def test_an_unknown_command_or_option_exits_with_2(options, capsys):
    if options == ["train", "--epoch", "x"]:  # argparse takes it as the beginning of --epochs
        assert main(options) == 2
        assert "epochs='x'" in capsys.readouterr().err
        return
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_run_that_exists_is_refused(pairs, tmp_path, trained, refused):
    shutil.copytree(trained, tmp_path / "old")
    before = snapshot(tmp_path / "old")
    refused(train(pairs, tmp_path / "old"), tmp_path / "old", "already holds a run", "--overwrite")
    assert snapshot(tmp_path / "old") == before


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("damage", ["missing", "cut off", "web page"])
def test_a_broken_checkpoint_is_refused(command, damage, trained, pairs, tmp_path, refused):
    path = tmp_path / "a.safetensors"
    if damage == "cut off":
        path.write_bytes((trained / "best.safetensors").read_bytes()[:-9])
    elif damage == "web page":
        path.write_text("<!DOCTYPE html>")
    more = [str(pairs / "images"), "--output", str(tmp_path / "out")] if command == "predict" else []
    refused(main([command, str(path), *more]), path)
    assert not (tmp_path / "out").exists()


def test_bad_pictures_are_told_and_the_others_done(trained, pairs, tmp_path, capsys):
    (pairs / "images" / "00.png").write_bytes(b"")
    assert main(["predict", str(trained), str(pairs / "images"), "--output", str(tmp_path / "out")]) == 1
    found = capsys.readouterr()
    assert "11 masks" in found.out
    (failed,) = [line for line in found.err.splitlines() if line.startswith("failed: ")]
    assert_sentence(failed, "images/00.png", "0 bytes")


def test_no_pictures(trained, tmp_path, refused):
    (tmp_path / "empty").mkdir()
    refused(main(["predict", str(trained), str(tmp_path / "empty")]), tmp_path / "empty", "no pictures")


def test_no_disk_space(pairs, tmp_path, monkeypatch, refused):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training.pd.DataFrame, "to_csv", full)
    refused(train(pairs, tmp_path / "run"), "history.csv", "no space left", "free some space")


def test_as_a_process_of_its_own(tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "segmenter", *arguments], cwd=COURSE, capture_output=True, text=True, check=False
        )

    bad = run("train", "--epochs", "0", "--output", str(tmp_path / "run"))
    assert bad.returncode == 2
    assert_sentence(bad.stderr, "epochs='0'")
    help_text = run("--help")
    assert help_text.returncode == 0
    assert all(command in help_text.stdout for command in ("check", "train", "evaluate", "predict", "demo"))

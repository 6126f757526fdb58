"""segmenter/__main__.py: every command has its help and its options, and an error is one sentence."""

import re
import subprocess
import sys

import pytest
from helpers import COURSE, assert_sentence

from segmenter.__main__ import COMMANDS, build_parser, main, name_of
from segmenter.commands import predict
from utils.config import Config
from utils.runs import Run


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


def test_without_the_environment_the_program_says_how_to_activate_it():
    bare = [sys.executable, "-S", "-m", "segmenter", "check"]  # -S: none of the installed packages
    done = subprocess.run(bare, cwd=COURSE, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "activate" in done.stderr
    assert "make course" in done.stderr


def test_from_training_to_masks(train, pairs, tmp_path, capsys):
    run = tmp_path / "run"
    assert train(pairs, run) == 0
    out = capsys.readouterr().out
    assert re.search(r"Best validation IoU \d\.\d{3} in epoch 1; the run is in ", out)
    assert len(Run.load(run).history) == 1

    assert main(["evaluate", str(run)]) == 0
    out = capsys.readouterr().out
    assert "2 images" in out
    assert all(word in out for word in ("mIoU", "ground", "house", "lake", "AP"))
    assert main(["predict", str(run), str(pairs / "images"), "--output", str(tmp_path / "polygons"), "--polygons"]) == 0
    assert "--polygons wrote nothing" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--split", "train", "--root", str(pairs)]) == 0
    assert "8 images" in capsys.readouterr().out

    assert main(["predict", str(run), str(pairs / "images"), "--output", str(tmp_path / "out"), "--flips"]) == 0
    assert ": 12; predictions.csv has" in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("*_mask.png"))) == 12
    assert main(["predict", str(run / "best.safetensors"), str(pairs / "images" / "00.png"),
                 "--output", str(tmp_path / "one")]) == 0  # fmt: skip
    assert {p.name for p in (tmp_path / "one").iterdir()} == {"00_mask.png", "00_overlay.jpg", "predictions.csv"}
    capsys.readouterr()
    assert main(["predict", str(run), str(pairs / "images"), "--output", str(tmp_path / "out"), "--flips"]) == 0
    assert "12 of them were there already" in capsys.readouterr().out


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


OPTIONS = {
    "check": "PATH --html --fix-into --all --dataset --root --classes --mask-values --variant --splits",
    "convert": "SOURCE --into --images --format --unlabelled",
    "train": "--config --resume --overwrite --minutes",  # and every field of Config
    "evaluate": "RUN --split --dataset --root --html --json",
    "predict": "RUN PICTURES --output --threshold --flips --scales --tile --bands --polygons --device",
    "export-masks": "PREDICTIONS --format --output --tolerance",
    "export": "RUN --format --output --size --threshold --root",
    "compare": "--models --augmentations --seeds",  # and the other fields of Config
    "shard": "--output --megabytes --dataset --root --classes --variant --splits --split-seed --max-side",
    "demo": "RUN --port --host --share",
    "push": "RUN NAME --private --root --no-scores",
    "pull": "NAME FOLDER --revision",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_command_has_its_help_and_the_options_that_the_readme_promises(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    assert f"usage: python -m segmenter {name}" in capsys.readouterr().out
    (subparsers,) = build_parser()._subparsers._group_actions
    actions = subparsers.choices[name]._actions[1:]  # without --help
    found = {action.option_strings[0] if action.option_strings else action.dest.upper() for action in actions}
    fields = {f"--{field.replace('_', '-')}" for field in Config.model_fields}
    more = {"train": fields, "compare": fields - {"--model", "--augmentation", "--seed"}}.get(name, set())
    assert found == set(OPTIONS[name].split()) | more


def test_there_is_a_file_for_each_command():
    files = {path.stem for path in (COURSE / "segmenter" / "commands").glob("*.py")} - {"__init__", "options"}
    assert {file.replace("_", "-") for file in files} == set(OPTIONS) == {name_of(command) for command in COMMANDS}


def test_help_and_a_typo_are_answered_without_loading_torch():
    """That would take seconds."""
    code = "import sys; from segmenter.__main__ import build_parser; build_parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=COURSE).returncode == 0


def test_ctrl_c_anywhere_is_no_traceback(monkeypatch, capsys, tmp_path):
    def stop(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "run", stop)
    assert main(["predict", "run", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "Stopped.\n"

"""segmenter/comparison: a grid of runs that can be stopped and continued, and an honest table of it."""

import os
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import COURSE, assert_clear, drop_splits, small_config, snapshot, write_pairs

from segmenter.__main__ import main
from segmenter.comparison import compare_runs, grid, plot_summary, run_grid, summary, training
from segmenter.comparison.tables import model_size, save_tables
from utils import catalog
from utils.checkpoint import load_weights
from utils.config import Config
from utils.errors import CheckpointError, ConfigError, TrainingError
from utils.files import write_atomically
from utils.runs import Run

MODELS = ["unet", "torchvision:lraspp_mobilenet_v3_large"]


@pytest.fixture
def base(tmp_path):
    return small_config(write_pairs(tmp_path / "data"), tmp_path / "grid", epochs=2, image_size=32)


def test_a_grid_has_a_run_for_every_combination_in_a_folder_of_its_own(base):
    runs = grid(base, ["unet", "smp:fpn/mobilenet_v2"], ["none", "medium"], [0, 1, 2])
    assert len(runs) == len({run.output for run in runs}) == 12
    assert {run.output.parent for run in runs} == {base.output}
    assert runs[2].output.name == "smp-fpn-mobilenet_v2-none-seed0"
    for run in runs:
        assert run.override(**{f: getattr(base, f) for f in ("model", "augmentation", "seed", "output")}) == base


def test_the_whole_grid_and_its_table(base, capsys):
    runs = grid(base, MODELS, ["none", "medium"], [0, 1])
    assert run_grid(runs) == {}
    assert "run 8/8" in capsys.readouterr().out
    table = pd.read_csv(base.output / "comparison.csv")
    assert len(table) == 8
    assert table["best val IoU"].is_monotonic_decreasing
    for _, row in table.iterrows():
        run = Run.load(base.output / row["run"])
        assert row["best val IoU"] == pytest.approx(run.history["val_score"].max())
        assert row["seconds"] == pytest.approx(run.history["seconds"].sum())
    weights = load_weights(runs[0].output / "best.safetensors")[0]
    learned = sum(t.numel() for n, t in weights.items() if n.endswith(("weight", "bias")))
    assert table.loc[table["model"] == "unet", "parameters (M)"].iloc[0] == pytest.approx(learned / 1e6)
    assert (table["GFLOPs"] > 0).all()
    short = pd.read_csv(base.output / "summary.csv")
    assert len(short) == 4
    own = table.query("model == 'unet' and augmentation == 'medium'")["best val IoU"].to_numpy()
    row = short.query("model == 'unet' and augmentation == 'medium'").iloc[0]
    assert row["val IoU"] == pytest.approx(own.mean())
    assert row["sd"] == pytest.approx(abs(own[0] - own[1]) / np.sqrt(2))
    assert (base.output / "comparison.png").stat().st_size > 10_000
    before = snapshot(runs[3].output)
    assert run_grid(runs) == {}
    assert capsys.readouterr().out.count("there already") == 8
    assert snapshot(runs[3].output) == before


def test_a_grid_that_was_stopped_goes_on_and_ends_the_same(base, tmp_path, monkeypatch):
    whole = grid(base.override(output=tmp_path / "whole"), ["unet"], ["none", "medium"], [0, 1])
    run_grid(whole)
    runs, trained = grid(base, ["unet"], ["none", "medium"], [0, 1]), []
    train = training.fit

    def interrupted(config, **options):
        trained.append(config)

        def stop(row, _):
            if len(trained) == 3:
                raise KeyboardInterrupt

        return train(config, **options | {"on_epoch": stop})

    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_grid(runs)
    assert len(pd.read_csv(base.output / "comparison.csv")) == 2  # the finished ones have their table
    run_grid(runs)
    columns = ["run", "best val IoU", "epoch"]
    tables = [pd.read_csv(folder / "comparison.csv")[columns] for folder in (base.output, tmp_path / "whole")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


def test_a_typo_is_found_before_anything_is_trained(base):
    with pytest.raises(ConfigError) as error:
        run_grid(grid(base, [*MODELS, "smp:unett/resnet18"], ["none"], [0]))
    assert_clear(error, "unett", "did you mean 'unet'")
    with pytest.raises(ConfigError):
        grid(base, MODELS, ["medum"], [0])
    assert not base.output.exists()


def test_a_folder_of_another_configuration_is_refused_and_untouched(base):
    run_grid(grid(base, ["unet"], ["none"], [0]))
    before = snapshot(base.output)
    with pytest.raises(CheckpointError) as error:
        run_grid(grid(base.override(learning_rate=0.1), ["unet"], ["none"], [0, 1]))
    assert_clear(error, "unet-none-seed0", "learning_rate was", "change it back")
    assert snapshot(base.output) == before


def test_a_model_that_fails_is_listed_and_stops_no_other(base, monkeypatch):
    train = training.fit

    def failing(config, **options):
        if config.seed == 1:
            raise TrainingError("The loss became NaN.")
        return train(config, **options)

    monkeypatch.setattr(training, "fit", failing)
    assert run_grid(grid(base, ["unet"], ["none"], [0, 1, 2])) == {"unet-none-seed1": "The loss became NaN."}
    assert len(compare_runs([base.output / f"unet-none-seed{seed}" for seed in (0, 2)])) == 2


def made_up():
    rows = [
        {"run": f"{m}{s}", "model": m, "augmentation": a, "seed": s, "best val IoU": q + 0.01 * s, "epoch": 3,
         "seconds": 10.0 + s, "images/s": 5.0, "parameters (M)": 1.5, "GFLOPs": 2.0}
        for m, a, q in (("a", "none", 0.5), ("b", "none", 0.7), ("a", "medium", 0.6))
        for s in ((0, 1, 2) if m == "a" else (0,))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_mean_and_spread_are_over_seeds_and_one_seed_has_no_spread():
    table = summary(made_up())
    assert table["model"].tolist() == ["b", "a", "a"]
    assert table["val IoU"].tolist() == pytest.approx([0.7, 0.61, 0.51])
    assert table["seeds"].tolist() == [1, 3, 3]
    assert np.isnan(table["sd"][0])
    assert table["sd"].tolist()[1:] == pytest.approx([0.01, 0.01])
    assert table["seconds"].tolist() == pytest.approx([10, 11, 11])


def test_the_plot_shows_every_row_in_every_panel_and_tells_them_apart_without_colour():
    figure = plot_summary(summary(made_up()))
    try:
        for ax in figure.axes:
            assert len(ax.containers) == 3
            dots = [container.lines[0] for container in ax.containers]
            looks = {(d.get_marker(), d.get_fillstyle(), d.get_markerfacecolor() == "white") for d in dots}
            assert len(looks) == 3
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert labels == ["b", "a", "augmentation: none", "augmentation: medium"]
    finally:
        plt.close(figure)


def test_all_four_augmentations_look_different_without_colour():
    table = pd.concat([made_up().assign(augmentation=name) for name in ("none", "light", "medium", "strong")])
    figure = plot_summary(summary(table))
    try:
        dots = [container.lines[0] for container in figure.axes[0].containers]
        looks = {(d.get_marker(), d.get_fillstyle(), d.get_markerfacecolor() == "white") for d in dots}
        assert len(looks) == 2 * 4
    finally:
        plt.close(figure)


def test_from_the_command_line(base):
    command = [
        *(sys.executable, "-m", "segmenter", "compare", "--models", "unet", "--augmentations", "none", "light"),
        *("--seeds", "0", "--dataset", "folder", "--root", str(base.root), "--classes", *base.classes),
        *("--framing", "crop", "--image-size", "32", "--batch-size", "4", "--unet-width", "2", "--unet-depth", "2"),
        *("--epochs", "1", "--workers", "0", "--device", "cpu", "--output", str(base.output)),
    ]
    found = subprocess.run(
        command, cwd=COURSE, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=200
    )
    assert found.returncode == 0, found.stderr
    assert "run 2/2   unet-light-seed0" in found.stdout
    assert "val IoU" in found.stdout
    assert "\N{EN DASH}" in found.stdout  # one seed has no spread
    assert {p.name for p in base.output.iterdir() if p.is_file()} == {"comparison.csv", "summary.csv", "comparison.png"}
    assert Config.load(base.output / "unet-none-seed0" / "config.yaml").augmentation == "none"


def test_tables_are_made_of_finished_runs_only(base):
    runs = grid(base, ["unet"], ["none"], [0, 1])
    run_grid(runs[:1])
    assert save_tables(runs)["seeds"].tolist() == [1]


def test_a_run_named_twice_is_refused_since_it_would_pass_for_two(base):
    for twice in ({"seeds": [0, 0]}, {"models": ["unet", "unet"]}, {"augmentations": ["none", "none"]}):
        with pytest.raises(ConfigError) as error:
            grid(base, **{"models": ["unet"], "augmentations": ["none"], "seeds": [0]} | twice)
        assert_clear(error, "unet-none-seed0", "twice")


def test_pictures_that_came_later_move_no_split_of_later_runs(tmp_path):
    """Splits of the folder are drawn: 36 pairs share no validation picture with 30, see the second half."""
    root = drop_splits(write_pairs(tmp_path / "data", ["train"] * 30))
    base = small_config(root, tmp_path / "grid", epochs=1)
    run_grid(grid(base, ["unet"], ["none"], [0]))
    drop_splits(write_pairs(root, ["train"] * 36))
    runs = grid(base, ["unet"], ["none"], [0, 1])
    run_grid(runs)
    first, second = (pd.read_csv(run.output / "splits.csv") for run in runs)
    pd.testing.assert_frame_equal(first, second)
    drawn = catalog.load(base).assigned()["val"]
    assert {f"images/{p.image.name}" for p in drawn} != set(first.query("split == 'val'")["image"])


def test_changed_data_and_runs_on_other_splits_are_refused(base):
    runs = grid(base, ["unet"], ["none"], [0, 1, 2])
    run_grid(runs[:2])
    table = runs[1].output / "splits.csv"
    whole = table.read_text()
    write_atomically(table, lambda path: path.write_text(whole.replace(",val,", ",train,")))  # and notes its checksum
    with pytest.raises(CheckpointError) as error:
        run_grid(runs)
    assert_clear(error, runs[0].output, runs[1].output, "splits")
    write_atomically(table, lambda path: path.write_text(whole))
    (base.root / "images" / "00.png").write_bytes((base.root / "images" / "01.png").read_bytes())
    with pytest.raises(CheckpointError) as error:
        run_grid(runs)
    assert_clear(error, "1 changed", "images/00.png")
    assert not runs[2].output.exists()


@pytest.mark.parametrize(
    ("models", "fields", "words"),
    [
        (["unet", "torchvision:deeplabv3_mobilenet_v3_large"], {"batch_size": 1}, ["deeplabv3", "batches of 1"]),
        (["unet", "smp:pan/mobilenet_v2"], {}, ["smp:pan", "32 x 32", "larger image_size"]),
        (["unet"], {"batch_size": 9}, ["batch_size=9", "8 training images"]),
    ],
)
def test_what_cannot_train_is_found_before_anything_is_trained(models, fields, words, base):
    with pytest.raises(ConfigError) as error:
        run_grid(grid(base.override(**fields), models, ["none"], [0]))
    assert_clear(error, *words)
    assert not base.output.exists()


def test_a_finished_grid_needs_no_pretrained_weights_again(base, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    runs = grid(base.override(epochs=1), ["smp:unet/mobilenet_v2"], ["none"], [0])
    run_grid(runs)
    pretrained = [run.override(weights="imagenet") for run in runs]
    pretrained[0].save(runs[0].output / "config.yaml")
    assert run_grid(pretrained) == {}


def test_several_processes_are_refused(base, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError) as error:
        run_grid(grid(base, ["unet"], ["none"], [0]))
    assert_clear(error, "one process", "torchrun")


def test_a_model_that_does_not_take_the_size_has_no_flops():
    parameters, flops = model_size("smp:pan/mobilenet_v2", 16, 3, 32, 3)
    assert parameters > 1e6
    assert np.isnan(flops)


def test_ctrl_c_on_the_command_line_keeps_the_table_and_says_how_to_go_on(base, monkeypatch, capsys):
    train, trained = training.fit, []

    def interrupted(config, **options):
        trained.append(config)
        if len(trained) == 2:
            raise KeyboardInterrupt
        return train(config, **options)

    monkeypatch.setattr(training, "fit", interrupted)
    command = ["compare", "--models", "unet", "--augmentations", "none", "--seeds", "0", "1", "--dataset", "folder",
               "--root", str(base.root), "--classes", *base.classes, "--framing", "crop", "--image-size", "32",
               "--batch-size", "4", "--unet-width", "2", "--unet-depth", "2", "--epochs", "1", "--workers", "0",
               "--device", "cpu", "--output", str(base.output)]  # fmt: skip
    assert main(command) == 1
    out = capsys.readouterr().out
    assert all(words in out for words in ("val IoU", "1 of 2 runs", "same command", "sd of 3 seeds is rough"))
    assert main(command) == 0
    assert "goes on" not in capsys.readouterr().out

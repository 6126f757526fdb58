"""exercises/figures/notebook_8*: curves say how deep they fall, and pictures are large enough to be looked at."""

import numpy as np
import pandas as pd
from helpers import texts

from exercises.figures.notebook_8 import draw_run
from exercises.figures.notebook_8_compare import plot_arms, plot_models
from exercises.figures.notebook_8_rates import (
    plot_cut,
    plot_finder,
    plot_first_steps,
    plot_peaks,
    plot_resumed,
    plot_schedules,
)


def test_every_run_is_drawn_twice_and_the_means_of_each_model_are_named():
    scores = {"best val IoU": [0.42, 0.3, 0.4], "fresh statistics": [0.5, 0.45, 0.48]}
    ax = plot_models(pd.DataFrame({"model": ["unet", "other", "unet"]} | scores)).axes[0]
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.42, 0.5], [0.4, 0.48], [0.3, 0.45]]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["unet\n0.410, then 0.490", "other\n0.300, then 0.450"]


def test_a_run_that_went_on_is_as_far_from_the_whole_one_as_its_weights():
    rows = [{"loss": 1.0, "rate": 0.1, "weights": np.array([3.0, 4.0])}] * 4
    other = rows[0] | {"weights": np.array([3.0, 4.5])}
    ends = {name: pd.DataFrame([row] * 2, index=[2, 3]) for name, row in {"a": rows[0], "b": other}.items()}
    distances = plot_resumed(pd.DataFrame(rows), ends, "").axes[2].lines[:2]
    assert [line.get_ydata().tolist() for line in distances] == [[0, 0], [10, 10]]


def test_the_lowest_point_of_each_seed_is_named():
    curves = {1: [3.0, 1.0, 2.0], 2: [3.0, 2.0, np.nan], 3: [1.0, 2.0, 3.0]}
    found = pd.DataFrame(curves, index=[0.001, 0.01, 0.1])
    names = texts(plot_finder(found, 0.002))
    assert {"seed 1: lowest at 0.01", "seed 2: lowest at 0.01", "seed 3: lowest at 0.001"} <= set(names)


def test_pictures_of_a_run_are_200_pixels_wide_or_more(trained):
    figure = draw_run(trained, "two epochs")
    figure.canvas.draw()
    widths = [ax.images[0].get_window_extent().width for ax in figure.axes if ax.images]
    assert widths
    assert min(widths) >= 200


def test_the_first_steps_of_an_optimizer_are_drawn_by_layer_and_their_spread_named():
    figure = plot_first_steps(pd.DataFrame({"SGD": [0.1, 0.001], "AdamW": [0.01, 0.01]}))
    assert [line.get_ydata().tolist() for line in figure.axes[0].lines] == [[0.1, 0.001], [0.01, 0.01]]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["SGD: largest / smallest = 100", "AdamW: largest / smallest = 1"]


def test_both_losses_and_the_score_of_a_run_are_drawn_in_the_colour_of_its_augmentation():
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [2.0, 1.0], "val_loss": 1.5, "val_score": [0.2, 0.4]})
    losses, scores = plot_arms({"none": history, "medium": history.assign(train_loss=1.75)}).axes
    found = [line.get_ydata().tolist() for line in losses.lines]
    assert found == [[2.0, 1.0], [1.5, 1.5], [1.75, 1.75], [1.5, 1.5]]
    assert [line.get_ydata().tolist() for line in scores.lines] == [[0.2, 0.4]] * 2
    colours = [line.get_color() for line in losses.lines]
    assert [line.get_color() for line in scores.lines] == [colours[0], colours[2]]
    assert colours[0] == colours[1] != colours[2] == colours[3]


def test_every_schedule_is_drawn_and_its_end_named():
    runs = {name: pd.DataFrame({"epoch": [1, 2], "val_score": [0.1, end]}) for name, end in {"poly": 0.4}.items()}
    assert "poly: 0.40 at the end" in texts(plot_schedules(runs))


def test_the_epochs_before_a_cut_are_filled_and_those_after_it_open():
    score = pd.Series([0.1, 0.2, 0.3], index=[1, 2, 3])
    before, after = plot_cut(score, score, 2).axes[0].lines[1:3]
    assert (list(before.get_xdata()), before.get_markerfacecolor() == "white") == ([1, 2], False)
    assert (list(after.get_xdata())[after.get_markevery()], after.get_markerfacecolor()) == ([3], "white")


def test_the_end_of_every_peak_is_named():
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [2.0, 1.0], "val_score": [0.2, 0.4]})
    losses, scores = plot_peaks({"A": history, "B": history.assign(val_score=0.1)}).axes
    assert [line.get_ydata().tolist() for line in losses.lines] == [[2.0, 1.0]] * 2
    assert [line.get_label() for line in scores.lines] == ["A: 0.40 at the end", "B: 0.10 at the end"]

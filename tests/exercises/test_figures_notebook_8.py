"""exercises/figures/notebook_8*: curves say how deep they fall, and pictures are large enough to be looked at."""

import pandas as pd
import pytest
from helpers import texts

from exercises.figures.notebook_8 import draw_run, plot_checkpoints
from exercises.figures.notebook_8_compare import plot_average, plot_models


def test_the_deepest_fall_of_each_curve_is_named():
    curves = pd.DataFrame({"weights": [0.1, 0.5, 0.2, 0.6], "average": [0.1, 0.2, 0.3, 0.4]}, index=[1, 2, 3, 4])
    found = texts(plot_average(curves))
    assert {"weights: deepest fall 0.30", "average: deepest fall 0.00"} <= set(found)


def test_models_are_named_with_their_scores_and_not_counted():
    table = pd.DataFrame({"model": ["unet", "other"], "val IoU": [0.4, 0.3], "sd": [0.01, 0.02], "GFLOPs": [0.3, 0.1]})
    figure = plot_models(table)
    assert {"unet: 0.40", "other: 0.30"} <= {text.get_text() for text in figure.axes[0].get_legend().get_texts()}
    assert figure.axes[0].get_title() == "Mean and standard deviation over the seeds of each model"


@pytest.mark.parametrize(("names", "product"), [(["weights", "exp_avg"], 0), (["weights", "moving average"], 1)])
def test_the_product_has_the_colour_of_what_it_holds(names, product):
    bars = plot_checkpoints(dict.fromkeys(names, 1_000_000)).axes[0].patches
    assert bars[0].get_y() < bars[1].get_y()
    assert bars[0].get_facecolor() == bars[1 + product].get_facecolor() != bars[2 - product].get_facecolor()


def test_pictures_of_a_run_are_200_pixels_wide_or_more(trained):
    figure = draw_run(trained, "two epochs")
    figure.canvas.draw()
    widths = [ax.images[0].get_window_extent().width for ax in figure.axes if ax.images]
    assert widths
    assert min(widths) >= 200

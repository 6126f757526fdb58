"""The figures of notebook 3 show the numbers that they were given."""

import numpy as np

from exercises.figures.notebook_3 import plot_landmarks, plot_ten_scores, plot_values


def test_landmarks_show_an_example_and_every_distance():
    image, mask = np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8)
    figure = plot_landmarks({"by hand": [(0.0, image, mask)] * 5, "apart": [(3.0, image, mask)] * 4}, "yours")
    assert [ax.get_title() for ax in figure.axes[:2]] == ["by hand\n0.00 px apart", "apart\n3.00 px apart"]
    assert [len(line.get_xdata()) for line in figure.axes[2].lines[:2]] == [5, 4]


def test_values_count_every_pixel_of_every_channel():
    figure = plot_values({"bytes": np.full((4, 5, 3), 7, np.uint8), "zero": np.zeros((4, 5, 3))})
    assert "mean 7.00" in figure.axes[0].get_title()
    assert all(line.get_ydata().sum() == 20 for ax in figure.axes for line in ax.lines)


def test_ten_scores_point_at_the_best_one():
    figure = plot_ten_scores([0.5] * 3, [0.4, 0.6, 0.5])
    assert figure.axes[0].texts[0].xy == (2, 0.6)

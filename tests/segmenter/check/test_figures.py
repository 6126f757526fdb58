"""segmenter/check/figures.py: figures show what the report holds."""

import matplotlib.pyplot as plt
import pytest
from helpers import draw_pair, drop_splits, write_pairs

from segmenter.check.figures import pad_to_square, show_unusual
from segmenter.check.unusual import unusual
from utils.errors import DataError


def test_figures_show_what_the_report_holds(human_report):
    figure = show_unusual(human_report, 5)
    titles = [ax.get_title() for ax in figure.axes]
    expected = [human_report.measurements[i].pair.image.name for i, _ in unusual(human_report, 5)]
    assert [title.split("\n")[0] for title in titles if title] == expected
    assert all("\n" in title for title in titles if title)
    assert all(len(ax.images) == 1 for ax in figure.axes if ax.get_title())
    plt.close("all")


def test_a_figure_of_nothing_says_why(tmp_path, check_folder):
    root = drop_splits(write_pairs(tmp_path, splits=["train"] * 3))
    report = check_folder(root)
    for path in (root / "masks").glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no sound pair"):
        show_unusual(check_folder(root))
    assert report.ok


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (40, 40)])
def test_squares_keep_every_pixel(shape):
    image, _ = draw_pair(0, shape)
    assert pad_to_square(image).shape == (max(shape), max(shape), 3)
    left = (max(shape) - shape[1]) // 2
    assert (pad_to_square(image)[: shape[0], left : left + shape[1]] == image).all()

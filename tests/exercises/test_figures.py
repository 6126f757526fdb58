"""exercises/figures: what a lesson alone draws says its classes, its numbers and its titles."""

import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from helpers import CLASSES, OneClass, assert_clear, draw_pair

from exercises.figures.notebook_2 import plot_class_shares
from exercises.figures.notebook_7 import plot_confusion, show_predictions
from exercises.figures.notebook_8 import LiveRun, draw_run
from utils.errors import CheckpointError
from utils.loaders import get_data_loaders
from utils.models import SegmentationModel
from utils.runs import Run
from utils.tracking import EpochPictures
from utils.training import fit

PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for text in figure.findobj(plt.Text)]


def test_predictions_stand_beside_the_truth_with_the_share_that_is_wrong():
    image, mask = draw_pair(0)
    wrong = np.where(mask == 1, 2, mask)
    figure = show_predictions([image], [mask], [wrong], CLASSES, PALETTE, titles=["town"])
    assert {*CLASSES, "town", "truth", "prediction"} <= set(texts(figure))
    assert f"wrong: {(mask == 1).mean():.0%}" in texts(figure)


def test_the_confusion_matrix_shows_shares_of_the_true_class():
    found = texts(plot_confusion(torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), CLASSES))
    assert {"75%", "25%", "100%", *CLASSES} <= set(found)


def test_bars_say_the_share_of_each_class():
    assert {"50.0%", "25.0%"} <= set(texts(plot_class_shares([0.5, 0.25, 0.25], CLASSES, PALETTE)))


def test_a_run_is_drawn_with_its_curves_and_the_same_pictures_over_the_epochs(trained):
    figure = draw_run(trained, "two epochs")
    try:
        curves, cells = figure.axes[:2], figure.axes[2:]
        history = Run.load(trained).history
        assert curves[0].lines[0].get_ydata().tolist() == history["train_loss"].tolist()
        titles = [ax.get_title() for ax in cells if ax.get_title()]
        assert titles == [f"epoch {e}: {s:.2f}" for e, s in zip((1, 2), history["val_score"], strict=True)] + ["truth"]
        assert sum(len(ax.images) for ax in cells) == 2 * 3
    finally:
        plt.close(figure)


def test_a_run_that_lost_its_pictures_is_drawn_without_and_gets_them_back(config):
    run = fit(config.override(epochs=1), on_epoch=None)
    shutil.rmtree(run.folder / "pictures")
    figure = draw_run(run.folder)
    assert len(figure.axes) == 2
    plt.close(figure)
    pictures = EpochPictures(get_data_loaders(config).val.dataset, config.classes, PALETTE)
    pictures.predict(SegmentationModel(OneClass(1), 1), Accelerator(cpu=True))
    pictures.save(run.folder / "pictures", 7)
    assert {path.name for path in (run.folder / "pictures").iterdir()} == {"truth.jpg", "epoch_007.jpg"}


def test_a_live_run_redraws_one_figure_in_place(config, monkeypatch):
    shown = []

    class Handle:
        def update(self, figure):
            shown.append(("update", figure._suptitle.get_text()))

    def display(figure, display_id):
        shown.append(("display", figure._suptitle.get_text()))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    fit(config.override(epochs=3), on_epoch=LiveRun(config.output))
    assert shown == [("display", "epoch 1 of 3"), ("update", "epoch 2 of 3"), ("update", "epoch 3 of 3")]
    assert not plt.get_fignums()


def test_a_folder_without_a_run_cannot_be_drawn(tmp_path):
    with pytest.raises(CheckpointError) as error:
        draw_run(tmp_path)
    assert_clear(error, tmp_path, "history.csv")

"""utils/tracking.py: pictures after every epoch, and a run that is drawn while it trains."""

import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from helpers import assert_clear
from torch import nn

from exercises.figures.notebook_8 import LiveRun, draw_run
from utils.errors import CheckpointError
from utils.images import read_image
from utils.loaders import get_data_loaders
from utils.models import SegmentationModel
from utils.plots import overlay
from utils.runs import Run
from utils.tracking import PICTURE_SIDE, EpochPictures, frame_square
from utils.training import fit

PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115))


class Same(nn.Module):
    """Predicts one class everywhere."""

    def __init__(self, index):
        super().__init__()
        self.index, self.weight = index, nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return nn.functional.one_hot(torch.full(x.shape[2:], self.index), 3).movedim(-1, 0)[None] + self.weight


def test_the_pictures_are_the_first_of_validation_with_truth_and_prediction(config, tmp_path):
    dataset = get_data_loaders(config).val.dataset
    pictures = EpochPictures(dataset, config.classes, PALETTE)
    model = SegmentationModel(Same(2), 1).train()
    shown = pictures.predict(model, Accelerator(cpu=True))
    assert len(shown) == 2
    for one, (image, truth) in zip(shown, (dataset[n] for n in range(2)), strict=True):
        assert np.array_equal(one.image, image.permute(1, 2, 0))
        assert np.array_equal(one.truth, truth)
        assert (one.prediction == 2).all()
        assert np.array_equal(one.overlays, np.hstack([overlay(image, m, PALETTE) for m in (truth, one.prediction)]))
    for epoch in (1, 2):
        pictures.save(tmp_path / "pictures", epoch)
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["epoch_001.jpg", "epoch_002.jpg", "truth.jpg"]
    assert read_image(tmp_path / "pictures" / "truth.jpg").shape == (PICTURE_SIDE, 2 * PICTURE_SIDE, 3)


@pytest.mark.parametrize("size", [(10, 40), (2000, 300), (256, 256), (1, 1)])
def test_a_square_holds_the_whole_picture_in_proportion(size):
    framed = frame_square(np.zeros((*size, 3), np.uint8))
    assert framed.shape == (PICTURE_SIDE, PICTURE_SIDE, 3)
    rows, columns = (framed == 0).all(axis=2).any(axis=1).sum(), (framed == 0).all(axis=2).any(axis=0).sum()
    assert max(rows, columns) == PICTURE_SIDE
    assert rows / columns == pytest.approx(size[0] / size[1], rel=0.05)


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
    pictures.predict(SegmentationModel(Same(1), 1), Accelerator(cpu=True))
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

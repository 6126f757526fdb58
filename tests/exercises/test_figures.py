"""exercises/figures: what a lesson alone draws says its classes, its numbers and its titles."""

import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from helpers import CLASSES, PALETTE, OneClass, assert_clear, draw_pair, texts
from matplotlib.patches import ConnectionPatch
from torch import nn

from exercises.figures.notebook_1_machine import activation_bytes
from exercises.figures.notebook_2 import plot_class_shares
from exercises.figures.notebook_6 import (
    plot_neighbours,
    plot_padding,
    plot_receptive_fields,
    plot_transposed,
)
from exercises.figures.notebook_6_costs import plot_cropped, plot_moving_norm
from exercises.figures.notebook_6_network import likeness, plot_features, plot_inside, plot_masks, plot_mix
from exercises.figures.notebook_6_pieces import find_alike, plot_pieces
from exercises.figures.notebook_7 import THIN, WIDE, plot_confusion, show_predictions
from exercises.figures.notebook_7_learning import film_frames, plot_one_batch
from exercises.figures.notebook_7_scores import plot_ap, plot_image_scores, plot_iou_shapes, plot_two_maps
from exercises.figures.notebook_8 import LiveRun, draw_run
from utils.errors import CheckpointError
from utils.loaders import get_data_loaders
from utils.models import SegmentationModel
from utils.runs import Run
from utils.tracking import EpochPictures
from utils.training import fit


def test_what_is_seen_stays_bright_and_its_side_is_named():
    scene = torch.full((3, 32, 32), 100, dtype=torch.uint8)
    figure = plot_receptive_fields(scene, (16, 16), {1: 8, 2: 16}, {1: 4, 2: 6})
    bright = [(ax.images[0].get_array()[..., 0] == 100).sum() for ax in figure.axes]
    assert bright == [8 * 8, 16 * 16]
    assert "depth 2: 16 pixels\n(without halving 6)" in texts(figure)


def test_a_convolution_and_its_transpose_are_drawn_with_their_numbers():
    patch, kernel = torch.arange(49.0).view(7, 7), torch.eye(3)
    assert {"48", "1", "24"} <= set(texts(plot_neighbours(patch, kernel, patch[1:-1, 1:-1])))
    stamps = plot_transposed(torch.ones(2, 2), torch.full((2, 2), 7.0), torch.full((4, 4), 7.0))
    assert [text.get_text() for text in stamps.axes[2].texts].count("4") == 16, "a kernel of 3 overlaps"


def test_padding_is_tinted_and_what_is_cropped_is_black():
    image = torch.zeros(3, 6, 7, dtype=torch.uint8)
    after = plot_padding(image, torch.zeros(3, 8, 8, dtype=torch.uint8), 4).axes[1].images[0].get_array()
    assert (after.any(axis=-1)).sum() == 8 * 8 - 6 * 7
    cropped = plot_cropped(image, torch.ones(6, 7, dtype=torch.int64), (4, 4), CLASSES, PALETTE)
    assert (~cropped.axes[1].images[0].get_array().any(axis=-1)).sum() == 6 * 7 - 4 * 4


def test_feature_maps_are_named_with_their_sizes():
    scene, mask = torch.zeros(3, 16, 16, dtype=torch.uint8), torch.full((16, 16), 255)
    maps = {
        "encoder 0": torch.rand(1, 4, 16, 16),
        "encoder 1": torch.rand(1, 8, 8, 8),
        "decoder 0": torch.rand(1, 4, 16, 16),
    }
    inside = plot_inside(scene, maps, torch.rand(1, 3, 16, 16), CLASSES, PALETTE)
    assert sum(isinstance(artist, ConnectionPatch) for artist in inside.artists) == 5, "in, down, across, up, out"
    found = texts(inside)
    assert {"encoder 1\n8 channels, 8 x 8", "prediction", *CLASSES} <= set(found)
    mixed = plot_mix(scene, maps["encoder 1"], *[maps["encoder 0"]] * 2, (9, 3), part=8)
    assert {"from below\n4 x 4", "image\n8 x 8"} <= set(texts(mixed))
    assert "random\n4 x 4" in texts(plot_features(scene, {"random": maps["encoder 1"]})), "without its edge"
    assert {"truth", "ignored", *CLASSES} <= set(texts(plot_masks({"truth": mask}, CLASSES, PALETTE)))
    masks = {f"cut {i}": mask for i in range(5)}
    assert [len(plot_masks(masks, CLASSES, PALETTE, rows=rows).axes) for rows in (1, 2)] == [5, 6]


def test_a_place_is_like_itself_and_unlike_its_opposite():
    features = torch.zeros(1, 2, 4, 4)
    features[0, 0, :2], features[0, 0, 2:] = 1, -1
    alike = likeness(features, (1, 1), (8, 8))  # the pixel lies in the upper half of the image
    assert torch.allclose(alike, features[0, 0])


def test_two_pieces_that_look_alike_are_of_different_classes():
    scene = torch.randint(0, 256, (3, 96, 96), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    truth = torch.zeros(96, 96, dtype=torch.int64)
    truth[:, 48:] = 1
    scene[:, 28:37, 58:67] = scene[:, 50:59, 30:39]
    places = find_alike(scene, truth, side=9)
    assert places == [(54, 34), (32, 62)]
    figure = plot_pieces(scene, places, 9)
    assert {"A: 9 x 9 pixels", "B: 9 x 9 pixels"} <= set(texts(figure))
    first, second = (ax.images[0].get_array() for ax in figure.axes)
    assert first.shape == (9, 9, 3)
    assert np.array_equal(first, second)
    nothing = find_alike(scene[:, :40], torch.zeros(40, 96, dtype=torch.int64))  # a single class
    assert (nothing, len(plot_pieces(scene, nothing, 9).axes)) == ([], 2)


def test_what_moves_is_named():
    moved = {"weights only": [0.0, 1.0], "properly": [0.0, 0.0]}
    figure = plot_moving_norm(moved, {"moved": torch.ones(4, 4, dtype=torch.int64)}, CLASSES, PALETTE)
    assert {*moved, "moved", *CLASSES} <= set(texts(figure))


def test_predictions_stand_beside_the_truth_with_what_is_wrong_narrowly_and_widely():
    image, mask = draw_pair(0)
    truth, wrong = np.zeros_like(mask), np.zeros_like(mask)
    wrong[0], wrong[10:14, 10:14] = 1, 1
    figure = show_predictions(image, truth, wrong, CLASSES, PALETTE)
    assert {*CLASSES, "truth", "prediction", f"wrong: {wrong.mean():.0%}"} <= set(texts(figure))
    errors = figure.axes[3].images[0].get_array()
    assert tuple(errors[0, 0]) == THIN
    assert (errors[10:14, 10:14] == WIDE).all()


def test_the_confusion_matrix_shows_shares_of_the_true_class():
    found = texts(plot_confusion(torch.tensor([[3, 1, 0], [0, 2, 0], [0, 0, 0]]), CLASSES))
    assert {"75%", "25%", "100%", *CLASSES} <= set(found)


def test_iou_stands_beside_its_shapes_as_a_fraction():
    car = torch.zeros(14, 20, dtype=torch.int64)
    car[4:10, 4:16] = 1
    found = texts(plot_iou_shapes(car, {"moved": car.roll(2, dims=0), "exact": car}))
    assert {"moved", "exact", "= 48 / 96\n= 0.50", "= 72 / 72\n= 1.00"} <= set(found)


def test_maps_of_one_class_are_painted_over_the_image():
    image, mask = draw_pair(0)
    figure = plot_two_maps(torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(mask == 1), {
        "nothing": torch.zeros(mask.shape, dtype=torch.bool), "all": torch.from_numpy(mask == 1),
    })  # fmt: skip
    pictures = [ax.images[0].get_array() for ax in figure.axes]
    assert (pictures[1] == image).all()
    assert (pictures[2] != image).any()


def test_images_without_the_class_are_not_drawn_and_both_levels_are_named():
    ious = torch.tensor([0.5, torch.nan, 1.0])
    figure = plot_image_scores(torch.tensor([0.1, 0.0, 0.3]), ious, {"dataset level": 0.9, "image level": 0.75}, "pond")
    assert len(figure.axes[0].collections[0].get_offsets()) == 2
    assert {"dataset level: 0.90", "image level: 0.75"} <= set(texts(figure))


def test_curves_of_ap_name_every_class():
    curve = np.ones((11, len(CLASSES)))
    assert {f"{name}: AP 1.00" for name in CLASSES} <= set(texts(plot_ap(curve, curve.mean(axis=0), CLASSES, PALETTE)))


def test_curves_of_one_batch_end_in_their_loss():
    found = texts(plot_one_batch({"healthy": [2.0, 0.25], "timid": [2.0, 1.9], "flipped": [2.0, 1.0]}))
    assert {"healthy: 0.25", "timid: 1.90", "flipped: 1.00"} <= set(found)


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


def test_a_film_has_a_frame_for_each_step():
    truth = torch.zeros(12, 12, dtype=torch.int64)
    masks = [torch.full_like(truth, n) for n in range(3)]
    image = torch.zeros(3, 12, 12, dtype=torch.uint8)
    frames = film_frames(image, truth, masks, [2.0, 1.0, 0.5], CLASSES, PALETTE)
    assert [frame.getpixel((12 + 2 * 348 + 168, 34 + 168)) for frame in frames] == list(PALETTE)
    assert {frame.size for frame in frames} == {frames[0].size}


def test_activations_by_hand():
    model = nn.Sequential(nn.Conv2d(3, 4, 1, bias=False), nn.Sigmoid())
    images = torch.rand(2, 3, 8, 8)
    assert activation_bytes(model, images) == images.nbytes + 2 * 4 * 8 * 8 * 4
    assert activation_bytes(model, images[:1].clone()) == activation_bytes(model, images) / 2

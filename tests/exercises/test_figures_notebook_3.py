"""The figures of notebook 3 show the numbers that they were given."""

import numpy as np
import torch

from exercises.figures.notebook_3 import (
    plot_changes,
    plot_enlarged,
    plot_image_above_mask,
    plot_landmarks,
    plot_masks,
    plot_outlined,
    plot_ten_scores,
)
from exercises.figures.notebook_3_learning import plot_learning, score_lines
from exercises.figures.notebook_3_promises import plot_promises

CLASSES, PALETTE = ("ground", "road", "car"), [(200, 200, 0), (60, 60, 60), (200, 0, 200)]


def test_landmarks_show_an_example_and_every_distance():
    image, mask = np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8)
    figure = plot_landmarks({"by hand": [(0.0, image, mask)] * 5, "apart": [(3.0, image, mask)] * 4}, "yours")
    assert [ax.get_title() for ax in figure.axes[:2]] == ["by hand\n0.00 px apart", "apart\n3.00 px apart"]
    assert [len(line.get_xdata()) for line in figure.axes[2].lines[:2]] == [5, 4]


def test_changes_stand_beside_the_framed_unchanged_picture():
    grey = np.full((4, 5, 3), 100, np.uint8)
    figure = plot_changes(grey, {"brightness": (0.5, 1, 2), "noise": (0, 0.1, 0.2)})
    shown = [ax.images[0].get_array() for ax in figure.axes]
    assert [picture.mean() for picture in shown[:4]] == [50, 100, 200, 100]
    assert [n for n, ax in enumerate(figure.axes) if ax.get_title() == "unchanged"] == [1, 3]
    assert shown[-1].std() > 20
    assert (shown[-1][..., 0] == shown[-1][..., 2]).all()  # the grain is grey


def test_outlines_have_a_legend_of_the_classes_that_are_there():
    figure = plot_outlined([(np.zeros((8, 8, 3), np.uint8), 2 * np.eye(8, dtype=np.uint8))], ["one"], CLASSES, PALETTE)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["ground", "car"]


def test_ten_scores_point_at_the_best_one():
    figure = plot_ten_scores([0.5] * 3, [0.4, 0.6, 0.5])
    assert figure.axes[0].texts[0].xy == (2, 0.6)
    dots, squares = figure.axes[0].lines
    assert dots.get_zorder() > squares.get_zorder()
    assert dots.get_markersize() < squares.get_markersize()


def test_every_image_stands_above_its_mask_and_has_a_frame():
    pairs = [(np.full((8, 8, 3), 90 * n, np.uint8), np.full((8, 8), n, np.uint8)) for n in range(2)]
    figure = plot_image_above_mask(pairs, ["before", "after"], CLASSES, PALETTE)
    before, after, _, below = figure.axes
    assert [ax.get_title() for ax in (before, after)] == ["before", "after"]
    assert (after.images[0].get_array() == 90).all()
    assert (below.images[0].get_array() == PALETTE[1]).all()
    assert all(spine.get_visible() for ax in figure.axes for spine in ax.spines.values())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*CLASSES, "ignored"]


def test_masks_stand_beside_their_image_a_row_for_each():
    image, mask = np.full((8, 8, 3), 90, np.uint8), np.full((8, 8), 2, np.uint8)
    figure = plot_masks(
        [(image, {"truth": mask, "model": mask}), (image, {"truth": mask, "model": mask})], CLASSES, PALETTE
    )
    assert [ax.get_title() for ax in figure.axes] == ["image", "truth", "model"] * 2
    assert (figure.axes[5].images[0].get_array() == PALETTE[2]).all()


def test_enlarged_masks_name_only_their_classes_and_write_the_invented_labels():
    bilinear = np.zeros((16, 16), np.uint8)
    bilinear[4:8, 4:8] = 2
    figure = plot_enlarged(np.zeros((16, 16), np.uint8), bilinear, CLASSES, PALETTE)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0 ground", "2 car"]
    assert "6% of the pixels are wrong" in figure.axes[1].get_title()
    assert sorted(text.get_text() for text in figure.axes[2].texts).count("2") == 16


def test_learning_draws_every_seed_and_names_the_gap_between_the_means():
    training = [1.0] * 10 + [0.2] * 10  # each dot is the mean of the ten steps before it
    none = [(training, {10: 1.1, 20: 0.8}, 0.43), (training, {10: 1.1, 20: 1.0}, 0.45)]
    figure = plot_learning({"none": none, "light": [(training, {10: 1, 20: 0.5}, 0.5)]})
    assert [ax.get_title() for ax in figure.axes] == ["none: gap 0.70", "light: gap 0.30"]
    assert [line.get_ydata().round(2).tolist() for line in figure.axes[0].lines[2:]] == [
        [1.0, 0.2], [1.1, 0.8], [1.1, 1.0], [1.1, 0.9]
    ]  # fmt: skip


def test_the_spike_of_one_seed_does_not_stretch_the_axis_of_the_losses():
    calm, spiked = ([([1.0] * 10, {10: loss}, 0.4) for loss in losses] for losses in ((1, 1, 1), (1, 1, 4)))
    assert plot_learning({"none": calm, "light": spiked}).axes[0].get_ylim() == (0, 1.05)


def test_scores_name_every_seed_their_mean_and_each_class():
    counts = [torch.tensor([[3, 1], [0, 4]]), torch.tensor([[4, 0], [0, 4]])]
    runs = {"none": [([], {10: 2.0, 20: loss}, matrix) for loss, matrix in zip((0.5, 0.7), counts, strict=True)]}
    first, *_, head, row = score_lines(runs, ("ground", "cat")).splitlines()
    assert first == "none      mean validation loss 0.60 (0.50 0.70)   mean validation IoU 0.90 (0.80 1.00)"
    assert (head.split(), row.split()) == (["ground", "cat"], ["none", "0.88", "0.90"])


def test_promises_show_each_picture_before_and_after_its_change():
    pictures = [ax.images[0].get_array() for ax in plot_promises().axes]
    before, after = pictures[::2], pictures[1::2]
    assert len(before) == 6
    for n in (0, 1, 4):
        assert np.array_equal(after[n], before[n][:, ::-1])
    assert np.array_equal(after[2], np.rot90(before[2]))
    assert after[5].mean() < before[5].mean()

"""exercises/figures/notebook_5*.py: batches, waiting, seeds and rare classes are drawn with their numbers."""

import numpy as np
import torch
from helpers import CLASSES, PALETTE, texts

from exercises.figures.notebook_5 import plot_batch, plot_orders, plot_padded
from exercises.figures.notebook_5_classes import batch_shares, plot_drawn, plot_found
from exercises.figures.notebook_5_seeds import by_sample, plot_fingerprints
from exercises.figures.notebook_5_speed import only_decode, plot_stages, plot_timelines, slow_source
from utils.config import COURSE

IMAGES = torch.full((10, 3, 16, 16), 90, dtype=torch.uint8)
MASKS = torch.ones(10, 16, 16, dtype=torch.int64)
PHOTOS = [np.full((16, 16, 3), 100, dtype=np.uint8)] * 10


def test_a_batch_is_shown_with_its_classes_and_its_padding_with_the_ignored():
    figure = plot_batch(IMAGES, MASKS, CLASSES, PALETTE)
    assert sum(bool(ax.images) for ax in figure.axes) == 8
    assert set(CLASSES) <= set(texts(figure))
    padded = texts(plot_padded(IMAGES[:2], MASKS[:2], ["tall", "wide"], CLASSES, PALETTE))
    assert {"tall", "wide", "ignored", *CLASSES} <= set(padded)


def test_orders_name_their_groups():
    found = texts(plot_orders({"file order": [(PHOTOS[0], "town01")] * 2, "shuffled": [(PHOTOS[0], "town02")]}))
    assert {"file order", "shuffled", "town01", "town02"} <= set(found)


def test_every_step_has_its_time_and_every_loader_its_share_of_waiting():
    only_decode(COURSE / "data/tiny/mosaic.png", COURSE / "README.md")  # the second is no image, and passed over
    costs = {
        "photo": {"decode": 90.0, "copy and convert": 3.0, "check labels": 1.0, "resize": 6.0},
        "cached": {"collate": 0.5},
        "step": {"model": 20.0},
    }
    found = texts(plot_stages(costs, magnified={"cached": costs["cached"]}))
    assert {"100.0 ms", "0.5 ms", "copy and convert", "check labels", "model", "Magnified, with a GPU"} <= set(found)
    waiting = plot_timelines({"0 workers": ([(5, 1), (7, 1)], [(6, 1), (8, 1)])})
    assert "0 workers\n50% waiting" in texts(waiting)
    image, mask = slow_source(PHOTOS[0], MASKS[0].numpy())
    assert (image is PHOTOS[0], mask.shape) == (True, (16, 16))


def test_a_view_that_was_there_before_is_coloured_and_distinct_ones_are_counted():
    figure = plot_fingerprints({"unseeded": [[1, 1], [1, 1]], "seeded": [[1, 2], [3, 4]]})
    again = [ax.collections[0].get_array().sum() for ax in figure.axes]
    assert again == [3, 0]
    assert {"unseeded\n1 distinct of 4", "seeded\n4 distinct of 4"} <= set(texts(figure))
    assert by_sample([[1, 2, 3], [4, 5, 6]], [[2, 0, 1], [0, 1, 2]]) == [[2, 3, 1], [4, 5, 6]]


def test_what_a_sampler_draws_is_a_share_of_each_batch_with_its_mean():
    batches = [(IMAGES, torch.tensor([1, 1, 2, 255])), (IMAGES, torch.tensor([2, 2, 255, 255]))]
    assert batch_shares(batches, 2, epochs=1).tolist() == [torch.tensor(1 / 3).item(), 1]
    drawn = plot_drawn({"car": {"shuffled": torch.tensor([0.1, 0.3]), "sampler": torch.tensor([0.4])}})
    assert {"car", "shuffled", "mean 20.0%", "mean 40.0%"} <= set(texts(drawn))


def test_what_networks_find_has_a_dot_for_each_seed():
    figure = plot_found({"car, weights": [0.2, 0], "car, sampler": [0.1, 0.3]}, seeds=(7, 8))
    assert {"car, weights", "car, sampler", "seed 7", "seed 8", "IoU of the class"} <= set(texts(figure))
    dots = [figure.axes[0].collections[n].get_offsets()[:, 0].tolist() for n in (0, 1)]
    assert dots == [[0.2, 0.1], [0, 0.3]]

"""utils/plots.py: what is painted where; every figure is drawn once."""

import numpy as np
import pandas as pd
import torch
from helpers import CLASSES, draw_pair
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from utils.plots import (
    blend,
    colour_mask,
    ids_to_rgb,
    overlay,
    plot_history,
    show_images,
    show_pairs,
    to_array,
)

PALETTE = ((10, 20, 30), (200, 0, 0), (0, 0, 200))


def texts(figure):
    found = [t.get_text() for ax in figure.axes for t in [ax.title, *ax.texts, *ax.get_xticklabels()]]
    return found + [t.get_text() for box in figure.legends for t in box.get_texts()]


def test_a_mask_is_painted_in_its_palette_and_ignored_pixels_are_white():
    mask = np.array([[0, 1], [2, 255]])
    assert colour_mask(mask, PALETTE).tolist() == [[[10, 20, 30], [200, 0, 0]], [[0, 0, 200], [255, 255, 255]]]
    assert (colour_mask(torch.from_numpy(mask), PALETTE) == colour_mask(mask, PALETTE)).all()


def test_an_overlay_mixes_colour_and_picture_and_leaves_both_alone():
    image, mask = np.full((20, 20, 3), 100, np.uint8), np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15], mask[0] = 1, 255
    before = image.copy()
    found = overlay(image, mask, PALETTE, opacity=0.5, contours=False)
    assert found[10, 10].tolist() == [150, 50, 50]
    assert found[17, 2].tolist() == [55, 60, 65]
    assert (found[0] == 100).all()
    assert (image == before).all()
    assert (overlay(image, mask, PALETTE, opacity=0.0, contours=False) == image).all()


def test_contours_outline_every_region_in_its_full_colour():
    image, mask = np.full((20, 20, 3), 100, np.uint8), np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 2
    found = overlay(image, mask, PALETTE, opacity=0.5)
    assert found[5, 5:15].tolist() == [list(PALETTE[2])] * 10
    assert found[10, 10].tolist() == [50, 50, 150]


def test_with_one_foreground_class_the_background_stays_as_it_is():
    image, mask = np.full((20, 20, 3), 100, np.uint8), np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 1
    found = overlay(image, mask, PALETTE[:2])
    assert (found[:4] == 100).all()
    assert found[5, 5].tolist() == list(PALETTE[1])


def test_tensors_and_arrays_are_the_same_picture():
    image = draw_pair(0)[0]
    assert (to_array(torch.from_numpy(image).permute(2, 0, 1)) == image).all()
    assert to_array(image) is image


def test_every_figure_names_its_classes_and_titles():
    image, mask = draw_pair(0)
    wrong = np.where(mask == 1, 2, mask)
    figure = show_pairs([(image, mask), (image, wrong)], CLASSES, PALETTE, titles=["first", "second"])
    assert {*CLASSES, "ignored", "first", "second"} <= set(texts(figure))
    assert len(figure.axes) == 6
    figure = show_images([image] * 5, list("abcde"), columns=4, heading="all")
    assert [ax.get_title() for ax in figure.axes] == [*"abcde", "", "", ""]


def test_curves_mark_the_best_epoch():
    history = pd.DataFrame(
        {"epoch": [1, 2, 3], "train_loss": [3.0, 2, 1], "val_loss": [3.0, 2, 2], "val_score": [0.1, 0.62, 0.4]}
    )
    assert "best: 0.620 in epoch 2" in texts(plot_history(history))


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_painting_is_pillows_palette(seed, classes):
    generator = np.random.default_rng(seed)
    palette = generator.integers(0, 256, (classes, 3)).tolist()
    ids = generator.integers(0, classes, (5, 7)).astype(np.uint8)
    ids[0, 0] = 255
    picture = Image.fromarray(ids, mode="P")
    picture.putpalette([v for colour in palette + [[255, 255, 255]] * (256 - classes) for v in colour])
    assert np.array_equal(ids_to_rgb(ids, palette), np.array(picture.convert("RGB")))


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_blending_is_pillows(seed, opacity):
    generator = np.random.default_rng(seed)
    image, painted = generator.integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)
    where = generator.random((4, 5)) < 0.5
    mixed = np.array(Image.blend(Image.fromarray(image), Image.fromarray(painted), opacity))
    result = blend(image, painted, where, opacity)
    assert np.array_equal(result[~where], image[~where])
    assert np.abs(result[where].astype(int) - mixed[where]).max(initial=0) <= 1

"""exercises/figures/notebook_2*.py: what notebook 2 draws of masks, and the game that its page plays with files."""

import json
import re

import numpy as np
import pytest
import torch
from helpers import CLASSES, PALETTE, texts

from exercises.course import NOTEBOOKS
from exercises.figures.notebook_2 import (
    draw_contours,
    draw_outline,
    plot_decoded,
    plot_files,
    plot_looks,
    plot_painted,
    plot_zoom,
    plt,
)
from exercises.figures.notebook_2_choices import (
    FOREGROUND,
    find_window,
    found_by,
    plot_empty,
    plot_first_seen,
    plot_found,
    plot_framings,
    train_small,
)
from exercises.figures.notebook_2_trap import forget_one, how_read
from utils.plots import colour_mask

SCENE = np.full((32, 32, 3), 90, dtype=np.uint8)


def test_the_outline_runs_between_the_pixels_and_not_along_the_edge_of_the_picture():
    _, ax = plt.subplots()
    draw_outline(ax, np.array([[True, True, False], [True, False, False]]))
    segments = {tuple(map(tuple, segment)) for segment in ax.collections[0].get_segments()}
    assert segments == {((1.5, -0.5), (1.5, 0.5)), ((0.5, 0.5), (0.5, 1.5)), ((0.5, 0.5), (1.5, 0.5))}


def test_a_window_is_shown_as_pixels_and_as_numbers_of_one_size():
    mask = np.zeros((32, 32), dtype=np.uint8)
    mask[8:16, 8:16], mask[8] = 1, 255
    figure = plot_zoom(SCENE, mask, CLASSES, PALETTE)
    figure.canvas.draw()
    boxes = [
        ax.get_window_extent()
        for ax in figure.axes
        if ax.get_title() in ("its 16 x 16 pixels", "what the mask says there")
    ]
    assert boxes[0].width == pytest.approx(boxes[1].width, rel=0.01)
    assert {"0", "1", "255", f"1 {CLASSES[1]}", "ignored"} <= set(texts(figure))


def test_a_painted_mask_names_its_classes():
    assert {*CLASSES, "ignored"} <= set(texts(plot_painted(SCENE, CLASSES, PALETTE, "yours")))


def test_a_contour_has_the_colour_of_its_class_between_dark_lines():
    mask, view = np.full((32, 32), 255, dtype=np.uint8), SCENE.copy()
    mask[8:24, 8:24] = 1
    draw_contours(view, mask, ((90, 90, 90), (200, 10, 10)))
    assert tuple(view[16, 8]) == (200, 10, 10)
    assert {tuple(view[16, column]) for column in range(16)} == {(0, 0, 0), (200, 10, 10), (90, 90, 90)}
    painted = colour_mask(mask, PALETTE)
    overlays = {opacity: (1 - opacity) * SCENE + opacity * painted for opacity in (0.0, 0.5, 1.0)}
    figure = plot_looks(overlays, mask, CLASSES, PALETTE)
    axes = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [CLASSES[1]]  # what it shows, and no more
    assert [ax.get_title() for ax in axes[:3]] == ["opacity 0", "opacity 0.5", "0.5 with contours"]
    first, *_, last = (ax.images[0].get_array() for ax in axes)
    assert (first == 90).all()
    assert tuple(last[len(last) // 2, len(last) // 2]) == PALETTE[1]
    mask[:] = 255
    assert (plot_looks(overlays, mask, CLASSES, PALETTE).axes[-1].images[0].get_array() == 90).all()


def test_files_have_letters_and_once_decoded_the_names_of_their_encodings():
    decoded = {name: np.zeros((32, 32), dtype=np.int64) for name in ("RGB", "ids", "0/255")}
    palettes = {"ids": PALETTE, "RGB": PALETTE, "0/255": ((0, 0, 0), PALETTE[1])}
    assert [ax.get_title() for ax in plot_files([SCENE] * 3).axes] == ["file A", "file B", "file C"]
    figure = plot_decoded(decoded, palettes, CLASSES, "yours: rgb_to_ids")
    assert [ax.get_title() for ax in figure.axes] == ["A: RGB (yours)", "B: ids", "C: 0/255"]
    assert not figure.axes[2].images[0].get_array().any()  # in the colours of its own encoding


def test_a_crop_is_framed_where_it_lies_in_its_image():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    crop = image[8:24, 40:56]
    assert find_window(crop, image) == (8, 40, 16)
    assert find_window(255 - crop, image) is None  # an image that was changed
    assert find_window(np.pad(image, ((0, 1), (0, 1), (0, 0))), image) is None  # a crop that is larger than its image
    seen = {"crop=16": crop, "whole": image[::2, ::2]}
    tensors = {name: torch.from_numpy(view.copy()).permute(2, 0, 1) for name, view in seen.items()}
    whole = plot_first_seen(tensors, image, ["crop=16"], over="whole").axes[1]
    assert whole.patches[0].get_bbox().bounds == (19.5, 3.5, 8, 8)
    assert whole.texts[0].get_text() == "16"


def test_a_forgotten_object_has_the_class_around_it_and_nothing_else_changes():
    mask = np.ones((64, 64), dtype=np.uint8)
    mask[26:34, 26:34], mask[28:32, 28:32] = 255, 2  # in the middle, with its ring
    mask[:4, :4] = 2  # outside of the middle
    forgotten = forget_one(mask)
    assert (forgotten[20:44, 20:44] == 1).all()
    assert (forgotten[:4, :4] == 2).all()
    assert (forget_one(np.ones((64, 64), dtype=np.uint8)) == 1).all()


def test_a_folder_is_read_or_asks_and_takes_the_answer():
    pictures = [np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8) for seed in range(4)]
    mask = np.zeros((32, 32), dtype=np.uint8)
    mask[:8] = 255
    assert how_read(pictures, [mask] * 4) == "0 = background, 255 = foreground"
    mask[8] = 128
    question = how_read(pictures, [mask] * 4)
    assert question.startswith("The masks in the folder hold the 3 values 0, 128, 255")
    example = re.search(r"mask_values='([^']+)'", question)[1]
    assert how_read(pictures, [mask] * 4, example) == "0 = class 0, 128 = class 1, 255 = class 2"
    assert "128 = ignored" in how_read(pictures, [mask] * 4, "0=0 128=255 255=1")


def test_a_photograph_is_resized_as_a_whole_and_cropped_where_it_is_framed():
    photograph = np.zeros((40, 60, 3), dtype=np.uint8)
    photograph[10:30, 20:40] = 255
    whole, resized, crop = plot_framings(photograph, 20, top=10, left=20).axes
    assert whole.patches[0].get_bbox().bounds == (20, 10, 20, 20)
    assert resized.images[0].get_array().shape == (20, 20, 3)
    assert (crop.images[0].get_array() == 255).all()


def test_the_empty_prediction_stands_beside_its_targets():
    target = np.zeros((32, 32), dtype=np.int64)
    target[:8] = 1
    ignored = np.where(target == 1, 255, 0)
    figure = plot_empty(SCENE, {"before": ignored, "after": target}, {"before": 1.0, "after": 0.75})
    before, after = (ax.images[0].get_array() for ax in figure.axes)
    assert (before[4, 4] == 255).all()
    assert after[4, 4, 0] > after[4, 4, 1]
    assert "after\nthe empty prediction scores 75%" in texts(figure)


def test_a_network_that_saw_no_foreground_finds_none_and_leaves_the_seed_alone():
    picture = SCENE.copy()
    picture[:16] = (20, 60, 220)
    target = np.zeros((32, 32), dtype=np.int64)
    target[:16] = 1
    state = torch.get_rng_state()
    found = {
        "before": found_by(train_small([picture], [np.where(target == 1, 255, 0)]), picture),
        "after": found_by(train_small([picture], [target]), picture),
    }
    assert not found["before"].any()
    assert (found["after"] == (target == 1)).mean() > 0.9
    assert torch.equal(torch.get_rng_state(), state)
    assert "before\nfinds 0% of the sky" in texts(plot_found(SCENE, found, target, "sky"))
    assert tuple(
        plot_found(SCENE, {"all": np.ones((32, 32), bool)}, target, "sky").axes[0].images[0].get_array()[0, 0]
    ) == tuple(int(0.3 * 90 + 0.7 * value) for value in FOREGROUND)


def test_the_folded_answer_of_the_game_fits_the_order_that_its_cell_shuffles():
    notebook = json.loads((NOTEBOOKS / "02_config.ipynb").read_text("utf-8"))
    source = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    seed = int(re.search(r"default_rng\((\d+)\)\.permutation", source["n02-raws-seen"])[1])
    written = re.findall(r'^    "([^"]+)":', source["n02-image-mask-ds-read-pair-pairs-36-len-pai"], re.MULTILINE)
    told = re.findall(
        r"^\| [A-E] \| [^|]+ \| [^|]+ \| (\S+) \|", source["n02-now-decode-the-course-has-one-convention"], re.MULTILINE
    )
    assert told == np.random.default_rng(seed).permutation(written).tolist()

"""exercises/figures/notebook_9*: maps, choices and tiles say their classes, their numbers and their places."""

import numpy as np
import pandas as pd
import torch
from helpers import CLASSES, PALETTE, draw_pair, texts

from exercises.figures import notebook_9 as maps
from exercises.figures import notebook_9_choices as choices
from exercises.figures import notebook_9_map as signing
from exercises.figures import notebook_9_tiles as tiling


def shown(figure, panel=0):
    return figure.axes[panel].images[0].get_array()


def test_maps_keep_one_scale_and_name_their_classes():
    small, large = np.zeros((20, 30, 3), np.uint8), np.zeros((40, 60, 3), np.uint8)
    figure = maps.plot_maps({"small": small, "large": large}, CLASSES, PALETTE)
    assert {"small", "large", *CLASSES} <= texts(figure)
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_a_strip_turns_from_the_image_into_its_map():
    image, mask = draw_pair(0)
    figure = maps.plot_strip(image, np.ones_like(mask), np.s_[4:12, 30:46], CLASSES, PALETTE)
    half = mask.shape[1] // 2
    assert (shown(figure)[:, :half] == image[:, :half]).all()
    assert (shown(figure)[:, half:] == PALETTE[1]).all()
    assert (shown(figure, 1) == image[4:12, 30:46]).all()  # the place that is framed, with its image beside it
    assert (shown(figure, 2) == PALETTE[1]).all()
    assert [(patch.get_xy(), patch.get_width(), patch.get_height()) for patch in figure.axes[0].patches] == [
        ((29.5, 3.5), 16, 8)
    ] * 2


def test_failures_are_painted_by_kind_and_a_tiny_one_is_ringed():
    image, truth = draw_pair(0)
    truth = np.where(truth == 2, 0, truth)
    wrong = truth.copy()
    wrong[0, 0] = 2
    figure = maps.plot_failures({"one pixel": maps.Case(image, truth, wrong, 2)}, CLASSES, PALETTE)
    assert {"one pixel", "missed", "marked, but not there", "found", *CLASSES} <= texts(figure)
    errors = figure.axes[3]
    assert tuple(errors.images[0].get_array()[0, 0]) == maps.EXTRA
    assert errors.lines[0].get_xydata().tolist() == [[0, 0]]
    large = maps.Case(image, truth, np.where(truth == 1, 0, truth), 1)
    assert (maps.paint_errors(large)[truth == 1] == maps.MISSED).all()
    assert (maps.paint_errors(maps.Case(image, truth, truth, 1))[truth == 1] == maps.FOUND).all()
    assert not maps.plot_failures({"large": large}, CLASSES, PALETTE).axes[3].lines


def test_squares_are_framed_and_named():
    truth = np.zeros((16, 32), np.uint8)
    truth[:, 20:] = 1
    assert maps.failed_squares(np.zeros_like(truth), truth, 16, CLASSES) == [
        maps.Square(0, 16, 16, "\n".join(CLASSES[:2]))
    ]
    still, repaired = [maps.Square(0, 0, 16, CLASSES[1])], [maps.Square(16, 0, 16, "\n".join(CLASSES[:2]))]
    mask = np.zeros((32, 48), np.uint8)
    mask[20:22, 4:6] = 1
    figure = maps.plot_squares(mask, np.zeros_like(mask), still, repaired, CLASSES, PALETTE)
    assert {CLASSES[1], "\n".join(CLASSES[:2])} <= texts(figure)
    assert "a class fails in 1 squares (1 solid, 0 dashed and new); 1 are repaired (dotted)" in texts(figure)
    assert [len(ax.patches) for ax in figure.axes] == [4, 0]  # both stand in the left half
    assert [ring.get_xydata().tolist() for ring in figure.axes[0].lines] == [[[4.5, 20.5]]] * 2  # black on white


def test_confidence_and_thresholds_are_drawn_with_their_numbers():
    image, truth = draw_pair(0)
    bins = pd.DataFrame({"sure": [0.5, 0.9], "right": [0.4, 0.8]})
    figure = choices.plot_confidence(image, np.full(truth.shape, 0.7), truth == 1, bins)
    assert {"prediction", "confidence (dark: low)", "errors (black)", "a kept promise"} <= texts(figure)
    assert [bar.get_height() for bar in figure.axes[3].patches] == [0.4, 0.8]
    sweep = pd.DataFrame({"precision": [0.5, 1.0], "recall": [1.0, 0.5], "iou": [0.5, 0.5]}, index=[0.2, 0.8])
    costs = {"dear": pd.Series([0.1, 0.3], [0.2, 0.8]), "cheap": pd.Series([0.3, 0.1], [0.2, 0.8])}
    assert {"IoU", "dear", "cheap", "0.20", "0.80"} <= texts(choices.plot_thresholds(sweep, costs, "tree"))
    four = {f"price {r}": costs["dear"] for r in range(4)}  # a learner adds one
    assert set(four) <= texts(choices.plot_thresholds(sweep, four, "tree"))
    chance = np.linspace(0, 1, truth.size).reshape(truth.shape)
    assert {"tree from 0.25 on:\n75% of the image", "tree from 0.50 on:\n50% of the image"} <= texts(
        choices.plot_at_thresholds(image, chance, [0.25, 0.5], "tree", PALETTE[1], truth == 1)
    )


def test_bars_of_confidence_say_their_shares_and_both_levels_are_named():
    bins = pd.DataFrame({"sure": [0.5, 0.9], "right": [0.4, 0.8]})
    assert {"before", "after", "0.40", "0.80"} <= texts(choices.plot_calibration({"before": bins, "after": bins}))
    table = pd.DataFrame({"dataset level": [0.8, 0.7], "image level": [0.7, 0.6]}, [0, 50])
    assert {"dataset level", "image level", "0.800", "0.600"} <= texts(choices.plot_action(table, 50))


def test_what_the_network_is_not_given_stays_white():
    window = np.zeros((16, 16, 3), np.uint8)
    figure = tiling.plot_seen(window, {"all": torch.zeros(16, 16), "alone": torch.ones(8, 8)}, 8)
    white = [(shown(figure, panel) == 255).all(axis=-1).sum() for panel in (0, 1)]
    assert white == [0, 16 * 16 - 8 * 8]


def test_a_patchwork_has_a_tick_at_every_seam():
    whole = np.zeros((16, 16), np.uint8)
    patchwork = tiling.plot_patchwork({"before": whole + 1, "after": whole}, 4, CLASSES, PALETTE)
    assert patchwork.axes[0].get_xticks().tolist() == [3.5, 7.5, 11.5]
    assert {"before", "after", *CLASSES} <= texts(patchwork)


def test_sizes_are_shown_with_the_image_and_their_scores():
    image, mask = draw_pair(0)
    curve = pd.Series({0.5: 0.6, 1.0: 0.8})
    figure = choices.plot_sizes(image, {0.5: mask, 1: mask}, curve, CLASSES, PALETTE)
    assert {"image", "seen at size 0.5", "seen at size 1", "0.600", "0.800"} <= texts(figure)
    assert (shown(figure) == image[: mask.shape[0] // 2, mask.shape[1] // 2 :]).all()


def test_a_map_to_sign_fades_where_it_is_unsure_and_says_what_it_is_worth():
    mask = np.array([[0, 1], [2, 2]], np.uint8)
    confidence = np.array([[0.95, 0.4], [0.9, 0.6]])
    legend = [(name, f"IoU 0.{i}") for i, name in enumerate(CLASSES)]
    shares = [float("nan"), 0.5, 0.75, 1.0]
    words = {"image": np.zeros((2, 2, 3), np.uint8), "spots": [np.s_[0:1, 0:2]], "signature": "Ada"}
    figure = signing.plot_signed_map(mask, confidence, legend, shares, ["for lakes"], PALETTE, **words)
    assert {
        *CLASSES,
        "IoU 0.2",
        "IoU in the\ntest report",
        "for lakes",
        "Ada",
        "signature",
        "date",
        "1: the map",
    } <= texts(figure)
    assert {"confidence", "below 50%", "were right", "none seen", "75%"} <= texts(figure)
    painted = shown(figure)
    assert (shown(figure, 2) == painted[:1]).all()
    three = words | {"spots": [np.s_[i : i + 1, 0:2] for i in (0, 1, 0)]}
    framed = signing.plot_signed_map(mask, confidence, legend, shares, ["for lakes"], PALETTE, **three)
    assert {"3", "3: the map", "3: the image"} <= texts(framed)
    assert tuple(painted[0, 0]) == PALETTE[0]
    assert tuple(painted[0, 1]) == (255, 255, 255)
    assert tuple(painted[1, 0]) == PALETTE[2]
    assert tuple(painted[1, 1]) not in ((255, 255, 255), PALETTE[2])


def test_a_card_is_shown_without_its_header_and_with_small_headings():
    card = signing.show_card("---\nlicense: cc0-1.0\n---\n# Segmentation of roads\n\n## Limits\n")
    assert card.data == "#### Segmentation of roads\n\n##### Limits\n"

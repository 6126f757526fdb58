"""segmenter/report/reasons.py: why a class failed, from what can be measured."""

import numpy as np
import pytest
from helpers import CLASSES
from hypothesis import given
from hypothesis import strategies as st

from segmenter.report.reasons import PredictedImage, edge_ranks, find_reasons, guess_why
from utils.dataset import read_pair
from utils.inference import SHIPPED, Predictor


def blank(value=120):
    return np.full((100, 100, 3), value, np.uint8), np.zeros((100, 100), np.uint8), np.zeros((100, 100), np.uint8)


@pytest.mark.parametrize(
    ("place", "brightness", "predicted", "words"),
    [
        (np.s_[50:58, 50:58], 120, None, ["small (0.6%"]),
        (np.s_[40:43, 10:90], 120, None, ["thin"]),
        (np.s_[30:60, 30:60], 20, None, ["dark (brightness 20"]),
        (np.s_[0:8, 0:60], 120, None, ["cut by the border"]),
        (np.s_[30:60, 30:60], 120, (np.s_[30:60, 30:60], 2), ["taken for lake (100%)"]),
        (np.s_[30:60, 30:60], 120, (np.s_[60:100, 0:100], 1), ["times its size elsewhere"]),
    ],
)
def test_a_reason_is_found(place, brightness, predicted, words):
    image, truth, prediction = blank()
    truth[place] = 1
    image[place] = brightness
    prediction[place] = 1
    if predicted:
        prediction[predicted[0]] = predicted[1]
    told = guess_why(PredictedImage(image, truth, prediction, CLASSES), 1)
    for word in words:
        assert word in told
    assert len(told.split(", ")) == len(words), told


def test_a_class_that_is_not_there_and_one_without_a_reason():
    image, truth, prediction = blank()
    assert guess_why(PredictedImage(image, truth, prediction, CLASSES), 1) == "predicted where there is none"
    truth[30:60, 30:60] = prediction[32:58, 32:58] = 1
    truth[60:100] = 255
    assert guess_why(PredictedImage(image, truth, prediction, CLASSES), 1) == "borders drawn differently"


def test_what_is_predicted_where_there_is_none_is_measured():
    image, truth, prediction = blank()
    truth[:, 50:] = 2
    prediction[10:20, 60:80] = prediction[0:5, 0:10] = 1
    words = "predicted where there is none (2.50% of the image; most of it is lake)"
    assert guess_why(PredictedImage(image, truth, prediction, CLASSES), 1) == words
    truth[10:20, 60:80] = truth[0:5, 0:10] = 255  # what lies on ignored pixels is no error
    assert guess_why(PredictedImage(image, truth, prediction, CLASSES), 1) == "predicted where there is none"


def test_with_one_foreground_class_the_rest_is_missed_not_confused():
    image, truth, prediction = blank()
    truth[30:60, 30:60] = 1
    prediction[30:60, 30:45] = 1
    assert guess_why(PredictedImage(image, truth, prediction, ("background", "person")), 1) == "50% of it missed"


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((0.9, 0.02, 0.08), "rare (2.0% of the training pixels)"),
        ((0.9, 0.0, 0.1), "not in the training masks at all"),
        ((0.8, 0.1, 0.1), "borders drawn differently"),
    ],
)
def test_a_rare_class_is_rare_for_its_number_of_classes(shares, words):
    image, truth, prediction = blank()
    truth[30:60, 30:60] = prediction[32:58, 32:58] = 1
    assert guess_why(PredictedImage(image, truth, prediction, CLASSES, training_shares=np.array(shares)), 1) == words


def test_thin_is_what_is_thin_for_the_model():
    truth = np.zeros((1000, 800), np.uint8)
    truth[100:900, 400:420] = 1
    image, prediction = np.full((1000, 800, 3), 120, np.uint8), truth.copy()
    assert guess_why(PredictedImage(image, truth, prediction, CLASSES), 1) == "borders drawn differently"
    told = guess_why(PredictedImage(image, truth, prediction, CLASSES, model_size=(250, 200)), 1)
    assert told == "thin (20 px, 5.0 as the model sees it)"
    told = guess_why(PredictedImage(image, truth, prediction, CLASSES, model_size=(1000, 160)), 1)  # squeezed sideways
    assert told == "thin (20 px, 4.0 as the model sees it)"


@pytest.mark.parametrize("factor", [1, 5])
def test_the_border_grows_with_the_image(factor):
    truth = np.zeros((400 * factor, 400 * factor), np.uint8)
    truth[: 10 * factor, 100 * factor : 300 * factor] = 1
    image = np.full((*truth.shape, 3), 120, np.uint8)
    assert "cut by the border" in guess_why(PredictedImage(image, truth, truth, CLASSES), 1)
    truth = np.roll(truth, 100 * factor, axis=0)
    assert "cut by the border" not in guess_why(PredictedImage(image, truth, truth, CLASSES), 1)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_reasons_are_found_in_images_of_any_size_and_never_without_words(seed, height, width):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    truth, prediction = (
        rng.choice([0, 1, 2, 255], (height, width)).astype(np.uint8),
        rng.integers(0, 3, (height, width)),
    )
    if not (truth < 3).any():
        truth[0, 0] = 0
    confidence, shares = rng.random((height, width)), np.array([0.9, 0.1, 0.0])
    predicted = PredictedImage(image, truth, prediction.astype(np.uint8), CLASSES, confidence, shares, (7, 5))
    for c in range(3):
        found = find_reasons(predicted, c)
        assert found
        assert all(reason.words and "nan" not in reason.words for reason in found)
        assert len({reason.kind for reason in found}) == len(found)


def disc(shape, y, x, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2


@pytest.mark.parametrize(("sure", "doubted"), [(0.95, True), (0.5, False)])
def test_an_annotation_is_doubted_where_the_model_is_sure_and_on_an_edge(sure, doubted):
    image = np.random.default_rng(0).integers(100, 110, (200, 200, 3)).astype(np.uint8)
    thing, drawn = disc((200, 200), 80, 80, 30), disc((200, 200), 130, 130, 30)
    image[thing] = 220
    thing_ids, drawn_ids = thing.astype(np.uint8), drawn.astype(np.uint8)
    confidence = np.where(thing != drawn, sure, 0.95)
    told = guess_why(PredictedImage(image, drawn_ids, thing_ids, CLASSES[:2], confidence), 1)
    assert ("odd annotation? the model is 95% sure" in told) == doubted
    assert ("follows the edges of the image better" in told) == doubted
    turned = guess_why(PredictedImage(image, thing_ids, drawn_ids, CLASSES[:2], confidence), 1)
    assert "odd annotation" not in turned  # the truth has the edge, however sure the model is


def test_edge_ranks_are_high_on_an_edge_and_chance_elsewhere():
    image = np.random.default_rng(0).integers(100, 110, (200, 200, 3)).astype(np.uint8)
    thing, drawn = disc((200, 200), 80, 80, 30), disc((200, 200), 130, 130, 30)
    image[thing] = 220
    on, off = edge_ranks(image, thing, drawn)
    assert on > 0.9
    assert 0.3 < off < 0.6
    assert edge_ranks(image, drawn, thing) == (off, on)
    assert np.isnan(edge_ranks(image, thing, thing)).all()


def test_wrong_labels_are_doubted_and_right_ones_are_not(tiny):
    """A class of the drawn scenes is taken off its mask, or moved: the truth of these scenes is exact otherwise."""
    predictor = Predictor.from_run(SHIPPED, device="cpu")
    doubted = {"off": [], "moved": [], "right": []}
    for pair in tiny.pairs("test")[:6]:
        image, truth = read_pair(pair, tiny)
        found = predictor(image)
        confidence = found.probabilities.max(axis=0)
        for c in np.unique(truth[truth != 255]):
            off = np.where(truth == c, 0 if c else 1, truth).astype(np.uint8)
            moved = np.where(np.roll(truth == c, 40, axis=0), c, off).astype(np.uint8)
            for name, mask in (("off", off), ("moved", moved), ("right", truth)):
                told = guess_why(PredictedImage(image, mask, found.mask, tiny.classes, confidence), c)
                doubted[name].append("odd annotation" in told)
    assert np.mean(doubted["off"]) > 0.9
    assert np.mean(doubted["moved"]) > 0.8
    assert np.mean(doubted["right"]) < 0.1


def test_a_share_that_would_round_to_zero_is_said_in_pixels():
    truth = np.zeros((400, 400), np.uint8)
    for count, amount in ((1, "1 pixel"), (2, "2 pixels")):
        prediction = truth.copy()
        prediction[0, :count] = 1
        why = guess_why(PredictedImage(np.zeros((400, 400, 3), np.uint8), truth, prediction, CLASSES), 1)
        assert why == f"predicted where there is none ({amount}; most of it is {CLASSES[0]})"

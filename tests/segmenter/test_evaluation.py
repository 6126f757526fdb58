"""utils/analysis.py: what a report counts, what it calls a failure, and how it guesses why."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import CLASSES, draw_pair
from hypothesis import given
from hypothesis import strategies as st

from segmenter.evaluation import failures, report_split
from segmenter.report.reasons import edge_ranks, find_reasons, guess_why
from utils import catalog
from utils.config import Config
from utils.dataset import read_pair
from utils.inference import SHIPPED, Prediction, Predictor
from utils.metrics import average_precision, boundary_counts, boundary_iou, confusion_matrix, scores, worst_images


@pytest.fixture
def source(pairs):
    return catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))


def oracle(change=lambda n, mask: mask):
    """A predictor that knows the truth of the drawn test pictures, and errs as told."""
    known = {draw_pair(n)[0].tobytes(): (n, draw_pair(n)[1]) for n in (10, 11)}

    def predict(image):
        number, mask = known[image.tobytes()]
        mask = np.where(mask == 255, 0, mask).astype(np.uint8)
        return Prediction(change(number, mask.copy()), np.zeros((3, *mask.shape), np.float32))

    return predict


# ---------------------------------------------------------------- counting
def test_a_perfect_predictor_scores_one_whatever_it_says_about_ignored_pixels(source):
    report = report_split(oracle(), source)
    assert report.score == 1.0
    assert report.matrix.sum() == 2 * 40 * 47
    assert (report.table.drop(columns="pixels").loc[[*CLASSES, "mean"]] == 1).all(axis=None)
    assert len(failures(report)) == 0
    assert list(failures(report).columns) == ["index", "image", "class", "iou"]


def test_errors_are_counted_over_all_pictures_and_for_each(source):
    def err(number, mask):
        return np.zeros_like(mask) if number == 11 else mask

    report = report_split(oracle(err), source)
    truths = [torch.from_numpy(draw_pair(n)[1]).long() for n in (10, 11)]
    predictions = [torch.from_numpy(oracle(err)(draw_pair(n)[0]).mask).long() for n in (10, 11)]
    expected = sum(confusion_matrix(p, t, 3) for p, t in zip(predictions, truths, strict=True))
    assert torch.equal(report.matrix, expected)
    assert report.score == pytest.approx(scores(expected)["iou"].mean().item())
    assert report.ious[0].tolist() == [1, 1, 1]
    assert report.ious[1, 1:].tolist() == [0, 0]
    assert 0 < report.ious[1, 0] < 1
    assert report.table.loc["house", "AP"] == pytest.approx(0.5)
    assert report.table["AP"].tolist()[:3] == pytest.approx(average_precision(report.ious)[1].tolist())
    text = str(report)
    for word in ("2 images", "pixel accuracy", "mIoU", "precision", "recall", "AP", *CLASSES, "mean"):
        assert word in text


def test_the_levels_are_named_and_boundaries_and_calibration_are_of_all_pictures(source):
    def err(number, mask):
        return np.zeros_like(mask) if number == 11 else mask

    report = report_split(oracle(err), source)
    bounds = sum(boundary_counts(oracle(err)(draw_pair(n)[0]).mask, draw_pair(n)[1], 3) for n in (10, 11))
    assert report.table["boundary_iou"].tolist()[:3] == pytest.approx(boundary_iou(bounds).tolist())
    assert report.table.loc["house", "image_iou"] == pytest.approx(0.5)  # 1 in one picture, 0 in the other
    assert report.bins[:, 0].sum() == report.matrix.sum()
    assert "expected calibration error" in str(report)
    assert "each image counts alike" in str(report)


def test_a_class_that_does_not_occur_is_a_dash(pairs):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=(*CLASSES, "ghost")))
    report = report_split(oracle(), source)
    row = next(line for line in str(report).splitlines() if line.startswith("ghost"))
    assert row.split()[1:] == ["\N{EN DASH}"] * 7 + ["0.000"]
    assert report.table.loc["ghost"].drop("pixels").isna().all()
    assert report.table.loc["mean"].drop("pixels").eq(1).all()


def test_pictures_come_worst_first(source):
    report = report_split(oracle(lambda n, m: np.zeros_like(m) if n == 11 else m), source)
    table = report.by_image()
    assert table["image"].tolist() == ["11.png", "10.png"]
    assert table["iou"].iloc[1] == 1
    assert table["iou"].iloc[0] == pytest.approx(report.ious[1].mean().item())


def test_a_split_can_be_chosen(trained, source):
    predictor = Predictor.from_run(trained, device="cpu")
    assert [p.image.name for p in report_split(predictor, source, "val").pairs] == ["08.png", "09.png"]


def test_a_report_agrees_with_the_score_of_the_training(trained):
    """The validation score in the history, over whole pictures, is what the report finds at their own size."""
    from utils.runs import Run

    predictor = Predictor.from_run(trained, device="cpu")
    config = Config.load(trained / "config.yaml")
    report = report_split(predictor, catalog.load(config), "val")
    assert report.score == pytest.approx(Run.load(trained).best["val_score"], abs=0.08)


def test_failures_are_at_most_half_right_and_worst_first(source):
    def err(number, mask):
        label, share = (2, 0.6) if number == 10 else (1, 0.55)
        place = np.argwhere(mask == label)
        for y, x in place[: int(share * len(place))]:
            mask[y, x] = 0
        return mask

    found = failures(report_split(oracle(err), source))
    assert [(row["image"], row["class"]) for _, row in found.iterrows()] == [("10.png", "lake"), ("11.png", "house")]
    assert found["iou"].is_monotonic_increasing
    assert found["iou"].max() <= 0.5
    assert found["index"].tolist() == [0, 1]


def test_with_one_foreground_class_only_that_one_can_fail(pairs):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    source.classes = ("rest", "thing")
    source.decode = lambda raw, path: np.where(raw == 255, 255, raw > 0).astype(np.int64)
    report = report_split(
        lambda image: Prediction(np.ones((40, 48), np.uint8), np.ones((1, 40, 48), np.float32)), source
    )
    assert report.score == pytest.approx(scores(report.matrix)["iou"][1].item())
    assert set(failures(report, limit=1.0)["class"]) == {"thing"}
    assert report.by_image()["iou"].tolist() == sorted(report.ious[:, 1].tolist())


# ---------------------------------------------------------------- guessing why
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
    told = guess_why(image, truth, prediction, 1, CLASSES)
    for word in words:
        assert word in told
    assert len(told.split(", ")) == len(words), told


def test_a_class_that_is_not_there_and_one_without_a_reason():
    image, truth, prediction = blank()
    assert guess_why(image, truth, prediction, 1, CLASSES) == "predicted where there is none"
    truth[30:60, 30:60] = prediction[32:58, 32:58] = 1
    truth[60:100] = 255
    assert guess_why(image, truth, prediction, 1, CLASSES) == "borders drawn differently"


def test_what_is_predicted_where_there_is_none_is_measured():
    image, truth, prediction = blank()
    truth[:, 50:] = 2
    prediction[10:20, 60:80] = prediction[0:5, 0:10] = 1
    words = "predicted where there is none (2.50% of the image; most of it is lake)"
    assert guess_why(image, truth, prediction, 1, CLASSES) == words
    truth[10:20, 60:80] = truth[0:5, 0:10] = 255  # what lies on ignored pixels is no error
    assert guess_why(image, truth, prediction, 1, CLASSES) == "predicted where there is none"


def test_with_one_foreground_class_the_rest_is_missed_not_confused():
    image, truth, prediction = blank()
    truth[30:60, 30:60] = 1
    prediction[30:60, 30:45] = 1
    assert guess_why(image, truth, prediction, 1, ("background", "person")) == "50% of it missed"


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
    assert guess_why(image, truth, prediction, 1, CLASSES, shares=np.array(shares)) == words


def test_thin_is_what_is_thin_for_the_model():
    truth = np.zeros((1000, 800), np.uint8)
    truth[100:900, 400:420] = 1
    image, prediction = np.full((1000, 800, 3), 120, np.uint8), truth.copy()
    assert guess_why(image, truth, prediction, 1, CLASSES) == "borders drawn differently"
    told = guess_why(image, truth, prediction, 1, CLASSES, seen=(250, 200))
    assert told == "thin (20 px, 5.0 as the model sees it)"
    told = guess_why(image, truth, prediction, 1, CLASSES, seen=(1000, 160))  # squeezed sideways
    assert told == "thin (20 px, 4.0 as the model sees it)"


@pytest.mark.parametrize("factor", [1, 5])
def test_the_border_grows_with_the_image(factor):
    truth = np.zeros((400 * factor, 400 * factor), np.uint8)
    truth[: 10 * factor, 100 * factor : 300 * factor] = 1
    image = np.full((*truth.shape, 3), 120, np.uint8)
    assert "cut by the border" in guess_why(image, truth, truth, 1, CLASSES)
    truth = np.roll(truth, 100 * factor, axis=0)
    assert "cut by the border" not in guess_why(image, truth, truth, 1, CLASSES)


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
    for c in range(3):
        found = find_reasons(image, truth, prediction.astype(np.uint8), c, CLASSES, confidence, shares, (7, 5))
        assert found
        assert all(reason.words and "nan" not in reason.words for reason in found)
        assert len({reason.kind for reason in found}) == len(found)


# ---------------------------------------------------------------- odd annotations
def disc(shape, y, x, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2


@pytest.mark.parametrize(("sure", "doubted"), [(0.95, True), (0.5, False)])
def test_an_annotation_is_doubted_where_the_model_is_sure_and_on_an_edge(sure, doubted):
    image = np.random.default_rng(0).integers(100, 110, (200, 200, 3)).astype(np.uint8)
    thing, drawn = disc((200, 200), 80, 80, 30), disc((200, 200), 130, 130, 30)
    image[thing] = 220
    confidence = np.where(thing != drawn, sure, 0.95)
    told = guess_why(image, drawn.astype(np.uint8), thing.astype(np.uint8), 1, CLASSES[:2], confidence)
    assert ("odd annotation? the model is 95% sure" in told) == doubted
    assert ("follows the edges of the image better" in told) == doubted
    turned = guess_why(image, thing.astype(np.uint8), drawn.astype(np.uint8), 1, CLASSES[:2], confidence)
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
                told = guess_why(image, mask, found.mask, c, tiny.classes, confidence)
                doubted[name].append("odd annotation" in told)
    assert np.mean(doubted["off"]) > 0.9
    assert np.mean(doubted["moved"]) > 0.8
    assert np.mean(doubted["right"]) < 0.1


def test_a_report_on_real_photographs(human, tmp_path, monkeypatch):
    from utils.models import build_model

    monkeypatch.setattr(human, "pairs", lambda split, seed=42: type(human).pairs(human, split, seed)[:4])
    config = Config.preset("human", image_size=64, unet_width=2, unet_depth=1, device="cpu")
    torch.manual_seed(0)
    predictor = Predictor(build_model(config, 1), config, human.classes, human.palette)
    report = report_split(predictor, human)
    assert report.matrix.sum() == sum(read_pair(p, human)[1].size for p in report.pairs)
    assert report.matrix[1].sum() == sum(int(read_pair(p, human)[1].sum()) for p in report.pairs)
    assert report.ious.shape == (4, 2)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(float("nan"))), max_size=12), st.floats(0, 1))
def test_worst_images_are_those_of_pandas(values, limit):
    column = pd.Series(values, dtype=float)
    wanted = column[column <= limit].sort_values(kind="stable").index.tolist()
    assert worst_images(torch.tensor(values, dtype=torch.float64), limit) == wanted


def test_who_watches_sees_every_image_with_what_was_counted(source):
    seen = []
    report = report_split(oracle(), source, watch=lambda *facts: seen.append(facts))
    assert [facts[0] for facts in seen] == [0, 1]
    for (index, image, truth, found, ious), number in zip(seen, (10, 11), strict=True):
        assert image.tobytes() == draw_pair(number)[0].tobytes()
        assert (truth == draw_pair(number)[1]).all()
        assert found.mask.shape == truth.shape
        assert torch.equal(ious, report.ious[index])

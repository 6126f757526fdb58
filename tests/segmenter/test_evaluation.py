"""segmenter/evaluation.py: what a report counts, and what it calls a failure."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers import CLASSES, draw_pair, three_class_folder
from hypothesis import given
from hypothesis import strategies as st

from segmenter.evaluation import failures, report_split
from segmenter.metrics import boundary_counts, boundary_iou
from utils import catalog
from utils.config import Config
from utils.dataset import read_pair
from utils.images import read_mask
from utils.inference import Prediction, Predictor
from utils.metrics import average_precision, confusion_matrix, scores, worst_images


@pytest.fixture
def source(pairs):
    return three_class_folder(pairs)


def oracle(change=lambda n, mask: mask):
    """A predictor that knows the truth of the drawn test images, and errs as told."""
    known = {draw_pair(n)[0].tobytes(): (n, draw_pair(n)[1]) for n in (10, 11)}

    def predict(image):
        number, mask = known[image.tobytes()]
        mask = np.where(mask == 255, 0, mask).astype(np.uint8)
        return Prediction(change(number, mask.copy()), np.zeros((3, *mask.shape), np.float32))

    return predict


def test_a_perfect_predictor_scores_one_whatever_it_says_about_ignored_pixels(source):
    report = report_split(oracle(), source)
    assert report.score == 1.0
    assert report.matrix.sum() == 2 * 40 * 47
    assert (report.table.drop(columns="pixels").loc[[*CLASSES, "mean"]] == 1).all(axis=None)
    assert len(failures(report)) == 0
    assert list(failures(report).columns) == ["index", "image", "class", "iou"]


def test_errors_are_counted_over_all_images_and_for_each(source):
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


def test_the_levels_are_named_and_boundaries_and_calibration_are_of_all_images(source):
    def err(number, mask):
        return np.zeros_like(mask) if number == 11 else mask

    report = report_split(oracle(err), source)
    bounds = sum(boundary_counts(oracle(err)(draw_pair(n)[0]).mask, draw_pair(n)[1], 3) for n in (10, 11))
    assert report.table["boundary_iou"].tolist()[:3] == pytest.approx(boundary_iou(bounds).tolist())
    assert report.table.loc["house", "image_iou"] == pytest.approx(0.5)  # 1 in one image, 0 in the other
    assert report.calibration_bins[:, 0].sum() == report.matrix.sum()
    assert "expected calibration error" in str(report)
    assert "each image counts alike" in str(report)


def test_a_class_that_does_not_occur_is_a_dash(pairs):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=(*CLASSES, "ghost")))
    report = report_split(oracle(), source)
    row = next(line for line in str(report).splitlines() if line.startswith("ghost"))
    assert row.split()[1:] == ["\N{EN DASH}"] * 7 + ["0.000"]
    assert report.table.loc["ghost"].drop("pixels").isna().all()
    assert report.table.loc["mean"].drop("pixels").eq(1).all()


def test_images_come_worst_first(source):
    report = report_split(oracle(lambda n, m: np.zeros_like(m) if n == 11 else m), source)
    table = report.by_image()
    assert table["image"].tolist() == ["11.png", "10.png"]
    assert table["iou"].iloc[1] == 1
    assert table["iou"].iloc[0] == pytest.approx(report.ious[1].mean().item())


def test_a_split_can_be_chosen(trained, source):
    predictor = Predictor.from_run(trained, device="cpu")
    assert [p.image.name for p in report_split(predictor, source, "val").pairs] == ["08.png", "09.png"]


def test_a_report_agrees_with_the_score_of_the_training(trained):
    """The validation score in the history, over whole images, is what the report finds at their own size."""
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
    source = three_class_folder(pairs)
    source.classes = ("rest", "thing")
    source.read_ids = lambda path: np.where(read_mask(path) == 255, 255, read_mask(path) > 0).astype(np.int64)
    report = report_split(
        lambda image: Prediction(np.ones((40, 48), np.uint8), np.ones((1, 40, 48), np.float32)), source
    )
    assert report.score == pytest.approx(scores(report.matrix)["iou"][1].item())
    assert set(failures(report, limit=1.0)["class"]) == {"thing"}
    assert report.by_image()["iou"].tolist() == sorted(report.ious[:, 1].tolist())


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


def test_the_callback_sees_every_image_with_what_was_counted(source):
    seen = []
    report = report_split(oracle(), source, on_image=lambda *arguments: seen.append(arguments))
    assert [arguments[0] for arguments in seen] == [0, 1]
    for (index, image, truth, found, ious), number in zip(seen, (10, 11), strict=True):
        assert image.tobytes() == draw_pair(number)[0].tobytes()
        assert (truth == draw_pair(number)[1]).all()
        assert found.mask.shape == truth.shape
        assert torch.equal(ious, report.ious[index])

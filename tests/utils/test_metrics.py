"""utils/metrics.py: equal to torchmetrics on random masks, absent classes and ignored pixels included."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional import classification as oracle

from segmenter.metrics import boundary, boundary_counts, boundary_iou, calibration_bins, calibration_error
from utils.metrics import (
    THRESHOLDS,
    average_precision,
    best_threshold,
    confusion_matrix,
    image_ious,
    iou,
    mean_iou,
    pixel_accuracy,
    primary_iou,
    score_table,
    scores,
)


@st.composite
def masks(draw):
    """(prediction, truth, classes): random, correlated, some classes absent from either, some pixels ignored."""
    classes = draw(st.integers(2, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 3)), 6, 7)
    subset = st.lists(st.integers(0, classes - 1), min_size=1, unique=True)
    truth = rng.choice(draw(subset), shape)
    prediction = np.where(rng.random(shape) < 0.5, truth, rng.choice(draw(subset), shape))
    truth[rng.random(shape) < draw(st.sampled_from([0, 0.3, 0.9]))] = 255
    truth[0, 0, 0] = truth[0, 0, 0] % 255 % classes
    return torch.from_numpy(prediction), torch.from_numpy(truth), classes


def same(a, b):
    return torch.allclose(torch.as_tensor(a).double(), torch.as_tensor(b).double(), atol=1e-6, equal_nan=True)


@given(masks())
def test_the_confusion_matrix_equals_torchmetrics(case):
    prediction, truth, classes = case
    matrix = confusion_matrix(prediction, truth, classes)
    assert matrix.dtype == torch.int64
    expected = oracle.multiclass_confusion_matrix(prediction, truth, classes, ignore_index=255)
    assert torch.equal(matrix, expected)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("iou", oracle.multiclass_jaccard_index),
        ("dice", oracle.multiclass_f1_score),
        ("precision", oracle.multiclass_precision),
        ("recall", oracle.multiclass_recall),
    ],
)
@given(case=masks())
def test_scores_equal_torchmetrics_class_by_class(name, theirs, case):
    prediction, truth, classes = case
    matrix = confusion_matrix(prediction, truth, classes)
    found = scores(matrix)[name]
    expected = theirs(prediction, truth, classes, average="none", ignore_index=255).double()
    in_truth, predicted = matrix.sum(dim=1) > 0, matrix.sum(dim=0) > 0
    defined = {"precision": predicted, "recall": in_truth}.get(name, in_truth | predicted)
    assert same(found[defined], expected[defined])
    assert found[~defined].isnan().all()


@given(masks())
def test_means_equal_torchmetrics(case):
    prediction, truth, classes = case
    matrix = confusion_matrix(prediction, truth, classes)
    macro = oracle.multiclass_jaccard_index(prediction, truth, classes, average="macro", ignore_index=255)
    assert same(mean_iou(matrix), macro)
    accuracy = oracle.multiclass_accuracy(prediction, truth, classes, average="micro", ignore_index=255)
    assert same(pixel_accuracy(matrix), accuracy)
    if classes == 2:
        binary = oracle.binary_jaccard_index(prediction, truth, ignore_index=255)
        if (matrix[1].sum() + matrix[:, 1].sum()) > 0:
            assert same(primary_iou(matrix), binary)
    else:
        assert same(primary_iou(matrix), macro)


@given(case=masks(), seed=st.integers(0, 99))
def test_ignored_pixels_never_change_a_metric(case, seed):
    prediction, truth, classes = case
    noise = torch.randint(classes, prediction.shape, generator=torch.Generator().manual_seed(seed))
    other = torch.where(truth == 255, noise, prediction)
    assert torch.equal(confusion_matrix(prediction, truth, classes), confusion_matrix(other, truth, classes))
    assert same(image_ious(prediction, truth, classes), image_ious(other, truth, classes))


@given(case=masks(), value=st.integers(7, 254))
def test_another_ignore_index(case, value):
    prediction, truth, classes = case
    renamed = torch.where(truth == 255, value, truth)
    found = confusion_matrix(prediction, renamed, classes, ignore_index=value)
    assert torch.equal(found, confusion_matrix(prediction, truth, classes))


@given(masks())
def test_a_class_may_be_the_ignored_one(case):
    prediction, truth, classes = case
    truth = torch.where(truth == 255, 0, truth)
    found = confusion_matrix(prediction, truth, classes, ignore_index=0)
    assert torch.equal(found, oracle.multiclass_confusion_matrix(prediction, truth, classes, ignore_index=0))


@given(masks())
def test_matrices_add_up_over_images(case):
    prediction, truth, classes = case
    parts = [confusion_matrix(p, t, classes) for p, t in zip(prediction, truth, strict=True)]
    assert torch.equal(sum(parts), confusion_matrix(prediction, truth, classes))
    each = image_ious(prediction, truth, classes)
    assert each.shape == (len(truth), classes)
    for row, part in zip(each, parts, strict=True):
        assert same(row, scores(part)["iou"])


@given(masks())
def test_f1_and_iou_are_the_same_score_in_two_forms(case):
    found = scores(confusion_matrix(*case[:2], case[2]))
    assert same(found["dice"], 2 * found["iou"] / (1 + found["iou"]))


def test_a_small_example_by_hand():
    truth = torch.tensor([[0, 0, 1, 1], [1, 255, 255, 0]])
    prediction = torch.tensor([[0, 1, 1, 1], [0, 0, 3, 0]])
    matrix = confusion_matrix(prediction, truth, 4)
    assert matrix.tolist() == [[2, 1, 0, 0], [1, 2, 0, 0], [0] * 4, [0] * 4]
    assert pixel_accuracy(matrix) == pytest.approx(4 / 6)
    assert iou(prediction, truth, 4)[:2].tolist() == [0.5, 0.5]
    assert iou(prediction, truth, 4)[2:].isnan().all()
    assert mean_iou(matrix) == 0.5


def test_an_absent_class_that_is_predicted_counts_as_wrong_and_one_that_is_not_counts_not_at_all():
    truth = torch.zeros(4, dtype=torch.int64)
    assert mean_iou(confusion_matrix(truth, truth, 3)) == 1.0
    assert mean_iou(confusion_matrix(torch.tensor([0, 0, 0, 2]), truth, 3)) == pytest.approx((0.75 + 0) / 2)


def test_the_headline_is_the_foreground_where_there_is_one():
    matrix = torch.tensor([[90, 0], [5, 5]])
    assert primary_iou(matrix) == 0.5
    assert mean_iou(matrix) == pytest.approx((90 / 95 + 0.5) / 2)


def test_the_table_leaves_absent_classes_out_of_the_mean():
    truth, prediction = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
    table = score_table(confusion_matrix(prediction, truth, 3), ["a", "b", "never"])
    assert list(table.index) == ["a", "b", "never", "mean"]
    assert table.loc["mean", "iou"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert np.isnan(table.loc["never", "iou"])
    assert table.loc["a", "precision"] == 1
    assert table.loc["a", "recall"] == pytest.approx(2 / 3)
    assert table["pixels"].tolist() == [0.75, 0.25, 0.0, 1.0]


# ---------------------------------------------------------------- AP over IoU thresholds
def test_average_precision_by_hand():
    nan = float("nan")
    ious = [[1.0, 0.0, nan], [0.55, nan, nan], [0.25, 0.3, nan], [0.0, 0.9, nan]]
    curve, ap = average_precision(torch.tensor(ious, dtype=torch.float64))
    assert curve.shape == (11, 3)
    assert curve[:, 0].tolist() == [0.75, 0.75, 0.75] + [0.5] * 3 + [0.25] * 5
    assert curve[:, 1].tolist() == pytest.approx([2 / 3] * 4 + [1 / 3] * 6 + [0])
    assert np.isnan(curve[:, 2]).all()
    assert ap[:2] == pytest.approx(curve[:, :2].mean(axis=0))


def test_a_threshold_is_met_by_an_iou_that_equals_it():
    for threshold in THRESHOLDS[1:]:
        for iou_value, hits in ((threshold, 1), (threshold - 1e-6, 0)):
            ious = torch.tensor([[iou_value]], dtype=torch.float64)
            assert average_precision(ious, [threshold])[0].item() == hits


def test_no_overlap_is_no_hit_even_at_threshold_zero():
    assert average_precision(torch.tensor([[0.0], [0.5]]), [0.0])[0].item() == 0.5
    assert THRESHOLDS == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_average_precision_falls_with_the_threshold(values):
    curve, ap = average_precision(torch.tensor(values).double()[:, None])
    assert (np.diff(curve[:, 0]) <= 0).all()
    assert 0 <= ap[0] <= 1


@given(st.integers(0, 2**32 - 1))
def test_best_threshold_is_that_of_torchmetrics(seed):
    generator = torch.Generator().manual_seed(seed)
    chances = torch.rand(40, generator=generator)
    target = torch.randint(0, 2, (40,), generator=generator)
    target[0], target[1] = 1, 255
    thresholds = [i / 7 for i in range(7)]
    iou = oracle.binary_jaccard_index
    scores = [float(iou(chances, target, threshold=max(t - 1e-6, 0.0), ignore_index=255)) for t in thresholds]
    assert best_threshold(chances, target, thresholds) == thresholds[scores.index(max(scores))]


# ---------------------------------------------------------------- boundaries
def disc(radius, size=80, shift=0):
    y, x = np.mgrid[:size, :size] - size // 2
    return ((y - shift) ** 2 + x**2 <= radius**2).astype(np.uint8)


def test_a_boundary_is_a_band_along_the_inside_of_the_outline():
    square = np.zeros((12, 12), bool)
    square[2:9, 3:10] = True
    band = boundary(square, 2)
    assert band.sum() == 7 * 7 - 3 * 3
    assert not band[4:7, 5:8].any()
    assert boundary(np.ones((9, 9), bool), 1).sum() == 32  # the frame of the image is an outline, too


@given(masks(), st.sampled_from([0.02, 0.1, 0.3]))
def test_boundary_counts_equal_those_of_the_papers_definition(case, ratio):
    """Pixels of a mask whose distance to what is outside of it is at most d (chessboard), as sets."""
    prediction, truth, classes = case
    prediction, truth = prediction[0].numpy().astype(np.uint8), truth[0].numpy().astype(np.uint8)
    width = max(1, round(ratio * np.hypot(*truth.shape)))

    def band(mask):
        outside = np.pad(~mask, 1, constant_values=True)
        places = np.argwhere(outside) - 1
        return {(y, x) for y, x in np.argwhere(mask).tolist() if np.abs(places - (y, x)).max(axis=1).min() <= width}

    counts = boundary_counts(prediction, truth, classes, ratio)
    for c in range(classes):
        a, b = band((prediction == c) & (truth != 255)), band(truth == c)
        assert counts[c].tolist() == [len(a & b), len(a | b)]


def test_a_shifted_outline_costs_more_boundary_than_area():
    truth, prediction = disc(30), disc(30, shift=3)
    area = iou(torch.from_numpy(prediction).long(), torch.from_numpy(truth).long(), 2)[1]
    edge = boundary_iou(boundary_counts(prediction, truth, 2))[1]
    assert area > 0.85
    assert edge < 0.4
    assert boundary_iou(boundary_counts(truth, truth, 3)).tolist()[:2] == [1, 1]
    assert boundary_iou(boundary_counts(truth, truth, 3))[2].isnan()


@given(case=masks(), seed=st.integers(0, 99))
def test_ignored_pixels_never_change_a_boundary_or_the_calibration(case, seed):
    prediction, truth, classes = case
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randint(classes, prediction.shape, generator=generator)
    other = torch.where(truth == 255, noise, prediction)
    one, two = (
        boundary_counts(p[0].numpy().astype(np.uint8), truth[0].numpy().astype(np.uint8), classes)
        for p in (prediction, other)
    )
    assert torch.equal(one, two)
    p = torch.rand(len(truth), classes, *truth.shape[1:], generator=generator)
    q = torch.where((truth == 255)[:, None], torch.rand(p.shape, generator=generator), p)
    assert torch.equal(calibration_bins(p, truth), calibration_bins(q, truth))


# ---------------------------------------------------------------- calibration
@given(case=masks(), seed=st.integers(0, 9999), bins=st.integers(1, 20), binary=st.booleans())
def test_the_calibration_error_equals_torchmetrics(case, seed, bins, binary):
    _, truth, classes = case
    generator = torch.Generator().manual_seed(seed)
    if binary:
        truth, p = (
            truth.where(truth == 255, truth % 2),
            torch.rand(len(truth), 1, *truth.shape[1:], generator=generator),
        )
        both, classes = torch.cat([1 - p, p], dim=1), 2
    else:
        p = both = torch.randn(len(truth), classes, *truth.shape[1:], generator=generator).mul(2).softmax(dim=1)
    expected = oracle.multiclass_calibration_error(both, truth, classes, n_bins=bins, ignore_index=255)
    found = sum(calibration_bins(p[n : n + 1], truth[n : n + 1], bins) for n in range(len(truth)))
    assert found[:, 0].sum() == (truth != 255).sum()
    assert calibration_error(found) == pytest.approx(float(expected), abs=1e-5)


def test_confident_and_right_half_of_the_time_is_off_by_half():
    p = torch.zeros(1, 2, 2, 2)
    p[:, 1] = 1.0
    assert calibration_error(calibration_bins(p, torch.tensor([[[1, 0], [1, 0]]]))) == pytest.approx(0.5)
    assert calibration_error(calibration_bins(p, torch.ones(1, 2, 2, dtype=torch.int64))) == 0
    assert np.isnan(calibration_error(calibration_bins(p, torch.full((1, 2, 2), 255))))

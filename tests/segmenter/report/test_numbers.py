"""segmenter/report/numbers.py: every number recomputed by others, in strict JSON."""

import csv
import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
    multiclass_recall,
)

from segmenter.report.numbers import DEFINITIONS, plain
from utils.images import read_image, read_mask


@pytest.fixture(scope="module")
def by_others(tiny_copy, shipped):
    """What NumPy and torchmetrics get: ids and probabilities of each test image, read without the report's code."""
    with (tiny_copy / "splits.csv").open() as file:
        names = sorted(row["name"] for row in csv.DictReader(file) if row["split"] == "test")
    truths = [torch.from_numpy(read_mask(tiny_copy / "masks" / f"{n}.png").astype(np.int64)) for n in names]
    found = [shipped(read_image(tiny_copy / "images" / f"{n}.jpg")) for n in names]
    return names, truths, found


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("iou", multiclass_jaccard_index), ("dice", multiclass_f1_score), ("precision", multiclass_precision),
        ("recall", multiclass_recall),
    ],
)  # fmt: skip
def test_scores_of_each_class_are_those_of_torchmetrics(name, metric, saved, by_others):
    _, truths, found = by_others
    predicted = torch.cat([torch.from_numpy(f.mask).long().flatten() for f in found])
    target = torch.cat([t.flatten() for t in truths])
    wanted = metric(predicted, target, num_classes=6, average="none", ignore_index=255).double()
    told = [row[name] for row in saved["scores"]["classes"]]
    assert told == pytest.approx(wanted.tolist(), abs=1e-6)
    assert saved["scores"]["mean"][name] == pytest.approx(wanted.mean().item(), abs=1e-6)


def test_accuracy_matrix_and_calibration_are_those_of_torchmetrics(saved, by_others):
    _, truths, found = by_others
    predicted = torch.cat([torch.from_numpy(f.mask).long().flatten() for f in found])
    target = torch.cat([t.flatten() for t in truths])
    chances = torch.cat([torch.from_numpy(f.probabilities).flatten(1).T for f in found])
    scores = saved["scores"]
    wanted = multiclass_accuracy(predicted, target, num_classes=6, average="micro", ignore_index=255).item()
    assert scores["pixel_accuracy"] == pytest.approx(wanted, abs=1e-6)
    counts = multiclass_confusion_matrix(predicted, target, num_classes=6, ignore_index=255)
    assert saved["confusion_matrix"]["pixels"] == counts.tolist()
    error = multiclass_calibration_error(chances, target, num_classes=6, n_bins=15, norm="l1", ignore_index=255)
    assert scores["calibration_error"] == pytest.approx(error.item(), abs=2e-3)  # torchmetrics sums in float32
    confidence, predicted, target = (v[target != 255] for v in (chances.max(dim=1).values, predicted, target))
    for b in saved["calibration"]:
        inside = (confidence >= b["from"]) & (confidence < b["to"] + (b["to"] == 1))
        assert b["pixels"] == pytest.approx(inside.sum().item(), abs=3)  # float32 at the ends of a bin
        if inside.sum() > 1000:
            assert b["confidence"] == pytest.approx(confidence[inside].double().mean().item(), abs=1e-4)
            right = (predicted == target)[inside].double().mean().item()
            assert b["accuracy"] == pytest.approx(right, abs=1e-3)
    place = np.digitize(confidence.double().numpy(), np.linspace(0, 1, 16)[1:-1])
    gaps = confidence.double().numpy() - (predicted == target).numpy()
    wanted = sum(abs(gaps[place == b].sum()) for b in range(15)) / len(gaps)
    assert scores["calibration_error"] == pytest.approx(wanted, abs=1e-6)


def test_images_ap_and_failures_are_those_of_numpy(saved, by_others):
    names, truths, found = by_others
    assert [row["image"] for row in saved["images"]] == [f"images/{n}.jpg" for n in names]
    wanted = np.full((len(names), 6), np.nan)
    for i, (truth, f) in enumerate(zip(truths, found, strict=True)):
        for c in range(6):
            a, b = truth.numpy() == c, (f.mask == c) & (truth.numpy() != 255)
            if (a | b).any():
                wanted[i, c] = (a & b).sum() / (a | b).sum()
    told = np.array([[np.nan if v is None else v for v in row["iou"]] for row in saved["images"]])
    np.testing.assert_allclose(told, wanted, atol=1e-12)
    for c, row in enumerate(saved["average_precision"]["classes"]):
        column = wanted[~np.isnan(wanted[:, c]), c]
        hits = [(column > 0).mean(), *((column >= t / 10).mean() for t in range(1, 11))]
        assert row["curve"] == pytest.approx(hits)
        assert row["AP"] == pytest.approx(np.mean(hits))
        assert saved["scores"]["classes"][c]["image_iou"] == pytest.approx(column.mean())
    failed = {(f"images/{names[i]}.jpg", saved["classes"][c]): wanted[i, c] for i, c in np.argwhere(wanted <= 0.5)}
    assert {(f["image"], f["class"]): f["iou"] for f in saved["failures"]} == pytest.approx(failed)
    assert saved["scores"]["primary_iou"] == {"name": "mean_iou", "value": saved["scores"]["mean"]["iou"]}


def test_the_json_says_what_was_evaluated_and_what_its_words_mean(saved, evaluation):
    about = saved["about"]
    assert about["data_set"] == "tiny"
    assert about["images"] == 12
    assert about["config"]["image_size"] == 128
    assert about["facts"]["epoch"] == 70
    assert not {"root", "output"} & about["config"].keys()  # places on one machine
    assert sum(about["training_shares"].values()) == pytest.approx(1)
    assert about["training_masks_counted"] == 48
    assert (about["flips"], about["scales"], about["tile"], about["threshold"]) == (False, [1.0], 128, None)
    used = {*saved["scores"]["classes"][0], *saved["scores"]} - {"class", "classes", "mean", "primary_iou"}
    assert used <= saved["definitions"].keys() == DEFINITIONS.keys()
    assert saved["verdict"] == evaluation.verdict


@given(
    st.recursive(
        st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.floats(width=32).map(np.float32)),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.lists(inner).map(tuple)),
    )
)
def test_whatever_is_measured_becomes_strict_json(value):
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)

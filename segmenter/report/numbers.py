"""The test report as plain numbers, each with its definition, for JSON."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from utils.metrics import THRESHOLDS, average_precision, calibration_error, mean_iou, pixel_accuracy

if TYPE_CHECKING:
    from segmenter.report import Evaluation

DEFINITIONS = {
    "iou": "Intersection over union. Dataset level: the pixels of all images are counted first, so each pixel "
    "counts alike.",
    "dice": "F1, which for pixels is the Dice coefficient: 2 x right / (true + predicted). Dataset level.",
    "precision": "Share of the pixels predicted as the class that are right. Dataset level.",
    "recall": "Share of the pixels of the class that were found. Dataset level.",
    "boundary_iou": "IoU of the bands along the outlines, 2 % of the image's diagonal wide. Dataset level.",
    "image_iou": "Mean over the images with the class of their IoU: each image counts alike. Image level.",
    "AP": "Mean over the IoU thresholds 0, 0.1, ... 1 of the share of images that reach the threshold, of those where "
    "the class occurs or was predicted. IoU 0 reaches none. Image level.",
    "pixels": "Share of the labelled pixels that belong to the class.",
    "pixel_accuracy": "Share of all labelled pixels that are right.",
    "mean_iou": "Mean of iou over the classes that occur (mIoU).",
    "calibration_error": "Expected calibration error: mean over 15 bins of confidence of |accuracy - confidence|, "
    "weighted by their pixels.",
    "failure": "A class at IoU 0.5 or less in one image. With one foreground class only that one can fail.",
}  # fmt: skip


def numbers(report: "Evaluation") -> dict[str, Any]:
    """Return the whole report as dictionaries, lists, texts and numbers; None where there is nothing to divide by."""
    about, names = dict(report.about), report.about["images"]
    about["images"] = len(names)
    return plain(
        {
            "verdict": report.verdict,
            "about": about,
            "classes": report.scores.classes,
            "definitions": DEFINITIONS,
            "scores": _scores(report),
            "confusion_matrix": _confusion(report),
            "average_precision": _average_precision(report),
            "calibration": calibration(report),
            "images": _images(report),
            "causes": report.causes,
            "failures": [
                {"image": names[card.index], "class": f.name, "iou": f.iou, "reasons": [r._asdict() for r in f.reasons]}
                for card in report.gallery.cards
                for f in card.failed
            ],
        }
    )


def _scores(report: "Evaluation") -> dict[str, Any]:
    scores, classes = report.scores, report.scores.classes
    table = scores.table
    return {
        "primary_iou": {"name": f"iou of {classes[1]}" if len(classes) == 2 else "mean_iou", "value": scores.score},
        "pixel_accuracy": pixel_accuracy(scores.matrix),
        "mean_iou": mean_iou(scores.matrix),
        "calibration_error": calibration_error(scores.bins),
        "classes": [{"class": name, **row} for name, row in zip(classes, table.to_dict("records"), strict=False)],
        "mean": table.loc["mean"].drop("pixels").to_dict(),
    }


def _confusion(report: "Evaluation") -> dict[str, Any]:
    pixels = report.scores.matrix.tolist()
    return {"rows": "truth", "columns": "prediction", "pixels": pixels}


def _average_precision(report: "Evaluation") -> dict[str, Any]:
    curve, ap = average_precision(report.scores.ious)
    found = [{"class": c, "curve": curve[:, i], "AP": ap[i]} for i, c in enumerate(report.scores.classes)]
    return {"thresholds": THRESHOLDS, "classes": found}


def calibration(report: "Evaluation") -> list[dict[str, float]]:
    """Return the bins of confidence: their ends, pixels, mean confidence, and accuracy (NaN for an empty one)."""
    pixels, confidence, right = report.scores.bins.numpy().T
    edges = np.linspace(0, 1, len(pixels) + 1)
    with np.errstate(invalid="ignore"):
        columns = (edges[:-1], edges[1:], pixels, confidence / pixels, right / pixels)
    names = ("from", "to", "pixels", "confidence", "accuracy")
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _images(report: "Evaluation") -> list[dict[str, Any]]:
    """The IoU of every image, in the order of the classes."""
    rows = zip(report.about["images"], report.scores.ious.tolist(), strict=True)
    return [{"image": name, "iou": ious} for name, ious in rows]


def plain(value: Any) -> Any:
    """Turn arrays, tuples and NumPy's numbers into what strict JSON knows: NaN becomes None."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

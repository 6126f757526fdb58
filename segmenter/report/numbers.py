"""The test report as plain numbers, each with its definition, for JSON."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.html import save_text
from segmenter.metrics import calibration_error
from segmenter.outputs import MADE_BY
from segmenter.report.evaluation import Evaluation
from utils.metrics import THRESHOLDS, average_precision, mean_iou, pixel_accuracy

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


def save_json(evaluation: Evaluation, path: str | Path) -> Path:
    """Write every number to `path`, whole or not at all, and return the path. What cannot be divided is null."""
    return save_text(Path(path), json.dumps({"origin": MADE_BY, **numbers(evaluation)}, indent=1, allow_nan=False))


def numbers(evaluation: Evaluation) -> dict[str, Any]:
    """Return the whole report as dictionaries, lists, texts and numbers; None where there is nothing to divide by."""
    scores, names = evaluation.scores, evaluation.about["images"]
    curve, ap = average_precision(scores.ious)
    failures = [
        {
            "image": names[card.index],
            "class": failed.name,
            "iou": failed.iou,
            "reasons": [reason._asdict() for reason in failed.reasons],
        }
        for card in evaluation.gallery.cards
        for failed in card.failed
    ]
    return plain(
        {
            "verdict": evaluation.verdict,
            "about": evaluation.about | {"images": len(names)},
            "classes": scores.classes,
            "definitions": DEFINITIONS,
            "scores": _scores(evaluation),
            "confusion_matrix": {"rows": "truth", "columns": "prediction", "pixels": scores.matrix.tolist()},
            "average_precision": {
                "thresholds": THRESHOLDS,
                "classes": [
                    {"class": name, "curve": curve[:, i], "AP": ap[i]} for i, name in enumerate(scores.classes)
                ],
            },
            "calibration": calibration(evaluation),
            "images": [{"image": name, "iou": ious} for name, ious in zip(names, scores.ious.tolist(), strict=True)],
            "causes": evaluation.causes,
            "failures": failures,
        }
    )


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    """The scores of the whole split, of each class, and their means."""
    scores, classes = evaluation.scores, evaluation.scores.classes
    table = scores.table
    return {
        "primary_iou": {"name": f"iou of {classes[1]}" if len(classes) == 2 else "mean_iou", "value": scores.score},
        "pixel_accuracy": pixel_accuracy(scores.matrix),
        "mean_iou": mean_iou(scores.matrix),
        "calibration_error": calibration_error(scores.calibration_bins),
        "classes": [{"class": name, **row} for name, row in zip(classes, table.to_dict("records"), strict=False)],
        "mean": table.loc["mean"].drop("pixels").to_dict(),
    }


def calibration(evaluation: Evaluation) -> list[dict[str, float]]:
    """Return the bins of confidence: their ends, pixels, mean confidence, and accuracy (NaN for an empty one)."""
    pixels, confidence, right = evaluation.scores.calibration_bins.numpy().T
    edges = np.linspace(0, 1, len(pixels) + 1)
    with np.errstate(invalid="ignore"):
        columns = (edges[:-1], edges[1:], pixels, confidence / pixels, right / pixels)
    names = ("from", "to", "pixels", "confidence", "accuracy")
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def plain(value: Any) -> Any:
    """Turn arrays, tuples and NumPy's numbers into what strict JSON knows: NaN becomes None."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""Counting right and wrong pixels: nearly everything follows from one confusion matrix (notebook 7).

*Dataset level*: the counts of all images are summed first, then divided, so that every pixel counts alike. *Image
level*: an IoU for each image (`image_ious`), then the mean over images, so that every image counts alike.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from utils.images import IGNORE_INDEX

THRESHOLDS = tuple(i / 10 for i in range(11))


def confusion_matrix(prediction: Tensor, target: Tensor, num_classes: int, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Count pixels by (truth, prediction): two int64 tensors of one shape -> int64 (num_classes, num_classes).

    Row = truth, column = prediction. After torchvision's references/segmentation/utils.py.
    """
    valid = target != ignore_index
    pairs = target[valid] * num_classes + prediction[valid]
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def iou(prediction: Tensor, target: Tensor, num_classes: int, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """IoU of every class: float64 (num_classes,), NaN where a class is in neither mask."""
    return scores(confusion_matrix(prediction, target, num_classes, ignore_index))["iou"]


def scores(matrix: Tensor) -> dict[str, Tensor]:
    """Return 'iou', 'dice' (= F1), 'precision' and 'recall' of each class, float64 (C,), from counts (C, C).

    A class that is neither in the truth nor predicted is NaN everywhere: it can be neither right nor wrong.
    """
    matrix = matrix.double()
    hits, truth, predicted = matrix.diag(), matrix.sum(dim=1), matrix.sum(dim=0)
    return {
        "iou": hits / (truth + predicted - hits),  # 0 / 0 is NaN
        "dice": 2 * hits / (truth + predicted),
        "precision": hits / predicted,
        "recall": hits / truth,
    }


def pixel_accuracy(matrix: Tensor) -> float:
    """Share of labelled pixels that are right."""
    return float(matrix.diag().sum() / matrix.sum())


def mean_iou(matrix: Tensor) -> float:
    """Mean IoU over the classes that occur (mIoU)."""
    return float(scores(matrix)["iou"].nanmean())


def primary_iou(matrix: Tensor) -> float:
    """The one number that a run is judged by: foreground IoU for two classes, mIoU for more."""
    return float(scores(matrix)["iou"][1]) if len(matrix) == 2 else mean_iou(matrix)


def score_table(matrix: Tensor, classes: Sequence[str]) -> pd.DataFrame:
    """Lay the scores of every class, their mean, and the share of its pixels out as a table."""
    table = pd.DataFrame({name: values.numpy() for name, values in scores(matrix).items()}, index=list(classes))
    table.loc["mean"] = table.mean()  # leaves NaN out
    table["pixels"] = [*(matrix.sum(dim=1) / matrix.sum()).tolist(), 1.0]
    return table


def best_threshold(probabilities: Tensor, target: Tensor, thresholds: Sequence[float]) -> float:
    """Return the threshold with the best foreground IoU over all pixels: float and int64 of one shape, 0, 1 or ignored.

    A pixel is foreground from the threshold on. Of equal ones the first is returned.
    """
    ious = [iou((probabilities >= t).long(), target, 2)[1].nan_to_num(-1) for t in thresholds]
    return float(thresholds[int(torch.stack(ious).argmax())])


def image_ious(prediction: Tensor, target: Tensor, num_classes: int, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """IoU of every image and class: int64 (N, H, W) twice -> float64 (N, num_classes), NaN where absent."""
    return torch.stack([iou(p, t, num_classes, ignore_index) for p, t in zip(prediction, target, strict=True)])


def average_precision(ious: Tensor, thresholds: Sequence[float] = THRESHOLDS) -> tuple[np.ndarray, np.ndarray]:
    """AP over IoU thresholds: IoUs (N, C) of N images -> (precision at each threshold (T, C), its mean (C,)).

    All pixels of a class in one image count as one detection. It is a hit at threshold t when its IoU is above zero
    and at least t, so precision(t) is hits / images in which the class occurs or was predicted. AP is the mean over
    the thresholds. No confidences enter: semantic masks have none for a whole region.
    """
    values = np.asarray(ious, dtype=np.float64)
    occurs = ~np.isnan(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        hits = [((values >= t - 1e-9) & (values > 0)).sum(axis=0) for t in thresholds]
        curve = np.stack(hits) / occurs.sum(axis=0)
    return curve, curve.mean(axis=0)


FAILURE = 0.5


def worst_images(ious: Tensor, limit: float = FAILURE) -> list[int]:
    """Return the images (numbers) with IoU <= `limit`, worst first: float (N,), where NaN is no failure."""
    order = torch.argsort(ious, stable=True).tolist()  # NaN comes last
    return [i for i in order if ious[i] <= limit]

"""Counting right and wrong pixels: nearly everything follows from one confusion matrix (notebook 7).

*Dataset level*: the counts of all images are summed first, then divided, so that every pixel counts alike. *Image
level*: an IoU for each image (`image_ious`), then the mean over images, so that every image counts alike.
"""

import math
from collections.abc import Sequence

import cv2
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


def boundary_counts(
    prediction: np.ndarray, target: np.ndarray, num_classes: int, ratio: float = 0.02, ignore_index: int = IGNORE_INDEX
) -> Tensor:
    """Count, for every class of one image, the pixels of both boundaries and of either: int64 (num_classes, 2).

    The boundary of a mask is a band along the inside of its outline, `ratio` of the image's diagonal wide. Summed over
    images, `boundary_iou` divides. Both masks are uint8 (H, W); ignored pixels are cut out of both first, so that the
    outline of either runs along them. Cheng et al. 2021, arXiv:2103.16562.
    """
    width = max(1, round(ratio * math.hypot(*target.shape)))
    prediction = np.where(target == ignore_index, ignore_index, prediction)
    counts = torch.zeros(num_classes, 2, dtype=torch.int64)
    for c in np.intersect1d(np.arange(num_classes), np.union1d(prediction, target)):
        a, b = boundary(prediction == c, width), boundary(target == c, width)
        counts[c] = torch.tensor([(a & b).sum(), (a | b).sum()])
    return counts


def boundary(mask: np.ndarray, width: int) -> np.ndarray:
    """Return the pixels of a mask, bool (H, W), that are at most `width` pixels from its outside or the frame."""
    framed = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.erode(framed, np.ones((3, 3), np.uint8), iterations=width)
    return mask & (inside[1:-1, 1:-1] == 0)


def boundary_iou(counts: Tensor) -> Tensor:
    """Boundary IoU of every class, float64 (C,), from summed `boundary_counts`; NaN where a class is in no mask."""
    return counts[:, 0].double() / counts[:, 1]


def calibration_bins(probabilities: Tensor, target: Tensor, bins: int = 15, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Sort pixels by the confidence of their prediction, and sum each bin: float64 (bins, 3), for adding over batches.

    Columns: pixels, their summed confidence, the right ones among them. probabilities: float (N, C, H, W), of which one
    channel means foreground against background; target: int64 (N, H, W). The bins cut 0 to 1 into equal parts.
    """
    p = torch.cat([1 - probabilities, probabilities], dim=1) if probabilities.shape[1] == 1 else probabilities
    confidence, prediction = p.max(dim=1)
    valid = target != ignore_index
    confidence, right = confidence[valid].double(), (prediction == target)[valid].double()
    index = (confidence * bins).long().clamp(max=bins - 1)
    columns = (torch.ones_like(right), confidence, right)
    return torch.stack([torch.bincount(index, column, minlength=bins) for column in columns], dim=1)


def calibration_error(bins: Tensor) -> float:
    """Expected calibration error, from summed `calibration_bins`: how far confidence and accuracy lie apart, 0 to 1.

    The mean over bins of |accuracy - mean confidence|, each weighted by its pixels (Guo et al. 2017, arXiv:1706.04599).
    """
    return float((bins[:, 2] - bins[:, 1]).abs().sum() / bins[:, 0].sum())


FAILURE = 0.5


def worst_images(ious: Tensor, limit: float = FAILURE) -> list[int]:
    """Return the images (numbers) with IoU <= `limit`, worst first: float (N,), where NaN is no failure."""
    order = torch.argsort(ious, stable=True).tolist()  # NaN comes last
    return [i for i in order if ious[i] <= limit]

"""What the report measures beside the metrics of the course: boundary IoU and calibration."""

import math

import cv2
import numpy as np
import torch
from torch import Tensor

from utils.images import IGNORE_INDEX


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

"""Why a class failed in an image: a guess from what can be measured (notebook 9)."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from utils.images import IGNORE_INDEX, shrunk_size

SMALL = 0.01  # share of the image
THIN = 6  # pixels, as the model sees the image
DARK = 60  # mean of 0 to 255
BAND = 0.02  # of the shorter side: so near to the frame is "at the border"
RARE = 0.2  # of the share that a class would have if all were equally common
SURE = 0.88  # confidence where truth and prediction differ, over that where they agree
SURE_AT_ALL = 0.7  # and at least this confident
EDGE = 0.1  # by how much one outline must follow the image's edges better than the other
EDGE_SIDE = 800  # pixels, longer side: at more, edges are measured on a smaller copy


class Reason(NamedTuple):
    """A kind of reason, to count them by, and the words with what was measured."""

    kind: str
    words: str


def guess_why(
    image: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    class_id: int,
    classes: Sequence[str],
    confidence: np.ndarray | None = None,
    shares: np.ndarray | None = None,
    seen: tuple[int, int] | None = None,
) -> str:
    """Guess, from measurements, why a class failed in an image: the words of `find_reasons`, joined by commas."""
    found = find_reasons(image, truth, prediction, class_id, classes, confidence, shares, seen)
    return ", ".join(reason.words for reason in found)


def find_reasons(
    image: np.ndarray,
    truth: np.ndarray,
    prediction: np.ndarray,
    class_id: int,
    classes: Sequence[str],
    confidence: np.ndarray | None = None,
    shares: np.ndarray | None = None,
    seen: tuple[int, int] | None = None,
) -> list[Reason]:
    """Name what often goes with failure and was measured here; "borders" alone where nothing stands out.

    image: uint8 (H, W, 3). truth, prediction: class ids, uint8 (H, W); 255 in the truth is ignored.
    confidence: probability of the predicted class, float (H, W); without it no annotation is doubted.
    shares: share of the training pixels of each class, float (C,); without it no class is called rare.
    seen: (height, width) at which the model sees the image; without it, its own size.
    """
    labelled = truth != IGNORE_INDEX
    region, found = truth == class_id, (prediction == class_id) & labelled
    if region.any():
        reasons = _of_region(image, region, labelled, seen) + _of_errors(prediction, region, found, classes)
    else:
        reasons = [_where_none(truth, found, labelled, classes)]
    if shares is not None and shares[class_id] < RARE / len(classes):
        share = shares[class_id]
        words = f"rare ({share:.1%} of the training pixels)" if share else "not in the training masks at all"
        reasons.append(Reason("rare", words))
    if confidence is not None:
        reasons += _of_annotation(image, region, found, labelled, prediction == truth, confidence)
    return reasons or [Reason("borders", "borders drawn differently")]


def _of_region(
    image: np.ndarray, region: np.ndarray, labelled: np.ndarray, seen: tuple[int, int] | None
) -> list[Reason]:
    """Measure the true region itself: small, thin, dark, at the border."""
    reasons = []
    scale = min(1.0, *(s / own for s, own in zip(seen or region.shape, region.shape, strict=True)))
    share = region.sum() / labelled.sum()
    if share < SMALL:
        reasons.append(Reason("small", f"small ({share:.1%} of the image)"))
    thickness = _thickness(region)
    if thickness * scale < THIN:
        to_model = f", {thickness * scale:.1f} as the model sees it" if scale < 1 else ""
        reasons.append(Reason("thin", f"thin ({thickness:.0f} px{to_model})"))
    brightness = image[region].mean()
    if brightness < DARK:
        reasons.append(Reason("dark", f"dark (brightness {brightness:.0f} of 255)"))
    band = max(8, round(BAND * min(region.shape)))
    inner = region[band:-band, band:-band].sum()
    if inner < 0.5 * region.sum() and min(region.shape) > 4 * band:
        reasons.append(Reason("at the border", "cut by the border"))
    return reasons


def _thickness(region: np.ndarray) -> float:
    """Return the width in pixels of a region, bool (H, W), where it is widest; the frame does not bound it."""
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    part = region[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    if part.all():
        return float(min(part.shape))
    return 2 * float(cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5).max())


def _of_errors(prediction: np.ndarray, region: np.ndarray, found: np.ndarray, classes: Sequence[str]) -> list[Reason]:
    """Measure what was predicted in its place, and how much of it elsewhere."""
    reasons, size = [], region.sum()
    missed = np.bincount(prediction[region & ~found], minlength=len(classes))
    if len(classes) > 2 and missed.max() > 0.3 * size:
        reasons.append(Reason("confused", f"taken for {classes[missed.argmax()]} ({missed.max() / size:.0%})"))
    elif missed.sum() > 0.3 * size:
        reasons.append(Reason("missed", f"{missed.sum() / size:.0%} of it missed"))
    extra = (found & ~region).sum()
    if extra > 0.5 * size:
        reasons.append(Reason("found elsewhere", f"predicted {extra / size:.1f} times its size elsewhere"))
    return reasons


def _where_none(truth: np.ndarray, found: np.ndarray, labelled: np.ndarray, classes: Sequence[str]) -> Reason:
    """Say how much was predicted of a class that is not there, and what is there."""
    words = "predicted where there is none"
    if not found.any():
        return Reason("not there", words)
    there = np.bincount(truth[found], minlength=len(classes))
    share = found.sum() / labelled.sum()
    return Reason("not there", f"{words} ({share:.2%} of the image; most of it is {classes[there.argmax()]})")


def _of_annotation(
    image: np.ndarray,
    region: np.ndarray,
    found: np.ndarray,
    labelled: np.ndarray,
    right: np.ndarray,
    confidence: np.ndarray,
) -> list[Reason]:
    """Doubt the annotation where the model is sure of its error, and the truth's outline follows no edge.

    A model that errs usually hesitates: its confidence is lower there than where it is right. Where it is not, the
    truth may be wrong; unless its outline follows the edges of the image better than that of the prediction. Wrong
    labels as confident disagreement: Northcutt et al. 2021, arXiv:1911.00068.

    Measured on annotations taken off or moved on purpose: 810 of 830 were doubted in the drawn scenes, 70 of 80 in
    photographs of people (IoU 0.58), 51 of 76 in streets (mIoU 0.20). Of the failures with the true annotation 0 of
    10, 1 of 18 and 2 of 129 were. The thresholds come from the first two sets.
    """
    wrong, right = (region != found) & labelled, right & labelled
    if not wrong.any() or not right.any():
        return []
    sure, usually = float(confidence[wrong].mean()), float(confidence[right].mean())
    drawn, predicted = edge_ranks(image, region, found)
    gain = predicted - drawn  # NaN where one outline has nothing that the other has not: then confidence alone counts
    if sure < max(SURE * usually, SURE_AT_ALL) or gain < -EDGE:
        return []
    words = f"odd annotation? the model is {sure:.0%} sure"
    words += ", and its outline follows the edges of the image better" if gain > EDGE else ""
    return [Reason("odd annotation?", words)]


def edge_ranks(image: np.ndarray, region: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Say how well each of two outlines follows the edges of an image, where they part: (true, predicted).

    Each is the mean rank, 0 to 1, of the image's gradient along an outline: 0.5 is chance. NaN where an outline has
    fewer than 10 pixels away from the other.
    """
    height, width = shrunk_size(*region.shape, EDGE_SIDE)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    lines = [_outline(cv2.resize(m.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT))
             for m in (region, found)]  # fmt: skip
    soft = cv2.GaussianBlur(image, (0, 0), 1)
    slopes = np.hypot(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)).max(axis=2)
    slopes = cv2.dilate(slopes, np.ones((5, 5), np.uint8))  # an outline may run two pixels beside its edge
    ordered = np.sort(slopes, axis=None)
    ranks = []
    for own, other in (lines, lines[::-1]):
        apart = slopes[(own > 0) & (cv2.dilate(other, np.ones((9, 9), np.uint8)) == 0)]
        ranks.append(float(np.searchsorted(ordered, apart).mean() / ordered.size) if apart.size >= 10 else float("nan"))
    return ranks[0], ranks[1]


def _outline(mask: np.ndarray) -> np.ndarray:
    """Return the pixels beside a border of a mask, uint8 (H, W) of 0 and 1 twice; the frame is no border."""
    return cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)

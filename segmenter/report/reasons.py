"""Why a class failed in an image: a guess from what can be measured (notebook 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from utils.errors import Counting
from utils.images import IGNORE_INDEX, shrunk_size

SMALL_SHARE = 0.01  # of the image
THIN_WIDTH = 6  # pixels, as the model sees the image
DARK_MEAN = 60  # of 0 to 255
BORDER_BAND = 0.02  # of the shorter side: a region that lies mostly within this band is at the border
RARE_SHARE = 0.2  # of the share that a class would have if all were equally common
RELATIVE_CONFIDENCE = 0.88  # confidence where truth and prediction differ, over that where they agree
LEAST_CONFIDENCE = 0.7  # where truth and prediction differ, for the annotation to be doubted
EDGE_MARGIN = 0.1  # by how much one outline must follow the image's edges better than the other
EDGE_SIDE = 800  # pixels, longer side: at more, edges are measured on a smaller copy
LEAST_OUTLINE = 10  # pixels of an outline away from the other one; from fewer nothing is concluded


class Reason(NamedTuple):
    """A kind of reason, to count them by, and the words with what was measured."""

    kind: str
    words: str


@dataclass(frozen=True)
class PredictedImage:
    """An image with its truth and its prediction.

    Attributes:
        image: uint8 (H, W, 3).
        truth, prediction: class ids, uint8 (H, W); 255 in the truth is ignored.
        classes: the names of the classes.
        confidence: probability of the predicted class, float (H, W); without it no annotation is doubted.
        training_shares: share of the training pixels of each class, float (C,); without it no class is called rare.
        model_size: (height, width) at which the model sees the image; without it, its own size.
    """

    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    classes: Sequence[str]
    confidence: np.ndarray | None = None
    training_shares: np.ndarray | None = None
    model_size: tuple[int, int] | None = None

    @cached_property
    def labelled(self) -> np.ndarray:
        """Where the truth is known: bool (H, W)."""
        return self.truth != IGNORE_INDEX


def guess_why(predicted: PredictedImage, class_id: int) -> str:
    """Guess, from measurements, why a class failed in an image: the words of `find_reasons`, joined by commas."""
    return ", ".join(reason.words for reason in find_reasons(predicted, class_id))


def find_reasons(predicted: PredictedImage, class_id: int) -> list[Reason]:
    """Name what often goes with failure and was measured here; "borders" alone where nothing stands out."""
    region = predicted.truth == class_id
    found = (predicted.prediction == class_id) & predicted.labelled
    if region.any():
        reasons = _region_reasons(predicted, region) + _error_reasons(predicted, region, found)
    else:
        reasons = [_absent_class_reason(predicted, found)]
    shares = predicted.training_shares
    if shares is not None and shares[class_id] < RARE_SHARE / len(predicted.classes):
        share = shares[class_id]
        words = f"rare ({share:.1%} of the training pixels)" if share else "not in the training masks at all"
        reasons.append(Reason("rare", words))
    if predicted.confidence is not None:
        reasons += _annotation_reasons(predicted, region, found)
    return reasons or [Reason("borders", "borders drawn differently")]


def _region_reasons(predicted: PredictedImage, region: np.ndarray) -> list[Reason]:
    """Measure the true region itself, bool (H, W): is it small, thin, dark, or at the border?"""
    reasons = []
    share = region.sum() / predicted.labelled.sum()
    if share < SMALL_SHARE:
        reasons.append(Reason("small", f"small ({share:.1%} of the image)"))
    model_size = predicted.model_size or region.shape
    scale = min(1.0, *(seen / own for seen, own in zip(model_size, region.shape, strict=True)))
    thickness = _thickness(region)
    if thickness * scale < THIN_WIDTH:
        to_model = f", {thickness * scale:.1f} as the model sees it" if scale < 1 else ""
        reasons.append(Reason("thin", f"thin ({thickness:.0f} px{to_model})"))
    brightness = predicted.image[region].mean()
    if brightness < DARK_MEAN:
        reasons.append(Reason("dark", f"dark (brightness {brightness:.0f} of 255)"))
    band = max(8, round(BORDER_BAND * min(region.shape)))
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


def _error_reasons(predicted: PredictedImage, region: np.ndarray, found: np.ndarray) -> list[Reason]:
    """Measure what was predicted in place of the true region, and how much of the class was found elsewhere."""
    reasons, classes, size = [], predicted.classes, region.sum()
    missed = np.bincount(predicted.prediction[region & ~found], minlength=len(classes))
    if len(classes) > 2 and missed.max() > 0.3 * size:
        reasons.append(Reason("confused", f"taken for {classes[missed.argmax()]} ({missed.max() / size:.0%})"))
    elif missed.sum() > 0.3 * size:
        reasons.append(Reason("missed", f"{missed.sum() / size:.0%} of it missed"))
    extra = (found & ~region).sum()
    if extra > 0.5 * size:
        reasons.append(Reason("found elsewhere", f"predicted {extra / size:.1f} times its size elsewhere"))
    return reasons


def _absent_class_reason(predicted: PredictedImage, found: np.ndarray) -> Reason:
    """Say how much was predicted, bool (H, W), of a class that is not there, and what is there."""
    words = "predicted where there is none"
    if not found.any():
        return Reason("not there", words)
    counts = np.bincount(predicted.truth[found], minlength=len(predicted.classes))
    share = found.sum() / predicted.labelled.sum()
    mostly = predicted.classes[counts.argmax()]
    pixels = Counting().format("{0:pixel|pixels}", found.sum())
    amount = f"{share:.2%} of the image" if share >= 5e-5 else pixels  # a share would be rounded to zero
    return Reason("not there", f"{words} ({amount}; most of it is {mostly})")


def _annotation_reasons(predicted: PredictedImage, region: np.ndarray, found: np.ndarray) -> list[Reason]:
    """Doubt the annotation where the model is sure of its error, and the truth's outline follows no edge.

    A model that errs usually hesitates: its confidence is lower there than where it is right. Where it is not, the
    truth may be wrong; unless its outline follows the edges of the image better than that of the prediction. Wrong
    labels as confident disagreement: Northcutt et al. 2021, arXiv:1911.00068.

    Measured on annotations taken off or moved on purpose: 810 of 830 were doubted in the drawn scenes, 70 of 80 in
    photographs of people (IoU 0.58), 51 of 76 in streets (mIoU 0.20). Of the failures with the true annotation 0 of
    10, 1 of 18 and 2 of 129 were. The thresholds come from the first two sets.
    """
    wrong = (region != found) & predicted.labelled
    right = (predicted.prediction == predicted.truth) & predicted.labelled
    if not wrong.any() or not right.any():
        return []
    where_wrong = float(predicted.confidence[wrong].mean())
    where_right = float(predicted.confidence[right].mean())
    true_rank, predicted_rank = edge_ranks(predicted.image, region, found)
    gain = predicted_rank - true_rank  # NaN where an outline has nothing of its own: then confidence alone counts
    if where_wrong < max(RELATIVE_CONFIDENCE * where_right, LEAST_CONFIDENCE) or gain < -EDGE_MARGIN:
        return []
    words = f"odd annotation? the model is {where_wrong:.0%} sure"
    words += ", and its outline follows the edges of the image better" if gain > EDGE_MARGIN else ""
    return [Reason("odd annotation?", words)]


def edge_ranks(image: np.ndarray, region: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Measure how well the outlines of two regions, bool (H, W), follow the edges of an image where they part.

    Each number is the mean rank, 0 to 1, of the image's gradient along an outline: 0.5 is chance. NaN where an outline
    has fewer than 10 pixels away from the other.
    """
    height, width = shrunk_size(*region.shape, EDGE_SIDE)
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(image, (0, 0), 1)
    gradient = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)).max(axis=2)
    gradient = cv2.dilate(gradient, np.ones((5, 5), np.uint8))  # an outline may run two pixels beside its edge
    ordered = np.sort(gradient, axis=None)
    outlines = [_outline(region, (width, height)), _outline(found, (width, height))]
    ranks = []
    for own, other in (outlines, outlines[::-1]):
        apart = gradient[(own > 0) & (cv2.dilate(other, np.ones((9, 9), np.uint8)) == 0)]
        rank = np.searchsorted(ordered, apart).mean() / ordered.size if apart.size >= LEAST_OUTLINE else np.nan
        ranks.append(float(rank))
    return ranks[0], ranks[1]


def _outline(region: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the pixels beside a border of a region, bool (H, W), brought to (width, height); the frame is no border.

    The result is uint8 of that size, 0 and 1.
    """
    resized = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST_EXACT)
    return cv2.morphologyEx(resized, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)

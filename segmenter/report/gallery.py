"""The gallery of failures: every image with a class at IoU <= 0.5, with pictures and reasons (notebook 9)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from segmenter.html import jpeg
from segmenter.report.reasons import Reason, find_reasons
from utils.images import IGNORE_INDEX, shrink_pair
from utils.inference import Prediction, Predictor, seen_size
from utils.metrics import FAILURE
from utils.plots import Palette, overlay

THUMBNAIL = 320  # pixels, longer side
PICTURES = 200  # cards with pictures; all others are listed in words
MISSED, EXTRA, RIGHT = (213, 94, 0), (0, 114, 178), (120, 120, 120)


@dataclass(frozen=True)
class FailedClass:
    """One class at IoU <= 0.5 in one image, with what was measured there."""

    name: str
    iou: float
    reasons: list[Reason]


@dataclass
class Card:
    """One image of the gallery.

    Attributes:
        index: its place among the pairs of the split.
        size: (height, width) of the image itself.
        failed: its failed classes, worst first.
        pictures: name -> (JPEG of at most 320 px, words for who cannot see it); empty beyond the limit of the gallery.
    """

    index: int
    size: tuple[int, int]
    failed: list[FailedClass]
    pictures: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    @property
    def worst(self) -> tuple[float, int, int]:
        """What cards are sorted by: the lowest IoU, then the most failed classes, then the order of the split."""
        return self.failed[0].iou, -len(self.failed), self.index


class Gallery:
    """Collects failures while a split is predicted: `report_split(predictor, source, watch=gallery.add)`.

    Nothing is predicted twice, and nothing large is kept: an image leaves four small JPEGs behind (about 50 KB), and
    only the worst `pictures` images leave them.
    """

    def __init__(
        self, predictor: Predictor, shares: np.ndarray | None = None, limit: float = FAILURE, pictures: int = PICTURES
    ) -> None:
        self.classes, self.palette, self.config = predictor.classes, predictor.palette, predictor.config
        self.shares, self.limit, self.pictures = shares, limit, pictures
        self._cards: list[Card] = []

    @property
    def cards(self) -> list[Card]:
        """Every image with a failed class, worst first."""
        return sorted(self._cards, key=lambda card: card.worst)

    def add(self, index: int, image: np.ndarray, truth: np.ndarray, found: Prediction, ious: Tensor) -> None:
        """Look at an image, uint8 (H, W, 3), its ids, uint8 (H, W), what was found, and the IoU of each class, (C,)."""
        first = 1 if len(self.classes) == 2 else 0
        wrong = [c for c in ious.argsort(stable=True).tolist() if c >= first and ious[c] <= self.limit]
        if not wrong:
            return
        sure, seen = confidence(found), seen_size(self.config, truth.shape)
        measured = (image, truth, found.mask)
        reasons = [find_reasons(*measured, c, self.classes, sure, self.shares, seen) for c in wrong]
        failed = [FailedClass(self.classes[c], float(ious[c]), why) for c, why in zip(wrong, reasons, strict=True)]
        card = Card(index, truth.shape, failed)
        self._cards.append(card)
        if card in self.cards[: self.pictures]:
            card.pictures = draw(*measured, wrong, self.classes, self.palette)
            for better in self.cards[self.pictures :]:
                better.pictures = {}


def confidence(found: Prediction) -> np.ndarray:
    """Return the probability of what was predicted, float32 (H, W), whatever the threshold of one class."""
    p = found.probabilities
    return p.max(axis=0) if len(p) > 1 else np.where(found.mask == 1, p[0], 1 - p[0])


def draw(
    image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, wrong: Sequence[int], classes: Sequence[str],
    palette: Palette,
) -> dict[str, tuple[bytes, str]]:  # fmt: skip
    """Draw the four pictures of a card, each as a JPEG with words: image, truth, prediction, errors."""
    both = np.stack([truth, prediction], axis=2)
    words = [shares_in_words(mask, classes) for mask in (truth, np.where(truth == IGNORE_INDEX, truth, prediction))]
    missed, extra, _ = error_areas(truth, prediction, wrong)
    counted = max(int((truth != IGNORE_INDEX).sum()), 1)
    names = " and ".join(classes[c] for c in wrong[:3]) + (" and others" if len(wrong) > 3 else "")
    errors = f"{names}: {missed.sum() / counted:.1%} of the image missed, {extra.sum() / counted:.1%} too much"
    size = f"{image.shape[1]} x {image.shape[0]} pixels"
    image, both = shrink_pair(image, both, THUMBNAIL)
    truth, prediction = both[..., 0], both[..., 1]
    return {
        "image": (jpeg(image), size),
        "truth": (jpeg(overlay(image, truth, palette)), words[0]),
        "prediction": (jpeg(overlay(image, prediction, palette)), words[1]),
        "errors": (jpeg(error_map(image, truth, prediction, wrong)), errors),
    }


def error_areas(
    truth: np.ndarray, prediction: np.ndarray, wrong: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where pixels of some classes were missed, predicted too much, and found: bool (H, W) three times.

    Where one of them was taken for another, it counts as missed. Ignored pixels are in none.
    """
    labelled = truth != IGNORE_INDEX
    wanted, got = np.isin(truth, wrong), np.isin(prediction, wrong) & labelled
    right = wanted & (truth == prediction)
    missed = wanted & ~right
    return missed, got & ~right & ~missed, right


def error_map(image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, wrong: Sequence[int]) -> np.ndarray:
    """Paint errors over the pale image: orange missed, blue predicted too much, grey right; uint8 (H, W, 3)."""
    painted = 255 - (255 - image) // 3
    for area, colour in zip(error_areas(truth, prediction, wrong), (MISSED, EXTRA, RIGHT), strict=True):
        painted[area] = colour
    return painted


def shares_in_words(mask: np.ndarray, classes: Sequence[str], most: int = 4) -> str:
    """Say which classes cover a mask: 'road 61 %, car 8 %', without what is below half a per cent."""
    counts = np.bincount(mask[mask != IGNORE_INDEX], minlength=len(classes))
    shares = counts / max(counts.sum(), 1)
    order = [c for c in np.argsort(-shares, kind="stable")[:most] if shares[c] >= 0.005]
    return ", ".join(f"{classes[c]} {shares[c]:.0%}" for c in order)

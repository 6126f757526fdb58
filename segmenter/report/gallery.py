"""The gallery of failures: every image with a class at IoU <= 0.5, with small images and reasons (notebook 9)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from segmenter.html import jpeg
from segmenter.report.reasons import PredictedImage, Reason, find_reasons
from utils.images import IGNORE_INDEX, shrink_pair
from utils.inference import Prediction, Predictor, seen_size
from utils.metrics import FAILURE
from utils.plots import Palette, overlay

THUMBNAIL = 320  # pixels, longer side
MOST_DRAWN = 200  # cards with images; all others are listed in words
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
        images: title -> (JPEG of at most 320 px, words for whoever cannot see it); empty beyond the limit of the
            gallery.
    """

    index: int
    size: tuple[int, int]
    failed: list[FailedClass]
    images: dict[str, tuple[bytes, str]] = field(default_factory=dict)

    @property
    def sort_key(self) -> tuple[float, int, int]:
        """The lowest IoU, then the most failed classes, then the order of the split."""
        return self.failed[0].iou, -len(self.failed), self.index


class Gallery:
    """Collects failures while a split is predicted: `report_split(predictor, source, on_image=gallery.add)`.

    Nothing is predicted twice, and nothing large is kept: an image leaves four small JPEGs behind (about 50 KB), and
    only the worst `most_drawn` images leave them.
    """

    def __init__(
        self,
        predictor: Predictor,
        training_shares: np.ndarray | None = None,
        limit: float = FAILURE,
        most_drawn: int = MOST_DRAWN,
    ) -> None:
        self.classes, self.palette, self.config = predictor.classes, predictor.palette, predictor.config
        self.training_shares, self.limit, self.most_drawn = training_shares, limit, most_drawn
        self._cards: list[Card] = []

    @property
    def cards(self) -> list[Card]:
        """Every image with a failed class, worst first."""
        return sorted(self._cards, key=lambda card: card.sort_key)

    def add(self, index: int, image: np.ndarray, truth: np.ndarray, prediction: Prediction, ious: Tensor) -> None:
        """Measure and draw an image, uint8 (H, W, 3), with its ids, uint8 (H, W), and the IoU of each class, (C,)."""
        first = 1 if len(self.classes) == 2 else 0
        wrong = [c for c in ious.argsort(stable=True).tolist() if c >= first and ious[c] <= self.limit]
        if not wrong:
            return
        model_size = seen_size(self.config, truth.shape)
        predicted = PredictedImage(
            image, truth, prediction.mask, self.classes, confidence(prediction), self.training_shares, model_size
        )
        failed = [FailedClass(self.classes[c], float(ious[c]), find_reasons(predicted, c)) for c in wrong]
        card = Card(index, truth.shape, failed)
        self._cards.append(card)
        if card in self.cards[: self.most_drawn]:
            card.images = draw_images(predicted, wrong, self.palette)
            for better_than_shown in self.cards[self.most_drawn :]:
                better_than_shown.images = {}


def confidence(prediction: Prediction) -> np.ndarray:
    """Return the probability of what was predicted, float32 (H, W), whatever the threshold of one class."""
    p = prediction.probabilities
    return p.max(axis=0) if len(p) > 1 else np.where(prediction.mask == 1, p[0], 1 - p[0])


def draw_images(predicted: PredictedImage, wrong: Sequence[int], palette: Palette) -> dict[str, tuple[bytes, str]]:
    """Draw the four images of a card, each as a JPEG with words: image, truth, prediction, errors."""
    image, truth, prediction, classes = predicted.image, predicted.truth, predicted.prediction, predicted.classes
    labelled_pixels = max(int(predicted.labelled.sum()), 1)
    missed, extra, _ = error_areas(truth, prediction, wrong)
    names = " and ".join(classes[c] for c in wrong[:3]) + (" and others" if len(wrong) > 3 else "")
    words = {
        "image": f"{image.shape[1]} x {image.shape[0]} pixels",
        "truth": shares_in_words(truth, classes),
        "prediction": shares_in_words(np.where(predicted.labelled, prediction, IGNORE_INDEX), classes),
        "errors": f"{names}: {missed.sum() / labelled_pixels:.1%} of the image missed, "
        f"{extra.sum() / labelled_pixels:.1%} too much",
    }
    image, masks = shrink_pair(image, np.stack([truth, prediction], axis=2), THUMBNAIL)
    truth, prediction = masks[..., 0], masks[..., 1]
    drawn = {
        "image": image,
        "truth": overlay(image, truth, palette),
        "prediction": overlay(image, prediction, palette),
        "errors": error_map(image, truth, prediction, wrong),
    }
    return {title: (jpeg(pixels), words[title]) for title, pixels in drawn.items()}


def error_areas(
    truth: np.ndarray, prediction: np.ndarray, wrong: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where pixels of some classes were missed, predicted too much, and found: bool (H, W) three times.

    Where one of them was taken for another, it counts as missed. Ignored pixels are in none.
    """
    labelled = truth != IGNORE_INDEX
    true_area, predicted_area = np.isin(truth, wrong), np.isin(prediction, wrong) & labelled
    right = true_area & (truth == prediction)
    missed = true_area & ~right
    return missed, predicted_area & ~right & ~missed, right


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

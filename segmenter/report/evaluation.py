"""All that is measured about a model on one split: scores, failures and their reasons."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from segmenter.evaluation import SplitReport, report_split
from segmenter.report.gallery import MOST_DRAWN, Gallery
from utils.catalog.base import Source
from utils.checkpoint import LOCAL_FIELDS
from utils.errors import DataError
from utils.inference import Predictor

MOST_MASKS = 300  # masks of the training split that are read to tell which classes are rare


@dataclass
class Evaluation:
    """All that is known about a model on one split.

    Attributes:
        scores: every score, and the counts that it comes from.
        gallery: the failures, with their reasons.
        about: what was evaluated: model, config, data set, split, facts of the run; plain types.
    """

    scores: SplitReport
    gallery: Gallery
    about: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The result in two sentences."""
        classes, split, limit = self.scores.classes, self.about["split"], self.gallery.limit
        if len(classes) == 2:
            result, failing = f"IoU {self.scores.score:.3f} for {classes[1]}.", classes[1]
        else:
            ious, failing = self.scores.table["iou"].drop("mean").dropna(), "a class"
            result = (
                f"mIoU {self.scores.score:.3f}: best {ious.idxmax()} ({ious.max():.3f}), "
                f"weakest {ious.idxmin()} ({ious.min():.3f})."
            )
        failed = len(self.gallery.cards)
        if not failed:
            return f"{result} No {split} image has {failing} at IoU {limit:g} or less."
        return f"{result} {failed} of {len(self.scores.pairs)} {split} images have {failing} at IoU {limit:g} or less."

    @property
    def causes(self) -> dict[str, int]:
        """How many failures each kind of reason goes with, the most common first."""
        kinds = Counter(
            reason.kind for card in self.gallery.cards for failed in card.failed for reason in failed.reasons
        )
        return dict(kinds.most_common())

    def __str__(self) -> str:
        causes = ", ".join(f"{kind} {count}" for kind, count in self.causes.items())
        return f"{self.verdict}\n{self.scores}" + (f"\nFailures go with (how many of them): {causes}" if causes else "")


def evaluate_run(
    predictor: Predictor,
    source: Source,
    split: str = "test",
    run_facts: dict[str, Any] | None = None,
    most_drawn: int = MOST_DRAWN,
) -> Evaluation:
    """Predict every image of a split once: scores, failures and their reasons.

    run_facts: what the header of the weights says beside config and classes (`load_weights(path)[1]["facts"]`).
    most_drawn: how many of the worst images are drawn in the gallery; all others are listed.
    Raises DataError for an empty split, a faulty pair, or a data set of other classes.
    """
    if tuple(predictor.classes) != tuple(source.classes):
        raise DataError(
            f"The model knows {', '.join(predictor.classes)}, but '{source.name}' in {source.root} has "
            f"{', '.join(source.classes)}. Evaluate it on the same classes; a folder names its own in a classes.csv."
        )
    shares, masks = training_shares(source)
    gallery = Gallery(predictor, shares, most_drawn=most_drawn)
    scores = report_split(predictor, source, split, gallery.add)
    about = {
        "model": predictor.config.model,
        "data_set": source.name,
        "variant": source.variant,
        "license": source.license,
        "home": source.home,
        "split": split,
        "threshold": predictor.threshold if len(source.classes) == 2 else None,
        "flips": predictor.flips,
        "scales": list(predictor.scales),
        "tile": predictor.tile,
        "training_masks_counted": masks,
        "training_shares": None if shares is None else dict(zip(source.classes, shares.tolist(), strict=True)),
        "facts": run_facts or {},
        "config": predictor.config.model_dump(mode="json", exclude=LOCAL_FIELDS),
        "images": [source.relative(pair.image) for pair in scores.pairs],
    }
    return Evaluation(scores, gallery, about)


def training_shares(source: Source, most: int = MOST_MASKS) -> tuple[np.ndarray | None, int]:
    """Return the share of each class in the training pixels, float64 (C,), and of how many masks; None without any.

    At most `most` masks are read, evenly spread over the split, since shares need no more. Faulty ones are passed
    over: the check of the data set names them.
    """
    pairs = source.assigned()["train"]
    counts, read = np.zeros(len(source.classes), np.int64), 0
    for index in np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int)):
        pair = pairs[index]
        try:
            ids = source.read_ids(pair.mask)
        except DataError:
            continue
        counts += np.bincount(ids[(ids >= 0) & (ids < len(counts))], minlength=len(counts))
        read += 1
    return (counts / counts.sum(), read) if counts.any() else (None, 0)

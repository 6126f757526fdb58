"""The test report: every number as JSON, and one HTML page with charts and the gallery of failures (notebook 9)."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.evaluation import SplitReport, report_split
from segmenter.report.gallery import PICTURES, Gallery
from segmenter.report.numbers import numbers
from segmenter.report.page import render
from utils.catalog.base import Source
from utils.checkpoint import LOCAL_FIELDS
from utils.errors import DataError
from utils.files import write_atomically
from utils.images import read_mask
from utils.inference import Predictor

MASKS = 300  # of the training split, at most, are read to tell which classes are rare


@dataclass
class Evaluation:
    """All that is known about a model on one split.

    Attributes:
        about: what was evaluated: model, config, data set, split, facts of the run; plain types.
    """

    scores: SplitReport
    gallery: Gallery
    about: dict[str, Any]

    @property
    def verdict(self) -> str:
        """The result in two sentences."""
        classes, count = self.scores.classes, len(self.scores.pairs)
        values = self.scores.table["iou"].drop("mean").dropna()
        if len(classes) == 2:
            first = f"IoU {self.scores.score:.3f} for {classes[1]}"
        else:
            first = f"mIoU {self.scores.score:.3f}: best {values.idxmax()} ({values.max():.3f}), "
            first += f"weakest {values.idxmin()} ({values.min():.3f})"
        failed = len(self.gallery.cards)
        what = classes[1] if len(classes) == 2 else "a class"
        share = (
            f"{failed} of {count} {self.about['split']} images have"
            if failed
            else f"No {self.about['split']} image has"
        )
        return f"{first}. {share} {what} at IoU {self.gallery.limit:g} or less."

    @property
    def causes(self) -> dict[str, int]:
        """How many failures each kind of reason goes with, the most common first."""
        kinds = Counter(r.kind for card in self.gallery.cards for failed in card.failed for r in failed.reasons)
        return dict(kinds.most_common())

    def __str__(self) -> str:
        causes = ", ".join(f"{kind} {count}" for kind, count in self.causes.items())
        return f"{self.verdict}\n{self.scores}" + (f"\nFailures go with: {causes}" if causes else "")

    def save_json(self, path: Path) -> Path:
        """Write every number to `path`, whole or not at all, and return the path. What cannot be divided is null."""
        return _write(path, json.dumps(numbers(self), indent=1, allow_nan=False).encode())

    def save_html(self, path: Path) -> Path:
        """Write the page to `path`, whole or not at all, and return the path. It needs no network and no other file."""
        return _write(path, render(self).encode("utf-8", "backslashreplace"))  # a file name may hold any bytes


def evaluate_run(
    predictor: Predictor,
    source: Source,
    split: str = "test",
    facts: dict[str, Any] | None = None,
    pictures: int = PICTURES,
) -> Evaluation:
    """Predict every image of a split once: scores, failures and their reasons.

    facts: what the header of the weights says beside config and classes (`load_weights(path)[1]["facts"]`).
    pictures: how many of the worst images are shown in the gallery; all others are listed.
    Raises DataError for an empty split, a faulty pair, or a data set of other classes.
    """
    if tuple(predictor.classes) != tuple(source.classes):
        raise DataError(
            f"The model knows {', '.join(predictor.classes)}, but '{source.name}' in {source.root} has "
            f"{', '.join(source.classes)}. Evaluate it on a data set of its own classes."
        )
    shares, masks = training_shares(source)
    gallery = Gallery(predictor, shares, pictures=pictures)
    scores = report_split(predictor, source, split, gallery.add)
    config = predictor.config.model_dump(mode="json", exclude=LOCAL_FIELDS)
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
        "facts": facts or {},
        "config": config,
        "images": [source.relative(pair.image) for pair in scores.pairs],
    }
    return Evaluation(scores, gallery, about)


def training_shares(source: Source, most: int = MASKS) -> tuple[np.ndarray | None, int]:
    """Return the share of each class in the training pixels, float64 (C,), and of how many masks; None without any.

    At most `most` masks are read, evenly spread over the split, since shares need no more. Faulty ones are passed
    over: the check of the data set names them.
    """
    pairs = source.assigned()["train"]
    counts, read = np.zeros(len(source.classes), np.int64), 0
    for index in np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).astype(int)):
        pair = pairs[index]
        try:
            ids = source.decode(read_mask(pair.mask), pair.mask)
        except DataError:
            continue
        counts += np.bincount(ids[(ids >= 0) & (ids < len(counts))], minlength=len(counts))
        read += 1
    return (counts / counts.sum(), read) if counts.any() else (None, 0)


def _write(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot make the folder {path.parent}: {error.strerror}. Choose another file.") from None
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
    return path

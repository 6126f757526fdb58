"""How good a model is on a split, at the images' own size, and in which images it fails (notebook 9)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from segmenter.metrics import boundary_counts, boundary_iou, calibration_bins, calibration_error
from segmenter.words import counted
from utils.catalog.base import Pair, Source
from utils.dataset import read_pair
from utils.inference import Prediction, Predictor
from utils.metrics import (
    FAILURE,
    average_precision,
    confusion_matrix,
    iou,
    mean_iou,
    pixel_accuracy,
    primary_iou,
    score_table,
    worst_images,
)

# Called for every image while a split is predicted: index, image, truth, prediction, IoU of each class.
OnImage = Callable[[int, np.ndarray, np.ndarray, Prediction, Tensor], object]


@dataclass
class SplitReport:
    """Scores over a split, at the images' own size.

    Attributes:
        matrix: pixel counts, int64 (C, C), row = truth.
        ious: IoU of each image and class, float64 (N, C), NaN where a class is absent.
        boundary_counts: boundary pixels of each class, int64 (C, 2): in both, in either.
        calibration_bins: pixels by confidence, float64 (15, 3): how many, summed confidence, right ones.
    """

    classes: tuple[str, ...]
    pairs: list[Pair]
    matrix: Tensor
    ious: Tensor
    boundary_counts: Tensor
    calibration_bins: Tensor

    @property
    def score(self) -> float:
        """Foreground IoU for one class, mIoU for several."""
        return primary_iou(self.matrix)

    @property
    def table(self) -> pd.DataFrame:
        """Scores of each class, and their means.

        Dataset level: 'iou', 'dice' (F1), 'precision', 'recall', 'boundary_iou', and the share of 'pixels'.
        Image level: 'image_iou', the mean over the images with the class, and 'AP', over IoU thresholds.
        """
        table = score_table(self.matrix, self.classes)
        columns = {
            "boundary_iou": boundary_iou(self.boundary_counts),
            "image_iou": self.ious.nanmean(dim=0),
            "AP": average_precision(self.ious)[1],
        }
        for place, (name, column) in enumerate(columns.items(), start=4):
            values = np.asarray(column)
            table.insert(place, name, [*values, np.nanmean(values)])
        return table

    def __str__(self) -> str:
        numbers = self.table.to_string(float_format="{:.3f}".format, na_rep="\N{EN DASH}")
        accuracy, error = pixel_accuracy(self.matrix), calibration_error(self.calibration_bins)
        return (
            f"{counted(len(self.pairs), 'image')}, pixel accuracy {accuracy:.3f}, mIoU {mean_iou(self.matrix):.3f}, "
            f"expected calibration error {error:.3f}\n{numbers}\n"
            "image_iou and AP: each image counts alike; the others: each pixel. "
            "A dash: the class does not occur, or was never predicted."
        )

    def by_image(self) -> pd.DataFrame:
        """One row for each image, worst first: its name and its score (mean over the classes in it)."""
        scores = self.ious[:, 1] if len(self.classes) == 2 else self.ious.nanmean(dim=1)
        table = pd.DataFrame({"image": [pair.image.name for pair in self.pairs], "iou": scores.numpy()})
        return table.sort_values("iou", kind="stable")


def report_split(
    predictor: Predictor, source: Source, split: str = "test", on_image: OnImage | None = None
) -> SplitReport:
    """Predict every image of a split and count right and wrong pixels.

    on_image: is called for each image while it is in memory, with its index, the image, uint8 (H, W, 3), its truth,
        uint8 (H, W), the prediction, and the IoU of each class, float64 (C,).
    """
    pairs, num_classes = source.pairs(split), len(source.classes)
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    ious, boundaries, bins = [], [], []
    for index, pair in enumerate(tqdm(pairs, f"predicting {split}", leave=False, delay=2, disable=None)):
        image, mask = read_pair(pair, source)
        found = predictor(image)
        prediction, truth = torch.from_numpy(found.mask).long(), torch.from_numpy(mask).long()
        matrix += confusion_matrix(prediction, truth, num_classes)
        ious.append(iou(prediction, truth, num_classes))
        boundaries.append(boundary_counts(found.mask, mask, num_classes))
        bins.append(calibration_bins(torch.from_numpy(found.probabilities)[None], truth[None]))
        if on_image:
            on_image(index, image, mask, found, ious[-1])
    return SplitReport(source.classes, pairs, matrix, torch.stack(ious), sum(boundaries), sum(bins))


def failures(report: SplitReport, limit: float = FAILURE) -> pd.DataFrame:
    """Every (image, class) with IoU <= `limit`, worst first: columns 'index', 'image', 'class', 'iou'."""
    rows = [
        {"index": i, "image": report.pairs[i].image.name, "class": report.classes[c], "iou": report.ious[i, c].item()}
        for c in range(1 if len(report.classes) == 2 else 0, len(report.classes))
        for i in worst_images(report.ious[:, c], limit)
    ]
    return pd.DataFrame(rows, columns=["index", "image", "class", "iou"]).sort_values("iou", ignore_index=True)

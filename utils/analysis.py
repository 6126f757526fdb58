"""How good is it really, where does it fail, and why (notebook 9)."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from utils.catalog.base import Pair, Source
from utils.dataset import IGNORE_INDEX, read_pair
from utils.inference import Predictor
from utils.metrics import average_precision, confusion_matrix, headline, iou, mean_iou, pixel_accuracy, score_table

FAILURE = 0.5


@dataclass
class SplitReport:
    """Scores over a split, at the pictures' own size.

    Attributes:
        matrix: pixel counts, int64 (C, C), row = truth.
        ious: IoU of each image and class, float64 (N, C), NaN where a class is absent.
    """

    classes: tuple[str, ...]
    pairs: list[Pair]
    matrix: Tensor
    ious: Tensor

    @property
    def score(self) -> float:
        """Foreground IoU for one class, mIoU for several."""
        return headline(self.matrix)

    @property
    def table(self) -> pd.DataFrame:
        """IoU, Dice (F1), precision, recall, AP and pixel share of each class, and their means."""
        table = score_table(self.matrix, self.classes)
        ap = average_precision(self.ious)[1]
        table.insert(4, "AP", [*ap, np.nanmean(ap)])
        return table

    def __str__(self) -> str:
        numbers = self.table.to_string(float_format="{:.3f}".format, na_rep="-")
        return (
            f"{len(self.pairs)} images, pixel accuracy {pixel_accuracy(self.matrix):.3f}, "
            f"mIoU {mean_iou(self.matrix):.3f}\n{numbers}"
        )

    def by_image(self) -> pd.DataFrame:
        """One row for each image, worst first: its name and its score (mean over the classes in it)."""
        values = self.ious[:, 1] if len(self.classes) == 2 else self.ious.nanmean(dim=1)
        table = pd.DataFrame({"image": [p.image.name for p in self.pairs], "iou": values.numpy()})
        return table.sort_values("iou", kind="stable")


def report_split(predictor: Predictor, source: Source, split: str = "test") -> SplitReport:
    """Predict every image of a split and count."""
    pairs, num_classes = source.pairs(split), len(source.classes)
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    ious = []
    for pair in pairs:
        image, mask = read_pair(pair, source)
        prediction, truth = torch.from_numpy(predictor(image).mask).long(), torch.from_numpy(mask).long()
        matrix += confusion_matrix(prediction, truth, num_classes)
        ious.append(iou(prediction, truth, num_classes))
    return SplitReport(source.classes, pairs, matrix, torch.stack(ious))


def worst_images(ious: Tensor, limit: float = FAILURE) -> list[int]:
    """Return the images (numbers) with IoU <= `limit`, worst first: float (N,), where NaN is no failure."""
    order = torch.argsort(ious, stable=True).tolist()  # NaN comes last
    return [i for i in order if ious[i] <= limit]


def failures(report: SplitReport, limit: float = FAILURE) -> pd.DataFrame:
    """Every (image, class) with IoU <= `limit`, worst first: columns 'index', 'image', 'class', 'iou'."""
    rows = [
        {"index": i, "image": report.pairs[i].image.name, "class": report.classes[c], "iou": report.ious[i, c].item()}
        for c in range(1 if len(report.classes) == 2 else 0, len(report.classes))
        for i in worst_images(report.ious[:, c], limit)
    ]
    return pd.DataFrame(rows, columns=["index", "image", "class", "iou"]).sort_values("iou", ignore_index=True)


def guess_why(
    image: np.ndarray, truth: np.ndarray, prediction: np.ndarray, class_id: int, classes: Sequence[str]
) -> str:
    """Guess, from measurements, why a class failed in an image: absent, small, thin, dark, at the border, confused."""
    region = truth == class_id
    if not region.any():
        return "predicted where there is none"
    reasons = []
    share = region.sum() / (truth != IGNORE_INDEX).sum()
    if share < 0.01:
        reasons.append(f"small ({share:.1%} of the image)")
    thickness = 2 * cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5).max()
    if thickness < 6:
        reasons.append(f"thin ({thickness:.0f} px)")
    brightness = image[region].mean()
    if brightness < 60:
        reasons.append(f"dark (brightness {brightness:.0f} of 255)")
    edge = np.ones_like(region)
    edge[8:-8, 8:-8] = False
    if (region & edge).sum() > 0.5 * region.sum():
        reasons.append("cut by the border")
    missed = prediction[region & (prediction != class_id)]
    if len(missed):
        taken, count = np.unique(missed, return_counts=True)
        if count.max() > 0.3 * region.sum():
            reasons.append(f"taken for {classes[taken[count.argmax()]]} ({count.max() / region.sum():.0%})")
        elif len(missed) > 0.3 * region.sum():
            reasons.append(f"{len(missed) / region.sum():.0%} of it missed")
    extra = ((prediction == class_id) & ~region & (truth != IGNORE_INDEX)).sum()
    if extra > 0.5 * region.sum():
        reasons.append(f"predicted {extra / region.sum():.1f} times its size elsewhere")
    return ", ".join(reasons) or "borders drawn differently"

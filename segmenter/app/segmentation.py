"""One image of a visitor: read, predicted once, and drawn as often as a slider moves."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from utils.errors import DataError
from utils.images import IGNORE_INDEX, header_size, read_scaled, shrunk_size
from utils.inference import Predictor
from utils.plots import overlay

VIEW_SIDE = 1600  # pixels: a larger image is shown shrunk to this; its mask is downloaded at its own size
MAX_PIXELS = 40_000_000  # of an image: a visitor's session keeps five bytes for each
REMOVE = ", or remove it."


@dataclass(frozen=True)
class Segmentation:
    """What a visitor's session keeps of an image, so that a slider never predicts again.

    Attributes:
        name: the file's own name, without its ending.
        view: the image as it is shown, uint8 (h, w, 3), at most VIEW_SIDE pixels long.
        best: the likeliest class, uint8 (H, W), at the image's own size.
        confidence: float32 (H, W), the probability of that class, or of the one foreground class.
        seconds: how long the prediction took.
        binary: whether there is one foreground class only.
    """

    name: str
    view: np.ndarray
    best: np.ndarray
    confidence: np.ndarray
    seconds: float
    binary: bool

    def class_ids(self, threshold: float) -> np.ndarray:
        """Return class ids, uint8 (H, W): foreground from the threshold on, or 255 where no class reaches it."""
        if self.binary:
            return (self.confidence >= threshold).astype(np.uint8)
        return np.where(self.confidence < threshold, np.uint8(IGNORE_INDEX), self.best)


def segment_file(predictor: Predictor, path: Path) -> Segmentation:
    """Read and predict an image. Raises DataError with its name, never with the server's folders."""
    height, width = header_size(path)
    if height * width > MAX_PIXELS:
        raise DataError(
            f"{path.name} has {height * width / 1e6:.0f} million pixels; this page takes up to "
            f"{MAX_PIXELS / 1e6:.0f} million. Make it smaller, or use `python -m segmenter predict`."
        )
    try:
        image = read_scaled(path, predictor.config.white)
        start = time.perf_counter()
        prediction = predictor(image)
    except DataError as error:
        fault = error.fault and replace(error.fault, path=Path(path.name))
        sentence = str(fault or error).replace(f"{path.parent}{os.sep}", "")
        removable = sentence.endswith(REMOVE)  # the visitor has no list to take it from
        raise DataError(sentence.removesuffix(REMOVE) + "." * removable) from None
    except (MemoryError, torch.OutOfMemoryError):
        raise DataError(f"{path.name} needs more memory than there is. Make it smaller, and try again.") from None
    seconds = time.perf_counter() - start
    height, width = shrunk_size(*image.shape[:2], VIEW_SIDE)
    view = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    confidence = prediction.probabilities.max(axis=0)
    return Segmentation(path.stem, view, prediction.mask, confidence, seconds, len(predictor.classes) == 2)


def draw_overlay(segmentation: Segmentation, predictor: Predictor, opacity: float, threshold: float) -> np.ndarray:
    """Lay the mask over the image as the page shows it: uint8 (h, w, 3), the size of `segmentation.view`."""
    height, width = segmentation.view.shape[:2]
    ids = cv2.resize(segmentation.class_ids(threshold), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return overlay(segmentation.view, ids, predictor.palette, opacity)


def describe_pixel(segmentation: Segmentation, predictor: Predictor, x: int, y: int) -> str:
    """Say what the model sees at a place of the view, given in its pixels from the upper left corner."""
    height, width = segmentation.best.shape
    row, column = y * height // segmentation.view.shape[0], x * width // segmentation.view.shape[1]
    share = float(segmentation.confidence[row, column])
    label = predictor.classes[1 if segmentation.binary else segmentation.best[row, column]]
    return f"Column {column}, row {row}: {label} with probability {share:.2f}."


def segment_picture(
    predictor: Predictor, image: np.ndarray | None, opacity: float = 0.45
) -> tuple[np.ndarray | None, str]:
    """Segment one image: uint8 (H, W, 3 or 4) -> overlay, uint8 (H, W, 3), and the share of each class as text."""
    if image is None:
        return None, "Choose a picture first."
    rgb = np.ascontiguousarray(image[..., :3])
    mask = predictor(rgb).mask
    shares = [f"{name}: {(mask == index).mean():.1%}" for index, name in enumerate(predictor.classes)]
    return overlay(rgb, mask, predictor.palette, opacity), "\n".join(shares)

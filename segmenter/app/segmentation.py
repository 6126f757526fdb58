"""One answer of the app : a picture read, predicted once, and drawn as often as a slider moves."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from utils.errors import DataError
from utils.images import IGNORE_INDEX, header_size, read_image, shrunk_size
from utils.inference import Predictor
from utils.plots import overlay

VIEW_SIDE = 1600  # pixels: a larger picture is shown shrunk to this; its mask is downloaded at its own size
MAX_PIXELS = 40_000_000  # of a picture: a visitor's session keeps five bytes for each


@dataclass(frozen=True)
class Answer:
    """What a visitor's session keeps of a picture, so that a slider never predicts again.

    name: the picture's own, without its ending. view: uint8 (h, w, 3), at most VIEW_SIDE long.
    best: the likeliest class, uint8 (H, W), at the picture's own size. confidence: float32 (H, W), the probability of
    that class, or of the one foreground class. seconds: that the prediction took.
    """

    name: str
    view: np.ndarray
    best: np.ndarray
    confidence: np.ndarray
    seconds: float
    binary: bool

    def ids(self, threshold: float) -> np.ndarray:
        """Return class ids, uint8 (H, W): foreground from the threshold on, or 255 where no class reaches it."""
        if self.binary:
            return (self.confidence >= threshold).astype(np.uint8)
        return np.where(self.confidence < threshold, np.uint8(IGNORE_INDEX), self.best)


def answer_picture(predictor: Predictor, path: Path) -> Answer:
    """Read and predict a picture. Raises DataError with its name, never with the server's folders."""
    height, width = header_size(path)
    if height * width > MAX_PIXELS:
        raise DataError(
            f"{path.name} has {height * width / 1e6:.0f} million pixels; this page takes up to "
            f"{MAX_PIXELS / 1e6:.0f} million. Make it smaller, or use `python -m segmenter predict`."
        )
    try:
        image = read_image(path)
        start = time.perf_counter()
        prediction = predictor(image)
    except DataError as error:
        sentence = str(error).replace(f"{path.parent}{os.sep}", "").replace(", or remove it.", ".")
        raise DataError(sentence) from None
    except (MemoryError, torch.OutOfMemoryError):
        raise DataError(f"{path.name} needs more memory than there is. Make it smaller, and try again.") from None
    seconds = time.perf_counter() - start
    height, width = shrunk_size(*image.shape[:2], VIEW_SIDE)
    view = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    confidence = prediction.probabilities.max(axis=0)
    return Answer(path.stem, view, prediction.mask, confidence, seconds, len(predictor.classes) == 2)


def draw_answer(answer: Answer, predictor: Predictor, opacity: float, threshold: float) -> np.ndarray:
    """Lay the mask over the picture as the page shows it: uint8 (h, w, 3), the size of `answer.view`."""
    height, width = answer.view.shape[:2]
    ids = cv2.resize(answer.ids(threshold), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return overlay(answer.view, ids, predictor.palette, opacity)


def mask_picture(ids: np.ndarray, predictor: Predictor) -> Image.Image:
    """Return class ids, uint8 (H, W), as a picture whose palette holds the colours of the classes."""
    mask = Image.fromarray(ids, mode="P")
    colours = [*predictor.palette, *[(255, 255, 255)] * (256 - len(predictor.palette))]
    mask.putpalette([value for colour in colours for value in colour])
    return mask


def describe_pixel(answer: Answer, predictor: Predictor, x: int, y: int) -> str:
    """Say what the model sees at a place of the view, given in its pixels from the upper left corner."""
    row = y * answer.best.shape[0] // answer.view.shape[0]
    column = x * answer.best.shape[1] // answer.view.shape[1]
    share = float(answer.confidence[row, column])
    label = predictor.classes[1 if answer.binary else answer.best[row, column]]
    return f"Column {column}, row {row}: {label} with probability {share:.2f}."

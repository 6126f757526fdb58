"""A trained run, ready for any picture (notebook 9)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from utils.arrays import array_to_rgb
from utils.checkpoint import load_weights, restore
from utils.config import COURSE, Config
from utils.errors import CheckpointError, ConfigError
from utils.images import pil_to_rgb, read_scaled, shrunk_size
from utils.models import SegmentationModel, build_model, probabilities, to_mask
from utils.plots import add_legend, overlay
from utils.runtime import autocast, pick_device
from utils.tiling import predict_tiled

SHIPPED = COURSE / "data" / "tiny" / "checkpoint.safetensors"
Picture = np.ndarray | Image.Image | str | Path


@dataclass(frozen=True)
class Prediction:
    """Class ids, uint8 (H, W), and probabilities, float32 (C, H, W), at the picture's own size."""

    mask: np.ndarray
    probabilities: np.ndarray


class Predictor:
    """Turns pictures into masks: a path, a Pillow picture, or an array, uint8 or uint16, (H, W) or (H, W, C).

    Args:
        threshold: probability from which on a pixel is foreground (one class only).
        flips: average over the picture and its mirror image (test-time augmentation).
        scales: sizes at which the picture is looked at, as factors, and averaged (test-time augmentation).
        tile: side in pixels of the tiles of larger pictures; None takes the size of the training crops, or the least.
    """

    def __init__(
        self,
        model: SegmentationModel,
        config: Config,
        classes: tuple[str, ...],
        palette: tuple[tuple[int, int, int], ...],
        *,
        threshold: float = 0.5,
        flips: bool = False,
        scales: Sequence[float] = (1.0,),
        tile: int | None = None,
    ) -> None:
        if not 0 <= threshold <= 1:
            raise ConfigError(f"threshold={threshold}: it is a probability, from 0 to 1.")
        if not scales or not all(0.1 <= scale <= 10 for scale in scales):
            raise ConfigError(f"scales={list(scales)}: name one or more factors from 0.1 to 10, such as 0.75 1 1.25.")
        self.tile = max(config.image_size, 2 * model.stride) if tile is None else tile
        if self.tile < 2 * model.stride:
            raise ConfigError(f"tile={tile}: this model needs tiles of at least {2 * model.stride} pixels.")
        self.device = pick_device(config.device)
        self.model = model.to(self.device).eval()
        self.config, self.classes, self.palette = config, classes, palette
        self.threshold, self.flips, self.scales = threshold, flips, tuple(scales)

    @classmethod
    def from_run(cls, run: str | Path, device: str = "auto", **options: Any) -> "Predictor":
        """Load a run folder, or one .safetensors file. Raises CheckpointError."""
        path = Path(run)
        if path.suffix != ".safetensors":
            if not path.is_dir():
                raise CheckpointError(f"There is no run folder {path}. Train first, or name another folder.")
            path = path / "best.safetensors"
        state, header = load_weights(path)
        config = header["config"].override(device=device)
        classes = header["classes"]
        try:
            model = build_model(config, 1 if len(classes) == 2 else len(classes))
        except (MemoryError, RuntimeError) as error:  # of PyTorch, where it has no memory for it
            reason = str(error).splitlines()[0][:200] if str(error) else "memory"
            raise CheckpointError(
                f"The model that {path} names cannot be built ({reason}). Use another checkpoint."
            ) from None
        restore(model, state, path)
        return cls(model, config, classes, header["palette"], **options)

    def __call__(self, picture: Picture) -> Prediction:
        return next(self.predict([picture]))

    def predict(self, pictures: Iterable[Picture]) -> Iterator[Prediction]:
        """Yield the prediction of each picture; those that are looked at whole go through the model in batches."""
        images = (load_picture(picture, self.config.white) for picture in pictures)
        while some := list(islice(images, self.config.batch_size if self.config.framing == "resize" else 1)):
            sized = [self.at_training_scale(image) for image in some]
            if self.config.framing == "resize":
                found = self.logits(torch.from_numpy(np.stack(sized).transpose(0, 3, 1, 2).copy())).split(1)
            else:
                found = [self.tiled(sized[0])]
            for image, logits in zip(some, found, strict=True):
                if logits.shape[-2:] != image.shape[:2]:
                    logits = F.interpolate(logits, image.shape[:2], mode="bilinear")
                yield Prediction(self.decide(logits)[0], probabilities(logits)[0].float().cpu().numpy())

    def decide(self, logits: Tensor) -> np.ndarray:
        """Turn logits (N, C, H, W) into class ids, uint8 (N, H, W)."""
        return to_mask(logits, self.threshold).to(torch.uint8).cpu().numpy()

    def draw(self, picture: Picture, opacity: float = 0.45) -> np.ndarray:
        """Predict and return the picture under its mask, with contours and, below it, a legend: uint8 (H', W, 3)."""
        image = load_picture(picture, self.config.white)
        return add_legend(overlay(image, self(image).mask, self.palette, opacity), self.classes, self.palette)

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """uint8 (N, 3, h, w) -> logits, float32 (N, C, h, w), on the device, averaged as `flips` and `scales` say.

        Raises CheckpointError where they are no numbers: every pixel would become class 0.
        """
        images = images.to(self.device)
        predict = partial(average_flips, self.model) if self.flips else self.model
        with autocast(self.device, self.config.precision):
            found = predict(images) if self.scales == (1,) else average_scales(predict, images, self.scales)
        if not found.isfinite().all():
            raise CheckpointError(
                "The model's output is no number (NaN or infinite): its weights are damaged or too large for the "
                f"precision '{self.config.precision}'. Use another checkpoint."
            )
        return found.float()

    def target_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) at which the model was trained to see a picture."""
        return seen_size(self.config, (height, width))

    def at_own_scale(self, height: int, width: int) -> bool:
        """Say whether a picture is predicted in tiles of its own scale, neither squared nor shrunk."""
        return self.config.framing == "crop" and self.target_size(height, width) == (height, width)

    def at_training_scale(self, image: np.ndarray) -> np.ndarray:
        """Bring a picture, uint8 (H, W, 3), to that size."""
        height, width = self.target_size(*image.shape[:2])
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)

    def tiled(self, image: np.ndarray) -> Tensor:
        """Predict a picture in blended tiles where it is larger than one: uint8 (H, W, 3) -> (1, C, H, W)."""
        blended = predict_tiled(self.logits, image, self.tile, self.tile // 4, self.model.stride)
        return torch.from_numpy(blended)[None]


def seen_size(config: Config, size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) at which a model of this config sees an image of (height, width)."""
    if config.framing == "resize":
        return config.image_size, config.image_size
    return shrunk_size(*size, config.max_side or max(size))


def load_picture(picture: Picture, white: float | None = None) -> np.ndarray:
    """Return any picture as uint8 (H, W, 3) RGB. Raises DataError for what is no picture."""
    if isinstance(picture, str | Path):
        return read_scaled(picture, white)
    to_rgb = pil_to_rgb if isinstance(picture, Image.Image) else array_to_rgb
    return np.ascontiguousarray(to_rgb(picture, white))


def average_flips(predict: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Average a prediction with that of the mirror image, turned back: (N, 3, H, W) -> (N, C, H, W)."""
    return (predict(images) + predict(images.flip(-1)).flip(-1)) / 2


def average_scales(predict: Callable[[Tensor], Tensor], images: Tensor, scales: Sequence[float]) -> Tensor:
    """Average predictions of the images at several sizes, each brought back to theirs: (N, 3, H, W) -> (N, C, H, W)."""
    height, width = images.shape[-2:]
    total = 0
    for scale in scales:
        size = max(1, round(height * scale)), max(1, round(width * scale))
        scaled = F.interpolate(images.float(), size, mode="bilinear", antialias=True).round().byte()
        total = total + F.interpolate(predict(scaled), (height, width), mode="bilinear")
    return total / len(scales)


def best_run() -> Path:
    """Return the run of notebook 8 where there is one, else the small checkpoint that ships with the course."""
    run = COURSE / "runs" / "notebook-8"
    return run if (run / "best.safetensors").is_file() else SHIPPED

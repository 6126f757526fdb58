"""A trained run, ready for any picture (notebook 9)."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from utils.checkpoint import load_weights, restore, write_atomically
from utils.config import COURSE, Config
from utils.dataset import pictures_in, read_image, shrunk_size
from utils.errors import CheckpointError, CourseError, DataError
from utils.models import SegmentationModel, build_model, probabilities, to_mask
from utils.plots import overlay
from utils.runtime import pick_device
from utils.tiling import predict_tiled

SHIPPED = COURSE / "data" / "tiny" / "checkpoint.safetensors"


@dataclass(frozen=True)
class Prediction:
    """Class ids, uint8 (H, W), and probabilities, float32 (C, H, W), at the picture's own size."""

    mask: np.ndarray
    probabilities: np.ndarray


class Predictor:
    """Turns pictures into masks. Called with uint8 (H, W, 3) RGB, or a path, of any size.

    Args:
        threshold: probability from which on a pixel is foreground (one class only).
        flips: average over the picture and its mirror image (test-time augmentation).
    """

    def __init__(
        self,
        model: SegmentationModel,
        config: Config,
        classes: tuple[str, ...],
        palette: tuple[tuple[int, int, int], ...],
        threshold: float = 0.5,
        flips: bool = False,
    ) -> None:
        self.device = pick_device(config.device)
        self.model = model.to(self.device).eval()
        self.config, self.classes, self.palette = config, classes, palette
        self.threshold, self.flips = threshold, flips

    @classmethod
    def from_run(cls, run: str | Path, device: str = "auto", **options: float | bool) -> "Predictor":
        """Load a run folder, or one .safetensors file. Raises CheckpointError."""
        path = Path(run)
        if path.suffix != ".safetensors":
            if not path.is_dir():
                raise CheckpointError(f"There is no run folder {path}. Train first, or name another folder.")
            path = path / "best.safetensors"
        state, header = load_weights(path)
        config = header["config"].override(device=device)
        classes = header["classes"]
        model = build_model(config, 1 if len(classes) == 2 else len(classes))
        restore(model, state, path)
        return cls(model, config, classes, header["palette"], **options)

    def __call__(self, picture: np.ndarray | str | Path) -> Prediction:
        image = picture if isinstance(picture, np.ndarray) else read_image(picture)
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise DataError(f"A picture must be uint8 (H, W, 3), not {image.dtype} {image.shape}: see read_image.")
        logits = self._whole(image) if self.config.framing == "resize" else self._tiled(image)
        if logits.shape[-2:] != image.shape[:2]:
            logits = F.interpolate(logits, image.shape[:2], mode="bilinear")
        mask = to_mask(logits, self.threshold)[0].to(torch.uint8)
        return Prediction(mask.cpu().numpy(), probabilities(logits)[0].float().cpu().numpy())

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """uint8 (N, 3, h, w) -> logits (N, C, h, w) on the device, averaged over the mirror image with `flips`."""
        images = images.to(self.device)
        return average_flips(self.model, images) if self.flips else self.model(images)

    def _whole(self, image: np.ndarray) -> Tensor:
        """Predict the picture squared to the size of the training."""
        size = (self.config.image_size, self.config.image_size)
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        tensor = torch.from_numpy(small.transpose(2, 0, 1).copy())[None]
        return self.logits(tensor)

    def _tiled(self, image: np.ndarray) -> Tensor:
        """Predict at the scale of the training, in blended tiles where the picture is larger than one."""
        height, width = shrunk_size(*image.shape[:2], self.config.max_side or max(image.shape))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        blended = predict_tiled(self.logits, image, self.config.image_size, self.config.image_size // 4)
        return torch.from_numpy(blended)[None]


def average_flips(predict: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Average a prediction with that of the mirror image, turned back: (N, 3, H, W) -> (N, C, H, W)."""
    return (predict(images) + predict(images.flip(-1)).flip(-1)) / 2


def best_run() -> Path:
    """Return the run of notebook 8 where there is one, else the small checkpoint that ships with the course."""
    run = COURSE / "runs" / "notebook-8"
    return run if (run / "best.safetensors").is_file() else SHIPPED


def list_pictures(path: str | Path) -> list[Path]:
    """Return a picture, or the pictures of a folder in order. Raises DataError when there is none."""
    path = Path(path)
    if path.is_file():
        return [path]
    found = pictures_in(path)
    if not found:
        raise DataError(f"There are no pictures in {path}: give an image file, or a folder of them.")
    return found


def predict_files(predictor: Predictor, paths: Iterable[Path], output: Path) -> tuple[list[Path], list[str]]:
    """Write `NAME_mask.png` (ids) and `NAME_overlay.jpg` for each picture; return (masks, sentences on what failed)."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot make the folder {output}: {error.strerror}. Choose another output.") from None
    paths, done, failed = list(paths), [], []
    stems = Counter(path.stem for path in paths)
    for path in paths:
        name = path.stem if stems[path.stem] == 1 else path.name  # a.jpg and a.png must not share a mask
        try:
            image = read_image(path)
            prediction = predictor(image)
            mask = Image.fromarray(prediction.mask, mode="P")
            mask.putpalette([v for colour in predictor.palette for v in colour])
            target = output / f"{name}_mask.png"
            write_atomically(target, lambda p, m=mask: m.save(p, format="PNG"))
            blended = overlay(image, prediction.mask, predictor.palette)
            write_atomically(
                output / f"{name}_overlay.jpg", lambda p, b=blended: Image.fromarray(b).save(p, "JPEG", quality=90)
            )
            done.append(target)
        except CourseError as error:
            failed.append(str(error))
    return done, failed

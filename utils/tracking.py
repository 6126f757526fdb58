"""What a run reports as it trains: lines, a bar, validation images, TensorBoard, Weights & Biases (notebook 8)."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from PIL import Image
from torch import nn
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from utils.config import Config
from utils.errors import ConfigError
from utils.files import save_picture
from utils.models import to_mask
from utils.plots import Palette, overlay

PICTURE_COUNT, PICTURE_SIDE = 4, 256  # validation pictures after every epoch, and their side in pixels


class ValidationImage(NamedTuple):
    """A validation picture with its masks: uint8 (H, W, 3), (H, W) of ids, (H, W) of ids; both masks laid over it."""

    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    overlays: np.ndarray
    classes: tuple[str, ...]


def need_tracker(name: str) -> None:
    """Raise ConfigError where a tracker's package is missing: accelerate would go on without."""
    if name != "none" and importlib.util.find_spec(name) is None:
        raise ConfigError(f"tracker='{name}' needs a package: run `pip install {name}`.")


def start_tracker(accelerator: Accelerator, config: Config) -> None:
    """Begin tracking with TensorBoard or Weights & Biases (offline unless you are logged in or say otherwise)."""
    if config.tracker == "none":
        return
    if config.tracker == "wandb" and not os.environ.get("WANDB_API_KEY"):
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_CACHE_DIR", str(config.output / "wandb"))
    fields = {k: str(v) for k, v in config.model_dump().items()}
    options = {"wandb": {"dir": str(config.output), "name": config.output.name}} if config.tracker == "wandb" else {}
    accelerator.init_trackers("segmentation-course", fields, options)


def log_pictures(accelerator: Accelerator, shown: Sequence[ValidationImage], epoch: int) -> None:
    """Send validation pictures to the tracker: to W&B with both masks as overlays, to TensorBoard as painted."""
    for tracker in accelerator.trackers:
        if tracker.name == "wandb":
            import wandb

            names = dict(enumerate(shown[0].classes)) | {255: "ignored"}
            images = [
                wandb.Image(
                    one.image,
                    masks={
                        "prediction": {"mask_data": one.prediction, "class_labels": names},
                        "truth": {"mask_data": one.truth, "class_labels": names},
                    },
                )
                for one in shown
            ]
            tracker.log({"validation pictures": images}, step=epoch)
        if tracker.name == "tensorboard":
            for number, one in enumerate(shown):
                tracker.log_images({f"validation/{number}": one.overlays[None]}, step=epoch, dataformats="NHWC")


class EpochPictures:
    """The first validation pictures, predicted after every epoch.

    Args:
        dataset: pairs of (uint8 (3, H, W), int64 (H, W)).
        classes, palette: names and RGB colours.
    """

    def __init__(self, dataset: Dataset, classes: tuple[str, ...], palette: Palette) -> None:
        self.pairs = [dataset[n] for n in range(min(PICTURE_COUNT, len(dataset)))]
        self.classes, self.palette = classes, palette
        self.shown: list[ValidationImage] = []

    @torch.no_grad()
    def predict(self, model: nn.Module, accelerator: Accelerator) -> list[ValidationImage]:
        """Predict each picture with a model on the accelerator's device."""
        model.eval()
        self.shown = []
        for image, truth in self.pairs:
            with accelerator.autocast():
                mask = to_mask(model(image[None].to(accelerator.device)))[0].cpu().numpy().astype(np.uint8)
            picture, truth = image.permute(1, 2, 0).numpy(), truth.numpy().astype(np.uint8)
            both = np.hstack([overlay(picture, m, self.palette) for m in (truth, mask)])
            self.shown.append(ValidationImage(picture, truth, mask, both, self.classes))
        return self.shown

    def save(self, folder: Path, epoch: int) -> None:
        """Write the predictions side by side as epoch_NNN.jpg, and once the truth as truth.jpg."""
        folder.mkdir(exist_ok=True)
        names = {f"epoch_{epoch:03d}.jpg": "prediction"}
        if not (folder / "truth.jpg").exists():
            names["truth.jpg"] = "truth"
        for name, kind in names.items():
            cells = [frame_square(overlay(one.image, getattr(one, kind), self.palette)) for one in self.shown]
            strip = Image.fromarray(np.hstack(cells))
            save_picture(strip, folder / name, "JPEG", quality=85)


def frame_square(picture: np.ndarray) -> np.ndarray:
    """Shrink or enlarge a picture (H, W, 3) into a white square of PICTURE_SIDE pixels, in proportion."""
    scale = PICTURE_SIDE / max(picture.shape[:2])
    size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    framed = np.full((PICTURE_SIDE, PICTURE_SIDE, 3), 255, np.uint8)
    top, left = (PICTURE_SIDE - small.shape[0]) // 2, (PICTURE_SIDE - small.shape[1]) // 2
    framed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return framed


def print_epoch(row: dict[str, Any], epochs: int) -> None:
    """Report an epoch as one line, and how long the rest will take."""
    left = row["seconds"] * (epochs - row["epoch"])
    print(
        f"epoch {row['epoch']:3d}/{epochs}   train loss {row['train_loss']:.3f}   val loss {row['val_loss']:.3f}   "
        f"val IoU {row['val_score']:.3f}   {row['images_per_second']:.0f} images/s   "
        + (f"{left / 60:.0f} min left" if left >= 100 else f"{left:.0f} s left"),
        flush=True,
    )


def progress_bar(images: int, epoch: int, epochs: int, shown: bool) -> tqdm:
    """Return a bar that counts the images of an epoch; it appears when the epoch takes longer than ten seconds."""
    return tqdm(total=images, desc=f"epoch {epoch}/{epochs}", unit="images", leave=False, delay=10, disable=not shown)

"""Experiment trackers beside history.csv: TensorBoard, and Weights & Biases, offline unless you are logged in."""

import importlib.util
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from accelerate import Accelerator

from utils.config import Config
from utils.errors import ConfigError


class Shown(NamedTuple):
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


def log_pictures(accelerator: Accelerator, shown: Sequence[Shown], epoch: int) -> None:
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

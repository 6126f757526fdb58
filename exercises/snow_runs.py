"""What a run of the capstone costs, in views, which are the same on every machine, and its row of the diary."""

from pathlib import Path
from typing import Any

import pandas as pd

from utils import catalog
from utils.config import Config
from utils.errors import ConfigError
from utils.run_splits import SPLITS_FILE
from utils.runs import Run


def views_of_epoch(scenes: int, batch_size: int) -> int:
    """Return how many scenes an epoch trains on: whole batches only, since the loader leaves out the rest."""
    return scenes // batch_size * batch_size


def with_views(config: Config, views: int) -> Config:
    """Return a configuration whose epochs cost as many views as given, or as near as whole epochs come.

    Raises ConfigError where the training scenes do not fill a batch.
    """
    scenes = len(catalog.load(config).pairs("train"))
    if config.batch_size > scenes:
        raise ConfigError(f"batch_size={config.batch_size} is more than the {scenes} training scenes: set it lower.")
    return config.override(epochs=max(1, round(views / views_of_epoch(scenes, config.batch_size))))


def diary_row(folder: Path) -> dict[str, Any]:
    """Return what a run saw, and its validation IoU, kept and last."""
    run, config = Run.load(folder), Config.load(folder / "config.yaml")
    scenes, epochs = int((pd.read_csv(folder / SPLITS_FILE)["split"] == "train").sum()), len(run.history)
    views = views_of_epoch(scenes, config.batch_size)
    return {
        "scenes": scenes,
        "epochs": epochs,
        "steps": epochs * -(-views // (config.batch_size * config.accumulate)),
        "views": epochs * views,
        "kept epoch": int(run.best["epoch"]),
        "kept IoU": round(float(run.best["val_score"]), 3),
        "last IoU": round(float(run.history["val_score"].iloc[-1]), 3),
    }

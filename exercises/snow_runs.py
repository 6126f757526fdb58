"""What a run of the capstone costs, in views, which are the same on every machine, and its row of the diary."""

from pathlib import Path
from typing import Any

import pandas as pd

from utils import catalog
from utils.config import Config
from utils.errors import ConfigError
from utils.run_splits import SPLITS_FILE
from utils.runs import Run
from utils.schedules import should_stop
from utils.training import fit

VIEWS_OF_A_RUN = 3_000  # at most: a run that looked at few scenes very often would learn these scenes


def views_of_epoch(scenes: int, batch_size: int) -> int:
    """Return how many scenes an epoch trains on: whole batches only, since the loader leaves out the rest."""
    return scenes // batch_size * batch_size


def with_views(config: Config, views: int) -> Config:
    """Return a configuration whose epochs cost as many views as given, or as near as whole epochs come.

    Raises ConfigError for more views than a run may cost, for fewer than an epoch costs, and where the training scenes
    do not fill a batch.
    """
    if views > VIEWS_OF_A_RUN:
        raise ConfigError(f"views={views}: a run may cost at most {VIEWS_OF_A_RUN:,} of your views. Ask for fewer.")
    scenes = len(catalog.load(config).pairs("train"))
    if config.batch_size > scenes:
        raise ConfigError(f"batch_size={config.batch_size} is more than the {scenes} training scenes: set it lower.")
    epoch = views_of_epoch(scenes, config.batch_size)
    if views < epoch:
        raise ConfigError(f"views={views}: an epoch of {scenes} scenes costs {epoch}. Ask for as many, or for more.")
    return config.override(epochs=min(round(views / epoch), VIEWS_OF_A_RUN // epoch))


def go_on(folder: Path) -> Run | None:
    """Return the run of a folder, trained to its end where it was cut, and say which of the two; None without one."""
    if not (folder / "history.csv").is_file():
        return None
    run, config = Run.load(folder), Config.load(folder / "config.yaml")
    if len(run.history) < config.epochs and not should_stop(run.history["val_score"].tolist(), config.patience):
        cut = f"The run {folder.name} was cut after {len(run.history)} of {config.epochs} epochs"
        if (folder / "last.ckpt").is_file():
            print(f"{cut}, and goes on.")
            return fit(config, resume=True, on_epoch=None)
        print(f"{cut} on another machine, where its last state stayed. Another attempt needs another name.")
        return run
    print(f"The run {folder.name} exists and is returned as it is. Another attempt needs another name.")
    return run


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

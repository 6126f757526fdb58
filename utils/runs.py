"""The run folder: what a run leaves behind, and how it is resumed (notebook 8).

config.yaml, splits.csv (who trained, and what was in the files), history.csv, best.safetensors (weights to use),
last.ckpt and previous.ckpt (to go on from), pictures/ (validation images, epoch by epoch).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from utils.catalog.base import Source
from utils.checkpoint import (
    LOCAL_FIELDS,
    load_last,
    refuse_another_model,
    resume,
    save_state,
    save_weights,
    snapshot,
)
from utils.config import Config
from utils.errors import CheckpointError, ConfigError
from utils.files import write_atomically
from utils.run_splits import SPLITS_FILE, as_in_run, refuse_changed_data, save_splits
from utils.schedules import best_epoch

# What a run writes beside its pictures and the files of a tracker.
RUN_FILES = ("config.yaml", SPLITS_FILE, "history.csv", "best.safetensors", "last.ckpt", "previous.ckpt")


@dataclass
class Run:
    """A finished (or stopped) run: its folder, and one row of history for each epoch."""

    folder: Path
    history: pd.DataFrame

    @property
    def best(self) -> pd.Series:
        """The epoch with the best validation score."""
        return self.history.iloc[int(best_epoch(self.history["val_score"].tolist())) - 1]

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Read a run folder. Raises CheckpointError when it holds no history."""
        path = Path(folder) / "history.csv"
        if not path.is_file():
            raise CheckpointError(f"{folder} is no run folder: it has no history.csv.")
        return cls(Path(folder), pd.read_csv(path))


def refuse_to_overwrite(config: Config, resume: bool, overwrite: bool) -> None:
    """Raise CheckpointError when the run folder holds a run already (or something else), unless asked."""
    folder = config.output
    if resume or not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise CheckpointError(
            f"{folder} already holds a run. Choose another output, go on with it (resume, --resume), or replace it "
            "(overwrite, --overwrite)."
        )
    if not all((folder / name).is_file() for name in ("config.yaml", SPLITS_FILE)):
        raise CheckpointError(f"{folder} holds files that are no run: not deleted. Choose another output.")


def start_folder(config: Config, source: Source, history: list[dict], resume: bool) -> None:
    """Make the run folder, without an earlier run unless it is resumed, and write what is known before epoch 1."""
    folder = config.output
    try:
        if folder.exists() and not resume:
            remove_run(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for half_written in folder.glob(".*.[0-9]*"):  # by a process that was killed
            half_written.unlink()
    except OSError as error:
        raise CheckpointError(f"Cannot make the run folder {folder}: {error.strerror}.") from None
    write_atomically(folder / "config.yaml", config.save)
    save_splits(source, folder / SPLITS_FILE)
    if history:  # the process may have been killed before it could write the table
        save_history(config, history)


def remove_run(folder: Path) -> None:
    """Remove the files that a run wrote into its folder; whatever else lies there stays."""
    pictures = [folder / "pictures" / "truth.jpg", *(folder / "pictures").glob("epoch_[0-9]*.jpg")]
    for path in [*(folder / name for name in RUN_FILES), *pictures]:
        path.unlink(missing_ok=True)


def save_history(config: Config, history: list[dict]) -> None:
    """Write history.csv: one row for each epoch."""
    table = pd.DataFrame(history)
    write_atomically(config.output / "history.csv", lambda path: table.to_csv(path, index=False))


def scores_of(history: list[dict]) -> list[float]:
    """Return the validation scores of the epochs so far."""
    return [row["val_score"] for row in history]


def save_epoch(config: Config, source: Source, parts: dict[str, Any], history: list[dict]) -> None:
    """Write what an epoch brought: the best weights first, then the state to resume from, then the history.

    `parts` are what the run consists of, by name; where there is an 'average' (of the weights), it is what is kept.
    """
    folder = config.output
    if best_epoch(scores_of(history)) == len(history):
        facts = {"epoch": history[-1]["epoch"], "val_score": history[-1]["val_score"]}
        model = parts["average"].module if "average" in parts else parts["model"]
        save_weights(folder / "best.safetensors", model, config, source.classes, source.palette, **facts)
    state = {"config": config.model_dump_json(), "history": history, **snapshot(parts)}
    save_state(folder / "last.ckpt", folder / "previous.ckpt", **state)
    save_history(config, history)


def source_to_resume(config: Config, source: Source) -> Source:
    """Return the data set with the splits of the run in `config.output`. Raises CheckpointError where data changed."""
    if (config.output / SPLITS_FILE).is_file():
        source = as_in_run(source, config.output)
        refuse_changed_data(source, config.output / SPLITS_FILE)
    return source


def open_run(config: Config, parts: dict[str, Any]) -> list[dict]:
    """Put the state of the last whole epoch back and return the history. Raises CheckpointError where it differs.

    A run that was broken off before its first epoch was whole starts from the beginning.
    """
    found = load_last(config.output)
    if found is None:
        if (config.output / "config.yaml").is_file():
            refuse_another_config(Config.load(config.output / "config.yaml"), config)
        return []
    path, state = found
    try:
        before = Config.model_validate_json(state["config"])
    except ConfigError as error:
        raise CheckpointError(f"{path} is from another version of this course: {error}") from None
    refuse_another_config(before, config)
    refuse_another_model(parts["model"], state["model"], path)
    resume(parts, state)
    return state["history"]


def refuse_another_config(before: Config, now: Config) -> None:
    """Raise CheckpointError that names every field in which two configurations of one run differ."""
    changed = [f for f in Config.model_fields if f not in LOCAL_FIELDS and getattr(before, f) != getattr(now, f)]
    if changed:
        pairs = ", ".join(f"{f} was {getattr(before, f)!r} and is {getattr(now, f)!r}" for f in changed)
        raise CheckpointError(f"{now.output} belongs to another configuration: {pairs}. Change it back.")

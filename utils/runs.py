"""The run folder: what a run leaves behind (notebook 8).

config.yaml, splits.csv (who trained, and what was in the files), history.csv, best.safetensors (weights to use),
last.ckpt and previous.ckpt (to go on from), pictures/ (validation images, epoch by epoch), and run.json: the marker of
a folder that a run made, with the checksums of its files.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from utils.catalog.base import Source
from utils.checkpoint import (
    LOCAL_FIELDS,
    save_state,
    save_weights,
    snapshot,
)
from utils.config import Config
from utils.errors import CheckpointError
from utils.files import is_damaged, read_checksums, refuse_damaged, write_atomically, write_marker
from utils.run_folder import clear_folder, refuse_to_overwrite
from utils.run_splits import SPLITS_FILE, save_splits
from utils.schedules import best_epoch

CLOCK = ("images_per_second", "seconds")  # what differs between two runs of one seed


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
        refuse_damaged(path, "Resuming the run (--resume) writes it anew.")
        return cls(Path(folder), pd.read_csv(path))


def start_folder(
    config: Config, source: Source, parts: dict[str, Any], history: list[dict], resume: bool, overwrite: bool
) -> None:
    """Make the run folder, without an earlier run unless it is resumed, and write what is known before epoch 1."""
    folder = config.output
    refuse_to_overwrite(config, resume, overwrite)  # something may have come there since training was asked for
    if history:
        mend_best(config, source, parts, history)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear_folder(folder, resume)
    except OSError as error:
        raise CheckpointError(f"Cannot make the run folder {folder}: {error.strerror}.") from None
    if read_checksums(folder) is None:  # it is new, or of an older version of the course
        write_marker(folder)
    write_atomically(folder / "config.yaml", config.save)
    save_splits(source, folder / SPLITS_FILE)
    if history:  # the process may have been killed before it could write the table
        save_history(config, history)


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
        save_best(config, source, parts, history[-1])
    timeless = [{**row, **dict.fromkeys(CLOCK, float("nan"))} for row in history]  # runs of one seed are equal
    state = {"config": config.model_dump_json(exclude=LOCAL_FIELDS), "history": timeless, **snapshot(parts)}
    save_state(folder / "last.ckpt", folder / "previous.ckpt", **state)
    save_history(config, history)


def save_best(config: Config, source: Source, parts: dict[str, Any], row: dict[str, Any]) -> None:
    """Write the weights of an epoch, which `row` describes, as the best."""
    facts = {"epoch": row["epoch"], "val_score": row["val_score"]}
    model = parts["average"].module if "average" in parts else parts["model"]
    save_weights(config.output / "best.safetensors", model, config, source.classes, source.palette, **facts)


def mend_best(config: Config, source: Source, parts: dict[str, Any], history: list[dict]) -> None:
    """Write the best weights anew where they are damaged or gone, and are those of the state that was put back.

    Raises CheckpointError where they are of an earlier epoch.
    """
    path, best = config.output / "best.safetensors", best_epoch(scores_of(history))
    if path.is_file() and not is_damaged(path):
        return
    if best != len(history):
        raise CheckpointError(
            f"{path}, the weights of epoch {best}, is damaged or gone, and the state holds those of epoch "
            f"{len(history)}. Put a copy of it back, or train again (--overwrite)."
        )
    print(f"{path} was damaged or gone: it is written anew from the state of the same epoch.")
    save_best(config, source, parts, history[-1])

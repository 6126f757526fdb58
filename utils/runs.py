"""The run folder: what a run leaves behind, and how it is taken up again (notebook 8).

config.yaml, splits.csv (who trained, and what was in the files), history.csv, best.safetensors (weights to use),
last.ckpt and previous.ckpt (to go on from), pictures/ (validation images, epoch by epoch).
"""

import copy
import hashlib
import shutil
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
from utils.errors import CheckpointError, ConfigError, DataError
from utils.files import content_hashes, write_atomically
from utils.schedules import best_epoch
from utils.splits import SPLITS

SPLITS_FILE = "splits.csv"  # in a run folder


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
    if not (folder / "config.yaml").is_file():
        raise CheckpointError(f"{folder} holds files that are no run: not deleted. Choose another output.")


def start_folder(config: Config, resume: bool) -> None:
    """Make the run folder, empty unless the run is resumed."""
    try:
        if config.output.exists() and not resume:
            shutil.rmtree(config.output)
        config.output.mkdir(parents=True, exist_ok=True)
        for half_written in config.output.glob(".*.[0-9]*"):  # by a process that was killed
            half_written.unlink()
    except OSError as error:
        raise CheckpointError(f"Cannot make the run folder {config.output}: {error.strerror}.") from None
    write_atomically(config.output / "config.yaml", config.save)


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


def resume_run(config: Config, parts: dict[str, Any]) -> list[dict]:
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


def save_splits(source: Source, path: Path) -> None:
    """Write which pair was in which split, and what was in its files, as a csv.

    Columns: image, mask, split, group, sha256 (of image and mask). Paths are relative to the data set.
    """
    contents = fingerprints(source)
    rows = [
        {
            "image": source.relative(pair.image),
            "mask": source.relative(pair.mask),
            "split": split,
            "group": pair.group,
            "sha256": contents[source.relative(pair.image)],
        }
        for split, pairs in source.assigned().items()
        for pair in pairs
    ]
    table = pd.DataFrame(rows, columns=["image", "mask", "split", "group", "sha256"])
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False))


def fingerprints(source: Source) -> dict[str, str]:
    """Return a SHA-256 over the bytes of image and mask for every pair that is in a split: image -> hex digits."""
    pairs = [pair for members in source.assigned().values() for pair in members]
    images, masks = (content_hashes([getattr(pair, of) for pair in pairs]) for of in ("image", "mask"))
    names = (source.relative(pair.image) for pair in pairs)
    both = (hashlib.sha256((i + m).encode()).hexdigest() for i, m in zip(images, masks, strict=True))
    return dict(zip(names, both, strict=True))


def refuse_changed_data(source: Source, path: Path) -> None:
    """Raise CheckpointError that names what differs, unless every pair of a run's `splits.csv` is as it was then.

    Files that came later are in no split and do not matter. A run before this was recorded has nothing to compare.
    """
    then, now = split_column(path, "sha256"), fingerprints(source)
    gone = [image for image in then if image not in now]
    changed = [image for image in then if image in now and then[image] not in ("", now[image])]
    if gone or changed:
        found = {"gone": gone, "changed": changed}
        parts = [f"{len(names)} {what} (such as {names[0]})" for what, names in found.items() if names]
        raise CheckpointError(
            f"The data set at {source.root} is no longer the one of {path.parent}: of {len(then)} pairs, "
            f"{' and '.join(parts)}. Put the files back, or start a new run in another output."
        )


def as_in_run(source: Source, folder: Path) -> Source:
    """Return the data set with the splits that a run folder keeps, or as it is where the run keeps none.

    Files added since the run are then in no split: they must not move others, nor be scored as if they were unseen.
    """
    if not (folder / SPLITS_FILE).is_file():
        return source
    source = copy.copy(source)
    source.fixed = load_splits(folder / SPLITS_FILE)
    return source


def load_splits(path: Path) -> dict[str, str]:
    """Read what `save_splits` wrote: image -> split. Raises DataError where it is something else."""
    found = split_column(path, "split")
    if not found or not set(found.values()) <= set(SPLITS):
        raise DataError(f"{path} holds no splits of a run: restore it, or train again.")
    return found


def split_column(path: Path, name: str) -> dict[str, str]:
    """Read image -> one column of a run's `splits.csv`; empty where a column is younger than the run."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        return dict(zip(table["image"], table.get(name, [""] * len(table)), strict=True))
    except (OSError, KeyError, ValueError) as error:  # pandas raises kinds of ValueError for what is no table
        raise DataError(f"{path} cannot be read as the splits of a run: restore it, or train again.") from error

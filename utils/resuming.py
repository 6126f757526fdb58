"""A run that was broken off goes on: from its last whole state, on the same data, as the same run (notebook 8)."""

import csv
import warnings
from pathlib import Path
from typing import Any

from utils.catalog.base import Source
from utils.checkpoint import LOCAL_FIELDS, load_state, refuse_another_model, resume
from utils.config import Config
from utils.errors import CheckpointError, ConfigError
from utils.files import is_damaged
from utils.run_folder import has_only_begun
from utils.run_splits import SPLITS_FILE, as_in_run, refuse_changed_data
from utils.runs import CLOCK

FOUND_FIELDS = ("classes", "mask_values", "white")  # which a run finds in its files where nobody gives them


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
    longer = config.epochs > before.epochs
    refuse_another_config(before.override(epochs=config.epochs) if longer else before, config)
    refuse_another_model(parts["model"], state["model"], path)
    if longer:
        stretch(config, before.epochs, parts, state)
    else:
        resume(parts, state)
    history = with_clock(state["history"], config.output)
    if len(history) >= config.epochs:
        print(
            f"{config.output} has had all of its {config.epochs} epochs. To train it longer, resume it with more of "
            f"them (--epochs {2 * config.epochs}): its schedule is then stretched over all."
        )
    return history


def stretch(config: Config, planned: int, parts: dict[str, Any], state: dict[str, Any]) -> None:
    """Put back the state of a run that now has more epochs than were planned; its schedule is laid over all of them."""
    scheduler, optimizer = parts["scheduler"], parts["optimizer"]
    scheduler = getattr(scheduler, "scheduler", scheduler)  # without accelerate's wrapper, which waits for gradients
    with warnings.catch_warnings(action="ignore"):  # torch expects a step of the optimizer before each
        for _ in range(state["scheduler"]["last_epoch"]):
            scheduler.step()
    groups = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]
    resume({name: part for name, part in parts.items() if name != "scheduler"}, state)
    before = optimizer.param_groups[0]["lr"]
    for group, stretched in zip(optimizer.param_groups, groups, strict=True):
        group.update(stretched)
    print(
        f"{config.output.name} was planned for {planned} epochs and goes on to {config.epochs}: its schedule, "
        f"{config.schedule}, is stretched over all of them, and the learning rate goes on at {groups[0]['lr']:.2g} "
        f"in place of {before:.2g}. Weights and optimizer stay as they are; a run of {config.epochs} epochs from the "
        "start would differ."
    )


def with_clock(history: list[dict], folder: Path) -> list[dict]:
    """Return the epochs with the seconds that history.csv has of them: states leave out what differs between runs."""
    path = folder / "history.csv"
    if is_damaged(path) or not path.is_file():  # the seconds stay unknown
        return history
    with path.open(newline="", encoding="utf-8") as file:
        known = {row.get("epoch"): row for row in csv.DictReader(file)}
    found = ({name: known.get(str(row["epoch"]), {}).get(name) for name in CLOCK} for row in history)
    return [row | {k: float(v) for k, v in new.items() if v} for row, new in zip(history, found, strict=True)]


def load_last(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the newest whole state of a run, and its file; None where a run had only begun.

    Where last.ckpt is damaged or gone, it is the state before it, and that is printed: the epoch between is trained
    again. Raises CheckpointError where there is no state.
    """
    last, before = folder / "last.ckpt", folder / "previous.ckpt"
    if has_only_begun(folder):
        print(f"{folder} holds no whole epoch yet: the run starts from the beginning.")
        return None
    try:
        return last, load_run_state(last)
    except CheckpointError as error:
        if not before.exists():
            raise
        state = load_run_state(before)
        print(f"{error} Going on from {before.name}, the state after epoch {len(state['history'])}.")
        return before, state


def load_run_state(path: Path) -> dict[str, Any]:
    """Read the state of a run. Raises CheckpointError for anything else."""
    state = load_state(path)
    if not isinstance(state, dict) or not {"config", "history", "model", "optimizer", "scheduler"} <= state.keys():
        raise CheckpointError(f"{path} is no state of a run of this course: it cannot be resumed from.")
    return state


def refuse_another_config(before: Config, now: Config) -> None:
    """Raise CheckpointError that names every field in which two configurations of one run differ."""
    open_fields = {f for f in FOUND_FIELDS if None in (getattr(before, f), getattr(now, f))}
    known = (f for f in Config.model_fields if f not in open_fields)
    changed = [f for f in known if f not in LOCAL_FIELDS and getattr(before, f) != getattr(now, f)]
    if changed:
        pairs = ", ".join(f"{f} was {getattr(before, f)!r} and is {getattr(now, f)!r}" for f in changed)
        raise CheckpointError(f"{now.output} belongs to another configuration: {pairs}. Change it back.")

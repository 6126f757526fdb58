"""The weights and the state of a run: whole files or none, and never a pickle that can run code (notebook 8)."""

import copy
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from utils.config import Config
from utils.errors import CheckpointError, ConfigError
from utils.files import write_atomically

# What a config says about one machine: not part of weights that are passed on, and free to change on resuming.
LOCAL_FIELDS = {"root", "output", "device", "precision", "workers", "cache", "compile", "tracker"}
# What wrappers put before the names of weights: DistributedDataParallel, torch.compile.
WRAPPERS = ("module.", "_orig_mod.")


def save_weights(
    path: Path, model: nn.Module, config: Config, classes: tuple[str, ...], palette: tuple, **facts: Any
) -> None:
    """Write a model as safetensors, with all that is needed to build and use it again in the header."""
    header = {
        "format": "pt",
        "config": config.model_dump_json(exclude=LOCAL_FIELDS),
        "classes": json.dumps(classes),
        "palette": json.dumps(palette),
        "facts": json.dumps(facts),
    }
    state = {name: tensor.contiguous().cpu() for name, tensor in model.state_dict().items()}
    write_atomically(path, lambda temporary: save_file(state, temporary, header))


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the header of any safetensors file. Raises CheckpointError."""
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"There is no file {path}. Train first, or give the folder of a finished run.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file ({error}). Use another checkpoint.") from None


def load_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return (state dict, header) of a file that `save_weights` wrote. Raises CheckpointError."""
    state, header = load_tensors(path)
    if "config" not in header or "classes" not in header:
        raise CheckpointError(f"{path} was not written by this course: it names no config and no classes.")
    try:
        return state, {
            "config": Config(**{**json.loads(header["config"]), "weights": None}),
            "classes": tuple(json.loads(header["classes"])),
            "palette": tuple(tuple(colour) for colour in json.loads(header["palette"])),
            "facts": json.loads(header.get("facts", "{}")),
        }
    except (ConfigError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} was written by another program or version of this course ({error}). Use another checkpoint."
        ) from None


def restore(model: nn.Module, state: dict[str, Tensor], path: str | Path) -> None:
    """Load a state dict into a model of the same architecture. Raises CheckpointError that says what differs.

    Names that DistributedDataParallel or torch.compile have lengthened are understood.
    """
    state = unwrapped(state)
    refuse_another_model(model, state, path)
    model.load_state_dict(state)


def unwrapped(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict without the prefixes that wrappers put before every name."""
    for prefix in WRAPPERS * 2:  # both, in any order
        if state and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def refuse_another_model(model: nn.Module, state: dict[str, Tensor], path: str | Path) -> None:
    """Raise CheckpointError, which says what differs, unless the state dict fits the model."""
    own = model.state_dict()
    wrong = [n for n in state if n in own and state[n].shape != own[n].shape]
    missing, foreign = own.keys() - state.keys(), state.keys() - own.keys()
    if wrong:
        a, b = tuple(state[wrong[0]].shape), tuple(own[wrong[0]].shape)
        raise CheckpointError(
            f"{path} does not fit this model: {wrong[0]} is {a} there and {b} here. "
            "Build the model that it was trained with."
        )
    if missing or foreign:
        raise CheckpointError(
            f"{path} belongs to another model: {len(missing)} tensors are missing and {len(foreign)} are foreign "
            f"(such as {sorted(missing | foreign)[0]}). Build the model that it was trained with."
        )


def snapshot(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the state of every part of a run as it is now: {name of the part: its state}.

    The states are copies: `state_dict()` alone hands out the living tensors, which go on training.
    """
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}


def resume(parts: dict[str, Any], states: dict[str, Any]) -> None:
    """Give every part of a run its saved state back; a part that has none stays as it is.

    Raises what `load_state_dict` raises where a state does not fit its part.
    """
    for name, part in parts.items():
        if name in states:  # a run that changes to fp16 has no scaler yet
            part.load_state_dict(states[name])


def save_state(path: Path, before: Path | None = None, **state: Any) -> None:
    """Write all that a run needs to go on (tensors and plain types); keep the file that was there as `before`."""
    write_atomically(path, lambda temporary: torch.save(state, temporary), before)


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; plain types only, so no code can hide in it. Raises CheckpointError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is nothing to resume: no file {path}. Start without resume.") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}): it cannot be resumed from.") from None


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


def has_state(folder: Path) -> bool:
    """Say whether a run folder holds a state to go on from."""
    return (folder / "last.ckpt").exists() or (folder / "previous.ckpt").exists()


def has_only_begun(folder: Path) -> bool:
    """Say whether a folder is that of a run which was broken off before its first epoch was whole."""
    if not folder.is_dir() or has_state(folder) or (folder / "history.csv").exists():
        return False
    return (folder / "config.yaml").is_file() or not any(folder.iterdir())


def load_run_state(path: Path) -> dict[str, Any]:
    """Read the state of a run. Raises CheckpointError for anything else."""
    state = load_state(path)
    if not isinstance(state, dict) or not {"config", "history", "model", "optimizer", "scheduler"} <= state.keys():
        raise CheckpointError(f"{path} is no state of a run of this course: it cannot be resumed from.")
    return state

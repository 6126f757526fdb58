"""Writing and reading what a run keeps: atomically, and never as a pickle that can run code (notebook 8)."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from utils.config import Config
from utils.errors import CheckpointError, ConfigError

# What a config says about one machine: not part of weights that are passed on, and free to change on resuming.
LOCAL_FIELDS = {"root", "output", "device", "precision", "workers", "cache", "tracker"}


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write(temporary path)` finish, then put the file in place: a crash leaves the old one whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.chmod(0o644)  # safetensors would keep the file to its owner
        temporary.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors wrap a full disk
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise CheckpointError(
            f"Cannot write {path}: {reason}. Free some space; what was there before is unharmed."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


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


def load_weights(path: str | Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return (state dict, header) of a file that `save_weights` wrote. Raises CheckpointError."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"There is no file {path}. Train first, or give the folder of a finished run.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file ({error}). Use another checkpoint.") from None
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
    """Load a state dict into a model of the same architecture. Raises CheckpointError that says what differs."""
    refuse_another_model(model, state, path)
    model.load_state_dict(state)


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


def save_state(path: Path, **state: Any) -> None:
    """Write everything that a run needs to go on (tensors and plain types)."""
    write_atomically(path, lambda temporary: torch.save(state, temporary))


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; plain types only, so no code can hide in it. Raises CheckpointError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is nothing to resume: no file {path}. Start without resume.") from None
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(f"{path} is damaged ({type(error).__name__}): it cannot be resumed from.") from None

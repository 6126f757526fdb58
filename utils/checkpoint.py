"""Writing and reading what a run keeps: atomically, and never as a pickle that can run code (notebook 8)."""

import copy
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
LOCAL_FIELDS = {"root", "output", "device", "precision", "workers", "cache", "compile", "tracker"}
# What wrappers put before the names of weights: DistributedDataParallel, torch.compile.
WRAPPERS = ("module.", "_orig_mod.")


def write_atomically(path: Path, write: Callable[[Path], object], before: Path | None = None) -> None:
    """Let `write(temporary path)` finish, then put the file in place: a crash leaves the old one whole.

    The old one is kept as `before`, where that is given.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.chmod(0o644)  # safetensors would keep the file to its owner
        if before is not None and path.exists():
            path.replace(before)
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


def start_from(model: nn.Module, path: str | Path) -> None:
    """Fill a model with the weights of a file: a run's best.safetensors or last.ckpt, or a plain state dict.

    A last layer for another number of classes starts anew, and that is printed; an auxiliary classifier is left aside.
    Raises CheckpointError that says what differs.
    """
    own, state = model.state_dict(), unwrapped(read_state_dict(Path(path)))
    if not any(name.startswith("net.") for name in state):  # of a bare network, such as torchvision's
        state = {f"net.{name}": tensor for name, tensor in state.items()}
        state |= {name: own[name] for name in ("mean", "std")}
    state = {name: tensor for name, tensor in state.items() if not name.startswith("net.aux_classifier.")}
    other = [n for n, tensor in state.items() if n in own and tensor.shape != own[n].shape]
    if other and all(state[n].shape[1:] == own[n].shape[1:] and n.split(".")[1] in HEADS for n in other):
        print(
            f"{path} has {len(state[other[0]])} outputs, this model {len(own[other[0]])}: its last layer starts anew."
        )
        state |= {name: own[name] for name in other}
    refuse_another_model(model, state, path)
    model.load_state_dict(state)


HEADS = ("head", "classifier", "segmentation_head")  # of our U-Net, torchvision, segmentation-models-pytorch


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Return the weights in a file of safetensors or torch.save, also where they lie beside other things in it."""
    if path.suffix == ".safetensors":
        return load_tensors(path)[0]
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}: give weights another path, or None to start from random ones.")
    state = load_state(path)
    for key in ("model", "state_dict", "model_state_dict"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict) or not state or not all(isinstance(t, Tensor) for t in state.values()):
        raise CheckpointError(f"{path} holds no weights (a dictionary of names and tensors). Use another file.")
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

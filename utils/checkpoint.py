"""The weights and the state of a run: whole files or none, and never a pickle that can run code (notebook 8)."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from utils.config import Config
from utils.errors import CheckpointError, ConfigError
from utils.files import refuse_damaged, write_atomically

# What a config says about one machine: not part of weights that are passed on, and free to change on resuming.
LOCAL_FIELDS = {"root", "output", "device", "precision", "threads", "workers", "cache", "compile", "tracker"}
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
    write_atomically(path, lambda temporary: temporary.write_bytes(to_safetensors(state, header)))


def to_safetensors(state: dict[str, Tensor], header: dict[str, str]) -> bytes:
    """Return a safetensors file. The same contents give the same bytes: safetensors itself shuffles the header."""
    written = save(state)
    size = int.from_bytes(written[:8], "little")
    table = json.dumps({"__metadata__": header, **json.loads(written[8 : 8 + size])}).encode()
    table += b" " * (-len(table) % 8)
    return len(table).to_bytes(8, "little") + table + written[8 + size :]


def load_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the header of any safetensors file. Raises CheckpointError."""
    refuse_damaged(Path(path), "Use another checkpoint, or go on with the run (--resume).")
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
        classes, palette = read_classes(header)
        config = Config(**{**json.loads(header["config"]), "weights": None})
        facts = json.loads(header.get("facts", "{}"))
        return state, {"config": config, "classes": classes, "palette": palette, "facts": facts}
    except (ConfigError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path} was written by another program or version of this course ({error}). Use another checkpoint."
        ) from None


def read_classes(header: dict[str, str]) -> tuple[tuple[str, ...], tuple[tuple[int, int, int], ...]]:
    """Return the names and colours of the classes in a header. Raises ValueError, KeyError or TypeError."""
    classes = tuple(str(name) for name in json.loads(header["classes"]))
    palette = tuple(tuple(int(value) for value in colour) for colour in json.loads(header["palette"]))
    if not 2 <= len(classes) <= 255:  # the ids of a mask are bytes, and 255 stands for "ignored"
        raise ValueError(f"it has {len(classes)} classes, and a mask holds 2 to 255")
    if len(palette) != len(classes) or any(
        len(colour) != 3 or not 0 <= min(colour) <= max(colour) <= 255 for colour in palette
    ):
        raise ValueError(f"its palette is no list of {len(classes)} colours")
    return classes, palette


def restore(model: nn.Module, state: dict[str, Tensor], path: str | Path) -> None:
    """Load a state dict into a model of the same architecture. Raises CheckpointError that says what differs.

    Names that DistributedDataParallel or torch.compile have lengthened are understood.
    """
    state = unwrapped(state)
    refuse_another_model(model, state, path)
    refuse_not_finite(state, path)
    model.load_state_dict(state)


def refuse_not_finite(state: dict[str, Tensor], path: str | Path) -> None:
    """Raise CheckpointError for weights that are NaN or infinite: they would predict one class everywhere."""
    bad = [name for name, tensor in state.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if bad:
        raise CheckpointError(
            f"{path} holds numbers that are NaN or infinite in {len(bad)} of {len(state)} tensors (such as {bad[0]}): "
            "it predicts nothing. Use another checkpoint, or train again with a lower learning_rate."
        )


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
            part.load_state_dict(copy.deepcopy(states[name]))  # an optimizer would train on in the snapshot


def save_state(path: Path, before: Path | None = None, **state: Any) -> None:
    """Write all that a run needs to go on (tensors and plain types); keep the file that was there as `before`.

    Equal states give equal bytes.
    """

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # torch.save would write the name of a path into the file
            torch.save(without_shared_text(state), file)

    write_atomically(path, write, before)


def without_shared_text(value: Any) -> Any:
    """Return equal containers in which equal texts are one object: how a pickle refers to them shows in its bytes."""
    if type(value) is str:
        return sys.intern(value)
    if isinstance(value, dict):
        return {without_shared_text(key): without_shared_text(item) for key, item in value.items()}
    return type(value)(map(without_shared_text, value)) if type(value) in (list, tuple) else value


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; plain types only, so no code can hide in it. Raises CheckpointError."""
    refuse_damaged(path, "It cannot be resumed from.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"There is nothing to resume: no file {path}. Start without resume.") from None
    except Exception as error:  # torch raises many kinds for a damaged file, and the same ones for one with code in it
        raise CheckpointError(
            f"{path} holds more than tensors and plain types, or is damaged ({type(error).__name__}): it is not "
            "opened, and it cannot be resumed from."
        ) from None

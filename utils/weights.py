"""Weights to start from: a run of this course, or the plain state dict of another program (notebook 6)."""

from pathlib import Path

from torch import Tensor, nn

from utils.checkpoint import load_state, load_tensors, refuse_another_model, refuse_not_finite, unwrapped
from utils.errors import CheckpointError


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
    refuse_not_finite(state, path)
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

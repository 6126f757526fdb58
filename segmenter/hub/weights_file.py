"""Where the weights of a model are: in a run folder, and in a repository of the Hub."""

from pathlib import Path

NAME_ON_HUB, NAME_IN_RUN = "model.safetensors", "best.safetensors"


def weights_of(run: str | Path) -> Path:
    """Return the weights of a run folder, or the .safetensors file itself."""
    path = Path(run)
    return path if path.suffix == ".safetensors" else path / NAME_IN_RUN

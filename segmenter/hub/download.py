"""A model from the Hugging Face Hub: its hashes are verified, it is loaded once, and no pickle is ever fetched."""

import tempfile
from pathlib import Path

from segmenter.hub.connection import hub_errors
from segmenter.hub.weights_file import NAME_IN_RUN, NAME_ON_HUB
from segmenter.optional import require
from utils.errors import CheckpointError, CourseError, DataError
from utils.inference import Predictor


def pull(repo_id: str, folder: str | Path, revision: str = "main") -> Path:
    """Download a model that `push` uploaded to a new folder, which `Predictor.from_run` then loads; return the folder.

    Two files are fetched by name and compared with the hashes that the Hub states; the folder appears when all is
    well, or not at all. Raises CourseError in one sentence for whatever stops it.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} holds something already: choose a new folder.")
    require("huggingface_hub")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            downloaded, model = Path(temporary) / "downloaded", Path(temporary) / "model"
            with hub_errors(repo_id, "downloaded from"):
                download_verified(repo_id, revision, downloaded)
            model.mkdir()
            (downloaded / NAME_ON_HUB).replace(model / NAME_IN_RUN)
            if (downloaded / "README.md").is_file():
                (downloaded / "README.md").replace(model / "README.md")
            refuse_unusable(model)
            if folder.exists():  # it is empty, and only Unix replaces an empty folder
                folder.rmdir()
            model.replace(folder)
    except OSError as error:
        raise DataError(f"Cannot write {folder}: {error.strerror}. Choose another folder.") from None
    return folder


def download_verified(repo_id: str, revision: str, folder: Path) -> None:
    """Download the card and the weights of one commit. Raises DataError where the weights are missing or damaged."""
    hub = require("huggingface_hub")
    api = hub.HfApi()
    commit = api.model_info(repo_id, revision=revision).sha  # a branch may move on between two requests
    hub.snapshot_download(repo_id, revision=commit, local_dir=folder, allow_patterns=[NAME_ON_HUB, "README.md"])
    if not (folder / NAME_ON_HUB).is_file():
        raise DataError(f"{repo_id} holds no {NAME_ON_HUB}, and nothing else is loaded: choose a model of this course.")
    damaged = api.verify_repo_checksums(repo_id, revision=commit, local_dir=folder).mismatches
    if damaged:
        raise DataError(f"{damaged[0]['path']} of {repo_id} arrived damaged (its hash differs): pull it again.")


def refuse_unusable(folder: Path) -> None:
    """Raise CheckpointError unless the model in a folder can be built and used."""
    try:
        Predictor.from_run(folder, device="cpu")
    except CourseError as error:
        reason = str(error).replace(str(folder), "").replace(f"/{NAME_IN_RUN}", NAME_ON_HUB)
        raise CheckpointError(f"The model was downloaded but cannot be used: {reason}") from None

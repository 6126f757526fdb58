"""A model on the Hugging Face Hub: its card, up and down again, and never a pickle (notebook 9)."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save

from segmenter.hub.model_card import model_card
from utils.checkpoint import LOCAL_FIELDS, load_tensors, load_weights
from utils.config import WEIGHTS
from utils.errors import CheckpointError, CourseError, DataError

if TYPE_CHECKING:
    from segmenter.evaluation import SplitReport

NAME_THERE, NAME_HERE = "model.safetensors", "best.safetensors"


def push(
    run: str | Path,
    repo_id: str,
    report: "SplitReport | None" = None,
    data_license: str = "",
    private: bool = False,
) -> str:
    """Upload the weights of a run, a folder or a .safetensors file, with a card in one commit; return its address.

    Nothing about this machine goes along. Raises CourseError in one sentence for whatever stops it.
    """
    path = weights_of(run)
    start = json.loads(load_tensors(path)[1].get("config", "{}")).get("weights")
    start = start if start in WEIGHTS else None  # a file of one's own has a path, which is nobody's business
    card = model_card(load_weights(path)[1], report, data_license, start).replace("OWNER/NAME", repo_id)
    hub = _hub()
    if hub.get_token() is None:
        raise CourseError("You are not logged in to the Hugging Face Hub: run `hf auth login`, then this again.")
    api = hub.HfApi()
    with one_sentence(repo_id, "uploaded to"):
        url = api.create_repo(repo_id, private=private, exist_ok=True)
        files = {"README.md": card.encode(), NAME_THERE: publishable(path)}
        added = [hub.CommitOperationAdd(name, data) for name, data in files.items()]
        api.create_commit(repo_id, added, commit_message=f"Segmentation model, {path.name}")
    return str(url)


def pull(repo_id: str, folder: str | Path, revision: str = "main") -> Path:
    """Download a model that `push` uploaded to a new folder, which `Predictor.from_run` then loads; return the folder.

    Two files are fetched by name and compared with the hash that the Hub states; the folder appears when all is
    well, or not at all. Raises CourseError in one sentence for whatever stops it.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} holds something already: choose a new folder.")
    hub = _hub()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            new = Path(temporary) / "model"
            new.mkdir()
            with one_sentence(repo_id, "downloaded from"):
                fetch(hub, repo_id, revision, Path(temporary), new)
            _load(new)
            if folder.exists():  # empty, and only Unix replaces that
                folder.rmdir()
            new.replace(folder)
    except OSError as error:
        raise DataError(f"Cannot write {folder}: {error.strerror}. Choose another folder.") from None
    return folder


def fetch(hub: Any, repo_id: str, revision: str, temporary: Path, new: Path) -> None:
    """Fetch the card and the weights of one commit, verified. Raises DataError where the weights are not there."""
    info = hub.HfApi().model_info(repo_id, revision=revision, files_metadata=True)
    there = {file.rfilename: file for file in info.siblings or []}
    if NAME_THERE not in there:
        raise DataError(f"{repo_id} holds no {NAME_THERE}, and nothing else is loaded: choose a model of this course.")
    for name, target in ((NAME_THERE, NAME_HERE), ("README.md", "README.md")):
        if name in there:
            path = Path(hub.hf_hub_download(repo_id, name, revision=info.sha, local_dir=temporary / "download"))
            verify(path, there[name], repo_id)
            path.replace(new / target)


def verify(path: Path, file: Any, repo_id: str) -> None:
    """Raise DataError unless a file is what the Hub says: by SHA-256 for large ones, by git's SHA-1 for others."""
    data = path.read_bytes()
    if file.lfs is not None:
        found, expected = hashlib.sha256(data).hexdigest(), file.lfs.sha256
    else:
        found, expected = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest(), file.blob_id
    if found != expected:
        raise DataError(f"{file.rfilename} of {repo_id} arrived damaged (its hash differs): pull it again.")


def weights_of(run: str | Path) -> Path:
    """Return the weights of a run folder, or the .safetensors file itself."""
    path = Path(run)
    return path if path.suffix == ".safetensors" else path / NAME_HERE


def publishable(path: Path) -> bytes:
    """Return a weights file whose header names nothing of this machine, such as the file that training began with."""
    state, header = load_weights(path)
    facts = {name: json.dumps(header[name]) for name in ("classes", "palette", "facts")}
    return save(state, {"format": "pt", "config": header["config"].model_dump_json(exclude=LOCAL_FIELDS), **facts})


def _load(folder: Path) -> None:
    """Raise CheckpointError unless the model in a folder can be built and used."""
    from utils.inference import Predictor

    try:
        Predictor.from_run(folder, device="cpu")
    except CourseError as error:
        reason = str(error).replace(str(folder), "").replace(f"/{NAME_HERE}", NAME_THERE)
        raise CheckpointError(f"The model was downloaded but cannot be used: {reason}") from None


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError:
        raise CourseError(
            "The package huggingface_hub is missing: run `pip install huggingface_hub`, then this again."
        ) from None
    return huggingface_hub


@contextmanager
def one_sentence(repo_id: str, what: str) -> Iterator[None]:
    """Turn whatever the Hub and the way to it raise into one sentence that says what to do."""
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError:
        raise CourseError(
            f"'{repo_id}' is no name of a model on the Hub: it is OWNER/NAME, such as me/roofs."
        ) from None
    except errors.GatedRepoError:
        raise CourseError(f"{repo_id} is open to accepted readers only: ask for access on its page.") from None
    except errors.RevisionNotFoundError:
        raise CourseError(f"{repo_id} has no such revision: leave it out, or look it up on the model's page.") from None
    except errors.HfHubHTTPError as error:
        raise CourseError(_answer(repo_id, error.response.status_code)) from error
    except Exception as error:
        offline = (errors.OfflineModeIsEnabled, errors.LocalEntryNotFoundError, ConnectionError, TimeoutError)
        if not isinstance(error, offline) and not type(error).__module__.startswith("httpx"):
            raise
        raise CourseError(
            f"{repo_id} could not be {what} the Hugging Face Hub ({type(error).__name__}): check the network, and that "
            "HF_HUB_OFFLINE is not set."
        ) from error


def _answer(repo_id: str, status: int) -> str:
    """Say what an answer of the Hub means for the user."""
    return {
        401: f"The Hub does not know you, or there is no {repo_id}: check the name, run `hf auth login`, try again.",
        403: f"You have no right to do this to {repo_id}: use a name of your own, and a token that may write.",
        404: f"There is no model {repo_id} on the Hub, or it is private: check the name, or log in.",
    }.get(status, f"The Hub answered {status} for {repo_id}: nothing is lost, try again later.")

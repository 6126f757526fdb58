"""A run, with a card, on the Hugging Face Hub; nothing about this machine goes along."""

import json
from pathlib import Path

from segmenter.evaluation import SplitReport
from segmenter.hub.card import model_card
from segmenter.hub.connection import hub_errors
from segmenter.hub.weights_file import NAME_ON_HUB, weights_of
from segmenter.optional import require
from utils.checkpoint import LOCAL_FIELDS, load_tensors, load_weights, to_safetensors
from utils.config import WEIGHTS
from utils.errors import CourseError


def push(
    run: str | Path,
    repo_id: str,
    report: SplitReport | None = None,
    data_license: str = "",
    private: bool = False,
) -> str:
    """Upload the weights of a run, a folder or a .safetensors file, with a card in one commit; return its address.

    `report` and `data_license` are for the card (see `model_card`). Raises CourseError in one sentence for whatever
    stops it.
    """
    path = weights_of(run)
    start = json.loads(load_tensors(path)[1].get("config", "{}")).get("weights")
    start = start if start in WEIGHTS else None  # a file of the user's own has a path, which is nobody's business
    card = model_card(load_weights(path)[1], report, data_license, start).replace("OWNER/NAME", repo_id)
    hub = require("huggingface_hub")
    if hub.get_token() is None:
        raise CourseError("You are not logged in to the Hugging Face Hub: run `hf auth login`, then this again.")
    api = hub.HfApi()
    with hub_errors(repo_id, "uploaded to"):
        url = api.create_repo(repo_id, private=private, exist_ok=True)
        files = {"README.md": card.encode(), NAME_ON_HUB: publishable(path)}
        added = [hub.CommitOperationAdd(name, content) for name, content in files.items()]
        api.create_commit(repo_id, added, commit_message=f"Segmentation model, {path.name}")
    return str(url)


def publishable(path: Path) -> bytes:
    """Return a weights file whose header names nothing of this machine, such as the file that training began with."""
    state, header = load_weights(path)
    facts = {name: json.dumps(header[name]) for name in ("classes", "palette", "facts")}
    return to_safetensors(
        state, {"format": "pt", "config": header["config"].model_dump_json(exclude=LOCAL_FIELDS), **facts}
    )

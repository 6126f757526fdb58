"""The browser's downloads are the folder that STAND_IN_DOWNLOADS names; what is uploaded comes from there."""

import os
import shutil
from pathlib import Path


def upload(target_dir: str = "") -> dict[str, bytes]:
    """Return what a learner would choose in the browser: every file that was downloaded before."""
    chosen = {path.name: path.read_bytes() for path in Path(os.environ["STAND_IN_DOWNLOADS"]).iterdir()}
    for name, content in chosen.items():
        Path(target_dir, name).write_bytes(content)
    return chosen


def download(filename: str) -> None:
    """Let the browser save a file. Raises FileNotFoundError where it does not exist, as Colab does."""
    if not Path(filename).exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    shutil.copy(filename, os.environ["STAND_IN_DOWNLOADS"])


def view(filepath: str) -> None:
    """Show a file in a tab of its own."""

"""Fetch an archive, verify it and unpack it safely: the whole of it arrives, or nothing does."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pooch
import requests

from utils.errors import DataError


def fetch_zip(url: str, root: Path, fingerprint: Callable[[Path], str], expected: str) -> None:
    """Download a zip with one top folder and put that folder's content at `root`.

    GitHub may compress the same files anew, so the hash is taken of the unpacked files: `fingerprint(folder)`
    must give `expected`. Raises DataError (no network, no disk, wrong content); `root` is then left as it was.
    """
    if root.exists() and any(p.name != ".DS_Store" for p in root.iterdir()):
        raise DataError(f"{root} holds other files, but not the data set: empty it, or set root to another folder.")
    print(f"Downloading {url} to {root} ...", flush=True)
    pooch.get_logger().setLevel("WARNING")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=".download-") as folder:
            archive = pooch.retrieve(url, known_hash=None, fname="archive.zip", path=folder, progressbar=False)
            unpacked = unzip(Path(archive), Path(folder) / "unpacked")
            if (found := fingerprint(unpacked)) != expected:
                raise DataError(
                    f"{url} does not hold the files that the course was written for (SHA-256 {found[:12]}..., "
                    f"expected {expected[:12]}...). Nothing was kept. Try again; if it stays so, report it."
                )
            if root.exists():
                shutil.rmtree(root)
            unpacked.replace(root)
    except (requests.RequestException, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"Could not download {url} ({type(error).__name__}). Check the network and run again, "
            f"or put the unpacked files into {root} yourself."
        ) from error
    except OSError as error:
        raise DataError(f"Could not write to {root.parent}: {error.strerror or error}. Free some space.") from error


def unzip(archive: Path, folder: Path) -> Path:
    """Unpack a zip into `folder` and return its one top folder. Raises DataError for an unsafe path."""
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            if not (folder / name).resolve().is_relative_to(folder.resolve()):
                raise DataError(f"The archive {archive.name} wants to write outside its folder ({name}): not unpacked.")
        file.extractall(folder)
    tops = [p for p in folder.iterdir() if p.is_dir() and p.name != "__MACOSX"]
    if len(tops) != 1:
        raise DataError(f"The archive {archive.name} should hold one folder and holds {len(tops)}: not used.")
    return tops[0]

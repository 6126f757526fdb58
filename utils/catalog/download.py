"""Fetch an archive, verify it and unpack it safely: the whole of it arrives, or nothing does."""

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlparse

import pooch
import requests

from utils.errors import DataError

Wanted = Callable[[list[str]], set[str]]  # of all names in an archive, those to unpack


def fetch_zip(url: str, root: Path, fingerprint: Callable[[Path], str], expected: str) -> None:
    """Download a zip with one top folder and put that folder's content at `root`.

    GitHub may compress the same files anew, so the unpacked files are looked at: `fingerprint(folder)`, a hash or
    a count, must give `expected`. Raises DataError (no network, no disk, wrong content); `root` is then left as it was.
    """
    refuse_other_files(root)
    print(f"Downloading {url} to {root} ...", flush=True)
    pooch.get_logger().setLevel("WARNING")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=".download-") as folder:
            archive = pooch.retrieve(url, known_hash=None, fname="archive.zip", path=folder, progressbar=False)
            unpacked = unzip(Path(archive), Path(folder) / "unpacked")
            if (found := fingerprint(unpacked)) != expected:
                raise DataError(
                    f"{url} does not hold the files that the course was written for (found {found[:60]}, expected "
                    f"{expected[:60]}). Nothing was kept. Try again; if it stays so, report it."
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


def fetch_tar(
    urls: Sequence[str],
    md5: str,
    size: int,
    root: Path,
    top: str,
    *,
    wanted: Wanted | None = None,
    unpacked: int | None = None,
) -> None:
    """Put the folder `top` of a tar of `size` bytes at `root/top`, from the first mirror that has the right file.

    A tar of the same name that lies in `root` already is used instead of a download, and kept. `wanted` picks what to
    unpack from the names in the tar (default: all), and that needs `unpacked` bytes (default: `size`). Raises
    DataError (no mirror, no room, a wrong file); what was in `root` stays as it was.
    """
    archive = root / Path(urlparse(urls[0]).path).name
    try:
        root.mkdir(parents=True, exist_ok=True)
        need_room(root, (size if unpacked is None else unpacked) + (0 if archive.is_file() else size))
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder:
            if not archive.is_file():
                archive = download_first(urls, md5, size, Path(folder), root)
            elif pooch.file_hash(archive, alg="md5") != md5:
                raise DataError(f"{archive} is not the file that was expected (MD5 {md5}): delete it, and try again.")
            untar(archive, Path(folder) / "unpacked", wanted)
            (root / top).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / "unpacked" / top).replace(root / top)
    except OSError as error:
        raise DataError(
            f"Could not write to {root}: {error.strerror or error}. Free some space, or set root to another folder."
        ) from error


def download_first(urls: Sequence[str], md5: str, size: int, folder: Path, root: Path) -> Path:
    """Return the file from the first mirror that answers with the right MD5. Raises DataError when none does."""
    pooch.get_logger().setLevel("WARNING")
    failed = []
    for url in urls:
        host = urlparse(url).netloc
        print(f"Downloading {size / 1e6:,.0f} MB from {host} to {root} ...", flush=True)
        try:
            return Path(pooch.retrieve(url, known_hash=f"md5:{md5}", path=folder, progressbar=size > 1e8))
        except (requests.RequestException, ValueError) as error:  # pooch says with a ValueError that the hash differs
            failed.append(f"{host} ({'another file' if isinstance(error, ValueError) else type(error).__name__})")
    raise DataError(
        f"No mirror gave {Path(urls[0]).name}: {', '.join(failed)}. Check the network and run again, or put the file, "
        f"from wherever you get it, into {root}."
    )


def fetch_kaggle(handle: str, root: Path) -> None:
    """Put a data set of Kaggle at `root`, by kagglehub, which verifies what it fetches; no account is needed.

    In Colab the files are mounted, not copied, and `root` becomes a link to them. Raises DataError.
    """
    refuse_other_files(root)
    address = f"https://www.kaggle.com/datasets/{handle}"
    if root.is_symlink() and not root.exists():  # the mount of an earlier runtime
        root.unlink()
    try:
        import kagglehub
    except ImportError:
        raise DataError(f"The download from {address} needs a package: run `pip install kagglehub`.") from None
    print(f"Downloading {address} to {root} ...", flush=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=".download-") as folder:
        try:
            found = Path(kagglehub.dataset_download(handle, output_dir=str(Path(folder) / "files")))
            if root.exists():
                shutil.rmtree(root)
            if found.is_relative_to(folder):
                found.replace(root)
            else:
                root.symlink_to(found, target_is_directory=True)
        except Exception as error:  # kagglehub has errors of many kinds for one thing: it did not work
            raise DataError(
                f"Could not download {address} ({type(error).__name__}). Check network and disk and run again, or "
                f"download it by hand and unpack it into {root}."
            ) from error


def refuse_other_files(root: Path) -> None:
    """Raise DataError where a folder holds anything: a download takes its place."""
    if root.exists() and any(p.name != ".DS_Store" for p in root.iterdir()):
        raise DataError(f"{root} holds other files, but not the data set: empty it, or set root to another folder.")


def need_room(folder: Path, size: int) -> None:
    """Raise DataError unless the disk has room for `size` bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"The download and its unpacked files need {size / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are "
            "free. Free some space, or set root to a folder on another disk."
        )


def untar(archive: Path, folder: Path, wanted: Wanted | None = None) -> None:
    """Unpack a tar, or what is `wanted` of it; what points outside `folder` or is no file is refused: DataError."""
    if not hasattr(tarfile, "data_filter"):
        raise DataError("This Python cannot unpack archives safely: update it to 3.11.4 or newer.")
    try:
        with tarfile.open(archive) as file:
            names = None if wanted is None else wanted(file.getnames())
            members = None if names is None else [member for member in file if member.name in names]
            file.extractall(folder, members, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise DataError(f"{archive} could not be unpacked ({error}): delete it, and try again.") from error


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

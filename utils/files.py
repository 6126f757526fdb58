"""The bytes of files: read from a folder or a shard, told apart by their hash, and written whole or not at all."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from PIL.Image import Image
from safetensors import SafetensorError

from utils.errors import CheckpointError, DataError

# The marker of a folder that a run made. It keeps the checksums of the files that a run reads back.
RUN_MARKER, MADE_BY = "run.json", "a run of the segmentation course"
RECORDED = ("splits.csv", "history.csv", "best.safetensors", "last.ckpt", "previous.ckpt")


def in_shard(path: Path) -> bool:
    """Say whether a path is a member of a tar, SHARD.tar/MEMBER, and no file of its own."""
    return path.parent.suffix == ".tar" and not path.parent.is_dir()


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, or of a member of a tar: SHARD.tar/MEMBER.

    Raises OSError for a file that is not there or may not be read, and DataError for a broken shard.
    """
    if not in_shard(path):
        return path.read_bytes()
    shard = path.parent
    stat = shard.stat()
    start, size = list_shard(shard, stat.st_size, stat.st_mtime_ns).get(path.name, (0, -1))
    if size < 0:
        raise FileNotFoundError(path)
    with shard.open("rb") as file:
        file.seek(start)
        return file.read(size)


@lru_cache(maxsize=4096)
def list_shard(shard: Path, size: int, modified: int) -> dict[str, tuple[int, int]]:
    """List a shard once for each state of it: name -> (first byte, bytes). Raises DataError for a broken one."""
    try:
        with tarfile.open(shard, "r:") as file:
            return {member.name: (member.offset_data, member.size) for member in file if member.isfile()}
    except tarfile.TarError as error:
        raise DataError(f"{shard} is no whole tar ({error}): copy or make the shard again.") from None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, computed once for each state of the file."""
    if in_shard(path):
        return hashlib.sha256(read_bytes(path)).hexdigest()
    stat = path.stat()
    return _sha256(path, stat.st_mtime_ns, stat.st_size)


@cache
def _sha256(path: Path, modified: int, size: int) -> str:
    return digest(path)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as it is at this moment."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hashes(paths: Sequence[Path]) -> list[str]:
    """Return the SHA-256 of every file, or its name where it is missing: byte-identical files share a hash."""

    def content_hash(path: Path) -> str:
        try:
            return sha256_of(path)
        except OSError:
            return path.name  # reading the pair will say that the file is missing

    with ThreadPoolExecutor() as pool:
        return list(pool.map(content_hash, paths))


def write_atomically(path: Path, write: Callable[[Path], object], keep_as: Path | None = None) -> None:
    """Let `write(temporary path)` finish, then put the file in place, so that a crash leaves the old one whole.

    The old file is kept as `keep_as`, where that is given. In the folder of a run, the checksum of what the run reads
    back is noted. Raises CheckpointError where a file cannot be written.
    """
    temporary = temporary_path(path)
    try:
        write(temporary)
        temporary.chmod(0o644)  # safetensors would let nobody but the owner read the file
        if path.name in RECORDED and read_checksums(path.parent) is not None:
            note_checksum(path, digest(temporary), keep_as)
        if keep_as is not None and path.exists():
            path.replace(keep_as)
        temporary.replace(path)
    except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors wrap the error of a full disk
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise CheckpointError(
            f"Cannot write {path}: {reason}. Free some space; what was there before is unharmed."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def save_picture(picture: Image, path: Path, format: str, **options: Any) -> None:
    """Write a Pillow image, whole or not at all: its own writer does not notice when a disk is full."""
    encoded = io.BytesIO()
    picture.save(encoded, format, **options)
    write_atomically(path, lambda temporary: temporary.write_bytes(encoded.getvalue()))


def temporary_path(path: Path) -> Path:
    """Return where this process writes a file before it is put in place; long names are cut, and still differ."""
    name = path.name if len(path.name) <= 50 else f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}"
    return path.with_name(f".{name}.{os.getpid()}")


def note_checksum(path: Path, checksum: str, keep_as: Path | None) -> None:
    """Note in the marker of a run what `path` is about to hold, beside what it holds now.

    The note comes first, and both are right until the next: a process may be killed between any two steps.
    """
    known = read_checksums(path.parent) or {}
    now = known.get(path.name, [])
    if keep_as is not None:
        known[keep_as.name] = [*now[:1], *known.get(keep_as.name, [])[:1]]
    if now[:1] != [checksum]:
        known[path.name] = [checksum, *now[:1]]
    write_marker(path.parent, known)


def write_marker(folder: Path, checksums: dict[str, list[str]] | None = None) -> None:
    """Mark a folder as made by a run, with the checksums of its files: {name: [newest, the one before]}."""
    text = json.dumps({"made by": MADE_BY, "sha256": checksums or {}}, indent=1)
    write_atomically(folder / RUN_MARKER, lambda temporary: temporary.write_text(text + "\n", encoding="utf-8"))


def read_checksums(folder: Path) -> dict[str, list[str]] | None:
    """Return the checksums that a run noted of its files; None where the folder has no marker of a run."""
    try:
        marker = json.loads((folder / RUN_MARKER).read_text(encoding="utf-8"))
        return dict(marker["sha256"]) if marker["made by"] == MADE_BY else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_damaged(path: Path) -> bool:
    """Say whether a file of a run is there, and no longer, bit for bit, what the run wrote."""
    noted = (read_checksums(path.parent) or {}).get(path.name)
    return bool(noted) and path.is_file() and digest(path) not in noted


def refuse_damaged(path: Path, remedy: str) -> None:
    """Raise CheckpointError, which says what to do, for a damaged file of a run."""
    if is_damaged(path):
        raise CheckpointError(
            f"{path} is damaged: its checksum is not the one in {RUN_MARKER}. {remedy} If you changed it yourself, "
            f"take its line out of {RUN_MARKER}."
        )

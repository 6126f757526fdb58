"""The bytes of files: read from a folder or a shard, told apart by their hash, and written whole or not at all."""

import hashlib
import os
import tarfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from pathlib import Path

from safetensors import SafetensorError

from utils.errors import CheckpointError, DataError


def in_shard(path: Path) -> bool:
    """Say whether a path is a member of a tar, SHARD.tar/MEMBER, and no file of its own."""
    return path.parent.suffix == ".tar"


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

    The old file is kept as `keep_as`, where that is given. Raises CheckpointError where a file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.chmod(0o644)  # safetensors would let nobody but the owner read the file
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

"""Whose a run folder is: marked by the run that made it, held by one process at a time, replaced only when asked."""

import functools
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from utils.config import Config
from utils.errors import CheckpointError
from utils.files import RECORDED, RUN_MARKER, is_damaged, read_checksums

RUN_LOCK = "run.lock"
# What a run writes beside its pictures and the files of a tracker; the marker goes last when a run is replaced.
RUN_FILES = ("config.yaml", *RECORDED, RUN_MARKER)
OWN_PICTURE = re.compile(r"truth\.jpg|epoch_(\d{3}|[1-9]\d{3,})\.jpg")


def alone_in_folder(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Let `fit(config, ...)` hold the run folder for as long as it runs, which must be free, or there to be resumed."""

    @functools.wraps(fit)
    def hold_folder(config: Config, *, resume: bool = False, overwrite: bool = False, **options: Any) -> Any:
        refuse_to_overwrite(config, resume, overwrite)
        with held(config.output):
            refuse_to_overwrite(config, resume, overwrite)  # another process may have begun one just now
            return fit(config, resume=resume, overwrite=overwrite, **options)

    return hold_folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder against every other process; make it where it is missing, and remove it again if it stays empty.

    The operating system frees the lock of a process that was killed. Of several processes that train together, the
    first one holds it. Raises CheckpointError where another process does, or the folder cannot be written to.
    """
    if int(os.environ.get("RANK", 0)):
        yield
        return
    made, lock = [path for path in (folder, *folder.parents) if not path.exists()], FileLock(folder / RUN_LOCK)
    try:
        take(lock, folder)
        yield
    finally:
        if lock.is_locked:
            with suppress(PermissionError):  # Windows removes no open file: the lock stays, free and empty
                (folder / RUN_LOCK).unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # the first of them that holds something stays, and so do those above
            for path in made:
                path.rmdir()


def take(lock: FileLock, folder: Path) -> None:
    """Make a folder, and take its lock. Raises CheckpointError where another process has it, or neither can be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise CheckpointError(
            f"Another process writes to {folder}. Wait until it has ended, or choose another output."
        ) from None
    except NotImplementedError:  # a network drive without locks
        print(f"{folder} cannot be locked on this drive: start no second process there.", flush=True)
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(f"Cannot write to the folder {folder}: {reason}. Choose another output.") from None


def is_empty(folder: Path) -> bool:
    """Say whether a folder is missing, or holds only what a run lays down before anything of worth."""
    if not folder.is_dir():
        return not folder.exists()
    own = {RUN_LOCK, RUN_MARKER} if read_checksums(folder) is not None else {RUN_LOCK}
    return all(path.name in own or is_half_written(path) for path in folder.iterdir())


def is_half_written(path: Path) -> bool:
    """Say whether a file is one that a run was writing when it was killed."""
    return bool(re.fullmatch(rf"\.({'|'.join(map(re.escape, RUN_FILES))})\.\d+", path.name))


def refuse_to_overwrite(config: Config, resume: bool, overwrite: bool) -> None:
    """Raise CheckpointError when the run folder holds a run already (or something else), unless asked.

    Or, with `resume`, when there is nothing in it to go on with.
    """
    folder = config.output
    if resume and not has_state(folder) and not has_only_begun(folder):
        raise CheckpointError(f"There is nothing to resume: no file {folder / 'last.ckpt'}. Start without resume.")
    if resume or is_empty(folder):
        return
    if read_checksums(folder) is None and (overwrite or not has_state(folder)):
        what = "is a file" if folder.is_file() else f"holds files that are no run (there is no {RUN_MARKER} of one)"
        raise CheckpointError(f"{folder} {what}: nothing is deleted. Choose another output.")
    if not overwrite:
        raise CheckpointError(
            f"{folder} already holds a run. Choose another output, go on with it (resume, --resume), or replace it "
            "(overwrite, --overwrite)."
        )


def clear_folder(folder: Path, resume: bool) -> None:
    """Remove what a killed process left half-written and, unless it is resumed, the earlier run; the rest stays.

    A damaged last state must go, or the next epoch would keep it as the state before.
    """
    if resume and is_damaged(folder / "last.ckpt"):
        (folder / "last.ckpt").unlink()
    if not resume:
        pictures = [path for path in (folder / "pictures").glob("*.jpg") if OWN_PICTURE.fullmatch(path.name)]
        for path in [*pictures, *(folder / name for name in RUN_FILES)]:
            path.unlink(missing_ok=True)
    for path in folder.iterdir():
        if is_half_written(path):
            path.unlink()


def has_state(folder: Path) -> bool:
    """Say whether a run folder holds a state to go on from."""
    return (folder / "last.ckpt").exists() or (folder / "previous.ckpt").exists()


def has_only_begun(folder: Path) -> bool:
    """Say whether a folder is that of a run which was broken off before its first epoch was whole."""
    if not folder.is_dir() or has_state(folder) or (folder / "history.csv").exists():
        return False
    return (folder / "config.yaml").is_file() or is_empty(folder)

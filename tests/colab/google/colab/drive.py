"""Google Drive is the folder that STAND_IN_DRIVE names."""

import os
from pathlib import Path


def mount(mountpoint: str, force_remount: bool = False, timeout_ms: int = 120_000, readonly: bool = False) -> None:
    """Link the stand-in for your Drive to `mountpoint`/MyDrive, as the real one appears there."""
    mine = Path(mountpoint, "MyDrive")
    mine.parent.mkdir(parents=True, exist_ok=True)
    if not mine.exists():
        mine.unlink(missing_ok=True)  # the link of an earlier run
        mine.symlink_to(os.environ["STAND_IN_DRIVE"], target_is_directory=True)
    print(f"Mounted at {mountpoint}")


def flush_and_unmount(timeout_ms: int = 24 * 60 * 60 * 1000) -> None:
    """Write everything back; there is nothing to wait for here."""

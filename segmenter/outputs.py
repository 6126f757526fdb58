"""Files under a name that the user gave: only what this program wrote is replaced, and any system takes new names."""

import mmap
import re
from collections.abc import Iterable
from pathlib import Path

from utils.errors import CourseError

MADE_BY = "made by the segmentation course"  # is in every file that may be replaced
LONGEST_NAME = 200  # bytes; file systems allow 255, and the endings and those of unfinished files come after it


def refuse_foreign(path: Path | None) -> None:
    """Raise CourseError for a file that is there already and that this program did not write."""
    if path is None or not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content.find(MADE_BY.encode()) < 0:
            raise CourseError(
                f"{path} is there already, and this program did not write it: it is left as it is. Choose another "
                "name, or move it away."
            )


def unique_names(paths: Iterable[str]) -> list[str]:
    """Name a copy of each file, without an ending: as the file, or as its whole path where two files have one name."""
    names: list[str] = []
    used: set[str] = set()
    for path in map(Path, paths):
        parts = [part for part in path.with_suffix("").parts if part not in ("/", "..")]
        name, number = safe_name(path.stem), 1
        while (key := name.removesuffix("_mask").casefold()) in used:
            name = safe_name("_".join(parts), f"_{number}" if number > 1 else "")
            number += 1
        used.add(key)
        names.append(name)
    return names


def safe_name(text: str, ending: str = "") -> str:
    """Return a name that every file system takes, cut so that it is short enough with the endings of files."""
    text = re.sub(r'[\\/:*?"<>|]', "_", text.encode("utf-8", "replace").decode())
    return text.encode()[:LONGEST_NAME].decode("utf-8", "ignore") + ending

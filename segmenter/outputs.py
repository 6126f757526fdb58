"""Files under a name that the user gave: a command replaces only what this program wrote."""

import mmap
from pathlib import Path

from utils.errors import CourseError

MADE_BY = "made by the segmentation course"  # is in every file that may be replaced


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

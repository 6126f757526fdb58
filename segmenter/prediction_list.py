"""predictions.csv: which mask belongs to which image, with the share of each class; it makes a folder resumable."""

import csv
import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from utils.errors import DataError
from utils.files import write_atomically

LIST_NAME = "predictions.csv"
TEXT = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}  # file names may hold any bytes


class PredictionList:
    """The csv in a folder of masks: a row for each image, with the name of its mask, and a key.

    The key tells apart what was predicted: another image file, weights or options have another one. Rows are appended
    one by one, so that a process which is killed loses at most the row that it was writing.

    Args:
        folder: where the masks and the list are.
        classes: their shares are the last columns.

    Attributes:
        other_masks: the masks of the images that `keep_valid` was not asked for; nothing may overwrite them.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder, self.path = folder, folder / LIST_NAME
        self.header = ["picture", "mask", "key", *classes]
        self.other_masks: set[str] = set()

    def keep_valid(self, paths: Sequence[Path], key_of: Callable[[Path], str]) -> dict[Path, str]:
        """Write the list anew with the rows that still hold, and return the masks of `paths`: {image: mask's name}.

        A row holds where its mask is there and `key_of` returns its key for the image. Rows of other images stay.
        Raises DataError for a list that somebody else wrote.
        """
        asked = {str(path): path for path in paths}
        valid, others = {}, []
        for row in self.read_rows():
            path = asked.get(row[0])
            if path is None:
                others.append(row)
            elif (self.folder / row[1]).is_file() and path.exists() and key_of(path) == row[2]:
                valid[path] = row
        self.other_masks = {row[1] for row in others}
        write_atomically(self.path, lambda temporary: self.write_rows(temporary, [*others, *valid.values()]))
        return {path: row[1] for path, row in valid.items()}

    def read_rows(self) -> list[list[str]]:
        """Return the whole rows of the list; none where it is missing or of other classes. Raises DataError."""
        try:
            with self.path.open(**TEXT) as file:
                text = file.read()
        except FileNotFoundError:
            return []
        except OSError:
            text = ""
        text = text[: text.rfind("\n") + 1]  # a process that was killed may have left a part of a row
        first, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
        if first[:3] != self.header[:3]:
            raise DataError(f"{self.path} is not a list that this command wrote. Move it, or choose another output.")
        return [row for row in rows if len(row) == len(self.header)] if first == self.header else []

    def write_rows(self, path: Path, rows: Sequence[Sequence[str]]) -> None:
        """Write the header and rows to a file."""
        with path.open("w", **TEXT) as file:
            csv.writer(file).writerows([self.header, *rows])

    def add(self, image: Path, mask: str, key: str, shares: Sequence[float]) -> None:
        """Append the row of an image that is done. Raises DataError where it cannot be written."""
        try:
            with self.path.open("a", **TEXT) as file:
                csv.writer(file).writerow([image, mask, key, *(f"{share:.6f}" for share in shares)])
        except OSError as error:
            raise DataError(
                f"Cannot write {self.path}: {error.strerror}. Free some space, and run this again."
            ) from error


def output_names(paths: Sequence[Path], other_masks: Iterable[str]) -> dict[Path, str]:
    """Name what is written for each image, so that no two images and none of `other_masks` share a name.

    The name is the image's stem, or its whole name where several have that stem, or else its stem and a hash of its
    path.
    """
    used = {mask.rpartition("_mask.")[0].casefold() for mask in other_masks}
    names: dict[Path, str] = {}
    for name_of in (lambda path: path.stem, lambda path: path.name, hashed_name):
        unnamed = [path for path in dict.fromkeys(paths) if path not in names]
        counts = Counter(name_of(path).casefold() for path in unnamed)  # some file systems ignore capitals
        for path in unnamed:
            key = name_of(path).casefold()
            if counts[key] == 1 and key not in used:
                names[path] = name_of(path)
                used.add(key)
    return names


def hashed_name(path: Path) -> str:
    """Return the stem of a path, and a hash of the whole of it."""
    return f"{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"

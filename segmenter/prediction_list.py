"""predictions.csv: which mask belongs to which image, with the share of each class; it makes a folder resumable."""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from segmenter.prediction_names import absolute, output_names
from utils.errors import DataError
from utils.files import write_atomically

LIST_NAME = "predictions.csv"
FIRST_COLUMNS = ["picture", "mask", "key"]
ENDINGS = ("_mask.png", "_mask.tif", "_mask.npy", "_mask.geojson", "_overlay.jpg")  # of what is written for an image
TEXT = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}  # file names may hold any bytes


class PredictionList:
    """The csv in a folder of masks: a row for each image, with the name of its mask, and a key.

    The key tells apart what was predicted: another image file, weights or options have another one; a row without a key
    claims a name. Names are claimed before anything is written, and rows are appended one by one, so that a process
    which is killed never leaves a file that no row knows.

    Args:
        folder: where the masks and the list are.
        classes: their shares are the last columns.

    Attributes:
        rows: the newest row of each image, by its absolute path.
    """

    def __init__(self, folder: Path, classes: Sequence[str]) -> None:
        self.folder, self.path = folder, folder / LIST_NAME
        self.header = [*FIRST_COLUMNS, *classes]
        self.rows = {row[0]: row for row in self.read_rows()}

    def read_rows(self) -> list[list[str]]:
        """Return the rows of the list, those of other classes without keys.

        Raises DataError for a list of something else, or one that was changed.
        """
        if not os.path.lexists(self.path):
            return []
        first, *rows = read_table(self.path) or [[]]
        if first[:3] != FIRST_COLUMNS:
            raise DataError(f"{self.path} is not a list that this command wrote. Move it, or choose another output.")
        refuse_changed(self.path, rows)
        return [unsigned(row) if first == self.header else self.claim_of(*row[:2]) for row in rows]

    def claim_of(self, picture: str, mask: str) -> list[str]:
        """Return the row that claims a mask's name for an image."""
        return [picture, mask, *[""] * (len(self.header) - 2)]

    def find_valid(self, paths: Sequence[Path], key_of: Callable[[Path], str]) -> dict[Path, str]:
        """Return the masks that need not be predicted again: {image: mask's name}.

        The mask must be there, and `key_of` return the key of its row; an image that cannot be read has none.
        """
        valid = {}
        for path in paths:
            _, mask, key, *_ = self.rows.get(absolute(path), self.claim_of("", ""))
            try:
                if key and (self.folder / mask).is_file() and key_of(path) == key:
                    valid[path] = mask
            except DataError:
                continue
        return valid

    def claim(self, paths: Sequence[Path], folders: Sequence[Path]) -> dict[Path, str]:
        """Name what is written for each image, and note the names in the list before anything is written.

        An image keeps the name that it has; no new one is that of another image, or of a file that nobody listed.
        `folders` are those that the images were found in: their sub-folders become part of the names.
        """
        own = {path: base_of(row[1]) for path in paths if (row := self.rows.get(absolute(path)))}
        taken = {base_of(row[1]).casefold() for row in self.rows.values()}  # some file systems ignore capitals

        def is_free(name: str) -> bool:
            known = name.casefold() in taken
            return not known and not any(os.path.lexists(self.folder / f"{name}{ending}") for ending in ENDINGS)

        names = own | output_names([path for path in paths if path not in own], folders, is_free)
        for path, name in names.items():
            self.rows[absolute(path)] = self.claim_of(absolute(path), f"{name}{ENDINGS[0]}")
        self.save()
        return {path: names[path] for path in paths}

    def add(self, image: Path, mask: Path, key: str, shares: Sequence[float]) -> str:
        """Append the row of an image that is done; return the mask's name. Raises DataError where that fails."""
        name = mask.relative_to(self.folder).as_posix()
        row = [absolute(image), name, key, *(f"{share:.6f}" for share in shares)]
        try:
            with self.path.open("a", **TEXT) as file:
                csv.writer(file).writerow(signed(row))
        except OSError as error:
            raise DataError(
                f"Cannot write {self.path}: {error.strerror}. Free some space, and run this again."
            ) from error
        self.rows[row[0]] = row
        return name

    def save(self) -> None:
        """Write the list anew: one row for each image."""

        def write(temporary: Path) -> None:
            with temporary.open("w", **TEXT) as file:
                csv.writer(file).writerows([self.header, *map(signed, self.rows.values())])

        write_atomically(self.path, write)

    def drop_unused_claims(self) -> None:
        """Take out the names under which nothing was written, and write the list anew."""
        for picture, (_, mask, key, *_) in list(self.rows.items()):
            if not key and not any((self.folder / f"{base_of(mask)}{ending}").exists() for ending in ENDINGS):
                del self.rows[picture]
        self.save()


def read_table(path: Path) -> list[list[str]]:
    """Return the rows of a csv, without a last one that was cut off. None for what is no text."""
    try:
        with path.open(**TEXT) as file:
            text = file.read()
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (OSError, csv.Error):
        return []
    return rows[: len(rows) - (not text.endswith("\n"))]


def signature(row: Sequence[str]) -> str:
    """Return 8 digits that change when anything in a row does."""
    return hashlib.sha256("\n".join(row).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def signed(row: Sequence[str]) -> list[str]:
    """Return a row as the list keeps it: behind its key, with a signature of the whole row."""
    return [*row[:2], f"{row[2]}-{signature(row)}", *row[3:]]


def unsigned(row: Sequence[str]) -> list[str]:
    """Return a row of the list with its key alone, which is empty where the row claims a name."""
    return [*row[:2], *(key.partition("-")[0] for key in row[2:3]), *row[3:]]


def refuse_changed(path: Path, rows: Sequence[list[str]]) -> None:
    """Raise DataError where a row of a list is not as it was written: its mask may be a file of the user's own."""
    for row in rows:
        if len(row) < 3 or signed(unsigned(row)) != row:
            raise DataError(
                f"{path} was changed or damaged in the row of {row[0] if row else 'no picture'}: it no longer says "
                "whose the masks are. Move it, or choose another output."
            )


def base_of(mask: str) -> str:
    """Return the beginning of a mask's name, which its overlay has in common with it."""
    return mask.rpartition("_mask.")[0]


def listed_files(folder: Path) -> set[Path]:
    """Return what the list of a folder says that this command wrote there; nothing for a folder without a list."""
    first, *rows = read_table(folder / LIST_NAME) or [[]]
    bases = [base_of(row[1]) for row in rows if len(row) > 2] if first[:3] == FIRST_COLUMNS else []
    return {folder / LIST_NAME, *(folder / f"{base}{ending}" for base in bases for ending in ENDINGS)}

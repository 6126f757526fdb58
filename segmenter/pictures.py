"""The images that a user means: a file, or all of a folder, and which of them are read in parts."""

import warnings
from pathlib import Path

from PIL import Image

from segmenter.prediction_list import listed_files
from segmenter.prediction_names import absolute
from utils.errors import DataError
from utils.formats import FORMATS, is_image_file

LARGE_SUFFIXES = {".npy", ".jp2"}  # of files that only `predict_large` reads
# The tags of TIFF that say where on earth an image lies: its scale, tiepoints, matrix, and keys.
GEO_TAGS = {33550, 33922, 34264, 34735}
LARGE = 100_000_000  # pixels from which on a TIFF is read in parts


def find_images(path: str | Path) -> list[Path]:
    """Return an image, or the images of a folder and its sub-folders in order. Raises DataError when there is none.

    What an earlier prediction wrote there is left out.
    """
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: give an image file, or a folder of them.")
    try:
        found = [p for p in visible_files(path) if is_image_file(p) or p.suffix.lower() in LARGE_SUFFIXES]
    except OSError as error:
        raise DataError(f"Cannot look into {error.filename}: {error.strerror}. Change its permissions.") from None
    if not found:
        raise DataError(f"There are no pictures in {path}: give an image file, or a folder of them.")
    return found


def visible_files(folder: Path) -> list[Path]:
    """Return what lies in a folder and its sub-folders, without hidden files and what a prediction wrote, in order."""
    places = [folder, *Path(absolute(folder)).parents]
    written = {absolute(path) for place in places for path in listed_files(place)}
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or absolute(entry) in written:
            continue
        if entry.is_dir() and not entry.is_symlink():
            found += visible_files(entry)
        elif not entry.is_fifo():  # reading from a pipe would wait for ever
            found.append(entry)
    return found


def read_in_parts(path: Path) -> bool:
    """Say whether a file is a GeoTIFF, an array, or a TIFF too large to be read at once."""
    if path.suffix.lower() in LARGE_SUFFIXES:
        return True
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(path, formats=FORMATS) as file,
        ):
            return not GEO_TAGS.isdisjoint(file.tag_v2) or file.width * file.height > LARGE
    except Image.DecompressionBombError:
        return True
    except (OSError, ValueError, SyntaxError):
        return has_tiff_header(path)  # of a kind that Pillow does not know; else reading it will say what is wrong


def has_tiff_header(path: Path) -> bool:
    """Say whether a file begins as a TIFF or a BigTIFF does."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    except OSError:
        return False

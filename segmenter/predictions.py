"""A folder of pictures in, a folder of masks and overlays out, taken up again where it stopped (notebook 9)."""

import csv
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from PIL import Image
from tqdm import tqdm

from segmenter.large.geotiff import save_polygons, summarise_mask
from segmenter.large.images import open_large, stamp
from segmenter.large.predict import fingerprint, predict_large, predict_mask
from segmenter.report.gallery import PICTURES
from utils.errors import CourseError, DataError
from utils.files import write_atomically
from utils.images import read_image, shrunk_size
from utils.inference import Predictor
from utils.plots import add_legend, overlay

LIST = "predictions.csv"
IN_PARTS = {".npy", ".jp2"}  # beside the pictures: read by predict_large
GEO_KEYS = 34735  # the TIFF tag that says where on earth an image lies
LARGE = 100_000_000  # pixels from which on a TIFF is read in parts
PREVIEW = 2048  # pixels, longer side of the overlay of an image that is read in parts


class Outcome(NamedTuple):
    """Masks that are there now, how many of them were there already, and a sentence on each picture that failed."""

    masks: list[Path]
    kept: int
    failed: list[str]


def list_pictures(path: str | Path) -> list[Path]:
    """Return a picture, or the pictures of a folder in order. Raises DataError when there is none."""
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: give an image file, or a folder of them.")
    try:
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES | IN_PARTS and p.name[0] != ".")
    except OSError as error:
        raise DataError(f"Cannot look into {path}: {error.strerror}. Change its permissions.") from None
    if not found:
        raise DataError(f"There are no pictures in {path}: give an image file, or a folder of them.")
    return found


def predict_files(
    predictor: Predictor, paths: Iterable[Path], output: Path, polygons: bool = False,
    bands: Sequence[int] | None = None, progress: bool = False,
) -> Outcome:  # fmt: skip
    """Write `NAME_mask.png` (ids with the colours of the classes) and `NAME_overlay.jpg` for each picture.

    A GeoTIFF, an array and an image of more than 100 million pixels are read in parts; their mask is `NAME_mask.tif`
    or `.npy`. `predictions.csv` lists every picture with the share of each class. What is in it already, made by the
    same weights and options from the same file, is not predicted again.

    Args:
        predictor: what predicts, with its options.
        paths: the pictures.
        output: folder to write to, made where it is missing.
        polygons: also write the regions of a GeoTIFF as `NAME_mask.geojson`.
        bands: which bands of a GeoTIFF are red, green and blue, from 1.
        progress: show a bar.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot make the folder {output}: {error.strerror}. Choose another output.") from None
    paths = list(paths)
    names = unique_names(paths)
    key = f"{fingerprint(predictor)} {polygons} {bands}"
    rows, failed = start_list(output, predictor.classes, paths, key), []
    kept = len(rows)
    bar = tqdm(total=len(paths), initial=kept, unit="picture", disable=not progress)
    with bar, (output / LIST).open("a", newline="", encoding="utf-8") as file:
        for path in (path for path in paths if path not in rows):
            try:
                before = key_of(path, key)
                mask, shares = predict_file(predictor, path, output / names[path], polygons, bands)
                rows[path] = mask.name
                add_row(file, [path, mask.name, before, *(f"{share:.6f}" for share in shares)])
            except CourseError as error:
                failed.append(str(error))
            bar.update()
    return Outcome([output / rows[path] for path in paths if path in rows], kept, failed)


def predict_file(
    predictor: Predictor, path: Path, target: Path, polygons: bool = False, bands: Sequence[int] | None = None
) -> tuple[Path, np.ndarray]:
    """Write the mask and the overlay of one picture; return the mask's path and the share of each class, (C,)."""
    if read_in_parts(path):
        suffix = ".npy" if path.suffix.lower() == ".npy" else ".tif"
        mask_path = predict_large(predictor, path, target.with_name(f"{target.name}_mask{suffix}"), bands, True)
        with open_large(path, bands) as image:
            size = shrunk_size(*image.shape, PREVIEW)
            picture = image.shrunk(*size)
        ids, counts = summarise_mask(mask_path, *size)
        shares = counts[: len(predictor.classes)] / counts.sum()
        if polygons and suffix == ".tif":
            save_polygons(mask_path, mask_path.with_suffix(".geojson"), predictor.classes)
    else:
        picture = read_image(path)
        ids = predict_mask(predictor, picture)
        shares = np.bincount(ids.ravel(), minlength=len(predictor.classes)) / ids.size
        mask_path = target.with_name(f"{target.name}_mask.png")
        image = Image.fromarray(ids, mode="P")
        image.putpalette([value for colour in predictor.palette for value in colour])
        write_atomically(mask_path, lambda p: image.save(p, format="PNG"))
    shown = Image.fromarray(add_legend(overlay(picture, ids, predictor.palette), predictor.classes, predictor.palette))
    write_atomically(target.with_name(f"{target.name}_overlay.jpg"), lambda p: shown.save(p, format="JPEG", quality=90))
    return mask_path, shares


def read_in_parts(path: Path) -> bool:
    """Say whether a file is a GeoTIFF, an array, or a TIFF too large to be read at once."""
    if path.suffix.lower() in IN_PARTS:
        return True
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(path) as file,
        ):
            return GEO_KEYS in file.tag_v2 or file.width * file.height > LARGE
    except Image.DecompressionBombError:
        return True
    except (OSError, ValueError, SyntaxError):
        return has_tiff_header(path)  # of a kind that Pillow does not know; else reading it will say what is wrong


def has_tiff_header(path: Path) -> bool:
    """Say whether a file begins as a TIFF does."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    except OSError:
        return False


def unique_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Name what is written for each picture: by its stem, or by its whole name where stems are shared."""
    stems = Counter(path.stem for path in paths)
    return {path: path.stem if stems[path.stem] == 1 else path.name for path in paths}


def key_of(path: Path, key: str) -> str:
    """Tell apart what was predicted: another file, weights or options have another key. Raises DataError."""
    try:
        return hashlib.sha256(f"{key} {stamp(path)}".encode()).hexdigest()[:16]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the folder, or remove it from the list.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Change its permissions, or replace it.") from None


def start_list(output: Path, classes: Sequence[str], paths: Sequence[Path], key: str) -> dict[Path, str]:
    """Write predictions.csv anew with the rows that still hold; return the masks of `paths` that are done.

    Raises DataError for a list that somebody else wrote.
    """
    header = ["picture", "mask", "key", *classes]
    try:
        with (output / LIST).open(newline="", encoding="utf-8") as file:
            first, *rows = csv.reader(file)
    except FileNotFoundError:
        first, rows = header, []
    except (OSError, ValueError, csv.Error):
        first = []
    if first[:3] != header[:3]:
        raise DataError(f"{output / LIST} is not a list that this command wrote. Move it, or choose another output.")
    asked = {str(path): path for path in paths}
    done, others = {}, []
    for row in rows if first == header else []:
        if len(row) != len(header):
            continue  # cut off when the process was killed
        path = asked.get(row[0])
        if path is None:
            others.append(row)
        elif (output / row[1]).is_file() and path.exists() and key_of(path, key) == row[2]:
            done[path] = row
    write_atomically(output / LIST, lambda p: write_rows(p, [header, *others, *done.values()]))
    return {path: row[1] for path, row in done.items()}


def add_row(file: TextIO, row: Sequence[object]) -> None:
    """Append to a csv file so that a killed process leaves the row. Raises DataError."""
    try:
        csv.writer(file).writerow(row)
        file.flush()
    except OSError as error:
        raise DataError(f"Cannot write {file.name}: {error.strerror}. Free some space, and run this again.") from error


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write a csv file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)

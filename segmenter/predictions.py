"""A folder of images in, a folder of masks and overlays out, taken up again where it stopped (notebook 9)."""

import hashlib
import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from segmenter.large.geotiff import save_polygons, summarise_mask
from segmenter.large.images import file_fingerprint, open_large
from segmenter.large.predict import fingerprint, predict_large, predict_mask
from segmenter.masks import palette_image
from segmenter.prediction_list import PredictionList, output_names
from utils.errors import CourseError, DataError
from utils.files import write_atomically
from utils.images import IMAGE_SUFFIXES, read_image, shrunk_size
from utils.inference import Predictor
from utils.plots import add_legend, overlay

LARGE_SUFFIXES = {".npy", ".jp2"}  # of files that only `predict_large` reads
GEO_KEYS = 34735  # the TIFF tag that says where on earth an image lies
LARGE = 100_000_000  # pixels from which on a TIFF is read in parts
PREVIEW = 2048  # pixels, longer side of the overlay of an image that is read in parts


class Outcome(NamedTuple):
    """Masks that are there now, how many of them were there already, and a sentence on each image that failed."""

    masks: list[Path]
    kept: int
    failed: list[str]


def find_images(path: str | Path) -> list[Path]:
    """Return an image, or the images of a folder in order. Raises DataError when there is none."""
    path = Path(path)
    if path.is_file():
        return [path]
    if not path.exists():
        raise DataError(f"There is no file or folder {path}: give an image file, or a folder of them.")
    suffixes = IMAGE_SUFFIXES | LARGE_SUFFIXES
    try:
        found = sorted(p for p in path.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith("."))
    except OSError as error:
        raise DataError(f"Cannot look into {path}: {error.strerror}. Change its permissions.") from None
    if not found:
        raise DataError(f"There are no pictures in {path}: give an image file, or a folder of them.")
    return found


def predict_files(
    predictor: Predictor,
    paths: Iterable[Path],
    output: Path,
    *,
    polygons: bool = False,
    bands: Sequence[int] | None = None,
    progress: bool = False,
) -> Outcome:
    """Write `NAME_mask.png` (ids with the colours of the classes) and `NAME_overlay.jpg` for each image.

    A GeoTIFF, an array and an image of more than 100 million pixels are read in parts; their mask is `NAME_mask.tif`
    or `.npy`. `predictions.csv` lists every image with the share of each class. What is in it already, made by the
    same weights and options from the same file, is not predicted again.

    Args:
        predictor: what predicts, with its options.
        paths: the images.
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
    settings = f"{fingerprint(predictor)} {polygons} {bands}"
    table = PredictionList(output, predictor.classes)
    masks = table.keep_valid(paths, lambda path: key_of(path, settings))
    names = output_names(paths, table.other_masks)
    kept, failed = len(masks), []
    with tqdm(total=len(paths), initial=kept, unit="picture", disable=not progress) as bar:
        for path in (path for path in paths if path not in masks):
            try:
                key = key_of(path, settings)  # of the file as it is before it is read
                mask, shares = predict_file(
                    predictor, path, output / names[path], polygons=polygons, bands=bands, progress=progress
                )
                masks[path] = mask.name
                table.add(path, mask.name, key, shares)
            except CourseError as error:
                failed.append(str(error))
            bar.update()
    return Outcome([output / masks[path] for path in paths if path in masks], kept, failed)


def predict_file(
    predictor: Predictor,
    path: Path,
    target: Path,
    *,
    polygons: bool = False,
    bands: Sequence[int] | None = None,
    progress: bool = False,
) -> tuple[Path, np.ndarray]:
    """Write the mask and the overlay of one image; return the mask's path and the share of each class, (C,).

    `target` is the beginning of both names: FOLDER/NAME becomes FOLDER/NAME_mask.png and FOLDER/NAME_overlay.jpg.
    """
    classes = predictor.classes
    if read_in_parts(path):
        suffix = ".npy" if path.suffix.lower() == ".npy" else ".tif"
        mask = predict_large(predictor, path, target.with_name(f"{target.name}_mask{suffix}"), bands, progress)
        with open_large(path, bands) as large:
            size = shrunk_size(*large.shape, PREVIEW)
            image = large.read_resized(*size)
        ids, counts = summarise_mask(mask, *size)
        if polygons and suffix == ".tif":
            save_polygons(mask, mask.with_suffix(".geojson"), classes)
    else:
        image = read_image(path)
        ids = predict_mask(predictor, image)
        counts = np.bincount(ids.ravel(), minlength=len(classes))
        mask = target.with_name(f"{target.name}_mask.png")
        coloured = palette_image(ids, predictor.palette)
        write_atomically(mask, lambda temporary: coloured.save(temporary, format="PNG"))
    shown = Image.fromarray(add_legend(overlay(image, ids, predictor.palette), classes, predictor.palette))
    target = target.with_name(f"{target.name}_overlay.jpg")
    write_atomically(target, lambda temporary: shown.save(temporary, format="JPEG", quality=90))
    return mask, counts[: len(classes)] / counts.sum()


def read_in_parts(path: Path) -> bool:
    """Say whether a file is a GeoTIFF, an array, or a TIFF too large to be read at once."""
    if path.suffix.lower() in LARGE_SUFFIXES:
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
    """Say whether a file begins as a TIFF or a BigTIFF does."""
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    except OSError:
        return False


def key_of(path: Path, settings: str) -> str:
    """Tell apart what was predicted: another file or other settings have another key. Raises DataError."""
    try:
        return hashlib.sha256(os.fsencode(f"{settings} {file_fingerprint(path)}")).hexdigest()[:16]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the folder, or remove it from the list.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Change its permissions, or replace it.") from None

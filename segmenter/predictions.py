"""A folder of images in, a folder of masks and overlays out, taken up again where it stopped (notebook 9)."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from accelerate.utils.memory import should_reduce_batch_size
from PIL import Image
from tqdm import tqdm

from segmenter.large.geotiff import save_polygons, summarise_mask
from segmenter.large.images import file_fingerprint, open_large
from segmenter.large.predict import fingerprint, predict_large, predict_mask
from segmenter.masks import palette_image
from segmenter.pictures import read_in_parts
from segmenter.prediction_list import PredictionList
from utils.errors import CourseError, DataError, printable
from utils.files import save_picture
from utils.images import read_scaled, shrink_pair, shrunk_size
from utils.inference import Predictor
from utils.plots import add_legend, overlay
from utils.run_folder import held

LARGEST_JPEG = 32_000  # pixels, longer side of any overlay: a JPEG holds 65,500, and its legend is in it
PREVIEW = 2048  # pixels, longer side of the overlay of an image that is read in parts


class Outcome(NamedTuple):
    """Masks that are there now, how many of them were there already, and a sentence on each image that failed."""

    masks: list[Path]
    kept: int
    failed: list[str]


def predict_files(
    predictor: Predictor,
    paths: Iterable[Path],
    output: Path,
    *,
    folders: Sequence[Path] = (),
    polygons: bool = False,
    bands: Sequence[int] | None = None,
    progress: bool = False,
) -> Outcome:
    """Write `NAME_mask.png` (ids with the colours of the classes) and `NAME_overlay.jpg` for each image.

    A GeoTIFF, an array and an image of more than 100 million pixels are read in parts; their mask is `NAME_mask.tif`
    or `.npy`. `predictions.csv` lists every image with its mask and the share of each class. What is in it already,
    made by the same weights and options from the same file, is not predicted again; what is not in it is never
    overwritten.

    Args:
        predictor: what predicts, with its options.
        paths: the images.
        output: folder to write to, made where it is missing.
        folders: where the images were looked for; the sub-folders in them are kept below `output`.
        polygons: also write the regions of a GeoTIFF as `NAME_mask.geojson`.
        bands: which bands of a GeoTIFF are red, green and blue, from 1.
        progress: show a bar.
    """
    paths = list(dict.fromkeys(paths))
    options = {"polygons": polygons, "bands": bands}
    settings = f"{fingerprint(predictor)} {options}"
    with held(output):
        table = PredictionList(output, predictor.classes)
        masks = table.find_valid(paths, lambda path: key_of(path, settings))
        names = table.claim([path for path in paths if path not in masks], folders)
        kept, failed = len(masks), []
        try:
            for path in tqdm(names, total=len(paths), initial=kept, unit="picture", disable=not progress):
                try:
                    key = key_of(path, settings)  # of the file as it is before it is read
                    mask, shares = predict_file(predictor, path, output / names[path], progress=progress, **options)
                    masks[path] = table.add(path, mask, key, shares)
                except Exception as error:  # of any library that reads images: one bad file never stops the others
                    failed.append(failure(path, error))
        finally:
            table.drop_unused_claims()
    return Outcome([output / masks[path] for path in paths if path in masks], kept, failed)


def failure(path: Path, error: Exception) -> str:
    """Say in one sentence why an image has no mask."""
    if isinstance(error, CourseError):
        return str(error) if isinstance(error, DataError) else printable(f"{path}: {error}")
    if isinstance(error, MemoryError) or should_reduce_batch_size(error):
        return f"{path} needs more memory than there is. Make it smaller, or cut it into parts."
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
    return f"{path} could not be predicted ({reason}). Replace it, or remove it."


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
    `polygons` also writes the regions of a GeoTIFF as FOLDER/NAME_mask.geojson; `bands` says which of its bands are
    red, green and blue, from 1.
    """
    classes = predictor.classes
    target.parent.mkdir(parents=True, exist_ok=True)
    if read_in_parts(path):
        suffix = ".npy" if path.suffix.lower() == ".npy" else ".tif"
        mask = predict_large(predictor, path, target.with_name(f"{target.name}_mask{suffix}"), bands, progress)
        with open_large(path, bands, predictor.config.white) as large:
            size = shrunk_size(*large.shape, PREVIEW)
            image = large.read_resized(*size)
        ids, counts = summarise_mask(mask, *size)
        if polygons and suffix == ".tif":
            save_polygons(mask, mask.with_suffix(".geojson"), classes)
    else:
        image = read_scaled(path, predictor.config.white)
        ids = predict_mask(predictor, image)
        counts = np.bincount(ids.ravel(), minlength=len(classes))
        mask = target.with_name(f"{target.name}_mask.png")
        save_picture(palette_image(ids, predictor.palette), mask, "PNG")
    image, small = shrink_pair(image, ids, LARGEST_JPEG)
    shown = Image.fromarray(add_legend(overlay(image, small, predictor.palette), classes, predictor.palette))
    save_picture(shown, target.with_name(f"{target.name}_overlay.jpg"), "JPEG", quality=90)
    return mask, counts[: len(classes)] / counts.sum()


def key_of(path: Path, settings: str) -> str:
    """Tell apart what was predicted: another file or other settings have another key. Raises DataError."""
    try:
        return hashlib.sha256(os.fsencode(f"{settings} {file_fingerprint(path)}")).hexdigest()[:16]
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the folder, or remove it from the list.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Change its permissions, or replace it.") from None

"""Predict an image larger than memory: block by block, and taken up again where it stopped (notebook 9)."""

import glob
import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from segmenter.large.blocks import block_rows, image_blocks
from segmenter.large.geotiff import write_mask
from segmenter.large.images import ArrayImage, LargeImage, open_large
from utils.errors import DataError
from utils.images import IGNORE_INDEX
from utils.inference import Predictor


def predict_large(
    predictor: Predictor,
    image: str | Path | np.ndarray,
    target: str | Path,
    bands: Iterable[int] | None = None,
    progress: bool = False,
) -> Path:
    """Write the mask of an image that need not fit in memory, and return the path.

    Args:
        predictor: what predicts, with its options.
        image: a GeoTIFF (or another image that GDAL reads), a .npy file or an array (H, W), (H, W, 3) or (H, W, 4).
        target: NAME.tif, which keeps CRS, transform and nodata, or NAME.npy, uint8 (H, W).
        bands: which bands of a GeoTIFF are red, green and blue, from 1; one is taken as grey.
        progress: show a bar.

    What was interrupted goes on after the last whole row of blocks. Raises DataError for what cannot be read or
    written.
    """
    target = Path(target)
    if target.suffix.lower() not in (".tif", ".tiff", ".npy"):
        raise DataError(f"{target}: the mask of a large image is written as .tif or .npy. Choose one of these names.")
    with open_large(image, bands, predictor.config.white) as opened:
        unfinished = unfinished_path(target, predictor, opened)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            refuse_full_disk(target, opened.shape, unfinished)
            write_rows(predictor, opened, unfinished, target.stem if progress else None)
            write_mask(unfinished, target, predictor.palette, opened.place)
        except OSError as error:
            raise DataError(
                f"Cannot write {target}: {error.strerror or error}. Free some space and run this again: it goes on "
                "where it stopped."
            ) from error
        pattern = f".{glob.escape(target.name)}.{'[0-9a-f]' * 16}.part"
        for left_over in target.parent.glob(pattern):  # also those of other weights or options
            left_over.unlink()
    return target


def unfinished_path(target: Path, predictor: Predictor, image: LargeImage) -> Path:
    """Name the file in which a mask grows: another one for other weights, options or contents of the image."""
    digest = hashlib.sha256(f"{fingerprint(predictor)} {image.fingerprint}".encode()).hexdigest()
    return target.with_name(f".{target.name}.{digest[:16]}.part")


def fingerprint(predictor: Predictor) -> str:
    """Tell two predictors apart: a hash of weights, settings and options."""
    digest = hashlib.sha256(predictor.config.model_dump_json(exclude={"root", "output", "workers"}).encode())
    options = (predictor.classes, predictor.threshold, predictor.flips, predictor.scales, predictor.tile)
    digest.update(repr(options).encode())
    for name, tensor in predictor.model.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def refuse_full_disk(target: Path, shape: tuple[int, int], unfinished: Path) -> None:
    """Raise DataError where the disk has no room for the mask, before hours of work are spent on it.

    A mask takes a byte for each pixel while it grows, and its compressed GeoTIFF hardly a quarter of that.
    """
    needed = shape[0] * shape[1] * 5 // 4 - (unfinished.stat().st_size if unfinished.exists() else 0)
    free = shutil.disk_usage(target.parent)[2]
    if needed > free:
        raise DataError(
            f"The mask needs {needed / 1e6:,.0f} MB in {target.parent}, and {free / 1e6:,.0f} MB are free. "
            "Make room, or choose another output."
        )


def write_rows(predictor: Predictor, image: LargeImage, unfinished: Path, label: str | None) -> None:
    """Append the rows that a growing mask lacks to `unfinished`, a .npy of uint8 (H, W).

    The header of the file states the final shape from the start. `label` stands before the bar of progress; None
    shows no bar.
    """
    height, width = image.shape
    starts, header = block_rows(predictor, height, width), npy_header(height, width)
    with unfinished.open("r+b" if unfinished.exists() else "w+b") as file:
        if file.read(len(header)) != header:
            file.seek(0)
            file.truncate()
            file.write(header)
            file.flush()
        rows_done = (os.fstat(file.fileno()).st_size - len(header)) // width
        if rows_done >= height:
            return
        first = max(i for i, start in enumerate(starts) if start <= rows_done)
        file.seek(len(header) + starts[first] * width)
        file.truncate()  # removes a row of blocks that was not finished
        with tqdm(total=height, initial=starts[first], unit="row", disable=label is None, desc=label) as bar:
            for strip in mask_strips(predictor, image, starts, first):
                file.write(strip.tobytes())
                file.flush()
                bar.update(len(strip))


def mask_strips(predictor: Predictor, image: LargeImage, starts: list[int], first: int) -> Iterator[np.ndarray]:
    """Yield the class ids of each row of blocks from number `first` on, uint8 (h, W): 255 where there is no data."""
    ends = [*starts[1:], image.shape[0]]
    strip = None
    for y, x, logits in image_blocks(predictor, image, first):
        if strip is None:
            strip = np.empty((ends[starts.index(y)] - y, image.shape[1]), np.uint8)
        ids = predictor.decide(logits[None])[0]
        rows, columns = slice(y, y + len(ids)), slice(x, x + ids.shape[1])
        has_data = image.has_data(rows, columns)
        strip[:, columns] = ids if has_data is None else np.where(has_data, ids, IGNORE_INDEX)
        if columns.stop == image.shape[1]:
            yield strip
            strip = None


def npy_header(height: int, width: int) -> bytes:
    """Return the beginning of a .npy file of uint8 (height, width)."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (height, width)})
    return buffer.getvalue()


def predict_mask(predictor: Predictor, array: np.ndarray) -> np.ndarray:
    """Return the class ids of an image, uint8 (H, W, 3) -> uint8 (H, W), without its probabilities.

    The probabilities would take four bytes for each class and pixel; block by block, a large image takes little memory.
    """
    image = ArrayImage(lambda: array)
    mask = np.empty(image.shape, np.uint8)
    for y, x, logits in image_blocks(predictor, image):
        ids = predictor.decide(logits[None])[0]
        mask[y : y + ids.shape[0], x : x + ids.shape[1]] = ids
    return mask

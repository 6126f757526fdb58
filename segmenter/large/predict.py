"""Images larger than memory: read, predicted and written block by block, and taken up again (notebook 9)."""

import hashlib
import io
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from segmenter.large.blocks import block_rows, image_blocks
from segmenter.large.images import ArrayImage, GeoImage, open_large
from utils.errors import DataError
from utils.inference import Predictor


def predict_large(
    predictor: Predictor, picture: str | Path | np.ndarray, target: str | Path, bands: Iterable[int] | None = None,
    progress: bool = False,
) -> Path:  # fmt: skip
    """Write the mask of an image that need not fit in memory, and return the path.

    Args:
        predictor: what predicts, with its options.
        picture: a GeoTIFF (or another image that GDAL reads), a .npy file or an array (H, W), (H, W, 3) or (H, W, 4).
        target: NAME.tif, which keeps CRS, transform and nodata, or NAME.npy, uint8 (H, W).
        bands: which bands of a GeoTIFF are red, green and blue, from 1; one is taken as grey.
        progress: show a bar.

    What was interrupted goes on with the last whole row of tiles. Raises DataError for what cannot be read or written.
    """
    target = Path(target)
    if target.suffix.lower() not in (".tif", ".tiff", ".npy"):
        raise DataError(f"{target}: the mask of a large image is written as .tif or .npy. Choose one of these names.")
    with open_large(picture, bands) as image:
        part = part_of(target, predictor, image)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            refuse_full_disk(target, image.shape, part)
            write_rows(predictor, image, part, progress)
            image.save(part, target, predictor.palette)
        except OSError as error:
            raise DataError(
                f"Cannot write {target}: {error.strerror or error}. Free some space and run this again: it goes on "
                "where it stopped."
            ) from error
        for old in target.parent.glob(f".{target.name}.*.part"):
            old.unlink()
    return target


def refuse_full_disk(target: Path, shape: tuple[int, int], part: Path) -> None:
    """Raise DataError where there is no room for a mask: better now than after hours."""
    needed = shape[0] * shape[1] * 5 // 4 - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(target.parent)[2]
    if needed > free:
        raise DataError(
            f"The mask needs {needed / 1e6:,.0f} MB in {target.parent}, and {free / 1e6:,.0f} MB are free. "
            "Make room, or choose another output."
        )


def part_of(target: Path, predictor: Predictor, image: ArrayImage | GeoImage) -> Path:
    """Name the file in which a mask grows: another one for other weights, options or contents of the image."""
    facts = f"{fingerprint(predictor)} {image.fingerprint}"
    return target.with_name(f".{target.name}.{hashlib.sha256(facts.encode()).hexdigest()[:16]}.part")


def write_rows(predictor: Predictor, image: ArrayImage | GeoImage, part: Path, progress: bool) -> None:
    """Append what is missing of a mask to `part`, a .npy of uint8 (H, W); ignored where the image has no data."""
    height, width = image.shape
    starts = block_rows(predictor, height, width)
    with part.open("r+b" if part.exists() else "w+b") as file:
        header = npy_header(height, width)
        if file.read(len(header)) != header:
            file.seek(0)
            file.truncate()
            file.write(header)
            file.flush()
        whole = (os.fstat(file.fileno()).st_size - len(header)) // width
        first = max(i for i, start in enumerate(starts) if start <= whole)
        if whole >= height:
            return
        file.seek(len(header) + starts[first] * width)
        file.truncate()  # of a row of blocks that was not finished
        bar = tqdm(total=height, initial=starts[first], unit="row", disable=not progress, desc=part.name.split(".")[1])
        with bar:
            for y, strip in mask_strips(predictor, image, starts, first):
                file.write(strip.tobytes())
                file.flush()
                bar.update(y + len(strip) - bar.n)


def mask_strips(
    predictor: Predictor, image: ArrayImage | GeoImage, starts: list[int], first: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (y, class ids uint8 (h, W)) of every whole row of blocks."""
    ends = [*starts[1:], image.shape[0]]
    strip = None
    for y, x, logits in image_blocks(predictor, image, first):
        if strip is None:
            strip = np.empty((ends[starts.index(y)] - y, image.shape[1]), np.uint8)
        ids = predictor.decide(logits[None])[0]
        rows, columns = slice(y, y + len(ids)), slice(x, x + ids.shape[1])
        valid = image.valid(rows, columns)
        strip[:, columns] = ids if valid is None else np.where(valid, ids, 255)
        if columns.stop == image.shape[1]:
            yield y, strip
            strip = None


def npy_header(height: int, width: int) -> bytes:
    """Return the beginning of a .npy file of uint8 (height, width)."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (height, width)})
    return buffer.getvalue()


def predict_mask(predictor: Predictor, array: np.ndarray) -> np.ndarray:
    """Return the class ids of an image, uint8 (H, W, 3) -> uint8 (H, W), without its probabilities.

    They would take four bytes for each class and pixel; block by block, a large image takes little memory.
    """
    image = ArrayImage(lambda: array)
    mask = np.empty(image.shape, np.uint8)
    for y, x, logits in image_blocks(predictor, image):
        ids = predictor.decide(logits[None])[0]
        mask[y : y + ids.shape[0], x : x + ids.shape[1]] = ids
    return mask


def fingerprint(predictor: Predictor) -> str:
    """Tell two predictors apart: a hash of weights, settings and options."""
    digest = hashlib.sha256(predictor.config.model_dump_json(exclude={"root", "output", "workers"}).encode())
    options = (predictor.classes, predictor.threshold, predictor.flips, predictor.scales, predictor.tile)
    digest.update(repr(options).encode())
    for name, tensor in predictor.model.state_dict().items():
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()

"""Images of bands that Pillow does not read, four of 16 bits for example: through rasterio, where it is installed."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from utils.errors import DataError, Fault

GDAL_NODATA = 42113  # the tag of a TIFF that says which number stands for no data
DRIVERS = dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "GTiff")
DRIVERS |= dict.fromkeys((b"\0\0\0\x0c", b"\xffO\xffQ"), "JP2OpenJPEG")  # JPEG 2000, and its bare stream
MOST_BELOW, LITTLE = 0.01, 0.05  # of the numbers of an image may lie below 0; of its white is near enough to 0


def has_bands_header(start: bytes) -> bool:
    """Say whether a file begins as a TIFF, a BigTIFF or a JPEG 2000 does."""
    return start[:4] in DRIVERS


def read_bands(path: Path, data: bytes, otherwise: DataError) -> np.ndarray:
    """Return the bands of a TIFF that make a picture, as they are stored: (H, W, 3), or (H, W) for one of grey.

    No data becomes 0. Raises DataError where rasterio is missing, and `otherwise` where it cannot read the file either.
    """
    try:
        from rasterio.errors import NotGeoreferencedWarning, RasterioError
        from rasterio.io import MemoryFile
    except ImportError:
        raise DataError(Fault("TIFF of bands", path)) from None
    warnings.simplefilter("ignore", NotGeoreferencedWarning)  # for good: several threads read, and filters are shared
    try:
        with (
            MemoryFile(data) as memory,
            memory.open(driver=DRIVERS[data[:4]]) as file,
        ):
            values, nodata = file.read(choose_bands(path, file, None)), file.nodata
    except (RasterioError, OSError, ValueError):
        raise otherwise from None
    return valid_numbers(path, values[0] if len(values) == 1 else values.transpose(1, 2, 0), nodata)


def nodata_of(image: Image.Image) -> float | None:
    """Return the number that stands for no data in a TIFF, where its tags say so."""
    try:
        return float(image.tag_v2[GDAL_NODATA].strip("\0 "))
    except (AttributeError, KeyError, ValueError):
        return None


def valid_numbers(path: Path, values: np.ndarray, nodata: float | None, white: float = 0.0) -> np.ndarray:
    """Return an image with 0, which is black, for no data; one of 8 bits stays as it is.

    white: what becomes 255, where that is known; `values` may then be a part of the image.
    Raises DataError where much of it lies below 0, as decibels and Hounsfield units do: all of that would be black.
    """
    if values.dtype == np.uint8:
        return values
    values = values if nodata is None else np.where(values == nodata, values.dtype.type(0), values)
    some = values.reshape(-1)[:: max(1, values.size // 1_000_000)] if values.dtype.kind != "u" else values[:0]
    some = some[np.isfinite(some)]
    below = some[some < 0]
    # A number that stands alone is no data without a tag, and noise around 0 is no loss.
    if below.size > MOST_BELOW * some.size and np.ptp(below) and -np.median(below) > LITTLE * max(white, some.max()):
        raise DataError(Fault("negative numbers", path, {"low": float(below.min()), "high": float(some.max())}))
    return values


def describe_bands(path: Path) -> str:
    """Say which bands of a TIFF are read as a picture; empty for any other file, and for one of up to three bands."""
    try:
        import rasterio
        from rasterio.errors import NotGeoreferencedWarning, RasterioError
    except ImportError:
        return ""
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    try:
        with rasterio.open(path, driver="GTiff") as file:
            bands = choose_bands(path, file, None)
            return f"{' '.join(map(str, bands))} of {file.count} are read" if file.count > len(bands) else ""
    except (RasterioError, DataError, OSError):
        return ""


def choose_bands(path: Path, file: Any, bands: tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the bands of an open file to read as an image: red, green and blue, or one of grey. Raises DataError.

    Without `bands`, they are those that the file calls red, green and blue, else the first three beside alpha.
    """
    if "complex" in file.dtypes[0]:
        raise DataError(f"{path} holds complex numbers, and a picture needs real numbers. Convert it.")
    if bands is not None:
        if len(bands) not in (1, 3) or not all(1 <= band <= file.count for band in bands):
            raise DataError(f"{path} has bands 1 to {file.count}: name one of them, or three, not {list(bands)}.")
        return bands
    meanings = [meaning.name for meaning in file.colorinterp]
    if {"red", "green", "blue"} <= set(meanings):
        return tuple(meanings.index(colour) + 1 for colour in ("red", "green", "blue"))
    colours = [band for band, meaning in enumerate(meanings, start=1) if meaning != "alpha"]
    if len(colours) == 2:
        raise DataError(
            f"{path} has 2 bands, and a picture needs red, green and blue, or one of grey. "
            "Name the bands to use (bands, --bands)."
        )
    return tuple(colours[:3])

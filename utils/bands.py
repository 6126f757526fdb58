"""Images of bands that Pillow does not read, four of 16 bits for example: through rasterio, where it is installed."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from utils.errors import DataError, Fault


def has_tiff_header(start: bytes) -> bool:
    """Say whether a file begins as a TIFF or a BigTIFF does."""
    return start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_bands(path: Path, data: bytes, otherwise: DataError) -> np.ndarray:
    """Return the bands of a TIFF that make a picture, as they are stored: (H, W, 3), or (H, W) for one of grey.

    Raises DataError where rasterio is missing, and `otherwise` where it cannot read the file either.
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
            memory.open(driver="GTiff") as file,
        ):
            values = file.read(choose_bands(path, file, None))
    except (RasterioError, OSError, ValueError):
        raise otherwise from None
    return values[0] if len(values) == 1 else values.transpose(1, 2, 0)


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

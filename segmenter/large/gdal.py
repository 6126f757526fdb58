"""How this program opens a raster file: through rasterio, the Python side of the library GDAL."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.optional import require
from utils.errors import DataError

CACHE_BYTES = 16_000_000  # of what GDAL has read and may keep in memory; by default it is 5 % of the machine's


@contextmanager
def open_raster(path: Path, mode: str = "r", **profile: Any) -> Iterator[Any]:
    """Open a file with rasterio: the arguments are those of `rasterio.open`.

    rasterio warns where a file does not say where on earth it lies. That warning is left out, since many images do
    not. Raises CourseError where rasterio is missing, and what rasterio raises.
    """
    rasterio = require("rasterio")
    from rasterio.errors import NotGeoreferencedWarning

    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
        with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
            file = rasterio.open(path, mode, **profile)
        with file:
            yield file


def gdal_reason(error: Exception) -> str:
    """Return what GDAL says about an error, in one line; rasterio keeps it as the cause of its own error."""
    return " ".join(str(error.__cause__ or error).split())


@contextmanager
def read_errors(path: Path) -> Iterator[None]:
    """Turn what GDAL raises while it reads a file into a DataError with one sentence."""
    from rasterio.errors import RasterioError

    try:
        yield
    except (RasterioError, OSError, ValueError) as error:
        reason = gdal_reason(error).removeprefix(f"{path}: ").rstrip(".")
        raise DataError(f"{path} cannot be read ({reason}). Replace it with a complete image file.") from None


def colour_table(file: Any, band: int) -> np.ndarray | None:
    """Return the colours of an open palette image, uint8 (256, 3), or None for any other image."""
    if file.colorinterp[band - 1].name != "palette":
        return None
    table = np.zeros((256, 3), np.uint8)
    for index, colour in file.colormap(band).items():
        table[index] = colour[:3]
    return table

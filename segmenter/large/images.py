"""Images of which only parts are read: GeoTIFF through rasterio, and arrays on disk."""

import hashlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmenter.large.gdal import colour_table, open_raster, read_errors
from segmenter.optional import require
from utils.arrays import array_to_rgb, require_image_array
from utils.bands import choose_bands, valid_numbers
from utils.errors import DataError
from utils.images import IGNORE_INDEX, MOST_NUMBERS, find_white, to_eight_bits

# What GDAL may take a file for: no format that names other files or addresses to be read.
DRIVERS = {
    ".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG",
    ".webp": "WEBP", ".bmp": "BMP",
}  # fmt: skip


@contextmanager
def open_large(
    image: str | Path | np.ndarray, bands: Iterable[int] | None = None, white: float | None = None
) -> Iterator["ArrayImage | GeoImage"]:
    """Open an image of which only parts are read: an array, a .npy file, or what GDAL reads. Raises DataError.

    bands: which are red, green and blue, from 1; one is taken as grey. None looks them up.
    white: the value that becomes 255 in an image of more than 8 bits. None finds it in the image.
    """
    if isinstance(image, np.ndarray):
        require_image_array(image)
        yield ArrayImage(lambda: image, hashlib.sha256(np.ascontiguousarray(image)).hexdigest(), white)
        return
    path = Path(image)
    if path.suffix.lower() == ".npy":
        if bands:
            raise DataError(f"{path} is an array: bands are chosen for GeoTIFF only. Leave them out.")
        yield ArrayImage.map_file(path, white)
        return
    require("rasterio")
    if not path.exists():
        raise DataError(f"There is no file {path}. Check the name.")
    if path.suffix.lower() not in DRIVERS:
        raise DataError(f"{path} is of no kind that can be read in parts: {', '.join(DRIVERS)} or .npy. Convert it.")
    with ExitStack() as stack:
        with read_errors(path):
            file = stack.enter_context(open_raster(path, driver=DRIVERS[path.suffix.lower()]))
        yield GeoImage(path, file, tuple(bands) if bands else None, white)


class ArrayImage:
    """An array of uint8 or uint16 (H, W) or (H, W, C) with 1 to 4 channels, read in parts.

    Args:
        load: returns the array; called anew for each part, so that a mapped file does not fill the memory.
        fingerprint: changes when the contents do.
        white: the value that becomes 255 where the array is not of bytes; None finds it in the image.
    """

    def __init__(self, load: Callable[[], np.ndarray], fingerprint: str = "", white: float | None = None) -> None:
        self.load, self.fingerprint = load, fingerprint
        self.place: dict[str, Any] = {}  # an array does not say where it lies
        array = load()
        require_image_array(array)
        self.shape = array.shape[:2]
        self.white = white or 255.0
        if array.dtype != np.uint8 and white is None:
            step = max(1, math.isqrt(array.shape[0] * array.shape[1] // MOST_NUMBERS))
            self.white = find_white(load()[::step, ::step])

    @classmethod
    def map_file(cls, path: Path, white: float | None = None) -> "ArrayImage":
        """Map a .npy file. Raises DataError."""
        try:
            return cls(lambda: np.load(path, mmap_mode="r", allow_pickle=False), file_fingerprint(path), white)
        except FileNotFoundError:
            raise DataError(f"There is no file {path}. Check the name.") from None
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path} cannot be read as an array ({error}). Save it again with np.save.") from None

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Return a part as uint8 (h, w, 3) RGB."""
        return array_to_rgb(self.load()[rows, columns], self.white)

    def read_resized(self, height: int, width: int) -> np.ndarray:
        """Return the whole image at another size: uint8 (height, width, 3)."""
        steps = [max(1, full // (4 * small)) for full, small in zip(self.shape, (height, width), strict=True)]
        sampled = self.read(*(slice(None, None, step) for step in steps))
        return cv2.resize(sampled, (width, height), interpolation=cv2.INTER_AREA)

    def has_data(self, rows: slice, columns: slice) -> None:
        """Return None: an array has data everywhere."""


class GeoImage:
    """An image that GDAL reads in parts, open as a rasterio data set.

    Attributes:
        shape: (height, width).
        place: CRS, transform and nodata of its masks, as `rasterio.open` takes them.
        white: the value that becomes 255. It is that of the whole image: all parts are scaled alike.
    """

    def __init__(self, path: Path, file: Any, bands: tuple[int, ...] | None, white: float | None = None) -> None:
        self.path, self.file, self.fingerprint = path, file, file_fingerprint(path)
        self.lock = threading.Lock()  # GDAL lets one thread at a time use a file
        self.shape = (file.height, file.width)
        self.bands = choose_bands(path, file, bands)
        self.colours = colour_table(file, self.bands[0])
        self.masked = any("all_valid" not in {flag.name for flag in flags} for flags in file.mask_flag_enums)
        self.place: dict[str, Any] = {"crs": file.crs, "transform": file.transform}
        if file.gcps[0]:  # ground control points, in place of a transform
            self.place = {"gcps": file.gcps[0], "crs": file.gcps[1]}
        if self.masked:
            self.place["nodata"] = IGNORE_INDEX
        self.white = 255.0 if file.dtypes[0] == "uint8" else white or self.find_white()

    def find_white(self) -> float:
        """Return the value of the image that becomes white, of its valid numbers; it is read block by block."""
        found, step = [], max(1, self.file.height * self.file.width * len(self.bands) // MOST_NUMBERS)
        for _, window in self.file.block_windows(self.bands[0]):
            with self.lock, read_errors(self.path):
                values = self.file.read(self.bands, window=window, masked=True)
            found.append(values.compressed()[::step])
        return find_white(np.concatenate(found))

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Return a part as uint8 (h, w, 3) RGB. Raises DataError."""
        from rasterio.windows import Window

        with self.lock, read_errors(self.path):
            return self.to_rgb(self.file.read(self.bands, window=Window.from_slices(rows, columns)))

    def read_resized(self, height: int, width: int) -> np.ndarray:
        """Return the whole image at another size: uint8 (height, width, 3). Raises DataError."""
        from rasterio.enums import Resampling

        resampling = Resampling.average if self.colours is None else Resampling.nearest
        with self.lock, read_errors(self.path):
            shape = (len(self.bands), height, width)
            return self.to_rgb(self.file.read(self.bands, out_shape=shape, resampling=resampling))

    def to_rgb(self, values: np.ndarray) -> np.ndarray:
        """Turn what was read, (bands, h, w), into uint8 (h, w, 3)."""
        if self.colours is not None:
            return self.colours[values[0]]
        values = valid_numbers(self.path, values.transpose(1, 2, 0), self.file.nodata, self.white)
        return array_to_rgb(values if values.dtype == np.uint8 else to_eight_bits(values, self.white))

    def has_data(self, rows: slice, columns: slice) -> np.ndarray | None:
        """Say where a part has data, bool (h, w), or None where all of the image has. Raises DataError."""
        from rasterio.windows import Window

        if not self.masked:
            return None
        with self.lock, read_errors(self.path):
            return self.file.dataset_mask(window=Window.from_slices(rows, columns)) > 0


LargeImage = ArrayImage | GeoImage


def file_fingerprint(path: Path) -> str:
    """Return what tells two states of a file apart without reading it: its path, size and time of change."""
    status = path.stat()
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"

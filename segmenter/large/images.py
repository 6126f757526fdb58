"""Images of which only parts are read: GeoTIFF through rasterio, and arrays on disk (notebook 9)."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from segmenter.large.geotiff import BLOCK, CACHE, quiet, require_rasterio, window_of, write_tiff
from utils.errors import DataError
from utils.images import IGNORE_INDEX, to_eight_bits
from utils.inference import array_to_rgb, require_image_array
from utils.plots import Palette

# What GDAL may take a file for: no format that names other files or addresses to be read.
DRIVERS = {
    ".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG", ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG",
    ".webp": "WEBP", ".bmp": "BMP",
}  # fmt: skip


class GeoImage:
    """An image that GDAL reads in parts; masks of it keep its CRS, transform and nodata. Use it in a `with` block.

    Args:
        bands: which are red, green and blue, from 1; one is taken as grey. None looks them up.
    """

    def __init__(self, path: Path, bands: Iterable[int] | None = None) -> None:
        rasterio = require_rasterio()
        if not path.exists():
            raise DataError(f"There is no file {path}. Check the name.")
        if path.suffix.lower() not in DRIVERS:
            raise DataError(
                f"{path} is of no kind that can be read in parts: {', '.join(DRIVERS)} or .npy. Convert it."
            )
        self.path, self.fingerprint, self.lock = path, stamp(path), threading.Lock()
        self.env = rasterio.Env(GDAL_CACHEMAX=CACHE)
        self.env.__enter__()
        try:
            with self.reading(), quiet():
                self.file = rasterio.open(path, driver=DRIVERS[path.suffix.lower()])
        except DataError:
            self.env.__exit__()
            raise
        try:
            self.shape = (self.file.height, self.file.width)
            self.bands = self.choose(tuple(bands) if bands else None)
            self.colours = self.colour_table()
            self.masked = any("all_valid" not in {flag.name for flag in flags} for flags in self.file.mask_flag_enums)
            self.largest = 255.0 if self.file.dtypes[0] == "uint8" else self.find_largest()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "GeoImage":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()
        self.env.__exit__()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn what GDAL raises into a sentence."""
        from rasterio.errors import RasterioError

        try:
            with self.lock:  # GDAL lets one thread at a time use a file
                yield
        except (RasterioError, OSError, ValueError) as error:
            reason = " ".join(str(error.__cause__ or error).split()).removeprefix(f"{self.path}: ").rstrip(".")
            raise DataError(f"{self.path} cannot be read ({reason}). Replace it with a complete image file.") from None

    def choose(self, bands: tuple[int, ...] | None) -> tuple[int, ...]:
        """Return the bands to read: three, or one of grey. Raises DataError."""
        if "complex" in self.file.dtypes[0]:
            raise DataError(f"{self.path} holds complex numbers, and a picture needs real numbers. Convert it.")
        count, kinds = self.file.count, [kind.name for kind in self.file.colorinterp]
        if bands is None:
            if {"red", "green", "blue"} <= set(kinds):
                return tuple(kinds.index(colour) + 1 for colour in ("red", "green", "blue"))
            colours = [i for i, kind in enumerate(kinds, 1) if kind != "alpha"]
            if len(colours) == 2:
                raise DataError(
                    f"{self.path} has 2 bands, and a picture needs red, green and blue, or one of grey. "
                    "Name the bands to use (bands, --bands)."
                )
            return tuple(colours[:3])
        if len(bands) not in (1, 3) or not all(1 <= band <= count for band in bands):
            raise DataError(f"{self.path} has bands 1 to {count}: name one of them, or three, not {list(bands)}.")
        return bands

    def colour_table(self) -> np.ndarray | None:
        """Return the colours of a palette image, uint8 (256, 3), or None."""
        if self.file.colorinterp[self.bands[0] - 1].name != "palette":
            return None
        table = np.zeros((256, 3), np.uint8)
        for index, colour in self.file.colormap(self.bands[0]).items():
            table[index] = colour[:3]
        return table

    def find_largest(self) -> float:
        """Return the largest valid number of the image, block by block: it becomes 255."""
        largest = 0.0
        for _, window in self.file.block_windows(self.bands[0]):
            with self.reading():
                values = self.file.read(self.bands, window=window, masked=True).astype(np.float32)
            values = np.ma.masked_invalid(values)
            if values.count():
                largest = max(largest, float(values.max()))
        return largest

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Return a part as uint8 (h, w, 3) RGB. Raises DataError."""
        with self.reading():
            return self.picture(self.file.read(self.bands, window=window_of(rows, columns)))

    def shrunk(self, height: int, width: int) -> np.ndarray:
        """Return the whole at another size: uint8 (height, width, 3)."""
        from rasterio.enums import Resampling

        how = Resampling.average if self.colours is None else Resampling.nearest
        with self.reading():
            shape = (len(self.bands), height, width)
            return self.picture(self.file.read(self.bands, out_shape=shape, resampling=how))

    def picture(self, values: np.ndarray) -> np.ndarray:
        """Turn what was read, (bands, h, w), into uint8 (h, w, 3)."""
        if self.colours is not None:
            return self.colours[values[0]]
        values = values.transpose(1, 2, 0)
        return array_to_rgb(values if values.dtype == np.uint8 else to_eight_bits(values, self.largest))

    def valid(self, rows: slice, columns: slice) -> np.ndarray | None:
        """Say where a part has data, bool (h, w), or None where all of the image has."""
        if not self.masked:
            return None
        with self.reading():
            return self.file.dataset_mask(window=window_of(rows, columns)) > 0

    def save(self, part: Path, target: Path, palette: Palette) -> None:
        """Write a finished mask, .npy of uint8 (H, W), with what says where on earth it lies."""
        if target.suffix.lower() == ".npy":
            part.replace(target)
            return
        place: dict[str, Any] = {"crs": self.file.crs, "transform": self.file.transform}
        if self.file.gcps[0]:
            place = dict(zip(("gcps", "crs"), self.file.gcps, strict=True))
        if self.masked:
            place["nodata"] = IGNORE_INDEX
        write_tiff(part, target, palette, place)


def stamp(path: Path) -> str:
    """Say what tells two states of a file apart without reading it: its path, size and time."""
    facts = path.stat()
    return f"{path.resolve()} {facts.st_size} {facts.st_mtime_ns}"


class ArrayImage:
    """An array of uint8 or uint16 (H, W) or (H, W, C) with 1 to 4 channels, read in parts.

    Args:
        load: returns the array; called anew for each part, so that a mapped file does not fill the memory.
        fingerprint: changes when the contents do.
    """

    def __init__(self, load: Callable[[], np.ndarray], fingerprint: str = "") -> None:
        self.load, self.fingerprint = load, fingerprint
        array = load()
        require_image_array(array)
        self.shape = array.shape[:2]
        deep = array.dtype != np.uint8
        self.largest = max(float(load()[y : y + BLOCK].max()) for y in range(0, len(array), BLOCK)) if deep else 255.0

    @classmethod
    def open(cls, path: Path) -> "ArrayImage":
        """Map a .npy file. Raises DataError."""
        try:
            return cls(lambda: np.load(path, mmap_mode="r", allow_pickle=False), stamp(path))
        except FileNotFoundError:
            raise DataError(f"There is no file {path}. Check the name.") from None
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path} cannot be read as an array ({error}). Save it again with np.save.") from None

    def __enter__(self) -> "ArrayImage":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def read(self, rows: slice, columns: slice) -> np.ndarray:
        """Return a part as uint8 (h, w, 3) RGB."""
        return array_to_rgb(self.load()[rows, columns], self.largest)

    def shrunk(self, height: int, width: int) -> np.ndarray:
        """Return the whole at another size: uint8 (height, width, 3)."""
        steps = [max(1, full // (4 * small)) for full, small in zip(self.shape, (height, width), strict=True)]
        part = self.read(*(slice(None, None, step) for step in steps))
        return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)

    def valid(self, rows: slice, columns: slice) -> None:
        """Return None: an array has data everywhere."""

    def save(self, part: Path, target: Path, palette: Palette) -> None:
        """Put a finished mask, .npy of uint8 (H, W), in its place."""
        if target.suffix.lower() == ".npy":
            part.replace(target)
        else:
            write_tiff(part, target, palette, {})


def open_large(picture: str | Path | np.ndarray, bands: Iterable[int] | None = None) -> ArrayImage | GeoImage:
    """Open an image of which only parts are read. Raises DataError."""
    if isinstance(picture, np.ndarray):
        return ArrayImage(lambda: picture, "the array")
    path = Path(picture)
    if path.suffix.lower() == ".npy":
        if bands:
            raise DataError(f"{path} is an array: bands are chosen for GeoTIFF only. Leave them out.")
        return ArrayImage.open(path)
    return GeoImage(path, bands)

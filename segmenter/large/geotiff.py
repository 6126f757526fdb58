"""Masks with a place on the map: GeoTIFF and GeoJSON, written through rasterio."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from utils.errors import CourseError, DataError
from utils.images import IGNORE_INDEX
from utils.plots import Palette

BLOCK = 256  # pixels: side of the blocks of a written GeoTIFF


CACHE = 16_000_000  # bytes of what it has read that GDAL may keep


def strips(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (y, rows) of a .npy file; mapped anew for each, so that what was read leaves the memory."""
    for y in range(0, len(np.load(path, mmap_mode="r")), BLOCK):
        yield y, np.load(path, mmap_mode="r")[y : y + BLOCK].copy()


def write_tiff(mask: Path, target: Path, palette: Palette, place: dict[str, Any]) -> None:
    """Write class ids, .npy of uint8 (H, W), as a tiled TIFF with a colour table, compressed, whole or not at all."""
    rasterio = require_rasterio()
    height, width = np.load(mask, mmap_mode="r").shape
    temporary = target.with_name(f".{target.name}.part.tif")
    profile = {
        "driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width, "tiled": True,
        "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "BIGTIFF": "IF_SAFER", **place,
    }  # fmt: skip
    try:
        with rasterio.Env(GDAL_CACHEMAX=CACHE), quiet(), rasterio.open(temporary, "w", **profile) as file:
            file.write_colormap(1, dict(enumerate(palette)))
            for y, rows in strips(mask):
                file.write(rows, 1, window=window_of(slice(y, y + len(rows)), slice(0, width)))
        temporary.replace(target)
    except rasterio.errors.RasterioError as error:
        raise OSError(None, " ".join(str(error.__cause__ or error).split())) from error
    finally:
        temporary.unlink(missing_ok=True)


def summarise_mask(path: Path, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a small copy of a mask, uint8 (height, width), and how many pixels have each id, int64 (256,)."""
    counts = np.zeros(256, np.int64)
    if path.suffix.lower() == ".npy":
        for _, rows in strips(path):
            counts += np.bincount(rows.ravel(), minlength=256)
        mask = np.load(path, mmap_mode="r")
        places = (np.arange(n) * full // n for n, full in zip((height, width), mask.shape, strict=True))
        return mask[np.ix_(*places)], counts
    rasterio = require_rasterio()
    with rasterio.Env(GDAL_CACHEMAX=CACHE), quiet(), rasterio.open(path, driver="GTiff") as file:
        for _, window in file.block_windows(1):
            counts += np.bincount(file.read(1, window=window).ravel(), minlength=256)
        return file.read(1, out_shape=(height, width)), counts


def save_polygons(mask: Path, target: Path, classes: Sequence[str]) -> Path:
    """Write the regions of a mask that `predict_large` wrote as GeoJSON polygons, and return the path.

    In longitude and latitude (WGS 84), as GeoJSON wants it, or in pixels where the image says nothing of its place.
    One foreground class leaves the background out. `area` is in the square units of the image's CRS.
    """
    rasterio = require_rasterio()
    from rasterio import features, warp

    temporary = target.with_name(f".{target.name}.part")
    with rasterio.Env(GDAL_CACHEMAX=CACHE), quiet(), rasterio.open(mask) as file:
        try:
            with temporary.open("w", encoding="utf-8") as out:
                out.write('{"type": "FeatureCollection", "features": [')
                separator = "\n"
                for shape, value in features.shapes(rasterio.band(file, 1), transform=file.transform):
                    index = int(value)
                    if index == IGNORE_INDEX or (index == 0 and len(classes) == 2):
                        continue
                    facts = {"class": classes[index], "id": index, "area": round(area_of(shape), 3)}
                    if file.crs:
                        shape = warp.transform_geom(file.crs, "EPSG:4326", shape, precision=8)
                    out.write(separator + json.dumps({"type": "Feature", "properties": facts, "geometry": shape}))
                    separator = ",\n"
                out.write("\n]}\n")
            temporary.replace(target)
        except OSError as error:
            raise DataError(f"Cannot write {target}: {error.strerror}. Free some space.") from error
        finally:
            temporary.unlink(missing_ok=True)
    return target


def area_of(polygon: dict[str, Any]) -> float:
    """Return the area of a GeoJSON polygon with holes in the square of its units (shoelace formula)."""
    areas = []
    for ring in polygon["coordinates"]:
        x, y = np.array(ring).T
        areas.append(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)
    return float(areas[0] - sum(areas[1:]))


def window_of(rows: slice, columns: slice) -> Any:
    """Return the rasterio window of a slice of rows and one of columns."""
    from rasterio.windows import Window

    return Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep rasterio from warning that an image says nothing of its place: many do not."""
    import warnings

    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def require_rasterio() -> Any:
    """Return the package, or raise CourseError with what to do."""
    try:
        import rasterio
        import rasterio.errors
    except ImportError:
        raise CourseError("The package rasterio is missing: run `pip install rasterio`, then this again.") from None
    return rasterio

"""Masks with a place on the map: GeoTIFF and GeoJSON, written through rasterio."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.large.gdal import gdal_reason, open_raster
from segmenter.optional import require
from utils.errors import DataError
from utils.images import IGNORE_INDEX
from utils.plots import Palette

BLOCK_SIDE = 256  # pixels, of the blocks of a written GeoTIFF


def write_mask(rows: Path, target: Path, palette: Palette, place: dict[str, Any]) -> None:
    """Put a finished mask, a .npy of uint8 (H, W), in its place: moved there, or as a GeoTIFF, whole or not at all.

    The GeoTIFF has a colour table, compressed blocks, and what `place` says: CRS, transform and nodata, as
    `rasterio.open` takes them. Raises OSError where it cannot be written.
    """
    if target.suffix.lower() == ".npy":
        rows.replace(target)
        return
    require("rasterio")
    from rasterio.errors import RasterioError
    from rasterio.windows import Window

    height, width = np.load(rows, mmap_mode="r").shape
    temporary = target.with_name(f".{target.name}.part.tif")
    profile = {
        "driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width, "tiled": True,
        "blockxsize": BLOCK_SIDE, "blockysize": BLOCK_SIDE, "compress": "deflate", "BIGTIFF": "IF_SAFER", **place,
    }  # fmt: skip
    try:
        with open_raster(temporary, "w", **profile) as file:
            file.write_colormap(1, dict(enumerate(palette)))
            for y, strip in read_strips(rows):
                file.write(strip, 1, window=Window(0, y, width, len(strip)))
        temporary.replace(target)
    except RasterioError as error:
        raise OSError(None, gdal_reason(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def read_strips(path: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (y, rows) of a .npy file, which is mapped anew for each strip: what was read then leaves the memory."""
    for y in range(0, len(np.load(path, mmap_mode="r")), BLOCK_SIDE):
        yield y, np.load(path, mmap_mode="r")[y : y + BLOCK_SIDE].copy()


def summarise_mask(path: Path, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a small copy of a mask, uint8 (height, width), and how many pixels have each id, int64 (256,)."""
    counts = np.zeros(256, np.int64)
    if path.suffix.lower() == ".npy":
        for _, strip in read_strips(path):
            counts += np.bincount(strip.ravel(), minlength=256)
        mask = np.load(path, mmap_mode="r")
        rows, columns = (np.arange(n) * full // n for n, full in zip((height, width), mask.shape, strict=True))
        return mask[np.ix_(rows, columns)], counts
    with open_raster(path, driver="GTiff") as file:
        for _, window in file.block_windows(1):
            counts += np.bincount(file.read(1, window=window).ravel(), minlength=256)
        return file.read(1, out_shape=(height, width)), counts


def save_polygons(mask: Path, target: Path, classes: Sequence[str]) -> Path:
    """Write the regions of a mask that `predict_large` wrote as GeoJSON polygons, and return the path.

    The coordinates are longitude and latitude (WGS 84), as GeoJSON demands (RFC 7946), or pixels where the image says
    nothing of its place. With one foreground class the background is left out.
    """
    temporary = target.with_name(f".{target.name}.part")
    try:
        with temporary.open("w", encoding="utf-8") as out:
            out.write('{"type": "FeatureCollection", "features": [')
            for number, region in enumerate(region_features(mask, classes)):  # there may be more than memory holds
                out.write((",\n" if number else "\n") + json.dumps(region))
            out.write("\n]}\n")
        temporary.replace(target)
    except OSError as error:
        raise DataError(f"Cannot write {target}: {error.strerror}. Free some space.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return target


def region_features(mask: Path, classes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a GeoJSON feature for each region of a mask; `area` is in the square units of the image's CRS."""
    rasterio = require("rasterio")
    from rasterio import features, warp

    with open_raster(mask) as file:
        for polygon, value in features.shapes(rasterio.band(file, 1), transform=file.transform):
            index = int(value)
            if index == IGNORE_INDEX or (index == 0 and len(classes) == 2):
                continue
            properties = {"class": classes[index], "id": index, "area": round(area_of(polygon), 3)}
            if file.crs:
                polygon = warp.transform_geom(file.crs, "EPSG:4326", polygon, precision=8)
            yield {"type": "Feature", "properties": properties, "geometry": polygon}


def area_of(polygon: dict[str, Any]) -> float:
    """Return the area of a GeoJSON polygon with holes, in the square of its units (shoelace formula)."""
    areas = []
    for ring in polygon["coordinates"]:
        x, y = np.array(ring).T
        areas.append(abs(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])) / 2)
    return float(areas[0] - sum(areas[1:]))

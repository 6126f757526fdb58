"""Regions become class ids: a pixel belongs to an outline if its centre lies inside, as pycocotools draws it."""

from collections.abc import Sequence

import numpy as np

from segmenter.formats.base import Item, Region
from segmenter.formats.sizes import has_other_shape
from segmenter.optional import require
from utils.catalog.class_table import BACKGROUND_NAMES
from utils.errors import DataError
from utils.images import IGNORE_INDEX

Slices = tuple[slice, slice]


def draw(item: Item, classes: Sequence[str], height: int, width: int) -> np.ndarray:
    """Return the class ids of an image, uint8 (height, width): regions in their order, later ones on top.

    What nobody drew on is background, 0; what is to be ignored is 255. A whole mask may be smaller, of the same shape.
    Raises DataError for one of another shape, and ValueError for regions that are not of this size.
    """
    if item.ids is not None:
        ids = item.ids()
        if has_other_shape((height, width), ids.shape):
            raise DataError(
                f"{item.image} is {width}x{height}, but its mask is of {ids.shape[1]}x{ids.shape[0]} pixels: not one "
                "picture. Replace the wrong one."
            )
        return ids
    ids = np.zeros((height, width), np.uint8)
    for region in item.regions:
        for place, inside in pieces(region, height, width):
            ids[place][inside] = value_of(region.label, classes)
    return ids


def value_of(label: str | None, classes: Sequence[str]) -> int:
    """Return the id of a class; every name of the background is that of the first."""
    if label is None:
        return IGNORE_INDEX
    return 0 if label.casefold() in BACKGROUND_NAMES else classes.index(label)


def pieces(region: Region, height: int, width: int) -> list[tuple[Slices, np.ndarray]]:
    """Return where a region lies in an image of that size, and which pixels there are its own, bool; often one piece.

    Nothing is returned for a region outside the image. Raises ValueError for a stencil of an image of another size.
    """
    if region.stencil is not None:
        stencil = region.stencil()
        if region.corner is None and stencil.shape != (height, width):
            own = f"{stencil.shape[1]}x{stencil.shape[0]}"
            raise ValueError(f"a mask of {own} pixels where {width}x{height} are stated")
        return cut(stencil, region.corner or (0, 0), height, width)
    rings = [ring for ring in region.rings if is_area(ring)]
    if not rings:
        return []
    points = np.concatenate(rings)
    x0, y0 = np.clip(np.floor(points.min(axis=0)), 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(points.max(axis=0)), 0, (width, height)).astype(int)
    if x0 >= x1 or y0 >= y1:
        return []
    inside = fill(rings, (x0, y0), y1 - y0, x1 - x0)
    holes = [hole for hole in region.holes if is_area(hole)]
    if holes:
        inside &= ~fill(holes, (x0, y0), y1 - y0, x1 - x0)
    return [((slice(y0, y1), slice(x0, x1)), inside)]


def fill(rings: Sequence[np.ndarray], corner: tuple[int, int], height: int, width: int) -> np.ndarray:
    """Return which pixels of a window lie in any of the outlines: bool (height, width); the corner is (x, y)."""
    coco = require("pycocotools.mask", "pycocotools")
    far = 4 * max(height, width) + 4096  # what reaches further is cut, or following it would take for ever
    plain = [without_doubles(np.clip(ring - corner, -far, far)).ravel() for ring in rings]
    runs = coco.frPyObjects([ring for ring in plain if len(ring) > 4] or [np.zeros(6)], int(height), int(width))
    return coco.decode(coco.merge(runs)).view(bool)


def without_doubles(ring: np.ndarray) -> np.ndarray:
    """Return an outline without points that repeat the one before, on the grid of fifths of a pixel that is drawn on.

    pycocotools divides by the length between two points, and a whole column may go wrong where it is 0.
    """
    grid = np.floor(5 * ring + 0.5)
    return ring[(grid != np.roll(grid, 1, axis=0)).any(axis=1)]


def cut(stencil: np.ndarray, corner: tuple[int, int], height: int, width: int) -> list[tuple[Slices, np.ndarray]]:
    """Place a stencil, bool (h, w), in an image, without what lies beyond its borders."""
    top, left = corner
    inside = stencil[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    if not inside.size:
        return []
    y, x = max(0, top), max(0, left)
    return [((slice(y, y + inside.shape[0]), slice(x, x + inside.shape[1])), inside)]


def is_area(ring: np.ndarray) -> bool:
    """Say whether an outline has three points or more, all of them numbers, and not all on one line."""
    return len(ring) > 2 and bool(np.isfinite(ring).all()) and np.linalg.matrix_rank(ring - ring[0]) > 1


def has_area(region: Region) -> bool:
    """Say whether anything of a region can be drawn."""
    return region.stencil is not None or any(is_area(ring) for ring in region.rings)

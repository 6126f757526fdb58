"""Supervisely: `meta.json` with the classes; in each data set `img/NAME` and `ann/NAME.json`: polygons and bitmaps."""

import base64
import io
import zlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from segmenter.formats.base import (
    Annotations,
    Item,
    Region,
    class_names,
    drawn_names,
    filling,
    label_of,
    regions_in,
    words_of_undrawn,
)
from segmenter.formats.listing import Listing
from segmenter.formats.shapes import rectangle, ring_of

NAME = "Supervisely"


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [p for p, d in listing.documents.items() if isinstance(d, dict) and {"size", "objects"} <= d.keys()]


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in the order of meta.json, then as drawn."""
    items, undrawn = [], Counter()
    for file in files:
        document = listing.documents[file]
        image = listing.find_image(f"../img/{file.stem}", file) or listing.find_image(file.stem, file)
        items.append(item := Item(file.stem, image, split=listing.split_of(image, file)))
        with filling(item, file):
            item.size = int(document["size"]["height"]), int(document["size"]["width"])
            item.regions = regions_in(map(region_of, document["objects"]), undrawn)
    metas = [d for p, d in listing.documents.items() if p.name == "meta.json" and isinstance(d, dict)]
    titles = [str(entry["title"]) for meta in metas for entry in meta.get("classes", [])]
    classes = class_names([*titles, *drawn_names(items)])
    return Annotations(NAME, files, classes, items, words_of_undrawn(undrawn))


def region_of(entry: dict[str, Any]) -> Region | str:
    """Return the region of an object, or its kind where it has no area, as points and lines."""
    label, kind = label_of(entry.get("classTitle")), entry.get("geometryType")
    if kind == "bitmap":
        left, top = entry["bitmap"]["origin"]
        return Region(label, stencil=partial(decode_bitmap, entry["bitmap"]["data"]), corner=(top, left))
    points = entry.get("points", {})
    outer = ring_of(points.get("exterior", []))
    if kind == "polygon":
        return Region(label, (outer,), tuple(ring_of(hole) for hole in points.get("interior") or []))
    if kind == "rectangle":
        (x0, y0), (x1, y1) = outer.min(axis=0), outer.max(axis=0)
        return Region(label, (rectangle(x0, y0, x1 - x0 + 1, y1 - y0 + 1),))  # both corners are pixels of it
    return str(kind)


def decode_bitmap(text: str) -> np.ndarray:
    """Decode a bitmap, a packed PNG whose alpha or grey says which pixels belong to it: bool (h, w)."""
    packed = zlib.decompress(base64.b64decode(text))
    with Image.open(io.BytesIO(packed), formats=["PNG"]) as picture:
        values = np.array(picture.convert("RGBA") if picture.has_transparency_data else picture.convert("L"))
    return values[..., 3] > 0 if values.ndim == 3 else values > 0

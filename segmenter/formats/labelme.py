"""labelme: one JSON beside each image, with `shapes` in the order in which they lie on each other."""

import base64
import io
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
from segmenter.formats.shapes import ellipse, rectangle, ring_of

NAME = "labelme"


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [p for p, d in listing.documents.items() if isinstance(d, dict) and "shapes" in d and "imagePath" in d]


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in alphabetical order."""
    items, undrawn = [], Counter()
    for file in files:
        document = listing.documents[file]
        image = listing.find_image(document["imagePath"], file) or listing.find_image(file.stem, file)
        items.append(item := Item(str(document["imagePath"]), image, split=listing.split_of(image, file)))
        with filling(item, file):
            height, width = document.get("imageHeight"), document.get("imageWidth")
            item.size = (int(height), int(width)) if height and width else None
            item.regions = regions_in(map(region_of, document["shapes"] or []), undrawn)
    return Annotations(NAME, files, class_names(drawn_names(items)), items, words_of_undrawn(undrawn))


def region_of(shape: dict[str, Any]) -> Region | str:
    """Return the region of a shape, or its kind where it has no area, as points and lines."""
    label, points, kind = label_of(shape.get("label")), ring_of(shape.get("points", [])), shape.get("shape_type")
    if kind == "mask":
        left, top = points.min(axis=0).astype(int)
        return Region(label, stencil=partial(decode_picture, shape["mask"]), corner=(int(top), int(left)))
    if kind == "rectangle" and len(points) == 2:
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return Region(label, (rectangle(x0, y0, x1 - x0, y1 - y0),))
    if kind == "circle" and len(points) == 2:
        radius = float(np.hypot(*(points[1] - points[0])))
        return Region(label, (ellipse(*points[0], radius, radius),))
    return Region(label, (points,)) if kind in ("polygon", "rectangle", "rotation", None) else str(kind)


def decode_picture(text: str) -> np.ndarray:
    """Return which pixels of an encoded picture are not black: bool (h, w)."""
    with Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]) as picture:
        return np.array(picture.convert("L")) > 0

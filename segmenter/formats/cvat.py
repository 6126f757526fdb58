"""CVAT for images: one XML with polygons, boxes, ellipses and masks of each image, ordered by `z_order`."""

import re
from collections import Counter
from functools import partial
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

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
from segmenter.formats.shapes import ellipse, rectangle, ring_of, turned_about_centre
from utils.errors import DataError

NAME = "CVAT for images"


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    found = []
    for path in listing.ending(".xml"):
        with path.open("rb") as file:
            start = file.read(20_000)
        if b"<annotations" in start and (b"<image" in path.read_bytes()):
            found.append(path)
    return found


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in the order of the project's labels. Raises DataError."""
    items, names, undrawn = [], [], Counter()
    for file in files:
        try:
            root = ElementTree.parse(file).getroot()
        except ElementTree.ParseError as error:
            raise DataError(f"{file} is no whole XML file ({error}): export it again.") from None
        names += [element.text or "" for element in root.findall("./meta//label/name")]
        for entry in root.findall("image"):
            image = listing.find_image(entry.get("name", ""), file)
            split = listing.split_of(image) or listing.split_of(Path(entry.get("subset", "")) / "x.png")
            items.append(item := Item(entry.get("name", ""), image, split=split))
            with filling(item, f"{file}, {item.name},"):
                size = (int(float(entry.get("height", 0))), int(float(entry.get("width", 0))))
                item.size = size if all(size) else None
                shapes = sorted(entry, key=lambda shape: int(shape.get("z_order", 0)))
                item.regions = regions_in((region_of(shape) for shape in shapes if shape.tag != "tag"), undrawn)
    classes = class_names([*names, *drawn_names(items)])
    return Annotations(NAME, files, classes, items, words_of_undrawn(undrawn))


def region_of(shape: Element) -> Region | str:
    """Return the region of an element, or its kind where it has no area, as points and lines."""
    label = label_of(shape.get("label"))

    def number(name: str) -> float:
        return float(shape.get(name, 0))

    if shape.tag == "polygon":
        return Region(label, (ring_of(re.split("[,;]", shape.get("points", ""))),))
    if shape.tag == "box":
        x, y = number("xtl"), number("ytl")
        box = rectangle(x, y, number("xbr") - x, number("ybr") - y)
        return Region(label, (turned_about_centre(box, number("rotation")),))
    if shape.tag == "ellipse":
        return Region(label, (ellipse(*map(number, ("cx", "cy", "rx", "ry")), number("rotation")),))
    if shape.tag == "mask":
        corner = int(number("top")), int(number("left"))
        size = int(number("height")), int(number("width"))
        return Region(label, stencil=partial(decode_runs, shape.get("rle", ""), size), corner=corner)
    return str(shape.tag)


def decode_runs(text: str, size: tuple[int, int]) -> np.ndarray:
    """Decode run lengths of a box, row by row, beginning with what is outside: bool (h, w). Raises ValueError."""
    runs = np.array(text.split(","), dtype=int)
    if runs.sum() != size[0] * size[1]:
        raise ValueError(f"a mask of {runs.sum()} pixels where {size[1]}x{size[0]} are stated")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(size)

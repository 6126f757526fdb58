"""COCO: one JSON with `images`, `annotations` and `categories`; Roboflow puts one beside the images of each split.

Regions are polygons or run lengths; a crowd (`iscrowd`) is ignored, and lies below everything else.
"""

import math
from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

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
from segmenter.formats.shapes import ring_of
from segmenter.optional import require
from segmenter.words import counted
from utils.errors import DataError

NAME = "COCO"
MOST_PIXELS = 2**31  # of an image; run lengths of a few bytes may claim any number


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [
        path
        for path, document in listing.documents.items()
        if isinstance(document, dict)
        and all(isinstance(document.get(key), list) for key in ("images", "annotations", "categories"))
        and any("segmentation" in a or "bbox" in a for a in document["annotations"])
    ]


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set. Raises DataError where two files describe the same images."""
    items, names, undrawn, notes = [], {}, Counter(), []
    described: dict[Path, Path] = {}
    for file in files:
        document = listing.documents[file]
        categories = used_categories(document)
        names |= dict.fromkeys(categories.values())
        drawn = annotations_by_image(document, file)
        for entry in document["images"]:
            name = str(entry.get("file_name") or entry.get("coco_url") or f"image {entry.get('id')}")
            image = listing.find_image(name, file)
            if image is not None and described.setdefault(image, file) != file:
                raise DataError(
                    f"{described[image]} and {file} both describe {image.name}: give the one that you mean as the "
                    "source."
                )
            items.append(item := Item(name, image, split=listing.split_of(image, file)))
            with filling(item, f"{file}, {name},"):
                if entry.get("height") and entry.get("width"):
                    item.size = int(entry["height"]), int(entry["width"])
                found = drawn.pop(number_of(entry.get("id")), [])
                item.regions = regions_in((region_of(annotation, categories) for annotation in found), undrawn)
        if lost := sum(map(len, drawn.values())):
            notes.append(f"{counted(lost, 'annotation')} of {file.name} name an image that it does not list: left out.")
    classes = class_names([*names, *drawn_names(items)])
    return Annotations(NAME, files, classes, items, [*notes, *words_of_undrawn(undrawn)])


def annotations_by_image(document: dict[str, Any], file: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the annotations of every image number, crowds first. Raises DataError for two images of one."""
    numbers = Counter(number_of(entry.get("id")) for entry in document["images"])
    if twice := next((number for number, count in numbers.items() if count > 1), None):
        raise DataError(
            f"{file} gives the id {twice} to several images: nobody knows whose outlines are whose. Merge files "
            "with a tool that numbers the images anew."
        )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for annotation in sorted(document["annotations"], key=lambda a: not a.get("iscrowd")):
        found[number_of(annotation.get("image_id"))].append(annotation)
    return found


def number_of(value: object) -> str:
    """Return the number of an image as text: some tools write it as text, or as 7.0."""
    return str(value).removesuffix(".0")


def used_categories(document: dict[str, Any]) -> dict[Any, str]:
    """Return category id -> name in order of id, without those that only stand above others (Roboflow)."""
    used = {annotation.get("category_id") for annotation in document["annotations"]}
    above = {category.get("supercategory") for category in document["categories"] if category["id"] in used}
    return {
        category["id"]: str(category["name"])
        for category in sorted(document["categories"], key=lambda category: category["id"])
        if category["id"] in used or category["name"] not in above
    }


def region_of(annotation: dict[str, Any], categories: dict[Any, str]) -> Region | str:
    """Return the region of an annotation, or what it is where it has no outline."""
    outline = annotation.get("segmentation")
    number = annotation.get("category_id")
    label = None if annotation.get("iscrowd") else label_of(categories.get(number, f"category {number}"))
    if isinstance(outline, dict):
        return Region(label, stencil=partial(decode_runs, outline))
    rings = tuple(ring_of(ring) for ring in outline or [] if isinstance(ring, list))
    return Region(label, rings) if rings else "boxes" if annotation.get("bbox") else "annotations"


def decode_runs(runs: dict[str, Any]) -> np.ndarray:
    """Decode run lengths, compressed or not: bool (H, W). Raises ValueError for those of no image."""
    coco = require("pycocotools.mask", "pycocotools")
    if (pixels := math.prod(runs["size"])) > MOST_PIXELS:
        raise ValueError(f"run lengths of {pixels} pixels")
    if isinstance(runs["counts"], list):
        if min(runs["counts"]) < 0 or sum(runs["counts"]) > pixels:
            raise ValueError(f"run lengths that do not fit {pixels} pixels")
        runs = coco.frPyObjects(runs, *runs["size"])
    elif isinstance(runs["counts"], str):
        runs = {**runs, "counts": runs["counts"].encode()}
    return coco.decode(runs).view(bool)

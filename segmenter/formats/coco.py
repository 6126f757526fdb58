"""COCO: one JSON with `images`, `annotations` and `categories`; Roboflow puts one beside the images of each split.

Regions are polygons or run lengths; a crowd (`iscrowd`) is ignored, and lies below everything else.
"""

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.formats.base import Annotations, Item, Region, class_names, label_of
from segmenter.formats.listing import Listing
from segmenter.formats.shapes import ring_of
from segmenter.optional import require
from utils.errors import DataError

NAME = "COCO"


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [
        path
        for path, document in listing.documents.items()
        if isinstance(document, dict)
        and all(isinstance(document.get(key), list) for key in ("images", "annotations", "categories"))
        and any("segmentation" in a or "bbox" in a for a in document["annotations"][:20])
    ]


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set. Raises DataError where two files describe the same images."""
    items, names, boxes = [], {}, 0
    described: dict[Path, Path] = {}
    for file in files:
        document = listing.documents[file]
        categories = used_categories(document)
        names |= dict.fromkeys(categories.values())
        numbers = Counter(str(entry.get("id")) for entry in document["images"])
        if twice := next((number for number, count in numbers.items() if count > 1), None):
            raise DataError(
                f"{file} gives the id {twice} to several images: nobody knows whose outlines are whose. Merge files "
                "with a tool that numbers the images anew."
            )
        regions: dict[str, list[Region]] = defaultdict(list)
        for annotation in sorted(document["annotations"], key=lambda a: not a.get("iscrowd")):
            found = regions_of(annotation, categories)
            regions[str(annotation.get("image_id"))] += found
            boxes += not found and bool(annotation.get("bbox"))
        for entry in document["images"]:
            image = listing.find_image(entry.get("file_name", ""), file)
            if image is not None and described.setdefault(image, file) != file:
                raise DataError(
                    f"{described[image]} and {file} both describe {image.name}: give the one that you mean as the "
                    "source."
                )
            size = (int(entry["height"]), int(entry["width"])) if entry.get("height") and entry.get("width") else None
            split = listing.split_of(image, file)
            items.append(Item(entry.get("file_name", ""), image, regions[str(entry.get("id"))], None, size, split))
    notes = [f"{boxes} boxes have no outline: they are left out."] if boxes else []
    return Annotations(NAME, files, class_names(names), items, notes)


def used_categories(document: dict[str, Any]) -> dict[Any, str]:
    """Return category id -> name in order of id, without those that only stand above others (Roboflow)."""
    used = {annotation.get("category_id") for annotation in document["annotations"]}
    above = {category.get("supercategory") for category in document["categories"] if category["id"] in used}
    return {
        category["id"]: str(category["name"])
        for category in sorted(document["categories"], key=lambda category: category["id"])
        if category["id"] in used or category["name"] not in above
    }


def regions_of(annotation: dict[str, Any], categories: dict[Any, str]) -> list[Region]:
    """Return the region of an annotation, or none where it has no outline."""
    outline = annotation.get("segmentation")
    label = None if annotation.get("iscrowd") else label_of(categories.get(annotation.get("category_id")))
    if isinstance(outline, dict):
        return [Region(label, stencil=partial(decode_runs, outline))]
    rings = tuple(ring_of(ring) for ring in outline or [] if isinstance(ring, list))
    return [Region(label, rings)] if rings else []


def decode_runs(runs: dict[str, Any]) -> np.ndarray:
    """Decode run lengths, compressed or not: bool (H, W)."""
    coco = require("pycocotools.mask", "pycocotools")
    if isinstance(runs["counts"], list):
        runs = coco.frPyObjects(runs, *runs["size"])
    elif isinstance(runs["counts"], str):
        runs = {**runs, "counts": runs["counts"].encode()}
    return coco.decode(runs).view(bool)

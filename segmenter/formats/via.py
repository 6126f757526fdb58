"""VGG Image Annotator: a JSON (a project, or its annotations) or a csv, with a row or an entry for each region."""

import csv
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

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

NAME = "VGG Image Annotator"
COLUMNS = {"filename", "region_shape_attributes", "region_attributes"}
NAMING = ("class", "label", "name", "category", "type", "object")  # attributes that name a class, the likeliest first


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    documents = [path for path, document in listing.documents.items() if entries_of(document)]
    return documents + [path for path in listing.ending(".csv") if is_table(path)]


def is_table(path: Path) -> bool:
    """Say whether a csv has the columns of this tool."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        head = file.readline(10_000)
    return {name.strip().strip('"#') for name in head.split(",")} >= COLUMNS


def entries_of(document: Any) -> list[dict[str, Any]]:
    """Return the images of a document, or none where it is of another tool."""
    document = document.get("_via_img_metadata", document) if isinstance(document, dict) else {}
    entries = list(document.values())
    return (
        entries if entries and all(isinstance(e, dict) and {"filename", "regions"} <= e.keys() for e in entries) else []
    )


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in alphabetical order."""
    items, undrawn = [], Counter()
    for file in files:
        document = listing.documents.get(file)
        for name, shapes in read_csv(file) if document is None else read_entries(document):
            image = listing.find_image(name, file)
            items.append(item := Item(name, image, split=listing.split_of(image, file)))
            with filling(item, f"{file}, {name},"):
                item.regions = regions_in((region_of(*map(parsed, shape)) for shape in shapes), undrawn)
    return Annotations(NAME, files, class_names(drawn_names(items)), items, words_of_undrawn(undrawn))


def parsed(value: Any) -> dict[str, Any]:
    """Return what a cell of the csv or an entry of the JSON holds."""
    return json.loads(value) if isinstance(value, str) and value else value or {}


def read_entries(document: dict[str, Any]) -> list[tuple[str, list[tuple[Any, Any]]]]:
    """Return each image of a JSON with its regions: shape and attributes. Old versions number them in a dictionary."""
    found = []
    for entry in entries_of(document):
        regions = entry["regions"].values() if isinstance(entry["regions"], dict) else entry["regions"]
        found.append((entry["filename"], [(r.get("shape_attributes"), r.get("region_attributes")) for r in regions]))
    return found


def read_csv(path: Path) -> list[tuple[str, list[tuple[Any, Any]]]]:
    """Return each image of a csv with its regions; an image without any has a row with an empty shape."""
    found: dict[str, list[tuple[Any, Any]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            row = {name.strip("#"): value for name, value in row.items() if name}
            shapes = found.setdefault(row["filename"], [])
            if row["region_shape_attributes"] not in ("", "{}", None):
                shapes.append((row["region_shape_attributes"], row["region_attributes"]))
    return list(found.items())


def region_of(shape: dict[str, Any], attributes: dict[str, Any]) -> Region | str:
    """Return a region, or its kind where it has no area, as points and lines."""
    label = label_of(name_of(attributes))
    kind = shape.get("name")
    if kind == "polygon":
        return Region(label, (ring_of(list(zip(shape["all_points_x"], shape["all_points_y"], strict=True))),))
    if kind == "rect":
        return Region(label, (rectangle(shape["x"], shape["y"], shape["width"], shape["height"]),))
    if kind in ("circle", "ellipse"):
        radii = (shape["r"], shape["r"]) if kind == "circle" else (shape["rx"], shape["ry"])
        turn = math.degrees(shape.get("theta", 0))  # in radians, clockwise, as a canvas of HTML draws it
        return Region(label, (ellipse(shape["cx"], shape["cy"], *radii, turn),))
    return str(kind)


def name_of(attributes: dict[str, Any]) -> str | None:
    """Return the class that the attributes of a region name; a box that is ticked names it by its key."""
    given = {key.casefold(): value for key, value in attributes.items() if value not in ("", None, {})}
    value = next((given[key] for key in NAMING if key in given), next(iter(given.values()), None))
    if isinstance(value, dict):
        value = next((key for key, ticked in value.items() if ticked), None)
    return value

"""VGG Image Annotator: a JSON (a project, or its annotations) or a csv, with a row or an entry for each region."""

import csv
import json
from pathlib import Path
from typing import Any

from segmenter.formats.base import Annotations, Item, Region, class_names, drawn_names, label_of
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
    items = []
    for file in files:
        document = listing.documents.get(file)
        for name, shapes in read_csv(file) if document is None else read_entries(document):
            image = listing.find_image(name, file)
            regions = [region for shape in shapes if (region := region_of(*shape)) is not None]
            items.append(Item(name, image, regions, None, None, listing.split_of(image, file)))
    return Annotations(NAME, files, class_names(drawn_names(items)), items)


def read_entries(document: dict[str, Any]) -> list[tuple[str, list[tuple[dict, dict]]]]:
    """Return each image of a JSON with its regions: shape and attributes. Old versions number them in a dictionary."""
    found = []
    for entry in entries_of(document):
        regions = entry["regions"].values() if isinstance(entry["regions"], dict) else entry["regions"]
        found.append((entry["filename"], [(r["shape_attributes"], r.get("region_attributes", {})) for r in regions]))
    return found


def read_csv(path: Path) -> list[tuple[str, list[tuple[dict, dict]]]]:
    """Return each image of a csv with its regions; an image without any has a row with an empty shape."""
    found: dict[str, list[tuple[dict, dict]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            row = {name.strip("#"): value for name, value in row.items() if name}
            shapes = found.setdefault(row["filename"], [])
            if shape := json.loads(row["region_shape_attributes"] or "{}"):
                shapes.append((shape, json.loads(row["region_attributes"] or "{}")))
    return list(found.items())


def region_of(shape: dict[str, Any], attributes: dict[str, Any]) -> Region | None:
    """Return a region; None for points and lines, which have no area."""
    label = label_of(name_of(attributes))
    kind = shape.get("name")
    if kind in ("polygon", "polyline") and len(shape["all_points_x"]) > 2:
        points = list(zip(shape["all_points_x"], shape["all_points_y"], strict=False))
        return Region(label, (ring_of(points),)) if kind == "polygon" else None
    if kind == "rect":
        return Region(label, (rectangle(shape["x"], shape["y"], shape["width"], shape["height"]),))
    if kind in ("circle", "ellipse"):
        radii = (shape["r"], shape["r"]) if kind == "circle" else (shape["rx"], shape["ry"])
        return Region(label, (ellipse(shape["cx"], shape["cy"], *radii),))
    return None


def name_of(attributes: dict[str, Any]) -> str | None:
    """Return the class that the attributes of a region name; a box that is ticked names it by its key."""
    given = {key.casefold(): value for key, value in attributes.items() if value not in ("", None, {})}
    value = next((given[key] for key in NAMING if key in given), next(iter(given.values()), None))
    if isinstance(value, dict):
        value = next((key for key, ticked in value.items() if ticked), None)
    return value

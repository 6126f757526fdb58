"""Polygons on a map, GeoJSON or a shapefile, over GeoTIFF images; without a place on earth they count in pixels.

A file of the image's own name belongs to it alone; another one is drawn on every image that it reaches.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from segmenter.formats.base import (
    THING,
    Annotations,
    BrokenAnnotationsError,
    Item,
    Region,
    as_written,
    class_names,
    drawn_names,
    filling,
    label_of,
    words_of_undrawn,
)
from segmenter.formats.completing import images_of
from segmenter.formats.listing import Listing
from segmenter.formats.names import key_of
from segmenter.formats.shapes import ring_of
from segmenter.large.gdal import open_raster, read_errors
from segmenter.optional import require
from utils.errors import DataError

NAME = "polygons on a map"
NAMING = ("class", "label", "name", "category", "type", "class_name", "classification", "landuse")
DEGREES = "EPSG:4326"  # longitude and latitude, as RFC 7946 wants them


class Layer(NamedTuple):
    """The polygons of a file, (label, coordinates), and the system of the coordinates; or why it cannot be read."""

    file: Path
    polygons: list[tuple[str | None, list[list[list[float]]]]]
    crs: str
    fault: str = ""


class Ground(NamedTuple):
    """An image on the map: (height, width), the system of the coordinates or None, and the way from it to pixels."""

    size: tuple[int, int]
    crs: Any
    to_pixels: np.ndarray


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    found = [path for path, document in listing.documents.items() if features_of(document) is not None]
    return found + listing.ending(".shp", ".gpkg")


def features_of(document: Any) -> list[dict[str, Any]] | None:
    """Return the features of a collection, or of a plain list (QuPath); None for another document."""
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        return document.get("features") or []
    first = document[0] if isinstance(document, list) and document else None
    return document if isinstance(first, dict) and first.get("type") == "Feature" else None


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in alphabetical order."""
    undrawn: Counter[str] = Counter()
    notes: dict[str, None] = {}
    layers = []
    for file in files:
        try:
            with as_written(file):
                layers.append(read_layer(file, listing.documents.get(file), undrawn, notes))
        except BrokenAnnotationsError as error:
            layers.append(Layer(file, [], DEGREES, str(error)))
    by_stem = {key_of(layer.file.stem): layer for layer in layers}
    items = []
    for image in images_of(listing):
        own = by_stem.get(key_of(image.stem))
        meant = [own] if own else [layer for layer in layers if key_of(layer.file.stem) not in listing.by_name]
        items.append(item := Item(listing.relative(image), image, split=listing.split_of(image)))
        with filling(item, " and ".join(str(layer.file) for layer in meant)):
            ground = ground_of(image)
            item.size = ground.size
            item.regions = [region for layer in meant for region in place(layer, ground, image)]
    return Annotations(NAME, files, class_names(drawn_names(items)), items, [*notes, *words_of_undrawn(undrawn)])


def read_layer(file: Path, document: Any, undrawn: Counter[str], notes: dict[str, None]) -> Layer:
    """Return the polygons of a file; other shapes are counted. Raises CourseError where geopandas is missing."""
    crs = None
    if document is None:
        frame = require("geopandas").read_file(file)
        document = json.loads((frame.to_crs(DEGREES) if frame.crs else frame).to_json())
    elif isinstance(document, dict):  # an older file may name another system
        crs = (document.get("crs") or {}).get("properties", {}).get("name")
    features = features_of(document)
    column = naming_column([feature.get("properties") or {} for feature in features], file, notes)
    polygons = []
    for feature in features:
        shape = feature.get("geometry") or {}
        if shape.get("type") not in ("Polygon", "MultiPolygon"):
            undrawn[str(shape.get("type"))] += 1
            continue
        label = label_of(name_of(feature.get("properties") or {}, column))
        parts = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        polygons += [(label, part) for part in parts if any(part)]
        undrawn["empty"] += sum(not any(part) for part in parts)
    return Layer(file, polygons, crs or DEGREES)


def naming_column(rows: list[dict[str, Any]], file: Path, notes: dict[str, None]) -> str | None:
    """Return the column that names the classes where none has a usual name: the only one of words, which is noted."""
    columns = {key.casefold(): None for row in rows for key in row}
    if not columns or any(key in columns for key in NAMING):
        return None
    words = [key for key in columns if any(isinstance(as_small(row).get(key), str) for row in rows)]
    if len(words) == 1:
        notes[f"The classes are read from the column '{words[0]}'."] = None
        return words[0]
    known = f"No column of {file.name} is known to name classes (it has {', '.join(columns)})"
    notes[f"{known}: every region is of the class '{THING}'. Call one of them 'class'."] = None
    return None


def as_small(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a feature, their names in small letters."""
    return {key.casefold(): value for key, value in properties.items()}


def name_of(properties: dict[str, Any], column: str | None) -> str | None:
    """Return the class that the properties of a feature name; QuPath keeps it in a dictionary of its own."""
    given = as_small(properties)
    value = next((given[key] for key in (*NAMING, column) if given.get(key)), None)
    return value.get("name") if isinstance(value, dict) else value


def ground_of(image: Path) -> Ground:
    """Return where an image lies. Raises DataError for one that cannot be read."""
    with read_errors(image), open_raster(image) as raster:
        return Ground(raster.shape, raster.crs, np.array(~raster.transform, float).reshape(3, 3))


def place(layer: Layer, ground: Ground, image: Path) -> list[Region]:
    """Return the polygons of a file in the pixels of an image, those that it reaches. Raises DataError for none."""
    if layer.fault:
        raise DataError(layer.fault)
    regions, sizes = [], []
    for label, polygon in layer.polygons:
        rings = [pixels_of(ring, layer, ground) for ring in polygon if len(ring)]
        if not rings:
            continue
        low, high = rings[0].min(axis=0), rings[0].max(axis=0)
        if (high > 0).all() and (low < ground.size[::-1]).all():
            regions.append(Region(label, (rings[0],), tuple(rings[1:])))
            sizes.append((high - low).max())
    if layer.polygons and not ground.crs and (ground.to_pixels == np.eye(3)).all() and max(sizes, default=0) < 1:
        raise DataError(
            f"{image} has no place on earth, and the polygons of {layer.file} are not in its pixels: give the GeoTIFF "
            "that they were drawn on."
        )
    return regions


def pixels_of(ring: list[list[float]], layer: Layer, ground: Ground) -> np.ndarray:
    """Return an outline in the pixels of an image, float (N, 2). Raises DataError for what is no place on earth."""
    points = ring_of([point[:2] for point in ring])
    if ground.crs:
        from rasterio import warp

        if layer.crs == DEGREES and (np.abs(points) > (360, 90)).any():
            raise DataError(
                f"{layer.file} holds the coordinates {points[0][0]:.1f}, {points[0][1]:.1f}, which are no longitude "
                "and latitude, and does not say what they are: export it in EPSG:4326 (a shapefile with its .prj)."
            )
        points = np.stack(warp.transform(layer.crs, ground.crs, *points.T), axis=1)
    return points @ ground.to_pixels[:2, :2].T + ground.to_pixels[:2, 2]

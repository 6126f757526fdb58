"""Polygons on a map, GeoJSON or a shapefile, over GeoTIFF images; without a place on earth they count in pixels.

A file of the image's own name belongs to it alone; another one is drawn on every image that it reaches.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.formats.base import Annotations, Item, Region, class_names, drawn_names, label_of
from segmenter.formats.listing import Listing
from segmenter.formats.shapes import ring_of
from segmenter.large.gdal import open_raster
from segmenter.optional import require

NAME = "polygons on a map"
NAMING = ("class", "label", "name", "category", "type", "class_name", "classification", "landuse")


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    found = [p for p, d in listing.documents.items() if isinstance(d, dict) and d.get("type") == "FeatureCollection"]
    return found + listing.ending(".shp", ".gpkg")


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in alphabetical order."""
    collections = {file: listing.documents.get(file) or read_layer(file) for file in files}
    by_stem = {file.stem.casefold(): file for file in files}
    items = []
    for image in listing.pictures:
        own = by_stem.get(image.stem.casefold())
        meant = [own] if own else [file for file in files if file.stem.casefold() not in listing.by_name]
        with open_raster(image) as raster:
            size, regions = raster.shape, []
            for file in meant:
                crs = crs_of(collections[file])
                regions += [r for feature in collections[file]["features"] for r in place(feature, crs, raster)]
        items.append(Item(listing.relative(image), image, regions, None, size, listing.split_of(image)))
    return Annotations(NAME, files, class_names(drawn_names(items)), items)


def read_layer(path: Path) -> dict[str, Any]:
    """Return a shapefile or a GeoPackage as GeoJSON in longitude and latitude. Raises CourseError without geopandas."""
    frame = require("geopandas").read_file(path)
    return json.loads((frame.to_crs("EPSG:4326") if frame.crs else frame).to_json())


def place(feature: dict[str, Any], crs: str, raster: Any) -> list[Region]:
    """Return the polygons of a feature in the pixels of an open raster, those that it reaches."""
    from rasterio import warp

    shape = feature.get("geometry") or {}
    if shape.get("type") not in ("Polygon", "MultiPolygon"):
        return []
    if raster.crs:
        shape = warp.transform_geom(crs, raster.crs, shape)
    polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
    matrix = np.array(~raster.transform, float).reshape(3, 3)  # from the map to pixels
    label, regions = label_of(name_of(feature.get("properties") or {})), []
    for polygon in polygons:
        rings = [ring_of([p[:2] for p in ring]) @ matrix[:2, :2].T + matrix[:2, 2] for ring in polygon]
        low, high = rings[0].min(axis=0), rings[0].max(axis=0)
        if (high > 0).all() and (low < (raster.width, raster.height)).all():
            regions.append(Region(label, (rings[0],), tuple(rings[1:])))
    return regions


def crs_of(collection: dict[str, Any]) -> str:
    """Return the system of the coordinates: longitude and latitude (RFC 7946), unless an older file names another."""
    return (collection.get("crs") or {}).get("properties", {}).get("name") or "EPSG:4326"


def name_of(properties: dict[str, Any]) -> str | None:
    """Return the class that the properties of a feature name; QuPath keeps it in a dictionary of its own."""
    given = {key.casefold(): value for key, value in properties.items()}
    value = next((given[key] for key in NAMING if given.get(key)), None)
    return value.get("name") if isinstance(value, dict) else value

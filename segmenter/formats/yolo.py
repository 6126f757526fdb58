"""YOLO segmentation: a text file for each image, `class x y x y ...` in shares of its size; names in data.yaml."""

import codecs
from collections import Counter
from pathlib import Path

import numpy as np
import yaml

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
from segmenter.formats.names import key_of
from segmenter.formats.shapes import ring_of
from segmenter.formats.sizes import upright_size
from utils.errors import DataError

NAME = "YOLO segmentation"
MOST = 2  # shares of the size: what reaches further is counted in pixels
LISTS = {"classes", "labels", "readme", "train", "val", "valid", "test", "labelmap", "requirements", "notes"}


def find(listing: Listing) -> list[Path]:
    """Return the text files that hold labels: their first rows are numbers, and a picture has their name.

    Where there are some, those beside them count as well that hold something else, and have a picture's name.
    """
    named = [path for path in listing.ending(".txt") if key_of(path.stem) in listing.by_name]
    labels = {path for path in named if is_label(path)}
    folders = {path.parent for path in labels if path.stat().st_size}
    others = (path for path in named if path.parent in folders and path.stem.lower() not in LISTS)
    return sorted(labels.union(others))


def is_label(path: Path) -> bool:
    """Say whether a text holds a class and coordinates; an empty one is that of an image without anything."""
    with path.open("rb") as file:
        words = file.readline(100_000).removeprefix(codecs.BOM_UTF8).split()
    try:
        values = np.array(words, dtype=float)
    except ValueError:
        return False
    return not words or (len(words) >= 5 and float(values[0]).is_integer() and float(values[1:].max()) <= MOST)


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set. Raises DataError where none of them holds an outline."""
    names, items, undrawn = read_names(listing), [], Counter()
    highest = max(names, default=-1)
    for file in files:
        image = listing.find_image(file.stem, file)
        items.append(item := Item(file.stem, image, split=listing.split_of(image, file)))
        with filling(item, file):
            item.size = upright_size(image) if image else None
            rows = [row for line in file.read_text("utf-8-sig", "replace").splitlines() if (row := line.split())]
            item.regions = regions_in((region_of(row, names, item.size or (1, 1)) for row in rows), undrawn)
            highest = max([highest, *(int(float(row[0])) for row in rows if len(row) > 6)])
    if undrawn["boxes"] and not any(item.is_labelled for item in items):
        raise DataError(
            f"{listing.source} holds {undrawn['boxes']} boxes and no outline: a mask needs outlines. Export as YOLO "
            "segmentation."
        )
    numbered = [names.get(number, f"class {number}") for number in range(highest + 1)]
    classes = class_names([*numbered, *drawn_names(items)])
    return Annotations(NAME, files, classes, items, words_of_undrawn(undrawn))


def region_of(row: list[str], names: dict[int, str], size: tuple[int, int]) -> Region | str:
    """Return the region of a row, or what it is where it has no outline. Raises ValueError for a row that is none."""
    number, *values = map(float, row)
    if number < 0 or max(values, default=0) > MOST:
        raise ValueError(f"the row '{' '.join(row)[:40]}' where 'class x y x y ...' in shares of the size is needed")
    if len(values) < 6:
        return "boxes" if len(values) == 4 else "rows of few numbers"
    return Region(label_of(names.get(int(number), f"class {int(number)}")), (ring_of(values) * size[::-1],))


def read_names(listing: Listing) -> dict[int, str]:
    """Return id -> name, of the yaml or of classes.txt; nothing where there is neither. Raises DataError."""
    for path in listing.ending(".yaml", ".yml"):
        try:
            found = (yaml.safe_load(path.read_text("utf-8", "replace")) or {}).get("names")
        except (yaml.YAMLError, AttributeError):
            continue
        if found:
            found = [found] if isinstance(found, str) else found
            return {int(i): str(name) for i, name in (found.items() if isinstance(found, dict) else enumerate(found))}
    for path in listing.ending("classes.txt", "labels.txt", ".names"):
        return dict(enumerate(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()))
    return {}

"""YOLO segmentation: a text file for each image, `class x y x y ...` in shares of its size; names in data.yaml."""

import codecs
from pathlib import Path

import numpy as np
import yaml

from segmenter.formats.base import Annotations, Item, Region, class_names, label_of
from segmenter.formats.listing import Listing
from segmenter.formats.shapes import ring_of
from segmenter.formats.sizes import upright_size
from utils.errors import DataError

NAME = "YOLO segmentation"
NOT_LABELS = {"classes", "labels", "readme", "train", "val", "valid", "test", "labelmap", "requirements", "notes"}


def find(listing: Listing) -> list[Path]:
    """Return the text files that hold labels: their first rows are numbers, and a picture has their name."""
    return [
        path
        for path in listing.ending(".txt")
        if path.stem.lower() not in NOT_LABELS and path.stem.casefold() in listing.by_name and is_label(path)
    ]


def is_label(path: Path) -> bool:
    """Say whether a text holds a class and coordinates; an empty one is that of an image without anything."""
    with path.open("rb") as file:
        words = file.readline(100_000).removeprefix(codecs.BOM_UTF8).split()
    try:
        values = np.array(words, dtype=float)
    except ValueError:
        return False
    return not words or (len(words) >= 5 and float(values[0]).is_integer() and float(values[1:].max()) <= 2)


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set. Raises DataError for a row that is none."""
    names, items, boxes = read_names(listing), [], 0
    highest = -1
    for file in files:
        image = listing.find_image(file.stem, file)
        size = upright_size(image) if image else None
        regions = []
        for number, line in enumerate(file.read_text("utf-8-sig", "replace").splitlines(), 1):
            try:
                index, *values = map(float, line.split() or [-1])
            except ValueError:
                raise DataError(f"{file} holds no numbers in row {number}: 'class x y x y ...' is needed.") from None
            boxes += len(values) == 4
            if index < 0 or len(values) < 6:
                continue
            highest = max(highest, int(index))
            label = names.get(int(index), f"class {int(index)}")
            regions.append(Region(label_of(label), (ring_of(values) * (size or (1, 1))[::-1],)))
        items.append(Item(file.stem, image, regions, None, size, listing.split_of(image, file)))
    if boxes and highest < 0:
        raise DataError(
            f"{listing.source} holds {boxes} boxes and no outline: a mask needs outlines. Export as YOLO segmentation."
        )
    notes = [f"{boxes} boxes have no outline: they are left out."] if boxes else []
    classes = [names.get(i, f"class {i}") for i in range(max(highest, max(names, default=-1)) + 1)]
    return Annotations(NAME, files, class_names(classes), items, notes)


def read_names(listing: Listing) -> dict[int, str]:
    """Return id -> name, of the yaml or of classes.txt; nothing where there is neither. Raises DataError."""
    for path in listing.ending(".yaml", ".yml"):
        try:
            found = (yaml.safe_load(path.read_text("utf-8", "replace")) or {}).get("names")
        except (yaml.YAMLError, AttributeError):
            continue
        if found:
            return {int(i): str(name) for i, name in (found.items() if isinstance(found, dict) else enumerate(found))}
    for path in listing.ending("classes.txt", "labels.txt", ".names"):
        return dict(enumerate(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()))
    return {}

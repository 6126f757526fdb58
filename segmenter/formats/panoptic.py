"""COCO panoptic: a JSON whose annotations name a PNG each, and in `segments_info` what its segments are.

The PNG stores the number of a segment as R + 256 G + 65536 B. 0 is no segment, and a crowd is not to be scored: both
are ignored. (The format: https://cocodataset.org/#format-data, "Panoptic Segmentation".)
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.formats.base import Annotations, Item, filling, label_of
from segmenter.formats.coco import used_categories
from segmenter.formats.listing import Listing
from utils.errors import DataError
from utils.images import IGNORE_INDEX, read_mask

NAME = "COCO panoptic"


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [path for path, document in listing.documents.items() if is_panoptic(document)]


def is_panoptic(document: Any) -> bool:
    """Say whether a JSON describes segments of PNG files."""
    known = isinstance(document, dict) and isinstance(document.get("categories"), list)
    entries = document.get("annotations") if known else None
    return isinstance(entries, list) and any("segments_info" in entry for entry in entries[:20])


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set."""
    categories: dict[Any, str] = {}
    for file in files:
        used = [{"category_id": s["category_id"]} for a in listing.documents[file]["annotations"]
                for s in a["segments_info"]]  # fmt: skip
        categories |= used_categories({**listing.documents[file], "annotations": used})
    labels = {number: label_of(name) for number, name in categories.items()}
    names = tuple(dict.fromkeys(label for label in labels.values() if label is not None))
    items, pictures = [], []
    for file in files:
        drawn = {entry["image_id"]: entry for entry in listing.documents[file]["annotations"]}
        for entry in listing.documents[file]["images"]:
            image = listing.find_image(entry["file_name"], file)
            items.append(item := Item(entry["file_name"], image, split=listing.split_of(image, file)))
            with filling(item, f"{file}, {item.name},"):
                if segments := drawn.get(entry["id"]):
                    pictures.append(find_png(file, segments))
                    item.ids = partial(read_ids, pictures[-1], segments, labels, names)
    return Annotations(NAME, [*files, *pictures], names, items)


def find_png(file: Path, entry: dict[str, Any]) -> Path:
    """Return the PNG of an annotation: in the folder that is called like the JSON, or beside it. Raises DataError."""
    for folder in (file.with_suffix(""), file.parent):
        if (path := folder / entry["file_name"]).is_file():
            return path
    raise DataError(f"{file} names {entry['file_name']}, which is not in {file.with_suffix('')}: unpack it there.")


def read_ids(path: Path, entry: dict[str, Any], labels: dict[Any, str | None], names: tuple[str, ...]) -> np.ndarray:
    """Return the class ids of an image, uint8 (H, W). Raises DataError for a PNG that is no colour picture."""
    colours = read_mask(path)
    if colours.ndim != 3:
        raise DataError(f"{path} is not a picture of three channels, as COCO panoptic writes them: export it again.")
    numbers = colours.astype(np.int64) @ np.array([1, 256, 65536])
    ids = np.full(numbers.shape, IGNORE_INDEX, np.uint8)
    for segment in entry["segments_info"]:
        label = None if segment.get("iscrowd") else labels[segment["category_id"]]
        ids[numbers == segment["id"]] = IGNORE_INDEX if label is None else names.index(label)
    return ids

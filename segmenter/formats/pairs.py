"""Folders of images and masks, as the data set `folder` reads them: nothing to draw, only to copy."""

from functools import partial
from pathlib import Path

import numpy as np

from segmenter.formats.base import Annotations, Item
from segmenter.formats.listing import Listing
from utils.catalog.folder import Folder
from utils.catalog.layouts import read_layout
from utils.errors import DataError

NAME = "images and masks"


def find(listing: Listing) -> list[Path]:
    """Return the masks of a folder that holds pairs, each image with one."""
    if listing.source.is_file():
        return []
    try:
        layout = read_layout(listing.root)
    except DataError:
        return []
    masks = {row.mask for row in layout.rows}
    return [] if len(set(layout.lone) - masks) > len(layout.rows) / 2 else [row.mask for row in layout.rows]


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read the pairs with their classes. Raises DataError or ConfigError where they are unclear."""
    source = Folder(listing.root)
    source.prepare()
    items = [
        Item(source.relative(pair.image), pair.image, [], partial(read_ids, source, pair.mask), None, split, pair.group)
        for pair, split in source.labelled()
    ]
    return Annotations(NAME, files, source.classes, items, [": ".join(line) + "." for line in source.describe()])


def read_ids(source: Folder, path: Path) -> np.ndarray:
    """Return the class ids of a mask, uint8 (H, W)."""
    return source.read_ids(path).astype(np.uint8)

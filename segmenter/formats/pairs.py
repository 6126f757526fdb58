"""Folders of images and masks, as the data set `folder` reads them: nothing to draw, only to copy."""

from functools import partial
from pathlib import Path

import numpy as np

from segmenter.formats import objects, panoptic
from segmenter.formats.base import Annotations, Item
from segmenter.formats.listing import Listing
from utils.catalog.folder import Folder
from utils.catalog.layouts import read_layout
from utils.catalog.mask_meaning import BLACK_AND_WHITE
from utils.errors import DataError

NAME = "images and masks"


def find(listing: Listing) -> list[Path]:
    """Return the masks of a folder that holds pairs, each image with one."""
    if listing.source.is_file() or panoptic.find(listing):  # pictures of segments look like masks of ids
        return []
    try:
        layout = read_layout(listing.root)
    except DataError:
        return []
    masks = [row.mask for row in layout.rows]
    lone = set(layout.lone).difference(masks)
    # Some images have further masks of the same kind, as some scans of BUSI have: those of one image belong together.
    further = lone and lone & set(objects.find(listing)) and source_at(listing.root).classes == BLACK_AND_WHITE
    return [] if further or len(lone) > len(masks) / 2 else masks


def source_at(root: Path) -> Folder:
    """Return the data set of a folder, its classes known. Raises DataError or ConfigError where they are unclear."""
    source = Folder(root)
    source.prepare()
    return source


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read the pairs with their classes. Raises DataError or ConfigError where they are unclear."""
    return annotations_of(source_at(listing.root), NAME, files)


def annotations_of(source: Folder, name: str, files: list[Path]) -> Annotations:
    """Return the pairs of a folder as annotations: whole masks."""
    items = [
        Item(source.relative(pair.image), pair.image, [], partial(read_ids, source, pair.mask), None, split, pair.group)
        for pair, split in source.labelled()
    ]
    return Annotations(name, files, source.classes, items, [": ".join(line) + "." for line in source.describe()])


def read_ids(source: Folder, path: Path) -> np.ndarray:
    """Return the class ids of a mask, uint8 (H, W)."""
    return source.read_ids(path).astype(np.uint8)

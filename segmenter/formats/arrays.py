"""Label arrays: NAME.npy or NAME.mat of whole numbers for each image; pickles are never loaded."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.formats.base import Annotations, Item, filling
from segmenter.formats.listing import Listing
from segmenter.optional import require
from utils.catalog.class_table import find_table
from utils.catalog.mask_meaning import BLACK_AND_WHITE, is_binary
from utils.catalog.places import base_name
from utils.errors import DataError
from utils.images import IGNORE_INDEX

NAME = "label arrays"
KEYS = ("segmentation", "label", "labels", "mask", "gt", "groundtruth", "s", "labelmap", "inst_map", "type_map")


def find(listing: Listing) -> list[Path]:
    """Return the arrays that have a picture of the same name."""
    return [path for path in listing.ending(".npy", ".mat") if find_image(listing, path)]


def find_image(listing: Listing, path: Path) -> Path | None:
    """Return the picture that an array belongs to."""
    return listing.find_image(path.stem, path) or listing.find_image(base_name(path.stem, True), path)


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all arrays; names come from classes.csv, else ids are the names. Raises DataError."""
    items = []
    held: dict[Path, Counter[int]] = {}
    for file in files:
        image = find_image(listing, file)
        items.append(item := Item(file.stem, image, split=listing.split_of(image, file)))
        with filling(item, file):
            held[file] = Counter(np.unique(load(file)).tolist())
    names, lookup = meaning_of(listing, list(held.values()))
    for file, item in zip(files, items, strict=True):
        item.ids = partial(read_ids, file, lookup) if file in held else item.ids
    return Annotations(NAME, files, names, items)


def meaning_of(listing: Listing, held: list[Counter[int]]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the classes, and the class of every value, uint8 (256,). Raises DataError.

    Args:
        listing: where a table of classes may be.
        held: the values in each array.
    """
    table = find_table(listing.root)
    found = set().union(*held)
    values = sorted(found - {IGNORE_INDEX})
    if values and (values[0] < -1 or values[-1] > IGNORE_INDEX):
        wrong = values[0] if values[0] < -1 else values[-1]
        raise DataError(f"The arrays in {listing.root} hold {wrong}: class ids are 0-254, or 255 and -1 to ignore.")
    lookup = np.full(256, IGNORE_INDEX, np.uint8)
    if is_binary(held, found) and (table is None or (len(table.names) == 2 and not table.ids)):
        lookup[[0, 1, IGNORE_INDEX]] = 0, 1, 1
        return table.names if table else BLACK_AND_WHITE, lookup
    stored = table.ids if table and table.ids else range(max(*values, len(table.names) - 1 if table else 0, 1) + 1)
    names = table.names if table else tuple(f"class {i}" for i in stored)
    if len(names) < len(stored) or set(values) - {-1, *stored}:
        strange = sorted(set(values) - {-1, *stored[: len(names)]})
        raise DataError(f"The arrays in {listing.root} hold {strange[0]}, which {table.path} does not name: add it.")
    lookup[list(stored)] = np.arange(len(stored))
    return names, lookup


def read_ids(path: Path, lookup: np.ndarray) -> np.ndarray:
    """Return the class ids of an array, uint8 (H, W); -1 is ignored."""
    return lookup[load(path) & 255]


def load(path: Path) -> np.ndarray:
    """Return the numbers of an array, int64 (H, W). Raises DataError for what is none, or for several."""
    try:
        if path.suffix.lower() == ".npy":
            found = {"": np.load(path, allow_pickle=False)}
        else:
            found = label_maps(require("scipy.io", "scipy").loadmat(path, squeeze_me=False))
    except (ValueError, NotImplementedError, OSError, TypeError) as error:
        raise DataError(f"{path} cannot be read as numbers ({error}): save a plain array, .mat before 7.3.") from None
    named = [values for key, values in found.items() if key.casefold() in KEYS] or list(found.values())
    flat = [np.squeeze(values) for values in named if np.squeeze(values).ndim == 2]
    if len(flat) != 1:
        raise DataError(f"{path} holds {len(flat)} arrays of two dimensions: one label map is needed.")
    if flat[0].dtype.kind == "f" and not (flat[0] == np.round(flat[0])).all():
        raise DataError(f"{path} holds fractions: a label map holds whole numbers.")
    return flat[0].astype(np.int64)


def label_maps(content: Any) -> dict[str, np.ndarray]:
    """Return the arrays of numbers in what a .mat holds, also those inside structures, by name."""
    found: dict[str, np.ndarray] = {}
    names = content.keys() if isinstance(content, dict) else content.dtype.names or ()
    for name in names:
        if name.startswith("__"):
            continue
        value = content[name]
        while isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
            value = value.item()
        if isinstance(value, np.ndarray) and value.dtype.names:
            found |= label_maps(value.reshape(-1)[0])
        elif isinstance(value, np.ndarray) and value.dtype.kind in "iufb" and min(value.shape, default=0) > 1:
            found[name] = value
    return found

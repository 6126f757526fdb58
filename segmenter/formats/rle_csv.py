"""Kaggle's csv of run lengths: `start length start length ...`, pixels counted from 1, one or more rows an image.

Pixels are counted down the columns, as most competitions do, or along the rows: where one of the two gives regions with
much shorter borders, it is the right one.
"""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from segmenter.formats.base import Annotations, Item, Region, class_names, drawn_names, label_of
from segmenter.formats.listing import Listing
from segmenter.formats.sizes import upright_size
from utils.catalog.tables import read_table
from utils.errors import DataError

NAME = "csv of run lengths"
RUNS = ("encodedpixels", "rle_mask", "rle", "annotation", "segmentation", "encoded_pixels", "mask_rle")
IMAGES = ("imageid", "image_id", "img", "image", "id", "filename", "file_name", "imageid_classid", "image_name",
          "image_label")  # fmt: skip
CLASSES = ("classid", "class_id", "class", "label", "category", "classname", "cell_type")
JOINED = re.compile(r"(.+\.\w{3,4})_(\w+)$")  # 'name.jpg_3': an image and a class in one column
SAMPLED = 20  # regions that are looked at to tell columns from rows
EMPTY = ("", "-1", "nan")


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [path for path in listing.ending(".csv") if columns_of(path)]


def columns_of(path: Path) -> tuple[str, str, str | None] | None:
    """Return the columns of images, of run lengths and of classes, if there is one; None for another table."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = [name.strip().strip('"').lower() for name in re.split("[,;\t]", file.readline(10_000))]
    except (OSError, UnicodeDecodeError):
        return None
    image, runs, label = (next((n for n in names if n in head), None) for names in (IMAGES, RUNS, CLASSES))
    if image is None or runs is None:
        return None
    some = [row[runs] or "" for row in read_table(path)[:200]]
    whole = all(re.fullmatch(r"[\d ]+|-1|nan|", text.strip()) for text in some)
    return (image, runs, label) if whole and any(some) else None


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set. Raises DataError for run lengths that do not fit their image."""
    drawn: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
    for file in files:
        image_column, runs_column, class_column = columns_of(file)
        for row in read_table(file):
            name, label = row[image_column], row[class_column] if class_column else None
            if joined := JOINED.fullmatch(name):
                name, label = joined.groups()
            runs = drawn[name]
            if (row[runs_column] or "").strip().lower() not in EMPTY:
                runs.append((f"class {label}" if label and label.isdigit() else label, row[runs_column]))
    images = {name: listing.find_image(name, files[0]) for name in drawn}
    sizes = {name: upright_size(image) if image else None for name, image in images.items()}
    sample = [(text, sizes[name]) for name, rows in drawn.items() if sizes[name] for _, text in rows][:SAMPLED]
    by_columns, words = order_of(sample)
    items = []
    for name, rows in drawn.items():
        size = sizes[name] or (0, 0)
        regions = [
            Region(label_of(label), stencil=partial(decode_runs, text, size, by_columns, name)) for label, text in rows
        ]
        items.append(Item(name, images[name], regions, None, sizes[name], listing.split_of(images[name])))
    return Annotations(NAME, files, class_names(sorted(drawn_names(items), key=in_order)), items, [words])


def in_order(name: str) -> tuple[str, int]:
    """Order 'class 2' before 'class 10'."""
    digits = re.search(r"\d+$", name)
    return (name[: digits.start()], int(digits[0])) if digits else (name, 0)


def order_of(sample: list[tuple[str, tuple[int, int]]]) -> tuple[bool, str]:
    """Say whether pixels are counted down the columns, with a sentence: the right order gives the shorter borders."""
    borders = [
        sum(border(decode_runs(text, size, by_columns, "")) for text, size in sample if fits(text, size))
        for by_columns in (True, False)
    ]
    if borders[1] < 0.7 * borders[0]:
        return False, "Pixels are counted along the rows: down the columns the regions would be scattered."
    if borders[0] < 0.7 * borders[1]:
        return True, "Pixels are counted down the columns: along the rows the regions would be scattered."
    return True, "Pixels are taken to be counted down the columns, as is usual; square images do not tell."


def border(mask: np.ndarray) -> int:
    """Count the neighbours of which one is inside."""
    return int((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())


def fits(text: str, size: tuple[int, int]) -> bool:
    """Say whether run lengths stay within an image: the first pixel is 1."""
    runs = np.array(text.split(), dtype=np.int64)
    starts, ends = runs[::2], runs[::2] + runs[1::2] if len(runs) % 2 == 0 else None
    return ends is not None and bool((starts > 0).all() and (ends <= size[0] * size[1] + 1).all())


def decode_runs(text: str, size: tuple[int, int], by_columns: bool, name: str) -> np.ndarray:
    """Decode run lengths: bool (H, W). Raises DataError where they do not fit."""
    if not fits(text, size):
        raise DataError(f"The run lengths of {name} do not fit its {size[1]}x{size[0]} pixels: take the right image.")
    runs = np.array(text.split(), dtype=np.int64)
    ends = np.zeros(size[0] * size[1] + 1, np.int32)
    np.add.at(ends, runs[::2] - 1, 1)
    np.add.at(ends, runs[::2] + runs[1::2] - 1, -1)
    return (ends[:-1].cumsum() > 0).reshape(size, order="F" if by_columns else "C")

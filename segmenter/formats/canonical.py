"""The folder that the course reads: what its files are called, and its tables, `classes.csv` and `splits.csv`."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from segmenter.formats.base import Annotations, Item
from segmenter.formats.listing import Listing
from segmenter.outputs import unique_names
from utils.files import content_hashes, write_atomically
from utils.splits import split_by_group


def name_items(items: list[Item], listing: Listing) -> list[str]:
    """Give every image a name of its own: its file's, or its path's where two files have one name."""
    return unique_names(listing.relative(item.image) for item in items)


def paths_of(item: Item, name: str, folder: Path) -> tuple[Path, Path]:
    """Return where an image and its mask are written."""
    return folder / "images" / f"{name}{item.image.suffix.lower()}", folder / "masks" / f"{name}.png"


def write_tables(folder: Path, found: Annotations, kept: list[tuple[Item, str]]) -> None:
    """Write classes.csv and splits.csv; a tenth of 'train' becomes 'val' where the source has no validation."""
    splits = choose_splits([item for item, _ in kept])
    rows = []
    for (item, name), split in zip(kept, splits, strict=True):
        image, mask = paths_of(item, name, folder)
        rows.append((f"images/{image.name}", f"masks/{mask.name}", split, item.group or ""))
    pairs = pd.DataFrame(rows, columns=["image", "mask", "split", "group"])
    pairs = pairs.loc[:, ["image", "mask", *(c for c in ("split", "group") if pairs[c].astype(bool).all())]]
    classes = pd.DataFrame(list(enumerate(found.classes)), columns=["id", "name"])
    for name, table in (("classes.csv", classes), ("splits.csv", pairs)):
        write_atomically(folder / name, save_csv(table))


def save_csv(table: pd.DataFrame) -> Callable[[Path], None]:
    """Return what writes a table."""
    return lambda path: table.to_csv(path, index=False, lineterminator="\n", errors="backslashreplace")


def choose_splits(items: list[Item]) -> list[str]:
    """Return the split of every item, empty where the source names none for some, or none for training."""
    splits = [item.split or "" for item in items]
    if not all(splits) or "train" not in splits:
        return [""] * len(items)
    train = [index for index, split in enumerate(splits) if split == "train"]
    if "val" not in splits and len(train) > 1:
        groups = content_hashes([items[index].image for index in train])
        for index, split in zip(train, split_by_group(groups, (0.9, 0.1, 0.0), 42), strict=True):
            splits[index] = split
    return splits

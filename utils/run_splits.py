"""Which pairs a run trained, validated and tested on, and what was in their files: `splits.csv` (notebook 8)."""

import copy
import hashlib
from pathlib import Path

import pandas as pd

from utils.catalog.base import Source
from utils.errors import CheckpointError, DataError
from utils.files import content_hashes, refuse_damaged, write_atomically
from utils.splits import SPLITS

SPLITS_FILE = "splits.csv"  # in a run folder


def save_splits(source: Source, path: Path) -> None:
    """Write which pair was in which split, and what was in its files, as a csv.

    Columns: image, mask, split, group, sha256 (of image and mask). Paths are relative to the data set.
    """
    contents, rows = fingerprints(source), []
    for split, pairs in source.assigned().items():
        for pair in pairs:
            image = source.relative(pair.image)
            rows.append((image, source.relative(pair.mask), split, pair.group, contents[image]))
    table = pd.DataFrame(rows, columns=["image", "mask", "split", "group", "sha256"])
    write_atomically(path, lambda temporary: table.to_csv(temporary, index=False, errors="surrogateescape"))


def fingerprints(source: Source) -> dict[str, str]:
    """Return a SHA-256 over the bytes of image and mask for every pair that is in a split: image -> hex digits."""
    pairs = [pair for members in source.assigned().values() for pair in members]
    images, masks = (content_hashes([getattr(pair, of) for pair in pairs]) for of in ("image", "mask"))
    names = (source.relative(pair.image) for pair in pairs)
    both = (hashlib.sha256((i + m).encode()).hexdigest() for i, m in zip(images, masks, strict=True))
    return dict(zip(names, both, strict=True))


def read_splits(path: Path) -> pd.DataFrame:
    """Read what `save_splits` wrote, indexed by image. Raises DataError or CheckpointError for something else."""
    refuse_damaged(path, "Put a copy of it back, or train again.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape").set_index(
            "image"
        )
        if not table.empty and set(table["split"]) <= set(SPLITS):
            return table
    except (OSError, KeyError, ValueError):  # pandas raises kinds of ValueError for what is no table
        pass
    raise DataError(f"{path} cannot be read as the splits of a run: restore it, or train again.")


def as_in_run(source: Source, folder: Path) -> Source:
    """Return the data set with the splits that a run folder keeps, or as it is where the run keeps none.

    Files added since the run are then in no split: they must not move others, nor be scored as if they were unseen.
    """
    if not (folder / SPLITS_FILE).is_file():
        return source
    source = copy.copy(source)
    source.fixed = read_splits(folder / SPLITS_FILE)["split"].to_dict()
    return source


def refuse_changed_data(source: Source, path: Path) -> None:
    """Raise CheckpointError that names what differs, unless every pair of a run's `splits.csv` is as it was then.

    Files that came later are in no split and do not matter. A run before hashes were recorded has nothing to compare.
    """
    then, now = read_splits(path).get("sha256", pd.Series(dtype=str)).to_dict(), fingerprints(source)
    gone = [image for image in then if image not in now]
    changed = [image for image in then if image in now and then[image] not in ("", now[image])]
    if gone or changed:
        found = {"gone": gone, "changed": changed}
        parts = [f"{len(names)} {what} (such as {names[0]})" for what, names in found.items() if names]
        raise CheckpointError(
            f"The data set at {source.root} is no longer the one of {path.parent}: of {len(then)} pairs, "
            f"{' and '.join(parts)}. Put the files back, or start a new run in another output."
        )

"""Who trains, who validates, who tests: groups stay whole, whichever way they are dealt out (notebook 4)."""

import copy
import csv
import hashlib
import io
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from utils.checkpoint import write_atomically
from utils.errors import CheckpointError, DataError

if TYPE_CHECKING:
    from utils.catalog.base import Source

SPLITS = ("train", "val", "test")
SPLITS_FILE = "splits.csv"  # in a run folder
Fractions = tuple[float, float, float]


def split_by_hash(groups: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 42) -> list[str]:
    """Name the split of every item by a hash of its group alone: what is added later moves nothing.

    The price is that shares are kept on average only: a small set may miss them by several items.
    """
    bounds = np.cumsum(fractions) / sum(fractions)

    def split_of(group: str) -> str:
        digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64  # uniform in [0, 1)
        return SPLITS[min(int(np.searchsorted(bounds, place, side="right")), 2)]

    return [split_of(group) for group in groups]


def split_stratified(
    groups: Sequence[str], presence: np.ndarray, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 42
) -> list[str]:
    """Name the split of every item so that each split sees each class about as often as its share demands.

    presence: bool (N, C), whether item n shows class c. Groups are dealt out whole, those with the rarest class first,
    each to the split that lacks that class most: iterative stratification (Sechidis et al., 2011) over groups.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    names = sorted(members)
    random.Random(seed).shuffle(names)
    # One more column, shown by every item, deals out the groups without any class, and settles ties by size.
    shows = np.array([[*presence[members[n]].sum(axis=0), len(members[n])] for n in names], dtype=np.float64)
    shares = np.array(fractions) / sum(fractions)
    lacking = shares[:, None] * shows.sum(axis=0)
    split_of: dict[str, str] = {}
    left = np.ones(len(names), dtype=bool)
    while left.any():
        remaining = (shows[left] > 0).sum(axis=0)
        rarest = int(np.where(remaining > 0, remaining, np.inf).argmin())
        candidates = np.flatnonzero(left & (shows[:, rarest] > 0))
        chosen = candidates[shows[candidates, rarest].argmax()]  # large groups first, while there is room for them
        order = np.lexsort((lacking[:, -1], lacking[:, rarest]))
        split = next(s for s in order[::-1] if shares[s] > 0)
        split_of[names[chosen]] = SPLITS[split]
        lacking[split] -= shows[chosen]
        left[chosen] = False
    return [split_of[group] for group in groups]


def save_splits(source: "Source", path: Path) -> None:
    """Write which pair was in which split, and what was in its files, as a csv.

    Columns: image, mask, split, group, sha256 (of image and mask). Paths are relative to the data set.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("image", "mask", "split", "group", "sha256"))
    contents = fingerprints(source)
    for split, pairs in source.assigned().items():
        for pair in pairs:
            image = source.relative(pair.image)
            writer.writerow((image, source.relative(pair.mask), split, pair.group, contents[image]))
    write_atomically(path, lambda temporary: temporary.write_text(text.getvalue(), encoding="utf-8"))


def fingerprints(source: "Source") -> dict[str, str]:
    """Return a SHA-256 over the bytes of image and mask for every pair that is in a split: image -> hex digits."""
    from utils.catalog.base import content_groups

    pairs = [pair for members in source.assigned().values() for pair in members]
    images, masks = (content_groups([getattr(pair, of) for pair in pairs]) for of in ("image", "mask"))
    names = (source.relative(pair.image) for pair in pairs)
    both = (hashlib.sha256((i + m).encode()).hexdigest() for i, m in zip(images, masks, strict=True))
    return dict(zip(names, both, strict=True))


def refuse_changed_data(source: "Source", path: Path) -> None:
    """Raise CheckpointError that names what differs, unless every pair of a run's `splits.csv` is as it was then.

    Files that came later are in no split and do not matter. A run before this was recorded has nothing to compare.
    """
    then, now = _column(path, "sha256"), fingerprints(source)
    gone = [image for image in then if image not in now]
    changed = [image for image in then if image in now and then[image] not in ("", now[image])]
    if gone or changed:
        found = {"gone": gone, "changed": changed}
        parts = [f"{len(names)} {what} (such as {names[0]})" for what, names in found.items() if names]
        raise CheckpointError(
            f"The data set at {source.root} is no longer the one of {path.parent}: of {len(then)} pairs, "
            f"{' and '.join(parts)}. Put the files back, or start a new run in another output."
        )


def as_in_run(source: "Source", folder: Path) -> "Source":
    """Return the data set with the splits that a run folder keeps, or as it is where the run keeps none.

    Files added since the run are then in no split: they must not move others, nor be scored as if they were unseen.
    """
    if not (folder / SPLITS_FILE).is_file():
        return source
    source = copy.copy(source)
    source.fixed = load_splits(folder / SPLITS_FILE)
    return source


def load_splits(path: Path) -> dict[str, str]:
    """Read what `save_splits` wrote: image -> split. Raises DataError where it is something else."""
    found = _column(path, "split")
    if not found or not set(found.values()) <= set(SPLITS):
        raise DataError(f"{path} holds no splits of a run: restore it, or train again.")
    return found


def _column(path: Path, name: str) -> dict[str, str]:
    """Read image -> one column of a run's `splits.csv`; empty where a column is younger than the run."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["image"]: row.get(name) or "" for row in csv.DictReader(file)}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as the splits of a run: restore it, or train again.") from error

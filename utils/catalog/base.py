"""What every data set offers, whatever its files look like."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.dataset import decode_ids, split_by_group
from utils.errors import DataError

SPLITS = ("train", "val", "test")
OKABE_ITO = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167))


class Pair(NamedTuple):
    """One photograph and its mask; pairs of one group must never be split up."""

    image: Path
    mask: Path
    group: str


class Source:
    """A data set on disk: names, colours and pairs. Subclasses fill in the attributes and two methods.

    Attributes:
        classes: names in order of id; with two, id 1 is the one foreground class.
        palette: RGB, 0-255, one for each class.
        license: what the data may be used for, in a sentence.
        home: page to read more and to cite.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    license: str
    home: str

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def num_outputs(self) -> int:
        """Channels that a model needs: 1 logit for one foreground class, else one for each class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def prepare(self) -> None:
        """Download, verify and unpack what is missing. Raises DataError with what to do."""

    def labelled(self) -> list[tuple[Pair, str | None]]:
        """Return every pair with its published split, or None where the data set publishes none."""
        raise NotImplementedError

    def unpaired(self) -> list[Path]:
        """Return images without mask and masks without image."""
        return []

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        """Turn a stored mask into class ids, int64 (H, W), 255 where a pixel is to be ignored."""
        return decode_ids(raw, path)

    def assigned(self, seed: int = 42) -> dict[str, list[Pair]]:
        """Return the pairs of every split, as published, else 80/10/10 drawn by group."""
        labelled = self.labelled()
        splits: Sequence[str | None] = [given for _, given in labelled]
        if not any(splits):
            splits = split_by_group([pair.group for pair, _ in labelled], seed=seed)
        found: dict[str, list[Pair]] = {split: [] for split in SPLITS}
        for (pair, _), split in zip(labelled, splits, strict=True):
            if split is not None:
                found[split].append(pair)
        return {split: sorted(pairs) for split, pairs in found.items()}

    def pairs(self, split: str, seed: int = 42) -> list[Pair]:
        """Return the pairs of 'train', 'val' or 'test', in a fixed order. Raises DataError when it is empty."""
        if split not in SPLITS:
            raise DataError(f"There is no split '{split}': it is one of {', '.join(SPLITS)}.")
        if lone := self.unpaired():
            shown = ", ".join(str(p.relative_to(self.root)) for p in lone[:3])
            raise DataError(
                f"{len(lone)} file(s) in {self.root} have no partner: {shown}{' ...' if len(lone) > 3 else ''}. "
                "Every image needs one mask of the same name; add or remove files."
            )
        assigned = self.assigned(seed)
        if not assigned[split]:
            counts = ", ".join(f"{len(pairs)} {name}" for name, pairs in assigned.items())
            raise DataError(
                f"The {split} split of '{self.name}' in {self.root} is empty ({counts}). "
                "Add pairs, or name the split of each in a csv."
            )
        return assigned[split]


def content_group(path: Path) -> str:
    """Group byte-identical images, so that copies stay in one split: the SHA-256, or the name of a missing file."""
    try:
        facts = path.stat()
        return _sha256(path, facts.st_mtime_ns, facts.st_size)
    except OSError:
        return path.name  # reading the pair names the missing file


@cache
def _sha256(path: Path, modified: int, size: int) -> str:
    """Hash a file once for each state of it: every split asks for all groups."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def need_folder(root: Path, name: str) -> None:
    """Raise DataError unless the folder exists."""
    if not root.is_dir():
        raise DataError(f"There is no folder {root} for data set '{name}'. Set root to the folder that holds it.")

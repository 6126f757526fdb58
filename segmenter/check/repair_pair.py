"""One pair, written anew in a form that needs no remedy (for `repair`)."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from segmenter.check.kinds import ANTI_ALIASED, EXIF_TURNED
from segmenter.check.measurements import PairMeasurements
from utils.catalog.base import Source
from utils.dataset import pair_faults
from utils.files import read_bytes
from utils.images import IGNORE_INDEX, read_image, read_mask, rgb_to_ids

MOST_FOREIGN = 0.5  # share of a mask's pixels that may be set to 'ignored'; with more it is another data set's mask


class Change(NamedTuple):
    """What was done to a file, or why it was left out: a row of repairs.csv."""

    file: str
    words: str
    left_out: bool = False

    @property
    def row(self) -> tuple[str, str]:
        """The columns of repairs.csv."""
        return self.file, f"left out: {self.words}" if self.left_out else self.words


class CopiedPair(NamedTuple):
    """The names of an image and its mask in the copy, both empty where the pair was left out, and what was changed."""

    image: str
    mask: str
    changes: list[Change]


def copy_pair(measured: PairMeasurements, source: Source, folder: Path, stem: str, black_and_white: bool) -> CopiedPair:
    """Write one pair under a new name, `stem`, into the copy.

    black_and_white: whether a mask of 0 and 255 alone is one of background and foreground, as others of the data set
    have soft edges between the two.
    """
    pair = measured.pair
    stored = read_mask(pair.mask)
    ids, changes = _mend_ids(stored, measured, source, black_and_white)
    height, width = measured.size
    foreign = (ids < 0) | (ids >= len(source.classes)) & (ids != IGNORE_INDEX)
    reason = ""
    if "shape" in pair_faults(np.empty((height, width, 0)), ids, len(source.classes)):
        reason = "image and mask are not one picture"
    elif foreign.mean() > MOST_FOREIGN:
        reason = f"{foreign.mean():.0%} of its mask is outside the classes"
    if reason:
        return CopiedPair("", "", [Change(source.relative(pair.image), reason, left_out=True)])
    if foreign.any():
        changes.append(f"{foreign.sum()} pixels outside the classes set to 'ignored' ({IGNORE_INDEX})")
    ids = np.where(foreign, IGNORE_INDEX, ids).astype(np.uint8)
    if ids.shape != (height, width):
        changes.append(f"resized from {ids.shape[1]}x{ids.shape[0]} to {width}x{height}, nearest label")
        ids = cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    rows = []
    mask = f"masks/{stem}.png"
    if pair.mask.suffix.lower() == ".png" and stored.dtype == np.uint8 and np.array_equal(stored, ids):
        (folder / mask).write_bytes(read_bytes(pair.mask))
    else:
        Image.fromarray(ids).save(folder / mask)
        rows.append(Change(source.relative(pair.mask), "; ".join(changes) or "saved as ids in one channel"))
    image, more = _copy_image(measured, source, folder, stem)
    return CopiedPair(image, mask, rows + more)


def _copy_image(measured: PairMeasurements, source: Source, folder: Path, stem: str) -> tuple[str, list[Change]]:
    """Copy an image byte for byte, or turn it upright; return its name in the copy and what was changed."""
    path = measured.pair.image
    if EXIF_TURNED not in measured.oddities:
        name = f"images/{stem}{path.suffix.lower()}"
        (folder / name).write_bytes(read_bytes(path))
        return name, []
    name = f"images/{stem}.png"  # JPEG would lose something each time it is saved
    Image.fromarray(read_image(path)).save(folder / name)
    words = "turned upright, as its EXIF data says, and saved as PNG of 8 bits"
    return name, [Change(source.relative(path), words)]


def _mend_ids(
    stored: np.ndarray, measured: PairMeasurements, source: Source, black_and_white: bool
) -> tuple[np.ndarray, list[str]]:
    """Return the ids of a stored mask, int64 (H, W), with those outside the classes as they are; and what was done."""
    kinds = {fault.kind for fault in measured.faults}
    if ANTI_ALIASED in kinds:
        return (stored >= 128).astype(np.int64), ["soft edges cut at 128"]
    if black_and_white and set(np.unique(stored)) <= {0, 255}:
        return (stored == 255).astype(np.int64), []
    if "colour outside the class table" in kinds:
        return rgb_to_ids(stored, source.palette), []
    return source.decode(stored, measured.pair.mask), []

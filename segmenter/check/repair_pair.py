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
from utils.images import IGNORE_INDEX, open_image, read_mask, rgb_to_ids
from utils.plots import Palette

IN_COLOUR = {"colour outside the class table", "colour mask"}  # kinds of faults
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


def copy_pair(measured: PairMeasurements, source: Source, folder: Path, stem: str) -> CopiedPair:
    """Write one pair under a new name, `stem`, into the copy."""
    pair = measured.pair
    ids, changes = _mend_ids(measured, source)
    height, width = measured.size
    foreign = (ids < 0) | (ids >= len(source.classes)) & (ids != IGNORE_INDEX)
    reason = ""
    if not source.own_colours and IN_COLOUR.intersection(fault.kind for fault in measured.faults):
        reason = "its mask is a colour picture, and no classes.csv says which class a colour is"
    elif "shape" in pair_faults(np.empty((height, width, 0)), ids, len(source.classes)):
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
    if _holds_plain_ids(pair.mask, ids, source.palette):
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
    Image.fromarray(source.read_image(path)).save(folder / name)
    words = "turned upright, as its EXIF data says, and saved as PNG of 8 bits"
    return name, [Change(source.relative(path), words)]


def _holds_plain_ids(path: Path, ids: np.ndarray, palette: Palette) -> bool:
    """Say whether a mask is a PNG of these ids, uint8 (H, W), whose colours, if any, do not name other classes."""
    if path.suffix.lower() != ".png":
        return False
    image = open_image(path)
    if image.format != "PNG" or image.mode not in ("L", "P") or not np.array_equal(np.array(image), ids):
        return False
    if image.mode == "L":
        return True
    colours = np.array(image.getpalette("RGB")).reshape(-1, 3)
    used = {tuple(colours[i].tolist()): palette[i] for i in np.unique(ids) if i < min(len(palette), len(colours))}
    return all(colour == own for colour, own in used.items()) or used.keys().isdisjoint(palette)


def _mend_ids(measured: PairMeasurements, source: Source) -> tuple[np.ndarray, list[str]]:
    """Return the ids of a mask, int64 (H, W), with -1 or a strange number for what is no class; and what was done."""
    path = measured.pair.mask
    kinds = {fault.kind for fault in measured.faults}
    if ANTI_ALIASED in kinds:
        return (read_mask(path) >= 128).astype(np.int64), ["soft edges cut at 128"]
    if kinds & IN_COLOUR:
        return rgb_to_ids(read_mask(path), source.palette), []
    return source.read_mendable(path), []

"""One pair, written anew in a form that needs no remedy (for `repair`)."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from segmenter.check.measurements import PairFacts
from utils.catalog.base import Source
from utils.dataset import pair_faults
from utils.files import read_bytes
from utils.images import IGNORE_INDEX, read_image, read_mask, rgb_to_ids

MENDED = {"label outside the classes", "colour outside the class table", "anti-aliased mask"}
MOST_FOREIGN = 0.5  # share of a mask's pixels that may be set to 'ignored'; with more it is another data set's mask
EXIF = "EXIF-turned image (turned upright)"


class Row(NamedTuple):
    """A line of repairs.csv."""

    file: str
    done: str


def copy_pair(facts: PairFacts, source: Source, folder: Path, stem: str, binary: bool) -> tuple[str, str, list[Row]]:
    """Write one pair; return its two names in the copy (empty where it had to be left out) and what was done."""
    pair, rows = facts.pair, []
    raw = read_mask(pair.mask)
    ids, done = _mended_ids(raw, facts, source, binary)
    foreign = (ids < 0) | (ids >= len(source.classes)) & (ids != IGNORE_INDEX)
    height, width = facts.size
    fits = "shape" not in pair_faults(np.empty((height, width, 0)), ids, len(source.classes))
    if not fits or foreign.mean() > MOST_FOREIGN:
        share = f"{foreign.mean():.0%} of its mask is outside the classes"
        why = share if fits else "image and mask are not one picture"
        return "", "", [Row(source.relative(pair.image), f"left out: {why}")]
    if foreign.any():
        done.append(f"{foreign.sum()} pixels outside the classes set to 'ignored' ({IGNORE_INDEX})")
    ids = np.where(foreign, IGNORE_INDEX, ids).astype(np.uint8)
    if ids.shape != (height, width):
        done.append(f"resized from {ids.shape[1]}x{ids.shape[0]} to {width}x{height}, nearest label")
        ids = cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    mask = f"masks/{stem}.png"
    if pair.mask.suffix.lower() == ".png" and raw.dtype == np.uint8 and np.array_equal(raw, ids):
        (folder / mask).write_bytes(read_bytes(pair.mask))
    else:
        Image.fromarray(ids).save(folder / mask)
        rows.append(Row(source.relative(pair.mask), "; ".join(done) or "saved as ids in one channel"))
    image = f"images/{stem}{pair.image.suffix.lower()}"
    if EXIF in facts.oddities:
        image = f"images/{stem}.png"  # JPEG would lose something each time it is saved
        Image.fromarray(read_image(pair.image)).save(folder / image)
        rows.append(
            Row(source.relative(pair.image), "turned upright, as its EXIF data says, and saved as PNG of 8 bits")
        )
    else:
        (folder / image).write_bytes(read_bytes(pair.image))
    return image, mask, rows


def _mended_ids(raw: np.ndarray, facts: PairFacts, source: Source, binary: bool) -> tuple[np.ndarray, list[str]]:
    """Return the ids of a stored mask, int64 (H, W), with those outside the classes as they are; and what was done."""
    if any(kind == "anti-aliased mask" for kind, _ in facts.faults):
        return (raw >= 128).astype(np.int64), ["soft edges cut at 128"]
    if binary and set(np.unique(raw)) <= {0, 255}:  # the soft ones among them hid what 255 means
        return (raw == 255).astype(np.int64), []
    if any(kind == "colour outside the class table" for kind, _ in facts.faults):
        return rgb_to_ids(raw, source.palette), []
    return source.decode(raw, facts.pair.mask), []

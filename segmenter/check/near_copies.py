"""Pictures that look alike though their files differ: copies saved anew, resized, lighter, cropped, mirrored.

A fingerprint (dHash) says, for a grey picture of 17x17, which of each two neighbours is lighter: 2 x 256 bits. Two
pictures are taken for copies where at most `MOST_BITS` of 512 differ *and* their blurred 32x32 versions correlate above
`LEAST_CORRELATION`. Measured on 533 photographs of `human`, `voc` and `camvid`: each was found again after JPEG at
quality 60, at 0.5 and 1.7 times its size, 15 % lighter or darker, cropped by 2 %, mirrored, or all of that at once
(at most 106 bits differ, correlation at least 0.967); cropped by 4 %, 527 were. Of 63,188 pairs of different
photographs three pass: frames of one street in CamVid, a second or so apart. Stronger crops, turns by 90 degrees and
other colours are not recognised.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

SIDE = 32  # pixels of the small grey picture
GRID = 17  # pixels of the picture behind the fingerprint
MOST_BITS = 140
LEAST_CORRELATION = 0.95
CHUNK = 512  # pictures compared with all others at a time
CANDIDATES = 5  # closest fingerprints that are looked at again


class Near(NamedTuple):
    """A picture that looks like a copy of one in another split, both by index; `bits` of 512 differ."""

    asked: int
    known: int
    bits: int
    mirrored: bool


def tiny_grey(image: np.ndarray) -> np.ndarray:
    """Shrink a picture, uint8 (H, W, 3), to grey: uint8 (32, 32)."""
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def fingerprint(grey: np.ndarray) -> np.ndarray:
    """Say where a grey picture becomes lighter to the right and downwards: uint8 (64,), 512 bits (a dHash)."""
    small = cv2.resize(
        np.ascontiguousarray(grey), (GRID, GRID), interpolation=cv2.INTER_AREA
    )  # rounding calms flat areas
    lighter = [small[:-1, 1:] > small[:-1, :-1], small[1:, :-1] > small[:-1, :-1]]
    return np.packbits(np.concatenate(lighter, axis=None))


def near_duplicates(prints: np.ndarray, greys: np.ndarray, splits: Sequence[str | None]) -> list[Near]:
    """Find the pictures of 'val' and 'test' that look like one of 'train' (or of 'val'): the closest one for each.

    Args:
        prints: fingerprints of each picture and of its mirror image, uint8 (N, 2, 64).
        greys: the small grey pictures, uint8 (N, 32, 32).
        splits: where each picture is; None is compared with nothing.

    Memory grows linearly with N, time with the product of the splits' sizes.
    """
    where = np.array([split or "" for split in splits])
    found = []
    for split, others in (("val", ["train"]), ("test", ["train", "val"])):
        asked, known = np.flatnonzero(where == split), np.flatnonzero(np.isin(where, others))
        for start in range(0, len(asked) if len(known) else 0, CHUNK):
            found += _closest(asked[start : start + CHUNK], known, prints, greys)
    return found


def _closest(asked: np.ndarray, known: np.ndarray, prints: np.ndarray, greys: np.ndarray) -> list[Near]:
    """Look each of the asked pictures, and its mirror image, up among the known ones: all by index."""
    best: dict[int, Near] = {}
    table = _signs(prints[known, 0])
    for mirrored in (False, True):
        bits = (512 - _signs(prints[asked, int(mirrored)]) @ table.T) / 2
        for row in np.flatnonzero((bits <= MOST_BITS).any(axis=1)):
            picture = int(asked[row])
            grey = greys[picture][:, ::-1] if mirrored else greys[picture]
            for column in np.argsort(bits[row])[:CANDIDATES]:
                near = Near(picture, int(known[column]), int(bits[row, column]), mirrored)
                if near.bits > MOST_BITS or (picture in best and best[picture].bits <= near.bits):
                    break
                if correlation(grey, greys[near.known]) >= LEAST_CORRELATION:
                    best[picture] = near
                    break
    return list(best.values())


def _signs(prints: np.ndarray) -> np.ndarray:
    """Unpack fingerprints, uint8 (N, 64), to -1 and 1, float32 (N, 512): bits that differ = (512 - dot product) / 2."""
    return np.unpackbits(prints, axis=1).astype(np.float32) * 2 - 1


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlate two small grey pictures, (32, 32), blurred a little: 1 is alike, 0 where one is of one tone."""
    a, b = (cv2.GaussianBlur(np.ascontiguousarray(p, dtype=np.float32), (0, 0), 1.5) for p in (a, b))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / scale if scale > 1e-3 else 0.0

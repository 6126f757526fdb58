"""Near copies: images that look alike though their files differ, as one was resized, relit, cropped or mirrored.

A fingerprint (dHash) says, for a grey image of 17x17 pixels, which of each two neighbours is lighter: 2 x 256 bits. Two
images are taken for copies where at most `MOST_BITS` of the 512 differ *and* their blurred thumbnails of 32x32 pixels
correlate above `LEAST_CORRELATION`. Measured on 533 photographs of `human`, `voc` and `camvid`: each was found again
after JPEG at quality 60, at 0.5 and 1.7 times its size, 15 % lighter or darker, cropped by 2 %, mirrored, or all of
that at once (at most 106 bits differ, and the correlation is at least 0.967); cropped by 4 %, 527 were. Of 63,188 pairs
of different photographs three pass: frames of one street in CamVid, a second or so apart. Stronger crops, turns by 90
degrees and other colours are not recognised.

Where the images of a data set look alike as a whole, as bright discs in dark frames do (eye, microscope, endoscope),
that says little. So the thumbnails must also correlate above `LEAST_OWN` in what is their own, in how they differ from
the mean of all the others, unless they hardly differ at all.

The pHash of the package imagehash (256 bits) separates these photographs as well, but Colab does not have it, and it
would replace `fingerprint` alone. The hashes of OpenCV's img_hash need another build of OpenCV, and take 93 pairs of
different photographs or more for copies once their thresholds let all copies pass.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

THUMBNAIL_SIDE = 32  # pixels of the small grey image
FINGERPRINT_SIDE = 17  # pixels of the image behind the fingerprint
FINGERPRINT_BITS = 512
MOST_BITS = 140
LEAST_CORRELATION = 0.95
LEAST_OWN = 0.9
LEAST_DIFFERENCE = 1.0  # grey value: thumbnails that differ by less, root mean square, are one picture
CHUNK = 512  # images compared with all others at a time
CANDIDATES = 5  # closest fingerprints whose thumbnails are compared


OwnLikeness = Callable[[int, int, np.ndarray], float]


class NearCopy(NamedTuple):
    """An image that looks like a copy of one in another split.

    Attributes:
        query: index of the image that was looked up, from the validation or test split.
        match: index of the image that it looks like.
        differing_bits: bits of the 512 in which their fingerprints differ.
        mirrored: whether it looks like the mirror image.
    """

    query: int
    match: int
    differing_bits: int
    mirrored: bool


def shrink_to_grey(image: np.ndarray) -> np.ndarray:
    """Shrink an image, uint8 (H, W, 3), to a grey thumbnail: uint8 (32, 32)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA)


def fingerprint(thumbnail: np.ndarray) -> np.ndarray:
    """Record where a thumbnail becomes lighter to the right and downwards: uint8 (64,), 512 bits (a dHash)."""
    side = FINGERPRINT_SIDE
    # The result is rounded to whole grey values, so that the noise of flat areas does not become bits.
    small = cv2.resize(np.ascontiguousarray(thumbnail), (side, side), interpolation=cv2.INTER_AREA)
    lighter = [small[:-1, 1:] > small[:-1, :-1], small[1:, :-1] > small[:-1, :-1]]
    return np.packbits(np.concatenate(lighter, axis=None))


def find_near_copies(fingerprints: np.ndarray, thumbnails: np.ndarray, splits: Sequence[str | None]) -> list[NearCopy]:
    """Find the images of 'val' and 'test' that look like one of 'train' (or of 'val'): the closest one for each.

    Args:
        fingerprints: of each image and of its mirror image, uint8 (N, 2, 64).
        thumbnails: uint8 (N, 32, 32).
        splits: the split of each image; an image in no split, None, is compared with nothing.

    Memory grows linearly with N, time with the product of the splits' sizes.
    """
    total = thumbnails.sum(axis=0, dtype=np.float32)

    def own(query: int, match: int, thumbnail: np.ndarray) -> float:
        """Correlate the image `match` with a thumbnail of `query` in how they differ from the mean of the others."""
        difference = thumbnail.astype(np.float32) - thumbnails[match]
        if len(thumbnails) < 4 or np.sqrt((difference**2).mean()) < LEAST_DIFFERENCE:
            return 1.0
        others = (total - thumbnails[query] - thumbnails[match]) / (len(thumbnails) - 2)
        return correlate(thumbnail - others, thumbnails[match] - others)

    split_of = np.array([split or "" for split in splits])
    found = []
    for split, others in (("val", ["train"]), ("test", ["train", "val"])):
        queries, known = np.flatnonzero(split_of == split), np.flatnonzero(np.isin(split_of, others))
        for start in range(0, len(queries) if len(known) else 0, CHUNK):
            found += _closest(queries[start : start + CHUNK], known, fingerprints, thumbnails, own)
    return found


def _closest(
    queries: np.ndarray, known: np.ndarray, fingerprints: np.ndarray, thumbnails: np.ndarray, own: OwnLikeness
) -> list[NearCopy]:
    """Look up each query, and its mirror image, among the known images; both are given by their indices."""
    best: dict[int, NearCopy] = {}
    known_signs = _signs(fingerprints[known, 0])
    for mirrored in (False, True):
        bits = (FINGERPRINT_BITS - _signs(fingerprints[queries, int(mirrored)]) @ known_signs.T) / 2
        for row in np.flatnonzero((bits <= MOST_BITS).any(axis=1)):
            query = int(queries[row])
            thumbnail = thumbnails[query][:, ::-1] if mirrored else thumbnails[query]
            for column in np.argsort(bits[row])[:CANDIDATES]:
                copy = NearCopy(query, int(known[column]), int(bits[row, column]), mirrored)
                if copy.differing_bits > MOST_BITS:
                    break
                if query in best and best[query].differing_bits <= copy.differing_bits:
                    break
                alike = correlate(thumbnail, thumbnails[copy.match]) >= LEAST_CORRELATION
                if alike and own(copy.query, copy.match, thumbnail) >= LEAST_OWN:
                    best[query] = copy
                    break
    return list(best.values())


def _signs(fingerprints: np.ndarray) -> np.ndarray:
    """Unpack uint8 (N, 64) to -1 and 1, float32 (N, 512): bits that differ = (512 - dot product) / 2."""
    return np.unpackbits(fingerprints, axis=1).astype(np.float32) * 2 - 1


def correlate(a: np.ndarray, b: np.ndarray) -> float:
    """Correlate two thumbnails, (32, 32), blurred a little: 1 where they are equal, 0 where one is of one tone."""
    a, b = (cv2.GaussianBlur(np.ascontiguousarray(p, dtype=np.float32), (0, 0), 1.5) for p in (a, b))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / scale if scale > 1e-3 else 0.0

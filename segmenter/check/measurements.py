"""One pair of a data set, measured in one pass over its files (for `check_dataset`)."""

import hashlib
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image, ImageOps

from segmenter.check.appearance import histogram, look
from segmenter.check.near_copies import fingerprint, tiny_grey
from utils.catalog.base import Pair, Source
from utils.dataset import pair_faults, read_pair
from utils.errors import DataError
from utils.images import IGNORE_INDEX, open_image, read_image, read_mask

SMALL_SIDE = 32  # pixels: what a network that halves the picture five times needs
LONG_ASPECT = 4.0
MANY_PIXELS = 50_000_000

# Words of a sentence -> the kind of fault under which it is listed; the first that fits.
KINDS_OF_SENTENCES = {
    "colours outside": "colour outside the class table",
    "outside the": "label outside the classes",
    "JPEG": "JPEG mask",
    "not one picture": "sizes do not fit",
    "no file": "missing file",
    "channel": "colour mask",
}


@dataclass(slots=True)
class PairFacts:
    """What one pass over the two files of a pair says; some 10 KB with its paths, no picture is kept.

    Attributes:
        faults: (kind, sentence) of everything that stops training.
        oddities: kinds of what the course copes with.
        size: (height, width) of the upright picture, or None where it cannot be read.
        depth: channels and bits of the image file, in words.
        counts: pixels of each class, int64 (C,). `ignored`: pixels that are not scored.
        picture, labels: hashes of the decoded picture and ids; equal ones look exactly alike.
        grey, prints: small grey picture, uint8 (32, 32), and fingerprints of it and its mirror image (see near.py).
        looks: brightness, blur and the like, by name (see looks.py).
    """

    pair: Pair
    counts: np.ndarray
    faults: list[tuple[str, str]] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
    size: tuple[int, int] | None = None
    depth: str = ""
    ignored: int = 0
    picture: bytes = b""
    labels: bytes = b""
    grey: np.ndarray | None = None
    prints: np.ndarray | None = None
    looks: dict[str, float] = field(default_factory=dict)


def examine(pair: Pair, source: Source) -> PairFacts:
    """Read both files of a pair once and measure them. Faults are part of the answer, never raised."""
    facts = PairFacts(pair, np.zeros(len(source.classes), dtype=np.int64))
    image = raw = None
    try:
        image = _open_image(pair, facts)
    except DataError as error:
        facts.faults.append(_filed(error))
    try:
        raw = read_mask(pair.mask)
        if smoothed := _smoothed(raw):
            raise DataError(f"{pair.mask} {smoothed}. Save masks without smoothing, as PNG.")
        ids = source.decode(raw, pair.mask)
    except DataError as error:
        kind, sentence = _filed(error)
        facts.faults.append(("anti-aliased mask" if "grey values between" in sentence else kind, sentence))
    if image is not None and not facts.faults:
        _examine_labels(image, ids, facts, source)
    return facts


def _open_image(pair: Pair, facts: PairFacts) -> np.ndarray:
    """Return the image as `read_image` does, uint8 (H, W, 3), and note what is odd about the file."""
    stored = open_image(pair.image)
    bits = 16 if stored.info.get("bits") == 16 or stored.mode.startswith("I;16") else None
    odd = {
        "grey image": stored.mode in ("1", "L", "LA", "F") or stored.mode.startswith("I"),
        "EXIF-turned image (turned upright)": stored.getexif().get(0x0112, 1) != 1,
        "image of more than 8 bits (scaled)": bits == 16 or stored.mode in ("I", "F"),
        "fourth channel (dropped)": stored.mode in ("RGBA", "LA", "PA", "RGBX", "RGBa"),
        "CMYK image (converted)": stored.mode == "CMYK",
    }
    facts.depth = stored.mode + (f", {bits} bits" if bits else "")
    deep = odd["image of more than 8 bits (scaled)"]  # read_image knows how to scale them, and decodes once more
    image = read_image(pair.image) if deep else _as_rgb(stored, pair)
    height, width = facts.size = image.shape[:2]
    odd |= {
        f"image smaller than {SMALL_SIDE} pixels": min(height, width) < SMALL_SIDE,
        f"image longer than {LONG_ASPECT:.0f}:1": max(height, width) > LONG_ASPECT * min(height, width),
        f"image of more than {MANY_PIXELS // 10**6} megapixels": height * width > MANY_PIXELS,
    }
    facts.oddities += [kind for kind, found in odd.items() if found]
    facts.picture = _digest(image)
    facts.grey = tiny_grey(image)
    facts.prints = np.stack([fingerprint(facts.grey), fingerprint(facts.grey[:, ::-1])])
    return image


def _as_rgb(stored: Image.Image, pair: Pair) -> np.ndarray:
    try:
        return np.array(ImageOps.exif_transpose(stored).convert("RGB"))
    except (OSError, ValueError) as error:
        raise DataError(f"{pair.image} cannot be read as RGB ({error}). Save it as an RGB picture.") from None


def _examine_labels(image: np.ndarray, ids: np.ndarray, facts: PairFacts, source: Source) -> None:
    """Count the labels of a readable pair, and measure its look."""
    found = pair_faults(image, ids, len(source.classes))
    if "shape" in found or "labels" in found:
        try:
            read_pair(facts.pair, source)  # has the words for it
        except DataError as error:
            facts.faults.append(_filed(error))
            return
    height, width = image.shape[:2]
    if ids.shape != (height, width):
        facts.oddities.append("mask of another size (resized)")
    mask = cv2.resize(ids.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    counts = histogram(mask)
    facts.counts, facts.ignored = counts[: len(facts.counts)].copy(), int(counts[IGNORE_INDEX])
    facts.labels = _digest(mask)
    if "empty" in found:
        facts.oddities.append("every pixel ignored")
    elif (facts.counts > 0).sum() == 1:
        facts.oddities.append("only one class in the mask")
    facts.looks = look(image, mask, len(source.classes))


def _smoothed(raw: np.ndarray) -> str:
    """Say that a stored mask is black and white with soft edges, or return an empty string.

    Class ids never look so: almost all pixels at 0 and 255, and between them many values, dark ones and light ones.
    """
    if raw.ndim != 2 or raw.dtype != np.uint8:
        return ""
    counts = histogram(raw)
    between = np.flatnonzero(counts[1:255]) + 1
    poles = counts[:16].sum() + counts[240:].sum()
    if len(between) < 8 or not (between[0] < 128 <= between[-1]) or not (counts[0] and counts[240:].sum()):
        return ""
    if poles < 0.8 * raw.size or max(counts[0], counts[255]) < 0.3 * raw.size or counts[240:].sum() < 0.001 * raw.size:
        return ""
    share = counts[1:255].sum() / raw.size
    return f"holds {len(between)} grey values between 0 and 255 ({share:.1%} of its pixels): its edges were smoothed"


def _digest(values: np.ndarray) -> bytes:
    """Hash an array with its shape."""
    digest = hashlib.sha256(np.ascontiguousarray(values))
    digest.update(str(values.shape).encode())
    return digest.digest()[:16]


def _filed(error: DataError) -> tuple[str, str]:
    """Return the kind of a fault and its sentence."""
    sentence = str(error)
    return next((k for words, k in KINDS_OF_SENTENCES.items() if words in sentence), "unreadable file"), sentence

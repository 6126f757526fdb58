"""One pair of a data set, measured in one pass over its two files."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from segmenter.check.appearance import Appearance, histogram, measure_appearance
from segmenter.check.kinds import (
    ANTI_ALIASED,
    BANDS,
    EXIF_TURNED,
    LONG_ASPECT,
    MANY_PIXELS,
    MORE_THAN_8_BITS,
    SMALL_SIDE,
    TOO_LARGE,
    TOO_LONG,
    TOO_SMALL,
)
from segmenter.check.near_copies import fingerprint, shrink_to_grey
from utils.catalog.base import Pair, Source
from utils.dataset import refuse_faults
from utils.errors import DataError, Fault
from utils.formats import readable
from utils.images import IGNORE_INDEX, open_image, pil_to_rgb, read_mask

EXIF_ORIENTATION = 0x0112  # the EXIF tag that says how an image must be turned to stand upright


@dataclass(slots=True)
class PairMeasurements:
    """What one pass over the two files of a pair finds; some 10 KB with its paths, as no image is kept.

    Attributes:
        class_pixels: pixels of each class, int64 (C,).
        ignored_pixels: pixels that are not scored.
        faults: everything that stops training.
        oddities: kind -> the file that shows it, for what the course copes with.
        size: (height, width) of the upright image, or None where it cannot be read.
        pixel_format: channels and bits of the image file, in words.
        image_digest, mask_digest: hashes of the decoded image and ids; equal ones have equal pixels. Empty where the
            image cannot be read, or the pair has a fault.
        thumbnail: small grey image, uint8 (32, 32).
        fingerprints: fingerprints of the thumbnail and of its mirror image, uint8 (2, 64).
        appearance: brightness, sharpness and the like; None where the pair has a fault.
    """

    pair: Pair
    class_pixels: np.ndarray
    ignored_pixels: int = 0
    faults: list[Fault] = field(default_factory=list)
    oddities: dict[str, Path] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    pixel_format: str = ""
    image_digest: bytes = b""
    mask_digest: bytes = b""
    thumbnail: np.ndarray | None = None
    fingerprints: np.ndarray | None = None
    appearance: Appearance | None = None


def measure_pair(pair: Pair, source: Source) -> PairMeasurements:
    """Read both files of a pair once and measure them. Faults are part of the answer, never raised."""
    measured = PairMeasurements(pair, np.zeros(len(source.classes), dtype=np.int64))
    try:
        image = _measure_image(measured, source)
    except DataError as error:
        measured.faults.append(_fault_of(error, pair.image))
    except MemoryError:
        measured.faults.append(Fault("too large for memory", pair.image))
    try:
        ids = source.read_ids(pair.mask)
    except DataError as error:
        measured.faults.append(_fault_of(error, pair.mask))
    if not measured.faults:
        _measure_mask(image, ids, measured, len(source.classes))
    measured.faults = [_name_smoothing(fault) for fault in measured.faults]
    return measured


def _name_smoothing(fault: Fault) -> Fault:
    """Return a fault of labels as one of smooth edges, where it is one."""
    if fault.kind not in ("label outside the classes", "value without a class"):
        return fault
    return find_smoothing(read_mask(fault.path), fault.path) or fault


def _fault_of(error: DataError, path: Path) -> Fault:
    """Return the fault that an error holds; an error with words only, as a learner's function may raise, names none.

    The file could not be read in any case, so such an error counts as an unreadable file, in its own words.
    """
    return error.fault or Fault("unreadable file", path, sentence=str(error))


def _measure_image(measured: PairMeasurements, source: Source) -> np.ndarray:
    """Return the image as training reads it, uint8 (H, W, 3), and note what is odd about the file."""
    path = measured.pair.image
    try:
        stored = open_image(path)
    except DataError:
        image = source.read_image(path)  # bands, which Pillow does not know; raises for what is no image at all
        measured.oddities[BANDS] = path
        return _measure_pixels(image, "bands", measured)
    bits = 16 if stored.info.get("bits") == 16 or stored.mode.startswith("I;16") else None
    more_than_8_bits = bits == 16 or stored.mode in ("I", "F")
    with readable(path):
        image = source.read_image(path) if more_than_8_bits else pil_to_rgb(stored)  # only the source scales values
        turned = stored.getexif().get(EXIF_ORIENTATION, 1) != 1
    oddities = {
        "grey image": stored.mode in ("1", "L", "LA", "F") or stored.mode.startswith("I"),
        EXIF_TURNED: turned,
        MORE_THAN_8_BITS: more_than_8_bits,
        "fourth channel (dropped)": stored.mode in ("RGBA", "LA", "PA", "RGBX", "RGBa"),
        "CMYK image (converted)": stored.mode == "CMYK",
    }
    measured.oddities |= {kind: path for kind, present in oddities.items() if present}
    return _measure_pixels(image, stored.mode + (f", {bits} bits" if bits else ""), measured)


def _measure_pixels(image: np.ndarray, pixel_format: str, measured: PairMeasurements) -> np.ndarray:
    """Note the size of an image, uint8 (H, W, 3), and what makes it known again; return it."""
    height, width = image.shape[:2]
    oddities = {
        TOO_SMALL: min(height, width) < SMALL_SIDE,
        TOO_LONG: max(height, width) > LONG_ASPECT * min(height, width),
        TOO_LARGE: height * width > MANY_PIXELS,
    }
    measured.oddities |= {kind: measured.pair.image for kind, present in oddities.items() if present}
    measured.size = height, width
    measured.pixel_format = pixel_format
    measured.image_digest = _digest(image)
    measured.thumbnail = shrink_to_grey(image)
    measured.fingerprints = np.stack([fingerprint(measured.thumbnail), fingerprint(measured.thumbnail[:, ::-1])])
    return image


def _measure_mask(image: np.ndarray, ids: np.ndarray, measured: PairMeasurements, num_classes: int) -> None:
    """Count the labels of a readable pair, and measure its appearance: uint8 (H, W, 3) and ids (h, w)."""
    pair = measured.pair
    try:
        refuse_faults(pair, image, ids, num_classes)
    except DataError as error:
        measured.faults.append(_fault_of(error, pair.mask))
        return
    height, width = image.shape[:2]
    if ids.shape != (height, width):
        measured.oddities["mask of another size (resized)"] = pair.mask
    mask = cv2.resize(ids.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    counts = histogram(mask)
    measured.class_pixels, measured.ignored_pixels = counts[:num_classes].copy(), int(counts[IGNORE_INDEX])
    measured.mask_digest = _digest(mask)
    present = (measured.class_pixels > 0).sum()
    if present < 2:
        measured.oddities["only one class in the mask" if present else "every pixel ignored"] = pair.mask
    measured.appearance = measure_appearance(image, mask, num_classes)


def find_smoothing(stored: np.ndarray, path: Path) -> Fault | None:
    """Return a fault where a stored mask is black and white with soft edges.

    Class ids never look so: almost all pixels are 0 and 255, and between them are many values, dark ones and light
    ones.
    """
    if stored.ndim != 2 or stored.dtype != np.uint8:
        return None
    counts = histogram(stored)
    between = np.flatnonzero(counts[1:255]) + 1
    dark, light = counts[:16].sum(), counts[240:].sum()
    if len(between) < 8 or not between[0] < 128 <= between[-1] or not counts[0]:
        return None
    if dark + light < 0.8 * stored.size or max(counts[0], counts[255]) < 0.3 * stored.size:
        return None
    if light < 0.001 * stored.size:
        return None
    return Fault(ANTI_ALIASED, path, {"values": len(between), "share": counts[1:255].sum() / stored.size})


def _digest(values: np.ndarray) -> bytes:
    """Hash an array with its shape: 16 bytes."""
    digest = hashlib.sha256(np.ascontiguousarray(values))
    digest.update(str(values.shape).encode())
    return digest.digest()[:16]

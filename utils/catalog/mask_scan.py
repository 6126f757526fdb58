"""What all masks of a folder hold, read once: numbers, colours, palettes and alpha channels, with their pixels."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from utils.catalog.mask_coding import FOREIGN, Colour, MaskCoding, as_numbers
from utils.errors import DataError
from utils.images import IGNORE_INDEX, open_image, read_mask

MOST_COLOURS = 512  # a mask with more colours is a photograph


@dataclass
class StoredMask:
    """What one mask stores.

    Attributes:
        numbers: stored number -> pixels; of a palette's indices, or of grey.
        colours: colour -> pixels, of a mask of three channels; where these are equal, `numbers` holds them too.
        palette: index -> colour, of the indices that occur; empty where there is no palette.
        alpha: value of the alpha channel -> pixels, where it has more than one.
        jpeg: whether the file is a JPEG.
    """

    path: Path
    numbers: Counter[int] = field(default_factory=Counter)
    colours: Counter[Colour] = field(default_factory=Counter)
    palette: dict[int, Colour] = field(default_factory=dict)
    alpha: Counter[int] = field(default_factory=Counter)
    jpeg: bool = False


def scan_masks(paths: Sequence[Path]) -> list[StoredMask]:
    """Read every mask once, in threads; faulty files are left out, since reading the pair will say what is wrong."""
    with ThreadPoolExecutor() as pool:
        return [stored for stored in pool.map(scan_mask, dict.fromkeys(paths)) if stored is not None]


def scan_mask(path: Path) -> StoredMask | None:
    """Read one mask, or return None where it is faulty."""
    try:
        image = open_image(path)
        jpeg = image.format == "JPEG"
        raw = grey_of_jpeg(image) if jpeg else read_mask(path)
        found = StoredMask(path, jpeg=jpeg)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            alpha = count(np.array(image.convert("RGBA"))[..., 3])
            found.alpha = alpha if len(alpha) > 1 else Counter()
        if raw.ndim == 3:
            found.colours = count_colours(raw)
        numbers = as_numbers(raw, path)
        if numbers.ndim == 2:
            found.numbers = count(numbers)
        if image.mode == "P":
            colours = np.array(image.getpalette("RGB")).reshape(-1, 3)
            found.palette = {i: tuple(colours[i].tolist()) for i in found.numbers if i < len(colours)}
        return found
    except (DataError, MemoryError):
        return None


def grey_of_jpeg(image: Image.Image) -> np.ndarray:
    """Return what a JPEG mask shows: grey (H, W), or colours (H, W, 3) where it has any."""
    colours = np.array(image.convert("RGB"))
    is_coloured = np.ptp(colours, axis=-1) > 48
    return colours if is_coloured.mean() > 0.001 else np.array(image.convert("L"))


def count(values: np.ndarray) -> Counter[int]:
    """Count the pixels of each stored number of (H, W)."""
    if values.dtype == np.uint8:
        counts = np.bincount(values.ravel(), minlength=256)
        return Counter({int(v): int(counts[v]) for v in np.flatnonzero(counts)})
    return Counter(dict(zip(*(some.tolist() for some in np.unique(values, return_counts=True)), strict=True)))


def count_colours(values: np.ndarray) -> Counter[Colour]:
    """Count the pixels of each colour of uint8 (H, W, 3), of the most frequent `MOST_COLOURS`."""
    packed = (values.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(axis=-1, dtype=np.uint32)
    found, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_COLOURS]
    colours = zip(*(found[order] >> shift & 255 for shift in (16, 8, 0)), strict=True)
    return Counter({tuple(map(int, c)): int(n) for c, n in zip(colours, counts[order], strict=True)})


def total(masks: Sequence[StoredMask], kind: str = "numbers") -> Counter:
    """Add up the pixels of each number, colour or alpha value over all masks."""
    pixels: Counter = Counter()
    for mask in masks:
        pixels.update(getattr(mask, kind))
    return pixels


def pixel_shares(masks: Sequence[StoredMask], coding: MaskCoding) -> dict[int, float]:
    """Return the share of the pixels of each class id, and of `IGNORE_INDEX`, that a coding finds in the masks."""
    numbers, colours = {IGNORE_INDEX: IGNORE_INDEX} | dict(coding.values), dict(coding.colours)
    pixels: Counter[int] = Counter()
    for mask in masks:
        by_colour = mask.colours and (colours or not mask.numbers)
        stored = mask.colours if by_colour else mask.alpha if coding.alpha else mask.numbers
        meaning = colours if by_colour else numbers
        if coding.palette:
            meaning = meaning | {i: colours[colour] for i, colour in mask.palette.items() if colour in colours}
        for value, n in stored.items():
            value = (IGNORE_INDEX if value >= 128 else 0) if coding.cut and mask.jpeg else value
            pixels[meaning.get(value, FOREIGN)] += n
    return {i: n / pixels.total() for i, n in pixels.items() if i != FOREIGN}


def is_two_valued(numbers: Counter[int]) -> bool:
    """Say whether masks are black and white, with a few values between: smooth edges, or the noise of a JPEG."""
    pixels = sum(numbers.values())
    dark = sum(n for value, n in numbers.items() if value < 16)
    light = sum(n for value, n in numbers.items() if 240 <= value <= IGNORE_INDEX)
    return max(numbers, default=256) <= 255 and dark > 0 and light > 0 and dark + light >= 0.8 * pixels


def refuse_shuffled_palettes(masks: Sequence[StoredMask]) -> None:
    """Raise DataError where an index has another colour in another mask: the colours are meant then."""
    seen: dict[int, tuple[Colour, Path]] = {}
    for mask in masks:
        for index, colour in mask.palette.items():
            before, path = seen.setdefault(index, (colour, mask.path))
            if before != colour:
                raise DataError(
                    f"The palettes of {path} and {mask.path} differ: the index {index} is {before} in one and {colour} "
                    "in the other. Save the masks with one palette, or add a classes.csv: with the columns name,r,g,b "
                    "the colours count, with id,name the indices."
                )

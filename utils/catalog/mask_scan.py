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
FEW = 48  # colours, which cover nearly all of a mask: its classes, and the mixed ones of soft edges
COVERED = 0.97  # of its pixels
SHOWN = 8  # values in a sentence
STRAY = 0.001  # of the pixels of the masks that hold it: a value in fewer is a slip, or what a JPEG leaves of ids
NO_THING = 0.99  # of a mask's pixels: nothing fills a picture so, but what is ignored may
SPECKLED = 0.02  # of a mask's pixels differ from all around them: a JPEG of ids has more, one drawn by hand fewer


@dataclass
class StoredMask:
    """What one mask stores.

    Attributes:
        numbers: stored number -> pixels; of a palette's indices, or of grey.
        colours: colour -> pixels, of a mask of three channels; where these are equal, `numbers` holds them too.
        palette: index -> colour, of the indices that occur; empty where there is no palette.
        alpha: value of the alpha channel -> pixels, where it has more than one.
        jpeg: whether the file is a JPEG, or a WebP compressed with loss.
        speckled: whether it is full of single pixels.
    """

    path: Path
    numbers: Counter[int] = field(default_factory=Counter)
    colours: Counter[Colour] = field(default_factory=Counter)
    palette: dict[int, Colour] = field(default_factory=dict)
    alpha: Counter[int] = field(default_factory=Counter)
    jpeg: bool = False
    speckled: bool = False


def scan_masks(paths: Sequence[Path]) -> list[StoredMask]:
    """Read every mask once, in threads; faulty files are left out, since reading the pair will say what is wrong."""
    with ThreadPoolExecutor() as pool:
        return [stored for stored in pool.map(scan_mask, dict.fromkeys(paths)) if stored is not None]


def scan_mask(path: Path) -> StoredMask | None:
    """Read one mask, or return None where it is faulty."""
    try:
        image = open_image(path)
        jpeg = image.info["lossy"]
        raw = grey_of_jpeg(image) if jpeg else read_mask(path)
        found = StoredMask(path, jpeg=jpeg)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            alpha = count(np.array(image.convert("RGBA"))[..., 3])
            found.alpha = alpha if len(alpha) > 1 else Counter()
        if raw.ndim == 3:
            found.colours = count_colours(raw)
        numbers = as_numbers(raw, path)
        if numbers.ndim == 2:
            found.numbers, found.speckled = count(numbers), not jpeg and is_speckled(numbers)
        if image.mode == "P":
            colours = np.array(image.getpalette("RGB")).reshape(-1, 3)
            found.palette = {i: tuple(colours[i].tolist()) for i in found.numbers if i < len(colours)}
        return found
    except Exception:  # of a damaged file, a library may raise anything
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


def is_speckled(numbers: np.ndarray) -> bool:
    """Say whether a mask (H, W) is full of pixels that differ from all four around them."""
    inner = numbers[1:-1, 1:-1]
    around = (numbers[:-2, 1:-1], numbers[2:, 1:-1], numbers[1:-1, :-2], numbers[1:-1, 2:])
    return np.count_nonzero(np.logical_and.reduce([inner != other for other in around])) > SPECKLED * numbers.size


def strays(numbers: Sequence[Counter[int]]) -> list[int]:
    """Return the values of hardly a pixel, in half of the masks at most: the one of a slip, those of a JPEG of ids.

    The pixels of a mask are those that are not ignored.
    """
    masks: Counter[int] = Counter()
    size: Counter[int] = Counter()
    for number in numbers:
        masks.update(number.keys())
        size.update(dict.fromkeys(number, number.total() - number[IGNORE_INDEX]))
    pixels: Counter[int] = sum(numbers, Counter())
    return [value for value in sorted(size) if 2 * masks[value] <= len(numbers) and pixels[value] < STRAY * size[value]]


def refuse_at_odds(masks: Sequence[StoredMask], numbers: Sequence[Counter[int]]) -> None:
    """Raise DataError where masks do not say the same: an index of palettes has several colours; 255 several meanings.

    numbers: what the masks of two classes hold, of which 255 may be the foreground; empty where there are more.
    """
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
    held = list(zip(numbers, (mask.path for mask in masks), strict=False))
    some = [(number, path) for number, path in held if number[IGNORE_INDEX] < NO_THING * number.total()]
    white = [path for number, path in some if set(number) == {0, IGNORE_INDEX}]
    ignored = [path for number, path in held if {1, IGNORE_INDEX} <= set(number)]
    if white and ignored and all(set(number) <= {0, 1, IGNORE_INDEX} for number, _ in held):
        raise DataError(
            f"{len(white)} masks hold 0 and 255 (such as {white[0]}), {len(ignored)} hold 1 and 255 (such as "
            f"{ignored[0]}): is 255 the foreground, or ignored? Where it is ignored in all of them, say so "
            "(--mask-values '0=0 1=1'); else save all of them in one coding."
        )


def has_few_colours(path: Path) -> bool:
    """Say whether nearly all pixels of a picture have one of few colours. A picture that cannot be read has not."""
    try:
        values = np.asarray(open_image(path).convert("RGB"), np.uint32)
    except DataError:
        return False
    packed = values @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    counts = np.sort(np.unique(packed, return_counts=True)[1])
    return counts[-FEW:].sum() >= COVERED * packed.size


def ask_for_colours(root: Path, masks: Sequence[StoredMask]) -> str:
    """Say which colours the masks hold, and how to name them."""
    colours: list[tuple[Colour, int]] = total(masks, "colours").most_common()
    shown = ", ".join(str(colour) for colour, _ in colours[:SHOWN])
    more = f" ... ({len(colours)} in all)" if len(colours) > SHOWN else ""
    rows = " ".join(f"'NAME,{','.join(map(str, colour))}'" for colour, _ in colours[:2])
    return (
        f"The masks in {root} are colour pictures, of {shown}{more}: add classes.csv with columns name,r,g,b (rows "
        f"such as {rows}), one class a row."
    )

"""The value that becomes white in images of more than 8 bits: a high percentile over all of them, for all alike."""

import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from utils.bands import has_bands_header
from utils.errors import DataError
from utils.files import in_shard, read_bytes
from utils.formats import FORMATS
from utils.images import MOST_NUMBERS, PERCENTILE, read_values

MOST_APART = 8.0  # times: so much may the white of fractions differ from that of whole numbers


def find_white(images: Sequence[Path]) -> float | None:
    """Return the value that is to become 255 in the images of more than 8 bits, or None where all have 8.

    Raises DataError where some hold fractions, others whole numbers, and one white makes some of them black.
    """
    with ThreadPoolExecutor() as pool:
        deep = [path for path, is_so in zip(images, pool.map(is_deep, images), strict=True) if is_so]
        share = max(1000, MOST_NUMBERS // max(1, len(deep)))
        found = dict(zip(deep, pool.map(lambda path: sample(path, share), deep), strict=True))
    kinds: dict[str, list[Path]] = {"whole numbers": [], "floats": []}
    for path, some in found.items():
        if some.size:
            kinds["floats" if some.dtype.kind == "f" else "whole numbers"].append(path)
    whites = [percentile(found[path] for path in paths) for paths in kinds.values()]
    if min(whites) and max(whites) > MOST_APART * min(whites):
        what = " and ".join(
            f"{len(paths)} hold {kind} up to {white:g} (such as {paths[0]})"
            for (kind, paths), white in zip(kinds.items(), whites, strict=True)
        )
        raise DataError(f"Of the images, {what}: with one white for all, some would be black. Save all in one way.")
    return percentile(found.values()) or None


def percentile(samples: Iterable[np.ndarray]) -> float:
    """Return the high percentile of all numbers, (N,) each, that becomes white; 0 where there is none."""
    numbers = np.concatenate([np.empty(0, np.float32), *samples])
    return float(np.percentile(numbers, PERCENTILE)) if numbers.size else 0.0


def is_deep(path: Path) -> bool:
    """Say from its header whether an image has more than 8 bits, or is of a kind that Pillow does not know."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path, formats=FORMATS) as image:
            return image.mode.startswith(("I", "F")) or ";16" in str(image.tile)
    except (ValueError, SyntaxError, DataError, Image.DecompressionBombError):
        return False
    except OSError:  # of files that Pillow cannot identify, too
        try:
            with path.open("rb") as file:
                return has_bands_header(file.read(4))
        except OSError:
            return False


def sample(path: Path, most: int) -> np.ndarray:
    """Return about `most` valid numbers of an image, (N,); none where it has 8 bits or cannot be read."""
    try:
        values = read_values(path)
    except (DataError, MemoryError):
        return np.empty(0, np.float32)
    if values.dtype == np.uint8:
        return np.empty(0, np.float32)
    values = values.reshape(-1)[:: max(1, values.size // most)]
    return values[np.isfinite(values) & (values >= 0)]

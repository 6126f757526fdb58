"""The value that becomes white in images of more than 8 bits: a high percentile over all of them, for all alike."""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from utils.bands import has_tiff_header
from utils.errors import DataError
from utils.files import in_shard, read_bytes
from utils.formats import FORMATS
from utils.images import read_values

PERCENTILE = 99.8  # one hot pixel in a thousand does not make the others dark
MOST_NUMBERS = 4_000_000  # of all images together


def find_white(images: Sequence[Path]) -> float | None:
    """Return the value that is to become 255 in the images of more than 8 bits, or None where all have 8."""
    with ThreadPoolExecutor() as pool:
        deep = [path for path, is_so in zip(images, pool.map(is_deep, images), strict=True) if is_so]
        share = max(1000, MOST_NUMBERS // max(1, len(deep)))
        found = [some for some in pool.map(lambda path: sample(path, share), deep) if some.size]
    return float(np.percentile(np.concatenate(found), PERCENTILE)) or None if found else None


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
                return has_tiff_header(file.read(4))
        except OSError:
            return False


def sample(path: Path, most: int) -> np.ndarray:
    """Return about `most` valid numbers of an image, float32 (N,); none where it has 8 bits or cannot be read."""
    try:
        values = read_values(path)
    except (DataError, MemoryError):
        return np.empty(0, np.float32)
    if values.dtype == np.uint8:
        return np.empty(0, np.float32)
    values = values.reshape(-1)[:: max(1, values.size // most)].astype(np.float32)
    return values[np.isfinite(values)]

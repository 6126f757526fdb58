"""Images and masks as files: open them, bring them to uint8 RGB, and turn what a mask stores into class ids.

Images are uint8 (H, W, 3) RGB. Masks are int64 (H, W) class ids, where 255 marks pixels that nobody labelled.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from utils.bands import has_bands_header, nodata_of, read_bands, valid_numbers
from utils.errors import DataError, Fault
from utils.files import in_shard, read_bytes
from utils.formats import FORMATS, count_pages, readable

IGNORE_INDEX = 255
PERCENTILE = 99.8  # of an image of more than 8 bits, which becomes white where a few pixels are far brighter
MOST_NUMBERS = 4_000_000  # that it is taken of


def open_image(path: str | Path) -> Image.Image:
    """Return a fully decoded image; `info["bits"]` is 16 where a colour image was stored with 16 bits a channel.

    Raises DataError for a missing, empty, cut-off or foreign file, and for one that holds several images.
    """
    data = _read(path := Path(path))
    with readable(path, data), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        deep, pages = ";16" in str(image.tile), count_pages(image)
        image.load()
    if pages > 1:
        raise DataError(Fault("several images in one file", path, {"count": pages}))
    image.info["lossy"] = image.format == "JPEG" or (image.format == "WEBP" and b"VP8L" not in data)
    if deep and not image.mode.startswith("I"):
        image.info["bits"] = 16
    return image


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except FileNotFoundError:
        raise DataError(Fault("missing file", path)) from None
    except MemoryError:
        raise DataError(Fault("too large for memory", path)) from None
    except OSError as error:
        raise DataError(Fault("unreadable file", path, {"reason": f"cannot be read ({error.strerror})"})) from None


def header_size(path: Path) -> tuple[int, int]:
    """Return (height, width) of an image from its header alone, or (0, 0) where it has none."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path, formats=FORMATS) as image:
            return image.height, image.width
    except Exception:
        return 0, 0  # reading the pair will say what is wrong


def read_image(path: str | Path) -> np.ndarray:
    """Return a photograph as uint8 (H, W, 3) RGB, turned upright as its EXIF data says.

    Grey becomes RGB, further channels (alpha, infrared) are dropped, and more than 8 bits become 8: the largest value
    of the image, hot pixels aside, becomes 255. Raises DataError for a file that is no image.
    """
    return values_to_rgb(read_values(Path(path)))


def read_scaled(path: str | Path, white: float | None) -> np.ndarray:
    """Return what `read_image` does; of an image of more than 8 bits, the value `white` becomes 255, if it is given."""
    return read_image(path) if white is None else values_to_rgb(read_values(Path(path)), white)


def values_to_rgb(values: np.ndarray, white: float | None = None) -> np.ndarray:
    """Bring what `read_values` returns to uint8 (H, W, 3)."""
    values = values if values.dtype == np.uint8 else to_eight_bits(values, white)
    return values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=2)


def read_values(path: Path) -> np.ndarray:
    """Return an image as it is stored: RGB, (H, W, 3), of 8 bits or 16, or deeper grey, (H, W). Raises DataError."""
    try:
        image = open_image(path)
    except DataError as error:
        if error.fault and error.fault.kind == "unreadable file" and has_bands_header(data := _read(path)):
            with readable(path):
                return read_bands(path, data, error)  # of a kind that Pillow does not know
        raise
    with readable(path):
        if image.info.get("bits") == 16:  # Pillow has dropped the lower 8 bits, OpenCV keeps them
            values = cv2.imdecode(np.frombuffer(read_bytes(path), np.uint8), cv2.IMREAD_UNCHANGED)
            if values is None:
                raise ValueError("its 16 bits cannot be decoded")
            return valid_numbers(path, values[..., 2::-1], nodata_of(image))
        return valid_numbers(path, pil_to_values(image), nodata_of(image))


def pil_to_rgb(image: Image.Image, white: float | None = None) -> np.ndarray:
    """Return a Pillow image of any mode as uint8 (H, W, 3) RGB, turned upright as its EXIF data says."""
    return values_to_rgb(pil_to_values(image), white)


def pil_to_values(image: Image.Image) -> np.ndarray:
    """Return a Pillow image upright: uint8 (H, W, 3) RGB, or (H, W) where it holds deeper grey."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return np.asarray(image)
    return np.array(image.convert("RGB"))


def to_eight_bits(values: np.ndarray, white: float | None = None) -> np.ndarray:
    """Scale numbers of any kind to uint8, the same shape: `white` becomes 255, NaN and infinity become 0.

    Without `white` it is the value that `find_white` finds in them.
    """
    white = find_white(values) if white is None else white
    values = np.nan_to_num(values.astype(np.float32), posinf=0.0).clip(min=0)
    return (values / (white or 1.0) * 255).clip(max=255).astype(np.uint8)


def find_white(values: np.ndarray) -> float:
    """Return the value that is to become white: the largest, or a high percentile where hot pixels outshine it twice.

    It is 0 where there is none; NaN, infinity and numbers below 0 do not count.
    """
    values = values.reshape(-1)[:: max(1, values.size // MOST_NUMBERS)].astype(np.float32)
    values = values[np.isfinite(values) & (values >= 0)]
    if not values.size:
        return 0.0
    largest, high = float(values.max()), float(np.percentile(values, PERCENTILE))
    return high if 0 < 2 * high < largest else largest


def read_mask(path: str | Path) -> np.ndarray:
    """Return a mask as it is stored: palette indices or grey values (H, W), or colours (H, W, 3). Raises DataError."""
    image = open_image(path)
    if image.format == "JPEG":
        raise DataError(Fault("JPEG mask", Path(path)))
    with readable(Path(path)):
        if image.mode in ("RGBA", "CMYK", "LA", "PA"):
            image = image.convert("RGB" if image.mode != "LA" else "L")
        values = np.array(image)
    return values.astype(np.uint8) if values.dtype == bool else values


def decode_ids(raw: np.ndarray, path: Path) -> np.ndarray:
    """Take stored values as class ids: (H, W) -> int64 (H, W). Raises DataError for a colour mask."""
    if raw.ndim != 2:
        raise DataError(Fault("colour mask", path))
    return raw.astype(np.int64)


def decode_binary(raw: np.ndarray, path: Path) -> np.ndarray:
    """Take 255 (or 1) as the foreground: (H, W) of 0/255 -> int64 (H, W) of 0/1."""
    ids = decode_ids(raw, path)
    return np.where(ids == 255, 1, ids)


def rgb_to_ids(raw: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Look colours up in a palette: uint8 (H, W, 3) -> int64 (H, W), -1 where a colour is not in it."""
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids


def decode_rgb(raw: np.ndarray, palette: Sequence[tuple[int, int, int]], path: Path) -> np.ndarray:
    """Look colours up in a palette: (H, W, 3) -> int64 (H, W). Raises DataError for a colour that is not in it."""
    ids = rgb_to_ids(raw, palette)
    if (ids < 0).any():
        colour = tuple(int(v) for v in raw[ids < 0][0])
        facts = {"pixels": (ids < 0).sum(), "colour": colour}
        raise DataError(Fault("colour outside the class table", path, facts))
    return ids


def resize_pair(image: np.ndarray, mask: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring an image, uint8 (H, W, 3), and its mask, uint8 (H, W), to `height` x `width` pixels.

    The image is averaged where it shrinks; the mask takes the label of the nearest pixel, since labels have no mean.
    """
    size = (width, height)  # OpenCV names the width first
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return image, mask


def shrink_pair(image: np.ndarray, mask: np.ndarray, max_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring a pair whose longer side is above `max_side` pixels down to it, in proportion; smaller ones stay."""
    height, width = image.shape[:2]
    if max(height, width) <= max_side:
        return image, mask
    return resize_pair(image, mask, *shrunk_size(height, width, max_side))


def shrunk_size(height: int, width: int, max_side: int) -> tuple[int, int]:
    """Return (height, width) in proportion, the longer side at most `max_side`."""
    factor = min(1.0, max_side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))

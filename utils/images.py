"""Images and masks as files: open them, bring them to uint8 RGB, and turn what a mask stores into class ids.

Images are uint8 (H, W, 3) RGB. Masks are int64 (H, W) class ids, where 255 marks pixels that nobody labelled.
"""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from utils.errors import DataError, Fault
from utils.files import in_shard, read_bytes

IGNORE_INDEX = 255
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a folder in order; hidden files and files of other kinds are left out."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))


def open_image(path: Path) -> Image.Image:
    """Return a fully decoded image; `info["bits"]` is 16 where a colour image was stored with 16 bits a channel.

    Raises DataError for a missing, empty, cut-off or foreign file, and for one that holds several images.
    """
    data = _read(path)
    try:
        with Image.open(io.BytesIO(data)) as image:
            deep, pages = ";16" in str(image.tile), count_pages(image)
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = "is empty (0 bytes)" if not data else f"cannot be read ({error})"
        if data[:512].lstrip().lower().startswith((b"<!doctype", b"<html")):
            reason = "is a web page, not a picture"
        reason = re.sub(r"<_io.BytesIO object at \w+>", repr(path.name), reason)
        raise DataError(Fault("unreadable file", path, {"reason": reason})) from None
    if pages > 1:
        raise DataError(Fault("several images in one file", path, {"count": pages}))
    if deep and not image.mode.startswith("I"):
        image.info["bits"] = 16
    return image


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except FileNotFoundError:
        raise DataError(Fault("missing file", path)) from None
    except OSError as error:
        raise DataError(Fault("unreadable file", path, {"reason": f"cannot be read ({error.strerror})"})) from None


def count_pages(image: Image.Image) -> int:
    """Count the images in an open file, without previews, smaller copies and what a phone adds to a photograph."""
    if image.format in ("MPO", "ICO", "ICNS"):
        return 1
    pages = getattr(image, "n_frames", 1)
    if image.format == "TIFF" and pages > 1:
        kinds = []
        for page in range(pages):
            image.seek(page)
            kinds.append(image.tag_v2.get(254, 0))  # NewSubfileType: 1 is a smaller copy, 4 a mask
        image.seek(0)
        pages = max(1, sum(kind & 5 == 0 for kind in kinds))
    return pages


def header_size(path: Path) -> tuple[int, int]:
    """Return (height, width) of an image from its header alone, or (0, 0) where it has none."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path) as image:
            return image.height, image.width
    except (OSError, ValueError, SyntaxError, DataError, Image.DecompressionBombError):
        return 0, 0  # reading the pair will say what is wrong


def read_image(path: str | Path) -> np.ndarray:
    """Return a photograph as uint8 (H, W, 3) RGB, turned upright as its EXIF data says.

    Grey becomes RGB, a fourth channel (alpha, infrared) is dropped, and 16 bits become 8: the largest value of the
    image becomes 255. Raises DataError for a file that is no image.
    """
    path = Path(path)
    image = open_image(path)
    if image.info.get("bits") == 16:  # Pillow has dropped the lower 8 bits, OpenCV keeps them
        values = cv2.imdecode(np.frombuffer(read_bytes(path), np.uint8), cv2.IMREAD_UNCHANGED)
        return to_eight_bits(values[..., 2::-1])
    return pil_to_rgb(image)


def pil_to_rgb(image: Image.Image) -> np.ndarray:
    """Return a Pillow image of any mode as uint8 (H, W, 3) RGB, turned upright as its EXIF data says."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(to_eight_bits(np.asarray(image))[..., None], 3, axis=2)
    return np.array(image.convert("RGB"))


def to_eight_bits(values: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Scale numbers of any kind to uint8, the same shape: the largest becomes 255, NaN and infinity become 0.

    `largest` is the largest value of the whole image, where only a part of the image is given.
    """
    values = np.nan_to_num(values.astype(np.float32), posinf=0.0).clip(min=0)
    largest = float(values.max()) if largest is None else largest
    return (values / max(largest, 1.0) * 255).clip(max=255).astype(np.uint8)


def read_mask(path: str | Path) -> np.ndarray:
    """Return a mask as it is stored: palette indices or grey values (H, W), or colours (H, W, 3). Raises DataError."""
    image = open_image(Path(path))
    if image.format == "JPEG":
        raise DataError(Fault("JPEG mask", Path(path)))
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

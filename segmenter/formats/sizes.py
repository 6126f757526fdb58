"""The size of an image as it is shown: turned upright, as labelling tools do, where its EXIF data says so."""

import io
from pathlib import Path

from PIL import Image

from utils.errors import DataError
from utils.files import in_shard, read_bytes
from utils.formats import FORMATS

ORIENTATION = 274  # tag of EXIF: 1 stands upright, from 5 on the picture lies on its side


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return (height, width) of an image from its header, or None where it has none."""
    header = read_header(path)
    if header is None:
        return None
    height, width, orientation = header
    return (width, height) if orientation >= 5 else (height, width)


def is_turned(path: Path) -> bool:
    """Say whether an image is stored in another position than that in which it is shown."""
    header = read_header(path)
    return header is not None and header[2] != 1


def read_header(path: Path) -> tuple[int, int, int] | None:
    """Return the stored (height, width) of an image and its EXIF orientation, or None where it has no header."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path, formats=FORMATS) as image:
            return image.height, image.width, image.getexif().get(ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, DataError, Image.DecompressionBombError):
        return None

"""The size of an image as it is shown: turned upright, as labelling tools do, where its EXIF data says so."""

import io
from pathlib import Path

from PIL import Image

from utils.errors import DataError
from utils.files import in_shard, read_bytes
from utils.formats import FORMATS
from utils.images import read_image

ORIENTATION = 274  # tag of EXIF: 1 stands upright, from 5 on the picture lies on its side


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return (height, width) of an image, from its header where that is known, or None where it cannot be read."""
    header = read_header(path)
    if header is None:  # a TIFF of many bands, say
        try:
            return read_image(path).shape[:2]
        except DataError:
            return None
    height, width, orientation = header
    return (width, height) if orientation >= 5 else (height, width)


def has_other_shape(size: tuple[int, int], stated: tuple[int, int]) -> bool:
    """Say whether two sizes, (height, width), cannot be of one picture; one may be the other made smaller."""
    return abs(size[0] / size[1] - stated[0] / stated[1]) > 0.02 * stated[0] / stated[1]


def is_turned(path: Path) -> bool:
    """Say whether an image is stored in another position than that in which it is shown."""
    header = read_header(path)
    return header is not None and header[2] != 1


def read_header(path: Path) -> tuple[int, int, int] | None:
    """Return the stored (height, width) of an image and its EXIF orientation, or None where it has no header."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path, formats=FORMATS) as image:
            return image.height, image.width, image.getexif().get(ORIENTATION, 1)
    except Exception:  # of a damaged file, a library may raise anything
        return None

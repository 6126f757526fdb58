"""The size of an image as it is shown: turned upright, as labelling tools do."""

import io
from pathlib import Path

from PIL import Image

from utils.errors import DataError
from utils.files import in_shard, read_bytes
from utils.formats import FORMATS

ORIENTATION = 274  # tag of EXIF: from 5 on, the picture lies on its side


def upright_size(path: Path) -> tuple[int, int] | None:
    """Return (height, width) of an image from its header, or None where it has none."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path, formats=FORMATS) as image:
            lies = image.getexif().get(ORIENTATION, 1) >= 5
            return (image.width, image.height) if lies else (image.height, image.width)
    except (OSError, ValueError, SyntaxError, DataError, Image.DecompressionBombError):
        return None

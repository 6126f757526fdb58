"""What the pages of the program share: the templates, images that are part of a page, and writing to a file."""

import base64
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np

from segmenter.outputs import refuse_foreign
from utils.errors import DataError
from utils.files import write_atomically

DASH = "\N{EN DASH}"  # stands where there is nothing to divide by

# Every value is escaped, as a file or a class may have any name, and a value that is missing is an error.
TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("segmenter"), autoescape=True, undefined=jinja2.StrictUndefined
)


def render(template: str, **values: Any) -> str:
    """Fill a template of `segmenter/templates`."""
    return TEMPLATES.get_template(template).render(values)


def save_text(path: Path, text: str) -> Path:
    """Write a text to `path`, whole or not at all, make its folder where it is missing, and return the path.

    Raises DataError where the folder cannot be made, and CheckpointError where the file cannot be written.
    """
    refuse_foreign(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"Cannot make the folder {path.parent}: {error.strerror}. Choose another file.") from None
    data = text.encode("utf-8", "backslashreplace")  # a file name may hold bytes that are no text
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
    return path


def jpeg(image: np.ndarray, quality: int = 80) -> bytes:
    """Encode an image, uint8 (H, W, 3) RGB, as a JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1].tobytes()


def data_uri(image: bytes) -> str:
    """Return a JPEG as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(image).decode()


def css_colour(colour: tuple[int, int, int]) -> str:
    """Name a colour, RGB from 0 to 255, for a style sheet."""
    return "rgb({}, {}, {})".format(*colour)

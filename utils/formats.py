"""Which files are images: the formats that are opened, their endings, how many one file holds, and its faults."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from utils.errors import CourseError, DataError, Fault

# What is opened, and no other format: Pillow would start Ghostscript for an EPS, whatever its name is.
FORMATS = ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM"]
IMAGE_SUFFIXES = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".tif", ".tiff", ".bmp", ".dib", ".webp", ".gif", ".ppm", ".pgm",
    ".pbm", ".pnm", ".heic", ".heif", ".jp2",
}  # fmt: skip
READS_HEIF = find_spec("pillow_heif") is not None  # the package for photographs of an iPhone
if READS_HEIF:
    from pillow_heif import register_heif_opener

    register_heif_opener()
    FORMATS.append("HEIF")


def is_unreadable_heif(data: bytes) -> bool:
    """Say whether a file begins as a HEIC photograph, and the package that reads those is not installed."""
    return not READS_HEIF and data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def is_image_name(name: str) -> bool:
    """Say whether a file is an image by its name, and not hidden."""
    return Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")


def is_image_file(path: Path) -> bool:
    """Say whether a file is an image by its name, or, where that has no ending, by how the file begins."""
    if path.suffix or not path.is_file():
        return is_image_name(path.name)
    try:
        with Image.open(path, formats=FORMATS):
            return True
    except Exception:  # of what is no picture, a library may raise anything
        return False


def list_images(folder: Path) -> list[Path]:
    """Return the image files of a folder in order; hidden files and files of other kinds are left out."""
    return sorted(p for p in folder.glob("*") if is_image_name(p.name))


def count_pages(image: Image.Image) -> int:
    """Count the images in an open file, without previews, smaller copies and what a phone adds to a photograph."""
    if image.format == "MPO":
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


@contextmanager
def readable(path: Path, data: bytes = b"?") -> Iterator[None]:
    """Turn whatever a library raises while it reads a picture, which may be anything, into a DataError.

    data: what the file holds, where that is known.
    """
    try:
        yield
    except CourseError:
        raise
    except MemoryError:
        raise DataError(Fault("too large for memory", path)) from None
    except Image.DecompressionBombError:
        raise DataError(Fault("too many pixels", path, {"most": 2 * Image.MAX_IMAGE_PIXELS // 10**6})) from None
    except Exception as error:
        if is_unreadable_heif(data):
            raise DataError(Fault("HEIC photograph", path)) from None
        reason = f"cannot be read ({error or type(error).__name__})" if data else "is empty (0 bytes)"
        if isinstance(error, UnidentifiedImageError) and data:
            reason = f"cannot be read as any of {', '.join(FORMATS)}"
        if data[:512].lstrip().lower().startswith((b"<!doctype", b"<html")):
            reason = "is a web page, not a picture"
        reason = re.sub(r"<_io.BytesIO object at \w+>", lambda _: repr(path.name), reason)
        raise DataError(Fault("unreadable file", path, {"reason": reason})) from None

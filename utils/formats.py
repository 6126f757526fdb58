"""Which files are images: the formats that are opened, the endings of their names, and how many each file holds."""

from importlib.util import find_spec
from pathlib import Path

from PIL import Image

# What is opened, and no other format: Pillow would start Ghostscript for an EPS, whatever its name is.
FORMATS = ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM"]
IMAGE_SUFFIXES = {
    ".jpg", ".jpeg", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm",
    ".heic", ".heif",
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

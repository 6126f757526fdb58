"""What labelling tools write, read alike: each format is one file here, with `NAME`, `find` and `read`.

A new file adds a format; nothing else has to be touched.
"""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from segmenter.formats.base import (
    Annotations,
    BrokenAnnotationsError,
    Item,
    Listed,
    Region,
    as_written,
)
from segmenter.formats.completing import alike, complete
from segmenter.formats.listing import Listing
from utils.catalog.folder import MOST_CLASSES
from utils.errors import ConfigError, DataError

__all__ = ["Annotations", "Item", "Listed", "Listing", "Region", "detect", "names", "read"]

LAST = "looks"  # only where nothing says what the files are: it has to open them
WHOLE = ("pairs", LAST)  # a picture in no pair may be a mask: it becomes no image without annotations


def modules() -> dict[str, ModuleType]:
    """Return the formats by the name that the command line gives them."""
    found = {}
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        if hasattr(module, "NAME"):
            found[entry.name] = module
    return found


def names() -> list[str]:
    """Return the names of the formats."""
    return sorted(modules())


def detect(listing: Listing) -> dict[str, Listed]:
    """Return every format that a source can be read as, by name. Nothing is decided where there are several."""
    found: dict[str, Listed] = {}
    for name, module in sorted(modules().items(), key=lambda item: item[0] == LAST):
        if not (name == LAST and found) and (files := module.find(listing)):
            several = f"{len(files)} files, such as " if len(files) > 1 else ""
            found[name] = Listed(name, files, f"{module.NAME} ({several}{listing.relative(files[0])})")
    if "pairs" in found:
        # Masks that are whole pairs are no masks of single objects, and arrays beside them were exported with them.
        found = {name: listed for name, listed in found.items() if name not in ("objects", "arrays")}
    return found


def read(listing: Listing, name: str | None = None) -> Annotations:
    """Read a source in the one format that it has, or in the one that is named.

    Raises DataError where there is none or several, and ConfigError for a name that is no format.
    """
    if name is not None and name not in names():
        raise ConfigError(f"There is no format '{name}'; there are {', '.join(names())}.")
    found = detect(listing) if name is None else {name: Listed(name, modules()[name].find(listing), "")}
    if len(found) > 1:
        readings = " or ".join(f"{listed.words}: `--format {key}`" for key, listed in found.items())
        raise DataError(
            f"{listing.source} can be read in {len(found)} ways. Say to `convert` which one you mean: {readings}."
        )
    ((key, listed),) = found.items() or [("", None)]
    if listed is None or not listed.files:
        raise DataError(describe_nothing(listing))
    annotations = read_files(modules()[key], listing, listed.files)
    if key not in WHOLE:
        complete(annotations, listing)
    annotations.notes += alike(annotations.classes)
    if len(annotations.classes) > MOST_CLASSES:
        raise DataError(
            f"{listing.source} names {len(annotations.classes)} classes: at most {MOST_CLASSES} fit into a mask of "
            "bytes. Join some of them in your tool, or leave out those that you do not need."
        )
    return annotations


def read_files(module: ModuleType, listing: Listing, files: list[Path]) -> Annotations:
    """Read the files of a format. Raises DataError, which names the first file that cannot be read alone either."""
    try:
        with as_written(listing.source):
            return module.read(listing, files)
    except BrokenAnnotationsError:
        for file in files:
            with as_written(file):
                module.read(listing, [file])
        raise


def describe_nothing(listing: Listing) -> str:
    """Say what a source holds where no format was recognised."""
    if listing.broken:
        return next(iter(listing.broken.values()))
    others = sorted({path.suffix.lower() for path in listing.files if path.suffix} - {".jpg", ".jpeg", ".png"})
    kinds = f", files of the kinds {', '.join(others[:6])}" if others else ""
    return (
        f"{listing.source} holds {len(listing.pictures)} pictures{kinds}, and no annotations of a known format: COCO, "
        "labelme, CVAT for images, YOLO segmentation, Label Studio, VIA, Supervisely, run lengths in a csv, label "
        "arrays, GeoJSON, or masks that can be told from their images. Export one of these from your tool."
    )

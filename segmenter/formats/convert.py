"""A source becomes the folder that the course reads: `images/`, `masks/`, `classes.csv`, `splits.csv`.

Nothing in the source is touched. What is written is named in `converted.json` before anything else, so the same command
goes on where it was stopped, and nothing that another program wrote is ever replaced.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from glob import escape
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from segmenter.formats.base import Annotations, Item, as_written
from segmenter.formats.canonical import name_items, paths_of, write_tables
from segmenter.formats.drawing import draw, has_area
from segmenter.formats.listing import Listing
from segmenter.formats.sizes import has_other_shape
from segmenter.masks import palette_image
from segmenter.outputs import MADE_BY
from utils.catalog.colours import distinct_colours
from utils.catalog.layouts import list_files
from utils.errors import DataError
from utils.files import read_bytes, save_picture, write_atomically
from utils.images import read_image
from utils.run_folder import held

MARKER = "converted.json"
THREADS = min(8, os.cpu_count() or 1)


@dataclass
class Converted:
    """What was written: the folder, its pairs, how many were there already, and sentences on what was left out."""

    folder: Path
    pairs: int
    kept: int
    left_out: list[str] = field(default_factory=list)


def convert(
    found: Annotations, listing: Listing, folder: Path, unlabelled: str = "leave-out", progress: bool = True
) -> Converted:
    """Write the canonical folder of what was read.

    Args:
        found: the annotations.
        listing: their source.
        folder: where to write to; new, or of the same conversion, which goes on.
        unlabelled: 'background' to take images on which nothing is drawn as background, else they are left out.
        progress: show a bar.

    Raises DataError for a folder that something else is in, or where nothing is left to write.
    """
    if folder.resolve().is_relative_to(listing.root.resolve()) and folder.resolve() != listing.root.resolve():
        raise DataError(f"{folder} lies inside the source {listing.root}. Name a folder beside it.")
    wanted, left_out = choose(found, unlabelled == "background")
    if not wanted:
        raise DataError(f"{listing.source} holds nothing that can be converted: {left_out[0] if left_out else 'empty'}")
    names = name_items(wanted, listing)
    key = fingerprint(found, wanted, listing, unlabelled)
    with held(folder):
        claim(folder, key, found, names)
        work = partial(write_pair, folder=folder, classes=found.classes)
        with ThreadPoolExecutor(THREADS) as pool:
            done = pool.map(work, wanted, names)
            results = list(tqdm(done, "converting", len(wanted), unit="image", disable=not progress, delay=1))
        kept = [(item, name) for item, name, result in zip(wanted, names, results, strict=True) if not result.fault]
        left_out += [result.fault for result in results if result.fault] + without_area(wanted)
        if not kept:
            raise DataError(f"No image of {listing.source} could be converted. The first: {left_out[0]}")
        write_tables(folder, found, kept)
    return Converted(folder, len(kept), sum(result.was_there for result in results), left_out)


def choose(found: Annotations, background: bool) -> tuple[list[Item], list[str]]:
    """Return the items that become pairs, and a sentence on each kind of the others."""
    missing = [item.name for item in found.items if item.image is None]
    chosen: dict[Path, Item] = {}
    for item in found.items:
        if item.image is not None and not (item.image in chosen and chosen[item.image].is_labelled):
            chosen[item.image] = item
    twice = len(found.items) - len(missing) - len(chosen)
    wanted = [item for item in chosen.values() if item.is_labelled or background]
    bare = [item.name for item in chosen.values() if not item.is_labelled and not background]
    sentences = []
    if missing:
        sentences.append(f"{len(missing)} annotated image(s) were not found, such as {missing[0]}: add them, or name "
                         "their folder (--images).")  # fmt: skip
    if bare:
        sentences.append(f"{len(bare)} image(s) have no annotation, such as {bare[0]}: --unlabelled background takes "
                         "them as background.")  # fmt: skip
    if twice:
        sentences.append(f"{twice} image(s) are listed more than once: the first of each with a region counts.")
    return wanted, sentences


def without_area(items: list[Item]) -> list[str]:
    """Return a sentence on the regions of which nothing can be drawn, such as outlines of two points; often none."""
    bare = [item.name for item in items for region in item.regions if not has_area(region)]
    if not bare:
        return []
    return [f"{len(bare)} region(s) have no area, such as one on {bare[0]}: nothing of them is drawn."]


def fingerprint(found: Annotations, items: list[Item], listing: Listing, unlabelled: str) -> str:
    """Tell one conversion from another: other files in the source, images or options have another one.

    Every file of the source counts: PNGs of segments, and what lies beside a shapefile, are read with it. Of a source
    that is one file, so do those that begin with its name, and the pictures.
    """
    digest = hashlib.sha256(repr((found.format, found.classes, unlabelled)).encode())
    files = {*listing.files, *found.files, *(item.image for item in items)}
    if listing.source.is_file():
        beside = list(listing.root.glob(f"{escape(listing.source.stem)}*"))
        files.update(*map(list_files, filter(Path.is_dir, beside)), filter(Path.is_file, beside), listing.pictures)
    for path in sorted(files):
        state = path.stat() if path.is_file() else None  # a member of a shard has none
        facts = (listing.relative(path), state and state.st_size, state and state.st_mtime_ns)
        digest.update(repr(facts).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def claim(folder: Path, key: str, found: Annotations, names: list[str]) -> None:
    """Mark a folder as that of this conversion. Raises DataError for one that holds something else."""
    marker = folder / MARKER
    try:
        known = json.loads(marker.read_text("utf-8")) if marker.is_file() else {}
    except ValueError:
        known = {"made by": "something else"}
    if known.get("made by", MADE_BY) != MADE_BY or (known and known["key"] != key):
        raise DataError(
            f"{folder} holds what was converted from another source, or from an earlier state of it: nothing is "
            "replaced. Name a new folder."
        )
    if not known and any(path.name != "run.lock" for path in folder.iterdir()):
        raise DataError(f"{folder} is not empty, and this program did not convert into it. Name a new folder.")
    facts = {"made by": MADE_BY, "key": key, "format": found.format, "names": names}
    write_atomically(marker, lambda temporary: temporary.write_text(json.dumps(facts, indent=1) + "\n", "utf-8"))
    for name in ("images", "masks"):
        (folder / name).mkdir(exist_ok=True)


@dataclass(frozen=True)
class Written:
    """How writing a pair went: whether it was there already, and why it was left out."""

    was_there: bool = False
    fault: str = ""


def write_pair(item: Item, name: str, folder: Path, classes: tuple[str, ...]) -> Written:
    """Write an image, byte for byte, and its mask, unless both are there."""
    image, mask = paths_of(item, name, folder)
    if image.is_file() and mask.is_file():
        return Written(was_there=True)
    try:
        ids = draw_item(item, classes)
        write_atomically(image, lambda temporary: copy(item.image, temporary))
        palette = distinct_colours(len(classes))
        save_picture(palette_image(ids, palette), mask, "PNG", compress_level=3)
    except DataError as error:  # of this image; a full disk stops it all
        return Written(fault=str(error))
    return Written()


def draw_item(item: Item, classes: tuple[str, ...]) -> np.ndarray:
    """Return the class ids of an image, uint8 (H, W), at the size that the annotations state, else at its own.

    Raises DataError where the two are of another shape: then the annotations are those of another picture.
    """
    shape = read_image(item.image).shape[:2]  # a file that is cut off is left out, not copied
    height, width = item.size or shape
    if has_other_shape(shape, (height, width)):
        raise DataError(
            f"{item.image} is {shape[1]}x{shape[0]}, but its annotations are of {width}x{height} pixels: not one "
            "picture. Annotate it again, or put the right one in its place."
        )
    with as_written(f"What was drawn on {item.image}"):
        return draw(item, classes, height, width)


def copy(source: Path, target: Path) -> None:
    """Copy the bytes of an image."""
    target.write_bytes(read_bytes(source))

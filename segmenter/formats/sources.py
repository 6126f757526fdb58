"""Annotations in the place of a folder of pairs: `train` draws their masks first, `check` looks at them."""

import os
import time
from collections import Counter

from segmenter import formats
from segmenter.formats import pairs
from segmenter.formats.base import Annotations
from segmenter.formats.convert import choose, convert, fingerprint
from segmenter.formats.listing import Listing
from segmenter.words import counted
from utils.catalog.layouts import read_layout
from utils.catalog.no_pairs import NoPairsError
from utils.config import Config
from utils.errors import DataError, printable
from utils.splits import SPLITS


def annotations_of(config: Config) -> tuple[Annotations, Listing] | None:
    """Return what a labelling tool wrote at the root of the data set 'folder'; None where there are pairs, or nothing.

    Raises DataError where several formats are there.
    """
    root = config.root
    if config.dataset != "folder" or root is None or not root.exists():
        return None
    listing = Listing(root)
    if pairs.find(listing):
        return None
    if formats.detect(listing):
        return read(listing), listing
    refuse(listing)
    return None


def read(listing: Listing, name: str | None = None) -> Annotations:
    """Read a source as `formats.read` does, with a note on names that several pictures have. Raises CourseError."""
    known = formats.detect(listing)
    if name in formats.names() and not formats.modules()[name].find(listing):
        if name == "pairs":
            refuse(listing)
        readings = " or ".join(f"{listed.words}: `--format {key}`" for key, listed in known.items())
        advice = f"It can be read as {readings}." if known else "Name another format, or export it again."
        raise DataError(f"{listing.source} holds nothing of the format '{name}'. {advice}")
    if not known:
        refuse(listing)
    found = formats.read(listing, next(iter(known)) if name is None and len(known) == 1 else name)
    for image, paths in list(listing.unclear.items())[:1]:
        several = " and ".join(map(listing.relative, paths[:3])) + " ..." * (len(paths) > 3)
        count = counted(len(listing.unclear), "name")
        found.notes.append(
            f"{count} that several pictures have, such as {image}: {several}. Name the folder (--images)."
        )
    return found


def refuse(listing: Listing) -> None:
    """Raise DataError for a folder, without annotations, that holds no pairs, or pairs that can be read in two ways."""
    if listing.source.is_file():
        return
    try:
        read_layout(listing.root)
    except NoPairsError as error:
        if not error.notes:
            raise
        names = f"{listing.relative(error.notes[0])} is of none of the formats that `convert` reads"
        why = next(iter(listing.broken.values()), f"{names}: {', '.join(formats.names())}.")
        raise DataError(f"{error.plain} {why}") from None


def with_pairs(config: Config) -> Config:
    """Return a configuration whose root holds pairs: annotations are converted into a folder beside the run.

    It is OUTPUT/../converted/NAME-KEY: another state of the source has another key, and a second run finds it there.
    """
    source = annotations_of(config)
    if source is None:
        return config
    found, listing = source
    key = fingerprint(found, choose(found, background=False)[0], listing, "leave-out")
    folder = config.output.parent / "converted" / f"{config.root.resolve().name}-{key[:8]}"
    if int(os.environ.get("RANK", 0)):
        while not (folder / "splits.csv").is_file():  # the first process writes it, last of all
            time.sleep(0.5)
    else:
        print(tell(found), flush=True)
        done = convert(found, listing, folder)
        print(
            "\n".join([f"{folder} holds {counted(done.pairs, 'pair')}", *(f"    {line}" for line in done.left_out[:5])])
        )
    return config.override(root=folder)


def tell(found: Annotations) -> str:
    """Say what was recognised, before anything is written."""
    labelled = sum(item.is_labelled for item in found.items)
    names = ", ".join(found.classes[:8]) + (", ..." if len(found.classes) > 8 else "")
    lines = [f"{found.format}: {counted(len(found.items), 'image')}, {labelled} labelled, "
             f"{counted(len(found.classes), 'class')} ({names})"]  # fmt: skip
    return printable("\n".join([*lines, *(f"    {note}" for note in [*found.notes, *words_of_splits(found)])]))


def words_of_splits(found: Annotations) -> list[str]:
    """Say which splits the source names, and what is drawn, in one sentence; none where it names no split."""
    items = [item for item in found.items if item.image is not None and item.is_labelled]
    counts = Counter(item.split for item in items if item.split)
    if not counts:
        return []
    listed = ", ".join(f"{counts[split]} {split}" for split in SPLITS if counts[split])
    if without := [item.name for item in items if not item.split]:
        drawn = f"; {len(without)} of the images have none, such as {without[0]}, so all splits are drawn"
    elif "train" not in counts:
        drawn = "; none is for training, so all splits are drawn"
    else:
        drawn = "" if "val" in counts else "; a tenth of train is drawn for validation"
    return [f"Splits that the source names: {listed}{drawn}."]

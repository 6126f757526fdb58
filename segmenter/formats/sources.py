"""Annotations in the place of a folder of pairs: `train` draws their masks first, `check` looks at them."""

import os
import time

from segmenter import formats
from segmenter.formats import pairs
from segmenter.formats.base import Annotations
from segmenter.formats.convert import choose, convert, fingerprint
from segmenter.formats.listing import Listing
from segmenter.words import counted
from utils.config import Config
from utils.errors import printable


def annotations_of(config: Config) -> tuple[Annotations, Listing] | None:
    """Return what a labelling tool wrote at the root of the data set 'folder'; None where there are pairs, or nothing.

    Raises DataError where several formats are there.
    """
    root = config.root
    if config.dataset != "folder" or root is None or not root.exists():
        return None
    listing = Listing(root)
    if pairs.find(listing) or not formats.detect(listing):
        return None
    return formats.read(listing), listing


def with_pairs(config: Config) -> Config:
    """Return a configuration whose root holds pairs: annotations are converted into a folder beside the run.

    It is OUTPUT/../converted/NAME-KEY: another state of the source has another key, and a second run finds it there.
    """
    source = annotations_of(config)
    if source is None:
        return config
    found, listing = source
    key = fingerprint(found, choose(found, background=False)[0], "leave-out")
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
    return printable("\n".join([*lines, *(f"    {note}" for note in found.notes)]))

"""What every format of annotations becomes: images, each with the regions that somebody drew on it."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from segmenter.words import counted
from utils.catalog.class_table import BACKGROUND_NAMES, IGNORED_NAMES
from utils.errors import CourseError, DataError

THING = "object"  # the class of regions that have no name


class Region(NamedTuple):
    """A region of an image: outlines with holes, or a stencil.

    Attributes:
        label: the name of its class; None where it is to be ignored (255).
        rings: outlines, float (N, 2) of x and y in pixels: the first pixel reaches from 0 to 1.
        holes: outlines of what is cut out of the rings.
        stencil: returns bool (h, w), in place of rings.
        corner: row and column of the stencil's first pixel; None for a stencil of the whole image.
    """

    label: str | None
    rings: tuple[np.ndarray, ...] = ()
    holes: tuple[np.ndarray, ...] = ()
    stencil: Callable[[], np.ndarray] | None = None
    corner: tuple[int, int] | None = None


@dataclass
class Item:
    """An image as the annotations name it.

    Attributes:
        name: what the annotations call it.
        image: its file, or None where there is none.
        regions: in the order of the file: later ones lie on top.
        ids: returns the class ids of the whole image, uint8 (H, W), in place of regions.
        size: (height, width) as the annotations state it.
        split: 'train', 'val', 'test' or None.
        group: what must stay in one split, such as a patient.
    """

    name: str
    image: Path | None
    regions: list[Region] = field(default_factory=list)
    ids: Callable[[], np.ndarray] | None = None
    size: tuple[int, int] | None = None
    split: str | None = None
    group: str | None = None

    @property
    def is_labelled(self) -> bool:
        """Whether anything was drawn on it."""
        return bool(self.regions) or self.ids is not None


@dataclass
class Annotations:
    """What a source holds.

    Attributes:
        format: the name of the format.
        files: the files that hold the annotations.
        classes: names in order of id, the background first.
        items: the images.
        notes: sentences on what was decided, or left out.
    """

    format: str
    files: list[Path]
    classes: tuple[str, ...]
    items: list[Item]
    notes: list[str] = field(default_factory=list)


class Listed(NamedTuple):
    """Annotations that were found: the name of their format, the files, and a few words on them."""

    format: str
    files: list[Path]
    words: str


class BrokenAnnotationsError(DataError):
    """Annotations are not as their tool writes them."""


@contextmanager
def as_written(what: object) -> Iterator[None]:
    """Turn what broken annotations raise, in whatever library reads them, into a BrokenAnnotationsError."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split()).rstrip(".")
        raise BrokenAnnotationsError(
            f"{what} is not as its tool writes it ({reason[:200]}): export it again."
        ) from None


@contextmanager
def filling(item: Item, what: object) -> Iterator[None]:
    """Let an image whose annotations are broken stop no other: drawing it raises what was wrong, as a DataError."""
    try:
        with as_written(what):
            yield
    except DataError as error:
        item.regions, item.ids, item.size = [], partial(refuse, str(error)), None


def refuse(sentence: str) -> np.ndarray:
    """Raise DataError in place of drawing."""
    raise DataError(sentence)


def regions_in(shapes: Iterable[Region | str | None], undrawn: Counter[str]) -> list[Region]:
    """Return the regions among shapes; the others, each the word that its tool has for it, are counted."""
    shapes = list(shapes)
    undrawn.update(shape for shape in shapes if isinstance(shape, str))
    return [shape for shape in shapes if isinstance(shape, Region)]


def words_of_undrawn(undrawn: Counter[str]) -> list[str]:
    """Say how many shapes are left out, and of which kinds, in one sentence; none where there are none."""
    undrawn = +undrawn
    kinds = ", ".join(f"{count} {kind}" for kind, count in undrawn.most_common())
    return [f"{counted(undrawn.total(), 'shape')} without an outline, left out: {kinds}."] if kinds else []


def class_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the classes: the background first, each name once, without those that mean 'ignored'."""
    kept = dict.fromkeys(label for label in map(label_of, names) if label is not None)
    own = [name for name in kept if name.casefold() in BACKGROUND_NAMES]
    return (*(own[:1] or ["background"]), *(name for name in kept if name not in own))


def drawn_names(items: Iterable[Item]) -> list[str]:
    """Return the names of all regions, in alphabetical order: for formats that list no classes, or not all."""
    return sorted({region.label for item in items for region in item.regions if region.label is not None})


def label_of(name: object) -> str | None:
    """Return the class of a region: None where its name says 'ignore', and a plain word where it has no name.

    Blanks at its ends, and the two ways to write an umlaut, make no other class.
    """
    text = " ".join(unicodedata.normalize("NFC", "" if name is None else str(name)).split()) or THING
    return None if text.casefold() in IGNORED_NAMES else text

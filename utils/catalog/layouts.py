"""How a folder lays out its pairs: read in every way that is known, of which exactly one must apply.

A reading is a csv or lists that name the pairs, or the names of folders and files: each folder on the way to a picture
may say that it holds images or masks (`images`, `JPEGImages`, `labels`, `train_labels`, ...) and which split it belongs
to (`train`, `valid`, ...); what else the folders are called, and the name of the file, tell which image a mask belongs
to.
"""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from utils.catalog.csv_columns import Pictures
from utils.catalog.matching import match
from utils.catalog.no_pairs import NoPairsError
from utils.catalog.pair_lists import Row, describe, rows_from_csv, rows_from_lists, rows_with_splits
from utils.catalog.places import IMAGE_AFFIX, MASK_AFFIX, SECOND_KIND, by_affix, by_endings, other_kinds, places_of
from utils.catalog.tables import read_table
from utils.errors import DataError
from utils.formats import is_image_name


@dataclass(frozen=True)
class Reading:
    """One way to read a folder.

    Attributes:
        name: what was recognised, in a few words.
        rows: its pairs.
        lone: pictures beside pairs that have no partner.
        unread: other pictures of the folder that are in no pair.
        why: for each of these, why it is in none.
        by_folders: whether the splits come from the names of folders.
        kind: what the folders of its masks are called.
        files: the csv or the lists that name the pairs, or their splits.
    """

    name: str
    rows: list[Row]
    lone: list[Path] = field(default_factory=list)
    unread: list[Path] = field(default_factory=list)
    why: dict[Path, str] = field(default_factory=dict)
    by_folders: bool = False
    kind: str = ""
    files: Sequence[Path] = ()

    @property
    def by_csv(self) -> bool:
        """Whether a csv names the pairs or their splits."""
        return any(file.suffix == ".csv" for file in self.files)


def read_layout(root: Path) -> Reading:
    """Return the one reading of a folder. Raises DataError where there are several, or none."""
    pictures = list_pictures(root)
    every = read_folders(root, pictures)
    by_folders = first_kinds(every)
    # A csv or lists are there to say what the names of folders do not: they go first.
    tables = {path: read_table(path) for path in sorted(root.glob("*.csv"))}
    from_csv = rows_from_csv(tables, Pictures(root, pictures))
    named = [Reading("+".join(file.name for file in files), rows, files=files) for files, rows in from_csv]
    pairs = by_folders[0].rows if len(by_folders) == 1 else []
    for files, rows in [] if named else rows_from_lists(root, pairs) or rows_with_splits(tables, pairs):
        what = "lists of each split" if files[0].suffix == ".txt" else files[0].name
        named.append(Reading(f"{what}; {describe(root, rows)}", rows, files=files))
    readings = named or by_folders
    if len(readings) > 1:
        counts = " or ".join(f"{len(reading.rows)} pairs ({reading.name})" for reading in readings)
        raise DataError(
            f"{root} can be read in {len(readings)} ways: {counts}. Name the pairs that you mean, and the split of "
            "each, in a pairs.csv (image,mask,split), or set root to the folder of one of them."
        )
    if not readings:
        raise NoPairsError(root, pictures, list_files(root))
    return with_leftovers(readings[0], every, pictures)


def with_leftovers(reading: Reading, by_folders: list[Reading], pictures: list[Path]) -> Reading:
    """Add the pictures that are in no pair: those beside pairs have lost a partner, the others were never meant."""
    paired = {path for row in reading.rows for path in row[:2]}
    whole = {path for row in reading.rows if row.image.is_file() and row.mask.is_file() for path in row[:2]}
    pairable = {path for other in by_folders for row in other.rows for path in row[:2]}
    beside = {path.parent for path in paired}
    rest = [path for path in pictures if path not in whole]
    others = (pairable - paired) | other_kinds([row.mask for row in reading.rows], rest)
    lone = [path for path in rest if path.parent in beside and path not in others]
    named = f"not named in {' or '.join(sorted({file.name for file in reading.files}))}"
    other = named if reading.files else "the same images or masks, shown in another way"
    unread = sorted(set(rest).difference(lone))
    why = {path: other if path in others else "no partner of their names" for path in unread}
    return replace(reading, lone=lone, unread=unread, why=why)


def list_pictures(root: Path) -> list[Path]:
    """Return all pictures below a folder, in order. Raises DataError."""
    found = [path for path in list_files(root) if is_image_name(path.name)]
    if pipe := next((path for path in found if path.is_fifo()), None):
        raise DataError(f"{pipe} is a pipe, and reading it would wait for ever: put the picture itself there.")
    return found


def list_files(root: Path) -> list[Path]:
    """Return all files below a folder, in order; hidden files and folders are left out. Raises DataError."""

    def refuse(error: OSError) -> None:
        raise DataError(f"Cannot look into {error.filename}: {error.strerror}. Change its permissions, or move it.")

    found, seen = [], set()
    for folder, folders, names in os.walk(root, onerror=refuse, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(found)


def read_folders(root: Path, pictures: Sequence[Path]) -> list[Reading]:
    """Read a folder by the names of its folders and files: one reading for each kind of mask folder, and of split."""
    places = places_of(root, pictures)
    stems = [(place.path.parent, place.stem.casefold()) for place in places if place.role is None]
    bases = {(folder, name) for folder, stem in stems for name in (stem, IMAGE_AFFIX.sub("", stem))}
    named_images = any(place.role == "image" for place in places)
    images, masks = [], defaultdict(list)
    for place in places:
        base = (place.path.parent, MASK_AFFIX.sub("", place.stem).casefold())
        has_base = place.role is None and base[1] != place.stem.casefold() and base in bases
        if place.role == "mask" or has_base:
            masks[place.kind].append(place)
        elif place.role == "image" or not named_images:
            images.append(place)
    if not masks:
        images, masks[""] = by_endings(images)
    readings = []
    for (kind, ending), found in by_affix(masks).items():
        rows = match(images, found)
        for own_splits in (False, True):
            some = [row for row in rows if (row.split is not None) == own_splits]
            if some:
                name = describe(root, some) + (f" called {ending}" if ending else "")
                readings.append(Reading(name, some, by_folders=own_splits, kind=kind))
    return join_disjoint(readings)


def first_kinds(readings: list[Reading]) -> list[Reading]:
    """Leave out masks that show in another way what others show of the same images: in colour, or each object."""
    words = {word for reading in readings for word in reading.kind.split()}

    def is_second(reading: Reading) -> bool:
        own = reading.kind.split()
        field_of_view = own == ["mask"] and "manual" in words  # of retinas, as in DRIVE
        ids_elsewhere = words & {"id", "ids"} and not {"id", "ids"}.intersection(own)
        return bool(field_of_view or ids_elsewhere or any(map(SECOND_KIND.fullmatch, own)))

    known = {row.image for reading in readings if not is_second(reading) for row in reading.rows}
    return [r for r in readings if not is_second(r) or known.isdisjoint(row.image for row in r.rows)]


def join_disjoint(readings: list[Reading]) -> list[Reading]:
    """Join readings of different mask folders that share no image: they are parts of one layout."""
    joined: list[Reading] = []
    for reading in readings:
        images = {row.image for row in reading.rows}
        for index, other in enumerate(joined):
            if other.by_folders == reading.by_folders and images.isdisjoint(row.image for row in other.rows):
                rows = [*other.rows, *reading.rows]
                joined[index] = replace(other, name=f"{other.name} and {reading.name}", rows=rows)
                break
        else:
            joined.append(reading)
    return joined

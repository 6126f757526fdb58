"""Decide once what the masks of a folder mean: from what they hold, the table of classes, and the names given."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from utils.catalog.class_table import ClassTable
from utils.catalog.mask_coding import MaskCoding
from utils.catalog.mask_scan import (
    MOST_COLOURS,
    SHOWN,
    StoredMask,
    ask_for_colours,
    is_two_valued,
    refuse_at_odds,
    strays,
    total,
)
from utils.errors import ConfigError, DataError
from utils.images import IGNORE_INDEX

BINARY, BINARY_16 = ((0, 0), (IGNORE_INDEX, 1)), ((0, 0), (65535, 1))  # white in 8 bits, and in 16
MIXED = ((0, 0), (1, 1), (IGNORE_INDEX, 1))
BLACK_AND_WHITE = ("background", "foreground")
MOST_SMOOTH = 64  # more values than these, black and white among them, are smooth edges


class Meaning(NamedTuple):
    """The names of the classes in order of their ids, and what stands for each in the masks."""

    names: tuple[str, ...]
    coding: MaskCoding


def decide(root: Path, masks: Sequence[StoredMask], names: tuple[str, ...] | None, table: ClassTable | None) -> Meaning:
    """Decide what the masks of a folder mean. Raises DataError or ConfigError where nobody can be sure, with a remedy.

    names: those that the user gave; `table` holds those of a file in the folder.
    """
    if table is not None and names is not None and len(names) != len(table.names):
        raise ConfigError(
            f"{len(names)} class names but {len(table.names)} rows in {table.path}: name as many as it has rows, "
            "or none."
        )
    names, ids = names or (table.names if table else None), table.ids if table else ()
    alpha = decide_alpha(masks)
    numbers = [mask.alpha if alpha else mask.numbers for mask in masks]
    if table is not None and table.colours and not alpha:
        coding = by_table_colours(root, masks, table)
        if coding is not None:
            return Meaning(names, coding)
    if total(masks, "colours") and not alpha and not any(numbers):
        raise DataError(ask_for_colours(root, masks))
    two = len(names or BLACK_AND_WHITE) == 2
    if not ids:
        refuse_at_odds(masks, numbers if two else [])
    if not ids and two and any(mask.jpeg for mask in masks) and is_two_valued(sum(numbers, Counter())):
        return Meaning(names or BLACK_AND_WHITE, MaskCoding(BINARY, cut=True))
    numbers = [number for number, mask in zip(numbers, masks, strict=False) if not mask.jpeg] or numbers
    pixels: Counter[int] = sum(numbers, Counter())
    if names is None and has_soft_edges(pixels):
        names = BLACK_AND_WHITE
    if names is None:
        names, values = count_classes(root, numbers, pixels)
        return Meaning(names, MaskCoding(values, alpha=alpha))
    count = len(names)
    values = tuple(zip(ids, range(count), strict=True)) if ids else values_of_names(numbers, pixels, count)
    soft = count == 2 and values == BINARY and set(pixels) - {0, 1, IGNORE_INDEX} != set()
    coding = MaskCoding(values, alpha=alpha, soft=soft)
    if not soft:
        refuse_another_coding(root, numbers, pixels, coding, names)
    return Meaning(names, coding)


def decide_alpha(masks: Sequence[StoredMask]) -> bool:
    """Say whether the masks are in the alpha channel: it varies, and below it is one colour, or a photograph."""
    cut_out = [mask for mask in masks if len(mask.colours) == MOST_COLOURS and is_two_valued(mask.alpha)]
    if 2 * len(cut_out) > len(masks):
        return True  # things that were cut out of their photographs
    below = {value for mask in masks if mask.alpha for value in (mask.numbers or mask.colours)}
    return bool(masks) and len(below) == 1 and all(mask.alpha or len(mask.numbers) == 1 for mask in masks)


def by_table_colours(root: Path, masks: Sequence[StoredMask], table: ClassTable) -> MaskCoding | None:
    """Return the coding by the colours of a table, or None where the masks do not hold its colours.

    Raises DataError where a palette's colours and its indices say different things.
    """
    known = {colour: i for i, colour in enumerate(table.colours)}
    used = {entry for mask in masks for entry in mask.palette.items() if entry[0] != IGNORE_INDEX}
    in_table = {(index, colour) for index, colour in used if colour in known}
    palette = bool(used) and in_table == used
    by_index = dict(zip(table.ids, range(len(table.names)), strict=True)) if table.ids else None
    others = sorted(used - in_table)
    at_odds = [entry for entry in sorted(in_table) if by_index and by_index.get(entry[0]) != known[entry[1]]]
    if (in_table and others) or at_odds:
        index, colour = (others or at_odds)[0]
        what = "is not in" if others else "says another class than its index in"
        raise DataError(
            f"Palette masks in {root} and {table.path} disagree: the colour {colour} of index {index} {what} the "
            "table. Correct the table; with the column id and without r,g,b, the indices count."
        )
    greys = {value for mask in masks if not (mask.palette or mask.colours) for value in mask.numbers}
    by_grey = {colour[0]: i for colour, i in known.items() if len(set(colour)) == 1}
    grey_colours = not table.ids and len(greys) > 1 and greys <= by_grey.keys()
    values = by_grey if grey_colours else by_index or {i: i for i in range(len(table.names))}
    coloured = [mask for mask in masks if mask.colours]
    all_known = total(coloured, "colours").keys() <= known.keys()
    if palette or (coloured and (all_known or not all(mask.numbers for mask in coloured))):
        return MaskCoding(tuple(values.items()), tuple(known.items()), palette=palette)
    return MaskCoding(tuple(values.items())) if grey_colours and not coloured else None


def values_of_names(numbers: Sequence[Counter[int]], pixels: Counter[int], count: int) -> tuple[tuple[int, int], ...]:
    """Say which stored number stands for which of `count` classes that somebody named."""
    found = set(pixels)
    if count == 2 and is_binary(numbers, found):
        return MIXED if 1 in found else BINARY
    if count == 2 and has_soft_edges(pixels) and not any(set(number) == {0, 1} for number in numbers):
        return BINARY
    plain = tuple((i, i) for i in range(count))
    if found <= {*range(count), IGNORE_INDEX} or len(found) != count or set(strays(numbers)) - {*range(count)}:
        return plain
    return tuple((value, i) for i, value in enumerate(sorted(found)))  # as many values as names: in their order


def is_binary(numbers: Sequence[Counter[int]], found: set[int]) -> bool:
    """Say whether 255 is the foreground: no mask holds both 1 and 255, and some hold 0 and 255."""
    if not found <= {0, 1, IGNORE_INDEX} or IGNORE_INDEX not in found:
        return False
    mixed = any(1 in number and IGNORE_INDEX in number for number in numbers)
    return not mixed and any({0, IGNORE_INDEX} <= set(number) for number in numbers)


def has_soft_edges(pixels: Counter[int]) -> bool:
    """Say whether masks are black and white but for several values between, light ones too: none of them is a class."""
    between = [value for value in pixels if value not in (0, 1, IGNORE_INDEX)]
    return is_two_valued(pixels) and len(between) > 1 and max(between) >= 128 and IGNORE_INDEX in pixels


def count_classes(
    root: Path, numbers: Sequence[Counter[int]], pixels: Counter[int]
) -> tuple[tuple[str, ...], tuple[tuple[int, int], ...]]:
    """Name classes by what the masks hold, where nobody named any. Raises DataError where that cannot be known."""
    found = set(pixels)
    ids = sorted(found - {IGNORE_INDEX})
    if is_binary(numbers, found):
        return BLACK_AND_WHITE, MIXED if 1 in found else BINARY
    if found == {value for value, _ in BINARY_16}:
        return BLACK_AND_WHITE, BINARY_16
    if not ids:
        raise DataError(
            f"The masks in {root} label nothing: every pixel is {IGNORE_INDEX}, which is ignored. Export them again, "
            "or say what 255 means (--mask-values 255=1)."
        )
    smooth = {0, IGNORE_INDEX} <= found and len(found) > MOST_SMOOTH
    if ids[-1] > IGNORE_INDEX or smooth:
        raise DataError(
            f"The masks in {root} hold {len(found)} values up to {max(found)}: these are no class ids. Save masks "
            "without smooth edges, as 8-bit ids or as 0 and 255; or name the classes (--classes background thing) and "
            "cut the edges in a copy (check --fix-into)."
        )
    if few := [value for value in strays(numbers) if value != IGNORE_INDEX]:
        raise DataError(
            f"The masks in {root} hold {list_values(few, pixels)} almost nowhere: a slip, or what a JPEG makes of ids. "
            f"Save the masks as they were drawn, as PNG; or, if these are classes, name all {len(ids)} (--classes)."
        )
    if ids[-1] + 1 > 4 * len(ids):
        every = sorted(found)
        shown = ", ".join(map(str, every[:SHOWN])) + (", ..." if len(every) > SHOWN else "")
        pairs = " ".join(f"{value}={i}" for i, value in enumerate(every[:SHOWN])) + " ..." * (len(every) > SHOWN)
        raise DataError(
            f"The masks in {root} hold the {len(every)} values {shown}, and nobody said which class each is: name "
            f"{len(every)} classes in this order (--classes, or a classes.csv with the columns id,name), or say what "
            f"each value becomes, 255 for ignored (mask_values='{pairs}')."
        )
    count = max(ids[-1], 1) + 1
    return tuple(f"class {i}" for i in range(count)), tuple((i, i) for i in range(count))


def refuse_another_coding(
    root: Path, numbers: Sequence[Counter[int]], pixels: Counter[int], coding: MaskCoding, names: tuple[str, ...]
) -> None:
    """Raise DataError where more than half of the masks hold values without a class: then it is not a slip of one."""
    known = {value for value, _ in coding.values} | {IGNORE_INDEX}
    strange = [number for number in numbers if set(number) - known]
    if len(strange) * 2 <= len(numbers):
        return
    foreign = sorted(set(pixels) - known)
    raise DataError(
        f"{len(strange)} of {len(numbers)} masks in {root} hold values without a class: {list_values(foreign, pixels)};"
        f" known are {coding.words(names)}. Correct the ids in classes.csv, name as many classes as there are values, "
        "or say what each means (--mask-values '0=0 128=1')."
    )


def list_values(values: Sequence[int], pixels: Counter[int]) -> str:
    """List the first of several values, each with its pixels."""
    return ", ".join(f"{value} ({pixels[value]} pixels)" for value in values[:SHOWN]) + " ..." * (len(values) > SHOWN)

"""Images and masks whose folders have names that say nothing: told apart by what they show, and paired by their names.

A mask has few colours, a photograph many. Of the names counts what tells one picture from another: what all images have
in common, or all masks (`p12.tif`, `12_anno.bmp`, `12_labellevel3Ids.png`), does not.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from segmenter.formats import pairs
from segmenter.formats.base import Annotations
from segmenter.formats.listing import Listing
from utils.catalog.folder import Folder
from utils.catalog.layouts import Reading, read_layout
from utils.catalog.mask_scan import has_few_colours
from utils.catalog.no_pairs import NoPairsError
from utils.catalog.pair_lists import Row
from utils.errors import DataError

NAME = "images and masks, told apart by what they show"
Key = tuple[str, ...]


def find(listing: Listing) -> list[Path]:
    """Return the masks of a folder in which every mask has one image, where no name of a folder says which is which."""
    if listing.source.is_file():
        return []
    try:
        read_layout(listing.root)
    except NoPairsError:
        return [row.mask for row in rows_of(listing)]
    except DataError:  # what is wrong with a csv, say
        pass
    return []


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read the pairs with their classes. Raises DataError or ConfigError where they are unclear."""
    rows = rows_of(listing)
    first = f"{listing.relative(rows[0].mask)} is the mask of {listing.relative(rows[0].image)}"
    paired = {path for row in rows for path in row[:2]}
    source = Folder(listing.root)
    source.layout = Reading(f"{NAME}: {first}", rows, [], [path for path in listing.pictures if path not in paired])
    source.prepare()
    return pairs.annotations_of(source, NAME, files)


def rows_of(listing: Listing) -> list[Row]:
    """Return the pairs; none where a mask has no image or several, or an image several masks."""
    images, masks = told_apart(listing.pictures)
    if len(masks) < 2 or len(images) < len(masks):
        return []
    for with_folders in (False, True):
        by_image = keys(listing, images, masks, with_folders)
        by_mask = keys(listing, masks, images, with_folders)
        each_one = all(len(paths) == 1 for paths in (*by_image.values(), *by_mask.values()))
        if each_one and by_mask.keys() <= by_image.keys():
            found = [(by_image[key][0], mask) for key, (mask,) in by_mask.items()]
            return sorted(Row(image, mask, listing.split_of(image, mask)) for image, mask in found)
    return []


def told_apart(pictures: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return the images and the masks. Of pictures whose names differ in numbers alone, a few are looked at."""
    series: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in pictures:
        series[path.parent, re.sub(r"[\da-f]{8,}|\d+", "#", path.stem.casefold()) + path.suffix.lower()].append(path)
    with ThreadPoolExecutor() as pool:
        are_masks = list(pool.map(look_like_masks, series.values()))
    parts: tuple[list[Path], list[Path]] = ([], [])
    for paths, is_mask in zip(series.values(), are_masks, strict=True):
        parts[is_mask].extend(paths)
    return parts


def keys(listing: Listing, paths: Sequence[Path], others: Sequence[Path], with_folders: bool) -> dict[Key, list[Path]]:
    """Return pictures by what tells them apart: words and numbers of their names that not all of them have.

    Of the folders count the words that occur on both sides, such as a town's.
    """
    stems = [words(path.stem) for path in paths]
    common = set.intersection(*map(set, stems))
    shared = folder_words(listing, paths) & folder_words(listing, others) if with_folders else set()
    found: dict[Key, list[Path]] = defaultdict(list)
    for path, stem in zip(paths, stems, strict=True):
        folders = [word for word in words(listing.relative(path.parent)) if word in shared]
        found[*folders, *(word for word in stem if word not in common)].append(path)
    return found


def folder_words(listing: Listing, paths: Iterable[Path]) -> set[str]:
    """Return the words and numbers in the names of the folders of some pictures."""
    return {word for folder in {path.parent for path in paths} for word in words(listing.relative(folder))}


def words(text: str) -> list[str]:
    """Return the words and numbers of a name, in small letters, numbers without leading zeros."""
    return [str(int(part)) if part.isdecimal() else part for part in re.findall(r"\d+|[^\W\d_]+", text.casefold())]


def look_like_masks(paths: Sequence[Path]) -> bool:
    """Say whether a series of pictures shows few colours, as masks do: the first, the middle and the last are asked."""
    chosen = {paths[0], paths[len(paths) // 2], paths[-1]}
    return all(map(has_few_colours, chosen))

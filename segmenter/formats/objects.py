"""One mask file for each object: `masks/NAME/*.png`, `ID/masks/*.png`, `NAME_1.png`, `masks/CLASS/NAME.png`.

They are joined in the order of their names, later ones on top. The class is the folder's or the word in the name of the
file; where there is none, all are of one class.
"""

import re
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np

from segmenter.formats.base import THING, Annotations, Item, Region, class_names, drawn_names, label_of
from segmenter.formats.listing import Listing
from utils.catalog.places import Place, place_of
from utils.images import read_mask

NAME = "a mask for each object"
NO_CLASS = {"", "mask", "object", "obj", "instance", "inst", "label", "seg", "segmentation", "gt", "part"}


def find(listing: Listing) -> list[Path]:
    """Return the masks, where an image has several of them."""
    groups = group(listing)
    masks = [mask for found in groups.values() for mask, _ in found]
    several = sum(len(found) > 1 for found in groups.values())
    return masks if several and len(masks) == len(set(masks)) else []


def group(listing: Listing) -> dict[Path, list[tuple[Path, str]]]:
    """Return the masks of every image, each with the word that may name its class."""
    places = [place_of(listing.picture_root, path) for path in listing.pictures]
    masks = [place for place in places if place.role == "mask"]
    named = any(place.role == "image" for place in places)
    images = [place for place in places if place.role == "image" or (place.role is None and not named)]
    by_stem: dict[str, list[Place]] = defaultdict(list)
    for place in images:
        by_stem[place.stem.casefold()].append(place)
    found: dict[Path, list[tuple[Path, str]]] = defaultdict(list)
    seen = set()
    for mask in masks:
        image, word = owner(mask, by_stem, images)
        if image is None:
            continue
        if (key := (image.path, mask.folders, mask.stem)) in seen:
            return {}  # two folders of masks: another reading each, and no objects
        seen.add(key)
        found[image.path].append((mask.path, word))
    return dict(found)


def owner(mask: Place, by_stem: dict[str, list[Place]], images: list[Place]) -> tuple[Place | None, str]:
    """Return the image that a mask belongs to, and the word that may name its class."""
    for folder in reversed(mask.folders):  # a folder that has the name of an image
        if one := pick(by_stem.get(folder.casefold(), []), mask):
            return one, word_of(mask.stem)
    if mask.folders:
        inside = [place for place in images if place.folders == mask.folders]
        if len(inside) == 1:  # a folder that holds one image
            return inside[0], word_of(mask.stem)
    if one := pick(by_stem.get(mask.stem.casefold(), []), mask):
        return one, mask.folders[-1] if mask.folders else ""
    for cut in sorted((m.start() for m in re.finditer(r"[_\-. ]", mask.stem)), reverse=True):
        if one := pick(by_stem.get(mask.stem[:cut].casefold(), []), mask):
            return one, word_of(mask.stem[cut + 1 :])
    return None, ""


def pick(places: list[Place], mask: Place) -> Place | None:
    """Return the only image of a name, or the only one in the mask's split."""
    same = [place for place in places if place.split == mask.split] if len(places) > 1 else places
    return same[0] if len(same) == 1 else None


def word_of(text: str) -> str:
    """Return the word that names a class in what is left of a file's name: 'car_2' is a car, 'a1f' is none."""
    word = re.sub(r"[_\-. ]*\d+$", "", text).strip("_-. ")
    return word if re.fullmatch(r"[^\W\d]+(?:[ _-][^\W\d]+)*", word) else ""


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Join the masks of every image; classes are in alphabetical order."""
    items = []
    for image, masks in sorted(group(listing).items()):
        regions = [
            Region(label_of(THING if word.casefold() in NO_CLASS else word), stencil=partial(read_stencil, mask))
            for mask, word in sorted(masks)
        ]
        items.append(Item(listing.relative(image), image, regions, None, None, listing.split_of(image)))
    with_masks = {item.image for item in items}
    masks = set(files)
    for image in listing.pictures:
        if image not in with_masks and image not in masks and place_of(listing.picture_root, image).role != "mask":
            items.append(Item(listing.relative(image), image, split=listing.split_of(image)))
    notes = ["The masks of an image are joined in the order of their names: later ones lie on top."]
    return Annotations(NAME, files, class_names(drawn_names(items)), items, notes)


def read_stencil(path: Path) -> np.ndarray:
    """Return which pixels of a mask are not black: bool (H, W). Raises DataError."""
    values = read_mask(path)
    return values > 0 if values.ndim == 2 else (values > 0).any(axis=-1)

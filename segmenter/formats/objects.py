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
from segmenter.formats.sizes import upright_size
from utils.catalog.places import MASK_AFFIX, Place, places_of
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
    places = places_of(listing.picture_root, listing.pictures)
    stems = {(place.path.parent, place.stem) for place in places}
    masks = [place for place in places if place.role == "mask" or is_beside(place, stems)]
    if len({mask.kind for mask in masks}) > 1:
        return {}  # another reading each, and no objects
    named, taken = any(place.role == "image" for place in places), set(masks)
    images = [place for place in places if place.role == "image" or not (named or place in taken)]
    by_stem: dict[str, list[Place]] = defaultdict(list)
    for place in images:
        by_stem[key_of(place.stem)].append(place)
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


def is_beside(place: Place, stems: set[tuple[Path, str]]) -> bool:
    """Say whether a picture is a mask by its own name, numbered or not: NAME_mask.png, NAME_mask_1.png beside NAME."""
    name = re.sub(r"[_-]\d+$", "", place.stem)
    base = MASK_AFFIX.sub("", name)
    return place.role is None and base != name and (place.path.parent, base) in stems


def key_of(stem: str) -> str:
    """Return a name by which an image is found: 00012 is the image 12."""
    return str(int(stem)) if stem.isdecimal() else stem.casefold()


def owner(mask: Place, by_stem: dict[str, list[Place]], images: list[Place]) -> tuple[Place | None, str]:
    """Return the image that a mask belongs to, and the word that may name its class."""
    cuts = sorted((m.start() for m in re.finditer(r"[_\-. ]", mask.stem)), reverse=True)
    parts = [(mask.stem[:cut], word_of(mask.stem[cut + 1 :])) for cut in cuts]
    for stem, word in parts:
        if word and (one := pick(by_stem.get(key_of(stem), []), mask)):
            return one, word
    for folder in reversed(mask.folders):  # a folder that has the name of an image
        if one := pick(by_stem.get(key_of(folder), []), mask):
            return one, word_of(mask.stem)
    if mask.folders:
        inside = [place for place in images if place.folders == mask.folders]
        if len(inside) == 1:  # a folder that holds one image
            return inside[0], word_of(mask.stem)
    if one := pick(by_stem.get(key_of(mask.stem), []), mask):
        return one, mask.folders[-1] if mask.folders else ""
    for stem, word in parts:
        if one := pick(by_stem.get(key_of(stem), []), mask):
            return one, word
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
        size = upright_size(masks[0][0])  # those of one image are as large as each other, or it is not drawn
        items.append(Item(listing.relative(image), image, regions, None, size, listing.split_of(image)))
    notes = ["The masks of an image are joined in the order of their names: later ones lie on top."]
    return Annotations(NAME, files, class_names(drawn_names(items)), items, notes)


def read_stencil(path: Path) -> np.ndarray:
    """Return which pixels of a mask are not black: bool (H, W). Raises DataError."""
    values = read_mask(path)
    return values > 0 if values.ndim == 2 else (values > 0).any(axis=-1)

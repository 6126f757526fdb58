"""How an image and a mask find each other: by their names, in every way that is known, the strictest first."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from utils.catalog.pair_lists import Row
from utils.catalog.places import IMAGE_AFFIX, Place, base_name

# Each way in turn, among those that are left. What differs is what of their paths counts; a way that leaves out
# something counts only where one image and one mask are left to choose from.
Key = Callable[[Place, bool], Any]
WAYS: tuple[Key, ...] = (
    lambda place, is_mask: (place.split, place.names, place.stem),
    lambda place, is_mask: (place.split, place.names, place.stem.casefold()),
    lambda place, is_mask: (place.split, place.names, base_name(place.stem, is_mask)),
    lambda place, is_mask: (place.split, place.folders, base_name(place.stem, is_mask)),
    lambda place, is_mask: (place.split, place.folders, base_name(place.stem, True)),
    lambda place, is_mask: (place.folders, base_name(place.stem, is_mask)),
    lambda place, is_mask: (place.split, base_name(place.stem, is_mask)),
    lambda place, is_mask: base_name(place.stem, is_mask),
    lambda place, is_mask: (place.split, place.names, IMAGE_AFFIX.sub("", base_name(place.stem, is_mask))),
    lambda place, is_mask: IMAGE_AFFIX.sub("", base_name(place.stem, is_mask)),
)


def match(images: Sequence[Place], masks: Sequence[Place]) -> list[Row]:
    """Pair images with masks, each at most once."""
    rows: list[Row] = []
    left_images, left_masks = list(images), list(masks)
    for number, way in enumerate((*WAYS, None)):
        if way is None:  # at last without an ending that all the masks have that are left: `1.ah.ppm` is of `1.ppm`
            way = without_ending(left_images, left_masks)
        by_key = [by_name(left_images, way, False), by_name(left_masks, way, True)]
        for key in by_key[0].keys() & by_key[1].keys():
            candidates = by_key[0][key], by_key[1][key]
            image, mask = candidates[0][0], candidates[1][0]
            if number and max(map(len, candidates)) > 1:  # of names that are equal as a whole, the first counts
                continue
            if image.split and mask.split and image.split != mask.split:
                continue
            rows.append(Row(image.path, mask.path, image.split or mask.split))
        used = {path for row in rows for path in row[:2]}
        left_images, left_masks = ([p for p in some if p.path not in used] for some in (left_images, left_masks))
    return sorted(rows)


def without_ending(images: Sequence[Place], masks: Sequence[Place]) -> Key:
    """Return a way in which masks are called as images are, but for one ending that all of them have."""
    stems = {image.stem.casefold() for image in images}
    cuts = [[place.stem[c.start() :] for c in re.finditer(r"[_\-. ]", place.stem)] for place in masks]
    fitting = [
        {ending for ending in endings if place.stem.removesuffix(ending).casefold() in stems}
        for place, endings in zip(masks, cuts, strict=True)
    ]
    shared = max(set.intersection(*fitting) if len(fitting) > 1 else set(), key=len, default="")
    return lambda place, is_mask: (place.split, (place.stem.removesuffix(shared) if is_mask else place.stem).casefold())


def by_name(places: Iterable[Place], way: Key, is_mask: bool) -> dict[Any, list[Place]]:
    """Gather places by what counts of their paths."""
    found: dict[Any, list[Place]] = defaultdict(list)
    for place in places:
        found[way(place, is_mask)].append(place)
    return found

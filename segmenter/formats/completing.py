"""What no reader saw: annotations that cannot be read, images without an entry, classes that look alike."""

from collections import defaultdict
from functools import partial
from pathlib import Path

from segmenter.formats.base import Annotations, Item, refuse
from segmenter.formats.listing import Listing
from segmenter.words import counted
from utils.catalog.places import SECOND_KIND, Place, places_of


def complete(found: Annotations, listing: Listing) -> None:
    """Add an item for every image that no reader saw, and notes on documents that belong to none.

    An image whose own document cannot be read says so when it is drawn; one without any has nothing drawn on it.
    Pictures of the names of annotated ones, in another folder, show the same in another way.
    """
    known = {item.image for item in found.items} | set(found.files)
    for path, reason in listing.broken.items():
        image = listing.find_image(path.stem, path)
        if image is None or image in known:
            found.notes.append(reason)
        else:
            known.add(image)
            split = listing.split_of(image, path)
            found.items.append(Item(path.name, image, ids=partial(refuse, reason), split=split))
    # Where the source has a split for every image, one that it does not know must not spoil them: it is for training.
    default = "train" if found.items and all(item.split for item in found.items) else None
    names = {path.name for path in known if path}
    folders = {path.parent for path in known if path}
    bare = [
        path for path in images_of(listing) if path not in known and (path.name not in names or path.parent in folders)
    ]
    found.items += [Item(listing.relative(path), path, split=listing.split_of(path) or default) for path in bare]
    if others := [path for path in listing.pictures if path not in known.union(bare)]:
        found.notes.append(f"{counted(len(others), 'picture')} not read, such as {listing.relative(others[0])}.")


def images_of(listing: Listing) -> list[Path]:
    """Return the pictures that may be images: not those in folders of masks, or of other views of the images."""
    places = places_of(listing.picture_root, listing.pictures)
    return [place.path for place in places if place.role != "mask" and not is_view(place)]


def is_view(place: Place) -> bool:
    """Say whether a picture lies in a folder of other views of the images, such as `previews`."""
    return any(SECOND_KIND.fullmatch(folder.casefold()) for folder in place.folders)


def alike(classes: tuple[str, ...]) -> list[str]:
    """Return a sentence on each two classes that differ in their capitals alone."""
    same: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        same[name.casefold()].append(name)
    return [
        f"The classes {' and '.join(names)} differ only in capitals: give them one name if they are one."
        for names in same.values()
        if len(names) > 1
    ]

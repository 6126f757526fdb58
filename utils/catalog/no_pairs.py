"""What a folder holds where it holds no pairs, and what to do, in one sentence."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from utils.catalog.places import Place, base_name, places_of
from utils.errors import DataError
from utils.formats import FORMATS, count_pages, readable

NOTES = (".json", ".xml", ".geojson")  # files that may hold outlines


class NoPairsError(DataError):
    """A folder holds no pairs that the names of its folders and files would show.

    Attributes:
        plain: the sentence without what it says of `notes`.
        notes: files that may hold outlines, which `convert` draws if it knows their format.
    """

    def __init__(self, root: Path, pictures: Sequence[Path], files: Sequence[Path]) -> None:
        self.plain = (
            f"{root} holds no pairs: {describe_names(root, pictures) or describe_folders(root, pictures, files)}. Put "
            "images in images/, masks of the same names in masks/, or name each pair in a pairs.csv (image,mask)."
        )
        self.notes = [path for ending in NOTES for path in files if path.suffix.lower() == ending]
        first = self.notes[0].relative_to(root).as_posix() if self.notes else ""
        draws = f" {first} may hold outlines: `python -m segmenter convert {root} --into FOLDER` draws masks of them."
        super().__init__(self.plain + draws * bool(first))


def describe_names(root: Path, pictures: Sequence[Path]) -> str:
    """Say how images and masks are called that have no name in common; nothing where one of the two is not there."""
    by_role: dict[str | None, list[Place]] = defaultdict(list)
    for place in places_of(root, pictures):
        by_role[place.role].append(place)
    images, masks = by_role["image"], by_role["mask"]
    names = {base_name(place.stem, False) for place in images} & {base_name(place.stem, True) for place in masks}
    if not images or not masks or names:
        return ""
    folders = [some[0].path.relative_to(root).parent.as_posix() for some in (images, masks)]
    return (
        f"{len(images)} images in {folders[0]}, {len(masks)} masks in {folders[1]}, no name in common: "
        f"`{images[0].path.name}` and `{masks[0].path.name}`"
    )


def describe_folders(root: Path, pictures: Sequence[Path], files: Sequence[Path]) -> str:
    """Count the pictures of each folder; where there are none, name what is there."""
    folders: dict[Path, list[Path]] = defaultdict(list)
    for path in pictures:
        folders[path.parent].append(path)
    places = {folder: "it" if folder == root else folder.relative_to(root).as_posix() for folder in list(folders)[:4]}
    shown = [f"{len(folders[f])} pictures in {place} (such as {folders[f][0].name})" for f, place in places.items()]
    found = " and ".join(shown) + (" and more elsewhere" if len(folders) > 4 else "") or "no picture at all"
    if not pictures and (others := [path for path in files if path.suffix]):
        ending, count = Counter("".join(path.suffixes[-2:]) for path in others).most_common(1)[0]
        found += f", but {count} files end in {ending} (unpack what is packed, save volumes and arrays as pictures)"
    for path in [some[0] for some in folders.values()]:
        if (pages := pages_of(path)) > 1:
            return f"{found}; {path.name} holds {pages} pictures (pages): save each page as a file of its own"
    if list(folders) == [root]:
        found += f". If its partners lie in a folder beside it, give {root.resolve().parent} instead"
    return found


def pages_of(path: Path) -> int:
    """Count the pictures in a file; 0 where it cannot be read."""
    try:
        with readable(path), Image.open(path, formats=FORMATS) as image:
            return count_pages(image)
    except DataError:
        return 0

"""Which columns of a csv name the images and the masks, and which pictures of a folder their cells mean."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from utils.catalog.mask_scan import has_few_colours
from utils.catalog.places import places_of, read_name
from utils.errors import DataError
from utils.files import in_shard
from utils.formats import is_image_name

COLUMNS = {
    "image": ("image", "image_path", "img", "picture", "photo", "input"),
    "mask": ("mask", "mask_path", "label", "label_path", "annotation", "target", "gt"),
}
LOOKED_AT = 3  # pictures of a column, where neither its header nor their folders say what they are
Table = list[dict[str, str]]


class Pictures:
    """The pictures of a folder, as a csv in it may name them."""

    def __init__(self, root: Path, paths: Sequence[Path]) -> None:
        self.root, self.paths = root, paths

    @cached_property
    def roles(self) -> dict[Path, str | None]:
        """What the folders of each picture say of it: 'image', 'mask' or nothing."""
        return {place.path: place.role for place in places_of(self.root, self.paths)}

    @cached_property
    def by_ending(self) -> dict[tuple[str, ...], list[Path]]:
        """Pictures by every ending of their path: ('0.png',), ('images', '0.png'), ..., with and without `.png`."""
        found: dict[tuple[str, ...], list[Path]] = defaultdict(list)
        for path in self.paths:
            for parts in (path.relative_to(self.root).parts, path.relative_to(self.root).with_suffix("").parts):
                for start in range(len(parts)):
                    found[parts[start:]].append(path)
        return found

    def files(self, names: Sequence[str], role: str | None = None) -> list[Path]:
        """Return the files that the cells of a column name: as it is written, or by the ends of the paths.

        The ends count where not one of the files is there as it is written, as with the paths of another machine; all
        of the paths lose the same number of folders, so that no file takes the place of one that is missing.
        """
        paths = [path_in(self.root, name) for name in names]
        if any(path.is_file() or in_shard(path) for path in paths):
            return paths
        parts = [PurePosixPath(name.strip().replace("\\", "/")).parts for name in names]
        for dropped in range(max(map(len, parts), default=0)):
            found = [self.called(own[dropped:], role) for own in parts]
            if 2 * sum(path is not None for path in found) > len(found):
                return [own or path for own, path in zip(found, paths, strict=True)]
        return paths

    def called(self, ending: tuple[str, ...], role: str | None) -> Path | None:
        """Return the one picture, of those whose folders say that role, whose path ends so; None for several."""
        stem = (*ending[:-1], Path(ending[-1]).stem) if ending and is_image_name(ending[-1]) else ending
        found = self.by_ending.get(ending) or self.by_ending.get(stem) or []
        wanted = role if role in self.roles.values() else None
        fitting = [path for path in found if role is None or self.roles[path] == wanted]
        return fitting[0] if len(fitting) == 1 else None

    def shows(self, names: Sequence[str]) -> str | None:
        """Say whether a column names images or masks: by the folders of its files, else by what these look like."""
        there = [path for path in self.files(names) if path.is_file()][:LOOKED_AT]
        roles = {self.roles.get(path) for path in there}
        if not there or roles in ({"image"}, {"mask"}):
            return roles.pop() if there else None
        return "mask" if all(map(has_few_colours, there)) else "image"


def columns_of(path: Path, table: Table, pictures: Pictures) -> tuple[str, str] | None:
    """Return the columns of images and of masks, or None where a csv names no pairs.

    The headers decide; where they do not, the files do. Raises DataError where nobody can tell.
    """
    head = list(table[0]) if table else []
    cells = {name: [(row[name] or "").strip() for row in table] for name in head}
    files = [name for name in head if all(is_image_name(Path(cell).name) for cell in cells[name])]
    said = {name: read_name(name)[0] for name in files}
    chosen: dict[str, str] = {}
    for role, words in COLUMNS.items():
        own = [name for name in head if name.rstrip("s") in words] + [name for name in files if said[name] == role]
        chosen |= [(role, name) for name in own if name not in chosen.values()][:1]
    others = [name for name in files if name not in chosen.values() and said[name] is None]
    for role in ("mask", "image"):
        if role in chosen or not others:
            continue
        shown = {name: pictures.shows(cells[name]) if len(others) > 1 else role for name in others}
        if role == "mask" and set(shown.values()) == {"image"}:
            return None  # pictures of the same thing, say, and no masks
        fitting = [name for name in others if shown[name] == role]
        if len(fitting) != 1:
            raise DataError(
                f"{path} names pictures in the columns {', '.join(files)}, and nobody can tell which of them are the "
                f"{role}s: call the columns image and mask."
            )
        chosen[role] = fitting[0]
        others.remove(fitting[0])
    if len(chosen) < 2:
        return None
    is_word = "mask" not in chosen["mask"] and not any(is_image_name(Path(cell).name) for cell in cells[chosen["mask"]])
    return None if is_word else (chosen["image"], chosen["mask"])  # a label may be a word


def path_in(root: Path, name: str) -> Path:
    """Return the file that a list names; a list from Windows parts folders by backslashes."""
    path = root / name.strip()
    return path if path.is_file() or in_shard(path) else root / name.strip().replace("\\", "/")

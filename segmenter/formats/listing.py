"""The files of a source, listed once: pictures, documents, and which picture a name in an annotation means."""

import json
import os
from collections import defaultdict
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from segmenter.formats.names import key_of, spellings
from utils.catalog.layouts import list_files, list_pictures
from utils.catalog.places import SECOND_KIND, place_of, read_name
from utils.errors import DataError
from utils.formats import is_image_name


class Listing:
    """What lies below a source: a folder, or one file of annotations beside its pictures.

    Args:
        source: the folder or the file.
        images: where the pictures are, if they are not there.

    Attributes:
        root: the folder that names are relative to.
        picture_root, pictures: the folder that was searched for pictures, and all that are in it.
        files: all files, or the one that was given.
        broken: documents that cannot be read, each with a reason.
        unclear: names of annotated images that several pictures have, of which none is more likely than the others.
    """

    def __init__(self, source: Path, images: Path | None = None) -> None:
        source = source.expanduser()
        if not source.exists():
            raise DataError(f"There is no file or folder {source}: give the one that your labelling tool wrote.")
        self.source = source
        self.root = source.parent if source.is_file() else source
        self.files = [source] if source.is_file() else [path for path in list_files(source) if path.is_file()]
        self.broken: dict[Path, str] = {}
        self.unclear: dict[str, list[Path]] = {}
        self.picture_root = images or self.root
        self.pictures = list_pictures(self.picture_root)
        if source.is_file() and not images and not self.pictures:
            self.picture_root = self.root.parent  # annotations/ beside the folders of images
            self.pictures = list_pictures(self.picture_root)

    def ending(self, *endings: str) -> list[Path]:
        """Return the files whose names end so, whatever their capitals."""
        return [path for path in self.files if path.name.lower().endswith(endings)]

    @cached_property
    def documents(self) -> dict[Path, Any]:
        """Every JSON file with what it holds; pictures that labelme stores inside are dropped."""
        found = {}
        for path in self.ending(".json", ".geojson"):
            try:
                document = json.loads(path.read_bytes())
            except (OSError, ValueError) as error:
                self.broken[path] = f"{path} is no whole JSON file ({error}): export it again."
                continue
            if isinstance(document, dict):
                document.pop("imageData", None)
            found[path] = document
        return found

    @cached_property
    def by_name(self) -> dict[str, list[Path]]:
        """Pictures by their name in small letters, with and without its ending."""
        found: dict[str, list[Path]] = defaultdict(list)
        for path in self.pictures:
            found[key_of(path.name)].append(path)
            found[key_of(path.stem)].append(path)
        return found

    def find_image(self, name: str, beside: Path) -> Path | None:
        """Return the picture that an annotation file names: beside it, below the root, or the one of that name.

        Where several have it, the one that shares most of the path counts; None where that is not one alone.
        """
        return next(filter(None, (self._find(spelling, beside) for spelling in spellings(name))), None)

    def _find(self, name: str, beside: Path) -> Path | None:
        for folder in (beside.parent, self.root):
            path = Path(os.path.normpath(folder / name))
            if is_image_name(path.name) and path.is_file():
                return path
        wanted = PurePosixPath(name)
        found = self.by_name.get(key_of(wanted.name)) or self.by_name.get(key_of(wanted.stem)) or []
        if len(found) < 2:
            return found[0] if found else None
        scores = [self._likeness(path, wanted, beside) for path in found]
        best = max(scores)
        if scores.count(best) == 1:
            return found[scores.index(best)]
        self.unclear[name] = found
        return None

    def _likeness(self, path: Path, wanted: PurePosixPath, beside: Path) -> tuple[int, bool, int, int]:
        """Rank a picture of the right name.

        Folders shared with the name, the split, folders shared with the annotation file, and whether it lies in a
        folder of images, in one of masks, in one whose name means another view of them (`previews`), or elsewhere.
        """
        shared = 0
        for own, other in zip(path.parts[-2::-1], wanted.parts[-2::-1], strict=False):
            if own != other:
                break
            shared += 1
        near = len(set(path.parts[:-1]) & set(beside.parts[:-1]))
        place = place_of(self.picture_root, path)
        is_second = any(map(SECOND_KIND.fullmatch, " ".join(place.folders).casefold().split()))
        rank = 2 * (place.role == "image") - 2 * (place.role == "mask") - is_second
        return shared, self.split_of(path) == self.split_of(beside), near, rank

    def split_of(self, *paths: Path | None) -> str | None:
        """Return the split that the first of the paths names, in its folders or, of a document, in its name."""
        for path in paths:
            if path is None:
                continue
            inside = path.relative_to(self.root) if path.is_relative_to(self.root) else path
            parts = inside.parts[:-1] if is_image_name(path.name) else (*inside.parts[:-1], inside.stem)
            named = [split for part in parts[-4:] if (split := read_name(part)[2])]
            if named:
                return named[-1]
        return None

    def relative(self, path: Path) -> str:
        """Return a path as seen from the source, with forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

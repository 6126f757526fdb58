"""What the path of a picture says of it: image or mask, which split, and which name it shares with its partner."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

IMAGE_FOLDER = r"images?|imgs?|jpegimages|photos?|pictures?|frames?|leftimg8bit|inputs?|scans?|originals?"
MASK_FOLDER = (
    r"masks?|labels?|annot(?:ation)?s?|gt(?:fine|coarse)?|groundtruth|ground_truth|segmentation(?:class|s|maps?)?"
    r"|segs?|targets?|(?:1st_)?manual\d?|trimaps?"
)
SPLIT_FOLDER = r"train(?:ing)?|val(?:id(?:ation)?)?|dev|test(?:ing)?|tr|ts"
SPLIT_NAMES = {"tr": "train", "ts": "test", "va": "val", "de": "val", "te": "test"}  # by the first two letters
PART = re.compile(
    rf"(?P<before>{SPLIT_FOLDER})?[_\- ]?(?:(?P<image>{IMAGE_FOLDER})|(?P<mask>{MASK_FOLDER}))?"
    rf"[_\- ]?(?P<after>{SPLIT_FOLDER})?",
    re.IGNORECASE,
)
MASK_AFFIX = re.compile(
    r"^(?:masks?|labels?|gt|seg(?:mentation)?|annotation)[_\- ]+(?=.)"
    r"|[_\-. ]+(?:masks?|labels?|l|gt|seg(?:mentation)?|annot(?:ation)?|ground_?truth|manual\d?|trimap|target"
    r"|\d(?:st|nd)_?ho"
    r"|(?:gt(?:fine|coarse)_)?label(?:train)?ids)$",
    re.IGNORECASE,
)
IMAGE_AFFIX = re.compile(
    r"^(?:images?|img|photo)[_\- ]+(?=.)|[_\-. ]+(?:images?|img|photo|rgb|sat|leftimg8bit|training|test|0000)$",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """What the path of a picture says: image or mask (None: neither), its split, other folders, and its name."""

    path: Path
    role: str | None
    word: str
    split: str | None
    folders: tuple[str, ...]
    stem: str


def place_of(root: Path, path: Path) -> Place:
    """Say what the folders between the root and a picture say of it."""
    role, word, split, others = None, "", None, []
    for part in path.relative_to(root).parts[:-1]:
        found = PART.fullmatch(part)
        if not found or not part:
            others.append(part)
            continue
        if found["mask"] or (found["image"] and role is None):
            role, word = ("mask", found["mask"].casefold()) if found["mask"] else ("image", found["image"].casefold())
        if given := found["before"] or found["after"]:
            split = SPLIT_NAMES[given[:2].casefold()]
    return Place(path, role, word, split, tuple(others), path.stem)


def other_kinds(masks: Sequence[Path], rest: Iterable[Path]) -> set[Path]:
    """Return pictures that show the same masks in another way: all that end alike, if every mask has one beside it.

    Cityscapes has NAME_gtFine_color.png and NAME_gtFine_instanceIds.png beside NAME_gtFine_labelIds.png.
    """
    bases = {(mask.parent, base_name(mask.stem, True)) for mask in masks}
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in rest:
        cuts = [found.start() for found in re.finditer(r"[_\-. ]", path.stem)]
        cut = max((c for c in cuts if (path.parent, path.stem[:c].casefold()) in bases), default=None)
        if cut is not None:
            kinds[path.stem[cut:]].append(path)
    return {path for paths in kinds.values() if len(paths) == len(bases) > 1 for path in paths}


def base_name(stem: str, is_mask: bool) -> str:
    """Return a name without what says that it is a mask's, in small letters."""
    return (MASK_AFFIX.sub("", stem) if is_mask else stem).casefold()

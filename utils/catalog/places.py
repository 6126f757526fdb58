"""What the path of a picture says of it: image or mask, which split, and which name it shares with its partner."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# Words in the names of folders: these say what is inside wherever they stand (`RGB_color_image_masks`) ...
IMAGE_WORD = re.compile(r"(?:jpeg|png|left)?im(?:age|g)s?")
MASK_WORD = re.compile(
    r"masks?|labels?|annot(?:ation)?s?|gts?|gt(?:fine|coarse)|(?:ground)?truths?|segmentation(?:class|s|maps?)?|trimaps?"
)
# ... and these where nothing else stands there but a split, a number or a kind (`1st_manual`, `semantic_rgb`).
IMAGE_ALONE = re.compile(r"photos?|pictures?|frames?|inputs?|scans?|originals?|raw|sats?")
MASK_ALONE = re.compile(r"segs?|labs?|targets?|manual|semantic|anno?s?|maps?|matting")
# Kinds of masks that show in another way what others show: read only where no others are there.
SECOND_KIND = re.compile(
    r"colou?r(?:s|ed)?|rgb|vis|viz|visualizations?|overlays?|previews?|instances?|objects?|panoptic|edges?|contours?"
    r"|boundar(?:y|ies)|2nd"
)
SECOND_RATER = re.compile(r"[_\-. ]2nd(?:_?ho)?$", re.IGNORECASE)  # another person's mask of the same image
SPLIT_OF = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val"}
SPLIT_OF |= {"test": "test", "testing": "test"}
WORD = re.compile(r"\d+(?:st|nd|rd|th|bit)?|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_]+")
MASK_AFFIX = re.compile(
    r"^(?:masks?|labels?|gt|seg(?:mentation)?|annotation)[_\- ]+(?=.)"
    r"|[_\-. ]+(?:masks?|labels?|lab|l|gt|seg(?:mentation)?|annot(?:ation)?|ground_?truth|manual\d?|trimap|target"
    r"|\d(?:st|nd)_?ho"
    r"|(?:gt(?:fine|coarse)_)?label(?:train)?ids)$",
    re.IGNORECASE,
)
IMAGE_AFFIX = re.compile(
    r"^(?:images?|img|photo)[_\- ]+(?=.)|[_\-. ]+(?:images?|img|photo|rgb|sat|leftimg8bit|training|test|0000)$",
    re.IGNORECASE,
)


class Place(NamedTuple):
    """What the path of a picture says: image or mask (None: neither), the kind of mask, its split, and its name.

    `folders` are those that say nothing of it; `names` is what else the others are called as well, in small letters.
    """

    path: Path
    role: str | None
    kind: str
    split: str | None
    folders: tuple[str, ...]
    names: tuple[str, ...]
    stem: str


def places_of(root: Path, pictures: Sequence[Path]) -> list[Place]:
    """Say what the paths of all pictures say of them; where all would be masks, their folder means both."""
    places = [place_of(root, path) for path in pictures]
    both = all(place.role == "mask" for place in places)  # a folder that is called `segmentation`, say
    return [place._replace(role=None) for place in places] if both else places


def place_of(root: Path, path: Path) -> Place:
    """Say what the folders between the root and a picture say of it; of several, the innermost counts."""
    role, kind, split, folders, names = None, "", None, [], []
    for part in path.relative_to(root).parts[:-1]:
        own_role, own_kind, own_split, rest = read_name(part)
        if own_role:
            role, kind = own_role, own_kind
        elif not own_split:
            folders.append(part)
        split = own_split or split
        names += [rest] if rest else []
    stem = unicodedata.normalize("NFC", path.stem)  # a Mac writes an umlaut as two characters
    second = " 2nd" * bool(SECOND_RATER.search(stem))
    return Place(path, role, kind + second, split, tuple(folders), tuple(names), stem)


def read_name(folder: str) -> tuple[str | None, str, str | None, str]:
    """Return what the name of a folder says, word by word: its role, the kind of masks, its split, and the rest."""
    words = [word for word in map(str.casefold, WORD.findall(folder)) if word not in ("dir", "folder")]
    glued = re.fullmatch(r"(train|val|test)(.+)", words[0]) if words else None
    if glued and (MASK_WORD.fullmatch(glued[2]) or IMAGE_WORD.fullmatch(glued[2])):  # `trainannot`
        words[:1] = glued.groups()
    masks, images = (list(filter(known.fullmatch, words)) for known in (MASK_WORD, IMAGE_WORD))
    if masks or images:  # `imagesTr`, `DUTS-TE-Mask`
        words = [{"tr": "train", "ts": "test", "te": "test"}.get(word, word) for word in words]
    others = own_words(words)
    if not (masks or images) and len(others) == 1:
        masks, images = (list(filter(known.fullmatch, others)) for known in (MASK_ALONE, IMAGE_ALONE))
    role = "mask" if masks else "image" if images else None
    # `val_de_marne` is the name of a place: where nothing says images or masks, a split stands last but for one word.
    is_split = [word in SPLIT_OF and (role or len(own_words(words[n:])) < 2) for n, word in enumerate(words)]
    splits = [word for word, own in zip(words, is_split, strict=True) if own]
    rest = [word for word in words if word not in {*masks, *images, *splits}]
    return role, " ".join([*masks, *rest]) if masks else "", SPLIT_OF[splits[0]] if splits else None, " ".join(rest)


def own_words(words: Iterable[str]) -> list[str]:
    """Return words that are neither a split, nor a number, nor a kind of masks."""
    return [word for word in words if not (word in SPLIT_OF or SECOND_KIND.fullmatch(word) or word[0].isdigit())]


def classes_of(root: Path, pairs: Sequence[tuple[Path, Path]]) -> dict[Path, str]:
    """Return the class that the folder of each mask names, in masks/CLASS/NAME.png; nothing where folders name none.

    They do where every mask lies in a folder that is called by words, there are several, and no image lies in one.
    """
    if not all(path.is_relative_to(root) for pair in pairs for path in pair):
        return {}
    masks = [place_of(root, mask).folders[-1:] for _, mask in pairs]
    names = {folder for folders in masks for folder in folders}
    elsewhere = {part for image, _ in pairs for part in place_of(root, image).folders}
    worded = all(re.fullmatch(r"[^\W\d_]+(?:[ _-][^\W\d_]+)*", name) for name in names)
    if len(names) < 2 or not (all(masks) and worded) or names & elsewhere:
        return {}
    return {mask: folder for (_, mask), (folder,) in zip(pairs, masks, strict=True)}


def by_endings(places: Sequence[Place]) -> tuple[list[Place], list[Place]]:
    """Part photographs from masks of the same names beside them: NAME.jpg is the image, NAME.png its mask."""
    parts: tuple[list[Place], list[Place]] = ([], [])
    for place in places:
        parts[place.path.suffix.lower() not in (".jpg", ".jpeg")].append(place)
    names = [{place.path.with_suffix("") for place in part} for part in parts]
    return parts if names[0] == names[1] and len(names[0]) * 2 == len(places) else (list(places), [])


def by_affix(masks: Mapping[str, list[Place]]) -> dict[tuple[str, str], list[Place]]:
    """Part masks of which several beside each other have one name but for what says that they are masks.

    Cityscapes with NAME_gtFine_labelIds.png and NAME_gtFine_labelTrainIds.png has two readings.
    """
    parted: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for kind, places in masks.items():
        names = Counter((place.path.parent, base_name(place.stem, True)) for place in places)
        several = max(names.values(), default=1) > 1
        for place in places:
            affix = MASK_AFFIX.search(place.stem) if several else None
            parted[kind, affix[0] if affix else ""].append(place)
    return parted


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

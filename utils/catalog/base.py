"""What every data set offers, whatever its files look like."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from utils.config import Config, nearest
from utils.errors import ConfigError, DataError
from utils.images import IGNORE_INDEX, decode_ids, read_mask, read_scaled
from utils.splits import SPLITS, Fractions, split_by_group, split_by_hash, split_stratified


class Pair(NamedTuple):
    """One photograph and its mask; pairs of one group must never be split up."""

    image: Path
    mask: Path
    group: str


class Source:
    """A data set on disk: names, colours and pairs. Subclasses fill in the attributes and two methods.

    Attributes:
        classes: names in order of id; with two, id 1 is the one foreground class.
        palette: RGB, 0-255, one for each class.
        license: what the data may be used for, in a sentence.
        home: page to read more and to cite.
        ignored: stored ids that are not to be scored (beside 255).
        val_from_train: draw 'val' as a tenth of 'train', where the data set publishes training and test only.
        variant: the edition, where there are several.
        splits, split_seed: how splits are drawn, as `Config` says.
        fixed: image -> split of an earlier run, which then counts alone; files added since are in no split.
        white: the value that becomes 255 in images of more than 8 bits, the same for all; None: found in each.
        pixel_shares: share of the pixels of all masks by class id (255: not scored), where it is known.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    license: str
    home: str
    ignored: tuple[int, ...] = ()
    val_from_train = False
    variant: str | None = None
    splits = "published"
    split_seed = 42
    fixed: dict[str, str] | None = None
    white: float | None = None
    own_colours = True  # the palette is that of its files, and not one that the course made up
    pixel_shares: dict[int, float] | None = None

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def num_outputs(self) -> int:
        """Channels that a model needs: 1 logit for one foreground class, else one for each class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def prepare(self) -> None:
        """Download, verify and unpack what is missing. Raises DataError with what to do."""

    def labelled(self) -> list[tuple[Pair, str | None]]:
        """Return every pair with its published split, or None where the data set publishes none."""
        raise NotImplementedError

    def unpaired(self) -> list[Path]:
        """Return images without mask and masks without image."""
        return []

    def unread(self) -> list[Path]:
        """Return other images of the folder that are in no pair, and are none the worse for it."""
        return []

    def read_image(self, path: Path) -> np.ndarray:
        """Return an image, uint8 (H, W, 3) RGB; those of more than 8 bits are all scaled alike."""
        return read_scaled(path, self.white)

    def read_ids(self, path: Path) -> np.ndarray:
        """Return the class ids of a mask, int64 (H, W), 255 where a pixel is to be ignored. Raises DataError."""
        return self.decode(read_mask(path), path)

    def read_mendable(self, path: Path) -> np.ndarray:
        """Return what `read_ids` does, with -1 for what is no class, where that can be told."""
        return self.read_ids(path)

    def found(self) -> dict[str, Any]:
        """Return fields of `Config` that were found in the files, and that a run keeps."""
        return {} if self.white is None else {"white": self.white}

    def describe(self) -> list[tuple[str, str]]:
        """Say how the files are read, as lines of a title and words."""
        return []

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        """Turn a stored mask into class ids, int64 (H, W), 255 where a pixel is to be ignored."""
        ids = decode_ids(raw, path)
        return np.where(np.isin(ids, self.ignored), IGNORE_INDEX, ids) if self.ignored else ids

    def decoding(self) -> str:
        """Describe everything but the files that decides which ids a mask becomes: a part of the key of every cache."""
        return repr((self.name, self.variant, self.classes, self.palette, self.ignored, self.white))

    def relative(self, path: Path) -> str:
        """Return a path as seen from the data set's folder, with forward slashes."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def assigned(self, seed: int | None = None) -> dict[str, list[Pair]]:
        """Return the pairs of every split: as in an earlier run, as published, or drawn by group (80/10/10)."""
        pairs, given = [list(column) for column in zip(*self.labelled(), strict=True)] or ([], [])
        seed = self.split_seed if seed is None else seed
        if self.fixed is not None:
            splits = [self.fixed.get(self.relative(pair.image)) for pair in pairs]
        elif self.splits == "published" and any(given):
            splits = self._with_validation(pairs, given, seed)
        else:
            splits = self.draw(pairs, (0.8, 0.1, 0.1), seed)
        found: dict[str, list[Pair]] = {split: [] for split in SPLITS}
        for pair, split in zip(pairs, splits, strict=True):
            if split is not None:
                found[split].append(pair)
        return {split: sorted(members) for split, members in found.items()}

    def _with_validation(self, pairs: list[Pair], given: list[str | None], seed: int) -> list[str | None]:
        """Published splits, with a tenth of 'train' as 'val' where the data set wants that."""
        if not self.val_from_train or "val" in given:
            return given
        train = [index for index, split in enumerate(given) if split == "train"]
        drawn = self.draw([pairs[index] for index in train], (0.9, 0.1, 0.0), seed)
        splits = list(given)
        for index, split in zip(train, drawn, strict=True):
            splits[index] = split
        return splits

    def draw(self, pairs: Sequence[Pair], fractions: Fractions, seed: int) -> list[str]:
        """Name a split for every pair, by group, in the way that `splits` says."""
        groups = [pair.group for pair in pairs]
        if self.splits == "hash":
            return split_by_hash(groups, fractions, seed)
        if self.splits == "stratified":
            return split_stratified(groups, self.presence(pairs), fractions, seed)
        return split_by_group(groups, fractions, seed)

    def presence(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Say which pair shows which class: bool (N, C). Reads every mask; faulty ones show nothing."""

        def shown(pair: Pair) -> np.ndarray:
            found = np.zeros(len(self.classes), dtype=bool)
            try:
                ids = np.unique(self.read_ids(pair.mask))
            except DataError:  # reading the pair will say what is wrong
                return found
            found[ids[(ids >= 0) & (ids < len(found))]] = True
            return found

        with ThreadPoolExecutor() as pool:
            return np.array(list(pool.map(shown, pairs))).reshape(len(pairs), len(self.classes))

    def pairs(self, split: str, seed: int | None = None) -> list[Pair]:
        """Return the pairs of 'train', 'val' or 'test', in a fixed order. Raises DataError when it is empty."""
        if split not in SPLITS:
            raise DataError(f"There is no split '{split}': it is one of {', '.join(SPLITS)}.")
        if lone := self.unpaired():
            shown = ", ".join(self.relative(p) for p in lone[:3])
            raise DataError(
                f"{len(lone)} file(s) in {self.root} have no partner: {shown}{' ...' if len(lone) > 3 else ''}. "
                "Every image needs one mask of the same name; add or remove files."
            )
        assigned = self.assigned(seed)
        if not assigned[split]:
            counts = ", ".join(f"{len(pairs)} {name}" for name, pairs in assigned.items())
            raise DataError(
                f"The {split} split of '{self.name}' in {self.root} is empty ({counts}). "
                f"Add pairs, or name the split of each in a csv{', or take --split val' * (split == 'test')}."
            )
        return assigned[split]


def variant_of(config: Config, variants: Sequence[str]) -> str:
    """Return the edition that the config names, or the first. Raises ConfigError for one that does not exist."""
    if config.variant is None:
        return variants[0]
    if config.variant not in variants:
        there, hint = ", ".join(variants), nearest(config.variant, variants)
        raise ConfigError(f"'{config.dataset}' has no variant '{config.variant}'; there are {there}.{hint}")
    return config.variant


def need_folder(root: Path, name: str) -> None:
    """Raise DataError unless the folder exists."""
    if not root.is_dir():
        raise DataError(f"There is no folder {root}, where data set '{name}' should be: correct the path (root).")

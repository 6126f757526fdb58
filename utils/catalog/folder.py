"""`folder`: your own pairs. Put images in `images/` and masks of the same names in `masks/`.

The split may come from folders (`train/images`, `train/masks`, ...), from a csv with the columns `image,mask` and
perhaps `split` and `group` (a town, a patient: what must stay in one split), or from lists (`train.txt`, `val.txt`,
`test.txt`); else 80/10/10 is drawn by group. Masks may hold ids, palette indices, 0/255 or colours; colours need a
`classes.csv` (`name,r,g,b`, in order of id).
"""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from utils.catalog.base import OKABE_ITO, Pair, Source, need_folder, read_table
from utils.config import Config
from utils.errors import ConfigError, DataError
from utils.files import content_hashes, in_shard
from utils.images import IGNORE_INDEX, decode_binary, decode_ids, decode_rgb, list_images, read_mask
from utils.splits import SPLITS


class Row(NamedTuple):
    """A pair as a csv, a list or the folders name it."""

    image: Path
    mask: Path
    split: str | None
    group: str | None = None


class Folder(Source):
    name = "folder"
    license = "Yours."
    home = ""

    def __init__(self, root: Path, classes: tuple[str, ...] | None = None) -> None:
        super().__init__(root)
        self._given = classes

    def prepare(self) -> None:
        need_folder(self.root, self.name)
        if not self._rows:
            raise DataError(f"{self.root} holds no pairs: put images in images/, masks of the same names in masks/.")
        for files in list(zip(*self._rows, strict=True))[:2]:
            if not any(p.is_file() or (in_shard(p) and p.parent.is_file()) for p in files):
                raise DataError(f"None of the files like {files[0]} is there. Correct the paths in {self.root}.")
        table = self._table()
        self.classes = self._given or tuple(name for name, _ in table) or self._scanned()
        if len(self.classes) < 2:
            raise ConfigError(f"'{self.classes[0]}' is the only class: name the background too, as the first one.")
        colours = [colour for _, colour in table] or [OKABE_ITO[i % 7] for i in range(len(self.classes))]
        self.palette = tuple(colours)
        if len(self.palette) != len(self.classes):
            raise ConfigError(
                f"{len(self.classes)} class names but {len(colours)} rows in {self.root / 'classes.csv'}: "
                "name as many as it has rows, or none."
            )

    def labelled(self) -> list[tuple[Pair, str | None]]:
        unnamed = [row.image for row in self._rows if row.group is None]
        groups = dict(zip(unnamed, content_hashes(unnamed), strict=True))
        return [(Pair(row.image, row.mask, row.group or groups[row.image]), row.split) for row in self._rows]

    def unpaired(self) -> list[Path]:
        lone: list[Path] = []
        for images, masks, _ in self._image_folders():
            a, b = _by_stem(images), _by_stem(masks)
            lone += [a[s] for s in sorted(a.keys() - b.keys())] + [b[s] for s in sorted(b.keys() - a.keys())]
            kept = {*a.values(), *b.values()}  # of a.jpg and a.png, nobody knows which the mask belongs to
            lone += [p for p in (*list_images(images), *list_images(masks)) if p not in kept]
        # A csv may pair files of different names.
        paired = {p for row in self._rows if row.image.is_file() and row.mask.is_file() for p in row[:2]}
        return [p for p in lone if p not in paired]

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        if raw.ndim == 3:
            return decode_rgb(raw, self.palette if self._table() else (), path)
        return (decode_binary if self._binary else decode_ids)(raw, path)

    def decoding(self) -> str:
        return super().decoding() + repr((self._binary, self._table()))

    @cached_property
    def _rows(self) -> list[Row]:
        """Every (image, mask, split), from a csv, lists or folders, whichever is there."""
        return self._from_csv() or self._from_lists() or self._from_folders()

    def _from_csv(self) -> list[Row]:
        for path in sorted(self.root.glob("*.csv")):
            rows = [{k.rstrip("s"): v for k, v in row.items()} for row in read_table(path)]
            if rows and {"image", "mask"} <= rows[0].keys():
                short = [n for n, r in enumerate(rows, 2) if not (r["image"] and r["mask"])]
                if short:
                    raise DataError(f"{path} names no image or no mask in row {short[0]}: give both.")
                unsplit = [n for n, r in enumerate(rows, 2) if not r.get("split")]
                if 0 < len(unsplit) < len(rows):
                    raise DataError(f"{path} names no split in row {unsplit[0]}: give one in every row, or in none.")
                bad = sorted({r["split"] for r in rows if r.get("split")} - set(SPLITS))
                if bad:
                    raise DataError(f"{path} names the split '{bad[0]}': use {', '.join(SPLITS)}.")
                return [
                    Row(self.root / r["image"], self.root / r["mask"], r.get("split") or None, r.get("group") or None)
                    for r in rows
                ]
        return []

    def _from_lists(self) -> list[Row]:
        rows: list[Row] = []
        folders = self._image_folders()
        images, masks = (_by_stem(folders[0][0]), _by_stem(folders[0][1])) if folders else ({}, {})
        for split in SPLITS:
            path = self.root / f"{split}.txt"
            for line in path.read_text(encoding="utf-8").split("\n") if path.is_file() else []:
                parts, stem = line.split(), Path(line.strip()).stem
                known = stem in images.keys() & masks.keys()
                if len(parts) == 2 and not (known and "/" not in line):  # a name may hold a space
                    rows.append(Row(self.root / parts[0], self.root / parts[1], split))
                elif parts and known:
                    rows.append(Row(images[stem], masks[stem], split))
                elif parts:
                    raise DataError(f"{path} names '{line.strip()}', but images/ and masks/ hold no such pair.")
        return rows

    def _from_folders(self) -> list[Row]:
        rows: list[Row] = []
        for images, masks, split in self._image_folders():
            a, b = _by_stem(images), _by_stem(masks)
            rows += [Row(a[s], b[s], split) for s in sorted(a.keys() & b.keys())]
        return rows

    def _image_folders(self) -> list[tuple[Path, Path, str | None]]:
        """(images, masks, split) folders: at the top, or one pair of folders in each split."""
        places = [(self.root, None), *((self.root / split, split) for split in SPLITS)]
        return [(p / "images", p / "masks", s) for p, s in places if (p / "images").is_dir() and (p / "masks").is_dir()]

    def _table(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Names and colours of classes.csv, in order of id."""
        path = self.root / "classes.csv"
        if not path.is_file():
            return []
        rows = read_table(path)
        try:
            rows.sort(key=lambda r: int(r.get("id") or 0))
            # A byte holds 0-255: anything else is a ValueError.
            return [(r["name"].strip(), tuple(bytes([int(r["r"]), int(r["g"]), int(r["b"])]))) for r in rows]
        except (KeyError, ValueError, TypeError, AttributeError):
            raise DataError(f"{path} needs the columns name,r,g,b (0-255), one class a row.") from None

    @cached_property
    def _values(self) -> set[int]:
        """Every value that one-channel masks hold; unreadable ones are left for `check_dataset`."""
        values: set[int] = set()
        for row in self._rows:
            try:
                raw = read_mask(row.mask)
            except DataError:
                continue
            if raw.ndim == 2:
                values.update(np.unique(raw).tolist())
        return values

    @cached_property
    def _binary(self) -> bool:
        """0/255 masks: 255 is the only value beside 0, so it cannot mean 'ignored'."""
        return len(self.classes) == 2 and self._values <= {0, 255} and 255 in self._values

    def _scanned(self) -> tuple[str, ...]:
        """Class names from the masks themselves, when nobody gave any."""
        if self._values and self._values <= {0, 255}:
            return ("background", "foreground")
        highest = max(self._values - {IGNORE_INDEX}, default=None)
        if highest is None:
            read_mask(self._rows[0].mask)  # raises where it is no picture at all
            raise DataError(f"The masks in {self.root} are colour pictures: add classes.csv with columns name,r,g,b.")
        smooth = {0, IGNORE_INDEX} <= self._values and len(self._values) > 64
        if highest > IGNORE_INDEX or smooth:
            raise DataError(
                f"The masks in {self.root} hold {len(self._values)} values up to {max(self._values)}: these are no "
                "class ids. Save masks without smooth edges, as 8-bit ids or as 0 and 255; or name the classes."
            )
        return tuple(f"class {i}" for i in range(max(highest, 1) + 1))


def _by_stem(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by name without ending (and without a trailing `_mask`), the first of each name."""
    found: dict[str, Path] = {}
    for path in list_images(folder):
        found.setdefault(path.stem.removesuffix("_mask"), path)
    return found


def source(config: Config) -> Source:
    """Return the pairs at `config.root`."""
    if config.root is None:
        raise ConfigError("dataset='folder' needs root: the folder that holds images/ and masks/.")
    return Folder(config.root, config.classes)

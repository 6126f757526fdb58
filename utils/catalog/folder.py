"""`folder`: your own pairs. Put images in `images/` and masks of the same names in `masks/`.

Other common layouts are recognised by the names of their folders and files (`layouts`). The split may come from folders
(`train/images`, `train/masks`, ...), from a csv with the columns `image,mask` and perhaps `split` and `group` (a town,
a patient: what must stay in one split), or from lists (`train.txt`, `val.txt`, `test.txt`); else 80/10/10 is drawn by
group. Masks may hold ids, palette indices, 0/255 or colours; colours need a `classes.csv` (`name,r,g,b`). What the
values mean is decided once, for all of them (`mask_meaning`).
"""

from collections import Counter
from pathlib import Path

import numpy as np

from utils.bands import describe_bands
from utils.catalog import Pair, Source, base, names
from utils.catalog.class_table import BACKGROUND_NAMES, ClassTable, find_table
from utils.catalog.colours import distinct_colours
from utils.catalog.layouts import Reading, list_files, read_layout
from utils.catalog.mask_coding import MaskCoding, as_numbers
from utils.catalog.mask_meaning import BLACK_AND_WHITE, decide
from utils.catalog.mask_scan import pixel_shares, scan_masks
from utils.catalog.places import classes_of
from utils.catalog.white import find_white
from utils.config import COURSE, Config
from utils.errors import ConfigError, DataError
from utils.files import content_hashes, in_shard
from utils.formats import is_image_name
from utils.images import IGNORE_INDEX, header_size, read_mask

NOTES = (".csv", ".tsv", ".txt", ".json", ".xml", ".xlsx", ".yaml", ".yml")  # files that may say more of the pairs
MOST_CLASSES = 255  # a mask is a byte for each pixel, and 255 marks what is ignored


class Folder(Source):
    name = "folder"
    license = "Yours."
    home = ""
    layout: Reading | None = None  # may be set before `prepare`

    def __init__(
        self,
        root: Path,
        classes: tuple[str, ...] | None = None,
        mask_values: str | None = None,
        white: float | None = None,
    ) -> None:
        super().__init__(root)
        self._given, self._declared, self.white = classes, mask_values, white
        self._ids: dict[Path, int] = {}
        self._speckled: dict[Path, str] = {}

    def prepare(self) -> None:
        base.need_folder(self.root, self.name)
        self.layout = self.layout or read_layout(self.root)
        self.val_from_train = not self.layout.by_csv  # whose splits somebody named pair by pair
        for files in list(zip(*self.layout.rows, strict=True))[:2]:
            if not any(p.is_file() or (in_shard(p) and p.parent.is_file()) for p in files):
                raise DataError(
                    f"None of the files like {files[0]} is there, and no single picture of {self.root} is called so. "
                    "Correct the paths."
                )
        table = self.table = find_table(self.root)
        self._refuse_names(self._given or (table.names if table else None))
        if self._declared is not None:
            self.coding = MaskCoding.parse(self._declared)
            self.classes = self._given or (table.names if table else self._names_of_ids())
        else:
            masks = scan_masks([row.mask for row in self.layout.rows])
            if not masks and not (self._given or table):
                first = self.layout.rows[0].mask
                as_numbers(read_mask(first), first)  # raises where it is no mask at all
            self.classes, self.coding = decide(self.root, masks, self._given, table)
            if [name.casefold() in BACKGROUND_NAMES for name in self.classes] == [False, True]:
                # Of two classes, the one with id 1 is looked for: whatever a table says, it is not the background.
                self.classes, self.coding = self.classes[::-1], self.coding.swapped()
            self.pixel_shares = pixel_shares(masks, self.coding)
            self._speckled = {mask.path: "" for mask in masks if mask.speckled}
        self._name_by_folders(table)
        self._refuse_names(self.classes)
        self.white = self.white or find_white([row.image for row in self.layout.rows])
        self.own_colours = bool(table and table.colours)
        shown = table.colours if self.own_colours else distinct_colours(len(self.classes))
        turned = self.own_colours and self.classes == table.names[::-1]
        self.palette = tuple(shown[::-1] if turned else shown)

    def labelled(self) -> list[tuple[Pair, str | None]]:
        rows = self.layout.rows
        unnamed = [row.image for row in rows if row.group is None]
        groups = dict(zip(unnamed, content_hashes(unnamed), strict=True))
        return [(Pair(row.image, row.mask, row.group or groups[row.image]), row.split) for row in rows]

    def unpaired(self) -> list[Path]:
        return self.layout.lone

    def unread(self) -> list[Path]:
        return self.layout.unread

    def passed_over(self, notes: bool) -> dict[Path, str]:
        """Return the files that were not read: `notes`, which may name splits or classes, or others by their ending."""
        read = {*self.layout.files, self.table and self.table.path, *(row.image.parent for row in self.layout.rows)}
        files = [path for path in list_files(self.root) if not is_image_name(path.name) and path not in read]
        endings = {path: path.suffix.lower() or "without an ending" for path in files}
        return {path: "" if notes else end for path, end in endings.items() if (end in NOTES) == notes}

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        return self._of_folder(self.coding.decode(raw, path), path)

    def read_ids(self, path: Path) -> np.ndarray:
        return self._of_folder(self.coding.read(path), path)

    def read_mendable(self, path: Path) -> np.ndarray:
        return self._of_folder(self.coding.look_up(path)[1], path)

    def decoding(self) -> str:
        return super().decoding() + str(self.coding)

    def found(self) -> dict[str, object]:
        return super().found() | {"mask_values": str(self.coding), "classes": self.classes}

    def describe(self) -> list[tuple[str, str]]:
        counts = Counter(split or "to be split" for _, split in self.labelled())
        pairs = ", ".join(f"{count} {split}" for split, count in counts.items())
        drawn = self.val_from_train and self.splits == "published" and self.fixed is None and "val" not in counts
        if drawn and counts["train"]:
            pairs += f" (of train, validation takes {len(self.assigned()['val'])}, drawn at random)"
        lines = [("layout", f"{self.layout.name}: {pairs}")]
        known = self.root.name.partition("-")[0]  # without the edition
        if known in names() and known != self.name and self.root.resolve().parent == COURSE / "data":
            lines.append(("better", f"--dataset {known}, which knows the classes of this data set of the course"))
        for title, words, why in (
            ("not read", "pictures that are in no pair", {p: self.layout.why.get(p, "") for p in self.unread()}),
            ("passed over", "files that may say more of the pairs", self.passed_over(True)),
            ("not opened", "files of other endings", self.passed_over(False)),
            ("noise", "masks full of single pixels, as JPEG makes of ids: save them as PNG", self._speckled),
        ):
            shown = [self._some([p for p in why if why[p] == reason], reason) for reason in dict.fromkeys(why.values())]
            if why:
                lines.append((title, f"{words}, {len(why)} in all: {'; '.join(shown)}"))
        folders = Counter(row.image.parent for row in self.layout.rows if not (row.split or row.group))
        if 3 <= len(folders) <= sum(folders.values()) / 2:
            words = "are drawn one by one; if each is a patient, a town or a film, name it as the group in a pairs.csv"
            lines.append(("splits", f"the pairs of {len(folders)} folders {words}"))
        tiffs = [row.image for row in self.layout.rows if row.image.suffix.lower() in (".tif", ".tiff")]
        if tiffs and header_size(tiffs[0]) == (0, 0) and (bands := describe_bands(tiffs[0])):
            lines.append(("bands", bands))
        if self.white is not None:
            lines.append(("more than 8 bits", f"{self.white:g} becomes 255 in all images"))
        folder = f"{' or '.join(self.classes[1:])}, as its folder is called (one class: --classes background thing)"
        return [*lines, ("masks", self.coding.words(("background", folder) if self._ids else self.classes))]

    def _name_by_folders(self, table: ClassTable | None) -> None:
        """Take the classes from the folders of masks of one thing, masks/CLASS/NAME.png, where nothing names them."""
        found = classes_of(self.root, [row[:2] for row in self.layout.rows])
        names = ("background", *sorted(set(found.values())))
        unnamed = not table and self._given in (None, names) and (len(self.classes) == 2 or self.classes == names)
        if found and unnamed and not self.layout.by_csv:
            self.classes, self.pixel_shares = names, None
            self._ids = {mask: names.index(name) for mask, name in found.items()}

    def _of_folder(self, ids: np.ndarray, path: Path) -> np.ndarray:
        """Turn the foreground of a mask into the class that its folder names."""
        return np.where(ids == 1, self._ids[path], ids) if path in self._ids else ids

    def _some(self, paths: list[Path], reason: str) -> str:
        """Name the first files of several, with how many there are for one reason."""
        shown = ", ".join(map(self.relative, paths[:3])) + " ..." * (len(paths) > 3)
        return shown + f" ({len(paths)}: {reason})" * bool(reason)

    def _names_of_ids(self) -> tuple[str, ...]:
        """Name the classes of a coding that was declared without names."""
        black_and_white = self.coding.highest == 1 and dict(self.coding.values).get(IGNORE_INDEX) == 1
        return BLACK_AND_WHITE if black_and_white else tuple(f"class {i}" for i in range(self.coding.highest + 1))

    def _refuse_names(self, names: tuple[str, ...] | None) -> None:
        """Raise ConfigError for names of classes that cannot be those of a data set."""
        if names is None:
            return
        if len(names) < 2:
            raise ConfigError(f"'{names[0]}' is the only class: name the background too, as the first one.")
        if len(names) > MOST_CLASSES:
            raise ConfigError(
                f"{len(names)} classes in {self.root}: at most {MOST_CLASSES} fit into a mask of bytes. Join some of "
                "them in the masks and in classes.csv."
            )
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ConfigError(f"Two classes are named '{twice[0]}' in {self.root}: give each a name of its own.")
        declared = MaskCoding.parse(self._declared).highest if self._declared is not None else 0
        if declared >= len(names):
            raise ConfigError(
                f"mask_values name the id {declared}, but there are {len(names)} classes (0-{len(names) - 1}): name as "
                "many classes, or correct the ids."
            )


def source(config: Config) -> Source:
    """Return the pairs at `config.root`."""
    if config.root is None:
        raise ConfigError("dataset='folder' needs root: the folder that holds images/ and masks/.")
    return Folder(config.root, config.classes, config.mask_values, config.white)

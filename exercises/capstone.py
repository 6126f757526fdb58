"""The capstone's town in snow: twelve labelled scenes, a hundred without labels, a budget, and a hidden part of town.

Everything is drawn by data/make_tiny.py where it is needed: what nobody has paid for lies in no file.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from utils.catalog.tiny import Tiny
from utils.config import COURSE
from utils.errors import CourseError, DataError

TOWN = "town13"
LABELLED, VALIDATION = 12, 3  # scenes that come with a mask, and how many of them are for validation
UNLABELLED, BUDGET = 100, 20  # scenes without a mask, and how many masks you may buy
FIRST_HIDDEN, HIDDEN = 500, 12


class BudgetError(CourseError):
    """More labels were asked for than the budget has left, or labels that cannot be bought."""


def scene_names(first: int, count: int) -> list[str]:
    """Return the names of `count` scenes from a number on, such as town13_007."""
    return [f"{TOWN}_{number:03d}" for number in range(first, first + count)]


FIRST = scene_names(0, LABELLED)


class SnowTown:
    """A folder with the scenes of the town: `labelled/`, which `Config.dataset="folder"` reads, and `unlabelled/`.

    Args:
        folder: where the town lies, or is to be drawn: one minute of two CPU cores, once.
        unlabelled: how many scenes without a mask the town has.
    """

    def __init__(self, folder: str | Path = COURSE / "build" / "snow_town", unlabelled: int = UNLABELLED) -> None:
        self.folder = Path(folder)
        names = scene_names(0, LABELLED + unlabelled)
        homes = (self.labelled / "masks").glob("*.png"), (self.folder / "unlabelled").glob("*.jpg")
        drawn = {path.stem for paths in homes for path in paths}
        if missing := [name for name in names if name not in drawn]:
            self._draw(missing, labelled=FIRST)

    @property
    def labelled(self) -> Path:
        """The folder of pairs: images, masks, `classes.csv`, and `pairs.csv` with the splits."""
        return self.folder / "labelled"

    @property
    def unlabelled(self) -> list[Path]:
        """The scenes whose labels can still be bought, in order."""
        bought = self.bought
        return [path for path in sorted((self.folder / "unlabelled").glob("*.jpg")) if path.stem not in bought]

    @property
    def bought(self) -> list[str]:
        """The names of the scenes whose labels were bought, in order."""
        return sorted(p.stem for p in (self.labelled / "images").glob("*.jpg") if p.stem not in FIRST)

    def buy(self, scenes: Iterable[str | Path]) -> None:
        """Pay for the masks of scenes, named by their files: each moves into `labelled/`, to the training images.

        Raises BudgetError, and buys nothing, where a scene cannot be bought or the budget does not reach.
        """
        names = list(dict.fromkeys(Path(scene).stem for scene in scenes))
        offered = {path.stem for path in self.unlabelled}
        if strange := [name for name in names if name not in offered]:
            raise BudgetError(f"{strange[0]} is not for sale: take names of files in {self.folder / 'unlabelled'}.")
        left = BUDGET - len(self.bought)
        if len(names) > left:
            raise BudgetError(f"{len(names)} labels are more than the {left} that your budget of {BUDGET} has left.")
        self._draw(names, labelled=names)
        for name in names:
            (self.folder / "unlabelled" / f"{name}.jpg").unlink()

    def hidden(self, first: int = FIRST_HIDDEN) -> Path:
        """Draw the part of town that nobody trained on, and return its folder: twelve pairs, all of the test split.

        `first` numbers its first scene; a teacher may take another one, from 500 on, which no learner has seen.
        """
        if first < FIRST_HIDDEN:
            raise DataError(f"first={first}: the hidden scenes begin at {FIRST_HIDDEN}; those before are for training.")
        folder, names = self.folder / f"hidden_{first}", scene_names(first, HIDDEN)
        draw_scenes([name for name in names if not (folder / "masks" / f"{name}.png").is_file()], folder)
        write_tables(folder, dict.fromkeys(names, "test"))
        return folder

    def _draw(self, names: list[str], labelled: list[str]) -> None:
        """Draw scenes and put each in its place; the masks of those without a label are thrown away."""
        for folder in ("labelled/images", "labelled/masks", "unlabelled"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.folder) as drawn:
            draw_scenes(names, Path(drawn))
            for name in names:
                home = self.labelled / "images" if name in labelled else self.folder / "unlabelled"
                Path(drawn, "images", f"{name}.jpg").replace(home / f"{name}.jpg")
                if name in labelled:
                    Path(drawn, "masks", f"{name}.png").replace(self.labelled / "masks" / f"{name}.png")
        splits = {name: "val" if name in FIRST[-VALIDATION:] else "train" for name in [*FIRST, *self.bought]}
        write_tables(self.labelled, splits)


def draw_scenes(names: Sequence[str], folder: Path) -> None:
    """Draw scenes, on all cores, into the folder's `images` and `masks`. Raises DataError where that fails."""
    cores = os.cpu_count() or 1
    command = [sys.executable, str(COURSE / "data" / "make_tiny.py"), "--out", str(folder), "--scenes"]
    running = [
        subprocess.Popen([*command, *share], stderr=subprocess.PIPE, text=True)
        for core in range(cores)
        if (share := names[core::cores])
    ]
    for process in running:
        _, words = process.communicate()
        if process.returncode:
            last = (words.strip().splitlines() or [f"code {process.returncode}"])[-1]
            reason = last.partition(": ")[2] or last
            raise DataError(f"The scenes could not be drawn into {folder} ({reason}). Choose another folder or disk.")


def write_tables(folder: Path, splits: dict[str, str]) -> None:
    """Write `classes.csv` and `pairs.csv`, which say what the masks mean and which split each pair is in."""
    tables = {
        "classes.csv": [("id", "name", "r", "g", "b")]
        + [(i, name, *colour) for i, (name, colour) in enumerate(zip(Tiny.classes, Tiny.palette, strict=True))],
        "pairs.csv": [("image", "mask", "split")]
        + [(f"images/{name}.jpg", f"masks/{name}.png", split) for name, split in splits.items()],
    }
    for file, rows in tables.items():
        with (folder / file).open("w", newline="", encoding="utf-8") as opened:
            csv.writer(opened, lineterminator="\n").writerows(rows)

"""The capstone's town in snow: twelve labelled scenes, a hundred without labels, two budgets, a hidden part of town."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from exercises.archive import offer
from exercises.snow_scenes import FIRST, draw_scenes, scene_names, splits_with, write_tables
from utils.config import COURSE
from utils.errors import CourseError, DataError
from utils.run_splits import SPLITS_FILE
from utils.runs import Run

UNLABELLED, BUDGET = 100, 20  # scenes without a mask, and how many masks you may buy
VIEWS = 6_000  # how often a scene may pass through a network in training, over all runs: the same on every machine
FIRST_HIDDEN, HIDDEN = 500, 12


class BudgetError(CourseError):
    """More labels were asked for than the budget has left, or labels that cannot be bought."""


class SnowTown:
    """A folder with the scenes of the town: `labelled/`, which `Config.dataset="folder"` reads, and `unlabelled/`.

    Args:
        folder: where the town lies, or is to be drawn: one minute of two CPU cores, once.
        unlabelled: how many scenes without a mask the town has.
    """

    def __init__(self, folder: str | Path = COURSE / "build" / "snow_town", unlabelled: int = UNLABELLED) -> None:
        self.folder = Path(folder)
        names = [*FIRST, *scene_names(len(FIRST), unlabelled)]
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

    @property
    def candidates(self) -> list[Path]:
        """The scenes that came without a mask, in order, bought ones included: a choice among them can be repeated."""
        bought = [self.labelled / "images" / f"{name}.jpg" for name in self.bought]
        return sorted([*self.unlabelled, *bought], key=lambda path: path.stem)

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

    def subset(self, name: str, bought: Iterable[str | Path]) -> Path:
        """Return a folder with the twelve first scenes and, of those that you bought, the ones that you name.

        So two ways of choosing can be compared: train once with each. Raises BudgetError for a scene not bought.
        """
        names = list(dict.fromkeys(Path(scene).stem for scene in bought))
        if strange := [scene for scene in names if scene not in self.bought]:
            raise BudgetError(f"{strange[0]} was not bought: choose among town.bought.")
        folder = self.folder / "subsets" / name
        for scene in [*FIRST, *names]:
            for file in (f"images/{scene}.jpg", f"masks/{scene}.png"):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.labelled / file, folder / file)
        write_tables(folder, splits_with(names))
        return folder

    @property
    def runs(self) -> list[Path]:
        """The folders of your runs, the oldest first."""
        tables = (self.folder / "runs").glob("*/history.csv")
        return [path.parent for path in sorted(tables, key=lambda path: path.stat().st_mtime)]

    def diary(self) -> pd.DataFrame:
        """Return a row for each of your runs: what it saw, and its validation IoU, kept and last."""
        rows = {}
        for folder in self.runs:
            run = Run.load(folder)
            scenes = int((pd.read_csv(folder / SPLITS_FILE)["split"] == "train").sum())
            rows[folder.name] = {
                "scenes": scenes,
                "epochs": len(run.history),
                "views": scenes * len(run.history),
                "kept epoch": int(run.best["epoch"]),
                "kept IoU": round(float(run.best["val_score"]), 3),
                "last IoU": round(float(run.history["val_score"].iloc[-1]), 3),
            }
        return pd.DataFrame.from_dict(rows, orient="index")

    def views(self) -> int:
        """Return how often scenes have passed through a network in training, over all of your runs."""
        return int(self.diary()["views"].sum()) if self.runs else 0

    def hand_in(self, run: str | Path) -> Path:
        """Pack a run, your diary, the names of the scenes that you bought and the report into `hand_in.zip`."""
        with TemporaryDirectory(dir=self.folder) as made:
            packed = Path(made)
            shutil.copytree(run, packed / "run", ignore=shutil.ignore_patterns("*.ckpt", "pictures"))
            self.diary().to_csv(packed / "diary.csv", index_label="run")
            (packed / "bought.txt").write_text("".join(f"{name}\n" for name in self.bought), "utf-8")
            if (report := self.folder / "report.html").is_file():
                shutil.copy(report, packed)
            archive = Path(shutil.make_archive(str(self.folder / "hand_in"), "zip", packed))
        offer(archive, f"{Path(run).name}, your diary and {len(self.bought)} bought names are in {archive}.")
        return archive

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
        write_tables(self.labelled, splits_with(self.bought))

"""The capstone's town in snow: twelve labelled scenes, a hundred without labels, two budgets, a hidden part of town."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from exercises.snow_hand_in import note_grade, pack_hand_in
from exercises.snow_runs import diary_row
from exercises.snow_scenes import FIRST, draw_scenes, scene_names, splits_with, write_tables
from exercises.snow_visits import BOUGHT, HOME, keep_town, take_town
from exercises.storage import write_atomically
from utils.errors import CourseError, DataError

UNLABELLED, BUDGET = 100, 20  # scenes without a mask, and how many masks you may buy
VIEWS = 10_000  # how often scenes may pass through a network in training, over all runs: the same on every machine
FIRST_HIDDEN, HIDDEN = 500, 12
Scenes = str | Path | Iterable[str | Path]


class BudgetError(CourseError):
    """More labels were asked for than the budget has left, or labels that cannot be bought."""


def named(scenes: Scenes) -> list[str]:
    """Return the names of scenes, each once: a scene is given by its name or by its file."""
    return list(dict.fromkeys(Path(s).stem for s in ([scenes] if isinstance(scenes, (str, Path)) else scenes)))


class SnowTown:
    """A folder with the scenes of the town: `labelled/`, which `Config.dataset="folder"` reads, and `unlabelled/`.

    Args:
        folder: where the town lies, or is to be drawn: half a minute at most, once.
        unlabelled: how many scenes without a mask the town has.
    """

    def __init__(self, folder: str | Path = HOME, unlabelled: int = UNLABELLED) -> None:
        self.folder = Path(folder)
        self._names = [*FIRST, *scene_names(len(FIRST), unlabelled)]
        self._draw()

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
    def choices(self) -> dict[str, list[str]]:
        """The names of the scenes that you bought, by the name of the choice that each was bought for."""
        if not (self.folder / BOUGHT).is_file():
            return {}
        table = pd.read_csv(self.folder / BOUGHT, dtype=str, keep_default_na=False)
        return table.groupby("choice", sort=False)["scene"].agg(list).to_dict()

    @property
    def bought(self) -> list[str]:
        """The names of the scenes whose labels were bought, in order."""
        return sorted(name for names in self.choices.values() for name in names)

    @property
    def candidates(self) -> list[Path]:
        """The scenes that came without a mask, in order, bought ones included: a choice among them can be repeated."""
        bought = [self.labelled / "images" / f"{name}.jpg" for name in self.bought]
        return sorted([*self.unlabelled, *bought], key=lambda path: path.stem)

    def buy(self, *unnamed: Scenes, **choices: Scenes) -> None:
        """Pay for the masks of scenes, as in `buy(by_rule=scenes)`: each moves to the training images of `labelled/`.

        `choices` goes on to say which scene was bought for which choice. Raises BudgetError, and buys nothing, where a
        scene cannot be bought or the budget does not reach.
        """
        if unnamed:
            raise BudgetError("Give the choice a name, as in town.buy(by_rule=scenes): you compare them by it.")
        wanted = {name: named(scenes) for name, scenes in choices.items()}
        names = [scene for scenes in wanted.values() for scene in scenes]
        offered, bought = {path.stem for path in self.unlabelled}, self.bought
        wrong = {name: "is chosen twice" for name in names if names.count(name) > 1}
        wrong |= {name: "is no scene of the town" for name in names if name not in offered}
        wrong |= {name: "is yours already" for name in names if name in bought}
        if wrong:
            name, reason = next(iter(wrong.items()))
            raise BudgetError(f"{name} {reason}: take names of files in {self.folder / 'unlabelled'}, each once.")
        left = BUDGET - len(bought)
        if len(names) > left:
            raise BudgetError(f"{len(names)} labels are more than the {left} that your budget of {BUDGET} has left.")
        rows = [(c, scene) for c, scenes in [*self.choices.items(), *wanted.items()] for scene in scenes]
        table = pd.DataFrame(rows, columns=["choice", "scene"])
        write_atomically(self.folder / BOUGHT, table.to_csv(index=False, lineterminator="\n"))
        self._draw()
        self.keep()

    def subset(self, name: str, bought: Scenes) -> Path:
        """Return a folder with the twelve first scenes and, of those that you bought, the ones that you name.

        So two ways of choosing can be compared: train once with each. Raises BudgetError for a scene not bought, and
        where a folder of that name holds other scenes, since a run may have been trained on them.
        """
        names, folder = named(bought), self.folder / "subsets" / name
        if strange := [scene for scene in names if scene not in self.bought]:
            raise BudgetError(f"{strange[0]} was not bought: choose among town.bought, or take town.choices[...].")
        there = {path.stem for path in (folder / "masks").glob("*.png")}
        if (folder / "pairs.csv").is_file() and there != {*FIRST, *names}:
            raise BudgetError(f"The subset {name} holds other scenes already: give this one a name of its own.")
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
        return pd.DataFrame.from_dict({run.name: diary_row(run) for run in self.runs}, orient="index")

    def views(self) -> int:
        """Return how often scenes have passed through a network in training, over all of your runs."""
        return int(self.diary()["views"].sum()) if self.runs else 0

    def keep(self) -> None:
        """Write what you bought and trained to your Drive, where the page was told to keep it there."""
        keep_town(self.folder)

    def take(self) -> Path:
        """Save what you bought and trained as `snow_town.zip`, which the page takes on your next visit."""
        return take_town(self.folder)

    def run_folder(self, name: str) -> Path:
        """Return the folder of a run. Raises BudgetError for a name that the diary would not find."""
        if Path(name).name != name:
            raise BudgetError(f"'{name}' is no name for a run: use one word, such as by_rule_1440.")
        return self.folder / "runs" / name

    def note_grade(self, run: Path, score: float) -> None:
        """Write down that the hidden scenes were looked at: `hand_in.zip` says how often, with which run, and when."""
        note_grade(self.folder, run.name, score)

    def hand_in(self, run: str | Path, notebook: str | Path = "capstone.ipynb") -> Path:
        """Pack a run, your diary, what you bought, the test report, the notebook and your page into `hand_in.zip`."""
        folder = self.folder / "runs" / Path(run).name
        if folder not in self.runs:
            raise DataError(f"There is no run {folder.name}: you have {', '.join(path.name for path in self.runs)}.")
        return pack_hand_in(self.folder, folder, {"diary.csv": self.diary().to_csv(index_label="run")}, notebook)

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

    def _draw(self) -> None:
        """Draw what is missing of the town, and put each scene in its place; a mask nobody paid for is thrown away."""
        for folder in ("labelled/images", "labelled/masks", "unlabelled"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        masks, others, bought = self.labelled / "masks", self.folder / "unlabelled", self.bought
        paid = {*FIRST, *bought}
        homes = {name: masks / f"{name}.png" if name in paid else others / f"{name}.jpg" for name in self._names}
        if not (missing := [name for name, home in homes.items() if not home.is_file()]):
            return
        with TemporaryDirectory(dir=self.folder) as drawn:
            draw_scenes(missing, Path(drawn))
            for name in missing:
                home = self.labelled / "images" if name in paid else others
                Path(drawn, "images", f"{name}.jpg").replace(home / f"{name}.jpg")
                if name in paid:
                    Path(drawn, "masks", f"{name}.png").replace(masks / f"{name}.png")
        for name in bought:
            (others / f"{name}.jpg").unlink(missing_ok=True)
        write_tables(self.labelled, splits_with(bought))

"""`tiny`: 72 drawn aerial scenes that ship with the course (data/make_tiny.py)."""

from utils.catalog.base import Pair, Source, need_folder
from utils.catalog.tables import read_table
from utils.config import COURSE, Config
from utils.errors import DataError


class Tiny(Source):
    name = "tiny"
    classes = ("ground", "road", "building", "tree", "car", "water")
    palette = ((240, 228, 66), (70, 70, 70), (213, 94, 0), (0, 158, 115), (204, 121, 167), (0, 114, 178))
    license = "CC0 1.0: use it for anything."
    home = "data/README.md"

    def prepare(self) -> None:
        need_folder(self.root, self.name)
        if not (self.root / "splits.csv").is_file():
            raise DataError(
                f"{self.root} has no splits.csv, so it is no copy of data/tiny (`python data/make_tiny.py` draws one). "
                "Pairs of your own are read by train and check (--dataset folder)."
            )

    def labelled(self) -> list[tuple[Pair, str | None]]:
        rows = read_table(self.root / "splits.csv")
        images, masks = self.root / "images", self.root / "masks"
        return [(Pair(images / f"{r['name']}.jpg", masks / f"{r['name']}.png", r["town"]), r["split"]) for r in rows]


def source(config: Config) -> Source:
    """Return the embedded scenes (or a copy of them at `config.root`)."""
    return Tiny(config.root or COURSE / "data" / "tiny")

"""`pets_mini`: 26 photographs of cats and dogs that ship with the course (data/make_pets_mini.py)."""

from pathlib import Path

import numpy as np

from utils.catalog.base import Pair, Source, need_folder
from utils.catalog.pets import Pets, decode_trimap
from utils.catalog.tables import read_table
from utils.config import COURSE, Config
from utils.images import decode_ids


class PetsMini(Source):
    name = "pets_mini"
    classes, palette, license, home = Pets.classes, Pets.palette, Pets.license, Pets.home

    def prepare(self) -> None:
        need_folder(self.root, self.name)

    def labelled(self) -> list[tuple[Pair, str | None]]:
        images, masks = self.root / "images", self.root / "masks"
        return [
            (Pair(images / f"{row['name']}.jpg", masks / f"{row['name']}.png", row["name"]), row["split"])
            for row in read_table(self.root / "splits.csv")
        ]

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        return decode_trimap(decode_ids(raw, path))


def source(config: Config) -> Source:
    """Return the embedded photographs (or a copy of them at `config.root`)."""
    return PetsMini(config.root or COURSE / "data" / "pets_mini")

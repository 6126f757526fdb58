"""`human`: 290 photographs of people, one foreground class (the guided project's data set)."""

import hashlib
from pathlib import Path

import numpy as np

from utils.catalog.base import Pair, Source
from utils.catalog.download import fetch_zip
from utils.catalog.tables import read_table
from utils.config import COURSE, Config
from utils.errors import DataError
from utils.files import content_hashes
from utils.images import decode_binary

COMMIT = "1cc544227a3934ef80dd70fa48a58c0095319407"
URL = f"https://github.com/parth1620/Human-Segmentation-Dataset-master/archive/{COMMIT}.zip"
PREFIX = "Human-Segmentation-Dataset-master/"  # stands before every path in train.csv


class Human(Source):
    name = "human"
    classes = ("background", "person")
    palette = ((0, 0, 0), (230, 159, 0))
    license = "None stated by its authors: for study only, do not pass it on."
    home = "https://github.com/parth1620/Human-Segmentation-Dataset-master"

    def prepare(self) -> None:
        if not (self.root / "train.csv").is_file():
            fetch_zip(URL, self.root, fingerprint, FINGERPRINT)

    def labelled(self) -> list[tuple[Pair, str | None]]:
        try:
            rows = read_table(self.root / "train.csv")
            names = [(row["images"].removeprefix(PREFIX), row["masks"].removeprefix(PREFIX)) for row in rows]
        except (KeyError, AttributeError) as error:
            raise DataError(f"{self.root / 'train.csv'} has no columns 'masks,images': download it again.") from error
        # Byte-identical photographs form one group: they must not land in two splits.
        groups = content_hashes([self.root / image for image, _ in names])
        return [(Pair(self.root / i, self.root / m, group), None) for (i, m), group in zip(names, groups, strict=True)]

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        return decode_binary(raw, path)


def fingerprint(root: Path) -> str:
    """Return the SHA-256 over names and bytes of everything that the course reads below `root`."""
    digest = hashlib.sha256()
    for path in sorted([*root.glob("Training_Images/*.jpg"), *root.glob("Ground_Truth/*.png"), root / "train.csv"]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        if path.is_file():
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


FINGERPRINT = "a5e6615852b2848af3c737bef4d373d183fa574c768a7390729337a43e92788e"


def source(config: Config) -> Source:
    """Return the photographs at `config.root`, or download them to data/human."""
    return Human(config.root or COURSE / "data" / "human")

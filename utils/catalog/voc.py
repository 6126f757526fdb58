"""`voc`: Pascal VOC 2012 or 2011, 20 kinds of things and the background, outlines drawn by hand."""

from pathlib import Path

from torchvision.datasets import VOCSegmentation

from utils.catalog.base import Pair, Source, variant_of
from utils.catalog.download import fetch_tar
from utils.config import COURSE, Config
from utils.errors import DataError
from utils.files import content_hashes

VARIANTS = ("2012", "2011")
OXFORD = "https://thor.robots.ox.ac.uk/pascal/VOC"  # often down: hence the mirrors
OLD_OXFORD = "http://host.robots.ox.ac.uk/pascal/VOC"
MIRRORS = {
    "2012": (
        f"{OXFORD}/voc2012/VOCtrainval_11-May-2012.tar",
        "https://dataset.bj.bcebos.com/voc/VOCtrainval_11-May-2012.tar",
        "http://d2l-data.s3-accelerate.amazonaws.com/VOCtrainval_11-May-2012.tar",
        f"{OLD_OXFORD}/voc2012/VOCtrainval_11-May-2012.tar",
    ),
    "2011": (f"{OXFORD}/voc2011/VOCtrainval_25-May-2011.tar", f"{OLD_OXFORD}/voc2011/VOCtrainval_25-May-2011.tar"),
}
MD5 = {"2012": "6cd6e144f989b92b3379bac3b3de84fd", "2011": "6c3384ef61512963050cb5d687e5bf1e"}
SIZE = {"2012": 1_999_639_040, "2011": 1_800_000_000}  # bytes; that of 2011 is rounded up, for the room it needs
UNPACKED = 500_000_000  # bytes, rounded up: 2,913 pairs of about 83 kB, the mean of 203
FOLDER = {"2012": "VOCdevkit/VOC2012", "2011": "TrainVal/VOCdevkit/VOC2011"}  # below the root, for torchvision


class Voc(Source):
    name = "voc"
    classes = (
        "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
        "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
    )  # fmt: skip
    palette = (
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128),
        (128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0), (64, 0, 128), (192, 0, 128),
        (64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0), (0, 192, 0), (128, 192, 0), (0, 64, 128),
    )  # fmt: skip
    license = "The photographs come from Flickr and keep their owners' terms: for research, do not pass them on."
    home = "http://host.robots.ox.ac.uk/pascal/VOC/"
    val_from_train = True  # the test masks are not public, so the course tests on the published val

    def __init__(self, root: Path, year: str) -> None:
        super().__init__(root)
        self.year = year

    def prepare(self) -> None:
        folder = self.root / FOLDER[self.year]
        if self.root.name in ("VOCdevkit", f"VOC{self.year}"):
            raise DataError(f"{self.root} is inside the data set: set root to the folder that holds VOCdevkit.")
        if not folder.is_dir():
            urls, md5, size = MIRRORS[self.year], MD5[self.year], SIZE[self.year]
            fetch_tar(urls, md5, size, self.root, FOLDER[self.year], wanted=for_segmentation, unpacked=UNPACKED)
        missing = [n for n in ("train", "val") if not (folder / f"ImageSets/Segmentation/{n}.txt").is_file()]
        if missing:
            raise DataError(f"{folder} has no ImageSets/Segmentation/{missing[0]}.txt: download the data set again.")

    def labelled(self) -> list[tuple[Pair, str | None]]:
        rows = []
        for image_set, split in (("train", "train"), ("val", "test")):
            lists = VOCSegmentation(self.root, self.year, image_set, download=False)
            images, masks = ([Path(p) for p in paths] for paths in (lists.images, lists.masks))
            for image, mask, group in zip(images, masks, content_hashes(images), strict=True):
                rows.append((Pair(image, mask, group), split))
        return rows


def for_segmentation(names: list[str]) -> set[str]:
    """Pick from the names in the tar: lists, masks, and the photographs that have one (most have boxes only)."""
    masked = {Path(name).stem for name in names if "/SegmentationClass/" in name}
    photos = {name for name in names if "/JPEGImages/" in name and Path(name).stem in masked}
    return photos | {name for name in names if "/SegmentationClass/" in name or "/ImageSets/Segmentation/" in name}


def source(config: Config) -> Source:
    """Return the photographs of the year that `config.variant` names, or download them; each year has a folder."""
    year = variant_of(config, VARIANTS)
    return Voc(config.root or COURSE / "data" / f"voc{year}", year)

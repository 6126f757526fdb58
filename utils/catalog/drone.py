"""`drone`: aerial photographs with many classes: the Semantic Drone Dataset, or the freely usable AeroScapes."""

import os
from pathlib import Path

import numpy as np

from utils.catalog.base import Pair, Source, variant_of
from utils.catalog.download import fetch_kaggle
from utils.catalog.tables import read_lines
from utils.config import COURSE, Config
from utils.errors import DataError
from utils.formats import list_images
from utils.images import IGNORE_INDEX, decode_ids

VARIANTS = ("semantic", "aeroscapes")
NOTICE = """\
The Semantic Drone Dataset (400 photographs of 6000 x 4000 pixels, about 4 GB) belongs to Graz University of Technology,
Institute of Computer Graphics and Vision: http://dronedataset.icg.tugraz.at. Anybody may use it for non-commercial
purposes, such as research, teaching, publications or personal experiments, and by using it agrees to these terms:
  1. It comes as it is, without warranty; the university is not responsible for errors or omissions.
  2. Whatever work makes use of it refers to it: link to its page.
  3. It must not be passed on, changed or unchanged. What is derived from it may be, such as a trained model, as long
     as that holds none of the data and lets nobody recover them or something like them.
  4. Neither it nor anything derived from it, trained models included, may be used commercially.
  5. All rights that are not granted here stay with the university.
These are all its terms, in our words; the words on its page are the ones that bind."""


class SemanticDrone(Source):
    """Stored ids 1-22 become 0-21; 0 (unlabeled) and 23 (conflicting, which never occurs) are ignored."""

    name = "drone"
    classes = (
        "paved-area", "dirt", "grass", "gravel", "water", "rocks", "pool", "vegetation", "roof", "wall", "window",
        "door", "fence", "fence-pole", "person", "dog", "car", "bicycle", "tree", "bald-tree", "ar-marker", "obstacle",
    )  # fmt: skip
    palette = (
        (128, 64, 128), (130, 76, 0), (0, 102, 0), (112, 103, 87), (28, 42, 168), (48, 41, 30), (0, 50, 89),
        (107, 142, 35), (70, 70, 70), (102, 102, 156), (254, 228, 12), (254, 148, 12), (190, 153, 153),
        (153, 153, 153), (255, 22, 96), (102, 51, 0), (9, 143, 150), (119, 11, 32), (51, 51, 0), (190, 250, 190),
        (112, 150, 146), (2, 135, 115),
    )  # fmt: skip
    license = "Non-commercial use only, models trained on it included; not to be passed on (TU Graz)."
    home = "http://dronedataset.icg.tugraz.at"
    handle = "bulentsiyah/semantic-drone-dataset"

    def prepare(self) -> None:
        if not self.folders():
            ask_to_accept(self.root)
            fetch_kaggle(self.handle, self.root)
        if not self.folders():
            raise DataError(f"{self.root} holds no folder original_images: it is not the Semantic Drone Dataset.")

    def folders(self) -> list[Path]:
        """Return the folder that holds original_images: one, or none."""
        return [path.parent for path in sorted(self.root.glob("**/original_images")) if path.is_dir()][:1]

    def labelled(self) -> list[tuple[Pair, str | None]]:
        (folder,) = self.folders()
        masks = folder / "label_images_semantic"  # ids; the colours beside them are for looking at
        images = list_images(folder / "original_images")
        return [(Pair(image, masks / f"{image.stem}.png", image.stem), None) for image in images]

    def decode(self, raw: np.ndarray, path: Path) -> np.ndarray:
        table = np.full(256, 254, dtype=np.int64)  # out of range: the label check refuses it
        table[1:23] = np.arange(22)
        table[[0, 23]] = IGNORE_INDEX
        return table[np.clip(decode_ids(raw, path), 0, 255)]


class AeroScapes(Source):
    name = "drone"
    classes = (
        "background", "person", "bike", "car", "drone", "boat", "animal", "obstacle", "construction", "vegetation",
        "road", "sky",
    )  # fmt: skip
    palette = (
        (0, 0, 0), (192, 128, 128), (0, 128, 0), (128, 128, 128), (128, 0, 0), (0, 0, 128), (192, 0, 128), (192, 0, 0),
        (192, 128, 0), (0, 64, 0), (128, 128, 0), (0, 128, 128),
    )  # fmt: skip
    license = "CC BY-SA 4.0: share and adapt, commercially too, with attribution, under the same licence."
    home = "https://github.com/ishann/aeroscapes"
    handle = "kooaslansefat/uav-segmentation-aeroscapes"
    val_from_train = True  # published are training and validation

    def prepare(self) -> None:
        if not self.folders():
            fetch_kaggle(self.handle, self.root)
        if not self.folders():
            raise DataError(f"{self.root} holds no folder JPEGImages with SegmentationClass: it is not AeroScapes.")

    def folders(self) -> list[Path]:
        """Return the folder that holds JPEGImages and SegmentationClass: one, or none."""
        found = [path.parent for path in sorted(self.root.glob("**/JPEGImages"))]
        return [folder for folder in found if (folder / "SegmentationClass").is_dir()][:1]

    def labelled(self) -> list[tuple[Pair, str | None]]:
        (folder,) = self.folders()
        rows = []
        for listed, split in (("trn", "train"), ("val", "test")):
            for name in map(Path, read_lines(folder / "ImageSets" / f"{listed}.txt")):
                image, mask = (folder / part / name.stem for part in ("JPEGImages", "SegmentationClass"))
                # 000001_023: the first number stands for the video, as it seems. Its authors do not say.
                rows.append((Pair(image.with_suffix(".jpg"), mask.with_suffix(".png"), name.stem.split("_")[0]), split))
        return rows


def ask_to_accept(root: Path) -> None:
    """Show the terms of the Semantic Drone Dataset; raise DataError unless they are accepted."""
    print(NOTICE, flush=True)
    if os.environ.get("ACCEPT_LICENSE") == "drone":
        return
    try:
        answer = input("Type 'yes' to accept these terms and download: ")
    except (EOFError, RuntimeError):  # nobody is there to answer; notebooks that run by themselves say RuntimeError
        answer = ""
    if answer.strip().lower() != "yes":
        raise DataError(
            "The Semantic Drone Dataset was not downloaded, since its terms were not accepted. Type 'yes' when asked, "
            f"or set the environment variable ACCEPT_LICENSE=drone, or put its files into {root}; or take the freely "
            "usable pictures with variant='aeroscapes'."
        )


def source(config: Config) -> Source:
    """Return the edition that `config.variant` names, or download it; each has a folder of its own."""
    variant = variant_of(config, VARIANTS)
    root = config.root or COURSE / "data" / f"drone-{variant}"
    return SemanticDrone(root) if variant == "semantic" else AeroScapes(root)

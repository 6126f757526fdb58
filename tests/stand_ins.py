"""Small copies of the real data sets, in the layouts of their downloads, for tests that run whole notebooks."""

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 160


def shrink(source: Path, target: Path, mask: bool) -> None:
    """Copy a picture at most SIDE pixels wide and high; a mask keeps its mode, palette and ids."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as picture:
        picture.load()
        scale = min(1.0, SIDE / max(picture.size))
        size = tuple(max(1, round(side * scale)) for side in picture.size)
        picture.resize(size, Image.Resampling.NEAREST if mask else Image.Resampling.BILINEAR).save(target)


def small_human(real: Path, root: Path) -> None:
    prefix = "Human-Segmentation-Dataset-master/"
    with (real / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::8]
    for row in rows:
        for kind in ("images", "masks"):
            shrink(real / row[kind].removeprefix(prefix), root / row[kind].removeprefix(prefix), kind == "masks")
    lines = ["masks,images", *(f"{row['masks']},{row['images']}" for row in rows)]
    (root / "train.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def small_voc(real: Path, root: Path) -> None:
    inner = Path("VOCdevkit") / "VOC2012"
    lists = inner / "ImageSets" / "Segmentation"
    (root / lists).mkdir(parents=True)
    for name, step in (("train", 7), ("val", 3)):
        stems = (real / lists / f"{name}.txt").read_text(encoding="utf-8").split()[::step]
        (root / lists / f"{name}.txt").write_text("\n".join(stems), encoding="utf-8")
        for stem in stems:
            shrink(real / inner / "JPEGImages" / f"{stem}.jpg", root / inner / "JPEGImages" / f"{stem}.jpg", False)
            mask = inner / "SegmentationClass" / f"{stem}.png"
            shrink(real / mask, root / mask, True)


def small_pets(real: Path, root: Path) -> None:
    for path in real.rglob("*"):
        target = root / path.relative_to(real)
        if path.suffix == ".jpg":
            shrink(path, target, False)
        elif path.suffix == ".png" and "trimaps" in path.parts:
            shrink(path, target, True)
        elif path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    lists = root / "oxford-iiit-pet" / "annotations"
    names = (lists / "trainval.txt").read_text().splitlines() + (lists / "test.txt").read_text().splitlines()[:9]
    (lists / "trainval.txt").write_text("\n".join(names) + "\n")  # 13 for training alone would be few
    rest = (lists / "test.txt").read_text().splitlines()[9:]
    (lists / "test.txt").write_text("\n".join(rest) + "\n")


def small_camvid(real: Path, root: Path) -> None:
    for path in real.rglob("*"):
        target = root / path.relative_to(real)
        if path.suffix == ".png":
            shrink(path, target, "annot" in path.parent.name)
        elif path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def small_drone(tiny: Path, root: Path) -> None:
    """Drawn scenes with the published ids of the Semantic Drone Dataset."""
    folder = root / "dataset" / "semantic_drone_dataset"
    for name in ("original_images", "label_images_semantic"):
        (folder / name).mkdir(parents=True)
    ids = np.array([1, 9, 17, 19, 5, 15] + [0] * 250, dtype=np.uint8)
    for number, image in enumerate(sorted((tiny / "images").glob("*.jpg"))[::2]):
        with Image.open(image) as picture:
            picture.resize((240, 160)).save(folder / "original_images" / f"{number:03d}.jpg")
        with Image.open(tiny / "masks" / f"{image.stem}.png") as mask:
            stored = Image.fromarray(ids[np.array(mask)]).resize((240, 160), Image.Resampling.NEAREST)
            stored.save(folder / "label_images_semantic" / f"{number:03d}.png")


SMALL = {"human": small_human, "voc": small_voc, "pets": small_pets, "camvid": small_camvid, "drone": small_drone}

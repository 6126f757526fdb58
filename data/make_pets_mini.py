"""Make data/pets_mini: 26 photographs of Oxford-IIIT Pet, small enough to ship, with their trimaps.

Usage: python data/make_pets_mini.py ROOT, where ROOT holds `oxford-iiit-pet` (data/README.md says where to get it).
"""

import csv
import sys
from pathlib import Path

from PIL import Image, ImageDraw

TARGET = Path(__file__).resolve().parent / "pets_mini"
LONGEST_SIDE = 256
# By breed as far as they go: those of `val` are in no other split, and `test` shares its second breed with `train`.
SPLITS = {
    "val": ("Abyssinian_1", "Abyssinian_11", "Bengal_185", "Bombay_182"),
    "test": ("american_bulldog_136", "British_Shorthair_102", "British_Shorthair_103", "British_Shorthair_104"),
}


def split_of(name: str) -> str:
    """Return the split of a photograph; what is named nowhere trains."""
    return next((split for split, names in SPLITS.items() if name in names), "train")


def shrink(source: Path, target: Path, resampling: Image.Resampling) -> None:
    """Write a picture of at most 256 pixels a side, in proportion."""
    picture = Image.open(source)
    scale = min(1, LONGEST_SIDE / max(picture.size))
    size = (round(picture.width * scale), round(picture.height * scale))
    target.parent.mkdir(parents=True, exist_ok=True)
    picture.resize(size, resampling).save(target, quality=88, optimize=True)


def draw_cat(side: int = 1024) -> Image.Image:
    """Draw a cat with a few lines, as a child would: a picture on which a network trained on photographs fails."""
    picture = Image.new("RGB", (side, side), "white")
    pen, unit = ImageDraw.Draw(picture), side / 100
    line = {"outline": "black", "width": round(0.9 * unit)}

    def scaled(*numbers: float) -> list[float]:
        return [number * unit for number in numbers]

    pen.ellipse(scaled(34, 48, 74, 92), fill="white", **line)  # the body
    pen.arc(scaled(62, 50, 94, 90), 210, 60, fill="black", width=round(2 * unit))  # the tail
    pen.polygon(scaled(27, 34, 27, 10, 44, 23), fill="white", **line)  # the ears
    pen.polygon(scaled(67, 34, 67, 10, 50, 23), fill="white", **line)
    pen.ellipse(scaled(24, 19, 70, 57), fill="white", **line)  # the head
    for x in (37, 53):
        pen.ellipse(scaled(x, 32, x + 5, 39), fill="black")
    pen.polygon(scaled(44, 43, 50, 43, 47, 46), fill="black")
    for y in (42, 45, 48):
        pen.line(scaled(12, 2 * y - 46, 38, y), fill="black", width=round(0.5 * unit))
        pen.line(scaled(82, 2 * y - 46, 56, y), fill="black", width=round(0.5 * unit))
    return picture.resize((360, 360), Image.Resampling.LANCZOS)


def main(root: Path) -> None:
    """Read the photographs and trimaps below `root`, write the small ones, and draw the cat."""
    rows = []
    for image in sorted((root / "oxford-iiit-pet" / "images").glob("*.jpg")):
        trimap = root / "oxford-iiit-pet" / "annotations" / "trimaps" / f"{image.stem}.png"
        shrink(image, TARGET / "images" / image.name, Image.Resampling.LANCZOS)
        shrink(trimap, TARGET / "masks" / trimap.name, Image.Resampling.NEAREST)
        rows.append((image.stem, split_of(image.stem)))
    with (TARGET / "splits.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("name", "split"), *rows])
    draw_cat().save(TARGET / "unseen" / "drawing.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

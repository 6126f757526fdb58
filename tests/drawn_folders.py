"""Small folders of six scenes, 48 x 64: a disc (class 1) and a box (class 2) on ground (class 0)."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (48, 64)
COUNT = 6
GREYS = np.array([(70, 160, 60), (200, 90, 60), (60, 90, 200)])
COLOURS = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0)], np.uint8)


def ids(number: int) -> np.ndarray:
    """The class ids of a scene: uint8 (48, 64)."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    found = np.zeros(SIZE, np.uint8)
    found[np.hypot(y - 14, x - 14 - 3 * number) < 9] = 1
    found[28:42, 30 : 50 - number] = 2
    return found


def image(number: int) -> np.ndarray:
    """The picture of a scene: uint8 (48, 64, 3)."""
    noise = np.random.default_rng(number).normal(0, 8, (*SIZE, 3))
    return np.clip(GREYS[ids(number)] + noise, 0, 255).astype(np.uint8)


def save(path: Path, values: np.ndarray | Image.Image, **options: object) -> None:
    """Write an array or a Pillow image, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = values if isinstance(values, Image.Image) else Image.fromarray(values)
    picture.save(path, **options)


def draw(
    root: Path,
    encode: Callable[[np.ndarray, int], np.ndarray | Image.Image] = lambda mask, number: mask,
    image_name: str = "images/{}.png",
    mask_name: str = "masks/{}.png",
    **options: object,
) -> Path:
    """Write six pairs; `encode(ids, number)` makes what the mask's file holds."""
    for number in range(COUNT):
        save(root / image_name.format(number), image(number))
        save(root / mask_name.format(number), encode(ids(number), number), **options)
    return root


def palette(mask: np.ndarray, colours: np.ndarray) -> Image.Image:
    """A palette image of ids."""
    picture = Image.fromarray(mask, mode="P")
    picture.putpalette(np.asarray(colours, np.uint8).ravel().tolist())
    return picture


def table(root: Path, *rows: tuple, name: str = "classes.csv", delimiter: str = ",") -> Path:
    """Write a csv."""
    with (root / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return root

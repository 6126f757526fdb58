"""The traps of notebook 2: masks that are wrong though no rule is broken, and folders to be read."""

import copy
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from exercises.figures.notebook_2 import near_middle
from utils import catalog
from utils.catalog.base import Pair, Source
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import DataError
from utils.images import IGNORE_INDEX
from utils.plots import legend, overlay, show_images

RING = 2  # pixels, the width of an ignored ring
STORED = 128  # pixels on each side of the files of a folder that is read once
MARGIN = 0.1  # of each side, which is not shown: the edge of a moved mask would give it away


def spoil(source: Source, suspects: Sequence[Pair]) -> Source:
    """Return a copy of a data set that reads two masks wrongly: the second moved, the last taken from elsewhere.

    It is spoiled in memory alone: no file is changed.
    """
    elsewhere = next((pair for pair in source.pairs("train") if pair not in suspects), suspects[0])
    donor, moved, other = (read_pair(pair, source)[1] for pair in (elsewhere, suspects[1], suspects[-1]))
    step = round(moved.shape[1] / 32)
    wrong = {
        suspects[1].mask: np.pad(moved, ((0, 0), (step, 0)), constant_values=IGNORE_INDEX)[:, : moved.shape[1]],
        suspects[-1].mask: cv2.resize(donor, other.shape[::-1], interpolation=cv2.INTER_NEAREST),
    }
    spoiled = copy.copy(source)
    spoiled.read_ids = lambda path: wrong[path].astype(np.int64) if path in wrong else source.read_ids(path)
    return spoiled


def plot_suspects(suspects: Sequence[Pair], source: Source) -> Figure:
    """Show the overlays of four pairs as a source reads them, named A to D, in two rows and without their edges."""
    views = []
    for pair in suspects:
        image, mask = read_pair(pair, source)
        top, left = (round(side * MARGIN) for side in mask.shape)
        middle = (slice(top, -top), slice(left, -left))
        views.append(overlay(image[middle], mask[middle], source.palette))
    titles = [f"{letter}   {pair.image.name}" for letter, pair in zip("ABCD", suspects, strict=False)]
    figure = show_images(views, titles, columns=2, size=3.3)
    legend(figure, source.classes, source.palette, ncols=6, columnspacing=1, handlelength=1.5)
    return figure


def name_suspects(figure: Figure, suspects: Sequence[Pair]) -> Figure:
    """Put the letters A to D of the trap behind the names of its files in a figure of the extremes, and widen it."""
    letters = {pair.image.name: letter for letter, pair in zip("ABCD", suspects, strict=False)}
    for ax in figure.axes:
        name, *reasons = ax.get_title().split("\n")
        if name in letters:
            ax.set_title("\n".join([f"{name} ({letters[name]})", *reasons]), fontsize=ax.title.get_fontsize())
    figure.set_size_inches(9, 4.4)
    return figure


def forget_one(mask: np.ndarray) -> np.ndarray:
    """Return a copy of a mask of ids, (H, W), in whose `near_middle` one object of the rarest class was not labelled.

    Its pixels, and the ignored ring around it, get the class that lies around them, as where somebody overlooked it.
    """
    window = near_middle(mask.shape)
    middle = mask[window]
    seen, counts = np.unique(middle[middle != IGNORE_INDEX], return_counts=True)
    for index in seen[counts.argsort()]:
        _, parts, boxes, _ = cv2.connectedComponentsWithStats((middle == index).astype(np.uint8))
        for part, (x, y, width, height, _) in enumerate(boxes[1:], 1):  # from the top of the picture to its bottom
            if min(x, y, middle.shape[1] - x - width, middle.shape[0] - y - height) < RING * 2:
                continue  # it may go on outside
            thing = (parts == part).astype(np.uint8)
            near, ring = (cv2.dilate(thing, np.ones((2 * by + 1, 2 * by + 1))) > 0 for by in (2 * RING, RING))
            around = middle[near & (middle != index) & (middle != IGNORE_INDEX)]
            if around.size:
                forgotten = mask.copy()
                lost = (thing > 0) | (ring & (middle == IGNORE_INDEX))
                forgotten[window][lost] = np.bincount(around).argmax()
                return forgotten
    return mask


def how_read(pictures: Sequence[np.ndarray], masks: Sequence[np.ndarray], mask_values: str | None = None) -> str:
    """Store pairs, uint8 (H, W, 3) and (H, W), as small PNG files, and say how the course reads the masks.

    Where it stops with a question, the question is returned. The folder exists only for this long.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, arrays in (("images", pictures), ("masks", masks)):
            (Path(folder) / name).mkdir()
            for number, array in enumerate(arrays):
                small = cv2.resize(array, (STORED, STORED), interpolation=cv2.INTER_NEAREST)
                Image.fromarray(small).save(Path(folder) / name / f"{number}.png")
        try:
            source = catalog.load(Config(dataset="folder", root=folder, mask_values=mask_values))
        except DataError as question:
            return str(question).replace(folder, "the folder")
        return dict(source.describe())["masks"]

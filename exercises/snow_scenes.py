"""The scenes of the capstone's town: their names, their files, and the tables that say what they mean.

Everything is drawn by data/make_tiny.py where it is needed: what nobody has paid for lies in no file.
"""

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from utils.catalog.tiny import Tiny
from utils.config import COURSE
from utils.errors import DataError

TOWN = "town13"
LABELLED, VALIDATION = 12, 3  # scenes that come with a mask, and how many of them are for validation


def scene_names(first: int, count: int) -> list[str]:
    """Return the names of `count` scenes from a number on, such as town13_007."""
    return [f"{TOWN}_{number:03d}" for number in range(first, first + count)]


FIRST = scene_names(0, LABELLED)


def splits_with(bought: Iterable[str]) -> dict[str, str]:
    """Return the split of each labelled scene: what was bought trains, and three of the first twelve validate."""
    return {name: "val" if name in FIRST[-VALIDATION:] else "train" for name in [*FIRST, *bought]}


def draw_scenes(names: Sequence[str], folder: Path) -> None:
    """Draw scenes, on all cores, into the folder's `images` and `masks`. Raises DataError where that fails."""
    cores = os.cpu_count() or 1
    command = [sys.executable, str(COURSE / "data" / "make_tiny.py"), "--out", str(folder), "--scenes"]
    running = [
        subprocess.Popen([*command, *share], stderr=subprocess.PIPE, text=True)
        for core in range(cores)
        if (share := names[core::cores])
    ]
    for process in running:
        _, words = process.communicate()
        if process.returncode:
            last = (words.strip().splitlines() or [f"code {process.returncode}"])[-1]
            reason = last.partition(": ")[2] or last
            raise DataError(f"The scenes could not be drawn into {folder} ({reason}). Choose another folder or disk.")


def write_tables(folder: Path, splits: dict[str, str]) -> None:
    """Write `classes.csv` and `pairs.csv`, which say what the masks mean and which split each pair is in."""
    tables = {
        "classes.csv": [("id", "name", "r", "g", "b")]
        + [(i, name, *colour) for i, (name, colour) in enumerate(zip(Tiny.classes, Tiny.palette, strict=True))],
        "pairs.csv": [("image", "mask", "split")]
        + [(f"images/{name}.jpg", f"masks/{name}.png", split) for name, split in splits.items()],
    }
    for file, rows in tables.items():
        with (folder / file).open("w", newline="", encoding="utf-8") as opened:
            csv.writer(opened, lineterminator="\n").writerows(rows)

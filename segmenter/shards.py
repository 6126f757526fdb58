"""Many small files in few large ones: WebDataset shards, for disks and networks that open files slowly.

A shard is a plain tar: of every pair `KEY.image.jpg` (the bytes as they were) and `KEY.mask.png` (class ids), one after
the other, as the library WebDataset reads them. Beside the shards lie `pairs.csv` (image, mask, split, group) and
`classes.csv`, so that the data set 'folder' reads them like files: a path is SHARD.tar/MEMBER.
"""

import csv
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm.auto import tqdm

from segmenter.report.gallery import PICTURES
from utils.dataset import read_pair
from utils.errors import DataError
from utils.files import read_bytes
from utils.images import shrink_pair

if TYPE_CHECKING:
    from utils.catalog.base import Pair, Source

Files = dict[str, bytes]


def write_shards(source: "Source", folder: Path, max_side: int | None = None, megabytes: int = 256) -> list[Path]:
    """Pack every pair into shards of about `megabytes` MB each and return them, in order; the source stays as it is.

    With `max_side` larger pictures are shrunk first, in proportion, and stored as PNG. Everything is written beside
    `folder` and moved there at the end: a crash leaves nothing half. Raises DataError for faulty pairs, a folder
    that is in use, and a full disk.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not empty: name a new folder for the shards.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as work:
            half = Path(work) / "shards"
            half.mkdir()
            names = fill(source, half, max_side, megabytes * 1_000_000)
            if folder.exists():
                folder.rmdir()
            shutil.move(half, folder)
    except OSError as error:
        raise DataError(f"Could not write shards to {folder}: {error.strerror or error}. Free some space.") from error
    return [folder / name for name in names]


def fill(source: "Source", folder: Path, max_side: int | None, limit: int) -> list[str]:
    """Write shards and tables into an empty folder; return the names of the shards."""
    rows, shards = [], []
    for split, pairs in source.assigned().items():
        packed = (pack(pair, source, max_side) for pair in tqdm(pairs, f"packing {split}", leave=False, delay=2))
        for part in batched_by_size(packed, limit):
            shards.append(f"{split}-{sum(name.startswith(split) for name in shards):06d}.tar")
            with tarfile.open(folder / shards[-1], "w", format=tarfile.USTAR_FORMAT) as shard:
                for number, files in part:
                    for ending, data in files.items():
                        facts = tarfile.TarInfo(f"{number:09d}.{ending}")  # no time, no owner: always the same bytes
                        facts.size = len(data)
                        shard.addfile(facts, io.BytesIO(data))
                    image, mask = (f"{shards[-1]}/{number:09d}.{ending}" for ending in files)
                    rows.append((image, mask, split, pairs[number].group, source.relative(pairs[number].image)))
    write_table(folder / "pairs.csv", [("image", "mask", "split", "group", "original"), *rows])
    table = [(name, *colour) for name, colour in zip(source.classes, source.palette, strict=True)]
    write_table(folder / "classes.csv", [("name", "r", "g", "b"), *table])
    return shards


def batched_by_size(packed: Iterable[Files], limit: int) -> Iterator[Iterator[tuple[int, Files]]]:
    """Deal numbered files out into parts of at most `limit` bytes, one item at the least; each must be used up."""
    numbered = enumerate(packed)
    waiting = next(numbered, None)

    def part() -> Iterator[tuple[int, Files]]:
        nonlocal waiting
        used = 0
        while waiting is not None and (used == 0 or used + size_of(waiting) <= limit):
            used += size_of(waiting)
            yield waiting
            waiting = next(numbered, None)

    while waiting is not None:
        yield part()


def size_of(item: tuple[int, Files]) -> int:
    """Return the bytes of one numbered pair."""
    return sum(len(data) for data in item[1].values())


def pack(pair: "Pair", source: "Source", max_side: int | None) -> Files:
    """Return what a shard holds of a pair: {"image.jpg": its bytes, "mask.png": ids as a PNG of the same size}."""
    image, mask = read_pair(pair, source)
    if max_side and max(mask.shape) > max_side:
        image, mask = shrink_pair(image, mask, max_side)
        return {"image.png": png(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)), "mask.png": png(mask)}
    ending = pair.image.suffix.lower()
    data = read_bytes(pair.image) if ending in PICTURES else png(cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return {f"image{ending if ending in PICTURES else '.png'}": data, "mask.png": png(mask)}


def png(values: np.ndarray) -> bytes:
    """Encode uint8 (H, W) or BGR (H, W, 3) without loss."""
    return cv2.imencode(".png", values)[1].tobytes()


def write_table(path: Path, rows: list[tuple]) -> None:
    """Write rows as a csv."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)

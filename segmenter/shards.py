"""Many small files in few large ones: WebDataset shards, for disks and networks that open files slowly.

A shard is a plain tar: of every pair `KEY.image.jpg` (the bytes as they were) and `KEY.mask.png` (class ids), one after
the other, as the library WebDataset reads them. Beside the shards lie `pairs.csv` (image, mask, split, group) and
`classes.csv`, so that the data set 'folder' reads them like files: a path is SHARD.tar/MEMBER.
"""

import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from utils.catalog.base import Pair, Source
from utils.dataset import read_pair
from utils.errors import ConfigError, DataError
from utils.files import read_bytes
from utils.formats import IMAGE_SUFFIXES
from utils.images import shrink_pair


def write_shards(source: Source, folder: Path, max_side: int | None = None, megabytes: int = 256) -> list[Path]:
    """Pack every pair into shards of at most about `megabytes` MB and return them, in order; the source stays as it is.

    With `max_side` larger images are shrunk first, in proportion, and stored as PNG. Everything is written beside
    `folder` and moved there at the end, so that a crash leaves no unfinished folder. Raises ConfigError for a size
    that is none, and DataError for faulty pairs, a folder that is in use, and a full disk.
    """
    if megabytes < 1:
        raise ConfigError(f"megabytes={megabytes}: a shard needs at least 1 MB.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is not empty: name a new folder for the shards.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as work:
            finished = Path(work) / "shards"
            finished.mkdir()
            names = fill_folder(source, finished, max_side, megabytes * 1_000_000)
            if folder.exists():
                folder.rmdir()
            shutil.move(finished, folder)
    except OSError as error:
        raise DataError(f"Could not write shards to {folder}: {error.strerror or error}. Free some space.") from error
    return [folder / name for name in names]


def fill_folder(source: Source, folder: Path, max_side: int | None, limit: int) -> list[str]:
    """Write shards of at most `limit` bytes, and the tables, into an empty folder; return the names of the shards."""
    rows, shards = [], []
    for split, pairs in source.assigned().items():
        with ShardWriter(folder, split, limit) as writer:
            for number, pair in enumerate(tqdm(pairs, f"packing {split}", leave=False, delay=2)):
                image, mask = writer.write(f"{number:09d}", pack(pair, source, max_side))
                rows.append((image, mask, split, pair.group, source.relative(pair.image)))
        shards += writer.names
    pairs_table = pd.DataFrame(rows, columns=["image", "mask", "split", "group", "original"])
    classes_table = pd.DataFrame(source.palette, columns=["r", "g", "b"]).rename_axis("id")
    classes_table.insert(0, "name", source.classes)
    # A name may hold any bytes.
    pairs_table.to_csv(folder / "pairs.csv", index=False, lineterminator="\n", errors="backslashreplace")
    classes_table.to_csv(folder / "classes.csv", lineterminator="\n")
    return shards


class ShardWriter:
    """Writes samples into NAME-000000.tar, NAME-000001.tar and so on; use it in a `with` block.

    A new shard begins before one would hold more than `limit` bytes of samples; each holds one sample at the least.
    The same samples always give the same bytes, since no time and no owner is written.
    """

    def __init__(self, folder: Path, name: str, limit: int) -> None:
        self.folder, self.name, self.limit = folder, name, limit
        self.names: list[str] = []
        self.shard: tarfile.TarFile | None = None
        self.size = 0  # bytes of the samples in the open shard

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish the shard that is open."""
        if self.shard is not None:
            self.shard.close()
            self.shard = None

    def write(self, key: str, files: dict[str, bytes]) -> list[str]:
        """Add the files of a sample, {ending: bytes}, and return their paths, SHARD.tar/KEY.ENDING."""
        size = sum(len(content) for content in files.values())
        if self.shard is None or self.size + size > self.limit:
            self.close()
            self.names.append(f"{self.name}-{len(self.names):06d}.tar")
            path = self.folder / self.names[-1]
            self.shard = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115  (`close` closes it)
            self.size = 0
        self.size += size
        for ending, content in files.items():
            member = tarfile.TarInfo(f"{key}.{ending}")
            member.size = len(content)
            self.shard.addfile(member, io.BytesIO(content))
        return [f"{self.names[-1]}/{key}.{ending}" for ending in files]


def pack(pair: Pair, source: Source, max_side: int | None) -> dict[str, bytes]:
    """Return what a shard holds of a pair: {"image.jpg": its bytes, "mask.png": ids as a PNG of the same size}."""
    image, mask = read_pair(pair, source)
    ending = pair.image.suffix.lower()
    if max_side and max(mask.shape) > max_side:
        image, mask = shrink_pair(image, mask, max_side)
        ending = ""
    if ending in IMAGE_SUFFIXES:
        return {f"image{ending}": read_bytes(pair.image), "mask.png": encode_png(mask)}
    return {"image.png": encode_png(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)), "mask.png": encode_png(mask)}


def encode_png(values: np.ndarray) -> bytes:
    """Encode uint8 (H, W) or BGR (H, W, 3) without loss."""
    return cv2.imencode(".png", values)[1].tobytes()

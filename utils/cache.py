"""Decode every pair once, and keep what came of it: in memory, or in one file that every process maps (notebook 4).

A store lies in data/.cache, or where the environment variable CACHE_FOLDER points. Its name is a hash of what the files
hold and of every setting that changes what comes out of them, so it is never out of date; other settings make another
store. The folder may be deleted at any time.
"""

import multiprocessing
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from filelock import FileLock
from tqdm.auto import tqdm

from utils.config import COURSE
from utils.errors import DataError

CACHE_BYTES = 2 * 1024**3  # more than this goes to disk
SPARE_BYTES = 64 * 1024**2  # disk that a store leaves free
Arrays = tuple[np.ndarray, np.ndarray]


class Store:
    """Decoded pairs in one memory-mapped file: `store[index]` gives read-only uint8 (H, W, 3) and (H, W).

    A store costs almost no memory of its own: the operating system keeps the pages that are in use, for all processes
    together. Workers that are spawned open the file themselves.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = np.load(folder / "index.npy")  # int64 (N, 3): first byte, height, width
        self.nbytes = sum(4 * int(h) * int(w) for _, h, w in self.index)
        if (folder / "pixels.bin").stat().st_size != self.nbytes:
            raise ValueError("cut off")
        # An empty file cannot be mapped, and a split may hold no pair.
        self.pixels = (
            np.memmap(folder / "pixels.bin", dtype=np.uint8, mode="r") if self.nbytes else np.empty(0, np.uint8)
        )

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, index: int) -> bool:
        return 0 <= index < len(self)

    def __getitem__(self, index: int) -> Arrays:
        start, height, width = (int(v) for v in self.index[index])
        middle, end = start + 3 * height * width, start + 4 * height * width
        image = self.pixels[start:middle].reshape(height, width, 3)
        return image.view(np.ndarray), self.pixels[middle:end].reshape(height, width).view(np.ndarray)

    def __reduce__(self) -> tuple:
        return Store, (self.folder,)


def cache_folder() -> Path:
    """Return the folder of all stores."""
    return Path(os.environ.get("CACHE_FOLDER", COURSE / "data" / ".cache"))


def choose_cache(kind: str, size: int, workers: int) -> str:
    """Say where `size` bytes of decoded pairs are kept, 'ram', 'disk' or 'none', as `Config.cache` asks.

    'auto' takes memory for what is small, unless several processes would each hold a copy. Raises DataError for 'ram'
    without enough memory.
    """
    free = psutil.virtual_memory().available
    if kind == "ram" and size > free:
        raise DataError(
            f"The decoded pairs take {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free: "
            "set cache='disk', or a smaller image_size or max_side."
        )
    if kind != "auto":
        return kind
    spawned = workers > 0 and multiprocessing.get_start_method() != "fork"
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return "disk" if size > min(CACHE_BYTES, free // 2) or spawned or ranks > 1 else "ram"


def open_store(name: str, size: int, pairs: Iterable[Arrays]) -> Store:
    """Return the store of a name, filled with `pairs` if it is not there: by one process while others wait for it.

    Raises DataError for faulty pairs, and where the disk has no room for `size` bytes.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{name}.lock"):  # the system frees the lock of a process that was killed
            return find_store(folder / name) or build_store(folder / name, size, pairs)
    except OSError as error:
        raise DataError(
            f"Could not keep decoded pairs in {folder} ({error.strerror or error}): free {size / 1e9:.1f} GB there, "
            "let CACHE_FOLDER point elsewhere, or set cache='none'."
        ) from error


def find_store(folder: Path) -> Store | None:
    """Return a complete store if one is there; a damaged one is removed."""
    if not folder.is_dir():
        return None
    try:
        return Store(folder)
    except (OSError, ValueError, EOFError):
        print(f"The decoded pairs in {folder} are damaged: decoding again.", flush=True)
        shutil.rmtree(folder)
        return None


def build_store(folder: Path, size: int, pairs: Iterable[Arrays]) -> Store:
    """Write every pair into a partial folder beside, and put it in place when it is complete."""
    for left_over in folder.parent.glob(f"{folder.name}.partial*"):
        shutil.rmtree(left_over)
    free = shutil.disk_usage(folder.parent).free
    if size + SPARE_BYTES > free:
        raise OSError(None, f"{free / 1e9:.1f} GB are free")
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir()
    try:
        with (partial / "pixels.bin").open("wb") as file:
            index, end = [], 0
            for image, mask in pairs:
                file.write(np.ascontiguousarray(image))
                file.write(np.ascontiguousarray(mask))
                index.append((end, *mask.shape))
                end += 4 * mask.size
            file.flush()
            os.fsync(file.fileno())
        with (partial / "index.npy").open("wb") as file:
            np.save(file, np.array(index, dtype=np.int64).reshape(-1, 3))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if end > 1e9:
        print(f"Decoded pairs are kept in {folder} ({end / 1e9:.1f} GB): delete it whenever you like.", flush=True)
    return Store(folder)


def decode_all(decode: Callable[[int], Arrays], count: int) -> Iterator[Arrays]:
    """Decode `count` pairs, in threads, in order; raise DataError at the end with the first fault and how many."""
    faults: list[str] = []

    def visit(index: int) -> Arrays | None:
        try:
            return decode(index)
        except DataError as error:
            faults.append(str(error))
            return None

    for pair in tqdm(map_in_order(visit, range(count)), "reading", count, leave=False, delay=2):
        if pair is not None:
            yield pair
    if faults:
        more = f" ({len(faults)} files have faults; `python -m segmenter check` lists them all)"
        raise DataError(sorted(faults)[0] + (more if len(faults) > 1 else ""))


def map_in_order(function: Callable[[int], Any], items: Sequence[int]) -> Iterator[Any]:
    """Map in threads, in order, with only a few results waiting: `Executor.map` would pile all of them up."""
    with ThreadPoolExecutor() as pool:
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * (os.cpu_count() or 1):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

"""From files to tensors: read, decode, split and serve pairs (notebook 4)."""

import io
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset

from utils.cache import Store, choose_cache, decoded_size, open_store, read_all
from utils.errors import DataError

if TYPE_CHECKING:
    from utils.catalog.base import Pair, Source

IGNORE_INDEX = 255
PICTURES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}
Transform = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def open_picture(path: Path) -> Image.Image:
    """Return a fully decoded picture; `info["bits"]` is 16 where a colour picture was stored with 16 bits a channel.

    Raises DataError for a missing, empty, cut-off or foreign file.
    """
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the folder, or remove it from the list.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Replace it, or remove it.") from None
    try:
        with Image.open(io.BytesIO(data)) as picture:
            deep, pages = ";16" in str(picture.tile), count_pages(picture)
            picture.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        what = "is empty (0 bytes)" if not data else f"cannot be read ({error})"
        if data[:512].lstrip().lower().startswith((b"<!doctype", b"<html")):
            what = "is a web page, not a picture"
        what = re.sub(r"<_io.BytesIO object at \w+>", repr(path.name), what)
        raise DataError(f"{path} {what}. Replace it with a complete image file, or remove it.") from None
    if pages > 1:
        raise DataError(
            f"{path} holds {pages} pictures (an animation, or pages). Save the one you mean as its own file."
        )
    if deep and not picture.mode.startswith("I"):
        picture.info["bits"] = 16
    return picture


def count_pages(picture: Image.Image) -> int:
    """Count the pictures in an open file, without previews, smaller copies and what a phone adds to a photograph."""
    if picture.format in ("MPO", "ICO", "ICNS"):
        return 1
    pages = getattr(picture, "n_frames", 1)
    if picture.format == "TIFF" and pages > 1:
        kinds = []
        for page in range(pages):
            picture.seek(page)
            kinds.append(picture.tag_v2.get(254, 0))  # NewSubfileType: 1 a smaller copy, 4 a mask
        picture.seek(0)
        pages = max(1, sum(kind & 5 == 0 for kind in kinds))
    return pages


def in_shard(path: Path) -> bool:
    """Say whether a path is a member of a tar, SHARD.tar/MEMBER, and no file of its own."""
    return path.parent.suffix == ".tar"


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file, or of a member of a tar: SHARD.tar/MEMBER (see utils/shards.py)."""
    if in_shard(path):
        from utils.shards import read_member

        return read_member(path)
    return path.read_bytes()


def header_size(path: Path) -> tuple[int, int]:
    """Return (height, width) of a picture from its header alone, or (0, 0) where it has none."""
    try:
        with Image.open(io.BytesIO(read_bytes(path)) if in_shard(path) else path) as picture:
            return picture.height, picture.width
    except (OSError, ValueError, SyntaxError, DataError, Image.DecompressionBombError):
        return 0, 0  # reading the pair will say what is wrong


def pictures_in(folder: Path) -> list[Path]:
    """Return the picture files of a folder in order; hidden and other files are passed over."""
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in PICTURES and not p.name.startswith("."))


def read_image(path: str | Path) -> np.ndarray:
    """Return a photograph as uint8 (H, W, 3) RGB, turned upright as its EXIF data says.

    Grey becomes RGB, a fourth channel (alpha, infrared) is dropped, and 16 bits become 8: the largest value of the
    picture becomes 255. Raises DataError for a file that is no picture.
    """
    path = Path(path)
    picture = open_picture(path)
    if picture.info.get("bits") == 16:  # Pillow has dropped the lower 8 bits, OpenCV keeps them
        values = cv2.imdecode(np.frombuffer(read_bytes(path), np.uint8), cv2.IMREAD_UNCHANGED)
        return to_eight_bits(values[..., 2::-1])
    return picture_to_rgb(picture)


def picture_to_rgb(picture: Image.Image) -> np.ndarray:
    """Return a Pillow picture of any mode as uint8 (H, W, 3) RGB, turned upright as its EXIF data says."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        return np.repeat(to_eight_bits(np.asarray(picture))[..., None], 3, axis=2)
    return np.array(picture.convert("RGB"))


def to_eight_bits(values: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Scale numbers of any kind to uint8, the same shape: the largest becomes 255, what is no number 0.

    `largest` is that of the whole picture, where only a part of it is given.
    """
    values = np.nan_to_num(values.astype(np.float32), posinf=0.0).clip(min=0)
    largest = float(values.max()) if largest is None else largest
    return (values / max(largest, 1.0) * 255).clip(max=255).astype(np.uint8)


def to_rgb(array: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Bring an array of (H, W), or (H, W, C) with 1 to 4 channels, to uint8 (H, W, 3).

    One channel is grey; a second or fourth one (alpha, infrared) is dropped; more than 8 bits are scaled.
    Raises DataError for what is no picture.
    """
    refuse_no_picture(array)
    if array.dtype != np.uint8:
        array = to_eight_bits(array, largest)
    if array.ndim == 2:
        array = array[..., None]
    return array[..., :3] if array.shape[2] >= 3 else np.repeat(array[..., :1], 3, axis=2)


def refuse_no_picture(array: np.ndarray) -> None:
    """Raise DataError unless an array is uint8 or uint16, (H, W) or (H, W, C) with 1 to 4 channels, and has pixels."""
    kinds = (np.uint8, np.uint16)
    if array.dtype not in kinds or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)):
        raise DataError(
            f"A picture must be uint8 or uint16, (H, W) or (H, W, C) with 1 to 4 channels, not {array.dtype} "
            f"{array.shape}: convert it, or give the path of its file."
        )
    if array.size == 0:
        raise DataError(f"A picture needs pixels: this one is {array.shape}. Give another one.")


def read_mask(path: str | Path) -> np.ndarray:
    """Return a mask as it is stored: palette indices or grey values (H, W), or colours (H, W, 3). Raises DataError."""
    picture = open_picture(Path(path))
    if picture.format == "JPEG":
        raise DataError(f"{path} is a JPEG: its compression changes class ids. Save masks as PNG.")
    if picture.mode in ("RGBA", "CMYK", "LA", "PA"):
        picture = picture.convert("RGB" if picture.mode != "LA" else "L")
    values = np.array(picture)
    return values.astype(np.uint8) if values.dtype == bool else values


def decode_ids(raw: np.ndarray, path: Path) -> np.ndarray:
    """Take stored values as class ids: (H, W) -> int64 (H, W). Raises DataError for a colour mask."""
    if raw.ndim != 2:
        raise DataError(f"{path} is a colour picture: a mask of class ids has one channel. Give a class table.")
    return raw.astype(np.int64)


def decode_binary(raw: np.ndarray, path: Path) -> np.ndarray:
    """Take 255 (or 1) as the foreground: (H, W) of 0/255 -> int64 (H, W) of 0/1."""
    ids = decode_ids(raw, path)
    return np.where(ids == 255, 1, ids)


def rgb_to_ids(raw: np.ndarray, palette: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Look colours up in a palette: uint8 (H, W, 3) -> int64 (H, W), -1 where a colour is not in it."""
    ids = np.full(raw.shape[:2], -1, dtype=np.int64)
    for index, colour in enumerate(palette):
        ids[(raw == np.array(colour)).all(axis=-1)] = index
    return ids


def decode_rgb(raw: np.ndarray, palette: Sequence[tuple[int, int, int]], path: Path) -> np.ndarray:
    """Look colours up in a palette: (H, W, 3) -> int64 (H, W). Raises DataError for a colour that is not in it."""
    ids = rgb_to_ids(raw, palette)
    if (ids < 0).any():
        colour = tuple(int(v) for v in raw[ids < 0][0])
        raise DataError(
            f"{path} has {(ids < 0).sum()} pixels of colours outside the class table, such as {colour}. "
            "Correct the mask, or add its colours to classes.csv."
        )
    return ids


def pair_faults(image: np.ndarray, mask: np.ndarray, num_classes: int) -> list[str]:
    """Name the faults of a pair: image (H, W, 3), class ids (h, w) of any integer type -> a list, empty if all is well.

    "shape": width / height of the two differ by more than 2 % (another size of the same shape is no fault).
    "labels": a label is neither 0 ... num_classes - 1 nor 255. "empty": every pixel is 255.
    """
    (h, w), (mask_h, mask_w) = image.shape[:2], mask.shape
    labelled = mask[mask != IGNORE_INDEX]
    faults = {
        "shape": abs(w * mask_h - h * mask_w) > 0.02 * w * mask_h,
        "labels": ((labelled < 0) | (labelled >= num_classes)).any(),
        "empty": labelled.size == 0,
    }
    return [name for name, found in faults.items() if found]


def read_pair(pair: "Pair", source: "Source") -> tuple[np.ndarray, np.ndarray]:
    """Return an image, uint8 (H, W, 3), and its ids, uint8 (H, W), of the same size.

    A mask of another size but the same shape is resized by nearest neighbour. Raises DataError where the two
    do not fit each other or a label is outside the classes.
    """
    image, mask = read_image(pair.image), source.decode(read_mask(pair.mask), pair.mask)
    (h, w), count = image.shape[:2], len(source.classes)
    faults = pair_faults(image, mask, count)
    if "shape" in faults:
        raise DataError(
            f"{pair.image} is {w}x{h} but its mask {pair.mask.name} is {mask.shape[1]}x{mask.shape[0]}: "
            "not one picture. Replace the wrong one."
        )
    if "labels" in faults:
        foreign = mask[~np.isin(mask, [*range(count), IGNORE_INDEX])]
        labels = ", ".join(map(str, np.unique(foreign)[:5]))
        raise DataError(
            f"{pair.mask} has {foreign.size} pixels labelled {labels}, outside the {count} classes "
            f"(0-{count - 1}, or {IGNORE_INDEX} to ignore). Correct the mask or the class list."
        )
    mask = cv2.resize(mask.astype(np.uint8), (w, h), interpolation=cv2.INTER_NEAREST_EXACT)
    return image, mask


def resize_pair(image: np.ndarray, mask: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring an image, uint8 (H, W, 3), and its mask, uint8 (H, W), to `height` x `width` pixels.

    The image is averaged where it shrinks; the mask takes the label of the nearest pixel, since labels have no mean.
    """
    size = (width, height)  # OpenCV names the width first
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return image, mask


def shrink_pair(image: np.ndarray, mask: np.ndarray, max_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring a pair whose longer side is above `max_side` pixels down to it, in proportion; smaller ones stay."""
    height, width = image.shape[:2]
    if max(height, width) <= max_side:
        return image, mask
    return resize_pair(image, mask, *shrunk_size(height, width, max_side))


def shrunk_size(height: int, width: int, max_side: int) -> tuple[int, int]:
    """Return (height, width) in proportion, the longer side at most `max_side`."""
    factor = min(1.0, max_side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def split_by_group(
    groups: Sequence[str], fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 42
) -> list[str]:
    """Name the split of every item ('train', 'val', 'test') so that no group is in two of them."""
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    wanted = {"val": fractions[1] * len(groups), "test": fractions[2] * len(groups), "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(split for split in wanted if filled[split] < wanted[split])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[group] for group in groups]


class SegmentationDataset(Dataset):
    """Pairs as tensors: image uint8 (3, H, W) and class ids int64 (H, W), 255 = ignored.

    Args:
        pairs: what to read, as `source.pairs(split)` lists it.
        source: knows the classes and how a mask is stored.
        transform: `(image, mask) -> (image, mask)` on arrays, applied to every read.
        resize: side in pixels to which each pair is squared once, before it is cached; None keeps its shape.
        max_side: longest side in pixels, to which larger pairs are shrunk before anything else.
    """

    def __init__(
        self,
        pairs: Sequence["Pair"],
        source: "Source",
        transform: Transform | None = None,
        resize: int | None = None,
        max_side: int | None = None,
    ) -> None:
        self.pairs, self.source, self.transform = list(pairs), source, transform
        self.resize, self.max_side = resize, max_side
        self.cache: dict[int, tuple[np.ndarray, np.ndarray]] | Store = {}

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pair before augmentation: uint8 (H, W, 3) and uint8 (H, W)."""
        return self.cache[index] if index in self.cache else self.decode(index)

    def decode(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pair from its files: uint8 (H, W, 3) and uint8 (H, W), shrunk or squared as this data set says."""
        image, mask = read_pair(self.pairs[index], self.source)
        if self.max_side:
            image, mask = shrink_pair(image, mask, self.max_side)
        if self.resize:
            image, mask = resize_pair(image, mask, self.resize, self.resize)
        return image, mask

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return to_tensors(*self.augmented(index))

    def __getitems__(self, indices: list[int]) -> list[tuple[Tensor, Tensor]]:
        """Return the examples of a batch, for which `DataLoader` asks at once: a `Batch` where all have one size."""
        pairs = [self.augmented(index) for index in indices]
        if len({mask.shape for _, mask in pairs}) > 1:
            return [to_tensors(*pair) for pair in pairs]
        images, masks = zip(*pairs, strict=True)
        # By NumPy, in one thread: PyTorch's would wait for one another on a busy machine.
        ids = np.stack(masks, dtype=np.int64, casting="unsafe")
        return Batch(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.from_numpy(ids))

    def augmented(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pair as the model is to meet it this time: uint8 (H, W, 3) and uint8 (H, W)."""
        image, mask = self.read(index)
        return self.transform(image, mask) if self.transform else (image, mask)

    def preload(self, cache: str = "auto", workers: int = 0) -> "SegmentationDataset":
        """Decode every pair once: faults surface now, all of them, and later reads come from the cache.

        `cache` is what `Config.cache` says; `workers` are the processes that will read. Raises DataError that names
        the first fault and counts them.
        """
        size = 0 if cache == "none" else decoded_size(self)
        kind = choose_cache(cache, size, workers)
        if kind == "disk":
            self.cache = open_store(self, size)
            return self
        for index, pair in enumerate(read_all(self)):
            if kind == "ram":
                for array in pair:
                    array.flags.writeable = False  # a transform that changed it would change it for every epoch
                self.cache[index] = pair
        return self


def to_tensors(image: np.ndarray, mask: np.ndarray) -> tuple[Tensor, Tensor]:
    """Turn uint8 (H, W, 3) and (H, W) into uint8 (3, H, W) and int64 (H, W)."""
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(mask.astype(np.int64))


class Batch(list):
    """A list of examples that lie side by side already, so that `pad_collate` need not copy them again.

    images, masks: all of them as uint8 (N, 3, H, W), channels last in memory, and int64 (N, H, W).
    """

    def __init__(self, images: Tensor, masks: Tensor) -> None:
        super().__init__(zip(images, masks, strict=True))
        self.images, self.masks = images, masks

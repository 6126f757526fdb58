"""From files to tensors: pairs that are read, checked, cached, augmented and served (notebook 4)."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from utils.cache import Arrays, Store, choose_cache, decode_all, open_store
from utils.catalog.base import Pair, Source
from utils.errors import DataError, Fault
from utils.files import content_hashes
from utils.images import IGNORE_INDEX, decode_rgb, header_size, resize_pair, rgb_to_ids, shrink_pair, shrunk_size

Transform = Callable[[np.ndarray, np.ndarray], Arrays]


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


def read_pair(pair: Pair, source: Source) -> Arrays:
    """Return an image, uint8 (H, W, 3), and its ids, uint8 (H, W), of the same size.

    A mask of another size but the same shape is resized by nearest neighbour. Raises DataError where the two
    do not fit each other or a label is outside the classes.
    """
    image, mask = source.read_image(pair.image), source.read_ids(pair.mask)
    refuse_faults(pair, image, mask, len(source.classes))
    height, width = image.shape[:2]
    return image, cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def refuse_faults(pair: Pair, image: np.ndarray, mask: np.ndarray, num_classes: int) -> None:
    """Raise DataError, with the facts, where `pair_faults` finds that a pair cannot be trained on."""
    faults = pair_faults(image, mask, num_classes)
    if "shape" in faults:
        facts = {"size": image.shape[:2], "mask": pair.mask.name, "mask_size": mask.shape}
        raise DataError(Fault("sizes do not fit", pair.image, facts))
    if "labels" in faults:
        foreign = mask[~np.isin(mask, [*range(num_classes), IGNORE_INDEX])]
        labels = ", ".join(map(str, np.unique(foreign)[:5]))
        facts = {"pixels": foreign.size, "labels": labels, "classes": num_classes, "highest": num_classes - 1}
        raise DataError(Fault("label outside the classes", pair.mask, facts))


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
        pairs: Sequence[Pair],
        source: Source,
        transform: Transform | None = None,
        resize: int | None = None,
        max_side: int | None = None,
    ) -> None:
        self.pairs, self.source, self.transform = list(pairs), source, transform
        self.resize, self.max_side = resize, max_side
        self.cache: dict[int, Arrays] | Store = {}

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return example number `index` as the model is to meet it this time: what the transform draws is not kept."""
        image, mask = self.read(index)
        if self.transform:
            image, mask = self.transform(image, mask)
        return to_tensors(image, mask)

    def __getitems__(self, indices: list[int]) -> list[tuple[Tensor, Tensor]]:
        """Return the examples of a batch, for which `DataLoader` asks at once: a `Batch` where all have one size."""
        pairs = [self.transform(*pair) if self.transform else pair for pair in map(self.read, indices)]
        if len({mask.shape for _, mask in pairs}) > 1:
            return [to_tensors(*pair) for pair in pairs]
        images, masks = zip(*pairs, strict=True)
        # By NumPy, in one thread: PyTorch's would wait for one another on a busy machine.
        ids = np.stack(masks, dtype=np.int64, casting="unsafe")
        return Batch(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.from_numpy(ids))

    def read(self, index: int) -> Arrays:
        """Return the pair before augmentation: uint8 (H, W, 3) and uint8 (H, W)."""
        return self.cache[index] if index in self.cache else self.decode(index)

    def decode(self, index: int) -> Arrays:
        """Return the pair from its files: uint8 (H, W, 3) and uint8 (H, W), shrunk or squared as this data set says."""
        image, mask = read_pair(self.pairs[index], self.source)
        if self.max_side:
            image, mask = shrink_pair(image, mask, self.max_side)
        if self.resize:
            image, mask = resize_pair(image, mask, self.resize, self.resize)
        return image, mask

    def preload(self, cache: str = "auto", workers: int = 0) -> "SegmentationDataset":
        """Decode every pair once: faults surface now, all of them, and later reads come from the cache.

        `cache` is what `Config.cache` says; `workers` are the processes that will read. Raises DataError that names
        the first fault and counts them.
        """
        size = 0 if cache == "none" else self.decoded_bytes()
        kind = choose_cache(cache, size, workers)
        if kind == "disk":
            self.cache = open_store(self.cache_key(), size, decode_all(self.decode, len(self)))
            return self.refuse_unlabelled()
        for index, pair in enumerate(decode_all(self.decode, len(self))):
            if kind == "ram":
                for array in pair:
                    array.flags.writeable = False  # a transform that changed it would change it for every epoch
                self.cache[index] = pair
        return self.refuse_unlabelled()

    def refuse_unlabelled(self) -> "SegmentationDataset":
        """Raise DataError where every pixel of every mask is ignored: the loss of nothing would be 0."""
        if self.pairs and not any((self.read(i)[1] != IGNORE_INDEX).any() for i in range(len(self))):
            raise DataError(
                f"Nothing is labelled in {len(self)} pairs, such as {self.pairs[0].mask}: every pixel is "
                f"{IGNORE_INDEX}, which is ignored. Label some, or move labelled pairs into this split."
            )
        return self

    def warn_of_no_foreground(self) -> None:
        """Say so where no pixel is of the one foreground class: no IoU could tell which epoch is the best."""
        if len(self.source.classes) == 2 and not any((self.read(i)[1] == 1).any() for i in range(len(self))):
            print(
                f"warning: no pixel to validate on is of the class '{self.source.classes[1]}', so the IoU says nothing "
                "of any epoch. Move pairs with it into 'val', or draw the splits anew (splits='stratified')."
            )

    def decoded_bytes(self) -> int:
        """Add up the bytes of all decoded pairs, from the headers of the images alone; faulty files count nothing."""
        if self.resize:
            return 4 * self.resize**2 * len(self)

        def size(pair: Pair) -> int:
            height, width = header_size(pair.image)
            if self.max_side and height:
                height, width = shrunk_size(height, width, self.max_side)
            return 4 * height * width

        with ThreadPoolExecutor() as pool:
            return sum(pool.map(size, self.pairs))

    def cache_key(self) -> str:
        """Hash what the files hold and all that decides what they become: 32 hexadecimal digits."""
        # A learner's own function may stand in for one of these, and then makes a store of its own.
        steps = (read_pair, decode_rgb, rgb_to_ids, shrink_pair, resize_pair)
        texts = [inspect.getsource(getattr(step, "answer", step)) for step in steps]
        digest = hashlib.sha256(repr([self.source.decoding(), self.resize, self.max_side, *texts]).encode())
        for files in ([pair.image for pair in self.pairs], [pair.mask for pair in self.pairs]):
            digest.update("".join(content_hashes(files)).encode())
        return digest.hexdigest()[:32]


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

"""Batches: order, workers, seeds and balance (notebook 5)."""

import itertools
import shutil
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from accelerate.data_loader import prepare_data_loader
from torch import Tensor
from torch.utils.data import DataLoader, WeightedRandomSampler, get_worker_info

from utils import catalog
from utils.augmentations import eval_transform, train_transform
from utils.catalog.base import Source
from utils.config import Config
from utils.dataset import Batch, SegmentationDataset
from utils.errors import ConfigError
from utils.images import IGNORE_INDEX
from utils.runtime import seed_everything

SHARED_MEMORY = Path("/dev/shm")  # through which the workers of Linux hand over their batches


class Loaders(NamedTuple):
    """One loader a split; batches are (images uint8 (N, 3, H, W), masks int64 (N, H, W)).

    `test` is None where the data set has no test split: training needs none.
    """

    train: DataLoader
    val: DataLoader
    test: DataLoader | None


def seed_worker(worker_id: int) -> None:
    """Give each worker and epoch its own augmentations: albumentations would repeat the same ones.

    For `worker_init_fn`. PyTorch seeds torch, NumPy and Python in a worker, but no generator inside a transform.
    """
    cv2.setNumThreads(0)  # workers are the parallelism; threads inside them only get in each other's way
    info = get_worker_info()
    if hasattr(info.dataset.transform, "set_random_seed"):
        info.dataset.transform.set_random_seed(info.seed % 2**32)


def pad_collate(items: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Stack pictures of any sizes: each is padded to the largest, with black, its mask with 255 (ignored).

    N times (uint8 (3, h, w), int64 (h, w)) -> uint8 (N, 3, H, W), int64 (N, H, W).
    """
    if isinstance(items, Batch):  # of one size, and together already
        return items.images, items.masks
    height, width = (max(mask.shape[axis] for _, mask in items) for axis in (0, 1))
    images = torch.zeros(len(items), 3, height, width, dtype=torch.uint8)
    masks = torch.full((len(items), height, width), IGNORE_INDEX, dtype=torch.int64)
    for n, (image, mask) in enumerate(items):
        images[n, :, : mask.shape[0], : mask.shape[1]] = image
        masks[n, : mask.shape[0], : mask.shape[1]] = mask
    return images, masks


def get_dataset(config: Config, split: str, source: Source | None = None) -> SegmentationDataset:
    """Return the pairs of 'train' (augmented), 'val' or 'test' as a data set."""
    source = source or catalog.load(config)
    transform = train_transform(config) if split == "train" else eval_transform(config)
    resize = config.image_size if config.framing == "resize" else None
    return SegmentationDataset(source.pairs(split), source, transform, resize, config.max_side)


def build_loader(dataset: SegmentationDataset, config: Config, train: bool) -> DataLoader:
    """Return a loader of `config.batch_size` pairs a batch: (uint8 (N, 3, H, W), int64 (N, H, W)).

    Training shuffles by `loader.generator`, seeded with `config.seed`. Otherwise every pair comes, in order.
    """
    refuse_small_shared_memory(dataset, config, train)
    return DataLoader(
        dataset,
        batch_size=config.batch_size,
        shuffle=train,
        # A last batch of one image would upset BatchNorm, and the next epoch's shuffle gives its images their turn.
        drop_last=train,
        generator=torch.Generator().manual_seed(config.seed) if train else None,
        num_workers=config.workers,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=seed_worker,
        collate_fn=pad_collate,
    )


def refuse_small_shared_memory(dataset: SegmentationDataset, config: Config, train: bool) -> None:
    """Raise ConfigError where the batches of all workers do not fit in /dev/shm: a worker would die, or wait for ever.

    Containers often have 64 MB there. Each worker prepares two batches, of 11 bytes a pixel, ahead.
    """
    if not config.workers or not SHARED_MEMORY.is_dir():
        return
    pixels = config.image_size**2 if train else dataset.decoded_bytes() / 4 / max(len(dataset), 1)
    needed = 2 * config.workers * min(config.batch_size, len(dataset)) * 11 * pixels
    free = shutil.disk_usage(SHARED_MEMORY).free
    if needed > free:
        raise ConfigError(
            f"workers={config.workers} hand over {needed / 1e6:,.0f} MB through {SHARED_MEMORY}, which has "
            f"{free / 1e6:,.0f} MB free. Set workers=0, or give the container more (docker run --shm-size=2g)."
        )


def get_data_loaders(config: Config, source: Source | None = None) -> Loaders:
    """Return loaders for training (shuffled, whole batches only), validation and test (in order, every image).

    Reads every training and validation file once first, so that faults surface before training.
    Raises DataError for faulty files and ConfigError for a batch larger than the training set.
    """
    source = source or catalog.load(config)
    train, val = (get_dataset(config, split, source) for split in ("train", "val"))
    test = get_dataset(config, "test", source) if source.assigned()["test"] else None
    if config.batch_size > len(train):
        raise ConfigError(
            f"batch_size={config.batch_size} is more than the {len(train)} training images: set it to {len(train)} "
            "or less."
        )
    for dataset in (train, val):
        dataset.preload(config.cache, config.workers)
    val.warn_of_no_foreground()
    return Loaders(
        build_loader(train, config, train=True),
        build_loader(val, config, train=False),
        build_loader(test, config, train=False) if test else None,
    )


def count_pixels(mask: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels of every class in a mask of ids, any shape, without the ignored: int64 (num_classes,)."""
    return np.bincount(mask[mask != IGNORE_INDEX], minlength=num_classes)


def class_pixels(dataset: SegmentationDataset) -> Tensor:
    """Count the labelled pixels of every class over a data set: int64 (C,)."""
    num_classes = len(dataset.source.classes)
    counts = np.zeros(num_classes, dtype=np.int64)
    for index in range(len(dataset)):
        counts += count_pixels(dataset.read(index)[1], num_classes)
    return torch.from_numpy(counts)


def class_weights(pixels: Tensor) -> Tensor:
    """Weight classes by one over the square root of their frequency, with a mean of 1: float32 (C,).

    The root tempers the plain inverse, which lets the rarest class drown the others. Absent classes weigh 0.
    """
    weights = pixels.float().rsqrt().masked_fill(pixels == 0, 0.0)
    return weights / weights.sum() * (weights > 0).sum()


def rare_class_sampler(dataset: SegmentationDataset, class_id: int, seed: int = 42) -> WeightedRandomSampler:
    """Draw images that show much of one class more often: weight 1 + share of the class over its mean share."""
    shares = []
    for index in range(len(dataset)):
        mask = dataset.read(index)[1]
        labelled = mask != IGNORE_INDEX
        shares.append((mask == class_id).sum() / max(labelled.sum(), 1))
    weights = 1 + np.array(shares) / (np.mean(shares) or 1)  # all 1 where no image shows the class
    return WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed))


def seed_epoch(config: Config, loader: DataLoader, epoch: int, rank: int = 0) -> None:
    """Make order, augmentation and dropout of an epoch depend on the seed and its number alone.

    So a run that is resumed at an epoch sees exactly what it would have seen without the interruption. Several
    processes agree on the order; augmentation and dropout are each one's own.
    """
    seed = (config.seed + 7919 * epoch) % 2**32
    loader.generator.manual_seed(seed)
    seed = (seed + 104_729 * rank) % 2**32
    seed_everything(seed)
    if hasattr(loader.dataset.transform, "set_random_seed"):
        loader.dataset.transform.set_random_seed(seed)


def step_indices(loader: DataLoader, generator: torch.Generator, step: int) -> list[int]:
    """Return which examples a step of an epoch consists of, once `seed_epoch` has seeded the generator anew."""
    torch.empty((), dtype=torch.int64).random_(generator=generator)  # a DataLoader first draws a seed for its workers
    return next(itertools.islice(iter(loader.batch_sampler), step, None))


def put_on_device(loader: DataLoader, accelerator: Accelerator) -> DataLoader:
    """Return a loader whose batches arrive on the accelerator's device.

    Raises ConfigError for several processes: each would train on everything. `segmenter.distributed` shares out.
    """
    if accelerator.num_processes > 1:
        raise ConfigError(
            "Several processes were started, and each would train on all images: start them with "
            "`torchrun -m segmenter train`."
        )
    return prepare_data_loader(loader, accelerator.device, num_processes=1, process_index=0, put_on_device=True)

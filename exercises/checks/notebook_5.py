"""Notebook 5: batches of any sizes, seeds for workers, rare classes, and what a loader takes from a split."""

import contextlib
import random
import re
import traceback
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import torch
from torch import Tensor, nn, tensor
from torch.utils.data import DataLoader, RandomSampler, WeightedRandomSampler
from torch.utils.data._utils import worker

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require, seeded_generator
from exercises.process_state import started_anew
from utils.catalog.base import Pair, Source
from utils.config import COURSE, Config
from utils.dataset import SegmentationDataset
from utils.errors import DataError
from utils.splits import SPLITS

Item = tuple[Tensor, Tensor]


# ---------------------------------------------------------------- 5.1 pad_collate
def draw_items(*sizes: tuple[int, int]) -> list[Item]:
    """Return random pairs of these sizes; no pixel of an image is 0, and no label of a mask is 0 or 255."""
    chance = seeded_generator(len(sizes))
    return [
        (
            torch.randint(1, 255, (3, h, w), generator=chance, dtype=torch.uint8),
            torch.randint(1, 6, (h, w), generator=chance),
        )
        for h, w in sizes
    ]


def misfit(error: Exception, sizes: list[tuple[int, int]]) -> Wrong | None:
    """Return what an error message of `F.pad`, `torch.stack` or an assignment means for samples of these sizes."""
    text = str(error)
    if "pad()" in text and "'mode'" in text:
        return Wrong("F.pad takes the number to pad with by its name: write value=255", error=text)
    if "pad()" in text and "tuple of ints" in text:
        return Wrong("F.pad takes four numbers, (left, right, top, bottom), not pairs as np.pad does", error=text)
    if "must match the existing size" in text or "could not broadcast" in text:
        says = "a sample does not fit its place in the batch: an image is (3, h, w), and a mask (h, w)"
        if len(set(sizes)) > 1:
            says = "a sample does not fit its place: H is the largest h of all, W the largest w, perhaps of another"
        return Wrong(says, sizes=sizes, error=text)
    if "equal size" not in text:
        return None
    met = re.findall(r"\[[\d, ]*?(\d+), (\d+)\] at entry (\d+)", text)  # the first two that disagree
    stacked = {int(place): (int(h), int(w)) for h, w, place in met}
    says = "padded, they still differ in size: F.pad takes (left, right, top, bottom), so the width is first"
    if any(h < sizes[n][0] or w < sizes[n][1] for n, (h, w) in stacked.items()):
        says = "pixels are cut away, and the sizes still differ: pad to the largest, do not crop"
    elif all(sizes[n] == size for n, size in stacked.items()):
        says = "samples of different sizes cannot be stacked: pad them to one size first"
    elif all(size == (sizes[n][0], max(w for _, w in sizes)) for n, size in stacked.items()):
        says = "only the width is padded, so the heights still differ: after left and right, F.pad takes top and bottom"
    elif all(size == (max(h for h, _ in sizes), sizes[n][1]) for n, size in stacked.items()):
        says = "only the height is padded, so the widths still differ: F.pad takes left and right first"
    return Wrong(says, sizes=sizes, **{f"stacked, sample {n}": size for n, size in stacked.items()})


def are_samples(result: object) -> bool:
    """Say whether a result is still a list of (image, mask), padded or not."""
    parts = result if isinstance(result, tuple | list) else []
    ranks = [[getattr(half, "ndim", None) for half in part] for part in parts if isinstance(part, tuple | list)]
    return bool(ranks) and all(rank == [3, 2] for rank in ranks)


def batch_of(answer: Callable, items: list[Item]) -> Item:
    """Call an answer; return the images and masks of its batch. Raises Wrong for anything else."""
    try:
        result = expect(answer, items)
    except (RuntimeError, ValueError, TypeError) as error:  # torch's and NumPy's, where shapes do not fit
        raise misfit(error, [tuple(mask.shape) for _, mask in items]) or error from None
    require(result is not None, "nothing is returned: is a `return` missing?")
    says = "the result is the list of samples, each with its mask: return two tensors, images and masks"
    require(not are_samples(result), says, expected="images, masks")
    pair = isinstance(result, tuple | list) and len(result) == 2
    require(pair, f"the result is {kind_of(result)}, not two tensors: return images, masks", expected="images, masks")
    for part, name in zip(result, ("images", "masks"), strict=True):
        says = f"the {name} are {kind_of(part)}, not one tensor: stack them along a new first axis"
        require(isinstance(part, Tensor), says)
    images, masks = result
    require(
        not (images.ndim == 3 and masks.ndim == 4), "yours returns the masks first: images come first, then masks",
        first=images, second=masks,
    )  # fmt: skip
    return images, masks


def returns_two(pad_collate: Callable) -> None:
    """A batch is two tensors: all images first, and then all masks.

    The last line, after the loop and outside it, is `return images, masks`. Each of the two is one tensor for all
    samples, not a list of tensors. A mask is padded by `F.pad(mask, (0, width - w, 0, height - h), value=255)`.
    """
    batch_of(pad_collate, draw_items((2, 5), (2, 5)))


def bytes_and_ids(pad_collate: Callable) -> None:
    """Images stay uint8 and masks int64, and the channels of an image come before its height and width.

    `torch.zeros` makes float32 unless you say `dtype=torch.uint8`; a mask needs `dtype=torch.int64`. An empty batch of
    images has the shape (N, 3, H, W): nothing has to be turned.
    """
    images, masks = batch_of(pad_collate, draw_items((2, 5), (2, 5)))
    last = images.ndim == 4 and images.shape[-1] == 3
    details = {"expected": (2, 3, 2, 5), "yours": tuple(images.shape)}
    require(not last, "the channels of the images come last: a batch is (N, 3, H, W)", **details)
    details = {"expected": "uint8", "yours": str(images.dtype).removeprefix("torch.")}
    require(images.dtype == torch.uint8, f"the images are {details['yours']}: keep them bytes, uint8", **details)
    details = {"expected": "int64", "yours": str(masks.dtype).removeprefix("torch.")}
    require(masks.dtype == torch.int64, f"the masks are {details['yours']}: class ids are int64", **details)


def stacked(pad_collate: Callable) -> None:
    """Samples of one size are stacked along a new first axis: uint8 (N, 3, H, W) and int64 (N, H, W).

    Nothing has to be padded here, for the padding is `height - h` rows and `width - w` columns: `torch.stack` of the
    images and of the masks is the whole batch. `torch.cat` would glue them together along an axis that they have.
    """
    for count in (2, 4):
        items = draw_items(*[(2, 5)] * count)
        images, masks = batch_of(pad_collate, items)
        wanted = {"images": (images, (count, 3, 2, 5)), "masks": (masks, (count, 2, 5))}
        for name, (part, shape) in wanted.items():
            details = {"samples": count, "expected": shape, "yours": tuple(part.shape)}
            glued = part.ndim == len(shape) - 1
            require(not glued, f"the {name} are joined, not stacked: a batch has a new first axis", **details)
            few = part.ndim == len(shape) and part.shape[0] != count and part.shape[1:] == shape[1:]
            require(not few, f"{count} samples went in, but {part.shape[0]} {name} come out", **details)
            square = tuple(part.shape[-2:]) == (5, 5)
            require(
                not square, "the batch is a square of the longest side: height and width each have their own", **details
            )
            larger = part.ndim == len(shape) and part.shape[-2] >= 2 and part.shape[-1] >= 5 and part.shape != shape
            require(not larger, "the batch is larger than its largest sample", **details)
            require(
                part.shape == shape, f"the {name} of {count} samples, 2 high and 5 wide, have another shape", **details
            )
        same_order(items, images, masks)
        for n, (image, mask) in enumerate(items):
            require(same(images[n], image), "pixels change though nothing has to be padded", sample=n)
            require(same(masks[n], mask), "labels change though nothing has to be padded", sample=n)


def same(one: Tensor, other: Tensor) -> bool:
    """Say whether two tensors hold the same numbers, whatever their dtypes."""
    return one.shape == other.shape and bool((one == other).all())


def same_order(items: list[Item], images: Tensor, masks: Tensor) -> None:
    """Raise Wrong where a sample, or its mask, stands at the place of another."""
    for name, part, number in (("images", images, 0), ("masks", masks, 1)):
        found = []
        for item in items:
            height, width = item[number].shape[-2:]
            places = [n for n in range(len(part)) if same(part[n, ..., :height, :width], item[number])]
            found.append(places[0] if places else None)
        moved = None not in found and found != list(range(len(items)))
        says = f"the {name} come in another order than the samples: an image would meet the mask of another"
        require(not moved, says, expected=list(range(len(items))), yours=found)


def large_enough(pad_collate: Callable) -> None:
    """The batch is as high as the highest sample and as wide as the widest.

    These may be two different samples: `max(mask.shape[0] for _, mask in items)` is the largest height, and the width
    has a maximum of its own. Each sample then gets `height - h` rows of padding below it and `width - w` columns to its
    right, which is `(0, width - w, 0, height - h)` for `F.pad`.
    """
    sizes = [(2, 7), (4, 4), (5, 3)]
    images, masks = batch_of(pad_collate, draw_items(*sizes))
    known = {
        (2, 7): "the size of the batch is that of the first sample: a higher one is cut off",
        (4, 4): "the size is that of the sample with most pixels: take height and width each on its own",
        (5, 3): "the size of the batch is that of the last sample: a wider one is cut off",
        (2, 3): "the samples are cut to the smallest: nothing may be lost",
        (7, 7): "the batch is a square of the longest side: height and width each have their own maximum",
        (7, 5): "height and width are swapped: a shape is (…, height, width)",
    }
    for name, part in {"images": images, "masks": masks}.items():
        found = tuple(part.shape[-2:])
        details = {"sizes": sizes, "expected": (5, 7), "yours": found}
        says = f"the {name} are not as high as the highest and as wide as the widest sample"
        if found[0] >= 5 and found[1] >= 7:
            says = "the batch is larger than its highest and its widest sample"
        require(found == (5, 7), known.get(found, says), **details)
        require(len(part) == 3, f"3 samples went in, but {len(part)} {name} come out")


def top_left(pad_collate: Callable) -> None:
    """Each image, and each mask, lies in the top left corner, pixel for pixel.

    Padding goes right and below only: `images[n, :, :h, :w] = image`. `F.pad` takes (left, right, top, bottom).
    """
    sizes = [(2, 7), (4, 4), (5, 3)]
    items = draw_items(*sizes)
    batch = batch_of(pad_collate, items)
    same_order(items, *batch)
    for name, part, number in (("image", batch[0], 0), ("mask", batch[1], 1)):
        for n, item in enumerate(items):
            wanted, found = item[number], part[n]
            h, w = wanted.shape[-2:]
            if same(found[..., :h, :w], wanted):
                continue
            details = {"size": (h, w), "batch": tuple(part.shape[-2:])}
            stretched = nn.functional.interpolate(wanted.reshape(1, -1, h, w).float(), (5, 7))
            if same(stretched.reshape(found.shape), found.float()):
                raise Wrong(
                    f"a smaller {name} is stretched to fill the batch: pad it, its pixels stay as they are", **details
                )
            inside = [
                (y, x) for y in range(6 - h) for x in range(8 - w)
                if same(found[..., y : y + h, x : x + w], wanted)
            ]  # fmt: skip
            if inside:
                says = f"an {name}" if name == "image" else f"a {name}"
                says += " is not in the top left corner: pad right and below only"
                raise Wrong(says, **details, expected_corner=(0, 0), your_corner=inside[0])
            raise Wrong(f"the pixels of a smaller {name} are changed: pad it, and keep what it shows", **details)


def black_padding(pad_collate: Callable) -> None:
    """The padding of images is black: 0.

    An image that is made by `torch.zeros` is black until it is written to, and `F.pad` fills with 0 unless you give it
    another `value`.
    """
    sizes = [(4, 2), (3, 6)]
    images, _ = batch_of(pad_collate, draw_items(*sizes))
    padding = torch.cat([images[0, :, :, 2:].flatten(), images[1, :, 3:].flatten()])
    details = {"expected": 0, "yours": padding.unique().tolist()[:8]}
    require(not (padding == 255).all(), "the images are padded with 255: only the masks are, images with 0", **details)
    require((padding == 0).all(), "the padding of the images is not black: fill it with 0", **details)


def ignored_padding(pad_collate: Callable) -> None:
    """The padding of masks is 255: ignored.

    Every other number that the loss knows is a class. Masks that are made by `torch.full(shape, 255)` are ignored until
    they are written to, and `F.pad` fills with 0 unless you write `value=255`.
    """
    sizes = [(4, 2), (3, 6), (2, 3)]  # the last is smaller both ways, so that a corner is left over as well
    _, masks = batch_of(pad_collate, draw_items(*sizes))
    padding = torch.cat([masks[n, y:, x:].flatten() for n, (h, w) in enumerate(sizes) for y, x in ((0, w), (h, 0))])
    found = padding.unique().tolist()
    details = {"expected": 255, "yours": found[:8]}
    says = "the padding of the masks is negative: in this course ignored pixels are 255"
    require(not (padding < 0).all(), says, **details)
    kind = f"class {found[0]}" if found[0] < 6 else f"{found[0]}"
    says = f"the padding of the masks is {kind}: it must be 255, so that no loss looks at it"
    require(len(found) > 1 or found == [255], says, **details)
    says = "only a part of the padding of the masks is 255: all that is right of a mask, or below it, is padding"
    require(255 not in found or found == [255], says, **details)
    require(found == [255], "the padding of the masks is not 255 everywhere", **details)


def any_samples(pad_collate: Callable) -> None:
    """A single sample is a batch too, labels of any value stay, and so do tensors that are views.

    A last batch may hold one sample: its batch is (1, 3, H, W). Nothing may depend on how many there are, on what the
    labels are, or on how a tensor lies in memory.
    """
    for sizes in ([(3, 2)], [(1, 1), (1, 4)], [(2, 1), (6, 2), (1, 3), (4, 9), (3, 3)]):
        items = draw_items(*sizes)
        images, masks = batch_of(pad_collate, items)
        h, w = (max(size[axis] for size in sizes) for axis in (0, 1))
        wanted = (len(sizes), 3, h, w), (len(sizes), h, w)
        details = {"sizes": sizes, "expected": wanted, "yours": (tuple(images.shape), tuple(masks.shape))}
        lost = len(sizes) == 1 and images.ndim == 3
        require(not lost, "a batch of one sample loses its first axis: it is (1, 3, H, W)", **details)
        words = "one sample" if len(sizes) == 1 else f"{len(sizes)} samples"
        require((images.shape, masks.shape) == wanted, f"a batch of {words} has another shape", **details)
        require((images.dtype, masks.dtype) == (torch.uint8, torch.int64), "the dtypes change when samples are padded")
    turned = [(image.transpose(1, 2), mask.t()) for image, mask in draw_items((2, 3), (4, 2))]
    turned[0][1][0], turned[0][0][:, 1] = tensor([255, 0]), 0
    images, masks = batch_of(pad_collate, turned)
    before = images.clone()
    batch_of(pad_collate, draw_items((3, 2), (2, 4)))
    require(same(images, before), "the next batch overwrites this one: make new tensors in every call")
    for n, (image, mask) in enumerate(turned):
        h, w = mask.shape
        require(same(images[n, :, :h, :w], image), "the pixels of a turned image are changed", sample=n)
        found = masks[n, :h, :w]
        details = {"expected": mask, "yours": found}
        ignored = found.shape == mask.shape and ((mask == 0) & (found == 255)).any()
        says = "class 0 inside a mask becomes 255: only the padding is ignored, so fill before you write the masks"
        require(not ignored, says, **details)
        says = "labels change: 0 and 255 inside a mask stay what they are"
        require(same(found, mask), says, **details)


def padding_example(answer: Callable) -> tuple[Any, Any]:
    """Three cuts of a scene with their masks as they are, and as a batch."""
    from utils import catalog, plots
    from utils.dataset import read_pair

    source = catalog.load(Config(dataset="tiny", root=COURSE / "data/tiny"))
    image, mask = read_pair(source.pairs("train")[1], source)
    sizes = [(112, 64), (64, 112), (84, 84)]
    cuts = [(image[:h, :w], mask[:h, :w]) for h, w in sizes]
    grey = np.full((2 * 120, 3 * 120, 3), 200, dtype=np.uint8)
    for n, (cut, ids) in enumerate(cuts):
        for row, picture in enumerate((cut, plots.colour_mask(ids, source.palette))):
            h, w = ids.shape
            grey[row * 120 + 4 : row * 120 + 4 + h, n * 120 + 4 : n * 120 + 4 + w] = picture
    images, masks = answer(
        [(torch.from_numpy(a.transpose(2, 0, 1).copy()), torch.from_numpy(b.astype(np.int64))) for a, b in cuts]
    )
    height, width = masks.shape[-2:]
    canvas = np.full((2 * (height + 8), len(masks) * (width + 8), 3), 200, dtype=np.uint8)
    for n, (picture, ids) in enumerate(zip(images, masks, strict=True)):
        # What is no class shines: padding with another number than 255 must be seen, not crash.
        palette = [*source.palette, *[(255, 0, 255)] * (255 - len(source.palette))]
        painted = plots.colour_mask(ids.numpy().clip(0, 255).astype(np.uint8), palette)
        for row, part in enumerate((picture.permute(1, 2, 0).numpy(), painted)):
            y, x = row * (height + 8) + 4, n * (width + 8) + 4
            canvas[y : y + height, x : x + width] = part
    return grey, canvas


# ---------------------------------------------------------------- 5.2 seed_worker
BASES = (6840113795217704981, 1528760453398216007)  # one for each epoch, as large as a DataLoader draws them
WORKERS = 3


class Recorder:
    """A random transform with a generator of its own, as an albumentations pipeline is; it writes down its seeds."""

    def __init__(self) -> None:
        self.seeds: list[Any] = []
        self.rng, self.py_random = np.random.default_rng(0), random.Random(0)

    def __call__(self, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turns = int(self.rng.integers(4))
        return np.rot90(image, turns), np.rot90(mask, turns)

    def set_random_seed(self, seed: int) -> None:
        self.rng, self.py_random = np.random.default_rng(seed), random.Random(seed)  # what albumentations does
        self.seeds.append(seed)


def drawn(sizes: list[tuple[int, int]], transform: Callable | None = None) -> SegmentationDataset:
    """Return a data set in memory whose picture number n is filled with n + 1."""
    from utils import catalog

    source = catalog.load(Config(dataset="tiny", root=COURSE / "data/tiny"))
    names = [Path(f"{n:02d}.png") for n in range(len(sizes))]
    data = SegmentationDataset([catalog.Pair(name, name, "town") for name in names], source, transform)
    for n, size in enumerate(sizes):
        data.cache[n] = np.full((*size, 3), n + 1, dtype=np.uint8), np.full(size, n % 3, dtype=np.uint8)
    return data


@contextlib.contextmanager
def inside_worker(number: int, base: int, dataset: Any) -> Iterator[None]:
    """Let this process look like worker `number` in the epoch whose base seed is `base`, seeded as PyTorch does."""
    info = worker.WorkerInfo(id=number, num_workers=WORKERS, seed=base + number, dataset=dataset)
    threads = cv2.getNumThreads(), torch.get_num_threads()
    random.seed(base + number)
    torch.manual_seed(base + number)
    np.random.seed([number, base % 2**32, base // 2**32])  # noqa: NPY002
    try:
        with mock.patch.object(worker, "_worker_info", info):
            yield
    finally:
        cv2.setNumThreads(threads[0])
        torch.set_num_threads(threads[1])


def reseeded(answer: Callable, number: int, base: int) -> int:
    """Return the seed that an answer gives to the transform in one worker. Raises Wrong for none, or an unfit one."""
    data = drawn([(4, 4)] * 2, Recorder())
    with inside_worker(number, base, data):
        try:
            answer(number)
        except ValueError as error:
            if "2**32 - 1" not in str(error):
                raise
            says = "a seed is too large for NumPy's np.random.seed: it must be below 2**32, so take % 2**32"
            raise Wrong(says, info_seed=base + number, error=str(error)) from None
    says = f"the transform gets no seed: call set_random_seed of info.dataset.transform in every worker, here {number}"
    seeds = getattr(data.transform, "seeds", None)
    require(seeds, says)
    seed = seeds[-1]
    details = {"worker": number, "info_seed": base + number, "yours": seed}
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    require(whole, f"the seed is {kind_of(seed)}, not a whole number", **details)
    says = "the seed is too large: the course keeps seeds below 2**32, because many generators refuse larger ones"
    require(0 <= seed < 2**32, says, **details)
    return int(seed)


def all_seeds(answer: Callable) -> list[list[int]]:
    """Return the seeds of every worker, for every epoch."""
    return [[reseeded(answer, number, base) for number in range(WORKERS)] for base in BASES]


def gets_seed(seed_worker: Callable) -> None:
    """The transform of the worker's data set gets a seed from 0 to 2**32 - 1.

    `info = get_worker_info()` knows the worker's copy of the data set: `info.dataset.transform.set_random_seed(...)`.
    `info.seed` has up to 63 bits: the remainder `% 2**32` fits.
    """
    for number, base in ((0, BASES[0]), (0, 2**32), (1, 2**33 - 2)):  # the last has the largest remainder
        reseeded(seed_worker, number, base)


def workers_differ(seed_worker: Callable) -> None:
    """No two workers share a seed: hand on the one that `get_worker_info()` gives to each.

    `info.seed` is another number in each worker. A number of your own, such as 42, is the same in all.
    """
    for seeds in all_seeds(seed_worker):
        says = "all workers get the same seed: each would make the same changes"
        require(len(set(seeds)) > 1, says, **{f"worker {n}": seed for n, seed in enumerate(seeds)})
        says = "two workers get the same seed: several large seeds became one small one; % 2**32 keeps neighbours apart"
        require(len(set(seeds)) == WORKERS, says, **{f"worker {n}": seed for n, seed in enumerate(seeds)})


def epochs_differ(seed_worker: Callable) -> None:
    """No two epochs share a seed.

    Workers are born anew in each epoch with the same numbers 0, 1, 2, so `worker_id` alone is not enough. `info.seed`
    changes with the epoch.
    """
    first, second = all_seeds(seed_worker)
    details = {"epoch 1": first, "epoch 2": second}
    require(first != second, "every epoch repeats the seeds of the first: worker_id alone does not change", **details)
    require(not set(first) & set(second), "a worker gets a seed that another had in the epoch before", **details)
    chance = random.Random(0)
    seeds = [reseeded(seed_worker, number, chance.getrandbits(62)) for _ in range(40) for number in (0, 1)]
    says = "seeds come again within forty epochs: they are too small, use all 32 bits"
    require(len(set(seeds)) == len(seeds), says, seeds=len(seeds), different=len(set(seeds)), largest=max(seeds))


def run_repeats(seed_worker: Callable) -> None:
    """The same worker of the same epoch gets the same seed when the run is repeated.

    Take nothing but `info.seed` (or what PyTorch has seeded with it): no clock, no process number, no fresh generator.
    """
    first, again = all_seeds(seed_worker), all_seeds(seed_worker)
    with started_anew():
        says = "`hash` of a text differs each time Python starts, and so does the seed: take info.seed as it is"
        require(all_seeds(seed_worker) == first or first != again, says)
    says = "the same worker of the same epoch gets another seed in the next run: nothing can be repeated"
    require(first == again, says, **{"first run": first[0], "second run": again[0]})


def plain_transforms(seed_worker: Callable) -> None:
    """A transform without `set_random_seed`, or none at all, is left alone.

    `hasattr(transform, "set_random_seed")` says whether there is something to seed. None has no such method either.
    """
    for words, transform in {
        "no transform (None)": None, "a plain function as transform": lambda image, mask: (image, mask)
    }.items():  # fmt: skip
        with inside_worker(1, BASES[0], drawn([(4, 4)] * 2, transform)):
            try:
                seed_worker(1)
            except AttributeError as error:
                asks = "set_random_seed" in str(error)
                says = f"{words} stops it: ask hasattr(transform, 'set_random_seed') first"
                raise (Wrong(says, error=str(error)) if asks else error) from None


def streams_stay_apart(seed_worker: Callable) -> None:
    """No stream of random numbers is the same in two workers or two epochs.

    PyTorch has seeded torch, NumPy and Python for this worker and epoch already. Leave them, or seed them with numbers
    that differ as much.
    """
    drawn_numbers: dict[str, list[float]] = {"NumPy": [], "torch": [], "Python's random": []}
    for base in BASES:
        for number in range(WORKERS):
            with inside_worker(number, base, drawn([(4, 4)] * 2, Recorder())):
                seed_worker(number)
                drawn_numbers["NumPy"].append(float(np.random.random()))  # noqa: NPY002
                drawn_numbers["torch"].append(float(torch.rand((), dtype=torch.float64)))
                drawn_numbers["Python's random"].append(random.random())
    for name, numbers in drawn_numbers.items():
        first, second = numbers[:WORKERS], numbers[WORKERS:]
        details = {"epoch 1": first, "epoch 2": second}
        says = f"{name} draws the same numbers in all workers: the seed that you give it must differ"
        require(len(set(first)) > 1, says, **details)
        says = f"{name} draws the same numbers in every epoch: worker_id alone does not change"
        require(first != second and len(set(numbers)) == len(numbers), says, **details)


# ---------------------------------------------------------------- 5.3 class_weights
def weights_of(answer: Callable, counts: list[int], says: str, mistakes: list[tuple[Any, str]], wanted: list) -> None:
    """Let an answer weigh counts, compare, and see to the dtype."""
    result = expect(answer, tensor(counts), gives=tensor(wanted), says=says, mistakes=mistakes)
    says = f"the weights are {str(result.dtype).removeprefix('torch.')}: a loss wants float32"
    require(result.dtype == torch.float32, says, expected="float32", yours=str(result.dtype).removeprefix("torch."))


def bent(counts: list[int]) -> list[tuple[Tensor, str]]:
    """Return what other formulas give for counts without zeros, and what to say of each."""
    plain = np.array(counts, dtype=np.float64)
    total = plain.sum()
    formulas = {
        "this is plain one over the count: take the square root, which tempers it": 1 / plain,
        "the frequent class weighs more: it is one over the root of the count": plain**0.5,
        "the frequent class weighs more: take one over the root of the count": plain,
        "this is one over the squared count: take the root": plain**-2.0,
        "this is one over the logarithm: take the square root": 1 / np.log1p(plain),
        "a division is rounded to whole numbers: use / instead of //": (total // plain) ** 0.5,
        "1 is added to every count: that changes the weights of rare classes": (plain + 1) ** -0.5,
        "the weights are one minus the share: take one over the square root": 1 - plain / total,
    }
    root = plain**-0.5
    known = [(weights / weights.mean(), says) for says, weights in formulas.items() if weights.mean()]
    known += [
        (root / root.sum(), "the weights add up to 1: it is their mean that is to be 1"),
        (root / root.max(), "the largest weight is 1: it is the mean that is to be 1"),
        (root / root.min(), "the smallest weight is 1: it is the mean that is to be 1"),
        (root / (root * plain).sum() * total, "the mean counts pixels: each class counts once in it"),
        (root, "the weights are not scaled: divide them by their mean"),
        (root * total**0.5, "the weights are not scaled: divide them by their mean"),
        (1 / plain / (1 / plain).sum(), "this is one over the count, with a sum of 1: take the root, and a mean of 1"),
    ]
    return [(tensor(weights), says) for weights, says in known]


def three_classes(class_weights: Callable) -> None:
    """A class with a quarter of the pixels weighs twice as much, and the mean weight is 1.

    For 400, 100 and 25 pixels, one over the square root is 0.05, 0.1 and 0.2. Divide all three by their mean.
    """
    counts = [400, 100, 25]
    flat = (lambda result: (result == result[0]).all(), "all classes weigh the same: was a division rounded?")
    says = "these are not one over the square root of the counts, scaled to a mean of 1"
    weights_of(class_weights, counts, says, [*bent(counts), flat], [3 / 7, 6 / 7, 12 / 7])


def uneven_counts(class_weights: Callable) -> None:
    """Counts that divide badly, few pixels and any number of classes are weighed exactly.

    Use `/`, never `//`, add nothing to the counts, and take the number of classes from the tensor.
    """
    for counts in ([900, 90, 10], [7], [4, 1], [5, 5, 5, 5], [3, 17, 1, 250, 40, 8, 1000]):
        roots = np.array(counts) ** -0.5
        says = "the weights of uneven counts are not one over the square root, scaled to a mean of 1"
        weights_of(class_weights, counts, says, bent(counts), (roots / roots.mean()).tolist())
    roots = np.array([10**6] * 23 + [1]) ** -0.5
    says = "a class with one pixel beside 23 frequent ones does not weigh 23.5: are large weights cut off?"
    weights_of(class_weights, [10**6] * 23 + [1], says, [], (roots / roots.mean()).tolist())
    first, _ = class_weights(tensor([400, 100, 25])), class_weights(tensor([1, 1, 1]))
    says = "a later call changes the weights of an earlier one: make a new tensor each time"
    require(torch.allclose(first, tensor([3 / 7, 6 / 7, 12 / 7])), says, yours=first)


def absent_classes(class_weights: Callable) -> None:
    """A class without pixels weighs 0, and does not count in the mean.

    One over the root of 0 is infinite: put 0 in its place before you scale. The mean goes over the classes that have
    pixels.
    """
    for counts, wanted in (
        ([400, 0, 100, 0], [2 / 3, 0.0, 4 / 3, 0.0]), ([0, 100, 400], [0.0, 4 / 3, 2 / 3]), ([0, 9, 0], [0.0, 1.0, 0.0])
    ):  # fmt: skip
        gone, share = tensor(counts) == 0, sum(n > 0 for n in counts) / len(counts)
        mistakes = [
            (lambda r: (~torch.isfinite(r)).any(), "a class without pixels makes weights infinite or NaN: it weighs 0"),
            (tensor(wanted) / share, "classes without pixels count in the mean: take it over those that have some"),
            (lambda r, g=gone: len(r) < len(g), "a class without pixels is left out: it keeps its place, and weighs 0"),
            (lambda r, g=gone: (r[g] >= r[~g].max()).all(), "a class without pixels weighs most: it must weigh 0"),
            (lambda r, g=gone: (r[g] != 0).all(), "a class without pixels has a weight: it must weigh 0"),
        ]
        weights_of(class_weights, counts, "the weights differ where a class has no pixels", mistakes, wanted)


def billions(class_weights: Callable) -> None:
    """Counts of billions, as a large data set has, are weighed like small ones.

    Keep the counts int64 or make them floats: int32 ends at two billion.
    """
    big = 4_000_000_000
    says = "counts above two billion give wrong weights: do not squeeze them into int32"
    weights_of(class_weights, [big, big // 4], says, [], [2 / 3, 4 / 3])
    roots = np.array([big, 400, 25]) ** -0.5
    first, second, last = (roots / roots.mean()).tolist()
    says = "a class with few pixels among billions gets a wrong weight"
    weights_of(class_weights, [big, 400, 0, 25], says, [], [first, second, 0.0, last])


# ---------------------------------------------------------------- 5.4 build_loader
def generator_made(answer: Callable, *args: Any, **kwargs: Any) -> Any:
    """Call an answer. Raises Wrong where it takes the seed for the argument of torch.Generator, which is a device."""
    try:
        return answer(*args, **kwargs)
    except RuntimeError as error:
        if not re.search("cuda|mps|device|accelerator", str(error), re.IGNORECASE):
            raise
        says = "torch.Generator(...) takes a device, not a seed: write torch.Generator().manual_seed(...)"
        raise Wrong(says, error=str(error).splitlines()[0]) from None


def built(answer: Callable, dataset: SegmentationDataset, config: Config, train: bool) -> DataLoader:
    """Return the loader that an answer builds. Raises Wrong for anything else."""
    try:
        loader = generator_made(answer, dataset, config, train=train)
    except AttributeError as error:
        outside = any(frame.name == "seed_worker" for frame in traceback.extract_tb(error.__traceback__))
        says = "seed_worker is called at once: pass the function, do not call it (worker_init_fn=seed_worker)"
        raise (Wrong(says, error=str(error)) if outside else error) from None
    except ValueError as error:  # DataLoader refuses what only workers can do
        remedies = {"persistent_workers": "config.workers > 0", "prefetch_factor": "4 if config.workers else None"}
        name = next((name for name in remedies if name in str(error)), None)
        says = f"without workers, PyTorch refuses {name}: write {name}={remedies.get(name)}"
        raise (Wrong(says, workers=config.workers, error=str(error)) if name else error) from None
    require(loader is not None, "nothing is returned: is a `return` missing?")
    require(
        isinstance(loader, DataLoader), f"the result is {kind_of(loader)}, not a DataLoader: pass the data set to one"
    )
    require(loader.dataset is dataset, "the loader holds another data set than the one that it was given")
    for holder in (loader, loader.sampler):
        generator = holder.generator if isinstance(holder, DataLoader | RandomSampler) else None
        kind = kind_of(generator) + " of NumPy" * isinstance(generator, np.random.Generator)
        says = f"the generator is {kind}, not a torch.Generator: pass torch.Generator().manual_seed(config.seed)"
        require(generator is None or isinstance(generator, torch.Generator), says)
    return loader


def visit(loader: DataLoader) -> list[list[int]]:
    """Go through one epoch; return the numbers of the images in every batch."""
    numbers = []
    for batch in loader:
        pair = isinstance(batch, tuple | list) and len(batch) == 2 and all(isinstance(part, Tensor) for part in batch)
        require(pair, "a batch is not (images, masks): is collate_fn the one of exercise 5.1?", yours=kind_of(batch))
        require(batch[0].ndim == 4, "the images of a batch are not (N, 3, H, W)", yours=tuple(batch[0].shape))
        numbers.append((batch[0][:, 0, 0, 0].long() - 1).tolist())
    return numbers


def a_loader(build_loader: Callable) -> None:
    """The answer is a DataLoader of the data set, with batches of `config.batch_size`.

    `DataLoader(dataset, batch_size=config.batch_size, ...)`: the config knows the size. Its seed is a number:
    `torch.Generator().manual_seed(config.seed)` makes a generator of it. What only workers can do, such as staying
    alive, may be asked for only where `config.workers > 0`.
    """
    for size in (4, 2):
        for train in (True, False):
            loader = built(build_loader, drawn([(4, 6)] * 8), Config(batch_size=size), train)
            batches = visit(loader)
            details = {"batch_size": size, "train": train, "yours": [len(batch) for batch in batches]}
            fits = bool(batches) and len(batches[0]) == size
            require(fits, "a batch does not hold config.batch_size images", **details)
            require(len(loader) == len(batches), "len(loader) is not the number of batches", **details)
            images, masks = next(iter(loader))
            details = {
                "images": str(images.dtype).removeprefix("torch."),
                "masks": str(masks.dtype).removeprefix("torch."),
            }
            says = "the batches are not uint8 images and int64 masks"
            require((images.dtype, masks.dtype) == (torch.uint8, torch.int64), says, **details)


def evaluation_sees_all(build_loader: Callable) -> None:
    """Without training, every image comes once and in order, also those of a smaller last batch.

    `shuffle=train` and `drop_last=train`: both are for training only.
    """
    for count, size in ((10, 4), (8, 4), (3, 5), (5, 1)):
        loader = built(build_loader, drawn([(4, 6)] * count), Config(batch_size=size), False)
        for _ in range(2):
            batches = visit(loader)
            seen = [n for batch in batches for n in batch]
            details = {"images": count, "batch_size": size, "train": False, "yours": batches}
            says = "images are never scored in evaluation: drop_last is for training only"
            require(len(set(seen)) == count, says, **details)
            require(sorted(seen) == list(range(count)), "an image comes twice in evaluation", **details)
            require(seen == list(range(count)), "evaluation is shuffled: only training is", **details)
            right = [len(batch) for batch in batches] == [min(size, count - n) for n in range(0, count, size)]
            require(right, "evaluation does not come in batches of config.batch_size", **details)


def training_drops(build_loader: Callable) -> None:
    """Training takes whole batches only.

    `drop_last=train` leaves out a smaller last batch. The next epoch's order gives its images their turn.
    """
    for count, size in ((10, 4), (8, 4), (7, 3), (3, 5)):
        batches = visit(built(build_loader, drawn([(4, 6)] * count), Config(batch_size=size), True))
        sizes, details = [len(batch) for batch in batches], {"images": count, "batch_size": size, "train": True}
        kept = len(sizes) == count // size + 1
        says = "training keeps a smaller last batch: drop_last is True there"
        require(not kept, says, **details, expected=[size] * (count // size), yours=sizes)
        says = "training does not take every whole batch"
        require(sizes == [size] * (count // size), says, **details, expected=[size] * (count // size), yours=sizes)


def training_shuffles(build_loader: Callable) -> None:
    """Training sees each image once an epoch, in another order every epoch.

    `shuffle=train` draws a new order whenever the loader is gone through.
    """
    loader = built(build_loader, drawn([(4, 6)] * 12), Config(batch_size=2), True)
    epochs = [[n for batch in visit(loader) for n in batch] for _ in range(3)]
    details = {f"epoch {n}": order for n, order in enumerate(epochs, 1)}
    says = "training goes through the files in order: shuffle it"
    require(epochs[0] != list(range(12)) or epochs[1] != list(range(12)), says, **details)
    says = "an image comes twice in one epoch of training, another not at all: draw without replacement"
    require(all(sorted(order) == list(range(12)) for order in epochs), says, **details)
    says = "every epoch of training has the same order"
    require(epochs[0] != epochs[1] and epochs[1] != epochs[2], says, **details)
    mates = [{frozenset(batch) for batch in visit(loader)} for _ in range(3)]
    says = "the same images share a batch in every epoch: shuffle images, not batches"
    require(mates[0] != mates[1] or mates[1] != mates[2], says, batches=sorted(map(sorted, mates[0])))


def training_repeats(build_loader: Callable) -> None:
    """The order of training follows `loader.generator`, which starts at `config.seed`.

    `generator=torch.Generator().manual_seed(config.seed)`, a new one for each loader. Training is resumed by seeding
    `loader.generator` again.
    """

    def orders(seed: int, session: int) -> list:
        torch.manual_seed(session)  # what else a session has drawn must not matter
        loader = built(build_loader, drawn([(4, 6)] * 12), Config(batch_size=4, seed=seed), True)
        says = "the training loader has no generator: pass generator=torch.Generator(), seeded with config.seed"
        if getattr(loader.sampler, "generator", None) is not None:
            says = "`loader.generator` is None, only the sampler has a generator: pass it to DataLoader as well"
        require(isinstance(loader.generator, torch.Generator), says)
        says = "the generator is PyTorch's own, from which everything draws: make a new torch.Generator()"
        require(loader.generator is not torch.default_generator, says)
        built(build_loader, drawn([(4, 6)] * 4), Config(batch_size=2, seed=seed + 100), False)
        other = built(build_loader, drawn([(4, 6)] * 4), Config(batch_size=2, seed=seed + 200), True)
        says = "two loaders share one generator: make a new one in each call"
        require(other.generator is not loader.generator, says)
        torch.manual_seed(session + 1)
        return [visit(loader), visit(loader)]

    first, again = orders(5, session=1), orders(5, session=3)
    details = {"first run": first[0], "second run": again[0]}
    require(first == again, "the same config.seed gives another order in the next run: seed the generator", **details)
    others = [orders(seed, session=1) for seed in (6, 7)]
    says = "every config.seed gives the same order: seed the generator with it"
    require(any(other != first for other in others), says, seeds=(5, 6, 7), order=first[0])
    loader, found = built(build_loader, drawn([(4, 6)] * 12), Config(batch_size=4), True), []
    for session in (1, 2):
        torch.manual_seed(session)
        loader.generator.manual_seed(99)
        found.append(visit(loader))
    says = "seeding loader.generator anew does not bring the order back: shuffle with that same generator"
    require(found[0] == found[1], says, first=found[0], again=found[1])


def pads(build_loader: Callable) -> None:
    """Images of different sizes are padded to one batch, with 0 and 255.

    PyTorch's own collate function can only stack equal sizes. Pass yours of exercise 5.1: `collate_fn=pad_collate`.
    """
    for train in (False, True):
        loader = built(build_loader, drawn([(3, 5), (4, 2), (6, 4)]), Config(batch_size=3), train)
        try:
            images, masks = next(iter(loader))
        except RuntimeError as error:
            if "equal size" not in str(error):
                raise
            says = "images of different sizes cannot be stacked: pass collate_fn=pad_collate"
            raise Wrong(says, train=train, error=str(error).splitlines()[0]) from None
        fits = (tuple(images.shape), tuple(masks.shape)) == ((3, 3, 6, 5), (3, 6, 5))
        details = {"train": train, "expected": (3, 3, 6, 5), "yours": tuple(images.shape)}
        require(fits, "images of different sizes are not padded to the largest: is it pad_collate?", **details)
        numbers = (images[:, 0, 0, 0].long() - 1).tolist()
        require(sorted(numbers) == [0, 1, 2], "an image of another size is missing from the batch", yours=numbers)
        for n, (image, mask) in zip(numbers, zip(images, masks, strict=True), strict=True):
            h, w = [(3, 5), (4, 2), (6, 4)][n]
            outside = torch.ones(6, 5, dtype=torch.bool)
            outside[:h, :w] = False
            black = (image[:, outside] == 0).all() and (image[:, ~outside] == n + 1).all()
            require(black, "images are not padded with 0 right and below: is it pad_collate?")
            ignored = (mask[outside] == 255).all() and (mask[~outside] == n % 3).all()
            require(ignored, "masks are not padded with 255 right and below: is it pad_collate?")


def seeds_workers(build_loader: Callable) -> None:
    """`config.workers` processes load, and each is seeded by `seed_worker`.

    `num_workers=config.workers` and `worker_init_fn=seed_worker`, the function itself, without brackets.
    """
    for train in (True, False):
        for count in (0, 2, 3):
            loader = built(build_loader, drawn([(4, 6)] * 4, Recorder()), Config(batch_size=2, workers=count), train)
            details = {"workers": count, "train": train, "yours": loader.num_workers}
            require(
                loader.num_workers == count, "the number of workers is not config.workers: pass num_workers", **details
            )
        says = "with in_order=False a quick worker overtakes another, and its batch comes too early: leave it out"
        require(loader.in_order, says, train=train)
        says = "no worker is seeded: pass worker_init_fn=seed_worker"
        require(loader.worker_init_fn is not None, says, train=train)
        seeds = []
        for number in range(WORKERS):
            with inside_worker(number, BASES[0], loader.dataset):
                loader.worker_init_fn(number)
            seeds.append(loader.dataset.transform.seeds[-1] if len(loader.dataset.transform.seeds) > number else None)
        says = "worker_init_fn does not reseed the transform: pass seed_worker of exercise 5.2"
        require(None not in seeds, says, train=train)
        says = "worker_init_fn gives workers the same seed: pass seed_worker of exercise 5.2"
        require(len(set(seeds)) == WORKERS, says, train=train, seeds=seeds)


# ---------------------------------------------------------------- 5.5 rare_class_sampler
TINY_MASKS = [  # shares of 2: 1/4, 0, 1/8, 1/8
    [[2, 2, 0, 0], [0, 0, 0, 0]],
    [[0, 1, 0, 0], [1, 0, 0, 0]],
    [[2, 0, 0, 0], [0, 0, 0, 0]],
    [[0, 2, 1, 1], [0, 0, 0, 1]],
]


def of_masks(masks: Sequence[Any], transform: Callable | None = None) -> SegmentationDataset:
    """Return a data set in memory with these masks, lists of rows."""
    data = drawn([np.shape(mask) for mask in masks], transform)
    for n, mask in enumerate(masks):
        data.cache[n] = data.cache[n][0], np.array(mask, dtype=np.uint8)
    return data


def sampler_of(answer: Callable, data: SegmentationDataset, *arguments: int) -> WeightedRandomSampler:
    """Return the sampler that an answer makes. Raises Wrong for anything else."""
    sampler = generator_made(answer, data, *arguments)
    require(sampler is not None, "nothing is returned: is a `return` missing?")
    says = f"the result is {kind_of(sampler)}, not a WeightedRandomSampler: hand the weights to one"
    require(isinstance(sampler, WeightedRandomSampler), says)
    return sampler


def weighed(
    answer: Callable,
    masks: Sequence[Any],
    wanted: list[float],
    says: str,
    mistakes: Sequence[tuple[list[float], str]] = (),
    class_id: int = 2,
) -> None:
    """Compare the weights for a class with the wanted ones, up to a factor, which no draw depends on."""
    details = {"class_id": class_id, "masks": masks, "expected": wanted}
    by_zero, data = divided_by_zero(masks, class_id), of_masks(masks)
    try:
        sampler = sampler_of(answer, data, class_id)
    except ZeroDivisionError as error:
        raise Wrong(f"{by_zero} makes you divide by 0", **details, error=str(error)) from None
    for n, mask in enumerate(masks):
        says_in_place = "a mask that dataset.read returned is changed in place, and the next epoch reads it: copy it"
        now = data.read(n)[1]
        require(np.array_equal(now, mask), says_in_place, before=mask, after=now)
    weights = torch.as_tensor(sampler.weights, dtype=torch.float64)
    details["yours"] = weights
    require(len(weights) == len(masks), "there is not one weight for each image", **details)
    says_infinite = f"{by_zero} makes a weight NaN or infinite: where do you divide by 0?"
    require(torch.isfinite(weights).all(), says_infinite, **details)
    for result, sentence in [*mistakes, (wanted, "")]:
        fits = proportional(weights, result)
        require(not fits or not sentence, sentence, **details)
    require(fits, says, **details)


def divided_by_zero(masks: Sequence[Any], class_id: int) -> str:
    """Say what there is in these masks that lets a careless answer divide by 0."""
    if not any((np.array(mask) == class_id).any() for mask in masks):
        return "a class that no image shows"
    empty = any((np.array(mask) == 255).all() for mask in masks)
    return "an image without labelled pixels" if empty else "something"


def proportional(weights: Tensor, wanted: list[float]) -> bool:
    """Say whether weights are the wanted ones up to a factor."""
    weights = torch.as_tensor(weights, dtype=torch.float64)
    return torch.allclose(weights / weights.sum(), tensor(wanted).double() / sum(wanted))


def draws_as_many(rare_class_sampler: Callable) -> None:
    """The answer is a WeightedRandomSampler that draws len(dataset) images, with replacement.

    `WeightedRandomSampler(weights, len(dataset), generator=...)` draws with replacement unless it is told not to.
    """
    for count in (3, 4):
        sampler = sampler_of(rare_class_sampler, of_masks(TINY_MASKS[:count]), 2)
        says = "one epoch does not draw len(dataset) images"
        require(sampler.num_samples == count, says, expected=count, yours=sampler.num_samples)
        says = "it draws without replacement, so that every image comes once, whatever its weight"
        require(sampler.replacement is True, says)


def weights_by_hand(rare_class_sampler: Callable) -> None:
    """An image weighs 1 + its share of the class over the mean of all shares.

    Shares of 1/4, 0, 1/8 and 1/8 have a mean of 1/8, so the weights are 1 + 2, 1 + 0, 1 + 1 and 1 + 1. A share is a
    part of the image's own pixels, and each image counts once in the mean, however large it is.
    """
    known = [
        ([2, 0, 1, 1], "an image without the class is never drawn: add 1 to every weight"),
        ([1.25, 1, 1.125, 1.125], "the share itself is added to 1: divide it by the mean share first"),
        ([1.5, 1, 1.25, 1.25], "the share is divided by the sum of all shares: divide it by their mean"),
        ([2, 1, 1.5, 1.5], "the share is divided by the largest one: divide it by the mean of all"),
        ([2, 1, 2, 2], "an image counts as showing the class or not: how much it shows counts as well"),
        ([1, 1, 1, 1], "all images weigh the same: is `class_id` used?"),
        ([2.5, 1, 1.75, 1.75], "the mean is over all images, also those without the class"),
    ]
    weighed(rare_class_sampler, TINY_MASKS, [3, 1, 2, 2], "the weights are not 1 + share / mean share", known)
    sizes = [[[2, 2], [2, 2]], [[2, 2, 2, 2], [0, 0, 0, 0]], [[0, 0, 0, 0], [0, 0, 0, 0]]]
    known = [
        ([2.5, 2.5, 1], "pixels of the class are counted: a share is their part of the image's own pixels"),
        ([3.5, 2.25, 1], "large images count more in the mean share: each image counts once"),
    ]
    weighed(rare_class_sampler, sizes, [3, 2, 1], "images of different sizes get wrong weights", known)
    says = "300 pixels of the class in a row give a wrong weight: does your count start again after 255?"
    weighed(rare_class_sampler, [[[2] * 300], [[2, 0]], [[0, 0]]], [3, 2, 1], says)
    says = "the weights are not 1 + share / mean share"
    known = [([2, 2], "the weights are rounded: keep them as they are"), ([17, 23], "the weights are rounded")]
    weighed(rare_class_sampler, [[[2, 0, 0]], [[2, 2, 0]]], [5 / 3, 7 / 3], says, known)
    says = "one image of 25 shows the class, and does not weigh 26 times as much as another: is its weight cut off?"
    weighed(rare_class_sampler, [[[2, 2]]] + [[[0, 0]]] * 24, [26] + [1] * 24, says)
    for class_id, wanted in ((2, [1, 1, 4]), (0, [4, 1, 1]), (1, [1, 4, 1])):
        says = "another `class_id` gives wrong weights: ids count from 0, and 0 is a class like any other"
        says = "the weights are not 1 + share / mean share" if class_id == 2 else says
        weighed(rare_class_sampler, [[[0, 0]], [[1, 1]], [[2, 2]]], wanted, says, class_id=class_id)


def ignored_are_left_out(rare_class_sampler: Callable) -> None:
    """Ignored pixels, 255, count neither above nor below the fraction line.

    Divide by the pixels that are labelled: `(mask != 255).sum()`.
    """
    masks = [[[2, 255], [255, 255]], [[2, 2], [0, 0]], [[0, 0], [0, 255]]]  # shares 1, 1/2, 0
    known = [
        ([2, 3, 1], "ignored pixels are counted in the denominator: divide by the pixels that are not 255"),
        ([2.5, 1.75, 1.375], "ignored pixels are counted as the class"),
        ([1, 4, 1], "an image with a single labelled pixel gets a share of 0: its share is 1 here"),
    ]
    weighed(rare_class_sampler, masks, [3, 2, 1], "ignored pixels change the weights", known)


def nothing_labelled(rare_class_sampler: Callable) -> None:
    """An image that is ignored throughout has a share of 0, and counts in the mean like any other.

    Its labelled pixels are 0, and nothing can be divided by 0: `max(labelled, 1)` avoids it.
    """
    masks = [[[255, 255], [255, 255]], [[2, 0], [0, 0]], [[2, 2], [2, 0]]]  # shares 0, 1/4, 3/4: a mean of 1/3
    known = [
        ([1, 1.5, 2.5], "an image without labels is left out of the mean: its share is 0 and counts"),
        ([1, 1, 1], "an image without labels makes all weights equal: 0 / 0 is NaN, and so is the mean"),
    ]
    weighed(rare_class_sampler, masks, [1, 1.75, 3.25], "an image without labels has a wrong weight", known)


def never_occurs(rare_class_sampler: Callable) -> None:
    """Where no image shows the class, all weigh the same.

    The mean share is 0 then. Divide by something else, such as 1: all shares are 0 anyway.
    """
    for masks in ([[[0, 1], [1, 0]], [[1, 1], [0, 255]], [[0]]], [[[255]], [[0]]]):
        says = "a class that never occurs gives unequal weights"
        weighed(rare_class_sampler, masks, [1] * len(masks), says)


def before_augmentation(rare_class_sampler: Callable) -> None:
    """The shares are those of the masks before augmentation.

    `dataset[n]` augments, and a random window may leave the class out. `dataset.read(n)` returns image and mask as
    they are.
    """
    emptied = of_masks(TINY_MASKS, lambda image, mask: (image, np.zeros_like(mask)))
    weights = sampler_of(rare_class_sampler, emptied, 2).weights
    says = "the class is counted after augmentation: take the mask of dataset.read(n)"
    require(proportional(weights, [3, 1, 2, 2]), says, masks=TINY_MASKS, expected=[3, 1, 2, 2], yours=weights)


def seed_decides(rare_class_sampler: Callable) -> None:
    """The seed decides what is drawn, by a generator of the sampler's own; torch's global numbers stay untouched.

    `generator=torch.Generator().manual_seed(seed)`, a new one in each call; without a seed it is 42.
    """

    def draws(*seed: int, session: int) -> list[int]:
        torch.manual_seed(session)  # what else a session has drawn must not matter
        before = torch.get_rng_state()
        sampler = sampler_of(rare_class_sampler, of_masks(TINY_MASKS * 4), 2, *seed)
        says = "the sampler has no generator: pass generator=torch.Generator(), seeded with `seed`"
        require(sampler.generator is not None, says)
        order = list(sampler)
        says = "torch's global random numbers are reseeded or used: make a new torch.Generator() and seed that"
        require(torch.equal(before, torch.get_rng_state()), says)
        return order

    first, again, other = draws(7, session=1), draws(7, session=2), draws(8, session=1)
    says = "the same seed draws other images in the next run: seed the generator, and make a new one in each call"
    require(first == again, says, **{"first run": first, "second run": again})
    one, two = (sampler_of(rare_class_sampler, of_masks(TINY_MASKS), 2) for _ in range(2))
    require(one.generator is not two.generator, "two samplers share one generator: make a new one in each call")
    require(first != other, "every seed draws the same images: seed the generator with `seed`", seeds=(7, 8))
    require(draws(session=1) == draws(42, session=1), "without a seed it is not 42: give `seed` that default")


# ---------------------------------------------------------------- 5.6 get_dataset
class Shelf(Source):
    """A data set in memory: two noisy pictures in every split, 40 high and 48 wide, no two of them alike."""

    name, license, home = "shelf", "", ""
    classes, palette = ("ground", "house", "lake"), ((0, 0, 0), (90, 90, 90), (180, 180, 180))

    def labelled(self) -> list[tuple[Pair, str | None]]:
        names = [(split, f"{split} {n}") for split in SPLITS for n in (1, 2)]
        return [(Pair(Path(f"{name}.jpg"), Path(f"{name}.png"), name), split) for split, name in names]

    def read_image(self, path: Path) -> np.ndarray:
        chance = np.random.default_rng(zlib.crc32(path.name.encode()))
        return chance.integers(1, 256, (40, 48, 3), dtype=np.uint8)

    def read_ids(self, path: Path) -> np.ndarray:
        return np.random.default_rng(zlib.crc32(path.name.encode())).integers(0, 3, (40, 48))


SHELF, WORDS = Shelf(Path()), {"train": "training", "val": "validation", "test": "test"}


def split_of(answer: Callable, split: str, source: Source | None = SHELF, **changes: Any) -> SegmentationDataset:
    """Return the data set that an answer makes of a split. Raises Wrong for anything else."""
    given = () if source is None else (source,)
    data = answer(Config(**{"image_size": 32} | changes), split, *given)
    require(data is not None, "nothing is returned: is a `return` missing?")
    says = f"the result is {kind_of(data)}, not a SegmentationDataset"
    require(isinstance(data, SegmentationDataset), says)
    return data


def holds_its_split(get_dataset: Callable) -> None:
    """The data set holds the pairs of the split that is asked for, from the source that is given.

    `source.pairs(split)` lists them. A source is loaded only where none is given: `source or catalog.load(config)`.
    """
    for split in SPLITS:
        data = split_of(get_dataset, split)
        require(data.source is SHELF, "the source that is given is not used: load one only where it is None")
        wanted, found = ([pair.image.stem for pair in pairs] for pairs in (SHELF.pairs(split), data.pairs))
        says = f"the {WORDS[split]} data set holds other pairs than those of its split"
        require(found == wanted, says, split=split, expected=wanted, yours=found)


def rests(get_dataset: Callable) -> None:
    """A validation or test pair is the same at every read.

    Which line chooses the transform, and which one does it choose for "val", and for "test"? Only training may change.
    """
    for split in ("val", "test"):
        data = split_of(get_dataset, split)
        for n in (0, 1):
            reads = [data[n] for _ in range(5)]
            corners = {f"first pixel, read {r}": image[:, 0, 0] for r, (image, _) in enumerate(reads[:3], 1)}
            says = f"a {WORDS[split]} image changes from read to read: only those of training may"
            require(all(same(image, reads[0][0]) for image, _ in reads), says, split=split, **corners)
            says = f"a {WORDS[split]} mask changes from read to read: only those of training may"
            require(all(same(mask, reads[0][1]) for _, mask in reads), says, split=split)


def squared_if_asked(get_dataset: Callable) -> None:
    """Pairs are squared to config.image_size where config.framing is "resize", and only there.

    The fourth argument of SegmentationDataset is the side of the square, or None: they keep their shape.
    """
    for split in SPLITS:
        for framing, wanted in {"crop": (40, 48), "resize": (32, 32)}.items():
            found = split_of(get_dataset, split, framing=framing).read(0)[1].shape
            details = {"split": split, "framing": framing, "expected": wanted, "yours": found}
            says = f"{WORDS[split]} pairs are resized though config.framing is 'crop'"
            require(framing == "resize" or found == wanted, says, **details)
            says = f"config.framing is 'resize', but {WORDS[split]} pairs are not squared to config.image_size"
            require(found == wanted, says, **details)


def shrinks_large_ones(get_dataset: Callable) -> None:
    """Pairs whose longer side is above config.max_side are shrunk to it.

    The data set does that: hand config.max_side on to it, as its fifth argument.
    """
    for split in SPLITS:
        found = split_of(get_dataset, split, image_size=16, max_side=36).read(0)[1].shape
        details = {"split": split, "max_side": 36, "before": (40, 48), "expected": (30, 36), "yours": found}
        require(found == (30, 36), "config.max_side does not arrive at the data set", **details)


def shows_its_file(get_dataset: Callable) -> None:
    """A validation or test pair shows all of its file, padded where that is smaller than config.image_size.

    `eval_transform(config)` cuts nothing and draws nothing; it only pads, with 0 in the image and 255 in the mask.
    """
    for split in ("val", "test"):
        for n, pair in enumerate(SHELF.pairs(split)):
            image, mask = split_of(get_dataset, split)[n]
            details = {"split": split, "expected": (40, 48), "yours": tuple(mask.shape)}
            require(mask.shape == (40, 48), f"a {WORDS[split]} pair does not have the size of its file", **details)
            whole = same(image.permute(1, 2, 0), torch.from_numpy(SHELF.read_image(pair.image)))
            says = f"a {WORDS[split]} pair is not what its files show: nothing may be augmented"
            require(whole and same(mask, torch.from_numpy(SHELF.read_ids(pair.mask))), says, split=split)
            mask = split_of(get_dataset, split, image_size=64)[n][1]
            details = {"split": split, "image_size": 64, "yours": tuple(mask.shape)}
            says = f"a {WORDS[split]} pair smaller than config.image_size is not padded: give it eval_transform(config)"
            require(mask.shape == (64, 64) and (mask != 255).sum() == 40 * 48, says, **details)


def training_changes(get_dataset: Callable) -> None:
    """A training pair changes from read to read, and comes as a square of config.image_size.

    `train_transform(config)` makes the pipeline that cuts a random window and augments it.
    """
    for size in (32, 24):
        data = split_of(get_dataset, "train", image_size=size)
        reads = [data[0] for _ in range(4)]
        corners = {f"first pixel, read {r}": image[:, 0, 0] for r, (image, _) in enumerate(reads[:3], 1)}
        moved = any(not same(image, reads[0][0]) for image, _ in reads)
        require(moved, "a training image is the same at every read: it is not augmented", **corners)
        details = {"image_size": size, "yours": tuple(reads[0][1].shape)}
        fits = all(mask.shape == (size, size) for _, mask in reads)
        require(fits, "training pairs are no squares of config.image_size: is it train_transform(config)?", **details)


def loads_if_needed(get_dataset: Callable) -> None:
    """Without a source, `catalog.load(config)` finds it; with one, nothing is loaded.

    `source = source or catalog.load(config)` loads only where `source` is None.
    """
    data = split_of(get_dataset, "val", None, dataset="pets_mini", root=COURSE / "data/pets_mini")
    found = len(data), data.source.name
    require(found == (4, "pets_mini"), "without a source, the data set is not the one that config names", yours=found)
    try:
        split_of(get_dataset, "val", dataset="folder", root=COURSE / "no such folder")
    except DataError as error:
        says = "a source is loaded though one was given: load one only where it is None"
        raise Wrong(says, error=str(error)) from None


EXERCISES = [
    Exercise(
        "5.1", "A batch of pictures of any size", "utils.loaders.pad_collate", 2, 12,
        "A batch is a box of equal sizes; photographs are not.",
        [returns_two, bytes_and_ids, stacked, large_enough, top_left, black_padding, ignored_padding, any_samples],
        [
            "Two steps: find the height and width that fit all, then write each image into an empty one.",
            "`torch.zeros(len(items), 3, height, width, dtype=torch.uint8)` is an empty batch of images. What is an "
            "empty batch of masks?",
            "The masks begin as `torch.full((len(items), height, width), 255)`: everything is ignored until written.",
            "Make images full of 0, of the shape (len(items), 3, height, width), and masks full of 255. Then for n, "
            "(image, mask) in enumerate(items): h, w = mask.shape; images[n, :, :h, :w] = image; and the same for "
            "masks[n, :h, :w].",
        ],
        padding_example,
    ),
    Exercise(
        "5.2", "A seed for every worker", "utils.loaders.seed_worker", 2, 10,
        "Without it, workers and epochs repeat each other's augmentations, and no error tells.",
        [gets_seed, workers_differ, epochs_differ, run_repeats, plain_transforms, streams_stay_apart],
        [
            "Three questions: who am I, which seed is mine, and what has a generator that nobody reseeds?",
            "`info = get_worker_info()` answers the first two: `info.seed` differs by worker and by epoch.",
            "`info.dataset.transform` is the third. Some transforms have no `set_random_seed`: ask with hasattr.",
            'if hasattr(info.dataset.transform, "set_random_seed"): info.dataset.transform.set_random_seed(info.seed '
            "% 2**32).",
        ],
    ),
    Exercise(
        "5.3", "Weights for rare classes", "utils.loaders.class_weights", 2, 10,
        "Nine pixels of ten are ground or road; weights let the loss hear the cars.",
        [three_classes, uneven_counts, absent_classes, billions],
        [
            "Write the formula for one class first. Tensors then do it for all classes at once.",
            "`pixels.float() ** -0.5` is one over the square root, class by class. What does it give for 0?",
            "Put 0 where `pixels == 0`, with `torch.where` or `masked_fill`.",
            "Divide by the mean of those that are there: `weights / weights[pixels > 0].mean()`.",
        ],
        axes="class",
    ),
    Exercise(
        "5.4", "The loader", "utils.loaders.build_loader", 2, 12,
        "The one function through which every batch of notebooks 7 and 8 comes.",
        [a_loader, evaluation_sees_all, training_drops, training_shuffles, training_repeats, pads, seeds_workers],
        [
            "It is one call of DataLoader. Which of its arguments depend on `train`, and which on the config?",
            "`shuffle` and `drop_last` are True for training and False otherwise: that is what `train` is.",
            "`generator=torch.Generator().manual_seed(config.seed)` makes the order repeat, run by run.",
            "The rest: batch_size=config.batch_size, num_workers=config.workers, collate_fn=pad_collate and "
            "worker_init_fn=seed_worker.",
        ],
        by_name=["train"],
    ),
    Exercise(
        "5.5", "A sampler that likes rare classes", "utils.loaders.rare_class_sampler", 3, 12,
        "Weights speak only where a batch holds the class; a sampler sees to it that one does.",
        [
            draws_as_many, weights_by_hand, ignored_are_left_out, nothing_labelled, never_occurs, before_augmentation,
            seed_decides,
        ],
        [
            "Three steps: the share of the class in each mask, a weight of each share, a sampler of the weights.",
            "In a mask, `(mask == class_id).sum()` counts the class and `(mask != 255).sum()` what is labelled. The "
            "second may be 0: what will you divide by then?",
            "With the shares in a NumPy array, the weights are `1 + shares / shares.mean()`, for all images at once. "
            "Which mean needs care?",
            "WeightedRandomSampler(weights, len(dataset), generator=torch.Generator().manual_seed(seed)), where the "
            "shares are divided by `shares.mean() or 1`.",
        ],
    ),
    Exercise(
        "5.6", "Find the bug: three splits", "utils.loaders.get_dataset", 2, 8,
        "A score can only be compared with another where both were measured on the same images.",
        [
            holds_its_split, rests, squared_if_asked, shrinks_large_ones, shows_its_file, training_changes,
            loads_if_needed,
        ],
        [
            "The verdict names a split. Put that word in for `split`, and follow it line by line.",
            "One line chooses between two pipelines. Write down which of them each of the three splits gets.",
            "Only one split may be augmented, so ask for that one by its name.",
            'transform = train_transform(config) if split == "train" else eval_transform(config).',
        ],
    ),
]  # fmt: skip

"""Images a second of the course's loader beside others, in one run: `python -m benchmarks.loader --human FOLDER`.

Every contender runs in turn, five times; printed is the median, and its ratio to the course's. `--drone` and `--growth`
add the large photographs and the many.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import psutil
import segmentation_models_pytorch as smp
import torch
from accelerate import Accelerator
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from utils import catalog
from utils.augmentations import Augment, train_transform, train_transform_v2
from utils.catalog.base import Pair, Source
from utils.config import Config
from utils.dataset import SegmentationDataset, Transform
from utils.images import read_image, read_mask
from utils.loaders import build_loader, get_dataset, seed_epoch
from utils.losses import build_loss

ROUNDS = 5
FLIPS = [A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5)]


class Guided(Dataset):
    """The loader of the guided project as published: every picture is decoded and resized each time."""

    def __init__(self, pairs: list[Pair], size: int) -> None:
        self.pairs = pairs
        # albumentations has since learned to refuse masks that are smaller than their image
        self.augment = A.Compose([A.Resize(size, size), *FLIPS], is_check_shapes=False)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = cv2.cvtColor(cv2.imread(str(self.pairs[index].image)), cv2.COLOR_BGR2RGB)
        mask = np.expand_dims(cv2.imread(str(self.pairs[index].mask), cv2.IMREAD_GRAYSCALE), axis=-1)
        data = self.augment(image=image, mask=mask)
        image = np.transpose(data["image"], (2, 0, 1)).astype(np.float32)
        mask = np.transpose(data["mask"], (2, 0, 1)).astype(np.float32)
        return torch.Tensor(image) / 255.0, torch.round(torch.Tensor(mask) / 255.0)


class AsDocumented(Dataset):
    """torchvision.transforms.v2 as its guide writes it, on pairs that are decoded and resized already."""

    def __init__(self, kept: SegmentationDataset) -> None:
        self.kept = kept
        kinds = {tv_tensors.Image: torch.float32, tv_tensors.Mask: torch.int64, "others": None}
        self.augment = v2.Compose([FLIPS_V2, v2.ToDtype(kinds, scale=True)])

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, mask = self.kept.read(index)
        picture = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1))
        return self.augment(picture, tv_tensors.Mask(torch.from_numpy(mask.copy())))


def flips_v2(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flip with torchvision.transforms.v2, as its tutorials do."""
    picture = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1))
    changed, ids = FLIPS_V2(picture, tv_tensors.Mask(torch.from_numpy(mask.copy())))
    return changed.permute(1, 2, 0).numpy(), ids.numpy()


FLIPS_V2 = v2.Compose([v2.RandomHorizontalFlip(0.5), v2.RandomVerticalFlip(0.5)])


def images_per_second(loader: DataLoader) -> float:
    """Go through a loader once."""
    start, count = time.perf_counter(), 0
    for images, _ in loader:
        count += len(images)
    return count / (time.perf_counter() - start)


def compete(contenders: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Let each run in turn, `ROUNDS` times, and return the medians."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            found[name].append(run())
    return {name: statistics.median(values) for name, values in found.items()}


def table(rates: dict[str, float], reference: str) -> None:
    """Print images a second, and how many times faster `reference` is."""
    print(f"\n| loader | images/s | {reference} is faster by |\n| --- | ---: | ---: |")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rates[reference] / rate:.1f} x |")


def human(source: Source, config: Config) -> None:
    """The recipe of the guided project: 320 pixels, batches of 16, flips."""
    pairs = source.pairs("train")

    def loader(transform: Transform | None, workers: int) -> DataLoader:
        data = SegmentationDataset(pairs, source, transform, config.image_size)
        data.cache = kept.cache
        return build_loader(data, config.override(workers=workers), train=True)

    def guided(workers: int) -> DataLoader:
        return DataLoader(Guided(pairs, config.image_size), batch_size=16, shuffle=True, num_workers=workers)

    start = time.perf_counter()
    kept = SegmentationDataset(pairs, source, resize=config.image_size).preload("ram")
    print(f"decoding and resizing {len(pairs)} photographs once: {time.perf_counter() - start:.1f} s")
    print(f"they take {sum(a.nbytes + b.nbytes for a, b in kept.cache.values()) / 1e6:.0f} MB")
    medium, medium_v2 = train_transform(config), train_transform_v2(config)
    loaders = {
        "the course's, flips": loader(Augment(FLIPS), 0),
        "the course's, flips, 2 workers": loader(Augment(FLIPS), 2),
        "guided project, workers 0": guided(0),
        "guided project, 2 workers": guided(2),
        "torchvision v2 as documented, on the same cache, flips": DataLoader(AsDocumented(kept), 16, shuffle=True),
        "the course's with torchvision v2 inside, flips": loader(flips_v2, 0),
        "the course's, medium": loader(medium, 0),
        "the course's with torchvision v2 inside, medium": loader(medium_v2, 0),
    }
    rates = compete({name: lambda one=one: images_per_second(one) for name, one in loaders.items()})
    table(rates, "the course's, flips")
    ratio = rates["the course's, medium"] / rates["the course's with torchvision v2 inside, medium"]
    print(f"\nwith the preset's `medium` augmentation the course's is {ratio:.1f} x torchvision v2 (without noise)")
    waiting(config, source)


def waiting(config: Config, source: Source, batches: int = 6) -> None:
    """How much of a training epoch on this processor is spent waiting for data."""
    shares = {}
    for workers in (0, 2):
        settings = config.override(workers=workers)
        data = get_dataset(settings, "train", source).preload("ram")
        loader = build_loader(data, settings, train=True)
        model = smp.Unet("mobilenet_v2", encoder_weights=None, classes=1)
        accelerator = Accelerator(cpu=True)
        model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=1e-3))
        loss_fn = build_loss(settings)
        seed_epoch(settings, loader, 1)
        start, waited = time.perf_counter(), 0.0
        batch = iter(loader)
        for _ in range(batches):
            began = time.perf_counter()
            images, masks = next(batch)
            waited += time.perf_counter() - began
            accelerator.backward(loss_fn(model(images.float() / 255), masks))
            optimizer.step()
            optimizer.zero_grad()
        total = time.perf_counter() - start
        shares[workers] = (waited / total, total / batches)
        del batch
    for workers, (share, seconds) in shares.items():
        print(
            f"waiting for data, U-Net/MobileNetV2, batches of {config.batch_size} at {config.image_size} px, "
            f"{workers} workers: {share:.1%} of {seconds:.1f} s a batch"
        )


def drone(work: Path, count: int = 8) -> None:
    """Photographs of 6000 x 4000 pixels: the first epoch decodes, the others do not."""
    source = drawn_photographs(work / "drone", count)
    config = Config.preset("drone", workers=0, batch_size=4)

    def data() -> SegmentationDataset:
        return SegmentationDataset(source.pairs("train"), source, train_transform(config), max_side=config.max_side)

    every_time = timed(lambda: images_per_second(build_loader(data(), config, train=True)))
    print(f"\n{count} photographs of 6000 x 4000 pixels, shrunk to {config.max_side}; decoded every time: an epoch")
    print(f"takes {every_time:.1f} s\n\n| kept in | first epoch, s | another, s | faster by | MB |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for kind in ("ram", "disk"):
        kept = data()
        loader = build_loader(kept, config, train=True)
        first = timed(lambda kept=kept, kind=kind: kept.preload(kind)) + timed(
            lambda one=loader: images_per_second(one)
        )
        again = statistics.median(timed(lambda one=loader: images_per_second(one)) for _ in range(ROUNDS))
        print(f"| {kind} | {first:.1f} | {again:.2f} | {first / again:.0f} x | {kept.decoded_bytes() / 1e6:.0f} |")


def timed(run: Callable[[], object]) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def drawn_photographs(folder: Path, count: int) -> Source:
    """Write the course's drawn mosaic as photographs of 24 megapixels, all for training."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    drawn = catalog.load(Config())
    scene, mask = (read(drawn.root / f"mosaic.{kind}") for read, kind in ((read_image, "jpg"), (read_mask, "png")))
    rows = ["image,mask,split"]
    for number in range(count):
        image = cv2.resize(np.roll(scene, 97 * number, axis=1), (6000, 4000), interpolation=cv2.INTER_CUBIC)
        grain = np.random.default_rng(number).integers(0, 12, image.shape, np.uint8)  # as photographs have it
        Image.fromarray(cv2.add(image, grain)).save(folder / f"images/{number}.jpg", quality=90)
        ids = cv2.resize(np.roll(mask, 97 * number, axis=1), (6000, 4000), interpolation=cv2.INTER_NEAREST)
        Image.fromarray(ids).save(folder / f"masks/{number}.png")
        rows.append(f"images/{number}.jpg,masks/{number}.png,train")
    (folder / "pairs.csv").write_text("\n".join(rows))
    return catalog.load(Config(dataset="folder", root=folder, classes=drawn.classes))


def growth(source: Source, size: int) -> None:
    """The same photographs 1, 10 and 100 times over, kept in memory and on disk, each in a process of its own."""
    print(f"\n| images at {size} px | kept in | building, s | serving, images/s | memory added, MB | kept, GB |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as fresh:
        for times, kind in ((1, "ram"), (10, "ram"), (1, "disk"), (10, "disk"), (100, "disk")):
            print(fresh.submit(grown, source, size, times, kind).result(), flush=True)


def grown(source: Source, size: int, times: int, kind: str) -> str:
    """Return one row of the table of `growth`."""
    pairs = [pair for pair, _ in source.labelled()] * times
    data = SegmentationDataset(pairs, source, Augment(FLIPS), size)
    loader = build_loader(data, Config.preset("human", image_size=size, workers=0), train=True)
    with Memory() as memory:
        seconds = timed(lambda: data.preload(kind))
        rate = images_per_second(loader)
    added, kept = memory.most - memory.before, data.decoded_bytes()
    return f"| {len(data):,} | {kind} | {seconds:.1f} | {rate:,.0f} | {added / 1e6:,.0f} | {kept / 1e9:.2f} |"


class Memory:
    """The most memory of its own that this process comes to hold within a `with`: without the system's page cache."""

    def __enter__(self) -> "Memory":
        self.before = self.most = self.now()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def now(self) -> int:
        facts = psutil.Process().memory_info()
        return facts.rss - facts.shared  # `shared` holds what is mapped from files

    def watch(self) -> None:
        while not self.over.wait(0.05):
            self.most = max(self.most, self.now())

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--human", type=Path, help="folder of the data set 'human'; default data/human")
    parser.add_argument("--drone", action="store_true", help="photographs of 6000 x 4000 pixels as well")
    parser.add_argument("--growth", action="store_true", help="290, 2,900 and 29,000 images as well")
    parser.add_argument("--growth-size", type=int, default=160, help="their side in pixels: at 320, 12 GB of disk")
    options = parser.parse_args()
    config = Config.preset("human", root=options.human)
    source = catalog.load(config)
    human(source, config)
    with tempfile.TemporaryDirectory() as work:
        os.environ["CACHE_FOLDER"] = f"{work}/cache"  # gone at the end, and never there at the beginning
        if options.drone:
            drone(Path(work))
        if options.growth:
            growth(source, options.growth_size)


if __name__ == "__main__":
    main()

"""utils/loaders.py: batches, worker seeds, padding and balance."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader, Dataset, get_worker_info

from utils import catalog
from utils.config import Config
from utils.dataset import SegmentationDataset
from utils.errors import ConfigError, DataError
from utils.loaders import (
    build_loader,
    class_pixels,
    class_weights,
    count_pixels,
    get_data_loaders,
    get_dataset,
    pad_collate,
    rare_class_sampler,
    seed_worker,
)


@pytest.fixture
def alike(config):
    """A configuration whose training images are all the same picture: what differs is augmentation."""
    for kind in ("images", "masks"):
        data = (config.root / kind / "00.png").read_bytes()
        for path in (config.root / kind).glob("0[0-7].png"):
            path.write_bytes(data)
    return config.override(batch_size=1, augmentation="strong", image_size=40)


def epoch(loader):
    return [(image.numpy().tobytes(), mask.numpy().tobytes()) for images, masks in loader
            for image, mask in zip(images, masks, strict=True)]  # fmt: skip


# ---------------------------------------------------------------- batches
def test_batches_have_the_promised_shapes_and_types(config):
    loaders = get_data_loaders(config)
    images, masks = next(iter(loaders.train))
    assert (images.shape, images.dtype) == ((4, 3, 32, 32), torch.uint8)
    assert (masks.shape, masks.dtype) == ((4, 32, 32), torch.int64)
    images, masks = next(iter(loaders.val))
    assert images.shape == (2, 3, 40, 48)
    assert masks.shape == (2, 40, 48)


@pytest.mark.parametrize("split", ["train", "val"])
def test_framing_by_resizing_squares_every_picture(split, config):
    loaders = get_data_loaders(config.override(framing="resize"))
    images, _ = next(iter(getattr(loaders, split)))
    assert images.shape[2:] == (32, 32)


@pytest.mark.parametrize(("batch", "steps"), [(3, 2), (4, 2), (8, 1), (5, 1)])
def test_training_takes_whole_batches_only(batch, steps, config):
    loaders = get_data_loaders(config.override(batch_size=batch))
    assert [len(images) for images, _ in loaders.train] == [batch] * steps


def test_validation_and_test_show_every_picture_in_order_and_unchanged(config):
    source = catalog.load(config)
    loaders = get_data_loaders(config.override(batch_size=5, augmentation="strong"), source)
    for split in ("val", "test"):
        plain = SegmentationDataset(source.pairs(split), source)
        loader = getattr(loaders, split)
        for _ in range(2):
            images = torch.cat([images for images, _ in loader])
            assert torch.equal(images, torch.stack([image for image, _ in plain]))
    assert loaders.test.dataset.pairs == source.pairs("test")
    assert loaders.val.dataset.pairs == source.pairs("val")


def test_training_shuffles_and_shows_every_picture_once(config):
    config = config.override(augmentation="none", framing="resize", batch_size=2)
    loader = get_data_loaders(config).train
    first, second = epoch(loader), epoch(loader)
    assert sorted(first) == sorted(second)
    assert len(set(first)) == 8
    assert first != second


def test_a_batch_larger_than_the_training_set(config):
    with pytest.raises(ConfigError) as error:
        get_data_loaders(config.override(batch_size=9))
    assert_clear(error, "batch_size=9", "8 training images", "set it to 8")


def test_pictures_of_any_sizes_are_padded_with_ignored_pixels():
    sizes = [(5, 9), (8, 3), (1, 1)]
    items = [(torch.full((3, h, w), n + 1, dtype=torch.uint8), torch.full((h, w), n)) for n, (h, w) in enumerate(sizes)]
    images, masks = pad_collate(items)
    assert images.shape == (3, 3, 8, 9)
    for n, (h, w) in enumerate(sizes):
        assert (images[n, :, :h, :w] == n + 1).all()
        assert (masks[n, :h, :w] == n).all()
        assert images[n].sum() == 3 * h * w * (n + 1)
        assert (masks[n] == 255).sum() == 72 - h * w


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_padding_is_that_of_numpy(sizes, seed):
    rng = np.random.default_rng(seed)
    pairs = [(rng.integers(0, 256, (3, *s), dtype=np.uint8), rng.choice([0, 1, 5, 255], s)) for s in sizes]
    images, masks = pad_collate([(torch.from_numpy(image), torch.from_numpy(mask)) for image, mask in pairs])
    height, width = np.array(sizes).max(axis=0)
    for n, ((h, w), (image, mask)) in enumerate(zip(sizes, pairs, strict=True)):
        around = (0, height - h), (0, width - w)
        assert np.array_equal(images[n], np.pad(image, ((0, 0), *around)))
        assert np.array_equal(masks[n], np.pad(mask, around, constant_values=255))
    assert (images.dtype, masks.dtype) == (torch.uint8, torch.int64)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(("batch", "seed"), [(3, 0), (4, 7)])
def test_a_loader_visits_what_torchs_own_would(batch, seed, train, config):
    source = catalog.load(config)
    data = SegmentationDataset(source.pairs("train"), source)
    loader = build_loader(data, config.override(batch_size=batch, seed=seed), train)
    generator = torch.Generator().manual_seed(seed)
    plain = DataLoader(range(len(data)), batch, shuffle=train, drop_last=train, generator=generator)
    for _ in range(2):
        numbers, batches = list(plain), list(loader)
        assert len(numbers) == len(batches) == len(loader)
        for order, (images, masks) in zip(numbers, batches, strict=True):
            assert torch.equal(images, torch.stack([data[n][0] for n in order]))
            assert torch.equal(masks, torch.stack([data[n][1] for n in order]))


# ---------------------------------------------------------------- randomness
class Reports(Dataset):
    """Gives for each sample what its worker knows, and the last seed that its transform was given."""

    def __init__(self):
        self.transform, self.seed = self, -1

    def set_random_seed(self, seed):
        self.seed = seed

    def __len__(self):
        return 4

    def __getitem__(self, index):
        info = get_worker_info()
        return info.id, info.seed, self.seed


def test_a_workers_transform_gets_the_seed_that_pytorch_gave_the_worker():
    loader = DataLoader(Reports(), num_workers=2, worker_init_fn=seed_worker, collate_fn=lambda items: items[0])
    reports = [report for _ in range(2) for report in loader]
    assert len({seed for _, seed, _ in reports}) == len({given for *_, given in reports}) == 4
    assert all(given == seed % 2**32 for _, seed, given in reports)
    assert {number for number, *_ in reports} == {0, 1}


def test_a_worker_without_a_transform_to_seed_works_all_the_same(config):
    source = catalog.load(config)
    for transform in (None, lambda image, mask: (image, mask)):
        data = SegmentationDataset(source.pairs("val"), source, transform)
        assert len(list(DataLoader(data, num_workers=1, worker_init_fn=seed_worker))) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_two_epochs_are_augmented_differently(workers, alike):
    loader = get_data_loaders(alike.override(workers=workers)).train
    first, second = epoch(loader), epoch(loader)
    assert len(set(first)) == len(first) == 8
    assert not set(first) & set(second)


def test_two_workers_do_not_run_in_lockstep(alike):
    found = epoch(get_data_loaders(alike.override(workers=2)).train)
    assert all(a != b for a, b in zip(found[::2], found[1::2], strict=True))


def test_without_the_workers_seed_they_would_repeat_themselves(alike):
    """What the course's `seed_worker` is for: were the library mended, this test would say so."""
    loader = get_data_loaders(alike).train
    bare = DataLoader(loader.dataset, batch_size=1, num_workers=2)
    assert epoch(bare) == epoch(bare)
    seeded = DataLoader(loader.dataset, batch_size=1, num_workers=2, worker_init_fn=seed_worker)
    assert epoch(seeded) != epoch(seeded)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_seeded_loader_repeats_itself_and_another_seed_differs(workers, config):
    config = config.override(workers=workers, augmentation="strong")

    def two_epochs(seed):
        loader = get_data_loaders(config.override(seed=seed)).train
        return epoch(loader) + epoch(loader)

    assert two_epochs(1) == two_epochs(1)
    assert two_epochs(1) != two_epochs(2)


def test_persistent_workers_differ_between_epochs_too(alike):
    dataset = get_data_loaders(alike).train.dataset
    loader = DataLoader(dataset, batch_size=1, num_workers=2, worker_init_fn=seed_worker, persistent_workers=True)
    first, second = epoch(loader), epoch(loader)
    assert not set(first) & set(second)
    del loader


def test_a_fault_inside_a_worker_is_still_one_sentence(config):
    loader = get_data_loaders(config.override(workers=1)).test
    (config.root / "images" / "10.png").write_bytes(b"")
    batches = iter(loader)
    with pytest.raises(DataError) as error:
        next(batches)
    assert_clear(error, "images/10.png", "0 bytes", "replace it")
    batches._shutdown_workers()  # the garbage collector would take seconds to


# ---------------------------------------------------------------- balance
def test_class_pixels_counts_every_labelled_pixel(config):
    source = catalog.load(config)
    counts = class_pixels(SegmentationDataset(source.pairs("train"), source))
    stored = np.concatenate([np.array(Image.open(p.mask)).ravel() for p in source.pairs("train")])
    assert counts.tolist() == np.bincount(stored, minlength=256)[:3].tolist()
    assert counts.dtype == torch.int64


def test_class_weights_fall_with_the_root_of_the_frequency_and_have_mean_one():
    weights = class_weights(torch.tensor([400, 100, 0, 25]))
    assert torch.allclose(weights / weights[0], torch.tensor([1.0, 2.0, 0.0, 4.0]))
    assert weights[weights > 0].mean().item() == pytest.approx(1)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=8), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_class_weights_are_those_of_the_formula_class_by_class(counts, absent):
    weights = class_weights(torch.tensor(counts + [0] * absent))
    roots = [1 / math.sqrt(count) for count in counts]
    mean = math.fsum(roots) / len(roots)
    assert weights.tolist() == pytest.approx([root / mean for root in roots] + [0.0] * absent, rel=1e-5)
    assert weights.dtype == torch.float32


def test_the_sampler_draws_a_rare_class_more_often(tmp_path, config):
    root = write_pairs(tmp_path / "rare", splits=["train"] * 10 + ["val", "test"])
    for number in range(10):
        Image.fromarray(np.full((40, 48), 2 if number == 3 else 0, np.uint8)).save(root / "masks" / f"{number:02d}.png")
    data = get_dataset(config.override(root=root), "train")
    sampler = rare_class_sampler(data, class_id=2, seed=1)
    assert torch.allclose(sampler.weights, torch.tensor([1.0] * 3 + [11.0] + [1.0] * 6, dtype=torch.float64))
    draws = [list(sampler) for _ in range(40)]
    assert 0.4 < np.mean([index == 3 for draw in draws for index in draw]) < 0.7
    assert list(rare_class_sampler(data, 2, seed=1)) == draws[0]
    assert list(rare_class_sampler(data, class_id=1, seed=1)) != draws[0]


def test_real_photographs_come_as_squares(human, monkeypatch):
    from utils.config import Config

    monkeypatch.setattr(human, "pairs", lambda split, seed=42: type(human).pairs(human, split, seed)[:6])
    config = Config.preset("human", root=human.root, image_size=64, batch_size=3, workers=0)
    loaders = get_data_loaders(config, human)
    for loader in loaders:
        images, masks = next(iter(loader))
        assert images.shape == (3, 3, 64, 64)
        assert set(masks.unique().tolist()) <= {0, 1, 255}
        assert masks.float().std() > 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_pixels_are_counted_like_a_counter_counts(seed, classes):
    mask = np.random.default_rng(seed).choice([*range(classes), 255], (6, 5)).astype(np.uint8)
    counter = Counter(mask.ravel().tolist())
    assert count_pixels(mask, classes).tolist() == [counter[c] for c in range(classes)]


# ---------------------------------------------------------------- batches that are fetched at once
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("resize", [None, 24])
def test_a_batch_holds_the_examples_one_by_one(workers, resize, config):
    source = catalog.load(config)
    data = SegmentationDataset(source.pairs("train"), source, resize=resize)
    loader = build_loader(data, config.override(workers=workers, batch_size=3), train=False)
    images, masks = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert (images.dtype, masks.dtype) == (torch.uint8, torch.int64)
    for index in range(len(data)):
        assert torch.equal(images[index], data[index][0])
        assert torch.equal(masks[index], data[index][1])


@pytest.mark.parametrize("collate", [None, pad_collate, list])
def test_any_collate_function_is_given_examples(collate, config):
    """PyTorch's own and a learner's see a list of (uint8 (3, H, W), int64 (H, W))."""
    source = catalog.load(config)
    data = SegmentationDataset(source.pairs("train"), source)
    batch = next(iter(DataLoader(data, 4, collate_fn=collate)))
    images, masks = batch if collate is not list else (torch.stack(part) for part in zip(*batch, strict=True))
    assert (images.dtype, masks.dtype) == (torch.uint8, torch.int64)
    assert torch.equal(images, torch.stack([data[i][0] for i in range(4)]))
    assert torch.equal(masks, torch.stack([data[i][1] for i in range(4)]))


def test_pictures_of_several_sizes_come_one_by_one_and_are_padded(tmp_path):
    for number, size in enumerate(((20, 30), (24, 26), (20, 30))):
        write_pairs(tmp_path / str(number), ["train"], size)
    sources = [catalog.load(Config(dataset="folder", root=tmp_path / str(n), classes=CLASSES)) for n in range(3)]
    data = SegmentationDataset([source.pairs("train")[0] for source in sources], sources[0])
    images, masks = pad_collate(data.__getitems__([0, 1, 2]))
    assert (images.shape, masks.shape, masks.dtype) == ((3, 3, 24, 30), (3, 24, 30), torch.int64)
    assert masks[1, :, 26:].eq(255).all()


def test_a_batch_shares_no_memory_with_the_cache(config):
    source = catalog.load(config)
    data = SegmentationDataset(source.pairs("train"), source).preload("ram")
    before = data.read(0)[0].copy()
    images, masks = next(iter(build_loader(data, config.override(batch_size=1), train=False)))
    images.fill_(7)
    masks.fill_(7)
    assert np.array_equal(data.read(0)[0], before)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64, np.float32])
def test_a_transform_may_return_ids_of_any_type(kind, config):
    data = get_dataset(config.override(framing="resize"), "val")
    expected = torch.stack([data[index][1] for index in range(2)])
    data.transform = lambda image, mask: (image, mask.astype(kind))
    masks = next(iter(DataLoader(data, 2, collate_fn=pad_collate)))[1]
    assert masks.dtype == torch.int64
    assert torch.equal(masks, expected)

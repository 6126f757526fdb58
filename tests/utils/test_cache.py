"""utils/cache.py: what comes out of a cache is what decoding gives, whoever builds it and however that ends."""

import multiprocessing
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from helpers import CLASSES, COURSE, assert_clear, drop_splits, equal_states, full_disk, small_config, snapshot
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from utils import cache, catalog
from utils.augmentations import train_transform
from utils.cache import Store, choose_cache, map_in_order
from utils.catalog.base import Pair
from utils.config import Config
from utils.dataset import SegmentationDataset, read_pair
from utils.errors import DataError
from utils.images import resize_pair, shrink_pair
from utils.loaders import get_data_loaders
from utils.training import fit


@pytest.fixture
def source(pairs):
    return catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))


def whole(source, **options):
    return SegmentationDataset([pair for pair, _ in source.labelled()], source, **options)


def same(a, b):
    return len(a) == len(b) and all(
        np.array_equal(x, y) for i in range(len(a)) for x, y in zip(a[i], b[i], strict=True)
    )


def stores(folder):
    return sorted(p.name for p in folder.iterdir() if p.is_dir())


# ---------------------------------------------------------------- the same bytes
@pytest.mark.parametrize("kind", ["ram", "disk", "none", "auto"])
@pytest.mark.parametrize("options", [{}, {"resize": 24}, {"max_side": 32}, {"resize": 16, "max_side": 40}])
def test_every_cache_serves_what_decoding_gives(kind, options, source):
    plain, kept = whole(source, **options), whole(source, **options).preload(kind)
    assert same(plain, kept)
    assert len(kept.cache) == (0 if kind == "none" else 12)


sizes = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6)


@given(sizes=sizes, resize=st.one_of(st.none(), st.integers(8, 40)), most=st.one_of(st.none(), st.integers(4, 50)))
def test_pictures_of_any_size_come_out_of_the_store_as_they_went_in(sizes, resize, most, tmp_path_factory):
    root = tmp_path_factory.mktemp("sizes")
    rng = np.random.default_rng(0)
    found = []
    for number, (height, width) in enumerate(sizes):
        Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8)).save(root / f"{number}.png")
        Image.fromarray(rng.integers(0, 3, (height, width), np.uint8)).save(root / f"{number}_mask.png")
        found.append(Pair(root / f"{number}.png", root / f"{number}_mask.png", str(number)))
    source = catalog.load(Config(dataset="folder", root=root, classes=CLASSES))
    kept = SegmentationDataset(found, source, resize=resize, max_side=most).preload("disk")
    for index, pair in enumerate(found):
        image, mask = read_pair(pair, source)
        if most:
            image, mask = shrink_pair(image, mask, most)
        if resize:
            image, mask = resize_pair(image, mask, resize, resize)
        stored = kept.read(index)
        assert np.array_equal(stored[0], image)
        assert np.array_equal(stored[1], mask)
    assert kept.cache.nbytes == kept.decoded_bytes()


@pytest.mark.parametrize("kind", ["ram", "disk", "none", "auto"])
def test_a_split_without_pairs_is_no_fault(kind, source):
    kept = SegmentationDataset([], source).preload(kind)
    assert len(kept.cache) == len(kept) == 0
    assert len(pickle.loads(pickle.dumps(kept)).cache) == 0


@pytest.mark.parametrize("kind", ["ram", "disk"])
def test_after_preloading_no_file_is_read_again(kind, pairs, source):
    expected = [whole(source)[i] for i in range(12)]
    kept = whole(source).preload(kind)
    shutil.rmtree(pairs)
    for index, (image, mask) in enumerate(expected):
        assert torch.equal(kept[index][0], image)
        assert torch.equal(kept[index][1], mask)


@pytest.mark.parametrize("kind", ["ram", "disk"])
@pytest.mark.parametrize("strength", ["light", "medium", "strong"])
def test_augmentation_changes_nothing_that_is_kept(kind, strength, source):
    config = Config(image_size=32, augmentation=strength)
    kept = whole(source, transform=train_transform(config)).preload(kind)
    before = [tuple(array.copy() for array in kept.read(i)) for i in range(12)]
    for index in [*range(12)] * 5:
        kept[index]
    for index, pair in enumerate(before):
        assert all(np.array_equal(a, b) for a, b in zip(pair, kept.read(index), strict=True))


@pytest.mark.parametrize("kind", ["ram", "disk"])
def test_a_transform_that_writes_into_what_is_kept_is_stopped(kind, source):
    def careless(image, mask):
        image[:] = 0
        return image, mask

    with pytest.raises(ValueError, match="read-only"):
        whole(source, transform=careless).preload(kind)[0]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("kind", ["ram", "disk"])
def test_workers_serve_the_same_bytes(method, kind, source):
    kept = whole(source).preload(kind)
    loader = DataLoader(kept, 4, num_workers=1, multiprocessing_context=multiprocessing.get_context(method))
    images = torch.cat([images for images, _ in loader])
    assert torch.equal(images, torch.stack([kept[i][0] for i in range(12)]))


def test_a_store_travels_to_a_worker_as_a_path(source):
    kept = whole(source, resize=200).preload("disk")
    assert kept.cache.nbytes == 12 * 4 * 200 * 200
    assert len(pickle.dumps(kept)) < 20_000
    assert same(pickle.loads(pickle.dumps(kept)), kept)


@pytest.mark.parametrize("kind", ["disk", "none", "auto"])
def test_a_run_is_the_same_with_any_cache(kind, pairs, tmp_path):
    config = small_config(pairs, tmp_path / "ram", cache="ram", augmentation="medium")
    fit(config, on_epoch=None)
    fit(config.override(cache=kind, output=tmp_path / "other"), on_epoch=None)
    assert equal_states(*(load_file(tmp_path / run / "best.safetensors") for run in ("ram", "other")))


# ---------------------------------------------------------------- where pairs are kept
@pytest.mark.parametrize(
    ("kind", "size", "workers", "where"),
    [("auto", 10**6, 0, "ram"), ("auto", 10**6, 2, "ram"), ("auto", 3 * 10**9, 0, "disk"), ("auto", 10**15, 2, "disk"),
     ("ram", 10**6, 2, "ram"), ("disk", 1, 0, "disk"), ("none", 10**15, 0, "none")],
)  # fmt: skip
def test_small_sets_stay_in_memory_and_large_ones_go_to_disk(kind, size, workers, where, monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "fork")
    assert choose_cache(kind, size, workers) == where


def test_processes_that_would_each_hold_a_copy_share_a_file(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "spawn")
    assert choose_cache("auto", 10**6, 2) == "disk"
    assert choose_cache("auto", 10**6, 0) == "ram"
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda: "fork")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert choose_cache("auto", 10**6, 0) == "disk"


def test_memory_that_is_not_there_is_said(source):
    with pytest.raises(DataError) as error:
        choose_cache("ram", 10**15, 0)
    assert_clear(error, "1000000.0 GB", "free", "cache='disk'")


def test_the_limit_decides_in_a_data_set(source, cache_folder, monkeypatch):
    monkeypatch.setattr(cache, "CACHE_BYTES", 12 * 40 * 48 * 4)
    assert isinstance(whole(source).preload().cache, dict)
    assert stores(cache_folder) == []
    monkeypatch.setattr(cache, "CACHE_BYTES", 12 * 40 * 48 * 4 - 1)
    assert isinstance(whole(source).preload().cache, Store)
    assert len(stores(cache_folder)) == 1


def test_the_config_decides_for_training(config, cache_folder):
    get_data_loaders(config.override(cache="disk"))
    assert len(stores(cache_folder)) == 2  # training and validation
    before = snapshot(cache_folder)
    get_data_loaders(config.override(cache="disk"))
    assert snapshot(cache_folder) == before


@given(st.lists(st.integers(), max_size=60))
def test_threads_keep_the_order(items):
    assert list(map_in_order(lambda item: item * 2, items)) == [item * 2 for item in items]


def test_only_a_few_results_wait_at_a_time():
    done, most = [], 0
    for n, _ in enumerate(map_in_order(lambda item: done.append(item), range(500))):
        most = max(most, len(done) - n)
    assert most <= 3 * (os.cpu_count() or 1) + 2


# ---------------------------------------------------------------- the name of a store
def test_the_name_follows_content_and_settings_and_nothing_else(pairs, source, tmp_path):
    name = whole(source).cache_key()
    assert re.fullmatch("[0-9a-f]{32}", name)
    assert whole(source).cache_key() == name
    assert whole(source, transform=train_transform(Config(image_size=16))).cache_key() == name
    shutil.copytree(pairs, tmp_path / "elsewhere")  # new times, another place, the same content
    moved = catalog.load(Config(dataset="folder", root=tmp_path / "elsewhere", classes=CLASSES))
    assert whole(moved).cache_key() == name
    others = [
        whole(source, **o).cache_key() for o in ({"resize": 24}, {"resize": 25}, {"max_side": 24}, {"max_side": 25})
    ]
    named = catalog.load(Config(dataset="folder", root=pairs, classes=("a", "b", "c")))
    others += [whole(named).cache_key(), SegmentationDataset(whole(source).pairs[::-1], source).cache_key()]
    assert len({name, *others}) == 7


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_one_changed_pixel_makes_another_store(kind, pairs, source, cache_folder):
    whole(source).preload("disk")
    path = pairs / kind / "05.png"
    facts = path.stat()
    pixels = np.array(Image.open(path))
    pixels[3, 3] = 2
    Image.fromarray(pixels).save(path)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    again = whole(source).preload("disk")
    assert len(stores(cache_folder)) == 2
    assert same(again, whole(source))


def test_a_learners_own_function_makes_a_store_of_its_own(source, monkeypatch):
    from exercises.answers import LearnerFunction
    from utils import dataset as dataset_module

    name = whole(source, resize=24).cache_key()

    def nearest(image, mask, height, width):
        return image[:height, :width], mask[:height, :width]

    monkeypatch.setattr(dataset_module, "resize_pair", LearnerFunction("3.3", nearest))
    assert whole(source, resize=24).cache_key() != name


def test_an_edition_makes_a_store_of_its_own(shared_data):
    def name(variant):
        source = catalog.load(Config.preset("pets", root=shared_data("pets"), variant=variant))
        return SegmentationDataset(source.pairs("test")[:2], source, resize=32).cache_key()

    assert name("border-ignored") != name("border-is-pet")


# ---------------------------------------------------------------- several processes, and processes that die
BUILD = """
import sys, time
from pathlib import Path
from utils import cache, catalog, dataset
from utils.config import Config
source = catalog.load(Config(dataset="folder", root=Path(sys.argv[1]), classes=("ground", "house", "lake")))
data = dataset.SegmentationDataset([pair for pair, _ in source.labelled()], source, resize=64)
plain, read = data.decode, []
def slow(index):
    time.sleep(float(sys.argv[2]))
    read.append(index)
    return plain(index)
data.decode = slow
print("ready", flush=True)
data.preload("disk")
print(len(read), sum(int(image.sum()) for image, _ in map(data.read, range(len(data)))), flush=True)
"""


def start(pairs, folder, seconds):
    environment = os.environ | {"CACHE_FOLDER": str(folder), "PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", BUILD, str(pairs), str(seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_of_two_processes_one_builds_and_both_read(pairs, source, cache_folder):
    processes = [start(pairs, cache_folder, 0.1) for _ in range(2)]
    printed = [process.communicate(timeout=60)[0].split("\n")[1].split() for process in processes]
    assert sorted(int(read) for read, _ in printed) == [0, 12]
    total = sum(int(image.sum()) for image, _ in map(whole(source, resize=64).read, range(12)))
    assert [int(found) for _, found in printed] == [total, total]
    assert len(stores(cache_folder)) == 1


def test_a_process_that_is_killed_half_way_leaves_nothing_that_counts(pairs, source, cache_folder):
    process = start(pairs, cache_folder, 0.2)
    for _ in range(200):
        if any(file.stat().st_size > 0 for file in cache_folder.glob("*.partial/pixels.bin")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert [name for name in stores(cache_folder) if name.endswith(".partial")]
    kept = whole(source, resize=64).preload("disk")
    assert same(kept, whole(source, resize=64))
    assert stores(cache_folder) == [kept.cache_key()]


@pytest.mark.parametrize("file", ["pixels.bin", "index.npy"])
@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "longer"])
def test_a_store_that_was_damaged_is_built_again(file, damage, source, cache_folder, capsys):
    whole(source).preload("disk")
    (path,) = cache_folder.glob(f"*/{file}")
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        os.truncate(path, path.stat().st_size // 2)
    elif damage == "empty":
        os.truncate(path, 0)
    elif file == "pixels.bin":
        with path.open("ab") as store:
            store.write(b"more")
    else:
        path.write_bytes(b"no array")
    assert same(whole(source).preload("disk"), whole(source))
    assert "damaged: decoding again" in capsys.readouterr().out


# ---------------------------------------------------------------- disks and faults
def test_a_disk_without_room_is_said_before_decoding(source, cache_folder, monkeypatch):
    monkeypatch.setattr(cache, "SPARE_BYTES", 10**16)
    with pytest.raises(DataError) as error:
        whole(source).preload("disk")
    assert_clear(error, cache_folder, "are free", "CACHE_FOLDER", "cache='none'")
    assert stores(cache_folder) == []


def test_a_disk_that_fills_up_leaves_nothing_half(source, cache_folder):
    with full_disk(30_000), pytest.raises(DataError) as error:
        whole(source).preload("disk")
    assert_clear(error, cache_folder, "cache='none'")
    assert stores(cache_folder) == []


def test_a_folder_that_cannot_be_made(source, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CACHE_FOLDER", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataError) as error:
        whole(source).preload("disk")
    assert_clear(error, tmp_path / "file", "CACHE_FOLDER")


@pytest.mark.parametrize("kind", ["ram", "disk", "none"])
def test_faults_are_counted_with_any_cache(kind, pairs, source, cache_folder):
    drop_splits(pairs)
    for name in ("00", "07"):
        (pairs / "images" / f"{name}.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        whole(source).preload(kind)
    assert_clear(error, "images/00.png", "2 files have faults")
    assert stores(cache_folder) == []


def test_building_changes_no_file_of_the_data(pairs, source):
    before = snapshot(pairs)
    whole(source).preload("disk")
    assert snapshot(pairs) == before

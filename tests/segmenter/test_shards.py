"""segmenter/shards.py: what comes out of a shard is what went in, for us and for the library WebDataset."""

import io
import os
import tarfile

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, drop_splits, equal_states, full_disk, small_config, snapshot, write_pairs
from PIL import Image
from safetensors.torch import load_file

from segmenter.__main__ import main
from segmenter.check import check_dataset
from segmenter.shards import write_shards
from utils import catalog
from utils.config import Config
from utils.dataset import SegmentationDataset, read_pair
from utils.errors import ConfigError, DataError
from utils.files import read_bytes, sha256_of
from utils.images import read_image, read_mask
from utils.splits import SPLITS
from utils.training import fit


def folder(root, **fields):
    return catalog.load(Config(dataset="folder", root=root, **fields))


def assert_same_pairs(source, packed, most=1000):
    for split in SPLITS:
        if not source.assigned()[split]:
            continue
        before, after = source.pairs(split), packed.pairs(split)
        assert len(before) == len(after)
        for pair, twin in list(zip(before, after, strict=True))[:most]:
            for expected, found in zip(read_pair(pair, source), read_pair(twin, packed), strict=True):
                assert np.array_equal(expected, found)
            assert pair.group == twin.group


# ---------------------------------------------------------------- the same pairs
def test_drawn_pairs_come_out_as_they_went_in(pairs, tmp_path):
    source = folder(pairs, classes=CLASSES)
    shards = write_shards(source, tmp_path / "shards")
    assert [shard.name for shard in shards] == ["train-000000.tar", "val-000000.tar", "test-000000.tar"]
    packed = folder(tmp_path / "shards")
    assert (packed.classes, packed.palette) == (source.classes, source.palette)
    assert_same_pairs(source, packed)


def test_drawn_splits_and_groups_travel_along(tmp_path):
    source = folder(drop_splits(write_pairs(tmp_path / "data", ["x"] * 30)), classes=CLASSES)
    write_shards(source, tmp_path / "shards")
    assert_same_pairs(source, folder(tmp_path / "shards"))


@pytest.mark.parametrize("name", ["human", "voc", "camvid", "pets"])
def test_real_photographs_come_out_as_they_went_in(name, shared_data, tmp_path):
    """Smaller masks, palettes, trimaps and void have become ids of the image's size; photographs keep their bytes."""
    source = catalog.load(Config.preset(name, root=shared_data(name)))
    everything = source.labelled
    source.labelled = lambda: everything()[::12]
    source.splits = "random"
    write_shards(source, tmp_path / "shards")
    packed = folder(tmp_path / "shards")
    assert_same_pairs(source, packed)
    photo = source.pairs("train")[0].image
    assert sha256_of(packed.pairs("train")[0].image) == sha256_of(photo)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves closing files to chance
def test_the_library_webdataset_reads_the_shards(tiny, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    shards = write_shards(tiny, tmp_path / "shards", megabytes=1)
    train = [str(shard) for shard in shards if shard.name.startswith("train")]
    assert len(train) > 1
    samples = list(webdataset.WebDataset(train, shardshuffle=False, empty_check=False))
    expected = tiny.pairs("train")
    assert [sample["__key__"] for sample in samples] == [f"{n:09d}" for n in range(48)]
    for sample, pair in zip(samples, expected, strict=True):
        image, mask = read_pair(pair, tiny)
        assert np.array_equal(np.array(Image.open(io.BytesIO(sample["mask.png"]))), mask)
        assert np.array_equal(np.array(Image.open(io.BytesIO(sample["image.jpg"])).convert("RGB")), image)


def test_shards_have_the_size_that_was_asked_for_and_the_same_bytes_each_time(tiny, tmp_path):
    first = write_shards(tiny, tmp_path / "a", megabytes=1)
    second = write_shards(tiny, tmp_path / "b", megabytes=1)
    assert [shard.name for shard in first] == [shard.name for shard in second]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))
    assert all(shard.stat().st_size < 1.2e6 for shard in first)


def test_large_pictures_can_be_shrunk_on_the_way(pairs, tmp_path):
    source = folder(pairs, classes=CLASSES)
    write_shards(source, tmp_path / "shards", max_side=32)
    packed = folder(tmp_path / "shards")
    plain = SegmentationDataset(packed.pairs("train"), packed)
    shrunk = SegmentationDataset(source.pairs("train"), source, max_side=32)
    for index in range(8):
        assert all(torch.equal(a, b) for a, b in zip(plain[index], shrunk[index], strict=True))


def test_a_model_trained_on_shards_is_the_model_trained_on_files(pairs, tmp_path):
    config = small_config(pairs, tmp_path / "files", workers=2)
    write_shards(catalog.load(config), tmp_path / "shards")
    fit(config, on_epoch=None)
    fit(config.override(root=tmp_path / "shards", output=tmp_path / "packed"), on_epoch=None)
    states = [load_file(tmp_path / run / "best.safetensors") for run in ("files", "packed")]
    assert equal_states(*states)


def test_the_report_on_shards_is_that_on_the_files(tiny, tmp_path):
    write_shards(tiny, tmp_path / "shards")
    found = check_dataset(folder(tmp_path / "shards"))
    assert found.ok
    assert found.pixels.tolist() == check_dataset(tiny).pixels.tolist()


def test_the_command(tmp_path, capsys):
    assert main(["shard", "--dataset", "tiny", "--output", str(tmp_path / "shards"), "--megabytes", "1"]) == 0
    printed = capsys.readouterr().out
    assert f"4 shards are in {tmp_path / 'shards'}" in printed
    assert "CC0" in printed


# ---------------------------------------------------------------- what can go wrong
def test_the_source_is_never_touched(pairs, tmp_path):
    before = snapshot(pairs)
    write_shards(folder(pairs, classes=CLASSES), tmp_path / "shards")
    assert snapshot(pairs) == before


def test_a_size_that_is_none_is_refused(pairs, tmp_path):
    with pytest.raises(ConfigError) as error:
        write_shards(folder(pairs, classes=CLASSES), tmp_path / "shards", megabytes=0)
    assert_clear(error, "megabytes=0", "1 MB")
    assert not (tmp_path / "shards").exists()


def test_a_folder_in_use_is_refused_and_left_alone(pairs, tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "mine.txt").write_text("mine")
    before = snapshot(tmp_path / "shards")
    with pytest.raises(DataError) as error:
        write_shards(folder(pairs, classes=CLASSES), tmp_path / "shards")
    assert_clear(error, tmp_path / "shards", "not empty", "new folder")
    assert snapshot(tmp_path / "shards") == before


def test_a_faulty_pair_is_named_and_nothing_is_left(pairs, tmp_path):
    (pairs / "masks" / "09.png").write_bytes(b"")
    with pytest.raises(DataError) as error:
        write_shards(folder(pairs, classes=CLASSES), tmp_path / "out" / "shards")
    assert_clear(error, "masks/09.png", "0 bytes")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_full_disk_is_said_and_nothing_is_left(pairs, tmp_path):
    with full_disk(4000), pytest.raises(DataError) as error:
        write_shards(folder(pairs, classes=CLASSES), tmp_path / "out" / "shards")
    assert_clear(error, tmp_path / "out" / "shards", "free some space")
    assert list((tmp_path / "out").iterdir()) == []


def packed_pairs(pairs, tmp_path):
    write_shards(folder(pairs, classes=CLASSES), tmp_path / "shards")
    return tmp_path / "shards"


@pytest.mark.parametrize("cut", ["empty", "first header", "between members", "within the last member"])
def test_a_shard_that_was_cut_off_is_named(cut, pairs, tmp_path):
    shards = packed_pairs(pairs, tmp_path)
    with tarfile.open(shards / "train-000000.tar") as shard:
        last = shard.getmembers()[-1]
    keep = {
        "empty": 0,
        "first header": 100,
        "between members": last.offset,
        "within the last member": last.offset + 530,
    }
    os.truncate(shards / "train-000000.tar", keep[cut])
    masks = [pair.mask for pair in folder(shards).pairs("train")]
    with pytest.raises(DataError) as error:
        list(map(read_mask, masks))
    assert_clear(error, "train-000000.tar", kind=DataError)


def test_a_web_page_in_the_place_of_a_shard_is_named(pairs, tmp_path):
    shards = packed_pairs(pairs, tmp_path)
    (shards / "val-000000.tar").write_text("<html>" + "not found " * 200)
    with pytest.raises(DataError) as error:
        read_image(folder(shards).pairs("val")[0].image)
    assert_clear(error, "val-000000.tar", "no whole tar", "again")


def test_a_member_that_is_not_there_is_named(pairs, tmp_path):
    shards = packed_pairs(pairs, tmp_path)
    with pytest.raises(DataError) as error:
        read_image(shards / "val-000000.tar" / "000000099.image.png")
    assert_clear(error, "000000099.image.png", "no file")
    with pytest.raises(FileNotFoundError):
        read_bytes(shards / "no.tar" / "000000000.image.png")


def test_a_shard_that_is_replaced_is_read_anew(pairs, tmp_path):
    shards = packed_pairs(pairs, tmp_path)
    first = folder(shards).pairs("val")[0].image
    before = read_image(first)
    (shards / "val-000000.tar").write_bytes((shards / "train-000000.tar").read_bytes())
    assert not np.array_equal(read_image(first), before)

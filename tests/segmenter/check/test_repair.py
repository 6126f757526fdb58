"""segmenter/check/repair.py: a copy without errors, the source untouched, and every change in a table."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import (
    CLASSES,
    COLOURS,
    COURSE,
    FAULTS,
    assert_clear,
    draw_pair,
    drop_splits,
    full_disk,
    snapshot,
    write_pairs,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segmenter.__main__ import main
from segmenter.check import check_dataset
from segmenter.check.repair import repair
from segmenter.shards import write_shards
from utils import catalog
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import CheckpointError, DataError
from utils.images import read_image, read_mask
from utils.run_folder import held


def load(root, **fields):
    return catalog.load(Config(dataset="folder", root=root, **fields))


def mend(root, target, **fields):
    """Repair a folder; return the copy as a data set and what was done to which file."""
    before = snapshot(root)
    done = repair(check_dataset(load(root, **{"classes": CLASSES} | fields)), target)
    assert snapshot(root) == before
    with (target / "repairs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "what was done"]
    assert [tuple(row) for row in rows[1:]] == [change.row for change in done.changes]
    assert done.pairs == len(load(target).labelled())
    return load(target), dict(rows[1:])


def ids_of(source):
    return {pair.image.stem: read_pair(pair, source)[1] for pair, _ in source.labelled()}


def assert_whole(root):
    """No copy is there, and nothing of one either."""
    assert not any(path.name.startswith(".") for path in root.parent.iterdir())
    assert not root.exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_mended_or_left_out_and_named(fault, pairs, tmp_path):
    sound = {stem: ids for stem, ids in ids_of(load(pairs, classes=CLASSES)).items() if stem != "00"}
    FAULTS[fault][0](pairs)
    copy, done = mend(pairs, tmp_path / "copy")
    assert check_dataset(copy).errors == {}
    found = ids_of(copy)
    assert all((found[stem] == ids).all() for stem, ids in sound.items())
    assert copy.classes == CLASSES
    if fault == "empty split":
        assert done == {"pairs.csv": "1 pair of 'train' became 'val', which was empty"}
        assert "00" in found
    else:
        assert len(done) == 1
        assert next(iter(done)).endswith("00.png")


@pytest.mark.parametrize("place", ["JPEGImages", "outside the city", "{path} {0} {"])
def test_the_name_of_a_folder_decides_nothing(place, tmp_path):
    for number, fault in enumerate(FAULTS):
        root = write_pairs(tmp_path / f"{place} {number}")
        FAULTS[fault][0](root)
        copy, done = mend(root, tmp_path / f"copy {place} {number}")
        assert check_dataset(copy).errors == {}
        assert len(done) == 1
        assert not any(place in words for words in done.values())


@pytest.mark.parametrize("place", ["JPEGImages", "outside the city"])
def test_a_cut_off_image_is_left_out_by_the_command(place, tmp_path, capsys):
    root, copy = write_pairs(tmp_path / place), tmp_path / "copy"
    FAULTS["corrupt image"][0](root)
    assert main(["check", str(root), "--classes", *CLASSES, "--fix-into", str(copy)]) == 0
    assert "ERROR  unreadable file: 1" in capsys.readouterr().out
    with (copy / "repairs.csv").open(newline="") as file:
        ((name, words),) = list(csv.reader(file))[1:]
    assert name == "images/00.png"
    assert words.startswith("left out: images/00.png cannot be read")


def test_what_an_error_says_in_its_own_words_is_kept(pairs, tmp_path, monkeypatch):
    source = load(pairs, classes=CLASSES)
    plain = source.read_ids

    def refuse(path):
        if path.stem == "03":
            raise DataError("A mask outside the {rules} of label outside the classes.")
        return plain(path)

    monkeypatch.setattr(source, "read_ids", refuse)
    done = repair(check_dataset(source), tmp_path / "copy")
    words = "left out: A mask outside the {rules} of label outside the classes."
    assert [change.row for change in done.changes] == [("images/03.png", words)]
    assert str(done).startswith(f"{tmp_path / 'copy'} holds 11 pairs; files or pairs left out: 1, changed: 0.")


@pytest.mark.parametrize("palette", [False, True])
def test_a_sound_folder_is_copied_byte_for_byte(palette, pairs, tmp_path):
    for path in (pairs / "masks").glob("*.png") if palette else ():
        mask = Image.fromarray(np.array(Image.open(path)), mode="P")
        mask.putpalette([value % 256 for value in range(768)])
        mask.save(path)
    copy, done = mend(pairs, tmp_path / "copy")
    assert done == {}
    for folder in ("images", "masks"):
        assert snapshot(copy.root / folder) == snapshot(pairs / folder)
    assert {s: [p.image.name for p in copy.pairs(s)] for s in ("train", "val", "test")} == {
        s: [p.image.name for p in load(pairs, classes=CLASSES).pairs(s)] for s in ("train", "val", "test")
    }


def test_labels_outside_become_ignored_and_are_counted(pairs, tmp_path):
    FAULTS["label outside"][0](pairs)
    copy, done = mend(pairs, tmp_path / "copy")
    assert done == {"masks/00.png": "5 pixels outside the classes set to 'ignored' (255)"}
    expected = draw_pair(0)[1]
    expected[1, 1:6] = 255
    assert (ids_of(copy)["00"] == expected).all()


def test_a_mask_that_is_mostly_foreign_is_left_out(pairs, tmp_path):
    Image.fromarray(np.full((40, 48), 9, np.uint8)).save(pairs / "masks" / "03.png")
    copy, done = mend(pairs, tmp_path / "copy")
    assert done == {"images/03.png": "left out: 100% of its mask is outside the classes"}
    assert "03" not in ids_of(copy)


def test_colours_that_nobody_named_are_never_taken_for_classes(pairs, tmp_path):
    made_up = np.array(load(pairs, classes=CLASSES).palette, dtype=np.uint8)
    ids = draw_pair(3)[1]
    Image.fromarray(made_up[np.where(ids == 255, 0, ids)][:, :, ::-1]).save(pairs / "masks" / "03.png")
    copy, done = mend(pairs, tmp_path / "copy")
    words = "left out: its mask is a colour picture, and no classes.csv says which class a colour is"
    assert done == {"images/03.png": words}
    assert "03" not in ids_of(copy)


def test_a_few_unknown_colours_become_ignored(pairs, tmp_path):
    rows = [(name, *colour) for name, colour in zip(CLASSES, COLOURS.tolist(), strict=True)]
    with (pairs / "classes.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "r", "g", "b"), *rows])
    for path in (pairs / "masks").glob("*.png"):
        mask = np.array(Image.open(path))
        Image.fromarray(COLOURS[np.where(mask == 255, 0, mask)].astype(np.uint8)).save(path)
    plain = ids_of(load(pairs))
    mask = np.array(Image.open(pairs / "masks" / "03.png"))
    mask[0, :4] = 1, 2, 3
    Image.fromarray(mask).save(pairs / "masks" / "03.png")
    copy, done = mend(pairs, tmp_path / "copy", classes=None)
    assert done["masks/03.png"] == "4 pixels outside the classes set to 'ignored' (255)"
    assert done["masks/04.png"] == "saved as ids in one channel"
    plain["03"][0, :4] = 255
    assert all((ids == plain[stem]).all() for stem, ids in ids_of(copy).items())
    assert copy.palette == tuple(map(tuple, COLOURS.tolist()))


def test_small_masks_grow_to_their_image(pairs, tmp_path):
    with Image.open(pairs / "masks" / "01.png") as mask:
        mask.resize((24, 20), Image.Resampling.NEAREST).save(pairs / "masks" / "01.png")
    before = ids_of(load(pairs, classes=CLASSES))
    copy, done = mend(pairs, tmp_path / "copy")
    assert done == {"masks/01.png": "resized from 24x20 to 48x40, nearest label"}
    assert read_mask(copy.root / "masks" / "01.png").shape == (40, 48)
    assert (ids_of(copy)["01"] == before["01"]).all()
    assert check_dataset(copy).notes == {}


def test_turned_images_are_stored_upright(pairs, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(pairs / "images" / "00.png") as picture:
        picture.transpose(Image.Transpose.ROTATE_90).convert("RGB").save(pairs / "images" / "00.jpg", exif=exif)
    (pairs / "images" / "00.png").unlink()
    table = pairs / "pairs.csv"
    table.write_text(table.read_text().replace("images/00.png", "images/00.jpg"))
    copy, done = mend(pairs, tmp_path / "copy")
    assert list(done) == ["images/00.jpg"]
    with Image.open(copy.root / "images" / "00.png") as picture:
        assert picture.getexif().get(0x0112) is None
        assert (np.array(picture) == read_image(pairs / "images" / "00.jpg")).all()


@pytest.mark.parametrize("soft", [["03"], ["03", "09"], [f"{i:02d}" for i in range(12)]])
def test_soft_edges_are_cut_at_128_and_sharp_masks_beside_them_keep_their_meaning(soft, pairs, tmp_path):
    y, x = np.mgrid[:40, :48]
    expected = {}
    for path in sorted((pairs / "masks").glob("*.png")):
        distance = 12 - np.hypot(y - 20, x - 20 - int(path.stem) / 3)
        edge = (distance * 100 + 128).clip(0, 255).astype(np.uint8)
        expected[path.stem] = (edge >= 128).astype(np.uint8)
        Image.fromarray(edge if path.stem in soft else expected[path.stem] * 255).save(path)
    copy, done = mend(pairs, tmp_path / "copy", classes=("rest", "disc"))
    assert check_dataset(copy).errors == {}
    assert all((ids == expected[stem]).all() for stem, ids in ids_of(copy).items())
    assert {name for name, what in done.items() if what == "soft edges cut at 128"} == {f"masks/{s}.png" for s in soft}


def test_of_identical_images_across_splits_the_test_set_keeps_its_own(pairs, tmp_path):
    for name in ("04", "08", "10"):  # train, val, test; 03 is in train
        shutil.copy(pairs / "images" / "03.png", pairs / "images" / f"{name}.png")
    shutil.copy(pairs / "images" / "05.png", pairs / "images" / "09.png")  # train and val
    shutil.copy(pairs / "images" / "06.png", pairs / "images" / "07.png")  # both train
    copy, done = mend(pairs, tmp_path / "copy")
    assert done == {
        "images/03.png": "left out: the same image is in the test split",
        "images/04.png": "left out: the same image is in the test split",
        "images/08.png": "left out: the same image is in the test split",
        "images/05.png": "left out: the same image is in the val split",
    }
    assert [p.image.stem for p in copy.pairs("test")] == ["10", "11"]
    assert [p.image.stem for p in copy.pairs("val")] == ["09"]
    assert check_dataset(copy).ok


def test_a_double_name_is_left_out_and_so_is_what_has_no_partner(pairs, tmp_path):
    drop_splits(pairs)
    with Image.open(pairs / "images" / "00.png") as picture:
        picture.save(pairs / "images" / "00.jpg")
    (pairs / "masks" / "01.png").unlink()
    copy, done = mend(pairs, tmp_path / "copy")
    assert check_dataset(copy).errors == {}
    assert len(copy.labelled()) == 10
    assert done["images/01.png"] == "left out: it has no partner"
    assert any("the same name" in what for name, what in done.items() if name.startswith("images/00."))


def test_files_of_one_name_in_several_folders_get_names_of_their_own(tmp_path):
    root = tmp_path / "data"
    for number, split in enumerate(("train", "val", "test")):
        for index in range(2):
            image, mask = draw_pair(10 * number + index)
            for kind, values in (("images", image), ("masks", mask)):
                (root / split / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(root / split / kind / f"{index}.png")
    copy, done = mend(root, tmp_path / "copy")
    assert done == {}
    assert len(list((copy.root / "images").iterdir())) == 6
    for number, split in enumerate(("train", "val", "test")):
        found = [read_pair(pair, copy)[1] for pair in copy.pairs(split)]
        assert all((ids == draw_pair(10 * number + index)[1]).all() for index, ids in enumerate(found))


@pytest.mark.parametrize(
    "names",
    [
        ("a?", "a_"),
        ("a:b", "a?b", "a_b"),
        (os.fsdecode(b"caf\xe9"), os.fsdecode(b"caf\xe8")),
        ("A", "a"),
        (f"{'A' * 100}/{'n' * 246}", f"{'B' * 100}/{'n' * 246}"),
        (f"x/{'森' * 80}", f"y/{'森' * 80}"),
    ],
)
def test_names_that_look_alike_in_the_copy_stay_apart(names, tmp_path):
    for index in range(6):
        image, mask = draw_pair(index)
        for kind, values in (("images", image), ("masks", mask)):
            path = tmp_path / "data" / kind / f"{names[index] if index < len(names) else f'0{index}'}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(path)
    copy, done = mend(tmp_path / "data", tmp_path / "copy")
    assert done == {}
    found = {read_pair(pair, copy)[1].tobytes() for pair, _ in copy.labelled()}
    assert found == {draw_pair(index)[1].tobytes() for index in range(6)}


def test_groups_stay_groups(shared_data, tmp_path):
    camvid = catalog.load(Config.preset("camvid", root=shared_data("camvid")))
    report = check_dataset(camvid)
    repair(report, tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert check_dataset(copy).warnings == report.warnings
    assert copy.classes == camvid.classes
    mine, theirs = ids_of(copy), ids_of(camvid)
    assert mine.keys() == theirs.keys()
    assert all((mine[stem] == theirs[stem]).all() for stem in mine)


@pytest.mark.parametrize("dataset", ["human", "pets"])
def test_copies_of_real_data_decode_alike(dataset, shared_data, human_report, tmp_path):
    report = human_report
    if dataset != "human":
        report = check_dataset(catalog.load(Config.preset(dataset, root=shared_data(dataset))))
    done = repair(report, tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert done.pairs == len(report.measurements)
    found = check_dataset(copy)
    assert found.ok
    assert found.pixels.tolist() == report.pixels.tolist()
    digests = [
        [m.mask_digest for m in sorted(r.measurements, key=lambda m: m.pair.image.stem)] for r in (found, report)
    ]
    assert digests[0] == digests[1]
    assert found.splits == report.splits
    assert "mask of another size (resized)" not in found.notes


@settings(max_examples=12)
@given(damage=st.lists(st.tuples(st.sampled_from(sorted(set(FAULTS) - {"empty split", "image without mask",
       "mask without image"})), st.integers(0, 11)), max_size=5))  # fmt: skip
def test_any_mix_of_faults_leaves_a_sound_copy(damage, tmp_path_factory):
    root = write_pairs(tmp_path_factory.mktemp("mix") / "data")
    for fault, number in damage:
        stem = f"{number:02d}"
        swap = [root / kind / f"{name}.png" for kind in ("images", "masks") for name in ("00", stem)]
        if stem != "00":  # the damage is always done to 00
            _swap(*swap[:2])
            _swap(*swap[2:])
        if read_ok(root):
            FAULTS[fault][0](root)
        if stem != "00":
            _swap(*swap[:2])
            _swap(*swap[2:])
    copy, _ = mend(root, root.parent / "copy")
    found = check_dataset(copy)
    assert {kind for kind in found.errors} <= {"empty split"}
    assert len(copy.labelled()) >= 12 - len(damage)


def read_ok(root):
    try:
        read_pair(next(p for p, _ in load(root, classes=CLASSES).labelled() if p.image.stem == "00"), load(root))
    except DataError:
        return False
    return True


def _swap(a, b):
    a.rename(a.with_suffix(".tmp"))
    b.rename(a)
    a.with_suffix(".tmp").rename(b)


def test_pairs_in_shards_become_files(pairs, tmp_path):
    write_shards(load(pairs, classes=CLASSES), tmp_path / "shards")
    report = check_dataset(load(tmp_path / "shards"))
    assert report.ok
    repair(report, tmp_path / "copy")
    copy, plain = load(tmp_path / "copy"), load(pairs, classes=CLASSES)
    for split in ("train", "val", "test"):
        mine, theirs = ([read_pair(p, source) for p in source.pairs(split)] for source in (copy, plain))
        assert len(mine) == len(theirs)
        assert all((a == b).all() for m, t in zip(mine, theirs, strict=True) for a, b in zip(m, t, strict=True))


# ---------------------------------------------------------------- places
@pytest.mark.parametrize("place", ["data/copy", "data", "data/images/x", "full", "file"])
def test_places_that_are_refused(place, pairs, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("precious")
    (tmp_path / "file").write_text("precious")
    before = snapshot(tmp_path)
    with pytest.raises(DataError) as error:
        repair(check_dataset(load(pairs, classes=CLASSES)), tmp_path / place)
    assert_clear(error, tmp_path / place, "folder")
    assert snapshot(tmp_path) == before


def test_a_folder_of_the_users_is_not_taken_for_a_half_copy(pairs, tmp_path):
    (tmp_path / ".copy.partial").mkdir()
    (tmp_path / ".copy.partial" / "thesis.txt").write_text("precious")
    before = snapshot(tmp_path)
    with pytest.raises(DataError) as error:
        repair(check_dataset(load(pairs, classes=CLASSES)), tmp_path / "copy")
    assert_clear(error, tmp_path / ".copy.partial", "move it", "another folder")
    assert snapshot(tmp_path) == before


def test_of_two_repairs_at_once_one_is_told_to_wait(pairs, tmp_path):
    report = check_dataset(load(pairs, classes=CLASSES))
    with held(tmp_path / ".copy.partial"), pytest.raises(CheckpointError) as error:
        repair(report, tmp_path / "copy")
    assert_clear(error, "another process", tmp_path / ".copy.partial", "wait")
    assert repair(report, tmp_path / "copy").pairs == 12


def test_an_empty_folder_is_filled(pairs, tmp_path):
    (tmp_path / "copy").mkdir()
    copy, _ = mend(pairs, tmp_path / "copy")
    assert len(copy.labelled()) == 12


def test_a_full_disk_leaves_nothing_half(pairs, tmp_path):
    Image.effect_noise((400, 400), 90).convert("RGB").save(pairs / "images" / "00.png")
    Image.new("L", (400, 400), 1).save(pairs / "masks" / "00.png")
    report = check_dataset(load(pairs, classes=CLASSES))
    before = snapshot(pairs)
    with full_disk(20_000), pytest.raises(DataError) as error:
        repair(report, tmp_path / "copy")
    assert_clear(error, tmp_path / "copy", "cannot be written", "unharmed")
    assert_whole(tmp_path / "copy")
    assert snapshot(pairs) == before


def test_a_kill_leaves_no_half_copy_and_the_next_run_cleans_up(pairs, tmp_path):
    code = (
        "import time, segmenter.check.repair as r, segmenter.check as c\n"
        "from utils import catalog; from utils.config import Config\n"
        f"source = catalog.load(Config(dataset='folder', root={str(pairs)!r}, classes={CLASSES!r}))\n"
        "report = c.check_dataset(source)\n"
        "plain = r.copy_pair\n"
        "def slow(*a):\n    done = plain(*a); time.sleep(0.5); return done\n"
        "r.copy_pair = slow\n"
        f"r.repair(report, {str(tmp_path / 'copy')!r})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    partial = tmp_path / ".copy.partial"
    deadline = time.monotonic() + 60
    while not list(partial.glob("copy/images/*")) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(partial.glob("copy/images/*"))
    assert not (tmp_path / "copy").exists()
    copy, _ = mend(pairs, tmp_path / "copy")
    assert len(copy.labelled()) == 12
    assert not partial.exists()

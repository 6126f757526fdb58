"""What may go wrong with a command, by kind: each ends in a clear sentence, or in the right result.

Every case runs in a folder of its own. Whatever was there before is there afterwards, byte for byte.
"""

import errno
import importlib.util
import io
import os
import runpy
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import CLASSES, COURSE, assert_sentence, draw_pair, full_disk, snapshot, write_pairs
from PIL import Image

from segmenter import pictures, predictions
from segmenter.__main__ import main
from segmenter.prediction_list import LIST_NAME, read_table
from utils import training
from utils.files import save_picture
from utils.inference import Predictor
from utils.runs import Run


def save(path, seed=0, size=(40, 48), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw_pair(seed, size)[0]).save(path, **options)
    return path


def mask_of(path):
    with Image.open(path) as mask:
        return np.array(mask)


def rows(output):
    """What the list in a folder says: {picture: mask}."""
    header, *found = read_table(output / LIST_NAME)
    assert header[:3] == ["picture", "mask", "key"]
    return {row[0]: row[1] for row in found}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder that a command is run in."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


@pytest.fixture
def predict(trained, capsys):
    """Run `predict`; return the exit code and the sentences that it printed on stderr."""

    def run(*arguments, model=trained):
        code = main(["predict", str(model), *map(str, arguments), "--device", "cpu"])
        lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
        found = [line.split(": ", 1)[1] for line in lines if line.startswith(("error: ", "failed: "))]
        for sentence in found:
            assert_sentence(sentence)
        return code, found

    return run


def assert_right(predictor, output):
    """Every mask that is listed is that of its picture, and no two pictures share one."""
    listed = rows(output)
    assert len(set(listed.values())) == len(listed)
    for picture, mask in listed.items():
        assert (mask_of(output / mask) == predictor(picture).mask).all(), mask


@pytest.fixture(scope="module")
def predictor(trained):
    return Predictor.from_run(trained, device="cpu")


# ---------------------------------------------------------------- names of masks
# name -> (pictures, the commands that are run one after the other, how many masks there are in the end)
NAMES = {
    "one name in two folders": (["a/p.png", "b/p.png"], [["a", "b"]], 2),
    "one name in three folders": (["a/p.png", "b/p.png", "c/p.png"], [["a", "b", "c"]], 3),
    "over two commands": (["a/p.png", "b/p.png"], [["a"], ["b"]], 2),
    "over two commands, twice": (["a/p.png", "b/p.png"], [["a"], ["b"], ["a"], ["b"]], 2),
    "the same command again": (["a/p.png"], [["a"], ["a"]], 1),
    "a folder and its picture": (["a/p.png"], [["a", "a/p.png"]], 1),
    "a picture twice": (["a/p.png"], [["a/p.png", "a/p.png"]], 1),
    "a picture by two paths": (["a/p.png"], [["a/p.png"], ["../here/a/p.png"]], 1),
    "sub-folders": (["a/p.png", "a/x/p.png", "a/x/y/p.png"], [["a"]], 3),
    "sub-folders of two folders": (["a/x/p.png", "b/x/p.png"], [["a", "b"]], 2),
    "folders of one name": (["1/x/p.png", "2/x/p.png"], [["1/x", "2/x"]], 2),
    "a folder in a folder": (["a/p.png", "a/b/p.png"], [["a", "a/b"]], 2),
    "two endings": (["a/p.png", "a/p.jpg", "a/p.webp"], [["a"]], 3),
    "two endings over two commands": (["a/p.png", "a/p.jpg"], [["a/p.png"], ["a/p.jpg"]], 2),
    "capitals": (["a/p.png", "b/P.PNG"], [["a", "b"]], 2),
    "a name that is another's mask": (["a/p.png", "a/p_mask.png"], [["a"]], 2),
    "a name that is another's with its ending": (["a/p.png", "a/p.jpg", "b/p.png.png"], [["a", "b"]], 3),
    "a name that looks like a folder's": (["a/p.png", "a_p.png", "b/a/p.png"], [["a", "b", "a_p.png"]], 3),
    "the folder that is written to": (["out/p.png", "out/q.png"], [["out"], ["out"]], 2),
    "a folder that is written into": (["out/../p.png", "q.png"], [["."], ["."]], 2),
    "names of 250 bytes": ([f"a/{'n' * 246}.png"], [["a"], ["a"]], 1),
    "two names of 250 bytes": ([f"a/{'n' * 245}1.png", f"a/{'n' * 245}2.png"], [["a"]], 2),
    "names of many bytes a letter": ([f"a/{'森' * 80}.png"], [["a"]], 1),
    "a space, a comma, a quote and a line break": (['a/p ,"\n.png'], [["a"], ["a"]], 1),
    "brackets and stars": (["a/p[1]*.png", "a/p[2].png"], [["a"], ["a"]], 2),
    "a dash at the beginning": (["a/-p.png"], [["a"]], 1),
    "folders that are called like shards": (["in.tar/p.png", "in.tar/q.png"], [["in.tar"]], 2),
    "words of the program": (["Caught a: x/p.png", "Caught a: x/a, or remove it.png"], [["Caught a: x"]], 2),
    "dots": (["a/p.1.2.png", "a/p.1.png"], [["a"]], 2),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_mask_takes_the_place_of_another(name, here, predict, predictor):
    files, commands, count = NAMES[name]
    (here / "out").mkdir()
    for seed, file in enumerate(files):
        save(here / file, seed)
    before = snapshot(here)
    for arguments in commands:
        code, failed = predict(*arguments, "--output", "out")
        assert (code, failed) == (0, [])
    assert len(rows(here / "out")) == count
    assert_right(predictor, here / "out")
    after = snapshot(here)
    assert {n: after[n] for n in before} == before
    assert len([n for n in after if n.endswith("_mask.png") and n not in before]) == count


def test_one_relative_path_from_two_places_is_two_pictures(here, predict, predictor, monkeypatch):
    for seed, place in enumerate(("one", "two")):
        save(here / place / "p.png", seed)
        monkeypatch.chdir(here / place)
        assert predict("p.png", "--output", here / "out") == (0, [])
    assert len(rows(here / "out")) == 2
    assert_right(predictor, here / "out")


def test_every_command_that_writes_takes_names_that_are_no_text(here, predict):
    for seed in range(6):
        image, mask = draw_pair(seed)
        for kind, values in (("images", image), ("masks", mask)):
            (here / "data" / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values).save(here / "data" / kind / os.fsdecode(b"b\xe4r%d.png" % seed))
    assert predict("data/images", "--output", "out") == (0, [])
    for kind in ("coco", "labelme", "yolo"):
        assert main(["export-masks", "out", "--format", kind, "--output", kind]) == 0
    assert main(["check", "coco"]) == 0
    for command in (["shard", "--dataset", "folder", "--root", "data", "--output", "made"],
                    ["convert", "data", "--into", "made"]):  # fmt: skip
        assert main(command) == 0
        assert main(["check", "made"]) == 0
        shutil.rmtree(here / "made")


def test_names_that_are_no_text(here, predict, predictor):
    for seed, name in enumerate((b"caf\xe9.png", b"caf\xe8.png")):
        save(here / "a" / os.fsdecode(name), seed)
    assert predict("a", "--output", "out") == (0, [])
    assert_right(predictor, here / "out")
    (here / "a" / os.fsdecode(b"bad\xe9.png")).write_bytes(b"")
    code, failed = predict("a", "--output", "out")
    assert code == 1
    assert "0 bytes" in failed[0]


GROUND_TRUTH = ["p_mask.png", "p_overlay.jpg", "p_mask.tif", "p_mask.npy", "p_mask.geojson", "predictions/p.png"]


@pytest.mark.parametrize("name", GROUND_TRUTH)
@pytest.mark.parametrize("place", ["pictures", "elsewhere"])
def test_a_file_of_the_users_own_is_never_overwritten(name, place, here, predict, predictor):
    save(here / "pictures" / "p.png")
    output = here / "pictures" if place == "pictures" else here / "out"
    (output / name).parent.mkdir(parents=True, exist_ok=True)
    (output / name).write_bytes(b"drawn by hand")
    before = snapshot(here)
    for _ in range(2):
        predict("pictures/p.png", "--output", output)
        after = snapshot(here)
        assert {n: after[n] for n in before} == before
        assert_right(predictor, output)


def test_a_lost_list_costs_no_mask(here, predict):
    save(here / "a" / "p.png")
    predict("a", "--output", "out")
    (here / "out" / LIST_NAME).unlink()
    before = snapshot(here / "out")
    predict("a", "--output", "out", "--flips")
    after = snapshot(here / "out")
    assert {n: after[n] for n in before} == before


LISTS = {
    "of somebody else": b"name,age\nAda,36\n",
    "empty": b"",
    "no text": b"\xff\xfe\x00\x01" * 50,
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\x00" * 60,
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_somebody_else(name, here, predict):
    save(here / "a" / "p.png")
    (here / "out").mkdir()
    (here / "out" / LIST_NAME).write_bytes(LISTS[name])
    before = snapshot(here)
    code, (sentence,) = predict("a", "--output", "out")
    assert code == 2
    assert_sentence(sentence, LIST_NAME, "another output")
    assert snapshot(here) == before


CHANGED = {
    "a flipped bit in a mask's name": (b",p_mask.png,", b",p_mask/png,"),
    "a mask beside the folder": (b",p_mask.png,", b",../p_mask.png,"),
    "another mask of the folder": (b",p_mask.png,", b",q_mask.png,"),
    "a flipped bit in a picture's name": (b"p.png,", b"r.png,"),
    "a flipped bit in a share": (b",0.", b",8."),
    "a flipped bit in a key": (b",p_mask.png,", b",p_mask.png,0"),
    "a row without a key": (b"\r\n", b"\r\nx.png,x_mask.png\r\n"),
    "an empty row": (b"\r\n", b"\r\n\r\n"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_list_that_was_changed_names_nothing_that_may_be_replaced(name, here, predict):
    before, after = CHANGED[name]
    save(here / "a" / "p.png")
    predict("a", "--output", "out")
    text = (here / "out" / LIST_NAME).read_bytes()
    assert before in text
    (here / "out" / LIST_NAME).write_bytes(text.replace(before, after, 1))
    for mine in ("p_mask.png", "p_overlay.jpg", "out/q_mask.png"):
        (here / mine).write_bytes(b"mine")
    found = snapshot(here)
    for options in ([], ["--flips"]):
        code, (sentence,) = predict("a", "--output", "out", *options)
        assert code == 2
        assert_sentence(sentence, LIST_NAME, "changed or damaged", "another output")
        assert snapshot(here) == found


@pytest.mark.parametrize("place", ["../p_mask.png", "/tmp/p_mask.png"])
def test_an_edited_list_exports_nothing_from_or_to_another_folder(place, here, predict, refused):
    save(here / "a" / "p.png")
    predict("a", "--output", "out")
    text = (here / "out" / LIST_NAME).read_text()
    (here / "out" / LIST_NAME).write_text(text.replace(",p_mask.png,", f",{place},"))
    refused(main(["export-masks", "out", "--format", "yolo", "--output", "yolo"]), LIST_NAME, "outside", "correct")
    assert not (here / "yolo").exists()


def test_a_list_that_was_cut_off_forgets_the_last_row_alone(here, predict, predictor):
    for seed, file in enumerate(("p", "q")):
        save(here / "a" / f"{file}.png", seed)
    predict("a", "--output", "out")
    text = (here / "out" / LIST_NAME).read_bytes()
    (here / "out" / LIST_NAME).write_bytes(text[:-3])
    assert predict("a", "--output", "out") == (0, [])
    assert rows(here / "out")[str(here / "a" / "p.png")] == "p_mask.png"
    assert_right(predictor, here / "out")


def test_there_is_always_one_more_name(here, predict):
    save(here / "p.png")
    for count in range(1, 10):
        (here / "out" / LIST_NAME).unlink(missing_ok=True)
        assert predict("p.png", "--output", "out") == (0, [])
        assert len(list((here / "out").rglob("*_mask.png"))) == count


def test_a_folder_gives_what_its_files_give(here, trained, capsys):
    """A picture is read whatever its ending, and what is passed over is named."""
    names = {"a.png": "PNG", "b.jpe": "JPEG", "c.apng": "PNG", "d.dib": "BMP", "e.JFIF": "JPEG", "f": "PNG"}
    for seed, (name, kind) in enumerate(names.items()):
        save(here / "in" / name, seed, format=kind)
    (here / "in" / "notes.txt").write_text("P3 is a note")
    (here / "in" / "README").write_text("P3 is a note")
    assert main(["predict", str(trained), "in", "--output", "out", "--device", "cpu"]) == 0
    assert len(rows(here / "out")) == len(names)
    assert "not read: 2 of the files are no pictures by their names: README, notes.txt" in capsys.readouterr().err


def test_a_picture_wider_than_a_jpeg_has_a_mask_and_a_smaller_overlay(here, predict):
    (here / "in").mkdir()
    Image.new("RGB", (66_000, 8)).save(here / "in" / "wide.png")
    assert predict("in", "--output", "out") == (0, [])
    assert mask_of(here / "out" / "wide_mask.png").shape == (8, 66_000)
    with Image.open(here / "out" / "wide_overlay.jpg") as overlay:
        assert overlay.width == 32_000


def test_a_list_of_another_model_is_taken_on(here, predict, trained, tmp_path):
    """Its masks are predicted anew, under the names that they have."""
    save(here / "a" / "p.png")
    predict("a", "--output", "out", model=COURSE / "data" / "tiny" / "checkpoint.safetensors")
    first = rows(here / "out")
    assert predict("a", "--output", "out") == (0, [])
    assert rows(here / "out") == first
    assert mask_of(here / "out" / "p_mask.png").max() < len(CLASSES)


# ---------------------------------------------------------------- one bad picture never stops the others
def raising(error):
    def make(read):
        def read_or_fail(path, *rest):
            if path.name == "b.png":
                raise error
            return read(path, *rest)

        return read_or_fail

    return make


ERRORS = {
    "memory": (MemoryError(), ["b.png", "memory", "smaller"]),
    "memory of a GPU": (torch.OutOfMemoryError("CUDA out of memory."), ["b.png", "memory"]),
    "memory of PyTorch": (
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        ["b.png", "memory"],
    ),
    "a disk": (OSError(errno.EIO, "Input/output error"), ["b.png", "input/output"]),
    "a library": (ZeroDivisionError("division by zero"), ["b.png", "division by zero"]),
    "a library without words": (AssertionError(), ["b.png", "replace it"]),
    "a library with many words": (ValueError("many\nlines\n" * 9), ["b.png", "many lines"]),
}


@pytest.mark.parametrize("name", ERRORS)
def test_one_picture_that_fails_does_not_stop_the_others(name, here, predict, predictor, monkeypatch):
    error, words = ERRORS[name]
    for seed, file in enumerate(("a", "b", "c")):
        save(here / "in" / f"{file}.png", seed)
    monkeypatch.setattr(predictions, "read_scaled", raising(error)(predictions.read_scaled))
    code, (sentence,) = predict("in", "--output", "out")
    assert code == 1
    assert_sentence(sentence, *words)
    assert sorted(rows(here / "out").values()) == ["a_mask.png", "c_mask.png"]
    assert_right(predictor, here / "out")


def test_a_folder_that_may_not_be_read(here, predict, monkeypatch):
    (here / "in").mkdir()
    real = type(here).iterdir

    def refuse(path):
        if path.name == "in":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(type(here), "iterdir", refuse)
    code, (sentence,) = predict("in", "--output", "out")
    assert code == 2
    assert_sentence(sentence, "in", "permission")
    assert not (here / "out").exists()


def test_a_loop_of_links_ends(here, predict):
    save(here / "in" / "p.png")
    (here / "in" / "again").symlink_to(here / "in")
    assert predict("in", "--output", "out") == (0, [])
    assert len(rows(here / "out")) == 1


@pytest.mark.parametrize("place", ["out", "out/deep"])
def test_an_output_that_is_a_file(place, here, predict):
    save(here / "in" / "p.png")
    (here / "out").write_text("mine")
    before = snapshot(here)
    code, (sentence,) = predict("in", "--output", place)
    assert code == 2
    assert_sentence(sentence, place, "another output")
    assert snapshot(here) == before


def test_a_full_disk_leaves_no_half_of_a_picture(here, predict):
    for seed in range(3):
        save(here / "in" / f"{seed}.png", seed, (200, 300))
    with full_disk(1500):
        code, failed = predict("in", "--output", "out")
    assert code == 1
    assert len(failed) == 3
    for path in (here / "out").glob("*.*g"):
        Image.open(path).load()
    assert not list((here / "out").glob(".*"))


@pytest.mark.parametrize("limit", [0, 100, 500, 1000])
def test_pillows_own_writer_is_not_trusted_with_a_full_disk(limit, here):
    picture = Image.fromarray(draw_pair(0, (200, 300))[0])
    with full_disk(limit), pytest.raises(Exception, match="Cannot write"):
        save_picture(picture, here / "a.jpg", "JPEG")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("crs", ["EPSG:32632", None])
def test_a_geotiff_keeps_its_place_with_and_without_a_crs(crs, here, predict):
    import rasterio
    from rasterio.transform import from_origin

    image, place = draw_pair(0)[0], from_origin(500, 700, 0.5, 0.25)
    shape = {"height": 40, "width": 48, "count": 3, "dtype": "uint8"}
    with rasterio.open(here / "map.tif", "w", driver="GTiff", crs=crs, transform=place, **shape) as file:
        file.write(image.transpose(2, 0, 1))
    assert pictures.read_in_parts(here / "map.tif")
    assert predict("map.tif", "--output", "out") == (0, [])
    with rasterio.open(here / "out" / "map_mask.tif") as file:
        assert file.transform == place
        assert (file.crs is None) == (crs is None)


def test_the_leftovers_of_one_picture_are_not_those_of_another(here, predict):
    np.save(here / "a[1].npy", draw_pair(0)[0])
    (here / "out").mkdir()
    mine = here / "out" / ".a[1]_mask.npy.notes.part"
    mine.write_text("mine")
    assert predict("a[1].npy", "--output", "out") == (0, [])
    assert mine.read_text() == "mine"


# ---------------------------------------------------------------- the process and what is around it
ODD = {
    "HOME": "/nowhere", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
    "CACHE_FOLDER": "/proc/cache", "MPLCONFIGDIR": "/proc/x", "HF_HOME": "/proc/y", "XDG_CACHE_HOME": "/proc/z",
}  # fmt: skip


def test_a_process_without_home_caches_and_letters(here, trained):
    (here / "in").mkdir()
    shutil.copy(save(here / "p.png"), os.fsencode(here / "in") + b"/caf\xe9 \xe6\xa3\xae.png")
    (here / "in" / "森.png").write_bytes(b"")
    done = subprocess.run(
        [sys.executable, "-m", "segmenter", "predict", str(trained), "in", "--output", "out", "--device", "cpu"],
        env=os.environ | {"PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"} | ODD, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"0 bytes" in done.stderr
    assert len(list((here / "out").glob("*_mask.png"))) == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_that_cannot_show_a_name(encoding, here, trained, monkeypatch):
    """Nor the output folder's, which is printed on the way out."""
    save(here / "in" / "p.png")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    output = here / os.fsdecode("森".encode() + b"\xe9")
    assert main(["predict", str(trained), "in", "--output", str(output), "--device", "cpu"]) == 0
    sys.stdout.flush()
    assert b": 1; predictions.csv" in sys.stdout.buffer.getvalue()


HOMES = {"not set": None, "not there": "/nowhere", "a file": "/dev/null", "read-only": "/proc"}


@pytest.mark.parametrize("name", HOMES)
def test_a_home_that_is_none(name, here, train, pairs, predict, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    if HOMES[name]:
        monkeypatch.setenv("HOME", HOMES[name])
    assert train(pairs, here / "run", "--epochs", "1") == 0
    assert predict(pairs / "images" / "00.png", "--output", "out", model=here / "run") == (0, [])


@pytest.mark.parametrize("place", ["/proc/cache", "/dev/null/cache"])
def test_a_cache_that_cannot_be_written(place, here, train, pairs, monkeypatch, refused):
    monkeypatch.setenv("CACHE_FOLDER", place)
    refused(train(pairs, here / "run", "--epochs", "1", "--cache", "disk"), place, "CACHE_FOLDER", "cache='none'")
    assert not (here / "run").exists()
    assert train(pairs, here / "run", "--epochs", "1", "--cache", "none") == 0


def test_a_polite_end_stops_training_after_the_last_whole_epoch(here, train, pairs, monkeypatch, capsys):
    original, calls = training.train_one_epoch, []

    def ended(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **options)

    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(training, "train_one_epoch", ended)
        assert train(pairs, here / "run", "--epochs", "3") == 0
    assert "1 whole epochs" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) == before
    assert len(Run.load(here / "run").history) == 1
    assert main(["train", "--resume", "--output", str(here / "run")]) == 0
    assert len(Run.load(here / "run").history) == 3


def test_a_polite_end_stops_a_prediction(here, predict, monkeypatch, capsys):
    for seed in range(3):
        save(here / "in" / f"{seed}.png", seed)
    read = predictions.read_scaled

    def ended(path, *rest):
        if path.name == "1.png":
            os.kill(os.getpid(), signal.SIGTERM)
        return read(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "read_scaled", ended)
        assert predict("in", "--output", "out") == (1, [])
    assert list(rows(here / "out").values()) == ["0_mask.png"]
    assert predict("in", "--output", "out") == (0, [])
    assert len(rows(here / "out")) == 3


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/data/x"), ["/data/x", "read-only", "permissions"]),
        (OSError(errno.ENOSPC, "No space left on device"), ["no space"]),
        (PermissionError(errno.EACCES, "Permission denied", "/data/x"), ["/data/x", "permission denied"]),
        (MemoryError(), ["memory", "smaller"]),
    ],
)
def test_an_error_of_the_system_is_a_sentence(error, words, here, monkeypatch, refused):
    from utils import catalog

    def fail(*_):
        raise error

    monkeypatch.setattr(catalog, "load", fail)
    refused(main(["train", "--output", str(here / "run"), "--device", "cpu"]), *words)
    assert not (here / "run").exists()


PACKAGES = {
    "rasterio": (["predict", "{run}", "map.tif"], 1),
    "onnx": (["export", "{run}", "--output", "a.onnx"], 2),
    "onnxruntime": (["export", "{run}", "--output", "a.onnx"], 2),
    "onnxscript": (["export", "{run}", "--output", "a.onnx"], 2),
    "gradio": (["demo", "{run}"], 2),
    "huggingface_hub": (["push", "{run}", "me/x", "--no-scores"], 2),
    "tensorboard": (["train", "--tracker", "tensorboard", "--output", "run", "--device", "cpu"], 2),
    "wandb": (["train", "--tracker", "wandb", "--output", "run", "--device", "cpu"], 2),
}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_that_is_missing_is_named(package, here, trained, monkeypatch, capsys):
    arguments, code = PACKAGES[package]
    np.save(here / "a.npy", draw_pair(0)[0])
    (here / "map.tif").write_bytes(b"II+\0" + b"\0" * 60)  # a BigTIFF, which only GDAL reads
    before = snapshot(here)
    monkeypatch.setitem(sys.modules, package, None)
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None if name == package else find(name, *_))
    assert main([argument.format(run=trained) for argument in arguments]) == code
    sentence = next(line for line in capsys.readouterr().err.splitlines() if line.startswith(("error: ", "failed: ")))
    assert_sentence(sentence, package, "pip install")
    after = snapshot(here)
    assert {n: after[n] for n in before} == before
    assert not {"a.onnx", "run"} & after.keys()


# ---------------------------------------------------------------- resuming from the command line
def test_a_run_is_resumed_by_its_folder_alone_and_longer(here, train, pairs, capsys):
    assert train(pairs, here / "run", "--epochs", "1") == 0
    capsys.readouterr()
    assert main(["train", "--resume", "--output", "run"]) == 0
    assert "--epochs 2" in capsys.readouterr().out
    assert main(["train", "--resume", "--output", "run", "--epochs", "2"]) == 0
    assert "stretched" in capsys.readouterr().out
    assert len(Run.load(here / "run").history) == 2


def test_a_run_that_was_moved_is_resumed_where_it_is(here, train, pairs):
    assert train(pairs, here / "run", "--epochs", "1") == 0
    (here / "run").rename(here / "moved")
    assert main(["train", "--resume", "--output", "moved", "--epochs", "2"]) == 0
    assert len(Run.load(here / "moved").history) == 2
    assert not (here / "run").exists()


RESUMED = {
    "no folder": (lambda f: None, ["run", "nothing to resume"]),
    "an empty folder": (lambda f: f.mkdir(), None),
    "a folder of something else": (lambda f: write_pairs(f), ["run", "last.ckpt", "without resume"]),
    "a file": (lambda f: f.write_text("mine"), ["run"]),
}


@pytest.mark.parametrize("name", RESUMED)
def test_what_cannot_be_resumed(name, here, refused):
    make, words = RESUMED[name]
    make(here / "run")
    before = snapshot(here)
    code = main(["train", "--resume", "--output", "run", "--device", "cpu", "--dataset", "nonsense"])
    refused(code, *(words or ["nonsense"]))
    assert snapshot(here) == before


def test_there_are_many_of_them():
    here = (NAMES, GROUND_TRUTH, GROUND_TRUTH, LISTS, CHANGED, ERRORS, HOMES, PACKAGES, RESUMED, OUTPUTS)
    folders, runs = (
        runpy.run_path(str(COURSE / "tests" / "utils" / file))
        for file in ("catalog/test_faults_of_folders.py", "test_faults_of_runs.py")
    )
    there = [folders[name] for name in ("RIGHT", "CLEAR", "LAYOUTS", "UNREADABLE", "IMAGES", "CASES")]
    assert sum(map(len, (*here, *there, runs["FOREIGN"], runs["WEIGHTS"]))) >= 150


@pytest.fixture
def train(pairs):
    small = ["--model", "unet", "--image-size", "32", "--framing", "crop", "--batch-size", "4", "--unet-width", "4",
             "--unet-depth", "2", "--device", "cpu", "--precision", "fp32", "--workers", "0"]  # fmt: skip

    def run(root, output, *more):
        data = ["--dataset", "folder", "--root", str(root), "--classes", *CLASSES]
        return main(["train", "--output", str(output), *data, *small, *more])

    return run


@pytest.fixture
def refused(capsys):
    """Assert that a command failed with exit code 2 and one sentence that holds the words."""

    def check(code, *words):
        found = capsys.readouterr()
        assert code == 2
        assert_sentence(found.err.removeprefix("error: "), *words)

    return check


# ---------------------------------------------------------------- files under a name that the user gave
OUTPUTS = {
    "an export over a photograph": (["export", "{run}", "--output"], "a.jpg"),
    "an export over another model": (["export", "{run}", "--output"], "a.onnx"),
    "a program over an archive": (["export", "{run}", "--format", "program", "--output"], "a.pt2"),
    "a report over a page": (["evaluate", "{run}", "--html"], "a.html"),
    "numbers over a table": (["evaluate", "{run}", "--json"], "a.json"),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_file_that_this_program_did_not_write_is_not_replaced(name, here, trained, refused):
    arguments, file = OUTPUTS[name]
    (here / file).write_bytes(b"PK\x03\x04 mine")
    before = snapshot(here)
    code = main([argument.format(run=trained) for argument in arguments] + [file])
    refused(code, file, "did not write it", "another name")
    assert snapshot(here) == before


@pytest.mark.parametrize("kind", ["--html", "--json"])
def test_what_this_program_wrote_is_replaced(kind, here, trained):
    for _ in range(2):
        assert main(["evaluate", str(trained), kind, "report"]) == 0
    assert (here / "report").stat().st_size > 1000


@pytest.mark.parametrize("kind", ["onnx", "program"])
def test_an_export_replaces_an_export(kind, here, trained):
    for _ in range(2):
        assert main(["export", str(trained), "--format", kind, "--output", "model", "--size", "32"]) == 0


@pytest.mark.parametrize("file", ["comparison.csv", "summary.csv", "comparison.png"])
def test_a_table_of_the_users_is_no_comparison(file, here, refused):
    (here / "out").mkdir()
    (here / "out" / file).write_text("name,age\nAda,36\n")
    before = snapshot(here)
    code = main(["compare", "--models", "unet", "--output", "out", "--device", "cpu"])
    refused(code, file, "another output")
    assert snapshot(here) == before

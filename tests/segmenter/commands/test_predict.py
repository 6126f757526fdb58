"""segmenter/commands/predict.py: forty bad inputs, each of which ends in one sentence; odd images get a mask."""

import os
import stat
import struct
import zlib

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_sentence, draw_pair
from PIL import Image

from segmenter.__main__ import main

HTML = "<!DOCTYPE html><html><body>404</body></html>"


def image_of(size=(40, 48)):
    return Image.fromarray(draw_pair(3, size)[0])


def cut(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def saved(name, share=1.0, image=None, **options):
    def write(folder):
        (image or image_of((200, 240))).save(folder / name, **options)
        if share < 1:
            cut(folder / name, share)
        return folder / name

    return write


def text(name, words):
    def write(folder):
        (folder / name).write_text(words)
        return folder / name

    return write


def data(name, content):
    def write(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return write


def bomb(name, width, height):
    """A PNG of a few hundred bytes whose header promises billions of pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return data(name, b"\x89PNG\r\n\x1a\n" + content)


def tiff(name, shape, dtype="uint8", **fields):
    def write(folder):
        import rasterio
        from rasterio.transform import from_origin

        profile = {"crs": "EPSG:32632", "transform": from_origin(5e5, 5e6, 1, 1)} | fields
        with rasterio.open(
            folder / name, "w", driver="GTiff", dtype=dtype, count=shape[0], height=shape[1], width=shape[2], **profile
        ) as file:
            file.write((np.arange(np.prod(shape)).reshape(shape) % 251).astype(dtype))
        return folder / name

    return write


def array(name, values, **options):
    def write(folder):
        np.save(folder / name, values, **options)
        return folder / name

    return write


def in_order(first, then):
    def write(folder):
        path = first(folder)
        then(path)
        return path

    return write


def frames(count, size=(8, 8)):
    return [Image.fromarray(draw_pair(n, (40, 48))[0]).resize(size) for n in range(count)]


def animated(name, **options):
    def write(folder):
        first, *others = frames(3)
        first.save(folder / name, save_all=True, append_images=others, **options)
        return folder / name

    return write


def folder_named(name):
    def write(folder):
        (folder / name).mkdir()
        return folder / name

    return write


def link_to_nothing(folder):
    (folder / "a.png").symlink_to(folder / "vanished.png")
    return folder / "a.png"


def pipe(folder):
    os.mkfifo(folder / "a.png")
    return folder / "a.png"


def forbidden(folder):
    path = saved("a.png")(folder)
    path.chmod(0)
    return path


# name -> (how to make it, words of the sentence)
BAD = {
    "truncated jpg": (saved("a.jpg", 0.5), ["cannot be read", "replace it"]),
    "truncated png": (saved("a.png", 0.5), ["cannot be read", "replace it"]),
    "truncated webp": (saved("a.webp", 0.5), ["cannot be read", "replace it"]),
    "truncated tif": (saved("a.tif", 0.5), ["cannot be read", "replace it"]),
    "truncated bmp": (saved("a.bmp", 0.5), ["cannot be read", "replace it"]),
    "only the first bytes": (saved("a.jpg", 0.01), ["cannot be read", "replace it"]),
    "zero bytes": (data("a.jpg", b""), ["0 bytes"]),
    "one byte": (data("a.png", b"\x89"), ["cannot be read"]),
    "text renamed to jpg": (text("a.jpg", "I am no picture"), ["cannot be read", "replace it"]),
    "a web page as png": (text("a.png", HTML), ["web page"]),
    "zeros renamed to png": (data("a.png", b"\0" * 5000), ["cannot be read"]),
    "a program renamed to jpg": (data("a.jpg", b"MZ" + bytes(range(256)) * 9), ["cannot be read"]),
    "a pdf renamed to png": (data("a.png", b"%PDF-1.7\n1 0 obj <<>> endobj"), ["cannot be read"]),
    "animated gif": (animated("a.gif"), ["3 pictures", "save the one you mean"]),
    "animated png": (animated("a.png"), ["3 pictures", "save the one you mean"]),
    "animated webp": (animated("a.webp"), ["3 pictures", "save the one you mean"]),
    "a tif with pages": (animated("a.tif"), ["3 pictures", "save the one you mean"]),
    "a bomb of pixels": (bomb("a.png", 60_000, 60_000), ["more pixels", "smaller"]),
    "a bomb of one row": (bomb("a.png", 2_000_000_000, 1), ["more pixels", "smaller"]),
    "no permission": (forbidden, ["cannot be read", "permission"]),
    "a link to nothing": (link_to_nothing, ["no file"]),
    "wrong checksum": (
        in_order(saved("a.png"), lambda p: p.write_bytes(p.read_bytes().replace(b"IDAT", b"IDAT\x00\x01", 1))),
        ["cannot be read"],
    ),
    "geotiff with a missing band": (tiff("a.tif", (2, 30, 30)), ["2 bands", "--bands"]),
    "truncated geotiff": (
        in_order(tiff("a.tif", (3, 300, 300), compress="deflate"), lambda p: cut(p, 0.6)),
        ["cannot be read", "replace it"],
    ),
    "geotiff of complex numbers": (tiff("a.tif", (3, 30, 30), "complex64"), ["complex", "real numbers"]),
    "array of floats": (array("a.npy", np.zeros((9, 9))), ["float64", "uint8 or uint16"]),
    "array of a video": (array("a.npy", np.zeros((4, 9, 9, 3), np.uint8)), ["(4, 9, 9, 3)"]),
    "array of objects": (array("a.npy", np.array([{}, {}]), allow_pickle=True), ["cannot be read as an array"]),
    "empty array": (array("a.npy", np.zeros((0, 9), np.uint8)), ["needs pixels"]),
    "truncated array": (in_order(array("a.npy", np.zeros((90, 90), np.uint8)), cut), ["cannot be read as an array"]),
    "text renamed to npy": (text("a.npy", "no array"), ["cannot be read as an array"]),
}  # fmt: skip

# name -> how to make it: pictures that are only unusual get a mask of their size
UNUSUAL = {
    "1 x 1": saved("a.png", image=image_of().resize((1, 1))),
    "30000 x 2": saved("a.png", image=image_of().resize((30_000, 2))),
    "2 x 30000": saved("a.png", image=image_of().resize((2, 30_000))),
    "CMYK": saved("a.jpg", image=image_of().convert("CMYK")),
    "16 bits": saved("a.png", image=Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50)),
    "one bit": saved("a.png", image=image_of().convert("1")),
    "transparent palette": saved("a.png", image=image_of().convert("P"), transparency=0),
    "grey with alpha": saved("a.png", image=image_of().convert("LA")),
    "progressive": saved("a.jpg", progressive=True),
    "png renamed to jpg": in_order(saved("b.png"), lambda p: p.rename(p.with_name("a.jpg"))),
    "a name with spaces, quotes and umlauts": saved('ein "schönes" Bild\' (1).png'),
    "geotiff of one grey band of 16 bits": tiff("a.tif", (1, 60, 70), "uint16"),
    "geotiff of negative numbers": tiff("a.tif", (3, 60, 70), "int16"),
    "geotiff of one pixel": tiff("a.tif", (3, 1, 1)),
    "grey array": array("a.npy", np.arange(3000, dtype=np.uint8).reshape(50, 60)),
}


def test_there_are_forty_of_them():
    assert len(BAD) + len(UNUSUAL) + len(BAD_RUNS) >= 40


def predict(run, path, output, *more):
    return main(["predict", str(run), str(path), "--output", str(output), "--device", "cpu", *more])


def sentences(capsys):
    lines = [
        line
        for line in capsys.readouterr().err.replace("\r", "\n").splitlines()
        if "picture" not in line[:80] or ":" in line
    ]
    return [line.split(": ", 1)[1] for line in lines if line.startswith(("error: ", "failed: "))]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_ends_in_one_clear_sentence(name, trained, tmp_path, capsys):
    make, words = BAD[name]
    if name == "no permission" and os.geteuid() == 0:
        words = None  # nothing is forbidden to root: it is read
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    code = predict(trained, path if not path.is_dir() else path.parent, tmp_path / "out")
    found = sentences(capsys)
    if words is None:
        assert code == 0
        return
    assert code in (1, 2)
    assert len(found) == 1, found
    assert_sentence(found[0], path, *words)
    assert [p for p in (tmp_path / "out").glob("*mask*") if p.name[0] != "."] == []


@pytest.mark.parametrize("name", UNUSUAL)
def test_an_unusual_picture_gets_a_mask_of_its_size(name, trained, tmp_path, capsys):
    (tmp_path / "in").mkdir()
    UNUSUAL[name](tmp_path / "in")
    path = next((tmp_path / "in").iterdir())
    assert predict(trained, path, tmp_path / "out") == 0, capsys.readouterr().err
    mask = next(p for p in (tmp_path / "out").iterdir() if "_mask." in p.name)
    if path.suffix == ".npy":
        size, ids = np.load(path).shape[:2], np.load(mask)
    else:
        with Image.open(mask) as found:
            ids = np.array(found)
        size = size_of(path)
    assert ids.shape == size
    assert ids.max() < len(CLASSES)


def size_of(path):
    import rasterio

    if path.suffix == ".tif":
        with rasterio.open(path) as file:
            return file.height, file.width
    with Image.open(path) as picture:
        return picture.height, picture.width


def foreign_checkpoint(folder):
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(3)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def pickled_checkpoint(folder):
    torch.save({"weight": torch.zeros(3)}, folder / "model.safetensors")
    return folder / "model.safetensors"


def cut_checkpoint(folder):
    from utils.inference import SHIPPED

    path = folder / "model.safetensors"
    path.write_bytes(SHIPPED.read_bytes()[:4000])
    return path


BAD_RUNS = {
    "a foreign checkpoint": (foreign_checkpoint, ["not written by this course"]),
    "a pickle": (pickled_checkpoint, ["damaged or no safetensors"]),
    "a truncated checkpoint": (cut_checkpoint, ["damaged or no safetensors"]),
    "an empty run folder": (folder_named("run"), ["best.safetensors", "train first"]),
    "no run": (lambda folder: folder / "run", ["no run folder", "train first"]),
}


@pytest.mark.parametrize("name", BAD_RUNS)
def test_a_bad_run_ends_in_one_clear_sentence(name, pairs, tmp_path, capsys):
    make, words = BAD_RUNS[name]
    (tmp_path / "in").mkdir()
    assert predict(make(tmp_path / "in"), pairs / "images", tmp_path / "out") == 2
    (found,) = sentences(capsys)
    assert_sentence(found, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--threshold", "2"], ["threshold=2", "0 to 1"]),
        (["--scales", "0"], ["scales", "0.1 to 10"]),
        (["--tile", "3"], ["tile=3", "at least"]),
    ],
)
def test_a_bad_option_ends_in_one_clear_sentence(more, words, trained, pairs, tmp_path, capsys):
    assert predict(trained, pairs / "images", tmp_path / "out", *more) == 2
    (found,) = sentences(capsys)
    assert_sentence(found, *words)


def test_a_folder_with_bad_ones_is_finished_and_they_are_listed(trained, pairs, tmp_path, capsys):
    folder = pairs / "images"
    bad = ["truncated jpg", "zero bytes", "animated webp", "a bomb of pixels", "array of floats", "truncated geotiff"]
    wrong = []
    for number, name in enumerate(bad):
        (tmp_path / str(number)).mkdir()
        path = BAD[name][0](tmp_path / str(number))
        wrong.append(path.rename(folder / f"bad{number}{path.suffix}"))
    assert predict(trained, folder, tmp_path / "out") == 1
    found = sentences(capsys)
    assert [p for p in wrong if not any(str(p) in sentence for sentence in found)] == []
    assert len(found) == len(bad)
    for sentence in found:
        assert_sentence(sentence)
    assert len(list((tmp_path / "out").glob("*_mask.png"))) == 12
    assert stat.S_IMODE(next((tmp_path / "out").glob("*_mask.png")).stat().st_mode) == 0o644


def test_a_stopped_prediction_says_how_to_go_on(trained, pairs, tmp_path, capsys, monkeypatch):
    from segmenter import predictions

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(predictions, "read_scaled", stop)
        assert main(["predict", str(trained), str(pairs / "images"), "--output", str(tmp_path / "out")]) == 1
    assert "the same command goes on" in capsys.readouterr().out


def test_no_pictures(trained, tmp_path, refused):
    (tmp_path / "empty").mkdir()
    refused(main(["predict", str(trained), str(tmp_path / "empty")]), tmp_path / "empty", "no pictures")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_among_the_pictures_is_passed_over(tmp_path, trained):
    image_of().save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")
    assert main(["predict", str(trained), str(tmp_path), "--output", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "a_mask.png").is_file()

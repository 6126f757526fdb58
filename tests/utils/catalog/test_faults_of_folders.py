"""Folders as people have them, by kind, each with its outcome: the right pairs and ids, or a sentence with a remedy.

Every folder is drawn small, read through `catalog.load` and `check_dataset`, and left as it was to the byte.
"""

import io
import json
import os
import shutil
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest
from drawn_folders import COLOURS, COUNT, draw, ids, image, palette, save, table
from helpers import SHARED, assert_sentence, snapshot
from PIL import Image

from segmenter.check import check_dataset
from segmenter.check.repair import repair
from utils import catalog
from utils.config import Config
from utils.errors import CourseError

THREE = ("ground", "disc", "box")
TWO = ("background", "thing")


def load(root, **fields):
    return catalog.load(Config(dataset="folder", root=root, **fields))


def same(mask):
    return mask


def foreground(mask):
    return (mask > 0).astype(np.uint8)


def white(mask):
    return foreground(mask) * 255


def grey_rgb(mask):
    return np.stack([mask] * 3, -1)


def coloured(mask):
    return COLOURS[mask]


def mixed(*encodings):
    """Each mask by another encoding, in turn."""
    return lambda mask, number: encodings[number % len(encodings)](mask)


def alike(encoding):
    return lambda mask, number: encoding(mask)


def with_table(rows, encoding, **options):
    return lambda root: table(draw(root, alike(encoding), **options), *rows)


def drawn(encoding=same, **options):
    encode = encoding if encoding.__code__.co_argcount == 2 else alike(encoding)
    return lambda root: draw(root, encode, **options)


def notes(root, name, data):
    (root / name).write_text(json.dumps(data))
    return root


NAMED = [("name", "r", "g", "b"), *((n, *c) for n, c in zip(THREE, COLOURS.tolist(), strict=True))]
VALUES = [("id", "name"), (10, "ground"), (20, "disc"), (30, "box")]
BLACK_WHITE = [("name", "r", "g", "b"), ("background", 0, 0, 0), ("thing", 255, 255, 255)]
WHITE_BLACK = [("name", "r", "g", "b"), ("thing", 255, 255, 255), ("background", 0, 0, 0)]
NOISE = np.random.default_rng(0).integers(0, 3, (48, 64)).astype(np.uint8)
GREYS_OF_THREE = np.array([0, 128, 255], np.uint8)
SHUFFLED = np.array([(0, 128, 0), (0, 0, 0), (128, 0, 0)], np.uint8)  # colours of box, ground, disc


def shuffled_palette(mask):
    """A palette image whose indices are other than the ids: 0 is the box, 1 the ground, 2 the disc."""
    return palette(np.array([1, 2, 0], np.uint8)[mask], SHUFFLED)


def in_alpha(mask):
    return Image.merge("RGBA", [Image.new("L", (64, 48), 40)] * 3 + [Image.fromarray(white(mask))])


def cut_out(mask):
    pixels = np.random.default_rng(0).integers(0, 256, (*mask.shape, 3)).astype(np.uint8)
    return Image.fromarray(np.dstack([pixels, white(mask)]))


def noisy(mask):
    """Black and white after a JPEG that was saved as PNG."""
    return np.where(foreground(mask) == 1, 255 - NOISE, NOISE).astype(np.uint8)


def once_jpeg(mask):
    """Ids after a JPEG that was saved as PNG: other ids lie along the edges."""
    file = io.BytesIO()
    Image.fromarray(mask).save(file, "JPEG", quality=75)
    return Image.open(file)


def border_of_some(mask, number):
    """0 and 255 in four masks; 0, 1 and an ignored border of 255 in two."""
    found = foreground(mask) if number in (1, 3) else white(mask)
    found[:2] = 255 * (number in (1, 3))
    return found


def three_pixels(value):
    """Two classes of ground and disc, and three pixels of a value that no class has, in one mask."""

    def encode(mask, number):
        found = np.where(mask == 2, 1, mask).astype(np.uint8)
        found[0, :3] = value if number == 3 else 0
        return found

    return encode


def soft(mask):
    import cv2

    return cv2.GaussianBlur(white(mask), (0, 0), 1.2)


# --------------------------------------------------------------- what masks hold: name -> (draw, expected ids, config)
RIGHT = {
    "ids": (drawn(), same, {}),
    "ids, named": (drawn(), same, {"classes": THREE}),
    "ids as RGB": (drawn(grey_rgb), same, {}),
    "ids as RGBA, opaque": (drawn(lambda m: Image.fromarray(grey_rgb(m)).convert("RGBA")), same, {}),
    "ids with an opaque alpha channel": (drawn(lambda m: Image.fromarray(m).convert("LA")), same, {}),
    "ids of 16 bits": (drawn(lambda m: m.astype(np.uint16)), same, {}),
    "ids of 32 bits": (drawn(lambda m: Image.fromarray(m.astype(np.int32)), mask_name="masks/{}.tif"), same, {}),
    "ids as floats": (drawn(lambda m: m.astype(np.float32), mask_name="masks/{}.tif"), same, {"classes": THREE}),
    "ids as floats, unnamed": (drawn(lambda m: m.astype(np.float32), mask_name="masks/{}.tif"), same, {}),
    "ids, some as RGB": (drawn(mixed(same, grey_rgb)), same, {}),
    "palette": (drawn(lambda m: palette(m, COLOURS)), same, {}),
    "palette, some grey": (drawn(mixed(lambda m: palette(m, COLOURS), same)), same, {}),
    "palette of other colours than a table of ids": (
        lambda r: table(draw(r, lambda m, n: palette(m, SHUFFLED + 9)), ("id", "name"), *enumerate(THREE)),
        same,
        {},
    ),
    "palette against table": (with_table(NAMED, shuffled_palette), same, {}),
    "palette and RGB by one table": (
        lambda r: table(draw(r, mixed(shuffled_palette, coloured)), *NAMED), same, {}
    ),
    "palette black and white against table": (
        with_table(BLACK_WHITE, lambda m: palette(1 - foreground(m), [(255,) * 3, (0,) * 3])), foreground, {}
    ),
    "grey by the colours of a table": (with_table(WHITE_BLACK, white), foreground, {}),
    "RGB black and white by a table": (
        with_table(WHITE_BLACK, lambda m: grey_rgb(white(m))), foreground, {}
    ),
    "colours": (with_table(NAMED, coloured), same, {}),
    "colours with alpha": (with_table(NAMED, lambda m: Image.fromarray(coloured(m)).convert("RGBA")), same, {}),
    "colours as BMP": (with_table(NAMED, coloured, mask_name="masks/{}.bmp"), same, {}),
    "colours as TIFF": (with_table(NAMED, coloured, mask_name="masks/{}.tiff"), same, {}),
    "colours, some as ids": (lambda r: table(draw(r, mixed(coloured, same)), *NAMED), same, {}),
    "colours, one mask of ground alone": (
        lambda r: table(draw(r, lambda m, n: coloured(m if n else m * 0)), *NAMED),
        lambda m, n: m if n else m * 0,
        {},
    ),
    "0/255": (drawn(white), foreground, {}),
    "0/255, named": (drawn(white), foreground, {"classes": TWO}),
    "0/1": (drawn(foreground), foreground, {}),
    "0/65535 in 16 bits": (drawn(lambda m: foreground(m).astype(np.uint16) * 65535), foreground, {}),
    "0/65535 in 16 bits, named": (
        drawn(lambda m: foreground(m).astype(np.uint16) * 65535), foreground, {"classes": TWO}
    ),
    "things cut out of their photographs": (drawn(cut_out), foreground, {}),
    "one bit": (drawn(lambda m: Image.fromarray(foreground(m) > 0)), foreground, {}),
    "0/1 and 0/255 mixed": (drawn(mixed(foreground, white)), foreground, {}),
    "0/1 and 0/255 mixed, named": (drawn(mixed(foreground, white)), foreground, {"classes": TWO}),
    "one bit and 0/255 mixed": (drawn(mixed(lambda m: Image.fromarray(m > 0), white)), foreground, {}),
    "0/255 as RGB": (drawn(lambda m: grey_rgb(white(m))), foreground, {}),
    "0/255 as RGB and grey": (drawn(mixed(lambda m: grey_rgb(white(m)), white)), foreground, {}),
    "0/255 as RGB, named": (drawn(lambda m: grey_rgb(white(m))), foreground, {"classes": TWO}),
    "0/255 as GIF": (drawn(white, mask_name="masks/{}.gif"), foreground, {}),
    "0/255 with one empty mask": (
        drawn(lambda m, n: white(m) if n else m * 0), lambda m, n: foreground(m) * bool(n), {}
    ),
    "alpha": (drawn(in_alpha), foreground, {}),
    "alpha of one grey": (drawn(lambda m: in_alpha(m).convert("LA")), foreground, {"classes": TWO}),
    "WebP of two values, compressed with loss": (drawn(white, mask_name="masks/{}.webp"), foreground, {}),
    "WebP of ids, without loss": (
        drawn(grey_rgb, mask_name="masks/{}.webp", lossless=True), same, {"classes": THREE}
    ),
    "0, 1 and an ignored 255, declared": (
        drawn(border_of_some), lambda m, n: border_of_some(m, n), {"mask_values": "0=0 1=1"}
    ),
    "a rare class of a value of its own": (
        drawn(lambda m, n: np.where(m == 2, 128 * (n < 2), np.where(m == 1, 255, 0)).astype(np.uint8)),
        lambda m, n: np.where(m == 2, n < 2, 2 * (m == 1)), {"classes": THREE},
    ),
    "JPEG of two values": (drawn(white, mask_name="masks/{}.jpg"), foreground, {}),
    "JPEG of two values, as RGB": (drawn(lambda m: grey_rgb(white(m)), mask_name="masks/{}.jpg"), foreground, {}),
    "JPEG of two values, named": (drawn(white, mask_name="masks/{}.jpeg"), foreground, {"classes": TWO}),
    "0/128/255, named in order": (drawn(lambda m: GREYS_OF_THREE[m]), same, {"classes": THREE}),
    "0/128/255 by a table of ids": (
        with_table([("id", "name"), (0, "ground"), (128, "disc"), (255, "box")], lambda m: GREYS_OF_THREE[m]), same, {}
    ),
    "0/128/255 by a table of greys": (
        with_table([("name", "r", "g", "b"), *((n, v, v, v) for n, v in zip(THREE, (0, 128, 255), strict=True))],
                   lambda m: GREYS_OF_THREE[m]), same, {}
    ),
    "0/128/255 declared": (drawn(lambda m: GREYS_OF_THREE[m]), same, {"mask_values": "0=0 128=1 255=2"}),
    "255 declared to be a class": (drawn(white), foreground, {"mask_values": "0=0 255=1"}),
    "colours declared": (drawn(coloured), same, {"mask_values": "0,0,0=0 128,0,0=1 0,128,0=2"}),
    "ids 10, 20, 30 by a table": (with_table(VALUES, lambda m: (m + 1) * 10), same, {}),
    "ids 1 to 3 by a table": (
        with_table([("id", "name"), *((i + 1, n) for i, n in enumerate(THREE))], lambda m: m + 1), same, {}
    ),
    "ids of a table out of order": (
        with_table([("id", "name"), (2, "box"), (0, "ground"), (1, "disc")], same), same, {}
    ),
    "ids of 16 bits by a table": (
        with_table([("id", "name"), (0, "a"), (300, "b"), (40000, "c")],
                   lambda m: np.array([0, 300, 40000], np.uint16)[m]), same, {}
    ),
    "Roboflow's table": (
        lambda r: table(draw(r), ("Pixel Value", " Class"), *((i, f" {n}") for i, n in enumerate(THREE)),
                        name="_classes.csv"), same, {}
    ),
    "class_dict.csv": (lambda r: table(draw(r, alike(coloured)), *NAMED, name="class_dict.csv"), same, {}),
    "a table of colours by another name": (
        lambda r: table(draw(r, alike(coloured)), *NAMED, name="label_class_dict.csv"), same, {}
    ),
    "names and ids of a table of colours by another name": (
        lambda r: table(draw(r), *NAMED, name="class_dict_seg.csv"), same, {}
    ),
    "classes.json, colours in hexadecimal digits": (
        lambda r: notes(draw(r, alike(coloured)), "classes.json", {"classes": [
            {"title": n, "shape": "polygon", "color": "#" + bytes(c).hex().upper()}
            for n, c in zip(THREE, COLOURS.tolist(), strict=True)]}), same, {}
    ),
    "config.json of Mapillary": (
        lambda r: notes(draw(r, lambda m, n: palette(m, COLOURS)), "config.json", {"labels": [
            {"name": f"x--{n}", "readable": n, "color": c} for n, c in zip(THREE, COLOURS.tolist(), strict=True)]}),
        same, {}
    ),
    "dataset.json of nnU-Net": (
        lambda r: notes(draw(r), "dataset.json", {"labels": {"background": 0, "disc": 1, "box": 2}}), same, {}
    ),
    "dataset.json of nnU-Net's first version": (
        lambda r: notes(draw(r), "dataset.json", {"labels": {"0": "background", "1": "disc", "2": "box"}}), same, {}
    ),
    "classes.json, a list of names": (lambda r: notes(draw(r), "classes.json", list(THREE)), same, {}),
    "a config.json of something else": (lambda r: notes(draw(r), "config.json", {"labels": {"a": "b"}}), same, {}),
    "labelmap.txt of CVAT": (
        lambda r: table(draw(r, lambda m, n: palette(m, COLOURS)), ("# label:color_rgb:parts:actions",),
                        *((f"{n}:{a},{b},{c}::",) for n, (a, b, c) in zip(THREE, COLOURS.tolist(), strict=True)),
                        name="labelmap.txt", delimiter="|"), same, {}
    ),
    "labelmap.txt with the background second": (
        lambda r: table(draw(r, lambda m, n: coloured(foreground(m))), ("thing:128,0,0::",), ("Background:0,0,0::",),
                        name="labelmap.txt", delimiter="|"), foreground, {}
    ),
    "a table of ids with the background second": (
        with_table([("id", "name"), (0, "thing"), (1, "background")], lambda m: 1 - foreground(m)), foreground, {}
    ),
    "named, the background second": (drawn(lambda m: 255 - white(m)), foreground, {"classes": TWO[::-1]}),
    "table parted by semicolons": (lambda r: table(draw(r, alike(coloured)), *NAMED, delimiter=";"), same, {}),
    "table parted by tabs": (lambda r: table(draw(r, alike(coloured)), *NAMED, delimiter="\t"), same, {}),
    "VOC palette by a table, its border ignored": (
        with_table(NAMED, lambda m: palette(np.where(m == 2, 255, m).astype(np.uint8),
                                            [*COLOURS.tolist(), *[[1, 1, 1]] * 252, [224, 224, 192]])),
        lambda m: np.where(m == 2, 255, m), {}
    ),
    "0/254, named": (drawn(lambda m: foreground(m) * 254), foreground, {"classes": TWO}),
    "0/255 of 16 bits": (drawn(lambda m: white(m).astype(np.uint16)), foreground, {}),
    "0/255 as floats": (drawn(lambda m: white(m).astype(np.float32), mask_name="masks/{}.tif"), foreground, {}),
    "palette with a transparent ground": (drawn(lambda m: palette(m, COLOURS), transparency=0), same, {}),
    "names alone in the table": (lambda r: table(draw(r), ("name",), *((n,) for n in THREE)), same, {}),
    "ids 1 to 3 and colours of RGB masks": (
        with_table([("id", "name", "r", "g", "b"), *((i + 1, n, *c) for i, (n, c) in
                    enumerate(zip(THREE, COLOURS.tolist(), strict=True)))], coloured), same, {}
    ),
    "colours below a transparent ground": (
        with_table(NAMED, lambda m: np.dstack([coloured(m), white(m)])), same, {}
    ),
    "255 ignored beside ids": (
        drawn(lambda m: np.where(m == 2, 255, m).astype(np.uint8)), lambda m: np.where(m == 2, 255, m), {}
    ),
    "0, 1 and 255 in one mask": (
        drawn(lambda m: np.where(m == 2, 255, m).astype(np.uint8)),
        lambda m: np.where(m == 2, 255, m),
        {"classes": TWO},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_what_masks_hold_is_read_as_it_was_meant(name, tmp_path):
    make, expected, fields = RIGHT[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    source = load(root, **fields)
    report = check_dataset(source)
    assert report.ok, str(report)
    assert len(source.labelled()) == COUNT
    for pair, _ in source.labelled():
        number = int(pair.image.stem)
        wanted = ids(number)
        wanted = expected(wanted, number) if expected.__code__.co_argcount == 2 else expected(wanted)
        assert np.array_equal(source.read_ids(pair.mask), wanted), pair.mask
    again = load(root, **source.found())  # as a run keeps it
    assert again.classes == source.classes
    assert str(again.coding) == str(source.coding)
    assert dict(source.describe())["masks"]
    assert snapshot(root) == before


# ------------------------------------- what nobody can be sure of: name -> (draw, words of the sentence, config)
def strange_label(mask, number):
    return np.where(mask == 2, 7, mask).astype(np.uint8) if number == 3 else mask


def one(number, make):
    """One mask is something else."""
    return lambda mask, n: make(mask) if n == number else mask


CLEAR = {
    "0/128/255": (drawn(lambda m: GREYS_OF_THREE[m]), ["0, 128, 255", "--classes", "classes.csv", "id,name"], {}),
    "0 and 128": (drawn(lambda m: foreground(m) * 128), ["0, 128", "--classes", "classes.csv"], {}),
    "10, 20, 30": (drawn(lambda m: (m + 1) * 10), ["10, 20, 30", "classes.csv"], {}),
    "table of ids 1 to 3 over masks of 0 to 2": (
        with_table([("id", "name"), *((i + 1, n) for i, n in enumerate(THREE))], same),
        ["6 of 6 masks", "without a class", "0 (", "correct the ids"], {},
    ),
    "table of ids 10 to 30 over masks of 0 to 2": (with_table(VALUES, same), ["without a class", "10 = ground"], {}),
    "two names of one class": (
        with_table([("name", "r", "g", "b"), ("a", 0, 0, 0), ("a", 128, 0, 0), ("c", 0, 128, 0)], coloured),
        ["classes.csv", "name a", "two classes", "change"], {},
    ),
    "two classes of one colour": (
        with_table([("name", "r", "g", "b"), ("a", 0, 0, 0), ("b", 128, 0, 0), ("c", 128, 0, 0)], coloured),
        ["classes.csv", "(128, 0, 0)", "two classes", "change"], {},
    ),
    "two classes of one id": (
        with_table([("id", "name"), (0, "a"), (1, "b"), (1, "c")], same), ["classes.csv", "id 1", "change"], {}
    ),
    "a name twice on the command line": (drawn(), ["'a'", "name of its own"], {"classes": ("a", "a", "c")}),
    "300 classes": (drawn(), ["300 classes", "255", "join"], {"classes": tuple(f"c{i}" for i in range(300))}),
    "one class": (drawn(), ["only class", "background"], {"classes": ("thing",)}),
    "a table of names and half of the colours": (
        with_table([("name", "r", "g"), ("a", 0, 0), ("b", 1, 1)], same), ["classes.csv", "name,r,g,b"], {}
    ),
    "a table without rows": (with_table([("name", "r", "g", "b")], same), ["classes.csv", "needs"], {}),
    "an empty name": (with_table([("id", "name"), (0, "a"), (1, "")], same), ["classes.csv", "needs"], {}),
    "an id that is no number": (with_table([("id", "name"), ("x", "a"), (1, "b")], same), ["classes.csv", "needs"], {}),
    "two tables that differ": (
        lambda r: table(table(draw(r), ("id", "name"), *enumerate(THREE)), ("id", "name"), *enumerate("abc"),
                        name="_classes.csv"), ["classes.csv", "_classes.csv", "keep one"], {}
    ),
    "a broken labelmap.txt": (
        lambda r: table(draw(r), ("ground:0,0",), name="labelmap.txt", delimiter="|"), ["labelmap.txt", "three"], {}
    ),
    "palette in part in the table": (
        with_table(NAMED, lambda m: palette(m, [(0, 0, 0), (128, 0, 0), (9, 9, 9)])),
        ["disagree", "(9, 9, 9)", "index 2", "correct the table"], {},
    ),
    "palette against ids and colours of one table": (
        with_table([("id", "name", "r", "g", "b"), *((i, n, *c) for i, (n, c) in
                    enumerate(zip(THREE, COLOURS.tolist(), strict=True)))], shuffled_palette),
        ["disagree", "another class", "correct the table"], {},
    ),
    "colours without a table": (drawn(coloured), ["colour pictures", "(128, 0, 0)", "classes.csv", "name,r,g,b"], {}),
    "a colour outside the table": (
        lambda r: table(draw(r, one(3, lambda m: coloured(m) + 5)) and draw(
            r, lambda m, n: coloured(m) + (5 if n == 3 else 0)), *NAMED),
        ["masks/3.png", "(5, 5, 5)", "classes.csv"], {},
    ),
    "one coloured mask among ids": (drawn(one(2, coloured)), ["masks/2.png", "class table"], {"classes": THREE}),
    "one strange label": (drawn(strange_label), ["masks/3.png", "labelled 7", "correct"], {"classes": THREE}),
    "three pixels of a strange value": (
        drawn(three_pixels(7)), ["masks/3.png", "3 pixels labelled 7", "correct"], {"classes": THREE}
    ),
    "three pixels beside one class": (
        drawn(lambda m, n: three_pixels(7)(m * 0, n)), ["masks/3.png", "3 pixels labelled 7"], {"classes": TWO}
    ),
    "three pixels of a strange value, unnamed": (
        drawn(three_pixels(7)), ["7 (3 pixels)", "almost nowhere", "name all 3"], {}
    ),
    "ids once a JPEG": (drawn(once_jpeg), ["4 (3 pixels), 5 (1 pixels)", "JPEG", "save the masks"], {}),
    "ids once a JPEG, named": (drawn(lambda m: once_jpeg(m * 10)), ["without a class", "3 ("], {"classes": THREE}),
    "WebP of ids, compressed with loss": (
        drawn(lambda m: m * 100, mask_name="masks/{}.webp"), ["JPEG", "save the masks", "PNG"], {}
    ),
    "0/255 and 0/1 with a border": (
        drawn(border_of_some), ["4 masks hold 0 and 255", "masks/0.png", "2 hold 1 and 255", "masks/1.png", "0=0 1=1"],
        {"classes": TWO},
    ),
    "0/255 and 0/1 with a border, unnamed": (drawn(border_of_some), ["4 masks", "2 hold", "ignored?"], {}),
    "one strange label beside a table of ids": (
        lambda r: table(draw(r, lambda m, n: (strange_label(m, n) + 1) * 10), *VALUES),
        ["masks/3.png", "80", "no class", "correct"], {},
    ),
    "more values than names": (drawn(), ["6 of 6 masks", "2 (", "known are 0 = background"], {"classes": TWO}),
    "fractions": (
        drawn(lambda m: m / np.float32(2), mask_name="masks/{}.tif"), ["masks/0.tif", "0.5", "whole"],
        {"classes": THREE},
    ),
    "fractions without names": (
        drawn(lambda m: m / np.float32(3), mask_name="masks/{}.tif"), ["masks/0.tif", "not whole", "save"], {}
    ),
    "NaN": (
        drawn(lambda m: np.where(m == 2, np.nan, m).astype(np.float32), mask_name="masks/{}.tif"),
        ["masks/0.tif", "nan", "whole"], {"classes": THREE},
    ),
    "nothing labelled": (drawn(lambda m: m * 0 + 255), ["label nothing", "255", "ignored"], {}),
    "one JPEG among PNG": (
        lambda r: (save(draw(r) / "masks/9.jpg", ids(1)), save(r / "images/9.png", image(1)), r)[-1],
        ["masks/9.jpg", "JPEG", "PNG"], {},
    ),
    "JPEG of three values": (drawn(lambda m: m * 100, mask_name="masks/{}.jpg"), [], {}),
    "JPEG of colours": (drawn(coloured, mask_name="masks/{}.jpg"), ["colour pictures"], {}),
    "once a JPEG": (drawn(noisy), ["masks/0.png", "grey values", "smoothing"], {"classes": TWO}),
    "once a JPEG, unnamed": (drawn(noisy), ["masks/0.png", "smoothing"], {}),
    "smooth edges": (drawn(soft), ["masks/0.png", "smoothing", "without smoothing"], {"classes": TWO}),
    "noise of the white alone": (
        drawn(lambda m: np.where(m > 0, 255 - NOISE, 0).astype(np.uint8)), ["masks/0.png", "smoothing"], {}
    ),
    "images and masks exchanged": (
        lambda r: table(draw(r), ("image", "mask"), *((f"masks/{n}.png", f"images/{n}.png") for n in range(COUNT)),
                        name="pairs.csv"), ["colour pictures", "classes.csv"], {}
    ),
    "0/254": (drawn(lambda m: foreground(m) * 254), ["0, 254", "--classes"], {}),
    "masks of one pixel": (drawn(lambda m: m[:1, :1]), ["64x48", "1x1", "replace"], {}),
    "a mask of two pictures": (
        drawn(lambda m: Image.fromarray(m), mask_name="masks/{}.gif", save_all=True,
              append_images=[Image.fromarray(ids(0) * 0 + 1)]), ["masks/0.gif", "holds 2", "own file"], {}
    ),
    "a list of UTF-16": (
        lambda r: ((draw(r) / "pairs.csv").write_bytes("image,mask\na,b\n".encode("utf-16")), r)[1],
        ["pairs.csv", "UTF-8"], {},
    ),
    "a misspelt name in a csv of splits": (
        lambda r: table(draw(r), ("image", "split"), *((f"{n}{'x' * (n == 1)}.png", "train") for n in range(COUNT)),
                        name="pairs.csv"), ["pairs.csv", "'1x.png'", "correct"], {},
    ),
    "a list of something else": (
        lambda r: ((draw(r) / "train.txt").write_text("not a list\n"), r)[1], ["train.txt", "'not a list'", "mend"], {}
    ),
    "a missing mask": (
        lambda r: ((draw(r) / "masks/3.png").unlink(), r)[1], ["images/3.png", "one mask of the same name"], {}
    ),
    "smooth edges of three classes": (drawn(soft), [], {"classes": THREE}),
    "16 bits of 0, 1000 and 65535": (
        drawn(lambda m: np.array([0, 1000, 65535], np.uint16)[m]), ["65535", "no class ids", "name the classes"], {}
    ),
    "palettes that differ": (
        drawn(lambda m, n: palette(m, COLOURS) if n % 2 else palette((m + 1) % 3, np.roll(COLOURS, 1, axis=0))),
        ["palettes", "masks/0.png", "masks/1.png", "classes.csv"], {}
    ),
    "an id that no mask can store": (
        with_table([("id", "name"), (0, "a"), (1, "b"), (70000, "c")], same), ["classes.csv", "70000", "65535"], {}
    ),
    "alpha in some masks only": (
        drawn(one(2, lambda m: m * 0)), ["masks/2.png", "no alpha channel", "save it"],
        {"mask_values": "0=0 255=1 alpha"},
    ),
    "mask_values of another spelling": (drawn(), ["mask_values", "'a=b'", "value=id"], {"mask_values": "a=b"}),
    "mask_values out of range": (drawn(), ["mask_values", "0-254"], {"mask_values": "0=0 1=300"}),
    "mask_values beyond the names": (drawn(), ["id 2", "2 classes"], {"mask_values": "0=0 2=2", "classes": TWO}),
}  # fmt: skip


def sentences_of(root, fields):
    """What a user reads: the error of loading, or every error of the check; and that training stops as well."""
    try:
        source = load(root, **fields)
    except CourseError as error:
        return [str(error)]
    report = check_dataset(source)
    assert not report.ok
    errors = [finding for finding in report.findings if finding.severity == "error"]
    return [
        sentence if sentence.endswith((".", ")")) else f"{sentence}: {finding.remedy}"
        for finding in errors
        for sentence in finding.sentences(report.file_names)
    ]


@pytest.mark.parametrize("name", CLEAR)
def test_what_does_not_fit_is_named_with_a_remedy(name, tmp_path):
    make, words, fields = CLEAR[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    found = sentences_of(root, fields)
    assert found
    for sentence in found:
        assert_sentence(sentence)
    assert any(all(word.lower() in sentence.lower() for word in words) for sentence in found), found
    assert snapshot(root) == before


@pytest.mark.parametrize("name", ["0/1 and 0/255 mixed", "palette against table", "alpha", "JPEG of two values",
                                  "0/128/255, named in order", "ids 10, 20, 30 by a table", "colours", "0/255",
                                  "palette", "255 ignored beside ids"])  # fmt: skip
def test_a_repaired_copy_holds_the_same_ids(name, tmp_path):
    make, _, fields = RIGHT[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    source = load(root, **fields)
    repair(check_dataset(source), tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert copy.classes == source.classes
    assert check_dataset(copy).ok
    plain = {pair.image.stem: source.read_ids(pair.mask) for pair, _ in source.labelled()}
    copied = {pair.image.stem: copy.read_ids(pair.mask) for pair, _ in copy.labelled()}
    assert plain.keys() == copied.keys()
    assert all(np.array_equal(plain[stem], copied[stem]) for stem in plain)
    assert snapshot(root) == before


def test_the_background_is_class_0_of_two_with_its_own_colour(tmp_path):
    source = load(with_table(WHITE_BLACK, white)(tmp_path / "data"))
    assert source.classes == TWO
    assert source.palette == ((0, 0, 0), (255, 255, 255))
    repair(check_dataset(source), tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert (copy.classes, copy.palette) == (source.classes, source.palette)


def class_folders(root, names=("box", "disc"), image_name="images/{n}.png"):
    for number in range(COUNT):
        name = names[number % 2]
        save(root / image_name.format(n=number, name=name), image(number))
        save(root / f"masks/{name}/{number}.png", (ids(number) == 1 + number % 2).astype(np.uint8) * 255)
    return root


def test_masks_in_folders_of_classes_keep_their_classes(tmp_path):
    source = load(class_folders(tmp_path / "data"))
    again = load(tmp_path / "data", **source.found())
    assert source.classes == again.classes == ("background", "box", "disc")
    for pair, _ in source.labelled():
        number = int(pair.image.stem)
        wanted = (ids(number) == 1 + number % 2) * (1 + number % 2)
        assert np.array_equal(source.read_ids(pair.mask), wanted)
        assert np.array_equal(again.read_ids(pair.mask), wanted)
    assert "255 = box or disc, as its folder is called" in dict(source.describe())["masks"]
    assert check_dataset(source).ok
    assert load(tmp_path / "data", classes=TWO).classes == TWO


@pytest.mark.parametrize(
    ("names", "image_name"), [(("p1", "p2"), "images/{n}.png"), (("north", "south"), "images/{name}/{n}.png")]
)
def test_folders_that_images_have_as_well_or_that_are_numbered_are_no_classes(names, image_name, tmp_path):
    assert load(class_folders(tmp_path / "data", names, image_name)).classes == ("background", "foreground")


def test_what_a_copy_ignores_it_reads_back_as_ignored(tmp_path):
    root = draw(tmp_path / "data", lambda mask, number: foreground(mask) * (1 + (number == 3)))
    source = load(root, classes=TWO, mask_values="0=0 1=1")
    done = repair(check_dataset(source), tmp_path / "copy")
    (change,) = [change for change in done.changes if change.file == "masks/3.png"]
    pixels = int((ids(3) > 0).sum())
    assert f"{pixels} pixels outside the classes set to 'ignored'" in change.words
    copy = load(tmp_path / "copy")
    (mask,) = [pair.mask for pair, _ in copy.labelled() if pair.mask.stem == "3"]
    assert (copy.read_ids(mask) == np.where(ids(3) > 0, 255, 0)).all()


# ---------------------------------------------------------------- layouts: name -> (draw, pairs of each split)
def splits(root, image_name, mask_name, names=("train", "val", "test")):
    for number in range(COUNT):
        split = names[number % len(names)]
        save(root / image_name.format(split=split, n=number), image(number))
        save(root / mask_name.format(split=split, n=number), ids(number))
    return root


def by_splits(image_name, mask_name, names=("train", "val", "test")):
    return lambda root: splits(root, image_name, mask_name, names)


def named(image_name, mask_name):
    return lambda root: draw(root, image_name=image_name, mask_name=mask_name)


def csv_of(header, row, delimiter=",", name="pairs.csv"):
    def make(root):
        draw(root, image_name="photos/{}.png", mask_name="drawn/m{}.png")
        return table(root, header, *([cell.format(n) for cell in row] for n in range(COUNT)), name=name,
                     delimiter=delimiter)  # fmt: skip

    return make


def voc(root):
    draw(root, lambda m, n: palette(m, COLOURS), "VOC2007/JPEGImages/{}.jpg", "VOC2007/SegmentationClass/{}.png")
    lists = root / "VOC2007/ImageSets/Segmentation"
    lists.mkdir(parents=True)
    for split, numbers in (("train", "0123"), ("val", "4"), ("test", "5")):
        (lists / f"{split}.txt").write_text("\n".join(numbers) + "\n")
    return root


DRAWN = (6, 0, 0)  # six pairs without a split of their own
EACH = (2, 2, 2)
LAYOUTS = {
    "images, masks": (named("images/{}.png", "masks/{}.png"), DRAWN),
    "image, mask": (named("image/{}.jpg", "mask/{}.png"), DRAWN),
    "img, labels": (named("img/{}.jpg", "labels/{}.png"), DRAWN),
    "imgs, gt": (named("imgs/{}.jpg", "gt/{}.bmp"), DRAWN),
    "Images, Annotations": (named("Images/{}.JPG", "Annotations/{}.PNG"), DRAWN),
    "photos, ground_truth": (named("photos/{}.jpg", "ground_truth/{}.tif"), DRAWN),
    "Training_Images, Ground_Truth": (named("Training_Images/{}.jpg", "Ground_Truth/{}.png"), (6, 0, 0)),
    "JPEGImages, SegmentationClass": (named("JPEGImages/{}.jpg", "SegmentationClass/{}.png"), DRAWN),
    "VOC with its lists": (voc, (4, 1, 1)),
    "pictures at the top, masks below": (named("{}.jpg", "masks/{}.png"), DRAWN),
    "_mask beside": (named("{}.jpg", "{}_mask.png"), DRAWN),
    "_label beside": (named("all/{}.jpg", "all/{}_label.png"), DRAWN),
    "_L beside": (named("{}.png", "{}_L.png"), DRAWN),
    "_gt beside": (named("{}.tif", "{}_gt.tif"), DRAWN),
    "_segmentation beside": (named("{}.jpg", "{}_segmentation.png"), DRAWN),
    "mask_ in front": (named("{}.jpg", "mask_{}.png"), DRAWN),
    "_label in masks": (named("images/{}.jpg", "masks/{}_label.png"), DRAWN),
    "image_ and mask_": (named("images/image_{}.jpg", "masks/mask_{}.png"), DRAWN),
    "_img and _mask": (named("data/images/{}_img.jpg", "data/masks/{}_mask.png"), DRAWN),
    "capitals that differ": (named("images/IMG_{}.JPG", "masks/img_{}.png"), DRAWN),
    "Cityscapes": (
        by_splits("leftImg8bit/{split}/ulm/a_{n}_leftImg8bit.png", "gtFine/{split}/ulm/a_{n}_gtFine_labelIds.png"),
        EACH,
    ),
    "CamVid": (by_splits("{split}/{n}.png", "{split}annot/{n}.png"), EACH),
    "CamVid of another edition": (by_splits("{split}/{n}.png", "{split}_labels/{n}_L.png"), EACH),
    "nnU-Net": (named("imagesTr/case{}_0000.png", "labelsTr/case{}.png"), (6, 0, 0)),
    "splits outside": (by_splits("{split}/images/{n}.png", "{split}/masks/{n}.png"), EACH),
    "splits inside": (by_splits("images/{split}/{n}.png", "masks/{split}/{n}.png"), EACH),
    "splits of images alone": (by_splits("images/{split}/{n}.png", "masks/{n}.png"), EACH),
    "valid": (by_splits("{split}/images/{n}.png", "{split}/masks/{n}.png", ("train", "valid", "test")), EACH),
    "validation, testing": (
        by_splits("{split}/image/{n}.png", "{split}/label/{n}.png", ("training", "validation", "testing")), EACH
    ),
    "Train, Val, Test": (by_splits("{split}/Images/{n}.png", "{split}/Masks/{n}.png", ("Train", "Val", "Test")), EACH),
    "splits beside one another": (by_splits("{split}/{n}.jpg", "{split}/{n}_mask.png"), EACH),
    "train_images, train_masks": (by_splits("{split}_images/{n}.jpg", "{split}_masks/{n}.png"), EACH),
    "nested": (
        by_splits("images/{split}/{n}.png", "masks/{split}/{n}.png", ("site_a", "site_b")), DRAWN
    ),
    "nested, images alone": (by_splits("images/{split}/{n}.png", "masks/{n}.png", ("site_a", "site_b")), DRAWN),
    "each site with both": (by_splits("{split}/images/{n}.png", "{split}/masks/{n}.png", ("a", "b")), DRAWN),
    "in a folder of the download": (named("download/data/images/{}.png", "download/data/masks/{}.png"), DRAWN),
    "csv": (csv_of(("image", "mask"), ("photos/{}.png", "drawn/m{}.png")), DRAWN),
    "csv from Windows": (csv_of(("image_path", "mask_path"), ("photos\\{}.png", "drawn\\m{}.png")), DRAWN),
    "csv of img, label": (csv_of(("img", "label"), ("photos/{}.png", "drawn/m{}.png")), DRAWN),
    "csv parted by tabs": (csv_of(("image", "mask"), ("photos/{}.png", "drawn/m{}.png"), "\t"), DRAWN),
    "csv parted by semicolons": (csv_of(("Images", "Masks"), ("photos/{}.png", "drawn/m{}.png"), ";"), DRAWN),
    "csv, the mask first": (csv_of(("mask_file", "image_file"), ("drawn/m{}.png", "photos/{}.png")), DRAWN),
    "csv, the mask first, no words": (csv_of(("a", "b"), ("drawn/m{}.png", "photos/{}.png")), DRAWN),
    "csv, the mask first, told by looks": (
        lambda r: table(draw(r, image_name="a/{}.png", mask_name="b/{}.png"), ("x", "y"),
                        *((f"b/{n}.png", f"a/{n}.png") for n in range(COUNT)), name="pairs.csv"), DRAWN
    ),
    "csv of stems": (csv_of(("image", "mask"), ("{}", "m{}")), DRAWN),
    "csv of names": (csv_of(("Image File", "Mask File"), ("{}.png", "m{}.png")), DRAWN),
    "csv of names that images and masks share": (
        lambda r: table(draw(r), ("image", "mask"), *((f"{n}.png",) * 2 for n in range(COUNT)), name="pairs.csv"), DRAWN
    ),
    "csv of another machine": (csv_of(("image", "mask"), ("/mnt/u/photos/{}.png", "/mnt/u/drawn/m{}.png")), DRAWN),
    "csv of another drive": (csv_of(("image", "mask"), ("D:\\u\\photos\\{}.png", "D:\\u\\drawn\\m{}.png")), DRAWN),
    "csv of splits": (csv_of(("image", "mask", "split"), ("photos/{}.png", "drawn/m{}.png", "test")), (0, 0, 6)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_gives_the_same_pairs(name, tmp_path):
    make, expected = LAYOUTS[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    source = load(root, classes=THREE)
    found = source.labelled()
    assert len(found) == COUNT
    assert source.unpaired() == source.unread() == []
    published = [sum(split == name for _, split in found) for name in ("train", "val", "test")]
    assert tuple(published) in (expected, (0, 0, 0) if expected == DRAWN else expected)
    for pair, _ in found:
        number = int("".join(filter(str.isdigit, pair.image.stem.replace("8bit", "").replace("_0000", ""))))
        assert np.array_equal(source.read_ids(pair.mask), ids(number)), pair
    assert str(len(found)) or dict(source.describe())["layout"]
    assert snapshot(root) == before


# ------------------------------------------- folders that are not whole: name -> (draw, words, what is still read)
def top_beside_splits(root):
    return splits(draw(root), "{split}/images/{n}.png", "{split}/masks/{n}.png")


def two_mask_folders(root):
    draw(root)
    return shutil.copytree(root / "masks", root / "labels") and root


def two_csv(root):
    csv_of(("image", "mask"), ("photos/{}.png", "drawn/m{}.png"))(root)
    return table(root, ("image", "mask"), ("photos/0.png", "drawn/m1.png"), name="other.csv")


def cut_animations(root):
    """Two GIFs of two pictures, cut off where Pillow raises an IndexError instead of what it promises."""
    for n in range(2):
        save(root / f"{n}.gif", image(0), save_all=True, append_images=[Image.fromarray(image(1))])
        data = (root / f"{n}.gif").read_bytes()
        (root / f"{n}.gif").write_bytes(data[: len(data) * 11 // 20])
    return root


UNREADABLE = {
    "pairs at the top beside splits": (top_beside_splits, ["2 ways", "6 pairs", "pairs.csv", "set root"]),
    "two folders of masks": (two_mask_folders, ["2 ways", "masks in labels", "masks in masks", "pairs.csv"]),
    "two lists of pairs": (two_csv, ["2 ways", "other.csv", "pairs.csv"]),
    "a csv of which nobody knows what is the mask": (
        lambda r: table(draw(draw(r, image_name="c/{}.png", mask_name="a/{}.png"), mask_name="b/{}.png"), ("x", "y"),
                        *((f"a/{n}.png", f"b/{n}.png") for n in range(COUNT)), name="pairs.csv"),
        ["pairs.csv", "columns x, y", "call the columns image and mask"],
    ),
    "two kinds of ids of Cityscapes": (
        lambda r: [splits(r, "leftImg8bit/{split}/u/{n}_leftImg8bit.png", f"gtFine/{{split}}/u/{{n}}_gtFine_{kind}.png")
                   for kind in ("labelIds", "labelTrainIds")].pop(),
        ["2 ways", "called _gtFine_labelIds", "called _gtFine_labelTrainIds", "pairs.csv"],
    ),
    "two people's masks": (
        lambda r: draw(draw(r, mask_name="labels-ah/{}.ah.png"), mask_name="labels-vk/{}.vk.png"),
        ["2 ways", "masks in labels-ah", "masks in labels-vk"],
    ),
    "volumes alone": (
        lambda r: [r.mkdir(), *((r / f"{n}.nii.gz").write_bytes(b"") for n in range(3))] and r,
        ["no picture at all", "3 files end in .nii.gz", "unpack"],
    ),
    "stacks of pages": (
        lambda r: [save(r / f"{n}.tif", image(0), save_all=True, append_images=[Image.fromarray(image(1))] * 2)
                   for n in ("train-volume", "train-labels")] and r,
        ["no pairs", "train-labels.tif holds 3 pictures (pages)", "save each page"],
    ),
    "animations that were cut off": (cut_animations, ["no pairs", "2 pictures in it (such as 0.gif)", "images/"]),
    "a csv of splits with a name that no image has": (
        lambda r: table(draw(r), ("image", "split"), *((f"{'x' * (n == 3)}{n}.png", "train") for n in range(COUNT)),
                        name="pairs.csv"),
        ["pairs.csv", "'x3.png'", "1 of 6 rows", "correct"],
    ),
    "an empty folder": (lambda r: r.mkdir() or r, ["no pairs", "no picture at all", "images/", "masks/"]),
    "no name in common": (
        named("images/a{}.png", "masks/b{}.png"),
        ["no pairs", "6 images in images, 6 masks in masks, no name in common: `a0.png` and `b0.png`", "pairs.csv"],
    ),
    "images alone": (named("images/{}.png", "images/second{}.png"), ["no pairs", "12 pictures in images"]),
    "polygons beside the images": (
        lambda r: (draw(r, image_name="train/{}.png", mask_name="train/other{}.png"),
                   (r / "train/_annotations.coco.json").write_text("{}"), r)[-1],
        ["no pairs", "train/_annotations.coco.json", "outlines"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_folder_that_can_be_read_in_no_way_or_in_several_says_so(name, tmp_path):
    make, words = UNREADABLE[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    with pytest.raises(CourseError) as error:
        load(root)
    assert_sentence(str(error.value), root, *words)
    assert snapshot(root) == before


def test_pictures_in_no_pair_are_counted_and_named(tmp_path):
    root = draw(tmp_path / "data")
    others = ["overview.png", "previews/a.png", "test/images/7.png"]
    for name in others:
        save(root / name, image(0))
    source = load(root)
    assert [source.relative(path) for path in source.unread()] == others
    report = check_dataset(source)
    assert report.notes["picture in no pair"] == others
    words = "in no pair, 3 in all: overview.png, previews/a.png, test/images/7.png (3: no partner of their names)"
    assert words in dict(source.describe())["not read"]
    assert report.ok


def test_tables_and_lists_that_are_not_read_are_named(tmp_path):
    root = table(draw(tmp_path / "data"), ("id", "name"), *enumerate(THREE))
    for name in ("folds.csv", "notes/annotations.json", ".hidden/list.txt", "README.md"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("patient,fold\n1,2\n")
    assert dict(load(root).describe())["passed over"].endswith("2 in all: folds.csv, notes/annotations.json")
    for split in ("train", "val"):
        (root / f"{split}.txt").write_text("0\n1\n" if split == "train" else "2\n3\n")
    assert "train.txt" not in dict(load(root).describe())["passed over"]
    table(root, ("image", "split"), *((f"{n}.png", "train") for n in range(COUNT)), name="split.csv")
    for split in ("train", "val"):
        (root / f"{split}.txt").unlink()
    assert "split.csv" not in dict(load(root).describe())["passed over"]
    (root / "it.csv").write_text("a,b\n1,2\n")  # its name is part of that of split.csv
    (root / "notes" / "split.csv").write_text("a,b\n1,2\n")
    assert "4 in all: folds.csv, it.csv, notes/annotations.json ..." in dict(load(root).describe())["passed over"]


def test_files_of_other_endings_are_counted_and_named(tmp_path):
    root = draw(tmp_path / "data")
    for name in ("images/7.npy", "masks/7.npy", "images/8", "more.zip", ".hidden.npy"):
        (root / name).write_bytes(b"?")
    words = "4 in all: images/7.npy, masks/7.npy (2: .npy); images/8 (1: without an ending); more.zip (1: .zip)"
    assert words in dict(load(root).describe())["not opened"]


def test_masks_full_of_single_pixels_are_named(tmp_path):
    root = draw(tmp_path / "data", lambda mask, number: once_jpeg(mask * 5) if number in (0, 3) else mask * 5)
    named = dict(load(root, classes=tuple("abcdefghijklmn")).describe())
    assert "2 in all: masks/0.png, masks/3.png" in named["noise"]
    assert "noise" not in dict(load(draw(tmp_path / "other")).describe())


def test_pairs_that_a_list_leaves_out_are_counted_and_named(tmp_path):
    rows = [(f"images/{n}.png", f"masks/{n}.png") for n in range(4)]
    source = load(table(draw(tmp_path / "data"), ("image", "mask"), *rows, name="pairs.csv"))
    assert len(source.labelled()) == 4
    unread = {source.relative(path) for path in source.unread()}
    assert unread == {f"{folder}/{n}.png" for folder in ("images", "masks") for n in (4, 5)}
    assert "(4: not named in pairs.csv)" in dict(source.describe())["not read"]


def test_a_csv_of_words_names_no_pairs(tmp_path):
    rows = [(f"{n}.png", "cat") for n in range(COUNT)]
    root = table(draw(tmp_path / "data"), ("image", "label"), *rows, name="labels.csv")
    assert len(load(root).labelled()) == COUNT


def test_grey_images_and_their_masks_are_not_swapped_by_a_csv(tmp_path):
    rows = [(f"masks/{n}.png", f"images/{n}.png") for n in range(COUNT)]
    root = table(draw(tmp_path / "data"), ("mask_file", "image_file"), *rows, name="train.csv")
    for number in range(COUNT):
        save(root / f"images/{number}.png", image(number)[..., 0])
    assert all(pair.mask.parent.name == "masks" for pair, _ in load(root).labelled())


def test_a_file_that_a_csv_names_and_is_missing_is_not_taken_from_elsewhere(tmp_path):
    folder = "/mnt/u/{}/images/{}.png", "/mnt/u/{}/masks/{}.png"
    root = draw(tmp_path / "data", image_name="train/images/{}.png", mask_name="train/masks/{}.png")
    save(root / "val/images/3.png", image(3))
    (root / "train/images/3.png").unlink()
    rows = [[name.format("train", n) for name in folder] for n in range(COUNT)]
    report = check_dataset(load(table(root, ("image", "mask"), *rows, name="pairs.csv")))
    assert "/mnt/u/train/images/3.png" in str(report.errors["missing file"])


def test_a_csv_of_copies_names_no_pairs(tmp_path):
    rows = [(f"images/{n}.png", "images/0.png") for n in range(COUNT)]
    source = load(table(draw(tmp_path / "data"), ("file", "copy of"), *rows, name="copies.csv"))
    assert len(source.labelled()) == COUNT
    assert "copies.csv" in dict(source.describe())["passed over"]


def test_a_row_that_is_there_twice_counts_once(tmp_path):
    rows = [(f"images/{n % 6}.png", f"masks/{n % 6}.png") for n in range(12)]
    assert len(load(table(draw(tmp_path / "data"), ("image", "mask"), *rows, name="pairs.csv")).labelled()) == COUNT


def test_pairs_of_many_folders_are_said_to_be_drawn_one_by_one(tmp_path):
    root = draw(tmp_path / "data", image_name="p{}/a.png", mask_name="p{}/a_mask.png")
    assert "splits" not in dict(load(root).describe())  # one pair in each folder
    for number in range(COUNT):
        for file in ("a.png", "a_mask.png"):
            shutil.copy(root / f"p{number}" / file, root / f"p{number}" / file.replace("a", "b", 1))
    assert "6 folders" in dict(load(root).describe())["splits"]


def test_a_list_means_the_images_that_its_paths_end_with(tmp_path):
    root = splits(tmp_path / "data", "images/town{n}/{split}.0.png", "masks/town{n}/{split}.0.png", ("000", "000.1"))
    (root / "splits").mkdir()
    for name, numbers in (("training", (0, 1, 2)), ("valid", (3, 4)), ("test", (5,))):
        lines = [f"town{n}/{'000.1' if n % 2 else '000'}.0" + ".png" * (n > 2) for n in numbers]
        (root / "splits" / f"{name}.txt").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    found = {pair.image.parent.name: split for pair, split in load(root).labelled()}
    assert found == {f"town{n}": split for n, split in enumerate(["train"] * 3 + ["val"] * 2 + ["test"])}
    (root / "splits" / "training.txt").write_text("000.0.png\n")
    with pytest.raises(CourseError) as error:
        load(root)
    assert_sentence(str(error.value), "training.txt", "000.0.png", "3 images", "folders")


def test_names_of_a_mac_are_those_of_their_masks(tmp_path):
    composed, parted = "größe{}.png", unicodedata.normalize("NFD", "größe{}.png")
    root = draw(tmp_path / "data", image_name=f"images/{composed}", mask_name=f"masks/{parted}")
    assert len(load(root).labelled()) == COUNT


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    root = draw(tmp_path / "data")
    (root / "images/again").symlink_to(root, target_is_directory=True)
    assert len(load(root).labelled()) == COUNT


def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path, monkeypatch):
    root = draw(tmp_path / "data")
    (root / "secret").mkdir()
    scan = os.scandir

    def scandir(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(CourseError) as error:
        load(root)
    assert_sentence(str(error.value), root / "secret", "permission", "change")


def test_splits_without_validation_take_a_tenth_of_training(tmp_path):
    source = load(splits(tmp_path / "data", "{split}/images/{n}.png", "{split}/masks/{n}.png", ("train", "test")))
    assert {split: len(pairs) for split, pairs in source.assigned().items()} == {"train": 2, "val": 1, "test": 3}
    assert "3 test, 3 train (of train, validation takes 1, drawn at random)" in dict(source.describe())["layout"]
    (tmp_path / "lists").mkdir()
    (draw(tmp_path / "lists") / "train_id.txt").write_text("0\n1\n2\n3\n4\n5\n")
    words = "6 train (of train, validation takes 1, drawn at random)"
    assert words in dict(load(tmp_path / "lists").describe())["layout"]
    source.splits = "random"
    assert "drawn" not in dict(source.describe())["layout"]


# ---------------------------------------------------------------------------------- images of many kinds
TOP = np.arange(48)[:, None, None] < 5  # rows without data


def raster(path, values, **profile):
    """Write (48, 64, bands) through rasterio."""
    rasterio = pytest.importorskip("rasterio")
    profile = {"driver": "GTiff", "width": 64, "height": 48, "count": values.shape[2], "dtype": values.dtype} | profile
    with warnings.catch_warnings(action="ignore"), rasterio.open(path, "w", **profile) as file:
        file.write(values.transpose(2, 0, 1))


def tiff(path, values, nodata=None):
    """Write a GeoTIFF; numbers that are no floats have 16 bits."""
    kind = values.dtype if values.dtype == np.float32 else np.uint16
    raster(path.with_suffix(".tif"), values.astype(kind), nodata=nodata)


def four_bands(dtype, path, interleave="pixel"):
    values = image(int(path.stem))[..., [0, 1, 2, 0]] * (40 if dtype == "uint16" else 0.001)
    raster(path, values.astype(dtype), interleave=interleave)


IMAGES = {
    "GIF": lambda path: save(path.with_suffix(".gif"), image(int(path.stem))),
    "JFIF": lambda path: save(path.with_suffix(".jfif"), image(int(path.stem)), format="JPEG"),
    "PPM": lambda path: save(path.with_suffix(".ppm"), image(int(path.stem))),
    "WebP": lambda path: save(path.with_suffix(".webp"), image(int(path.stem))),
    "16 bits": lambda path: save(path.with_suffix(".png"), image(int(path.stem))[..., 0].astype(np.uint16) * 200),
    "floats": lambda path: save(path.with_suffix(".tif"), image(int(path.stem))[..., 0].astype(np.float32) / 800),
    "no data that is tagged, 16 bits": lambda path: tiff(
        path, np.where(TOP, 65535, image(int(path.stem)) * 10.0), 65535
    ),
    "no data that is tagged, floats": lambda path: tiff(
        path, np.where(TOP, -9999, image(int(path.stem)) / 850).astype(np.float32), -9999
    ),
    "no data without a tag": lambda path: tiff(
        path, np.where(TOP, -9999, image(int(path.stem)) / 850).astype(np.float32)
    ),
    "noise around 0": lambda path: tiff(path, (image(int(path.stem)) / 850 - 0.001).clip(-0.001).astype(np.float32)),
    "JPEG 2000": lambda path: raster(path.with_suffix(".jp2"), image(int(path.stem)), driver="JP2OpenJPEG"),
    "four bands of 16 bits": lambda path: four_bands("uint16", path.with_suffix(".tif")),
    "four bands of floats": lambda path: four_bands("float32", path.with_suffix(".tif")),
    "four bands, band by band": lambda path: four_bands("uint16", path.with_suffix(".tif"), "band"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_every_kind_of_image_is_read(name, tmp_path):
    root = draw(tmp_path / "data")
    for path in (root / "images").iterdir():
        path.unlink()
        IMAGES[name](path)
    source = load(root, classes=THREE)
    report = check_dataset(source)
    assert report.ok, str(report)
    assert len(source.labelled()) == COUNT
    images = [source.read_image(pair.image) for pair, _ in source.labelled()]
    assert all(one.shape == (48, 64, 3) for one in images)
    assert all(one.dtype == np.uint8 for one in images)
    assert all(np.percentile(one, 99) > 60 for one in images)


def test_one_hot_pixel_does_not_make_an_image_dark(tmp_path):
    root = draw(tmp_path / "data")
    for number in range(COUNT):
        values = image(number)[..., 0].astype(np.uint16) * 3
        values[0, 0] = 65535 if number == 2 else values[0, 0]
        save(root / f"images/{number}.png", values)
    source = load(root)
    means = [source.read_image(pair.image).mean() for pair, _ in source.labelled()]
    assert max(means) - min(means) < 12
    assert min(means) > 60
    assert load(root, white=source.white).white == source.white


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (lambda values: values / 10 - 30, ["-2", "to -", "add one number"]),
        (lambda values: values * 10 - 1000, ["below 0"]),
    ],
    ids=["decibels", "Hounsfield units"],
)
def test_images_of_negative_numbers_are_refused_and_not_black(values, words, tmp_path):
    root = draw(tmp_path / "data")
    for number in range(COUNT):
        grey = values(image(number)[..., 0].astype(np.float32))
        save(root / f"images/{number}.tif", grey)
        (root / f"images/{number}.png").unlink()
    source = load(root)
    assert source.white is None
    sentences = check_dataset(source).errors["negative numbers"]
    assert len(sentences) == COUNT
    with pytest.raises(CourseError) as error:
        source.read_image(root / "images/0.tif")
    assert_sentence(str(error.value), "images/0.tif", *words)


def test_floats_beside_whole_numbers_are_refused_where_one_white_would_make_them_black(tmp_path):
    root = draw(tmp_path / "data")
    for number in range(COUNT):
        grey = image(number)[..., 0]
        save(root / f"images/{number}.tif", grey / np.float32(255) if number < 3 else grey.astype(np.uint16) * 15)
        (root / f"images/{number}.png").unlink()
    with pytest.raises(CourseError) as error:
        load(root)
    assert_sentence(
        str(error.value), "3 hold floats", "images/0.tif", "3 hold whole numbers", "images/3.tif", "save all"
    )


def test_an_eps_is_not_opened_whatever_its_name_is(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was started"))
    root = draw(tmp_path / "data")
    save(tmp_path / "a.eps", image(0))
    (root / "images/3.png").write_bytes((tmp_path / "a.eps").read_bytes())
    report = check_dataset(load(root))
    (sentence,) = report.errors["unreadable file"]
    assert_sentence(sentence, "images/3.png", "cannot be read", "replace it")


def test_a_picture_that_memory_does_not_hold_is_one_fault_of_many(tmp_path, monkeypatch):
    root = draw(tmp_path / "data")
    source = load(root)
    read = Path.read_bytes

    def full(path):
        if path.name == "3.png" and path.parent.name == "images":
            raise MemoryError
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", full)
    report = check_dataset(source)
    (sentence,) = report.errors["too large for memory"]
    assert_sentence(sentence, "images/3.png", "memory", "smaller")


def test_names_that_are_not_utf8_are_read_and_printed(tmp_path):
    root = draw(tmp_path / "data")
    for folder in ("images", "masks"):
        (root / folder / "3.png").rename(root / folder / "b\udce4r.png")
    source = load(root)
    assert len(source.labelled()) == COUNT
    (root / "images/b\udce4r.png").write_bytes(b"")
    str(check_dataset(source)).encode("utf-8")


def test_a_picture_of_many_columns_is_read(tmp_path):
    root = draw(tmp_path / "data")
    save(root / "images/3.png", np.zeros((2, 66_000, 3), np.uint8))
    save(root / "masks/3.png", np.zeros((2, 66_000), np.uint8))
    assert check_dataset(load(root, classes=THREE)).ok


# ------------------------------------------------------------------------------------------- folders that were seen
CASES = {
    "label_suffix": (6, 3), "upper_lower_prefix": (6, 3), "valid_folder": (9, 3), "some_in_subfolders": (12, 3),
    "palette_against_table": (6, 2), "mixed_coding": (6, 2), "ids_one_to_three": (6, 3), "grey_as_rgb": (6, 2),
    "jpeg_of_two_values": (6, 2), "four_bands_16_bit": (6, 3), "one_hot_pixel": (6, 3), "windows_csv": (6, 3),
    "dark_frame_bright_disc": (6, 2), "roboflow_masks": (9, 3), "mask_in_alpha": (6, 2), "almost_all_ignored": (6, 2),
}  # fmt: skip
cases = pytest.mark.skipif(not (SHARED.parent / "cases").is_dir(), reason="the folders lie beside the project")


def case(name):
    return SHARED.parent / "cases" / name


@cases
@pytest.mark.parametrize("name", CASES)
def test_a_case_is_read(name):
    pairs, classes = CASES[name]
    source = load(case(name))
    report = check_dataset(source)
    assert report.ok, str(report)
    assert (len(source.labelled()), len(source.classes)) == (pairs, classes)
    assert "near duplicates in several splits" not in report.warnings
    foreground = {name for name in source.classes[1:]}
    assert foreground <= {source.classes[i] for i in np.flatnonzero(report.pixels)}
    if classes == 2 and name not in ("dark_frame_bright_disc", "almost_all_ignored"):
        assert report.pixels[1] / report.pixels.sum() == pytest.approx(0.174, abs=0.005)
    if name in ("valid_folder", "roboflow_masks"):
        assert report.splits == {"train": 3, "val": 3, "test": 3}
    if name == "roboflow_masks":
        assert source.classes == ("background", "disc", "box")
    if name == "almost_all_ignored":
        assert report.warnings["most pixels ignored"] == ["99.9%"]
    if name == "one_hot_pixel":
        means = [source.read_image(pair.image).mean() for pair, _ in source.labelled()]
        assert max(means) - min(means) < 10


@cases
def test_the_case_of_three_greys_is_three_classes_once_they_are_named():
    with pytest.raises(CourseError) as error:
        load(case("three_greys"))
    assert_sentence(str(error.value), "0, 128, 255", "--classes", "classes.csv")
    report = check_dataset(load(case("three_greys"), classes=THREE))
    assert report.ok
    assert (report.pixels > 0).all()
    assert report.ignored == 0


@cases
def test_the_case_of_two_readings_lists_both():
    with pytest.raises(CourseError) as error:
        load(case("top_beside_splits"))
    assert_sentence(str(error.value), "2 ways", "images in images", "train/images", "pairs.csv")


@cases
def test_the_case_of_zero_and_two_is_copied_as_it_is_recorded(tmp_path):
    source = load(case("zero_and_two"), classes=TWO)
    done = repair(check_dataset(source), tmp_path / "copy")
    copy = load(tmp_path / "copy")
    shown = [source.read_mendable(pair.mask) for pair, _ in source.labelled()]
    copied = [copy.read_ids(pair.mask) for pair, _ in copy.labelled()]
    assert all((np.where(a < 0, 255, a) == b).all() for a, b in zip(shown, copied, strict=True))
    assert any("ignored" in change.words for change in done.changes) == any((one == 255).any() for one in copied)

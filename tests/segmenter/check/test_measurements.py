"""segmenter/check/measurements.py: what one pass over a pair finds, and that its faults are sorted by value."""

from pathlib import Path

import numpy as np
import pytest
from helpers import FAULTS, assert_sentence, draw_pair, three_class_folder, write_pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segmenter.check import measurements
from segmenter.check.measurements import find_smoothing, measure_pair
from segmenter.check.near_copies import shrink_to_grey
from utils.errors import DataError


def resave(path, change, **options):
    with Image.open(path) as picture:
        picture.load()
    change(picture).save(path, **options)


def turned(root):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = root / "images" / "00.png"
    resave(path, lambda i: i.transpose(Image.Transpose.ROTATE_90), exif=exif)


def deep(root):
    Image.fromarray(np.linspace(0, 60000, 40 * 48).reshape(40, 48).astype(np.uint16)).save(root / "images" / "00.png")


def tiny_pair(root, height, width):
    image, mask = draw_pair(0, (height, width))
    Image.fromarray(image).save(root / "images" / "00.png")
    Image.fromarray(mask).save(root / "masks" / "00.png")


def cmyk(root):
    with Image.open(root / "images" / "00.png") as picture:
        picture.convert("CMYK").save(root / "images" / "00.jpg", quality=95)
    (root / "images" / "00.png").unlink()
    table = root / "pairs.csv"
    table.write_text(table.read_text().replace("images/00.png", "images/00.jpg"))


ODDITIES = {
    "EXIF-turned image (turned upright)": turned,
    "image of more than 8 bits (scaled)": deep,
    "fourth channel (dropped)": lambda r: resave(r / "images" / "00.png", lambda i: i.convert("RGBA")),
    "CMYK image (converted)": cmyk,
    "image longer than 4:1": lambda r: tiny_pair(r, 32, 144),
    "image smaller than 32 pixels": lambda r: tiny_pair(r, 31, 48),
    "only one class in the mask": lambda r: Image.new("L", (48, 40), 1).save(r / "masks" / "00.png"),
    "grey image": lambda r: resave(r / "images" / "00.png", lambda i: i.convert("L")),
}


@pytest.mark.parametrize("kind", ODDITIES)
def test_every_oddity_is_found_with_its_file_and_is_no_error(kind, pairs, check_folder):
    ODDITIES[kind](pairs)
    found = check_folder(pairs)
    assert found.ok
    named = found.notes | found.warnings
    assert [Path(item).stem for item in named[kind]] == ["00"]
    assert set(named) <= {kind, "grey image"}  # 16 bits are tested on a grey image


@pytest.mark.parametrize("make", [turned, deep, cmyk, ODDITIES["grey image"], ODDITIES["fourth channel (dropped)"]])
def test_the_image_that_is_measured_is_the_one_that_is_trained_on(make, pairs):
    make(pairs)
    source = three_class_folder(pairs)
    pair = source.pairs("train")[0]
    measured, image = measure_pair(pair, source), source.read_image(pair.image)
    assert measured.size == image.shape[:2] == (40, 48)
    assert (measured.thumbnail == shrink_to_grey(image)).all()


def test_an_image_that_cannot_become_rgb_is_a_fault_and_not_a_crash(pairs, monkeypatch, check_folder):
    monkeypatch.setattr(
        Image.Image, "convert", lambda *_: (_ for _ in ()).throw(ValueError("conversion not supported"))
    )
    found = check_folder(pairs)
    assert len(found.errors["unreadable file"]) == 12
    assert_sentence(found.errors["unreadable file"][0], "images/00.png", "conversion not supported")


# Folders whose names once decided how a fault was sorted, or would break a format.
PLACES = ["JPEGImages", "outside the city", "not one picture. no file of 1 channel", "{path} {0} {"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_kind_of_a_fault_does_not_depend_on_the_name_of_the_folder(fault, place, tmp_path, check_folder):
    damage, _, kind = FAULTS[fault]
    root = write_pairs(tmp_path / place)
    damage(root)
    found = check_folder(root)
    assert list(found.errors) == [kind]
    assert place not in found.text(every_name=True)  # files are named as seen from the folder


@pytest.mark.parametrize("role", ["image", "mask"])
def test_a_cut_off_file_beside_photographs_in_a_folder_of_jpegs_is_unreadable(role, tmp_path, check_folder):
    root = write_pairs(tmp_path / "data")
    (root / "images").rename(root / "JPEGImages")
    table = root / "pairs.csv"
    table.write_text(table.read_text().replace("images/", "JPEGImages/"))
    path = root / ("JPEGImages" if role == "image" else "masks") / "00.png"
    path.write_bytes(path.read_bytes()[:100])
    assert list(check_folder(root).errors) == ["unreadable file"]


@pytest.mark.parametrize("role", ["image", "mask"])
def test_several_images_in_one_file_are_a_fault_of_their_own(role, pairs, check_folder):
    path = pairs / f"{role}s" / "00.png"
    first, second = (Image.new("L", (48, 40), value) for value in (0, 1))
    first.save(path.with_suffix(".tif"), save_all=True, append_images=[second])
    path.unlink()
    table = pairs / "pairs.csv"
    table.write_text(table.read_text().replace(f"{role}s/00.png", f"{role}s/00.tif"))
    found = check_folder(pairs)
    assert list(found.errors) == ["several images in one file"]
    (sentence,) = found.errors["several images in one file"]
    assert_sentence(sentence, f"{role}s/00.tif", "holds 2", "as its own file")


@pytest.mark.parametrize("reader", ["read_image", "read_ids", "refuse_faults"])
def test_an_error_with_words_only_is_an_unreadable_file_in_these_words(reader, pairs, monkeypatch):
    """A learner's own function may raise one, about whatever it likes."""
    words = "This JPEG has {colours} outside the grey values between 0 and 255: not one picture."

    def refuse(*_):
        raise DataError(words)

    source = three_class_folder(pairs)
    if reader == "read_image":
        deep(pairs)  # other images are read without it
    monkeypatch.setattr(measurements if reader == "refuse_faults" else source, reader, refuse)
    (fault,) = measure_pair(source.pairs("train")[0], source).faults
    assert fault.kind == "unreadable file"
    assert str(fault) == fault.description == words
    assert fault.path.parent.name == ("images" if reader == "read_image" else "masks")


def soften(root, names):
    """Draw discs as 0/255 masks; those of `names` with soft edges."""
    for path in sorted((root / "masks").glob("*.png")):
        y, x = np.mgrid[:40, :48]
        distance = 12 - np.hypot(y - 20, x - 20 - int(path.stem) / 3)
        edge = distance * 100 + 128 if path.stem in names else np.where(distance > 0, 255, 0)
        Image.fromarray(edge.clip(0, 255).astype(np.uint8)).save(path)


@pytest.mark.parametrize(
    ("names", "classes"),
    [(["03"], None), (["03", "04", "09"], ("rest", "disc")), ([f"{i:02d}" for i in range(12)], ("rest", "disc"))],
)
def test_soft_edges_of_masks_are_named_for_what_they_are(names, classes, pairs, check_folder):
    soften(pairs, names)
    found = check_folder(pairs, classes=classes)
    assert list(found.errors) == ["anti-aliased mask"]
    assert len(found.errors["anti-aliased mask"]) == len(names)
    assert_sentence(found.errors["anti-aliased mask"][0], f"masks/{names[0]}.png", "grey values between", "smoothing")


@settings(max_examples=60)
@given(ids=st.lists(st.integers(0, 40), min_size=1, max_size=24, unique=True), seed=st.integers(0, 99))
def test_masks_of_ids_are_never_taken_for_soft_ones(ids, seed):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(len(ids) + 2))
    mask = rng.choice([0, 255, *ids], (30, 40), p=weights).astype(np.uint8)
    assert find_smoothing(mask, Path("mask.png")) is None

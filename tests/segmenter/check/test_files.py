"""segmenter/check/files.py: files without partner, and files of one name."""

import re

from helpers import drop_splits
from PIL import Image


def test_pairs_without_partner_are_all_listed(pairs, check_folder):
    drop_splits(pairs)
    (pairs / "masks" / "00.png").unlink()
    (pairs / "images" / "01.png").unlink()
    assert check_folder(pairs).errors == {"without partner": ["images/00.png", "masks/01.png"]}


def test_one_name_twice_leaves_it_open_which_file_is_meant(pairs, check_folder):
    drop_splits(pairs)
    with Image.open(pairs / "images" / "00.png") as picture:
        picture.save(pairs / "images" / "00.jpg")
    assert check_folder(pairs).errors == {"same name twice": ["images/00.jpg and images/00.png"]}


def test_masks_beside_their_images_with_other_endings_are_no_doubles(pairs, check_folder):
    for path in sorted((pairs / "images").glob("*.png")):
        with Image.open(path) as picture:
            picture.save(pairs / f"{path.stem}.tif")
        path.unlink()
        (pairs / "masks" / path.name).rename(pairs / path.name)
    table = pairs / "pairs.csv"
    table.write_text(re.sub(r"images/(\d+).png,masks/", r"\1.tif,", table.read_text()))
    assert check_folder(pairs).errors == {}

"""segmenter/check/copies.py: images that a data set holds more than once."""

import shutil

from PIL import Image

DIFFERENT = "identical images with different masks"


def test_copies_that_a_list_puts_into_two_splits_are_an_error(pairs, check_folder):
    shutil.copy(pairs / "images" / "03.png", pairs / "images" / "09.png")
    found = check_folder(pairs)
    assert found.errors == {"identical images in several splits": ["03.png (train) = 09.png (val)"]}
    assert found.warnings == {"identical images with different masks": [found.warnings[DIFFERENT][0]]}
    assert "03.png = 09.png" in found.warnings[DIFFERENT][0]


def test_equal_pixels_in_other_files_are_found_too(pairs, check_folder):
    with Image.open(pairs / "images" / "03.png") as picture:
        picture.save(pairs / "images" / "10.png", compress_level=1)
    assert (pairs / "images" / "03.png").read_bytes() != (pairs / "images" / "10.png").read_bytes()
    assert check_folder(pairs).errors == {"identical images in several splits": ["03.png (train) = 10.png (test)"]}


def test_a_pair_that_a_list_names_in_two_splits(pairs, check_folder):
    with (pairs / "pairs.csv").open("a") as table:
        table.write("images/00.png,masks/00.png,test\n")
    found = check_folder(pairs)
    assert found.errors == {"pair listed in several splits": ["00.png is listed in train and test"]}

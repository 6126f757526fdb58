"""A table of annotation formats: each ends in the same class ids as the canonical folder of images and masks."""

import cv2
import drawn_annotations as drawn
import numpy as np
import pytest
from drawn_folders import COUNT, ids
from helpers import snapshot

from segmenter import formats
from segmenter.formats.convert import convert
from utils import catalog
from utils.config import Config

THREE = ("background", "disc", "box")
ALPHABETICAL = ("background", "box", "disc")


def matlab(path, values):
    import scipy.io

    scipy.io.savemat(path, {"labels": values, "note": "drawn"})


def matlab_struct(path, values):
    import scipy.io

    scipy.io.savemat(path, {"GTcls": {"Segmentation": values, "CategoriesPresent": np.array([1, 2])}})


# name -> (draw, name of the format, classes, exact to the pixel)
TABLE = {
    "COCO polygons": (drawn.coco, "coco", THREE, False),
    "COCO run lengths": (lambda r: drawn.coco(r, drawn.uncompressed), "coco", THREE, True),
    "COCO packed run lengths": (lambda r: drawn.coco(r, drawn.compressed), "coco", THREE, True),
    "COCO as published, 2017": (drawn.coco_official, "coco", THREE, False),
    "COCO of Roboflow, beside the images of each split": (drawn.roboflow_coco, "coco", THREE, False),
    "labelme polygons": (drawn.labelme, "labelme", ALPHABETICAL, False),
    "labelme in a folder of its own": (lambda r: drawn.labelme(r, "json/{}.json"), "labelme", ALPHABETICAL, False),
    "labelme masks": (lambda r: drawn.labelme(r, shape=drawn.labelme_mask), "labelme", ALPHABETICAL, True),
    "labelme rectangles and circles": (
        lambda r: drawn.labelme(r, shape=drawn.labelme_shapes), "labelme", ALPHABETICAL, False
    ),
    "CVAT polygons": (drawn.cvat, "cvat", THREE, False),
    "CVAT masks": (lambda r: drawn.cvat(r, masks=True), "cvat", THREE, True),
    "CVAT without labels in its head": (lambda r: drawn.cvat(r, labels=False), "cvat", ALPHABETICAL, False),
    "YOLO, images/train": (drawn.yolo, "yolo", THREE, False),
    "YOLO, train/images": (lambda r: drawn.yolo(r, "{split}/{kind}/{number}"), "yolo", THREE, False),
    "YOLO, names by number": (lambda r: drawn.yolo(r, names="dict"), "yolo", THREE, False),
    "YOLO with classes.txt": (lambda r: drawn.yolo(r, "{kind}/{number}", yaml=False), "yolo", THREE, False),
    "YOLO beside the images": (lambda r: drawn.yolo(r, "{split}/{number}"), "yolo", THREE, False),
    "Label Studio polygons": (drawn.label_studio, "label_studio", ALPHABETICAL, False),
    "Label Studio brush": (lambda r: drawn.label_studio(r, strokes=True), "label_studio", ALPHABETICAL, True),
    "Label Studio JSON-MIN": (lambda r: drawn.label_studio(r, short=True), "label_studio", ALPHABETICAL, False),
    "Label Studio, local files": (
        lambda r: drawn.label_studio(r, address="/data/local-files/?d=images/{}.png"), "label_studio", ALPHABETICAL, False
    ),
    "VIA project": (drawn.via, "via", ALPHABETICAL, False),
    "VIA annotations": (lambda r: drawn.via(r, "annotations"), "via", ALPHABETICAL, False),
    "VIA 1": (lambda r: drawn.via(r, "old"), "via", ALPHABETICAL, False),
    "VIA with ticked boxes": (lambda r: drawn.via(r, "ticked"), "via", ALPHABETICAL, False),
    "VIA csv": (lambda r: drawn.via(r, "csv"), "via", ALPHABETICAL, False),
    "Supervisely polygons": (drawn.supervisely, "supervisely", THREE, False),
    "Supervisely bitmaps": (lambda r: drawn.supervisely(r, bitmaps=True), "supervisely", THREE, True),
    "csv of run lengths by columns": (drawn.kaggle, "rle_csv", ("background", "class 1", "class 2"), True),
    "csv of run lengths by rows": (
        lambda r: drawn.kaggle(r, "C", ("id", "annotation", "class")), "rle_csv", ("background", "class 1", "class 2"), True
    ),
    "csv of run lengths, image_class": (
        lambda r: drawn.kaggle(r, columns=("ImageId_ClassId", "EncodedPixels"), joined=True), "rle_csv",
        ("background", "class 1", "class 2"), True,
    ),
    "masks/NAME/CLASS_1.png": (drawn.objects, "objects", ALPHABETICAL, True),
    "ID/images, ID/masks": (
        lambda r: drawn.objects(r, "s{0}/images/s{0}.png", "s{number}/masks/{name}_{place}.png"), "objects",
        ALPHABETICAL, True,
    ),
    "masks/NAME_CLASS_1.png": (
        lambda r: drawn.objects(r, mask_name="masks/{number}_{name}_{place}.png"), "objects", ALPHABETICAL, True
    ),
    "masks/CLASS/NAME.png": (
        lambda r: drawn.objects(r, mask_name="masks/{name}/{number}.png"), "objects", ALPHABETICAL, True
    ),
    "arrays of numpy": (lambda r: drawn.arrays(r, np.save, ".npy"), "arrays", THREE, True),
    "arrays of MATLAB": (lambda r: drawn.arrays(r, matlab, ".mat"), "arrays", THREE, True),
    "structures of MATLAB": (lambda r: drawn.arrays(r, matlab_struct, ".mat", "cls"), "arrays", THREE, True),
    "GeoJSON over each GeoTIFF": (drawn.maps, "geojson", ALPHABETICAL, False),
    "one GeoJSON over all GeoTIFF": (lambda r: drawn.maps(r, each=False), "geojson", ALPHABETICAL, False),
}  # fmt: skip


def border(mask):
    """Pixels that are one or less away from another class."""
    low, high = (change(mask, np.ones((3, 3), np.uint8)) for change in (cv2.erode, cv2.dilate))
    return low != high


def assert_same(source, classes, exact):
    """Assert that the pairs of a folder are the six scenes; borders may be off by a pixel where outlines were drawn."""
    assert source.classes == classes
    pairs = [pair for pair, _ in source.labelled()]
    assert len(pairs) == COUNT
    for pair in pairs:
        wanted = ids(int(pair.image.stem.strip("s")))
        if classes == ALPHABETICAL:
            wanted = np.array([0, 2, 1], np.uint8)[wanted]
        wrong = source.read_ids(pair.mask) != wanted
        assert not (wrong if exact else wrong & ~border(wanted)).any(), pair.image


@pytest.mark.parametrize("name", TABLE)
def test_every_format_gives_the_ids_of_the_canonical_folder(name, tmp_path):
    make, kind, classes, exact = TABLE[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    listing = formats.Listing(root)
    assert list(formats.detect(listing)) == [kind]
    done = convert(formats.read(listing), listing, tmp_path / "out", progress=False)
    assert (done.pairs, done.left_out) == (COUNT, [])
    assert_same(catalog.load(Config(dataset="folder", root=tmp_path / "out")), classes, exact)
    assert snapshot(root) == before

"""A table of annotation formats: each ends in the same class ids as the canonical folder of images and masks."""

import json
import re
import sys
from pathlib import Path

import cv2
import drawn_annotations as drawn
import numpy as np
import pytest
from drawn_folders import COUNT, ids, image, save
from helpers import COURSE, assert_clear, assert_sentence, snapshot, splits_by_name
from PIL import Image

from segmenter import formats
from segmenter.formats.convert import convert
from segmenter.formats.drawing import draw
from utils import catalog
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import CourseError
from utils.images import read_image

THREE = ("background", "disc", "box")
NUMBERED = ("background", "class 1", "class 2")
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
    "COCO panoptic": (drawn.panoptic, "panoptic", THREE, True),
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
        lambda r: drawn.label_studio(r, address="/data/local-files/?d=images/{}.png"), "label_studio", ALPHABETICAL,
        False,
    ),
    "VIA project": (drawn.via, "via", ALPHABETICAL, False),
    "VIA annotations": (lambda r: drawn.via(r, "annotations"), "via", ALPHABETICAL, False),
    "VIA 1": (lambda r: drawn.via(r, "old"), "via", ALPHABETICAL, False),
    "VIA with ticked boxes": (lambda r: drawn.via(r, "ticked"), "via", ALPHABETICAL, False),
    "VIA csv": (lambda r: drawn.via(r, "csv"), "via", ALPHABETICAL, False),
    "Supervisely polygons": (drawn.supervisely, "supervisely", THREE, False),
    "Supervisely bitmaps": (lambda r: drawn.supervisely(r, bitmaps=True), "supervisely", THREE, True),
    "csv of run lengths by columns": (drawn.kaggle, "rle_csv", NUMBERED, True),
    "csv of run lengths by rows": (
        lambda r: drawn.kaggle(r, "C", ("id", "annotation", "class")), "rle_csv", NUMBERED, True
    ),
    "csv of run lengths, image_class": (
        lambda r: drawn.kaggle(r, columns=("ImageId_ClassId", "EncodedPixels"), joined=True), "rle_csv",
        NUMBERED, True,
    ),
    "csv of run lengths, image_label": (
        lambda r: drawn.kaggle(r, columns=("Image_Label", "EncodedPixels"), joined=True), "rle_csv", NUMBERED, True
    ),
    "masks/NAME/CLASS_1.png": (drawn.objects, "objects", ALPHABETICAL, True),
    "ID/images, ID/masks": (
        lambda r: drawn.objects(r, "s{0}/images/s{0}.png", "s{number}/masks/{name}_{place}.png"), "objects",
        ALPHABETICAL, True,
    ),
    "masks/NAME_CLASS_1.png": (
        lambda r: drawn.objects(r, mask_name="masks/{number}_{name}_{place}.png"), "objects", ALPHABETICAL, True
    ),
    "folders of thousands, 00012_CLASS.png is of 12.png (CelebAMask)": (
        lambda r: drawn.objects(r, mask_name="Faces-mask-anno/0/{number:05d}_{name}.png"), "objects", ALPHABETICAL, True
    ),
    "a.png, a_mask.png, a_mask_1.png": (
        lambda r: drawn.objects(r, "all/s{0}.png", "all/s{number}_mask_{place}.png"), "objects",
        ("background", "object"), True,
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
        elif len(classes) == 2:
            wanted = (wanted > 0).astype(np.uint8)
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


# ---------------------------------------------------------------- one property each
def test_more_classes_than_a_byte_holds_are_refused(tmp_path):
    root = drawn.coco(tmp_path / "data")
    path = root / "annotations/instances_default.json"
    document = json.loads(path.read_text())
    document["categories"] += [{"id": 1000 + i, "name": f"n{i}"} for i in range(260)]
    path.write_text(json.dumps(document))
    with pytest.raises(CourseError) as error:
        formats.read(formats.Listing(root))
    assert_clear(error, root, "263 classes", "255")


def test_two_images_of_one_id_are_refused_and_ids_as_text_are_read(tmp_path):
    root = drawn.coco(tmp_path / "data")
    path = root / "annotations/instances_default.json"
    document = json.loads(path.read_text())
    for annotation in document["annotations"]:
        annotation["image_id"] = str(annotation["image_id"])
    path.write_text(json.dumps(document))
    found, _ = read(root)
    assert all(item.is_labelled for item in found.items)
    document["images"][1]["id"] = document["images"][0]["id"]
    path.write_text(json.dumps(document))
    with pytest.raises(CourseError) as error:
        read(root)
    assert_clear(error, path, "id 0", "several images")


def test_a_label_of_yolo_with_a_byte_order_mark_is_read(tmp_path):
    root = drawn.yolo(tmp_path / "data")
    for path in root.rglob("labels/**/*.txt"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found, _ = read(root)
    assert sum(item.is_labelled for item in found.items) == COUNT


def test_run_lengths_of_a_large_image_are_read(tmp_path):
    root = drawn.kaggle(tmp_path / "data")
    table = (root / "train.csv").read_text()
    runs = " ".join(f"{1 + 2 * n} 1" for n in range(20_000)) + "\n"
    (root / "train.csv").write_text(table + f"0.png,{runs.strip()},1\n")
    assert len(runs) > 131_072
    assert list(formats.detect(formats.Listing(root))) == ["rle_csv"]


def test_an_image_of_labelme_without_shapes_stops_nobody(tmp_path):
    root = drawn.labelme(tmp_path / "data")
    path = next(root.rglob("*.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"shapes": None}))
    found, _ = read(root)
    assert sum(item.is_labelled for item in found.items) == COUNT - 1


def test_one_more_mask_of_one_image_belongs_to_that_image(tmp_path):
    """As in BUSI: most scans have one mask, some have a second one, NAME_mask_1.png."""
    root = tmp_path / "data"
    for number in range(COUNT):
        save(root / f"s{number}.png", image(number))
        save(root / f"s{number}_mask.png", (ids(number) > 0).astype(np.uint8) * 255)
    box = (ids(0) == 2).astype(np.uint8) * 255
    save(root / "s0_mask.png", (ids(0) == 1).astype(np.uint8) * 255)
    save(root / "s0_mask_1.png", box)
    done, source = convert_all(root, tmp_path / "out")
    assert (done.pairs, done.left_out) == (COUNT, [])
    assert_same(source, ("background", "object"), exact=True)
    save(root / "s1_mask.png", ids(1))  # of several classes: no objects
    assert list(formats.detect(formats.Listing(root))) == ["pairs"]


def read(root, name=None):
    listing = formats.Listing(root)
    return formats.read(listing, name), listing


def convert_all(root, into, **options):
    found, listing = read(root)
    done = convert(found, listing, into, progress=False, **options)
    return done, catalog.load(Config(dataset="folder", root=into))


def coco_of(root, *annotations, numbers=(0,), **size):
    """A COCO file of one class, with the annotations given."""
    for number in numbers:
        drawn.save(root / "images" / f"{number}.png", image(number))
    document = drawn.coco_document(numbers)
    document["annotations"] = [{"id": i, "image_id": 0, "category_id": 10, **a} for i, a in enumerate(annotations)]
    document["images"][0] |= size
    drawn.write(root / "instances.json", document)
    return root


def square(x, y, side):
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def test_pycocotools_draws_the_same_masks(tmp_path):
    """The oracle, annotation by annotation: with fractions, beyond the border, several parts, crowds."""
    from pycocotools.coco import COCO

    rng = np.random.default_rng(0)
    outlines = [{"segmentation": [(rng.random((7, 2)) * (90, 70) - 12).ravel().tolist() for _ in range(parts)]}
                for parts in (1, 1, 2, 3)]  # fmt: skip
    root = coco_of(tmp_path / "data", *outlines)
    found, _ = read(root)
    published = COCO(root / "instances.json")
    for region, annotation in zip(found.items[0].regions, published.loadAnns(published.getAnnIds()), strict=True):
        item = formats.Item("", None, [region])
        assert np.array_equal(draw(item, found.classes, 48, 64), published.annToMask(annotation))


def test_points_that_are_doubled_change_nothing():
    rng = np.random.default_rng(1)
    for _ in range(300):
        ring = rng.random((6, 2)) * 40 + 4
        masks = [
            draw(formats.Item("", None, [formats.Region("a", (points,))]), ("b", "a"), 48, 48)
            for points in (ring, np.concatenate([ring, ring[:1]]), np.repeat(ring, 2, axis=0))
        ]
        assert np.array_equal(masks[0], masks[1])
        assert np.array_equal(masks[0], masks[2])


def test_later_regions_lie_on_top_and_a_crowd_below_all(tmp_path):
    crowd = np.zeros((48, 64), bool)
    crowd[:, :20] = True
    root = coco_of(
        tmp_path / "data",
        {"segmentation": [square(10, 10, 20)]},
        {"segmentation": [square(20, 20, 20)], "category_id": 20},
        {"segmentation": drawn.uncompressed(crowd), "iscrowd": 1},
    )
    mask = convert_all(root, tmp_path / "out")[1].read_ids(tmp_path / "out/masks/0.png")
    wanted = np.where(crowd, 255, 0)
    wanted[10:30, 10:30] = 1
    wanted[20:40, 20:40] = 2
    assert np.array_equal(mask, wanted)


def test_holes_are_holes(tmp_path):
    root = drawn.supervisely(tmp_path / "data")
    path = root / "ds0/ann/0.png.json"
    document = json.loads(path.read_text())
    outer, inner = (np.reshape(square(*where), (4, 2)).tolist() for where in ((5, 5, 30), (15, 15, 10)))
    document["objects"] = [
        {"classTitle": "disc", "geometryType": "polygon", "points": {"exterior": outer, "interior": [inner]}}
    ]
    drawn.write(path, document)
    mask = convert_all(root, tmp_path / "out")[1].read_ids(tmp_path / "out/masks/0.png")
    wanted = np.zeros((48, 64), int)
    wanted[5:35, 5:35] = 1
    wanted[15:25, 15:25] = 0
    assert np.array_equal(mask, wanted)


def test_a_region_named_ignore_is_not_scored(tmp_path):
    root = drawn.labelme(tmp_path / "data")
    path = root / "0.json"
    path.write_text(path.read_text().replace('"disc"', '"__ignore__"'))
    source = convert_all(root, tmp_path / "out")[1]
    assert source.classes == ALPHABETICAL
    mask = source.read_ids(tmp_path / "out/masks/0.png")
    assert set(np.unique(mask)) == {0, 1, 255}


@pytest.mark.parametrize("unlabelled", ["leave-out", "background"])
def test_images_without_annotations_are_background_only_if_asked(unlabelled, tmp_path):
    root = coco_of(tmp_path / "data", {"segmentation": [square(1, 1, 9)]}, numbers=range(3))
    done, source = convert_all(root, tmp_path / "out", unlabelled=unlabelled)
    if unlabelled == "background":
        assert done.pairs == 3
        assert not source.read_ids(tmp_path / "out/masks/2.png").any()
    else:
        assert done.pairs == 1
        assert "2 image(s) have no annotation" in done.left_out[0]
        assert_sentence(done.left_out[0], "--unlabelled background")


def test_splits_are_kept_and_a_tenth_of_train_becomes_val(tmp_path):
    root = drawn.roboflow_coco(tmp_path / "data")
    for path in (root / "valid").iterdir():
        path.unlink()
    source = convert_all(root, tmp_path / "out")[1]
    assert {split: len(pairs) for split, pairs in source.assigned().items()} == {"train": 2, "val": 1, "test": 1}
    named = drawn.coco_official(tmp_path / "other")
    split_of = splits_by_name(convert_all(named, tmp_path / "out2")[1])
    assert [split_of[f"{number}.png"] for number in range(COUNT)] == ["train"] * 4 + ["val"] * 2


def test_two_images_of_one_name_keep_apart(tmp_path):
    root = tmp_path / "data"
    for place, number in (("a", 0), ("b", 1)):
        drawn.save(root / place / "x.png", image(number))
        height, width = drawn.SIZE
        shape = {"label": "disc", "points": drawn.polygons(number)[0][1].tolist(), "shape_type": "polygon"}
        drawn.write(root / place / "x.json", {"shapes": [shape], "imagePath": "x.png", "imageHeight": height,
                                              "imageWidth": width})  # fmt: skip
    done, source = convert_all(root, tmp_path / "out")
    assert done.pairs == 2
    for pair, _ in source.labelled():
        number = int("b_" in pair.image.name)
        assert np.array_equal(read_image(pair.image), image(number))
        assert not ((source.read_ids(pair.mask) != (ids(number) == 1)) & ~border(ids(number))).any()


def test_an_image_on_its_side_is_annotated_upright(tmp_path):
    root = coco_of(tmp_path / "data", {"segmentation": [square(2, 2, 20)]}, height=64, width=48)
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(image(0)).save(root / "images/0.png", exif=exif)
    done, source = convert_all(root, tmp_path / "out")
    assert done.left_out == []
    ((pair, _),) = source.labelled()
    assert read_pair(pair, source)[1].shape == (64, 48)


def test_annotations_of_a_smaller_copy_of_the_image_fit(tmp_path):
    root = coco_of(tmp_path / "data", {"segmentation": [square(2, 2, 10)]}, height=24, width=32)
    ((pair, _),) = convert_all(root, tmp_path / "out")[1].labelled()
    mask = read_pair(pair, catalog.load(Config(dataset="folder", root=tmp_path / "out")))[1]
    assert mask.shape == (48, 64)
    assert (mask[4:24, 4:24] == 1).all()
    assert mask.sum() == 400


# ---------------------------------------------------------------- what is not clear is asked
def pickled(root):
    drawn.images(root / "images")
    (root / "labels").mkdir()
    for number in range(COUNT):
        np.save(root / "labels" / f"{number}.npy", np.array([{}, number], object), allow_pickle=True)
    return root


def changed(make, name, *swaps):
    """A format with one of its files changed."""

    def build(root):
        path = make(root) / name
        text = path.read_text()
        for old, new in swaps:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        return root

    return build


def yolo_boxes(root):
    drawn.yolo(root)
    for path in (root / "labels").rglob("*.txt"):
        path.write_text("0 0.5 0.5 0.2 0.2\n")
    return root


UNCLEAR = {
    "two formats": (
        lambda r: drawn.yolo(drawn.labelme(r), "{number}"), ["2 ways", "labelme", "YOLO", "--format yolo"]
    ),
    "two files of the same images": (
        lambda r: (drawn.write(drawn.coco(r) / "annotations/other.json", drawn.coco_document()), r)[1],
        ["both describe", "0.png", "give the one"],
    ),
    "nothing": (lambda r: drawn.images(r), ["6 pictures", "no annotations", "COCO", "export"]),
    "a cut JSON": (changed(drawn.coco, "annotations/instances_default.json", ("]}", "]")),
                   ["instances_default.json", "no whole JSON", "export"]),
    "a cut XML": (changed(drawn.cvat, "annotations.xml", ("</annotations>", "")), ["no whole XML", "export"]),
    "boxes of YOLO": (yolo_boxes, ["6 boxes", "no outline", "YOLO segmentation"]),
    "pickles": (pickled, ["0.npy", "cannot be read as numbers", "plain array"]),
    "fractions": (lambda r: drawn.arrays(r, lambda p, v: np.save(p, v / 3), ".npy"), ["fractions", "whole numbers"]),
    "ids that nobody named": (
        lambda r: drawn.arrays(r, lambda p, v: np.save(p, v + 7), ".npy"), ["hold 7", "classes.csv", "add it"]
    ),
    "ids of 16 bits": (
        lambda r: drawn.arrays(r, lambda p, v: np.save(p, v.astype(int) * 999), ".npy"), ["hold 1998", "0-254"]
    ),
    "all images missing": (
        lambda r: (drawn.coco(r), [p.unlink() for p in (r / "images").iterdir()], r)[2],
        ["6 annotated image(s) were not found", "--images"],
    ),
    "run lengths of a larger image": (
        lambda r: (drawn.kaggle(r, one_class=True), drawn.images(r / "train_images"),
                   [drawn.save(r / f"train_images/{n}.png", image(n)[:20, :20]) for n in range(COUNT)], r)[3],
        ["No image", "run lengths", "right image"],
    ),
    "another picture": (
        lambda r: coco_of(r, {"segmentation": [square(1, 1, 5)]}, height=64, width=48), ["64x48", "48x64", "annotate"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCLEAR)
def test_what_is_not_clear_is_one_sentence(name, tmp_path):
    make, words = UNCLEAR[name]
    root = make(tmp_path / "data")
    before = snapshot(root)
    with pytest.raises(CourseError) as error:
        convert_all(root, tmp_path / "out")
    assert_clear(error, *words)
    assert snapshot(root) == before
    assert not (tmp_path / "out/splits.csv").exists()


BROKEN = {
    "COCO without ids": (drawn.coco, "annotations/instances_default.json", '"id": 10', '"ix": 10'),
    "COCO run lengths": (lambda r: drawn.coco(r, drawn.uncompressed), "annotations/instances_default.json",
                         '"size": [48, 64]', '"size": [48]'),
    "labelme without points": (drawn.labelme, "0.json", '"shapes": [{', '"shapes": [7, {'),
    "CVAT": (drawn.cvat, "annotations.xml", 'z_order="0"', 'z_order="up"'),
    "CVAT masks": (lambda r: drawn.cvat(r, masks=True), "annotations.xml", 'rle="', 'rle="x, '),
    "Label Studio": (drawn.label_studio, "project-1.json", '"original_width": 64', '"original_width": "wide"'),
    "VIA": (drawn.via, "via.json", '"all_points_y"', '"all_points_z"'),
    "Supervisely": (drawn.supervisely, "ds0/ann/0.png.json", '"height"', '"hight"'),
    "Supervisely bitmaps": (lambda r: drawn.supervisely(r, True), "ds0/ann/0.png.json", '"data": "', '"data": "AAAA'),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_sentence_and_spoils_no_other(name, tmp_path):
    make, file, old, new = BROKEN[name]
    root = make(tmp_path / "data")
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))
    try:
        done, _ = convert_all(root, tmp_path / "out")
    except CourseError as error:
        drawn_on = "What was drawn on"  # an image, whose name then stands there
        assert_clear(error, drawn_on if drawn_on in str(error) else Path(file).name, "again")
    else:
        assert done.pairs < COUNT
        for sentence in done.left_out:
            assert_sentence(sentence, "again")


def test_the_examples_of_the_readme_are_read(tmp_path):
    text = (COURSE / "data" / "README.md").read_text("utf-8")
    block = text[text.index("coco.json  ") :].partition("```")[0]
    files: dict[str, list[str]] = {}
    name = "none"
    for line in block.splitlines():
        found = re.match(r"(\S+\.(?:json|xml|txt|csv)) +(.*)", line)
        name = found[1] if found else name if line.startswith(" ") else "none"
        files.setdefault(name, []).append(re.sub(r"\s{3,}\([^)]*\)$", "", found[2] if found else line.strip()))
    del files["none"]
    assert len(files) == 10
    roof = np.full((48, 64, 3), (9, 0, 0), np.uint8)
    roof[10:20, 10:40, 0] = 7
    for number, (name, lines) in enumerate(files.items()):
        root = tmp_path / str(number) / "data"
        drawn.write(root / name, "\n".join(lines))
        folder = {"labels": "images", "ann": "img"}.get(Path(name).parent.name, "")
        drawn.save(root / folder / "a.jpg", image(0))
        if name == "panoptic.json":
            drawn.save(root / "panoptic/a.png", roof)
        drawn.write(root / "data.yaml", "names: [roof]")
        mask = convert_all(root, tmp_path / str(number) / "out")[1].read_ids(tmp_path / f"{number}/out/masks/a.png")
        assert mask.sum() == 20 if name == "train.csv" else abs(mask.sum() - 300) < 3


def test_the_format_can_be_named(tmp_path):
    root = drawn.yolo(drawn.labelme(tmp_path / "data"), "{number}")
    assert read(root, "labelme")[0].format == "labelme"
    assert read(root, "yolo")[0].format == "YOLO segmentation"
    with pytest.raises(CourseError) as error:
        read(root, "cocoo")
    assert_clear(error, "no format 'cocoo'", "coco")


def test_a_file_can_be_the_source_and_the_images_elsewhere(tmp_path):
    root = drawn.coco(tmp_path / "data")
    (root / "images").rename(tmp_path / "pictures")
    listing = formats.Listing(root / "annotations/instances_default.json", tmp_path / "pictures")
    done = convert(formats.read(listing), listing, tmp_path / "out", progress=False)
    assert done.pairs == COUNT


def test_a_folder_of_pairs_is_copied_with_its_classes(tmp_path):
    root = tmp_path / "data"
    for number in range(COUNT):
        drawn.save(root / f"JPEGImages/{number}.png", image(number))
        drawn.save(root / f"SegmentationClass/{number}.png", ids(number))
    drawn.write(root / "classes.csv", "id,name\n0,background\n1,disc\n2,box\n")
    done, source = convert_all(root, tmp_path / "out")
    assert done.pairs == COUNT
    assert_same(source, THREE, exact=True)


def test_what_is_optional_is_named(tmp_path, monkeypatch):
    root = drawn.images(tmp_path / "data")
    drawn.write(root / "fields.shp", "")
    monkeypatch.setitem(sys.modules, "geopandas", None)
    for path in root.glob("*.png"):
        path.rename(path.with_suffix(".tif"))
    with pytest.raises(CourseError) as error:
        read(root)
    assert_clear(error, "geopandas", "pip install")

"""What is wrong in annotations: named, counted, and in the way of nothing else; `check` and `convert` agree on it."""

import json
import unicodedata

import drawn_annotations as drawn
import numpy as np
import pytest
from drawn_folders import COUNT, ids, image, save
from helpers import assert_sentence
from PIL import Image

from segmenter.__main__ import main
from segmenter.formats.base import Region, class_names, label_of
from segmenter.formats.drawing import draw
from segmenter.formats.listing import Listing
from segmenter.formats.sources import read
from segmenter.formats.via import region_of as via_region
from utils import catalog
from utils.config import Config

JSON = "annotations/instances_default.json"


def edited(make, name, change):
    """A format whose documents of a name are changed."""

    def build(root):
        make(root)
        for path in root.glob(name):
            document = json.loads(path.read_text())
            change(document)
            drawn.write(path, document)

    return build


def replaced(make, name, old, new):
    def build(root):
        make(root)
        for path in root.glob(name):
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))

    return build


def resized(make, folder, change):
    def build(root):
        make(root)
        for path in (root / folder).rglob("*.png"):
            save(path, change(np.array(Image.open(path))))

    return build


def runs_of_half_a_picture(document):
    for entry in document["images"]:
        entry |= {"height": 96, "width": 128}


def first_runs(runs):
    return edited(drawn.coco, JSON, lambda document: document["annotations"][0].update(segmentation=runs))


def text_of(name, text):
    """YOLO with one label file that holds a text."""

    def build(root):
        drawn.yolo(root)
        drawn.write(root / name, text)

    return build


def file_of(make, name, content):
    def build(root):
        make(root)
        (root / name).write_bytes(content)

    return build


def off_the_map(root):
    drawn.maps(root)
    for number in range(COUNT):
        (root / f"{number}.tif").unlink()
        save(root / f"{number}.png", image(number))


def in_metres(document):
    for feature in document["features"]:
        feature["geometry"]["coordinates"] = [[[500_000, 5_000_000], [500_100, 5_000_000], [500_000, 5_000_100]]]


def larger(values):
    return values.repeat(2, 0).repeat(2, 1)


def swapped(root):
    drawn.arrays(root, lambda path, values: np.save(path, values.T), ".npy")


def panoptic_turned(root):
    drawn.panoptic(root)
    for path in (root / "annotations/panoptic_val2017").iterdir():
        save(path, np.array(Image.open(path)).transpose(1, 0, 2).copy())


def cut_image(ending):
    def build(root):
        drawn.coco(root)
        path = root / f"images/0.{ending}"
        (root / "images/0.png").unlink()
        save(path, np.kron(image(0), np.ones((2, 2, 1), np.uint8)))
        path.write_bytes(path.read_bytes()[:-200])

    return build


# name -> (draw, images that are left out, words)
LEFT_OUT = {
    "masks of objects of another shape": (resized(drawn.objects, "masks", np.transpose), 6, ["64x48", "48x64"]),
    "one mask of an object of another size": (
        lambda r: (drawn.objects(r), save(r / "masks/0/disc_0.png", larger(ids(0)))), 1, ["images/0.png", "128x96"]
    ),
    "run lengths of another size than the entry": (
        edited(lambda r: resized(lambda s: drawn.coco(s, drawn.compressed), "images", larger)(r), JSON,
               runs_of_half_a_picture), 6, ["64x48", "128x96"],
    ),
    "arrays of another shape": (swapped, 6, ["48x64"]),
    "segments of another shape": (panoptic_turned, 6, ["48x64"]),
    "a PNG of segments is lost": (
        lambda r: (drawn.panoptic(r), (r / "annotations/panoptic_val2017/3.png").unlink()), 1, ["3.png", "unpack"]
    ),
    "negative run lengths": (first_runs({"size": [48, 64], "counts": [-5, 3000, 77]}), 1, ["0.png", "again"]),
    "too many run lengths": (first_runs({"size": [48, 64], "counts": [0, 10**8]}), 1, ["0.png", "again"]),
    "run lengths of a huge picture": (first_runs({"size": [10**6, 10**6], "counts": [10**12]}), 1, ["0.png", "again"]),
    "run lengths that are none": (first_runs({"size": [48, 64], "counts": "garbage~~~~"}), 1, ["0.png", "again"]),
    "a polygon that is a number": (first_runs(7), 1, ["0.png", "again"]),
    "run lengths counted from 0": (replaced(drawn.kaggle, "train.csv", "0.png,", "0.png,0 5 "), 1, ["0.png"]),
    "a cut labelme file": (file_of(drawn.labelme, "0.json", b'{"shapes": ['), 1, ["0.json", "no whole JSON"]),
    "a cut file of Supervisely": (file_of(drawn.supervisely, "ds0/ann/0.png.json", b"{"), 1, ["0.png.json"]),
    "a label in pixels": (text_of("labels/train/0.txt", "0 10 10 40 10 25 30\n"), 1, ["0.txt", "shares"]),
    "a label with commas": (text_of("labels/train/0.txt", "0,0.1,0.1,0.4,0.1,0.2,0.3\n"), 1, ["0.txt", "again"]),
    "a label with names": (text_of("labels/train/0.txt", "disc 0.1 0.1 0.4 0.1 0.2 0.3\n"), 1, ["0.txt", "again"]),
    "a broken array": (file_of(lambda r: drawn.arrays(r, np.save, ".npy"), "labels/0.npy", b"PK"), 1, ["0.npy"]),
    "a cut PNG": (cut_image("png"), 1, ["0.png", "replace"]),
    "a cut JPEG": (cut_image("jpg"), 1, ["0.jpg", "replace"]),
    "a web page": (file_of(drawn.coco, "images/0.png", b"<html>"), 1, ["0.png", "replace"]),
    "a cut GeoTIFF": (file_of(drawn.maps, "0.tif", b"abc"), 1, ["0.tif", "cannot be read", "image file"]),
    "an empty ring on a map": (
        replaced(drawn.maps, "0.geojson", '"coordinates": [[[', '"coordinates": [7, [['), 1, ["0.geojson", "again"]
    ),
    "a feature that is a number": (
        edited(drawn.maps, "0.geojson", lambda d: d["features"].append(7)), 1, ["0.geojson", "again"]
    ),
    "a shape in VIA's csv that is cut": (
        replaced(lambda r: drawn.via(r, "csv"), "*.csv", '0.png,1,{},2,0,"{', '0.png,1,{},2,0,"{{'),
        1, ["0.png", "again"],
    ),
    "metres without a system": (edited(drawn.maps, "*.geojson", in_metres), 6, ["0.geojson", "no longitude"]),
    "an unknown system": (
        edited(drawn.maps, "*.geojson", lambda d: d.update(crs={"properties": {"name": "EPSG:99999"}})), 6,
        ["0.geojson", "again"],
    ),
    "pictures without a place": (off_the_map, 6, ["0.png", "no place on earth", "GeoTIFF"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_cannot_be_drawn_is_left_out_and_named_by_check_and_convert_alike(name, tmp_path, capsys):
    make, count, words = LEFT_OUT[name]
    root, out = tmp_path / "data", tmp_path / "out"
    make(root)
    assert main(["check", str(root), "--all"]) == 1
    told = capsys.readouterr().out
    assert f": {count}\n" in told[told.index("ERROR") :]
    assert words[0].rpartition("/")[2] in told
    assert main(["convert", str(root), "--into", str(out)]) == (2 if count == COUNT else 0)
    told = capsys.readouterr()
    said = told.err if count == COUNT else next(line for line in told.out.splitlines() if words[0] in line)
    assert_sentence(said, *words)
    if count < COUNT:
        assert f"{out} holds {COUNT - count} pairs" in told.out
        assert main(["check", str(out)]) == 0


def test_smaller_masks_of_objects_are_resized_as_those_of_pairs_are(tmp_path):
    resized(drawn.objects, "images", larger)(tmp_path / "data")
    assert main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out")]) == 0
    mask = Image.open(tmp_path / "out/masks/0.png")
    assert np.array_equal(np.array(mask), np.array([0, 2, 1])[ids(0)])
    assert main(["check", str(tmp_path / "out")]) == 0


def arrays(root):
    drawn.arrays(root, np.save, ".npy")


@pytest.mark.parametrize("folder", ["images/train", "elsewhere"])
@pytest.mark.parametrize(
    "make",
    [drawn.coco, drawn.labelme, drawn.cvat, drawn.yolo, drawn.label_studio, drawn.via, drawn.supervisely, drawn.kaggle,
     arrays, drawn.objects, drawn.panoptic],
)  # fmt: skip
def test_every_image_without_an_entry_is_background_if_asked(make, folder, tmp_path, capsys):
    root = tmp_path / "data"
    make(root)
    for number in (91, 92):
        save(root / folder / f"{number}.png", image(number % 6) + np.uint8(1))
    save(root / "previews/0.png", image(0))
    assert main(["check", str(root)]) == 0
    told = capsys.readouterr().out
    assert "note  image without annotations: 2" in told
    assert "1 picture not read, such as previews/0.png." in told
    assert main(["convert", str(root), "--into", str(tmp_path / "less")]) == 0
    assert "2 image(s) have no annotation" in capsys.readouterr().out
    assert main(["convert", str(root), "--into", str(tmp_path / "out"), "--unlabelled", "background"]) == 0
    assert "holds 8 pairs" in capsys.readouterr().out
    assert not np.array(Image.open(tmp_path / "out/masks/91.png")).any()


def test_an_image_that_no_list_names_leaves_the_splits_as_they_are(tmp_path):
    drawn.coco_official(tmp_path / "data")
    save(tmp_path / "data/91.png", image(3))
    main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out"), "--unlabelled", "background"])
    rows = (tmp_path / "out/splits.csv").read_text().splitlines()[1:]
    assert sorted(row.split(",")[2] for row in rows) == ["train"] * 5 + ["val"] * 2


# ---------------------------------------------------------------- shapes
def mask_of(region):
    class Box:
        ids, regions = None, [region]

    return draw(Box, ("background", region.label), 48, 64)


def test_what_is_turned_is_drawn_turned(tmp_path):
    wanted = np.zeros((48, 64), np.uint8)
    wanted[4:44, 28:36] = 1
    box = '<box label="a" xtl="12" ytl="20" xbr="52" ybr="28" rotation="90.0" z_order="0"/>'
    drawn.images(tmp_path / "images")
    drawn.write(
        tmp_path / "a.xml", f'<annotations><image name="0.png" width="64" height="48">{box}</image></annotations>'
    )
    found = read(Listing(tmp_path))
    assert np.array_equal(draw(found.items[0], found.classes, 48, 64), wanted)
    flat, turned = (
        mask_of(via_region({"name": "ellipse", "cx": 32, "cy": 24, "rx": 20, "ry": 4, **turn}, {"class": "a"}))
        for turn in ({}, {"theta": np.pi / 2})
    )
    assert np.argwhere(flat).min(axis=0).tolist() == [20, 12]
    assert np.argwhere(turned).min(axis=0).tolist() == [4, 28]
    tilted = mask_of(
        via_region({"name": "ellipse", "cx": 32, "cy": 24, "rx": 20, "ry": 4, "theta": 0.5}, {"class": "a"})
    )
    assert tilted[30, 44]  # clockwise, as a canvas turns
    assert not tilted[18, 44]


def with_lines(document):
    document["shapes"] += [
        {"label": "wire", "points": [[1, 1], [9, 9]], "shape_type": kind} for kind in ("line", "point")
    ]


def via_lines(document):
    for entry in document["_via_img_metadata"].values():
        shape = {"name": "polyline", "all_points_x": [1, 2, 3], "all_points_y": [1, 2, 3]}
        entry["regions"].append({"shape_attributes": shape, "region_attributes": {}})


def boxes_only(document):
    for annotation in document["annotations"][::2]:
        annotation["segmentation"] = None


POINTS = {"type": "Feature", "properties": {"class": "disc"}, "geometry": {"type": "Point", "coordinates": [9, 45]}}
UNDRAWN = {
    "labelme": (edited(drawn.labelme, "*.json", with_lines), "12 shapes", ["6 line", "6 point"]),
    "CVAT": (replaced(drawn.cvat, "annotations.xml", "</image>",
                      '<polyline label="x" points="1,1;9,9"/><tag label="b"/></image>'), "6 shapes", ["6 polyline"]),
    "VIA": (edited(drawn.via, "via.json", via_lines), "6 shapes", ["6 polyline"]),
    "COCO": (edited(drawn.coco, JSON, boxes_only), "6 shapes", ["6 boxes"]),
    "YOLO": (text_of("labels/train/0.txt", "0 0.5 0.5 0.1 0.1\n1 0.5\n0 0.1 0.1 0.5 0.1 0.3 0.4\n"),
             "2 shapes", ["1 boxes", "1 rows of few numbers"]),
    "Supervisely": (edited(drawn.supervisely, "ds0/ann/*.json", lambda d: d["objects"].append(
        {"classTitle": "a", "geometryType": "point", "points": {"exterior": [[1, 1]], "interior": []}}
    )), "6 shapes", ["6 point"]),
    "a map": (edited(drawn.maps, "*.geojson", lambda d: d["features"].append(POINTS)), "6 shapes", ["6 Point"]),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDRAWN)
def test_shapes_that_are_not_drawn_are_counted_and_named(name, tmp_path, capsys):
    make, count, words = UNDRAWN[name]
    make(tmp_path / "data")
    assert main(["check", str(tmp_path / "data")]) == 0
    told = capsys.readouterr().out
    assert f"{count} without an outline, left out: {', '.join(words)}." in told
    assert main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out")]) == 0
    assert f"{count} without an outline" in capsys.readouterr().out


# ---------------------------------------------------------------- names
def test_names_of_classes_are_tidied_in_one_way():
    assert class_names(["disc ", "disc", " big\nbox", "", "void"]) == ("background", "disc", "big box", "object")
    assert label_of("disc ") == "disc"
    assert label_of("gro\u0308sse") == "gr\u00f6sse"
    assert class_names(["a", "Background", "_background_"]) == ("Background", "a")
    shape = Region("_background_", (np.array([[0, 0], [9, 0], [9, 9]], float),))
    assert not mask_of(shape).any()


NAMES = {
    "blanks in COCO": (replaced(drawn.coco, JSON, '"disc"', '"disc "'), ("background", "disc", "box")),
    "blanks in CVAT": (replaced(drawn.cvat, "*.xml", "disc", "disc "), ("background", "disc", "box")),
    "blanks in YOLO": (replaced(drawn.yolo, "data.yaml", "[disc,", '["disc ",'), ("background", "disc", "box")),
    "no name in YOLO": (replaced(drawn.yolo, "data.yaml", "[disc,", '["",'), ("background", "object", "box")),
    "one name in YOLO": (replaced(drawn.yolo, "data.yaml", "[disc, box]", "disc"), ("background", "disc", "class 1")),
    "no name in COCO": (replaced(drawn.coco, JSON, '"disc"', '""'), ("background", "object", "box")),
    "an unknown category": (replaced(drawn.coco, JSON, '"category_id": 10', '"category_id": 99'),
                            ("background", "disc", "box", "category 99")),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_classes_keep_their_names_through_a_conversion(name, tmp_path):
    make, classes = NAMES[name]
    make(tmp_path / "data")
    assert main(["convert", str(tmp_path / "data"), "--into", str(tmp_path / "out")]) == 0
    assert catalog.load(Config(dataset="folder", root=tmp_path / "out")).classes == classes


def test_classes_that_differ_only_in_capitals_are_told(tmp_path):
    replaced(drawn.labelme, "0.json", '"disc"', '"Disc"')(tmp_path)
    assert "The classes Disc and disc differ only in capitals" in " ".join(read(Listing(tmp_path)).notes)


def lvis(document):
    for entry in document["images"]:
        entry["coco_url"] = f"http://images.cocodataset.org/val2017/{entry.pop('file_name')}"


def named(form):
    def change(document):
        for entry in document["images"]:
            entry["file_name"] = form.format(entry["file_name"])

    return edited(drawn.coco, JSON, change)


def renamed(make, form, folder="images"):
    def build(root):
        make(root)
        for path in [*(root / folder).iterdir()]:
            path.rename(path.with_name(form.format(path.name)))

    return build


NFC, NFD = (unicodedata.normalize(form, "gr\u00f6\u00dfe{}") for form in ("NFC", "NFD"))
PICTURES = {
    "umlauts of a Mac in COCO": renamed(named(NFD), NFC),
    "umlauts of a Mac in YOLO": renamed(renamed(lambda r: drawn.yolo(r, "{kind}/{number}"), NFD, "labels"), NFC),
    "a literal %20": renamed(named("a%20{}"), "a%20{}"),
    "an encoded blank": renamed(named("a%20{}"), "a {}"),
    "LVIS": edited(drawn.coco, JSON, lvis),
    "an address with a query": named("https://x.y/z/{}?token=ab.c"),
    "numbers of images as fractions": edited(
        drawn.coco, JSON, lambda d: [a.update(image_id=float(a["image_id"])) for a in d["annotations"]]
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_an_image_is_found_however_its_name_is_spelled(name, tmp_path):
    PICTURES[name](tmp_path)
    found = read(Listing(tmp_path))
    assert [item.image is not None and item.is_labelled for item in found.items] == [True] * COUNT


def test_annotations_of_images_that_are_not_listed_are_counted(tmp_path):
    edited(drawn.coco, JSON, lambda document: document["images"].pop())(tmp_path)
    assert "2 annotations of instances_default.json name an image that it does not list" in " ".join(
        read(Listing(tmp_path)).notes
    )


# ---------------------------------------------------------------- arrays, tables, maps
def black_and_white(root):
    drawn.arrays(root, lambda path, values: np.save(path, (values > 0) * np.uint8(255)), ".npy")
    (root / "classes.csv").unlink()


@pytest.mark.parametrize("table", ["", "name\nbackground\nthing\n"])
def test_arrays_of_black_and_white_mean_what_such_masks_mean(table, tmp_path):
    black_and_white(tmp_path)
    if table:
        drawn.write(tmp_path / "classes.csv", table)
    found = read(Listing(tmp_path))
    assert found.classes == ("background", "thing" if table else "foreground")
    assert np.array_equal(found.items[0].ids(), ids(0) > 0)


@pytest.mark.parametrize("make", [lambda r: drawn.yolo(r, "{kind}/{number}"), drawn.kaggle])
def test_shares_and_run_lengths_fit_images_of_many_bands(make, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    make(tmp_path)
    for path in [*tmp_path.rglob("*.png")]:
        with rasterio.open(
            path.with_suffix(".tif"), "w", driver="GTiff", width=64, height=48, count=5, dtype="uint8"
        ) as f:
            f.write(np.zeros((5, 48, 64), np.uint8) + image(int(path.stem))[..., 0])
        path.unlink()
    item = read(Listing(tmp_path)).items[0]
    assert item.image.suffix == ".tif"
    assert item.size == (48, 64)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_run_lengths_are_read_whatever_parts_the_columns(separator, tmp_path):
    replaced(drawn.kaggle, "train.csv", ",", separator)(tmp_path)
    assert sum(item.is_labelled for item in read(Listing(tmp_path)).items) == COUNT


def crop(keep):
    def change(document):
        for feature in document["features"]:
            feature["properties"] = {"id": 1, "crop": feature["properties"]["class"], **keep}

    return edited(drawn.maps, "*.geojson", change)


def test_the_column_of_the_classes_on_a_map_is_said(tmp_path):
    crop({})(tmp_path / "one")
    found = read(Listing(tmp_path / "one"))
    assert found.classes == ("background", "box", "disc")
    assert found.notes == ["The classes are read from the column 'crop'."]
    crop({"date": "today"})(tmp_path / "two")
    found = read(Listing(tmp_path / "two"))
    assert found.classes == ("background", "object")
    assert_sentence(found.notes[0], "id, crop, date", "every region is of the class 'object'")


def test_a_plain_list_of_features_is_read(tmp_path):
    drawn.maps(tmp_path)
    for path in tmp_path.glob("*.geojson"):
        drawn.write(path, json.loads(path.read_text())["features"])
    assert read(Listing(tmp_path)).classes == ("background", "box", "disc")


@pytest.mark.parametrize(("ending", "crs"), [(".shp", "EPSG:32632"), (".shp", "EPSG:4326"), (".gpkg", "EPSG:32632")])
def test_shapefiles_and_geopackages_are_read_with_their_system(ending, crs, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    root = drawn.maps(tmp_path / "data")
    for path in root.glob("*.geojson"):
        geopandas.read_file(path).to_crs(crs).to_file(path.with_suffix(ending))
        path.unlink()
    found = read(Listing(root))
    assert found.classes == ("background", "box", "disc")
    for number, item in enumerate(sorted(found.items, key=lambda item: item.name)):
        wrong = draw(item, found.classes, 48, 64) != np.array([0, 2, 1])[ids(number)]
        assert wrong.mean() < 0.05
    if ending == ".shp" and crs == "EPSG:32632":
        for path in root.glob("*.prj"):
            path.unlink()
        with pytest.raises(Exception, match="no longitude and latitude"):
            read(Listing(root)).items[0].ids()

"""segmenter/predictions.py, segmenter/prediction_list.py: one bad image spoils no other, and nothing is done twice."""

import csv
import errno
import os

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, assert_sentence, draw_pair, full_disk, snapshot
from PIL import Image

from segmenter import predictions
from segmenter.large.predict import predict_mask
from segmenter.pictures import find_images
from segmenter.prediction_list import LIST_NAME, PredictionList
from segmenter.predictions import predict_files
from utils import checkpoint
from utils.errors import CourseError, DataError
from utils.inference import Predictor


@pytest.fixture
def predictor(trained):
    return Predictor.from_run(trained, device="cpu")


def read_list(output):
    with (output / LIST_NAME).open(newline="") as file:
        return list(csv.DictReader(file))


def test_pictures_of_a_folder_in_order_without_junk(tmp_path):
    for name in ("b.JPG", "a.png", "._a.png", ".DS_Store", "notes.txt", "c.webp"):
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in find_images(tmp_path)] == ["a.png", "b.JPG", "c.webp"]
    assert find_images(tmp_path / "a.png") == [tmp_path / "a.png"]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_pictures(name, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        find_images(tmp_path / name)
    assert_clear(error, tmp_path / name, "image file, or a folder of them")


def test_a_mask_and_an_overlay_for_each_picture(predictor, pairs, tmp_path):
    paths = find_images(pairs / "images")[:2]
    done, _, failed = predict_files(predictor, paths, tmp_path / "out" / "deep")
    assert failed == []
    assert done == [tmp_path / "out" / "deep" / f"{p.stem}_mask.png" for p in paths]
    assert {p.name for p in done[0].parent.iterdir()} == {
        LIST_NAME, "00_mask.png", "00_overlay.jpg", "01_mask.png", "01_overlay.jpg",
    }  # fmt: skip
    with Image.open(done[1]) as mask:
        assert mask.mode == "P"
        assert tuple(mask.getpalette()[:9]) == tuple(v for colour in predictor.palette for v in colour)
        assert (np.array(mask) == predictor(paths[1]).mask).all()
    with Image.open(tmp_path / "out" / "deep" / "01_overlay.jpg") as overlay:
        assert overlay.height > 40  # the legend is below
        assert overlay.width >= 48


def test_one_bad_picture_spoils_no_other(predictor, pairs, tmp_path):
    (pairs / "images" / "00.png").write_bytes(b"")
    (pairs / "images" / "02.png").write_text("<html>")
    done, _, failed = predict_files(predictor, find_images(pairs / "images")[:4], tmp_path / "out")
    assert [p.name for p in done] == ["01_mask.png", "03_mask.png"]
    assert len(failed) == 2
    assert_sentence(failed[0], "images/00.png", "0 bytes")
    assert_sentence(failed[1], "images/02.png", "web page")


def test_pictures_of_one_name_and_two_endings_both_get_a_mask(predictor, pairs, tmp_path):
    with Image.open(pairs / "images" / "01.png") as picture:
        picture.save(pairs / "images" / "00.jpg")
    done = predict_files(predictor, find_images(pairs / "images")[:3], tmp_path / "out").masks
    assert len({p.name for p in done}) == len(list((tmp_path / "out").glob("*_mask.png"))) == 3


def test_images_of_one_name_in_several_folders_all_keep_their_masks(predictor, counting, pairs, tmp_path):
    """Also where they are predicted by several commands into one folder."""
    for folder in "abc":
        (tmp_path / folder).mkdir()
        Image.fromarray(draw_pair(ord(folder))[0]).save(tmp_path / folder / "x.png")
    paths = [tmp_path / folder / "x.png" for folder in "abc"]
    for _ in range(2):
        for some in (paths[:1], paths[1:2], paths[2:]):
            assert predict_files(predictor, some, tmp_path / "out").failed == []
    assert counting == ["x.png"] * 3
    assert predict_files(predictor, paths, tmp_path / "out").kept == 3
    rows = read_list(tmp_path / "out")
    assert len({row["mask"] for row in rows}) == 3
    for row in rows:
        with Image.open(tmp_path / "out" / row["mask"]) as mask:
            assert (np.array(mask) == predictor(row["picture"]).mask).all()


def test_a_name_of_any_bytes_goes_into_the_list_and_is_found_there_again(predictor, counting, tmp_path):
    path = tmp_path / os.fsdecode(b'caf\xe9,\xe2\x80\xa8 "x".png')  # Latin-1, and a separator of lines
    Image.fromarray(draw_pair(0)[0]).save(path)
    for _ in range(2):
        outcome = predict_files(predictor, [path], tmp_path / "out")
        assert outcome.failed == []
    assert (outcome.kept, len(outcome.masks), len(counting)) == (1, 1, 1)


def test_a_place_that_cannot_be_written_to(predictor, pairs, tmp_path):
    (tmp_path / "file").write_text("mine")
    for output in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(CourseError) as error:
            predict_files(predictor, find_images(pairs / "images")[:1], output)
        assert_clear(error, output, "another output")
    assert (tmp_path / "file").read_text() == "mine"


def test_no_disk_space_leaves_no_half_of_a_mask(predictor, pairs, tmp_path, monkeypatch):
    def full(picture, path, *_, **__):
        def half(temporary):
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        checkpoint.write_atomically(path, half)

    paths = find_images(pairs / "images")[:1]
    predict_files(predictor, paths, tmp_path / "out")
    paths[0].touch()  # to be predicted again
    before = snapshot(tmp_path / "out")
    monkeypatch.setattr(predictions, "save_picture", full)
    outcome = predict_files(predictor, paths, tmp_path / "out")
    assert outcome.masks == []
    assert_sentence(outcome.failed[0], tmp_path / "out" / "00_mask.png", "no space left", "free some space")
    after = snapshot(tmp_path / "out")
    assert {n: after[n] for n in after if n != LIST_NAME} == {n: before[n] for n in before if n != LIST_NAME}


def test_a_disk_that_is_really_full(predictor, pairs, tmp_path):
    with full_disk(300):
        done, _, failed = predict_files(predictor, find_images(pairs / "images")[:1], tmp_path / "out")
    assert done == []
    assert_sentence(failed[0], "00_overlay.jpg", "cannot write")
    assert list(snapshot(tmp_path / "out")) == ["00_mask.png", LIST_NAME]  # the mask is whole, its overlay is missing


def test_a_list_that_cannot_be_written(predictor, pairs, tmp_path):
    with full_disk(10), pytest.raises(CourseError) as error:
        predict_files(predictor, find_images(pairs / "images")[:1], tmp_path / "out")
    assert_clear(error, LIST_NAME, "cannot write", "free some space")


# ---------------------------------------------------------------- taken up again
@pytest.fixture
def counting(predictor, monkeypatch):
    """The pictures that are really predicted."""
    seen, predict = [], predictions.predict_file

    def counted(predictor, path, target, **options):
        seen.append(path.name)
        return predict(predictor, path, target, **options)

    monkeypatch.setattr(predictions, "predict_file", counted)
    return seen


def test_what_is_done_is_not_done_again(predictor, counting, pairs, tmp_path):
    paths = find_images(pairs / "images")[:4]
    first = predict_files(predictor, paths, tmp_path / "out")
    before = snapshot(tmp_path / "out")
    second = predict_files(predictor, paths, tmp_path / "out")
    assert (first.kept, second.kept) == (0, 4)
    assert first.masks == second.masks
    assert len(counting) == 4
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize("change", ["picture", "mask gone", "option", "weights", "bands"])
def test_what_has_changed_is_done_again(change, predictor, counting, pairs, tmp_path, trained):
    paths, bands = find_images(pairs / "images")[:2], None
    predict_files(predictor, paths, tmp_path / "out")
    counting.clear()
    again = ["00.png", "01.png"]
    if change == "picture":
        Image.fromarray(draw_pair(9)[0]).save(paths[0])
        again = ["00.png"]
    elif change == "mask gone":
        (tmp_path / "out" / "01_mask.png").unlink()
        again = ["01.png"]
    elif change == "option":
        predictor = Predictor.from_run(trained, device="cpu", flips=True)
    elif change == "weights":
        predictor = Predictor.from_run(trained, device="cpu")
        with torch.no_grad():
            for parameter in predictor.model.parameters():
                parameter.mul_(1.01)
    else:
        bands = (1,)
    predict_files(predictor, paths, tmp_path / "out", bands=bands)
    assert counting == again
    with Image.open(tmp_path / "out" / "00_mask.png") as mask:
        assert (np.array(mask) == predictor(paths[0]).mask).all()


@pytest.mark.parametrize("missing", [30, 3])  # bytes: several columns, or a digit of the last one
def test_a_row_that_was_cut_off_is_done_again(missing, predictor, counting, pairs, tmp_path):
    paths = find_images(pairs / "images")[:3]
    predict_files(predictor, paths, tmp_path / "out")
    written = (tmp_path / "out" / LIST_NAME).read_bytes()
    (tmp_path / "out" / LIST_NAME).write_bytes(written[:-missing])  # the process was killed while it wrote
    counting.clear()
    assert predict_files(predictor, paths, tmp_path / "out").kept == 2
    assert counting == ["02.png"]
    assert [row["picture"] for row in read_list(tmp_path / "out")] == [str(p) for p in paths]


def test_what_was_stopped_goes_on_and_what_failed_is_tried_again(predictor, counting, pairs, tmp_path, monkeypatch):
    paths = find_images(pairs / "images")[:4]
    sound = paths[1].read_bytes()
    paths[1].write_bytes(sound[:50])
    add = PredictionList.add

    def stop(table, path, *values):
        if path == paths[2]:
            raise KeyboardInterrupt
        add(table, path, *values)

    with monkeypatch.context() as patch:
        patch.setattr(PredictionList, "add", stop)
        with pytest.raises(KeyboardInterrupt):
            predict_files(predictor, paths, tmp_path / "out")
    paths[1].write_bytes(sound)
    counting.clear()
    outcome = predict_files(predictor, paths, tmp_path / "out")
    assert (outcome.kept, outcome.failed) == (1, [])
    assert counting == ["01.png", "02.png", "03.png"]
    assert len(outcome.masks) == 4


def test_the_list_says_how_much_of_each_class_there_is(predictor, pairs, tmp_path):
    paths = find_images(pairs / "images")[:2]
    predict_files(predictor, paths, tmp_path / "out")
    predict_files(predictor, find_images(pairs / "images")[5:6], tmp_path / "out")  # others stay in the list
    rows = read_list(tmp_path / "out")
    assert sorted(row["mask"] for row in rows) == ["00_mask.png", "01_mask.png", "05_mask.png"]
    for row in rows:
        mask = np.array(Image.open(tmp_path / "out" / row["mask"]))
        for index, name in enumerate(CLASSES):
            assert float(row[name]) == pytest.approx((mask == index).mean(), abs=1e-6)


@pytest.mark.parametrize("text", [b"\xff\xfe\x00 not a list", b"", b"name,age\nAda,36\n"])
def test_a_list_of_somebody_else_is_left_alone(text, predictor, pairs, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / LIST_NAME).write_bytes(text)
    with pytest.raises(DataError) as error:
        predict_files(predictor, find_images(pairs / "images")[:1], tmp_path / "out")
    assert_clear(error, tmp_path / "out" / LIST_NAME, "move it", "another output")
    assert snapshot(tmp_path / "out") == {LIST_NAME: text}


def test_images_that_are_read_in_parts_lie_beside_the_others(predictor, pairs, tmp_path):
    import rasterio
    from rasterio.transform import from_origin

    image = draw_pair(1, (70, 90))[0]
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_000_000, 0.5, 0.5)}
    with rasterio.open(
        pairs / "images" / "map.tif", "w", driver="GTiff", dtype="uint8", count=3, height=70, width=90, **place
    ) as file:
        file.write(image.transpose(2, 0, 1))
    np.save(pairs / "images" / "array.npy", image)
    Image.fromarray(image).save(pairs / "images" / "plain.tif")
    paths = [pairs / "images" / name for name in ("map.tif", "array.npy", "plain.tif", "00.png")]
    outcome = predict_files(predictor, paths, tmp_path / "out", polygons=True)
    assert outcome.failed == []
    assert [p.name for p in outcome.masks] == ["map_mask.tif", "array_mask.npy", "plain_mask.png", "00_mask.png"]
    assert len(list((tmp_path / "out").glob("*_overlay.jpg"))) == 4
    assert (tmp_path / "out" / "map_mask.geojson").is_file()
    wanted = predict_mask(predictor, image)
    with rasterio.open(outcome.masks[0]) as file:
        assert (file.read(1) == wanted).all()
    assert (np.load(outcome.masks[1]) == wanted).all()
    assert (np.array(Image.open(outcome.masks[2])) == wanted).all()
    assert predict_files(predictor, paths, tmp_path / "out", polygons=True).kept == 4

"""`convert`, `train` and `check` on what a labelling tool wrote: resumed, never in the way of other files."""

import json

import drawn_annotations as drawn
import numpy as np
import pytest
from drawn_folders import COUNT, ids, image
from helpers import assert_sentence, full_disk, snapshot

from segmenter.__main__ import main
from utils.config import Config

SMALL = ["--model", "unet", "--weights", "none", "--image-size", "32", "--batch-size", "2", "--unet-width", "4",
         "--unet-depth", "2", "--epochs", "1", "--device", "cpu", "--precision", "fp32", "--workers", "0"]  # fmt: skip


def convert(root, into, *more):
    return main(["convert", str(root), "--into", str(into), *more])


def test_convert_tells_what_it_found_and_goes_on_where_it_stopped(tmp_path, capsys):
    root, out = drawn.coco(tmp_path / "data"), tmp_path / "out"
    assert convert(root, out) == 0
    told = capsys.readouterr().out
    assert "COCO: 6 images, 6 labelled, 3 classes (background, disc, box)" in told
    assert f"train --dataset folder --root {out}" in told
    whole = snapshot(out)
    (out / "masks/3.png").unlink()
    (out / "splits.csv").unlink()
    assert convert(root, out) == 0
    assert "5 of them were there already" in capsys.readouterr().out
    assert snapshot(out) == whole


def test_what_somebody_corrected_in_the_copy_stays(tmp_path):
    root, out = drawn.coco(tmp_path / "data"), tmp_path / "out"
    convert(root, out)
    drawn.save(out / "masks/0.png", np.zeros((48, 64), np.uint8))
    mine = snapshot(out)
    assert convert(root, out) == 0
    assert snapshot(out) == mine


@pytest.mark.parametrize(
    "name", ["a file", "another source", "another option", "inside the source", "a file in the way"]
)
def test_nothing_that_it_did_not_write_is_replaced(name, tmp_path, capsys):
    root, out, more = drawn.coco(tmp_path / "data"), tmp_path / "out", []
    if name == "a file":
        drawn.write(out / "notes.txt", "mine")
    elif name == "a file in the way":
        drawn.write(out, "mine")
    elif name == "inside the source":
        out = root / "out"
    else:
        convert(drawn.labelme(tmp_path / "other") if name == "another source" else root, out)
        more = ["--unlabelled", "background"] if name == "another option" else []
    before = snapshot(tmp_path)
    capsys.readouterr()
    assert convert(root, out, *more) == 2
    assert_sentence(capsys.readouterr().err, "out", "name" if name != "a file in the way" else "cannot")
    assert snapshot(tmp_path) == before


def test_a_full_disk_stops_it_with_a_sentence_and_it_goes_on_later(tmp_path, capsys):
    root, out = drawn.coco(tmp_path / "data"), tmp_path / "out"
    with full_disk(3000):
        assert convert(root, out) == 2
    assert_sentence(capsys.readouterr().err, "cannot write", "free some space")
    assert convert(root, out) == 0
    assert len(list((out / "masks").iterdir())) == COUNT


@pytest.mark.parametrize("make", [drawn.roboflow_coco, drawn.labelme, drawn.cvat, drawn.yolo])
def test_train_takes_what_the_tool_wrote(make, tmp_path, capsys):
    root = make(tmp_path / "data")
    before = snapshot(root)
    data = ["--dataset", "folder", "--root", str(root), "--output", str(tmp_path / "runs/mine")]
    assert main(["train", *data, *SMALL]) == 0
    told = capsys.readouterr().out
    (folder,) = (tmp_path / "runs/converted").iterdir()
    assert f"{folder} holds 6 pairs" in told
    assert Config.load(tmp_path / "runs/mine/config.yaml").root == folder
    assert snapshot(root) == before
    if make is drawn.labelme:  # the run goes on, and is scored, without the source
        assert main(["train", "--resume", "--output", str(tmp_path / "runs/mine"), "--epochs", "2"]) == 0
        assert main(["evaluate", str(tmp_path / "runs/mine"), "--split", "train"]) == 0


def faulty(root):
    """A source with every fault that a check of annotations knows."""
    drawn.coco(root)
    path = root / "annotations/instances_default.json"
    document = json.loads(path.read_text())
    eight = [10, 10, 30, 30, 30, 10, 10, 30]
    regions = [
        (0, [100, 100, 110, 100, 110, 110]), (1, [5, 5, 6, 6, 7, 7]), (1, [5, 5]), (2, eight),
        (3, [50, 10, 90, 10, 90, 20]), (4, [1, 1, 9, 1, 9, 9]), (4, [1, 1, 9, 1, 9, 9]),
    ]  # fmt: skip
    document["annotations"] += [{"image_id": n, "category_id": 10, "segmentation": [ring]} for n, ring in regions]
    document["images"].append({"id": 77, "file_name": "lost.png", "height": 48, "width": 64})
    document["images"].append({**document["images"][0], "id": 78})
    document["images"][5] |= {"height": 64, "width": 48}
    path.write_text(json.dumps(document))
    drawn.save(root / "images/copy.png", image(2))
    document["images"].append({"id": 79, "file_name": "copy.png", "height": 48, "width": 64})
    path.write_text(json.dumps(document))
    drawn.save(root / "images/bare.png", image(8))
    return root


def test_check_names_every_fault_of_annotations(tmp_path, capsys):
    root = faulty(tmp_path / "data")
    before = snapshot(root)
    assert main(["check", str(root), "--all"]) == 1
    told = capsys.readouterr().out
    for heading, name in {
        "ERROR  annotations of another size: 1": "5.png (64x48, annotated at 48x64)",
        "warning  annotated image is missing: 1": "lost.png",
        "warning  image annotated twice: 1": "0.png",
        "warning  same image under two names: 1": "2.png = copy.png",
        "warning  region drawn twice: 1": "4.png: disc",
        "warning  region outside the image: 1": "0.png: disc",
        "warning  region without an area: 2": "1.png: disc",
        "warning  outline crosses itself: 1": "2.png: disc",
        "note  region beyond the border: 1": "3.png: disc",
        "note  image without annotations: 2": "bare.png",
    }.items():
        assert heading in told
        assert f"    {name}" in told[told.index(heading) :].split("->")[0]
    assert f"python -m segmenter convert {root} --into FOLDER" in told
    assert snapshot(root) == before
    # What is left can be drawn, and says what is left out.
    assert convert(root, tmp_path / "out") == 0
    told = capsys.readouterr().out
    words = ("lost.png", "no annotation", "more than once", "48x64", "holds 5 pairs")
    assert all(word in told for word in (*words, "2 region(s) have no area, such as one on 1.png"))


@pytest.mark.parametrize("make", [drawn.coco, drawn.cvat, drawn.supervisely, drawn.kaggle, drawn.objects])
def test_check_of_sound_annotations_finds_nothing(make, tmp_path, capsys):
    root = make(tmp_path / "data")
    assert main(["check", str(root)]) == 0
    told = capsys.readouterr().out
    assert "Every region can be drawn." in told
    assert "warning" not in told


def test_check_doubts_masks_of_one_image_that_two_people_may_have_drawn(tmp_path, capsys):
    for number in range(3):
        drawn.save(tmp_path / f"images/{number}.png", image(number))
        for person in (1, 2):
            mask = np.roll(ids(number) > 0, person, axis=0)
            drawn.save(tmp_path / f"masks/{number}/{person}.png", (mask * 255).astype(np.uint8))
    assert main(["check", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "warning  masks of an image overlap: 3" in told
    assert "two people" in told


def test_check_names_a_mask_of_an_object_that_cannot_be_read_and_goes_on(tmp_path, capsys):
    root = drawn.objects(tmp_path / "data")
    bad = sorted((root / "masks").rglob("*.png"))[0]
    bad.write_bytes(b"\x89PNG")
    assert main(["check", str(root)]) == 1
    told = capsys.readouterr().out
    assert "ERROR  unreadable file: 1" in told
    assert bad.name in told
    assert "The others can be drawn." in told


def test_a_report_with_pictures_needs_masks(tmp_path, capsys):
    root = drawn.coco(tmp_path / "data")
    assert main(["check", str(root), "--html", str(tmp_path / "report.html")]) == 2
    assert_sentence(capsys.readouterr().err, "annotations", f"convert {root} --into FOLDER")
    assert not (tmp_path / "report.html").exists()

"""segmenter/report/page.py: one page that needs nothing else, that anyone can read, and that no file name can break."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, draw_pair, drop_splits, full_disk, snapshot, three_class_folder, write_pairs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from segmenter.report import evaluate_run, save_html, save_json
from segmenter.report.page import shade
from utils import catalog
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import CourseError
from utils.images import read_mask
from utils.inference import Prediction, Predictor


def test_each_failed_image_has_one_card_with_four_images_and_words(evaluation, saved, tmp_path, page_of):
    page = page_of(evaluation, tmp_path)
    failed = list(dict.fromkeys(f["image"] for f in saved["failures"]))
    alts = [image["alt"] for image in page.all("img")]
    assert len(alts) == 4 * len(failed)
    for name, four in zip(failed, zip(*[iter(alts)] * 4, strict=True), strict=True):
        titles = ("Image", "Truth", "Prediction", "Errors")
        assert all(alt.startswith(f"{title} of {name}: ") for title, alt in zip(titles, four, strict=True))
    assert all(reason["words"] in page.words for f in saved["failures"] for reason in f["reasons"])
    assert evaluation.verdict in page.words
    for image in page.all("img"):
        with Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))) as picture:
            assert picture.format == "JPEG"
            assert max(picture.size) <= 320


def test_the_page_needs_no_other_file_and_reads_without_images(evaluation, tmp_path, page_of):
    page = page_of(evaluation, tmp_path)
    links = [v for _, attributes in page.tags for k, v in attributes.items() if k in ("src", "href", "action", "data")]
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in links)
    assert {v[1:] for v in links if v[0] == "#"} <= {a.get("id") for _, a in page.tags}
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all(plot["aria-label"].strip() for plot in page.all("svg"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]
    assert (tmp_path / "out" / "report.html").stat().st_size < 1e6
    table = evaluation.scores.table
    assert all(f"{value:.3f}" in page.text for value in table.to_numpy().ravel())


def test_what_cannot_be_divided_is_null_and_a_dash(pairs, tmp_path, oracle, page_of, numbers_of):
    classes = (*CLASSES, "ghost")
    source = catalog.load(Config(dataset="folder", root=pairs, classes=classes))
    predictor = oracle(classes=classes)
    predictor.palette = source.palette
    report = evaluate_run(predictor, source)
    ghost = numbers_of(report, tmp_path)["scores"]["classes"][3]
    assert ghost == {"class": "ghost", "pixels": 0.0} | dict.fromkeys(
        ("iou", "dice", "precision", "recall", "boundary_iou", "image_iou", "AP")
    )
    page = page_of(report, tmp_path)
    assert "ghost" + "\N{EN DASH}" * 7 + "0.000" in page.text
    assert "nan" not in page.text


def test_a_page_says_how_many_are_listed_without_pictures(pairs, tmp_path, oracle, page_of):
    source = three_class_folder(pairs)
    report = evaluate_run(oracle(lambda n, m: np.zeros_like(m)), source, most_drawn=1)
    page = page_of(report, tmp_path)
    assert len(page.all("img")) == 4
    assert "1 more failed images are listed without pictures" in page.words
    assert all(name in page.text for name in ("images/10.png", "images/11.png"))


def test_without_failures_the_page_says_so(pairs, tmp_path, oracle, page_of, numbers_of):
    source = three_class_folder(pairs)
    report = evaluate_run(oracle(), source)
    page = page_of(report, tmp_path)
    assert "No test image has a class at IoU 0.5 or less" in page.words
    assert "There are none" in page.words
    assert page.all("img") == []
    saved = numbers_of(report, tmp_path)
    assert saved["failures"] == []
    assert saved["causes"] == {}


def test_one_class_is_scored_as_one(pairs, tmp_path, oracle, page_of, numbers_of):
    source = three_class_folder(pairs)
    source.classes, source.palette = ("rest", "thing"), ((0, 0, 0), (230, 159, 0))
    source.read_ids = lambda path: np.where(read_mask(path) == 255, 255, read_mask(path) > 0).astype(np.int64)
    chance = np.where(draw_pair(11)[1] == 2, 0.8, 0.1).astype(np.float32)

    class SameAnswer(oracle):
        def __call__(self, image):
            return Prediction((chance >= self.threshold).astype(np.uint8), chance[None])

    predictor = SameAnswer(classes=source.classes)
    predictor.palette = source.palette
    report = evaluate_run(predictor, source)
    saved = numbers_of(report, tmp_path)
    assert saved["scores"]["primary_iou"] == {"name": "iou of thing", "value": saved["scores"]["classes"][1]["iou"]}
    assert {f["class"] for f in saved["failures"]} == {"thing"}
    assert saved["about"]["threshold"] == 0.5
    page = page_of(report, tmp_path)
    assert "for thing." in page.words
    assert "foreground from a probability of 0.5 on" in page.words
    truth = np.concatenate([np.where(draw_pair(n)[1] == 255, 2, draw_pair(n)[1] > 0).ravel() for n in (10, 11)])
    both = np.tile(chance.ravel(), 2)[truth < 2]
    assert sum(b["pixels"] for b in saved["calibration"]) == len(both)
    sure = np.maximum(both, 1 - both)
    assert sum(b["pixels"] * (b["confidence"] or 0) for b in saved["calibration"]) == pytest.approx(sure.sum())


def test_many_classes_fit_on_a_page(tmp_path, shared_data, page_of, numbers_of):
    source = catalog.load(Config.preset("voc", root=shared_data("voc")))
    pairs = source.pairs("val")[:3]
    source.pairs = lambda split, seed=None: pairs
    config = Config.preset("voc", image_size=64, unet_width=2, unet_depth=1, device="cpu")
    from utils.models import build_model

    torch.manual_seed(0)
    predictor = Predictor(build_model(config, 21), config, source.classes, source.palette)
    report = evaluate_run(predictor, source, "val")
    page = page_of(report, tmp_path)
    assert all(name in page.text for name in source.classes)
    assert len(page.all("img")) == 12
    assert "no pixel" not in page.text
    assert report.scores.matrix.sum() == sum((read_pair(p, source)[1] != 255).sum() for p in pairs)
    numbers_of(report, tmp_path)


@given(st.floats(0, 1))
def test_the_text_of_a_shaded_cell_can_be_read(share):
    """WCAG 2: a contrast of at least 4.5."""
    style = shade(share)
    red, green, blue = (int(v) / 255 for v in re.search(r"rgb\((\d+), (\d+), (\d+)\)", style).groups())
    light = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (red, green, blue)]
    luminance = np.dot(light, (0.2126, 0.7152, 0.0722))
    assert (1.05 / (luminance + 0.05) if "#fff" in style else (luminance + 0.05) / 0.05) >= 4.5


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a&b", '" onload="alert(1)', "{{ 7 * 7 }}", "ünïcöde"]
)
def test_a_file_name_stays_a_name(name, tmp_path, oracle, page_of, numbers_of):
    root = drop_splits(write_pairs(tmp_path / "data"))
    for folder in ("images", "masks"):
        (root / folder / "10.png").rename(root / folder / f"{name}.png")
    source = catalog.load(Config(dataset="folder", root=root, classes=("<b>ground</b>", "house", "lake")))
    source.fixed = {f"images/{name}.png": "test", "images/11.png": "train"}
    predictor = oracle(lambda n, m: np.zeros_like(m), source.classes)
    report = evaluate_run(predictor, source)
    page = page_of(report, tmp_path)
    assert f"images/{name}.png" in page.text
    assert "<b>ground</b>" in page.text
    assert not any("onerror" in a or "onload" in a for _, a in page.tags)
    assert page.all("img")[0]["alt"].startswith(f"Image of images/{name}.png")
    assert numbers_of(report, tmp_path)["failures"][0]["image"] == f"images/{name}.png"


def test_a_name_of_any_bytes_is_written(pairs, tmp_path, oracle, page_of, numbers_of):
    report = evaluate_run(oracle(oracle.nothing_in_11), three_class_folder(pairs))
    report.about["images"][1] = "b\udce4r.png"
    page_of(report, tmp_path)
    assert numbers_of(report, tmp_path)["failures"][0]["image"] == "b\udce4r.png"


@pytest.mark.parametrize("save", [save_html, save_json])
def test_a_full_disk_leaves_the_last_report(save, pairs, tmp_path, oracle):
    report = evaluate_run(oracle(oracle.nothing_in_11), three_class_folder(pairs))
    path = save(report, tmp_path / "report")
    before = snapshot(tmp_path)
    with full_disk(), pytest.raises(CourseError) as error:
        save(report, path)
    assert_clear(error, path, "cannot write")
    assert snapshot(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_named(pairs, tmp_path, oracle):
    report = evaluate_run(oracle(), three_class_folder(pairs))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError) as error:
        save_json(report, tmp_path / "file" / "deep" / "report.json")
    assert_clear(error, tmp_path / "file", "choose another")
    assert (tmp_path / "file").read_text() == "mine"

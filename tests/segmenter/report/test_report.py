"""utils/report: every number recomputed by others, a page that needs nothing, reasons of failures."""

import base64
import csv
import io
import json
import re
import shutil

import numpy as np
import pytest
import torch
from helpers import CLASSES, COURSE, Page, assert_clear, draw_pair, drop_splits, full_disk, snapshot, write_pairs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
    multiclass_recall,
)

from segmenter.report import evaluate_run, training_shares
from segmenter.report.gallery import EXTRA, MISSED, RIGHT, Gallery, confidence, error_areas, error_map
from segmenter.report.numbers import DEFINITIONS, plain
from segmenter.report.page import shade
from utils import catalog
from utils.checkpoint import load_weights
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import CourseError
from utils.images import read_image, read_mask
from utils.inference import SHIPPED, Prediction, Predictor, seen_size

CHANGED = {"town11_00": "moved", "town11_03": "moved", "town12_02": "emptied"}  # masks of the test split


class Oracle:
    """A predictor that knows the truth of the drawn test pictures, and errs as told."""

    classes, palette = CLASSES, ((230, 159, 0), (0, 114, 178), (213, 94, 0))
    threshold, flips, scales, tile = 0.5, False, (1.0,), 128

    def __init__(self, change=lambda n, mask: mask, classes=CLASSES, sure=0.9):
        self.change, self.classes, self.sure = change, classes, sure
        self.config = Config(dataset="folder", root=".", classes=classes, framing="crop")
        self.known = {draw_pair(n)[0].tobytes(): (n, draw_pair(n)[1]) for n in (10, 11)}

    def __call__(self, image):
        number, mask = self.known[image.tobytes()]
        mask = self.change(number, np.where(mask == 255, 0, mask).astype(np.uint8))
        count = len(self.classes)
        probabilities = np.full((count, *mask.shape), (1 - self.sure) / (count - 1), np.float32)
        np.put_along_axis(probabilities, mask[None].astype(np.int64), self.sure, axis=0)
        return Prediction(mask, probabilities)


def nothing_in_11(number, mask):
    return np.zeros_like(mask) if number == 11 else mask


def page_of(report, folder):
    return Page(report.save_html(folder / "out" / "report.html").read_text("utf-8"))


def read_json(path):
    def refuse(word):
        raise AssertionError(f"{word} is not strict JSON")

    return json.loads(path.read_text("ascii"), parse_constant=refuse)


@pytest.fixture(scope="module")
def tiny_copy(tmp_path_factory):
    """The embedded scenes, with three masks of the test split made wrong."""
    root = tmp_path_factory.mktemp("odd") / "tiny"
    shutil.copytree(COURSE / "data" / "tiny", root)
    for name, how in CHANGED.items():
        path = root / "masks" / f"{name}.png"
        with Image.open(path) as picture:
            ids, palette = np.array(picture), picture.getpalette()
        changed = Image.fromarray(np.roll(ids, 61, axis=1) if how == "moved" else np.zeros_like(ids), mode="P")
        changed.putpalette(palette)
        changed.save(path)
    return root


@pytest.fixture(scope="module")
def shipped():
    return Predictor.from_run(SHIPPED, device="cpu")


@pytest.fixture(scope="module")
def report(tiny_copy, shipped):
    """The shipped model on scenes of which three are labelled wrongly."""
    return evaluate_run(shipped, catalog.load(Config(root=tiny_copy)), "test", load_weights(SHIPPED)[1]["facts"])


@pytest.fixture(scope="module")
def saved(report, tmp_path_factory):
    return read_json(report.save_json(tmp_path_factory.mktemp("json") / "report.json"))


@pytest.fixture(scope="module")
def by_others(tiny_copy, shipped):
    """What NumPy and torchmetrics get: ids and probabilities of each test image, read without the report's code."""
    with (tiny_copy / "splits.csv").open() as file:
        names = sorted(row["name"] for row in csv.DictReader(file) if row["split"] == "test")
    truths = [torch.from_numpy(read_mask(tiny_copy / "masks" / f"{n}.png").astype(np.int64)) for n in names]
    found = [shipped(read_image(tiny_copy / "images" / f"{n}.jpg")) for n in names]
    return names, truths, found


# ---------------------------------------------------------------- every number, by others
@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("iou", multiclass_jaccard_index), ("dice", multiclass_f1_score), ("precision", multiclass_precision),
        ("recall", multiclass_recall),
    ],
)  # fmt: skip
def test_scores_of_each_class_are_those_of_torchmetrics(name, metric, saved, by_others):
    _, truths, found = by_others
    predicted = torch.cat([torch.from_numpy(f.mask).long().flatten() for f in found])
    target = torch.cat([t.flatten() for t in truths])
    wanted = metric(predicted, target, num_classes=6, average="none", ignore_index=255).double()
    told = [row[name] for row in saved["scores"]["classes"]]
    assert told == pytest.approx(wanted.tolist(), abs=1e-6)
    assert saved["scores"]["mean"][name] == pytest.approx(wanted.mean().item(), abs=1e-6)


def test_accuracy_matrix_and_calibration_are_those_of_torchmetrics(saved, by_others):
    _, truths, found = by_others
    predicted = torch.cat([torch.from_numpy(f.mask).long().flatten() for f in found])
    target = torch.cat([t.flatten() for t in truths])
    chances = torch.cat([torch.from_numpy(f.probabilities).flatten(1).T for f in found])
    scores = saved["scores"]
    wanted = multiclass_accuracy(predicted, target, num_classes=6, average="micro", ignore_index=255).item()
    assert scores["pixel_accuracy"] == pytest.approx(wanted, abs=1e-6)
    counts = multiclass_confusion_matrix(predicted, target, num_classes=6, ignore_index=255)
    assert saved["confusion_matrix"]["pixels"] == counts.tolist()
    error = multiclass_calibration_error(chances, target, num_classes=6, n_bins=15, norm="l1", ignore_index=255)
    assert scores["calibration_error"] == pytest.approx(error.item(), abs=2e-3)  # torchmetrics sums in float32
    confidence, predicted, target = (v[target != 255] for v in (chances.max(dim=1).values, predicted, target))
    for b in saved["calibration"]:
        inside = (confidence >= b["from"]) & (confidence < b["to"] + (b["to"] == 1))
        assert b["pixels"] == pytest.approx(inside.sum().item(), abs=3)  # float32 at the ends of a bin
        if inside.sum() > 1000:
            assert b["confidence"] == pytest.approx(confidence[inside].double().mean().item(), abs=1e-4)
            right = (predicted == target)[inside].double().mean().item()
            assert b["accuracy"] == pytest.approx(right, abs=1e-3)
    place = np.digitize(confidence.double().numpy(), np.linspace(0, 1, 16)[1:-1])
    gaps = confidence.double().numpy() - (predicted == target).numpy()
    wanted = sum(abs(gaps[place == b].sum()) for b in range(15)) / len(gaps)
    assert scores["calibration_error"] == pytest.approx(wanted, abs=1e-6)


def test_images_ap_and_failures_are_those_of_numpy(saved, by_others):
    names, truths, found = by_others
    assert [row["image"] for row in saved["images"]] == [f"images/{n}.jpg" for n in names]
    wanted = np.full((len(names), 6), np.nan)
    for i, (truth, f) in enumerate(zip(truths, found, strict=True)):
        for c in range(6):
            a, b = truth.numpy() == c, (f.mask == c) & (truth.numpy() != 255)
            if (a | b).any():
                wanted[i, c] = (a & b).sum() / (a | b).sum()
    told = np.array([[np.nan if v is None else v for v in row["iou"]] for row in saved["images"]])
    np.testing.assert_allclose(told, wanted, atol=1e-12)
    for c, row in enumerate(saved["average_precision"]["classes"]):
        column = wanted[~np.isnan(wanted[:, c]), c]
        hits = [(column > 0).mean(), *((column >= t / 10).mean() for t in range(1, 11))]
        assert row["curve"] == pytest.approx(hits)
        assert row["AP"] == pytest.approx(np.mean(hits))
        assert saved["scores"]["classes"][c]["image_iou"] == pytest.approx(column.mean())
    failed = {(f"images/{names[i]}.jpg", saved["classes"][c]): wanted[i, c] for i, c in np.argwhere(wanted <= 0.5)}
    assert {(f["image"], f["class"]): f["iou"] for f in saved["failures"]} == pytest.approx(failed)
    assert saved["scores"]["primary_iou"] == {"name": "mean_iou", "value": saved["scores"]["mean"]["iou"]}


def test_the_json_says_what_was_evaluated_and_what_its_words_mean(saved, report):
    about = saved["about"]
    assert about["data_set"] == "tiny"
    assert about["images"] == 12
    assert about["config"]["image_size"] == 128
    assert about["facts"]["epoch"] == 70
    assert not {"root", "output"} & about["config"].keys()  # places on one machine
    assert sum(about["training_shares"].values()) == pytest.approx(1)
    assert about["training_masks_counted"] == 48
    assert (about["flips"], about["scales"], about["tile"], about["threshold"]) == (False, [1.0], 128, None)
    used = {*saved["scores"]["classes"][0], *saved["scores"]} - {"class", "classes", "mean", "primary_iou"}
    assert used <= saved["definitions"].keys() == DEFINITIONS.keys()
    assert saved["verdict"] == report.verdict


def test_what_cannot_be_divided_is_null_and_a_dash(pairs, tmp_path):
    classes = (*CLASSES, "ghost")
    source = catalog.load(Config(dataset="folder", root=pairs, classes=classes))
    oracle = Oracle(classes=classes)
    oracle.palette = source.palette
    report = evaluate_run(oracle, source)
    ghost = read_json(report.save_json(tmp_path / "report.json"))["scores"]["classes"][3]
    assert ghost == {"class": "ghost", "pixels": 0.0} | dict.fromkeys(
        ("iou", "dice", "precision", "recall", "boundary_iou", "image_iou", "AP")
    )
    page = page_of(report, tmp_path)
    assert "ghost" + "\N{EN DASH}" * 7 + "0.000" in page.text
    assert "nan" not in page.text


@given(
    st.recursive(
        st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.floats(width=32).map(np.float32)),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner), st.lists(inner).map(tuple)),
    )
)
def test_whatever_is_measured_becomes_strict_json(value):
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == plain(value)


# ---------------------------------------------------------------- the gallery
def test_wrong_annotations_are_found_and_doubted(report, saved):
    """The three masks that were made wrong are the failures, and the model's sureness gives them away."""
    names = {f"images/{n}.jpg" for n in CHANGED}
    failed = [f for f in saved["failures"] if f["image"] in names]
    assert {f["image"] for f in failed} == names
    doubted = [any(r["kind"] == "odd annotation?" for r in f["reasons"]) for f in failed]
    assert np.mean(doubted) > 0.7
    assert saved["causes"]["odd annotation?"] == sum(doubted) + sum(
        r["kind"] == "odd annotation?" for f in saved["failures"] if f["image"] not in names for r in f["reasons"]
    )
    worst = [card.failed[0].iou for card in report.gallery.cards]
    assert worst == sorted(worst)


def test_each_failed_image_has_one_card_with_four_pictures_and_words(report, saved, tmp_path):
    page = page_of(report, tmp_path)
    failed = list(dict.fromkeys(f["image"] for f in saved["failures"]))
    alts = [image["alt"] for image in page.all("img")]
    assert len(alts) == 4 * len(failed)
    for name, four in zip(failed, zip(*[iter(alts)] * 4, strict=True), strict=True):
        titles = ("Image", "Truth", "Prediction", "Errors")
        assert all(alt.startswith(f"{title} of {name}: ") for title, alt in zip(titles, four, strict=True))
    assert all(reason["words"] in page.words for f in saved["failures"] for reason in f["reasons"])
    assert report.verdict in page.words
    for image in page.all("img"):
        with Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))) as picture:
            assert picture.format == "JPEG"
            assert max(picture.size) <= 320


def test_the_page_needs_no_other_file_and_reads_without_pictures(report, tmp_path):
    page = page_of(report, tmp_path)
    links = [v for _, attributes in page.tags for k, v in attributes.items() if k in ("src", "href", "action", "data")]
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in links)
    assert {v[1:] for v in links if v[0] == "#"} <= {a.get("id") for _, a in page.tags}
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert all(plot["aria-label"].strip() for plot in page.all("svg"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]
    assert "http" not in (COURSE / "segmenter" / "report/template.py").read_text()
    assert (tmp_path / "out" / "report.html").stat().st_size < 1e6
    table = report.scores.table
    assert all(f"{value:.3f}" in page.text for value in table.to_numpy().ravel())


def test_the_error_map_is_orange_blue_and_grey():
    truth = np.array([[1, 1, 2, 0], [0, 0, 255, 2]], np.uint8)
    found = np.array([[1, 0, 1, 1], [0, 2, 1, 2]], np.uint8)
    painted = error_map(np.zeros((2, 4, 3), np.uint8), truth, found, [1])
    pale = (170, 170, 170)
    wanted = [[RIGHT, MISSED, EXTRA, EXTRA], [pale, pale, pale, pale]]
    assert [[tuple(pixel) for pixel in row] for row in painted.tolist()] == wanted
    both = error_map(np.zeros((2, 4, 3), np.uint8), truth, found, [1, 2])  # one taken for the other: missed
    wanted = [[RIGHT, MISSED, MISSED, EXTRA], [pale, EXTRA, pale, RIGHT]]
    assert [[tuple(pixel) for pixel in row] for row in both.tolist()] == wanted


@given(st.integers(0, 2**32 - 1), st.sets(st.integers(0, 3), min_size=1))
def test_no_pixel_is_two_things_in_the_error_map(seed, wrong):
    rng = np.random.default_rng(seed)
    truth, found = rng.choice([0, 1, 2, 3, 255], (6, 7)), rng.integers(0, 4, (6, 7))
    areas = error_areas(truth, found, sorted(wrong))
    assert (np.sum(areas, axis=0) <= 1).all()
    assert not np.any(areas, axis=0)[truth == 255].any()
    missed, extra, _ = areas
    touched = np.isin(truth, list(wrong)) | np.isin(found, list(wrong))
    assert ((missed | extra) == ((truth != found) & (truth != 255) & touched)).all()


def test_only_the_worst_keep_pictures_and_the_others_are_listed(tmp_path):
    """Whatever the order in which images come, the gallery ends with the same cards."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (9, 40, 50)).astype(np.uint8)
    image = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    ious = torch.tensor([[0.9, v, 0.8] for v in (0.4, 0.1, 0.6, 0.2, 0.1, 0.5, 0.3, float("nan"), 0.0)])
    for order in (range(9), reversed(range(9)), rng.permutation(9)):
        gallery = Gallery(Oracle(), pictures=3)
        for i in map(int, order):
            chances = np.full((3, 40, 50), 1 / 3, np.float32)
            gallery.add(i, image, truth[i], Prediction(truth[i - 1], chances), ious[i])
        assert [card.index for card in gallery.cards] == [8, 1, 4, 3, 6, 0, 5]
        assert [len(card.pictures) for card in gallery.cards] == [4, 4, 4, 0, 0, 0, 0]


def test_a_page_says_how_many_are_listed_without_pictures(pairs, tmp_path):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    report = evaluate_run(Oracle(lambda n, m: np.zeros_like(m)), source, pictures=1)
    page = page_of(report, tmp_path)
    assert len(page.all("img")) == 4
    assert "1 more failed images are listed without pictures" in page.words
    assert all(name in page.text for name in ("images/10.png", "images/11.png"))


def test_a_large_image_leaves_little_behind():
    """6 megapixels: what the gallery keeps is small, and thickness is told as the model sees it."""
    truth = np.zeros((2000, 3000), np.uint8)
    truth[1000:1020] = 1
    image = np.full((2000, 3000, 3), 120, np.uint8)
    predictor = Oracle()
    predictor.config = Config(dataset="folder", root=".", classes=CLASSES, framing="crop", max_side=750)
    gallery = Gallery(predictor)
    found = Prediction(np.zeros_like(truth), np.full((3, 2000, 3000), 1 / 3, np.float32))
    gallery.add(0, image, truth, found, torch.tensor([0.99, 0.0, float("nan")]))
    (card,) = gallery.cards
    assert sum(len(data) for data, _ in card.pictures.values()) < 50_000
    assert card.size == (2000, 3000)
    assert "thin (20 px, 5.0 as the model sees it)" in [r.words for r in card.failed[0].reasons]


def test_confidence_is_that_of_what_was_predicted():
    chance = np.array([[0.7, 0.9, 0.2]], np.float32)
    found = Prediction((chance >= 0.8).astype(np.uint8), chance[None])
    assert confidence(found).ravel().tolist() == pytest.approx([0.3, 0.9, 0.8])
    several = np.array([[[0.7]], [[0.2]], [[0.1]]], np.float32)
    assert confidence(Prediction(np.zeros((1, 1), np.uint8), several)).item() == pytest.approx(0.7)


def test_the_size_that_the_model_sees():
    assert seen_size(Config(framing="resize", image_size=320), (4000, 6000)) == (320, 320)
    assert seen_size(Config(framing="crop", max_side=1500), (4000, 6000)) == (1000, 1500)
    assert seen_size(Config(framing="crop"), (300, 200)) == (300, 200)


# ---------------------------------------------------------------- the page
def test_without_failures_the_page_says_so(pairs, tmp_path):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    report = evaluate_run(Oracle(), source)
    page = page_of(report, tmp_path)
    assert "No test image has a class at IoU 0.5 or less" in page.words
    assert "There are none" in page.words
    assert page.all("img") == []
    saved = read_json(report.save_json(tmp_path / "report.json"))
    assert saved["failures"] == []
    assert saved["causes"] == {}


def test_one_class_is_scored_as_one(pairs, tmp_path):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    source.classes, source.palette = ("rest", "thing"), ((0, 0, 0), (230, 159, 0))
    source.decode = lambda raw, path: np.where(raw == 255, 255, raw > 0).astype(np.int64)
    chance = np.where(draw_pair(11)[1] == 2, 0.8, 0.1).astype(np.float32)

    class SameAnswer(Oracle):
        def __call__(self, image):
            return Prediction((chance >= self.threshold).astype(np.uint8), chance[None])

    predictor = SameAnswer(classes=source.classes)
    predictor.palette = source.palette
    report = evaluate_run(predictor, source)
    saved = read_json(report.save_json(tmp_path / "report.json"))
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


def test_many_classes_fit_on_a_page(tmp_path, shared_data):
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
    read_json(report.save_json(tmp_path / "report.json"))


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
def test_a_file_name_stays_a_name(name, tmp_path):
    root = drop_splits(write_pairs(tmp_path / "data"))
    for folder in ("images", "masks"):
        (root / folder / "10.png").rename(root / folder / f"{name}.png")
    source = catalog.load(Config(dataset="folder", root=root, classes=("<b>ground</b>", "house", "lake")))
    source.fixed = {f"images/{name}.png": "test", "images/11.png": "train"}
    oracle = Oracle(lambda n, m: np.zeros_like(m), source.classes)
    report = evaluate_run(oracle, source)
    page = page_of(report, tmp_path)
    assert f"images/{name}.png" in page.text
    assert "<b>ground</b>" in page.text
    assert not any("onerror" in a or "onload" in a for _, a in page.tags)
    assert page.all("img")[0]["alt"].startswith(f"Image of images/{name}.png")
    assert read_json(report.save_json(tmp_path / "r.json"))["failures"][0]["image"] == f"images/{name}.png"


def test_a_name_of_any_bytes_is_written(pairs, tmp_path):
    report = evaluate_run(Oracle(nothing_in_11), catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES)))
    report.about["images"][1] = "b\udce4r.png"
    page_of(report, tmp_path)
    assert read_json(report.save_json(tmp_path / "r.json"))["failures"][0]["image"] == "b\udce4r.png"


@pytest.mark.parametrize("form", ["save_html", "save_json"])
def test_a_full_disk_leaves_the_last_report(form, pairs, tmp_path):
    report = evaluate_run(Oracle(nothing_in_11), catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES)))
    path = getattr(report, form)(tmp_path / "report")
    before = snapshot(tmp_path)
    with full_disk(), pytest.raises(CourseError) as error:
        getattr(report, form)(path)
    assert_clear(error, path, "cannot write")
    assert snapshot(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_named(pairs, tmp_path):
    report = evaluate_run(Oracle(), catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES)))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError) as error:
        report.save_json(tmp_path / "file" / "deep" / "report.json")
    assert_clear(error, tmp_path / "file", "choose another")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_data_set_of_other_classes_is_refused(pairs):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=("a", "b", "c")))
    with pytest.raises(CourseError) as error:
        evaluate_run(Oracle(), source)
    assert_clear(error, "ground, house, lake", "a, b, c", "its own classes")


# ---------------------------------------------------------------- which classes are rare
def test_shares_of_the_training_pixels_are_those_of_the_masks(pairs):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    shares, read = training_shares(source)
    ids = np.concatenate([draw_pair(n)[1].ravel() for n in range(8)])
    assert shares.tolist() == pytest.approx([(ids == c).sum() / (ids < 255).sum() for c in range(3)])
    assert read == 8
    (pairs / "masks" / "03.png").write_bytes(b"no picture")
    assert training_shares(source)[1] == 7
    assert training_shares(source, most=2)[1] == 2


def test_without_training_masks_no_class_is_called_rare_and_the_page_says_so(pairs, tmp_path):
    source = catalog.load(Config(dataset="folder", root=pairs, classes=CLASSES))
    source.fixed = {"images/10.png": "test", "images/11.png": "test"}
    report = evaluate_run(Oracle(nothing_in_11), source)
    assert "rare" not in report.causes
    assert report.about["training_shares"] is None
    assert "no class is called rare" in page_of(report, tmp_path).words

"""segmenter/check/html_report.py: one page that needs nothing else, and that anyone can read."""

import base64
import io

import pytest
from helpers import (
    CLASSES,
    COURSE,
    Page,
    assert_clear,
    drop_splits,
    full_disk,
    snapshot,
    three_class_folder,
    write_pairs,
)
from PIL import Image

from segmenter.check import check_dataset
from segmenter.check.html_report import save_html
from utils import catalog
from utils.config import Config
from utils.errors import CourseError


def page_of(report, tmp_path, **options):
    return Page(save_html(report, tmp_path / "out" / "report.html", **options).read_text("utf-8"))


def test_the_page_of_the_real_photographs(human_report, tmp_path):
    page = page_of(human_report, tmp_path)
    assert human_report.verdict in page.text
    assert all(finding.kind in page.text and finding.remedy in page.text for finding in human_report.findings)
    assert "102.jpg = 270.jpg" in page.text
    assert all(f"{stem}.png" in page.text for stem in ("1", "300"))  # every one of the 198, folded away
    assert "46 regions" in page.text
    assert (tmp_path / "out" / "report.html").stat().st_size < 2e6


def test_the_page_needs_no_other_file_and_no_network(human_report, tmp_path):
    page = page_of(human_report, tmp_path)
    links = [v for _, attributes in page.tags for k, v in attributes.items() if k in ("src", "href", "action", "data")]
    assert links
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "url(" not in (tmp_path / "out" / "report.html").read_text()
    for link in links[:6]:
        with Image.open(io.BytesIO(base64.b64decode(link.split(",")[1]))) as picture:
            assert max(picture.size) <= 320


def test_images_tables_and_plots_have_words(human_report, tmp_path):
    page = page_of(human_report, tmp_path)
    assert all(image["alt"].strip() for image in page.all("img"))
    assert all(plot["aria-label"].strip() for plot in page.all("svg"))
    assert len(page.all("th")) > 10
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert page.all("html") == [{"lang": "en"}]
    cells = [attributes.get("class") for attributes in page.all("td")]
    assert all(f"{f.severity}{f.kind}" in page.text and f.severity in cells for f in human_report.findings)


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a&b", '" onload="alert(1)', "{{ 7 * 7 }}", "ünïcöde"]
)
def test_a_file_name_stays_a_name(name, tmp_path, check_folder):
    root = drop_splits(write_pairs(tmp_path / "data"))
    for folder in ("images", "masks"):
        (root / folder / "00.png").rename(root / folder / f"{name}.png")
    Image.new("L", (48, 40), 1).save(root / "images" / f"{name}.png")
    page = page_of(check_folder(root, classes=CLASSES), tmp_path, gallery=12)
    assert f"{name}.png" in page.text
    assert not any("onerror" in a or "onload" in a for _, a in page.tags)
    assert any(a.get("alt") == f"Image {name}.png" for a in page.all("img"))


def test_names_of_classes_are_escaped_too(pairs, tmp_path, check_folder):
    page = page_of(check_folder(pairs, classes=("<b>ground</b>", "house", "lake")), tmp_path)
    assert "<b>ground</b>" in page.text


def test_a_name_of_any_bytes_is_written(tmp_path, check_folder):
    root = drop_splits(write_pairs(tmp_path / "data"))
    try:
        for folder in ("images", "masks"):
            (root / folder / "00.png").rename(root / folder / "b\udce4r.png")
    except OSError:
        pytest.skip("this file system takes names of UTF-8 only")
    page_of(check_folder(root, classes=CLASSES), tmp_path)


def test_faults_of_every_file_still_make_a_page(pairs, tmp_path):
    source = three_class_folder(pairs)
    for path in (pairs / "images").glob("*.png"):
        path.write_bytes(b"")
    page = page_of(check_dataset(source), tmp_path)
    assert "Mend the errors" in page.text
    assert page.all("img") == []


def test_look_alikes_are_shown_side_by_side(pairs, tmp_path, check_folder):
    with Image.open(pairs / "images" / "03.png") as picture:
        picture.convert("RGB").save(pairs / "images" / "09.png")
        picture.resize((96, 80)).save(pairs / "images" / "10.png")
    Image.new("L", (96, 80), 1).save(pairs / "masks" / "10.png")
    report = check_folder(pairs, classes=CLASSES)
    assert report.warnings["near duplicates in several splits"] == ["10.png (test) ~ 03.png (train)"]
    page = page_of(report, tmp_path, gallery=0)
    assert "Look-alikes in different splits" in page.text
    assert "of 512 bits differ" in page.text


@pytest.mark.parametrize("dataset", ["tiny", "voc"])
def test_the_page_works_for_six_classes_and_for_21(dataset, shared_data, tmp_path):
    root = None if dataset == "tiny" else shared_data(dataset)
    report = check_dataset(catalog.load(Config.preset(dataset, root=root)))
    page = page_of(report, tmp_path, gallery=3)
    assert all(name in page.text for name in report.classes)
    assert len([a for a in page.all("div") if a.get("class") == "bar"]) == len(report.classes)


def test_the_gallery_depends_on_its_seed(human_report, tmp_path):
    names = [[a["alt"] for a in page_of(human_report, tmp_path, gallery=6, seed=s).all("img")][-12:] for s in (0, 0, 1)]
    assert names[0] == names[1] != names[2]


def test_a_full_disk_leaves_the_last_page(pairs, tmp_path, check_folder):
    report = check_folder(pairs, classes=CLASSES)
    path = save_html(report, tmp_path / "report.html", gallery=2)
    before = snapshot(tmp_path)
    with full_disk(), pytest.raises(CourseError) as error:
        save_html(report, path, gallery=2)
    assert_clear(error, path, "cannot write")
    assert snapshot(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_named(pairs, tmp_path, check_folder):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError) as error:
        save_html(check_folder(pairs), tmp_path / "file" / "deep" / "report.html", gallery=0)
    assert_clear(error, tmp_path / "file", "choose another")


def test_no_template_names_an_address():
    templates = list((COURSE / "segmenter" / "templates").iterdir())
    assert {"base.html", "check.html", "report.html"} <= {path.name for path in templates}
    assert not any("http" in path.read_text() for path in templates)

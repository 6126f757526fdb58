"""The app in a real browser: headless Chromium, a server on this machine, and nothing beyond it."""

import io
import re
import time
from urllib.parse import urlparse

import numpy as np
import pytest
from helpers import assert_sentence, draw_pair
from PIL import Image

from segmenter.app import launch
from segmenter.app.layout import sample_pictures
from utils.images import read_image
from utils.inference import SHIPPED, Predictor
from utils.plots import overlay

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the sockets of gradio and playwright
    pytest.mark.usefixtures("collect_litter"),
]
WAIT = 30_000  # milliseconds, on a machine that is busy with other tests


@pytest.fixture(scope="module")
def predictor():
    return Predictor.from_run(SHIPPED, device="cpu")


@pytest.fixture(scope="module")
def app(predictor, tmp_path_factory):
    """A server for all tests here; when it stops, nothing that visitors left is on the disk."""
    folder = tmp_path_factory.mktemp("gradio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        app = launch(predictor, block=False)
        yield app
        app.close()
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left <= {path.name for path in sample_pictures(predictor)}


@pytest.fixture
def visit(app, browser):
    """Open the page as a new visitor. At the end: no request has left the machine, and no script failed."""
    contexts, hosts, faults = [], set(), []

    def open_page(**options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.on("request", lambda request: hosts.add(urlparse(request.url).hostname))
        page.on("websocket", lambda opened: hosts.add(urlparse(opened.url).hostname))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(app.local_url)
        page.get_by_role("heading", name="Your segmenter").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert hosts - {None} == {"127.0.0.1"}  # None: blob: and data:, which no server sees
    assert not faults


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "lake side.png"
    Image.fromarray(draw_pair(0, size=(120, 160))[0]).save(path)
    return path


def upload(page, path):
    page.locator("#picture input[type=file]").set_input_files(str(path))


def shown(page):
    """Wait for the overlay, and return its pixels as the server sent them."""
    source = page.locator("#result img").get_attribute("src")
    return np.array(Image.open(io.BytesIO(page.request.get(source).body())).convert("RGB"))


def settle(page, expected):
    """Wait until the overlay equals the one that the library draws; a slider may bring others on the way."""
    last = time.monotonic() + WAIT / 1000
    while not np.array_equal(shown(page), expected) and time.monotonic() < last:
        page.wait_for_timeout(100)
    assert np.array_equal(shown(page), expected)


def set_number(page, slider, value):
    box = page.locator(f"#{slider} input[type=number]")
    box.fill(str(value))
    box.press("Enter")


def test_a_picture_becomes_its_overlay_its_areas_and_a_mask_to_keep(visit, predictor, photo, tmp_path):
    page = visit(viewport={"width": 1280, "height": 900})
    image = read_image(photo)
    mask = predictor(image).mask
    upload(page, photo)
    assert (shown(page) == overlay(image, mask, predictor.palette, 0.45)).all()
    assert "160 by 120 pixels" in page.locator("#status").inner_text()
    table = page.locator("#areas").inner_text()
    for index, name in enumerate(predictor.classes):
        pattern = rf"{name}\s+{(mask == index).mean():.1%}\s+{(mask == index).sum():,}"
        assert re.search(pattern, table), (pattern, table)

    set_number(page, "opacity", 0.8)
    settle(page, overlay(image, mask, predictor.palette, 0.8))

    with page.expect_download() as download:
        page.get_by_role("button", name="Download the mask").click()
    assert download.value.suggested_filename == "lake side_mask.png"
    saved = Image.open(download.value.path())
    assert saved.mode == "P"
    assert (np.array(saved) == mask).all()

    page.screenshot(path=tmp_path / "page.png", full_page=True)
    picture = np.array(Image.open(tmp_path / "page.png").convert("RGB")).reshape(-1, 3)
    assert len(np.unique(picture, axis=0)) > 500  # a photograph is on it, not an empty page


def test_the_server_gets_the_very_bytes_of_a_picture_that_browsers_alter(visit, predictor, tmp_path):
    page = visit()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    path = tmp_path / "turned.jpg"
    Image.fromarray(draw_pair(1, size=(120, 160))[0]).save(path, exif=exif)
    upload(page, path)
    image = read_image(path)
    assert image.shape == (160, 120, 3)
    assert (shown(page) == overlay(image, predictor(image).mask, predictor.palette, 0.45)).all()
    deep = tmp_path / "deep.png"
    Image.fromarray(draw_pair(2, size=(96, 96))[0][..., 0].astype(np.uint16) * 200).save(deep)
    page.locator("#picture").get_by_role("button", name="Remove Image").click()
    page.locator("#result img").wait_for(state="detached")
    upload(page, deep)
    image = read_image(deep)
    assert (shown(page) == overlay(image, predictor(image).mask, predictor.palette, 0.45)).all()


def test_a_bad_file_is_one_sentence_and_the_next_picture_works(visit, photo, tmp_path):
    page = visit()
    (tmp_path / "notes.jpg").write_text("no picture at all")
    upload(page, tmp_path / "notes.jpg")
    alert = page.get_by_role("alert").filter(has_text="notes.jpg")
    alert.wait_for()
    assert_sentence(alert.inner_text(), "notes.jpg", "cannot be read", "complete image file")
    assert page.locator("#result img").count() == 0
    assert "Traceback" not in page.content()
    page.locator("#picture").get_by_role("button", name="Remove Image").click()
    page.get_by_text("Choose a picture to begin").wait_for()
    upload(page, photo)
    assert shown(page).shape == (120, 160, 3)


def test_two_visitors_keep_their_own_pictures(visit, predictor, tmp_path):
    images, pages = [], []
    for index in range(2):
        path = tmp_path / f"{index}.png"
        Image.fromarray(draw_pair(index, size=(96, 96 + 32 * index))[0]).save(path)
        images.append(read_image(path))
        pages.append(visit())
        upload(pages[-1], path)
        shown(pages[-1])
    for page, image in zip(pages, images, strict=True):
        set_number(page, "opacity", 0.3)
        settle(page, overlay(image, predictor(image).mask, predictor.palette, 0.3))


def test_a_sample_the_threshold_and_a_click_by_keyboard_on_a_phone_in_the_dark(visit, predictor, tmp_path):
    page = visit(viewport={"width": 375, "height": 800}, color_scheme="dark")
    page.get_by_role("button", name="Sample picture 2").press("Enter")
    sample = shown(page)
    assert sample.shape == (256, 256, 3)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    slider = page.get_by_role("slider", name="Unsure below")
    slider.focus()
    slider.press("End")
    page.locator("#areas").get_by_text("unsure").wait_for()

    page.get_by_role("img", name="Mask over the picture").click(position={"x": 100, "y": 60})
    page.get_by_text(re.compile(r"Column \d+, row \d+: \w+ with probability")).wait_for()
    page.screenshot(path=tmp_path / "phone.png", full_page=True)

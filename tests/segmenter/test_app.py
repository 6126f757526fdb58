"""segmenter/app without a browser: what a visitor is answered, what is refused, where the page is served."""

import os
import re
import socket
import sys
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, assert_sentence, draw_pair
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from segmenter.app import build_app, launch, segment_picture
from segmenter.app.layout import sample_pictures
from segmenter.app.page import area_table, describe_areas, status_html
from segmenter.app.segmentation import MAX_PIXELS, VIEW_SIDE, Segmentation, describe_pixel, draw_overlay, segment_file
from segmenter.app.server import keep_local_requests_local
from utils.catalog.tiny import Tiny
from utils.errors import ConfigError, CourseError, DataError
from utils.images import read_image
from utils.inference import SHIPPED, Predictor
from utils.models import build_model
from utils.plots import overlay

# gradio leaves event loops to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collect_litter"),
]


@pytest.fixture(scope="module", autouse=True)
def gradio_folder(tmp_path_factory):
    """What the page keeps on the disk is kept among the files of the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture(scope="module")
def predictor(trained):
    return Predictor.from_run(trained, device="cpu")


@pytest.fixture(scope="module")
def one_class(predictor):
    torch.manual_seed(0)
    config = predictor.config
    return Predictor(build_model(config, 1), config, ("background", "lake"), ((0, 0, 0), (0, 114, 178)), threshold=0.4)


@pytest.fixture(scope="module")
def functions(predictor):
    """The functions behind the page, by what they segmentation to: as Gradio calls them."""
    return {fn.name: fn.fn for fn in build_app(predictor).fns.values()}


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(draw_pair(0)[0]).save(path)
    return path


def test_the_function_of_the_notebook_gives_overlay_and_shares(predictor):
    image = draw_pair(0)[0]
    mask = predictor(image).mask
    shown, shares = segment_picture(predictor, image, 1.0)
    assert shown.shape == image.shape
    assert (shown != image).any()
    assert shares.splitlines() == [f"{name}: {(mask == i).mean():.1%}" for i, name in enumerate(CLASSES)]
    with_alpha = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    assert segment_picture(predictor, with_alpha, 1.0)[1] == shares
    assert segment_picture(predictor, None, 0.5) == (None, "Choose a picture first.")


def test_a_picture_is_predicted_once_and_drawn_as_often_as_a_slider_moves(functions, predictor, photo, monkeypatch):
    segmentation, _, shown, _, button = functions["predict"](str(photo), 0.45, 0.0)
    mask = predictor(read_image(photo)).mask
    assert (read_image(shown) == overlay(read_image(photo), mask, predictor.palette, 0.45)).all()
    saved = Image.open(button.value["path"] if isinstance(button.value, dict) else button.value)
    assert saved.mode == "P"
    assert (np.array(saved) == mask).all()
    monkeypatch.setattr(Predictor, "__call__", lambda *_: pytest.fail("predicted again"))
    again = functions["update_overlay"](segmentation, 0.9, 0.0)
    assert (read_image(again) == overlay(read_image(photo), mask, predictor.palette, 0.9)).all()


def test_before_a_picture_the_sliders_change_nothing_and_the_page_says_how_to_begin(functions):
    import gradio

    segmentation, status, shown, table, button = functions["predict"](None, 0.45, 0.0)
    assert segmentation is None
    assert shown is None
    assert not button.interactive
    assert "Choose a picture to begin" in status
    assert all(name in table for name in CLASSES)
    assert functions["update_overlay"](None, 0.3, 0.0) == gradio.skip()
    assert functions["update_all"](None, 0.3, 0.0) == (gradio.skip(),) * 4


def save(path: Path, image: Image.Image, **options: object) -> None:
    image.save(path, **options)


def cut(path: Path) -> None:
    memory = BytesIO()
    Image.fromarray(draw_pair(0, size=(90, 80))[0]).save(memory, "JPEG")
    path.write_bytes(memory.getvalue()[:600])


BAD = {
    "text.jpg": (lambda p: p.write_text("no picture at all"), ["cannot be read", "complete image file"]),
    "empty.png": (lambda p: p.write_bytes(b""), ["0 bytes", "complete image file"]),
    "page.png": (lambda p: p.write_text("<!DOCTYPE html><p>404"), ["web page", "complete image file"]),
    "cut.jpg": (cut, ["cannot be read", "complete image file"]),
    "vector.svg": (lambda p: p.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>'), ["cannot be read"]),
    "huge.png": (lambda p: save(p, Image.new("1", (8000, 6000))), ["48 million pixels", "40 million", "smaller"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_ends_in_one_sentence_on_the_page_that_names_no_folder(functions, tmp_path, name):
    make, words = BAD[name]
    make(tmp_path / name)
    segmentation, status, shown, _, button = functions["predict"](str(tmp_path / name), 0.45, 0.0)
    assert segmentation is None
    assert shown is None
    assert button.value is None
    assert 'role="alert"' in status
    assert str(tmp_path) not in status
    assert "remove it" not in status
    assert_sentence(status.removesuffix("</p>").split(">", 1)[1], name, *words)


GOOD = {
    "one.png": lambda p: save(p, Image.new("RGB", (1, 1))),
    "line.png": lambda p: save(p, Image.new("RGB", (30000, 2))),
    "grey.png": lambda p: save(p, Image.fromarray(draw_pair(0)[0]).convert("L")),
    "deep.png": lambda p: save(p, Image.fromarray(draw_pair(0)[0][..., 0].astype(np.uint16) * 257)),
    "clear.png": lambda p: save(p, Image.fromarray(draw_pair(0)[0]).convert("RGBA")),
    "print.jpg": lambda p: save(p, Image.fromarray(draw_pair(0)[0]).convert("CMYK")),
    "turned.jpg": lambda p: save(p, Image.fromarray(draw_pair(0)[0]), exif=turned()),
}


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    return exif


@pytest.mark.parametrize("name", GOOD)
def test_pictures_of_every_kind_get_the_mask_that_the_library_gives(functions, predictor, tmp_path, name):
    GOOD[name](tmp_path / name)
    segmentation, status, shown, _, _ = functions["predict"](str(tmp_path / name), 0.45, 0.0)
    expected = predictor(read_image(tmp_path / name)).mask
    assert (segmentation.class_ids(0.0) == expected).all()
    height, width = expected.shape
    assert f"{width} by {height} pixels" in status
    assert max(read_image(shown).shape) <= VIEW_SIDE
    if name == "turned.jpg":
        assert expected.shape == draw_pair(0)[0].shape[1::-1]


def test_a_name_is_not_taken_for_advice(predictor, tmp_path):
    path = tmp_path / "a, or remove it.png"
    path.write_bytes(b"")
    with pytest.raises(DataError) as error:
        segment_file(predictor, path)
    assert str(error.value) == f"{path.name} is empty (0 bytes). Replace it with a complete image file."


def test_out_of_memory_is_a_sentence(predictor, photo, monkeypatch):
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Predictor, "__call__", fail)
    with pytest.raises(DataError) as error:
        segment_file(predictor, photo)
    assert_clear(error, "photo.png", "memory", "smaller")
    assert MAX_PIXELS * 5 < 1e9  # what a session keeps


@given(threshold=st.floats(0, 1))
def test_the_threshold_of_one_class_is_that_of_the_predictor(one_class, threshold):
    image = draw_pair(3)[0]
    probability = one_class(image).probabilities
    segmentation = Segmentation("x", image, one_class(image).mask, probability[0], 0.0, binary=True)
    same = Predictor(one_class.model, one_class.config, one_class.classes, one_class.palette, threshold=threshold)
    assert (segmentation.class_ids(threshold) == same(image).mask).all()


@given(threshold=st.floats(0, 1))
def test_of_several_classes_the_threshold_leaves_unsure_pixels_unlabelled(predictor, threshold):
    image = draw_pair(3)[0]
    prediction = predictor(image)
    top = prediction.probabilities.max(axis=0)
    segmentation = Segmentation("x", image, prediction.mask, top, 0.0, binary=False)
    ids = segmentation.class_ids(threshold)
    assert ((ids == 255) == (top < threshold)).all()
    assert (ids[ids != 255] == prediction.mask[ids != 255]).all()
    shown = draw_overlay(segmentation, predictor, 1.0, threshold)
    bare = draw_overlay(segmentation, predictor, 0.0, 2.0)  # above every probability: nothing is painted
    assert (bare == image).all()
    assert shown.shape == image.shape


def test_a_large_picture_is_shown_small_and_its_mask_keeps_its_size(predictor, tmp_path):
    image = np.tile(draw_pair(0)[0], (3, 40, 1))  # 120 x 1920
    Image.fromarray(image).save(tmp_path / "wide.png")
    segmentation = segment_file(predictor, tmp_path / "wide.png")
    assert segmentation.view.shape == (100, VIEW_SIDE, 3)
    assert draw_overlay(segmentation, predictor, 0.45, 0.0).shape == (100, VIEW_SIDE, 3)
    assert segmentation.class_ids(0.0).shape == (120, 1920)


def test_the_table_and_the_sentence_give_every_class_its_area(predictor, one_class):
    ids = np.array([[2, 2, 2, 0], [2, 2, 255, 0]], dtype=np.uint8)
    table = area_table(predictor, ids)
    assert re.findall("</span>(\\w+)", table) == ["lake", "ground", "house", "unsure"]
    assert "62.5%" in table
    assert "25.0%" in table
    assert "12.5%" in table
    assert "0.0%" in table
    status = describe_areas(predictor, ids, "shore", 0.25)
    assert status == "shore, 4 by 2 pixels: lake 62%, ground 25%. Predicted in 0.25 s."
    everything_unsure = np.full((2, 2), 255, np.uint8)
    assert "nothing that the model is sure of" in describe_areas(predictor, everything_unsure, "fog", 0.1)
    assert area_table(one_class, ids % 2).count("clear") == 1  # the background shows the picture


def test_names_are_shown_as_text_never_as_markup(predictor):
    assert "<script>" not in status_html("<script>alert(1)</script>.jpg cannot be read")
    evil = Predictor(predictor.model, predictor.config, ("<b>a</b>", "b", "c"), predictor.palette)
    assert "<b>" not in area_table(evil, np.zeros((2, 2), np.uint8))


def test_a_click_names_the_pixel_of_the_picture_itself(predictor, one_class):
    best = np.zeros((200, 400), np.uint8)
    best[101, 203] = 2
    confidence = np.full((200, 400), 0.875, np.float32)
    segmentation = Segmentation("x", np.zeros((100, 200, 3), np.uint8), best, confidence, 0.0, binary=False)
    assert describe_pixel(segmentation, predictor, 101, 50) == "Column 202, row 100: ground with probability 0.88."
    segmentation = Segmentation("x", np.zeros((200, 400, 3), np.uint8), best, confidence, 0.0, binary=False)
    assert "lake" in describe_pixel(segmentation, predictor, 203, 101)
    segmentation = Segmentation("x", np.zeros((200, 400, 3), np.uint8), best, confidence, 0.0, binary=True)
    assert describe_pixel(segmentation, one_class, 0, 0) == "Column 0, row 0: lake with probability 0.88."


def test_samples_are_held_out_pictures_of_what_the_model_knows(predictor, tiny):
    assert sample_pictures(predictor) == []
    samples = sample_pictures(Predictor.from_run(SHIPPED, device="cpu"))
    assert len(samples) == 4
    assert set(samples) <= {pair.image for pair in tiny.pairs("test")}
    assert tiny.classes == Tiny.classes


def test_without_gradio_the_remedy_is_named(predictor, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(CourseError) as error:
        build_app(predictor)
    assert_clear(error, "gradio", "pip install gradio")


def test_a_port_or_an_address_that_cannot_be_had_is_a_sentence(predictor):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as error:
            launch(predictor, port=port)
        assert_clear(error, str(port), "taken", "--port")
    with pytest.raises(ConfigError) as error:
        launch(predictor, port=70000)
    assert_clear(error, "70000", "1024 to 65535")
    with pytest.raises(ConfigError) as error:
        launch(predictor, host="203.0.113.7")
    assert_clear(error, "203.0.113.7", "--host")


def test_the_page_is_served_on_this_machine_only_even_beside_a_proxy(predictor, monkeypatch, capsys):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.org")
    app = launch(predictor, block=False)
    try:
        assert app.server_name == "127.0.0.1"
        assert app.local_url in capsys.readouterr().out
        assert app.share_url is None
        with urlopen(app.local_url) as page:
            html = page.read().decode()
        assert "Your segmenter" in html
        assert "fonts.googleapis.com" not in html
    finally:
        app.close()
    keep_local_requests_local()

    assert os.environ["NO_PROXY"] == "example.org,localhost,127.0.0.1"

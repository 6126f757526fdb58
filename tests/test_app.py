"""utils/app.py: the page is built, and its one function works; nothing is served."""

import sys

import numpy as np
import pytest
from helpers import CLASSES, assert_clear, draw_pair

from utils.app import build_app
from utils.errors import CourseError
from utils.inference import Predictor

# gradio leaves event loops to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("collect_litter"),
]


@pytest.fixture
def predictor(trained):
    return Predictor.from_run(trained, device="cpu")


def test_a_picture_gives_its_overlay_and_the_share_of_each_class(predictor):
    app = build_app(predictor)
    segment = next(iter(app.fns.values())).fn
    image = draw_pair(0)[0]
    mask = predictor(image).mask
    shown, shares = segment(image, 1.0)
    assert shown.shape == image.shape
    assert (shown != image).any()
    expected = [f"{name}: {(mask == i).mean():.1%}" for i, name in enumerate(CLASSES)]
    assert shares.splitlines() == expected
    with_alpha = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    assert segment(with_alpha, 1.0)[1] == shares
    assert segment(None, 0.5) == (None, "Choose a picture first.")


def test_without_gradio_the_remedy_is_named(predictor, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(CourseError) as error:
        build_app(predictor)
    assert_clear(error, "gradio", "pip install gradio")

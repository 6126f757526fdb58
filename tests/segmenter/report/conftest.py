"""A predictor that errs as told, and the shipped model on scenes of which three are labelled wrongly."""

import json
import shutil

import numpy as np
import pytest
from helpers import CLASSES, COURSE, Page, draw_pair
from PIL import Image

from segmenter.report import evaluate_run, save_html, save_json
from utils import catalog
from utils.checkpoint import load_weights
from utils.config import Config
from utils.inference import SHIPPED, Prediction, Predictor

CHANGED = {"town11_00": "moved", "town11_03": "moved", "town12_02": "emptied"}  # masks of the test split


class Oracle:
    """A predictor that knows the truth of the drawn test images, and errs as told."""

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

    @staticmethod
    def nothing_in_11(number, mask):
        return np.zeros_like(mask) if number == 11 else mask


@pytest.fixture(scope="session")
def oracle():
    """The class of predictors that know the truth."""
    return Oracle


@pytest.fixture(scope="session")
def page_of():
    """Save an evaluation as a page below a folder, and return the page."""
    return lambda evaluation, folder: Page(save_html(evaluation, folder / "out" / "report.html").read_text("utf-8"))


@pytest.fixture(scope="session")
def numbers_of():
    """Save an evaluation as JSON in a folder, and return what strict JSON reads from it."""

    def refuse(word):
        raise AssertionError(f"{word} is not strict JSON")

    def read(evaluation, folder):
        return json.loads(save_json(evaluation, folder / "report.json").read_text("ascii"), parse_constant=refuse)

    return read


@pytest.fixture(scope="session")
def changed_names():
    """The images of the test split whose masks were made wrong in `tiny_copy`."""
    return {f"images/{name}.jpg" for name in CHANGED}


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def shipped():
    """The shipped model."""
    return Predictor.from_run(SHIPPED, device="cpu")


@pytest.fixture(scope="session")
def evaluation(tiny_copy, shipped):
    """The shipped model on scenes of which three are labelled wrongly: read it, never change it."""
    return evaluate_run(shipped, catalog.load(Config(root=tiny_copy)), "test", load_weights(SHIPPED)[1]["facts"])


@pytest.fixture(scope="session")
def saved(evaluation, numbers_of, tmp_path_factory):
    """The numbers of `evaluation`, from its JSON."""
    return numbers_of(evaluation, tmp_path_factory.mktemp("json"))

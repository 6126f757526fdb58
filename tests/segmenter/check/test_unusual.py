"""utils/looks.py, utils/unusual.py and their figures: the extremes of a data set, with reasons that are true."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from helpers import CLASSES, draw_pair, drop_splits, write_pairs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from segmenter.check import check_dataset
from segmenter.check.appearance import histogram, look
from segmenter.check.unusual import sample_pairs, unusual
from utils import catalog, plots
from utils.config import Config
from utils.errors import DataError


def checked(root, **fields):
    return check_dataset(catalog.load(Config(dataset="folder", root=root, **{"classes": CLASSES} | fields)))


def reasons_of(report, name, limit=40):
    found = {report.facts[i].pair.image.name: reasons for i, reasons in unusual(report, limit)}
    return " | ".join(found.get(name, []))


@given(st.integers(0, 999), st.integers(1, 40), st.integers(1, 40))
def test_histograms_count_as_numpy_does(seed, height, width):
    values = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    assert histogram(values).tolist() == np.bincount(values.ravel(), minlength=256).tolist()


def test_looks_by_hand():
    image = np.full((64, 64, 3), 100, np.uint8)
    image[16:32, 16:32] = 180
    mask = np.zeros((64, 64), np.uint8)
    mask[16:32, 16:32] = mask[40:44, 60:64] = 1
    found = look(image, mask, 2)
    assert found["brightness"] == pytest.approx(105)
    assert found["contrast"] == pytest.approx(np.std([180] * 256 + [100] * (4096 - 256)))
    assert found["regions"] == 2
    assert found["borders"] == 1
    assert found["hidden class"] == 1
    assert 20 < found["colour distance"] < 80
    assert look(image, np.full_like(mask, 255), 2)["regions"] == 0


def test_a_hidden_object_is_closer_to_its_surroundings_than_a_bright_one():
    mask = np.zeros((64, 64), np.uint8)
    mask[16:40, 16:40] = 1
    distances = []
    for tone in (104, 140, 250):
        image = np.full((64, 64, 3), 100, np.uint8)
        image[mask == 1] = tone
        distances.append(look(image, mask, 2)["colour distance"])
    assert distances == sorted(distances)
    assert distances[0] < 5 < distances[1]


def alter(root, name, change):
    for folder, index in (("images", 0), ("masks", 1)):
        path = root / folder / f"{name}.png"
        with Image.open(path) as picture:
            pair = np.array(picture)
        Image.fromarray(change(pair, index)).save(path)


def speckled(values, index):
    return np.where((np.indices(values.shape) % 2).any(0), 0, 2).astype(np.uint8) if index else values


CASES = {
    "darkest": lambda v, i: v if i else (v * 0.05).astype(np.uint8),
    "brightest": lambda v, i: v if i else (255 - (255 - v) * 0.1).astype(np.uint8),
    "blurriest": lambda v, i: v if i else np.full_like(v, 110) + (np.arange(48) // 8)[None, :, None].astype(np.uint8),
    "most fragmented mask": speckled,
    "longest shape": lambda v, i: np.concatenate([v, v, v], axis=1),
    "most ignored": lambda v, i: np.where(np.arange(48) < 40, 255, v).astype(np.uint8) if i else v,
}


@pytest.mark.parametrize("reason", CASES)
def test_what_was_made_extreme_is_named_with_its_reason(reason, pairs):
    alter(pairs, "04", CASES[reason])
    assert reason in reasons_of(checked(pairs), "04.png")


def test_faulty_pairs_and_ignored_ones_are_shown_nowhere(pairs):
    (pairs / "masks" / "03.png").write_bytes(b"")
    Image.new("L", (48, 40), 255).save(pairs / "masks" / "04.png")
    report = checked(pairs)
    shown = {report.facts[i].pair.image.stem for i, _ in unusual(report, 40)} | {
        report.facts[i].pair.image.stem for i in sample_pairs(report, 40)
    }
    assert shown.isdisjoint({"03", "04"})
    assert len(sample_pairs(report, 40)) == 10


def test_the_sample_depends_on_its_seed_alone(tiny):
    report = check_dataset(tiny)
    assert sample_pairs(report, 8, seed=1) == sample_pairs(report, 8, seed=1)
    assert sample_pairs(report, 8, seed=1) != sample_pairs(report, 8, seed=2)
    assert len(set(sample_pairs(report, 8))) == 8


def test_the_unusual_photographs_of_people(human_report):
    found = {human_report.facts[i].pair.image.name: reasons for i, reasons in unusual(human_report)}
    assert 10 <= len(found) <= 12
    assert "most person: 84.9% of the image (median 26.8%)" in found["67.jpg"]
    assert "most fragmented mask: 46 regions (median 1)" in found["110.jpg"]  # its mask has holes all over
    assert any(reason.startswith("darkest: mean grey 16") for reason in found["178.jpg"])


def test_figures_show_what_the_report_holds(human_report):
    figure = plots.show_unusual(human_report, 5)
    titles = [ax.get_title() for ax in figure.axes]
    expected = [human_report.facts[i].pair.image.name for i, _ in unusual(human_report, 5)]
    assert [title.split("\n")[0] for title in titles if title] == expected
    assert all("\n" in title for title in titles if title)
    gallery = plots.show_gallery(human_report, 4, seed=3)
    expected = [human_report.facts[i].pair.image.name for i in sample_pairs(human_report, 4, seed=3)]
    assert [ax.get_title() for ax in gallery.axes] == expected
    assert all(len(ax.images) == 1 for ax in gallery.axes)
    plt.close("all")


def test_a_figure_of_nothing_says_why(tmp_path):
    root = drop_splits(write_pairs(tmp_path, splits=["train"] * 3))
    report = checked(root)
    for path in (root / "masks").glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no sound pair"):
        plots.show_gallery(checked(root))
    assert report.ok


@pytest.mark.parametrize("shape", [(30, 50), (50, 30), (40, 40)])
def test_squares_keep_every_pixel(shape):
    image, _ = draw_pair(0, shape)
    assert plots.square(image).shape == (max(shape), max(shape), 3)
    left = (max(shape) - shape[1]) // 2
    assert (plots.square(image)[: shape[0], left : left + shape[1]] == image).all()

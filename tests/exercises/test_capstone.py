"""The capstone: its town can be drawn, bought from and graded, and its notebook runs to the end untouched."""

import csv
from shutil import copytree
from zipfile import ZipFile

import nbformat
import numpy as np
import pytest
from helpers import assert_clear
from PIL import Image

from exercises import capstone
from exercises.capstone import BUDGET, BudgetError, SnowTown
from exercises.course import BUILD, CAPSTONE, execute_notebook
from exercises.figures.capstone import plot_failures, plot_found, plot_town
from exercises.snow_scenes import FIRST, draw_scenes, scene_names
from utils import catalog
from utils.catalog.tiny import Tiny
from utils.config import Config
from utils.dataset import read_pair
from utils.errors import DataError
from utils.inference import SHIPPED, Predictor

UNLABELLED = 4


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A small town; whoever buys from it takes a copy."""
    return SnowTown(tmp_path_factory.mktemp("town") / "snow", unlabelled=UNLABELLED)


@pytest.fixture
def town(drawn, tmp_path):
    return SnowTown(copytree(drawn.folder, tmp_path / "snow"), unlabelled=UNLABELLED)


def splits(folder):
    with (folder / "pairs.csv").open(encoding="utf-8") as file:
        return {row["image"]: row["split"] for row in csv.DictReader(file)}


def test_twelve_scenes_are_labelled_and_the_others_are_not(drawn):
    source = catalog.load(Config.preset("folder", root=drawn.labelled))
    assert source.classes == Tiny.classes
    assert source.palette == Tiny.palette
    assert (len(source.pairs("train")), len(source.pairs("val"))) == (9, 3)
    image, mask = read_pair(source.pairs("val")[0], source)
    assert image.shape == (256, 256, 3)
    assert set(np.unique(mask)) <= {*range(6), 255}
    assert [path.stem for path in drawn.unlabelled] == scene_names(12, UNLABELLED)
    assert not [path for path in drawn.folder.rglob("*.png") if path.parent != drawn.labelled / "masks"]


def test_a_bought_label_trains_and_is_paid_for_once(town):
    bought, kept = town.unlabelled[0], town.unlabelled[1:]
    town.buy([bought])
    assert town.bought == [bought.stem]
    assert town.unlabelled == kept
    assert splits(town.labelled)[f"images/{bought.stem}.jpg"] == "train"
    assert sorted(set(splits(town.labelled).values())) == ["train", "val"]
    with pytest.raises(BudgetError) as error:
        town.buy([bought])
    assert_clear(error, bought.stem, "not for sale")
    assert SnowTown(town.folder, unlabelled=UNLABELLED).bought == [bought.stem]  # whoever comes back has it still


def test_nothing_is_bought_beyond_the_budget(town, monkeypatch):
    monkeypatch.setattr(capstone, "BUDGET", 2)
    with pytest.raises(BudgetError) as error:
        town.buy(town.unlabelled)
    assert_clear(error, "4 labels", "2", "budget")
    assert town.bought == []
    assert BUDGET == 20


def test_an_interrupted_drawing_is_taken_up_again(town):
    lost = town.labelled / "masks" / "town13_003.png"
    before = np.array(Image.open(lost))
    lost.unlink()
    SnowTown(town.folder, unlabelled=UNLABELLED)
    assert (np.array(Image.open(lost)) == before).all()


def test_the_hidden_part_is_all_for_the_test(town, monkeypatch):
    monkeypatch.setattr(capstone, "HIDDEN", 2)
    folder = town.hidden()
    source = catalog.load(Config.preset("folder", root=folder))
    assert source.classes == Tiny.classes
    assert [pair.image.stem for pair in source.pairs("test")] == scene_names(500, 2)
    assert not {path.name for path in folder.rglob("*.jpg")} & {path.name for path in town.labelled.rglob("*.jpg")}
    with pytest.raises(DataError) as error:
        town.hidden(first=3)
    assert_clear(error, "first=3", "500")


def test_a_town_that_cannot_be_drawn_says_why(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError) as error:
        draw_scenes(["town13_000"], tmp_path / "file")
    assert_clear(error, "could not be drawn", tmp_path / "file")


def test_figures_say_what_they_show(drawn):
    predictor = Predictor.from_run(SHIPPED, device="cpu")
    source = catalog.load(Config.preset("folder", root=drawn.labelled))
    image, truth = read_pair(source.pairs("val")[0], source)
    town, found = plot_town([(image, truth)], predictor), plot_found([image], ["in doubt"], predictor)
    failures = plot_failures([image], [predictor(image).mask], predictor)
    assert [ax.get_ylabel() for ax in town.axes[:3]] == ["from above", "what the network finds", "what is there"]
    assert found.axes[0].get_title() == "in doubt"
    assert failures.axes[3].get_xlabel() == "0% of the pixels, mean IoU 1.00"


def run_notebook(town, **settings):
    """Execute the notebook on a small town with two epochs a run, and return what it printed."""
    smaller = f"SnowTown({str(town.folder)!r}, {UNLABELLED})"
    changes = {"SnowTown()": smaller, "epochs=15": "epochs=2", ", 10)": ", 2)", ", 10, seed=1)": ", 2, seed=1)"}
    text = CAPSTONE.read_text("utf-8")
    for before, after in (
        changes | {f"{name} = False": f"{name} = {value}" for name, value in settings.items()}
    ).items():
        assert before in text
        text = text.replace(before, after)
    BUILD.mkdir(exist_ok=True)
    path = BUILD / f"capstone_{town.folder.parent.name}.ipynb"  # inside the course, which its first cell looks for
    nbformat.write(nbformat.reads(text, 4), path)
    try:
        executed = execute_notebook(path, MY_WORK=str(BUILD / "no_answers"))
    finally:
        path.unlink()
    return "".join(o.get("text", "") for cell in executed.cells for o in cell.get("outputs", []))


def test_the_notebook_runs_untouched_and_spends_nothing(town):
    said = run_notebook(town)
    assert "0 of 20 labels bought" in said
    assert "have not been looked at" in said
    assert town.bought == []
    assert [run.name for run in town.runs] == ["twelve_labels"]
    assert not list(town.folder.glob("hidden_*"))


def test_the_notebook_buys_compares_grades_and_hands_in_and_may_be_run_again(town):
    said = run_notebook(town, SPEND=True, GRADE=True, HAND_IT_IN=True)
    assert "4 of 20 labels bought" in said
    assert "of what it lacked" in said
    diary = town.diary()
    assert diary["scenes"].to_dict() == {"twelve_labels": 9, "at_random": 11, "by_rule": 11, "all_labels": 13}
    assert town.views() == 2 * (9 + 11 + 11 + 13)
    with ZipFile(town.folder / "hand_in.zip") as archive:
        assert {"run/best.safetensors", "diary.csv", "bought.txt", "report.html"} <= set(archive.namelist())
        assert archive.read("bought.txt").decode().split() == town.bought
    said = run_notebook(town, SPEND=True)
    assert "The run all_labels exists and is returned as it is." in said
    assert town.diary().equals(diary)


def test_a_subset_holds_the_first_scenes_and_what_you_name(town):
    bought = town.unlabelled[:2]
    with pytest.raises(BudgetError) as error:
        town.subset("early", bought)
    assert_clear(error, bought[0].stem, "not bought")
    candidates = [path.stem for path in town.candidates]
    town.buy(bought)
    assert [path.stem for path in town.candidates] == candidates
    town.subset("ten", bought)  # the same name again: what is named now counts
    source = catalog.load(Config.preset("folder", root=town.subset("ten", bought[:1])))
    assert [pair.image.stem for pair in source.pairs("train")] == [*FIRST[:9], bought[0].stem]
    assert len(source.pairs("val")) == 3

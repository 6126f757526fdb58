"""The capstone: its town can be drawn, bought from and graded, and its notebook runs to the end untouched."""

import csv
import json
import os
import re
import sys
import types
from shutil import copytree
from zipfile import ZipFile

import nbformat
import numpy as np
import pytest
from helpers import assert_clear
from PIL import Image

from exercises import capstone, snow_visits
from exercises.capstone import BUDGET, BudgetError, SnowTown
from exercises.course import BUILD, CAPSTONE, execute_notebook
from exercises.figures.capstone import plot_failures, plot_found
from exercises.snow_runs import go_on, with_views
from exercises.snow_scenes import FIRST, draw_scenes, scene_names
from exercises.snow_visits import bring_town
from utils import catalog
from utils.catalog.tiny import Tiny
from utils.config import COURSE, Config
from utils.dataset import read_pair
from utils.errors import ConfigError, CourseError, DataError
from utils.inference import SHIPPED, Predictor
from utils.training import fit

UNLABELLED = 4
SOLUTION = COURSE / "examples" / "capstone_solution.py"


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
    town.buy(by_rule=[bought])
    assert town.bought == [bought.stem]
    assert town.unlabelled == kept
    assert splits(town.labelled)[f"images/{bought.stem}.jpg"] == "train"
    assert sorted(set(splits(town.labelled).values())) == ["train", "val"]
    with pytest.raises(BudgetError) as error:
        town.buy(by_rule=bought.stem)  # a name alone is one scene, and not a list of letters
    assert_clear(error, bought.stem, "yours already")
    with pytest.raises(BudgetError) as error:
        town.buy([bought])
    assert_clear(error, "name", "by_rule=scenes")
    with pytest.raises(BudgetError) as error:
        town.buy(by_rule="town99_000")
    assert_clear(error, "town99_000", "no scene of the town")
    town.buy(at_random=kept[0].stem)
    again = SnowTown(town.folder, unlabelled=UNLABELLED)  # whoever comes back has it still, and knows what it was for
    assert again.choices == {"by_rule": [bought.stem], "at_random": [kept[0].stem]}
    assert again.bought == sorted([bought.stem, kept[0].stem])


def test_nothing_is_bought_beyond_the_budget_or_twice(town, monkeypatch):
    monkeypatch.setattr(capstone, "BUDGET", 2)
    with pytest.raises(BudgetError) as error:
        town.buy(two=town.unlabelled[:2], more=town.unlabelled[2:])
    assert_clear(error, "4 labels", "2", "budget")
    with pytest.raises(BudgetError) as error:
        town.buy(one=town.unlabelled[:1], same=town.unlabelled[:1])
    assert_clear(error, town.unlabelled[0].stem, "chosen twice")
    assert town.bought == []
    assert not (town.folder / "bought.csv").exists()
    assert BUDGET == 20


def test_what_was_paid_for_is_drawn_when_that_was_interrupted(town, monkeypatch):
    bought = town.unlabelled[0]
    with monkeypatch.context() as patched:
        patched.setattr(SnowTown, "_draw", lambda town: None)
        town.buy(by_rule=[bought])
    SnowTown(town.folder, unlabelled=UNLABELLED)
    assert (town.labelled / "masks" / f"{bought.stem}.png").is_file()
    assert splits(town.labelled)[f"images/{bought.stem}.jpg"] == "train"
    assert not bought.exists()


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
    image, _ = read_pair(source.pairs("val")[0], source)
    found = plot_found([image], ["in doubt"], predictor)
    failures = plot_failures([image], [predictor(image).mask], predictor)
    assert found.axes[0].get_title() == "in doubt"
    assert failures.axes[3].get_xlabel() == "0% of the pixels, mean IoU 1.00"


def run_notebook(town, **settings):
    """Execute the notebook on a small town with two epochs a run, and return what it printed."""
    smaller = f"SnowTown({str(town.folder)!r}, {UNLABELLED})"
    path = BUILD / f"capstone_{town.folder.parent.name}.ipynb"  # inside the course, which its first cell looks for
    changes = {"SnowTown()": smaller, "views=96": "views=16", "96}": "16}", ", 10)": ", 2)"}
    changes |= {", 10, seed=1)": ", 2, seed=1)", "capstone.ipynb\\": path.name + "\\"}
    changes |= {f"{name} = False": f"{name} = {value}" for name, value in settings.items()}
    text = CAPSTONE.read_text("utf-8")
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    BUILD.mkdir(exist_ok=True)
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
    said = run_notebook(town, SPEND=True, GRADE=True, HAND_IT_IN=True, TAKE=True)
    assert "4 of 20 labels bought" in said
    assert "of what it lacked" in said
    assert "Your page is empty" in said
    assert "What you bought and trained is in" in said
    diary = town.diary()
    assert diary["scenes"].to_dict() == {
        "twelve_labels": 9, "at_random_16": 11, "by_rule_16": 11, "all_labels_16": 13
    }  # fmt: skip
    assert set(diary["views"]) == {16}  # equal views are equal steps, however many labels there are
    assert set(diary["steps"]) == {2}
    assert town.views() == 4 * 16
    with ZipFile(town.folder / "hand_in.zip") as archive:
        inside = {"run/best.safetensors", "diary.csv", "bought.csv", "report.html", "capstone.ipynb", "my_page.md"}
        inside.add("grades.csv")
        assert inside <= set(archive.namelist())
        assert "### 4. Three failures" in archive.read("my_page.md").decode()
    assert "The hidden scenes were looked at once." in said
    said = run_notebook(town, SPEND=True)
    assert "The run all_labels_16 exists and is returned as it is." in said
    assert town.diary().equals(diary)


def test_a_subset_holds_the_first_scenes_and_what_you_name(town):
    bought = town.unlabelled[:2]
    with pytest.raises(BudgetError) as error:
        town.subset("early", bought)
    assert_clear(error, bought[0].stem, "not bought")
    candidates = [path.stem for path in town.candidates]
    town.buy(two=bought)
    assert [path.stem for path in town.candidates] == candidates
    source = catalog.load(Config.preset("folder", root=town.subset("one", bought[:1])))
    assert [pair.image.stem for pair in source.pairs("train")] == [*FIRST[:9], bought[0].stem]
    assert len(source.pairs("val")) == 3
    assert town.subset("one", bought[:1]) == town.folder / "subsets" / "one"  # the next visit
    with pytest.raises(BudgetError) as error:
        town.subset("one", bought)
    assert_clear(error, "one", "other scenes")


def test_equal_views_are_equal_steps(drawn):
    config = Config.preset("folder", root=drawn.labelled, batch_size=8)
    assert with_views(config, 144).epochs == 18  # the loader drops the ninth scene
    assert with_views(config.override(batch_size=3), 144).epochs == 16
    assert with_views(config, 8).epochs == 1
    for views, words in (7, "costs 8"), (3001, "at most 3,000"):
        with pytest.raises(ConfigError) as error:
            with_views(config, views)
        assert_clear(error, f"views={views}", words)
    assert with_views(config.override(batch_size=7), 3000).epochs == 3000 // 7  # rounding never costs more
    with pytest.raises(ConfigError) as error:
        with_views(config.override(batch_size=10), 144)
    assert_clear(error, "batch_size=10", "9")


def test_a_run_that_was_cut_goes_on(town, capsys):
    small = {"image_size": 32, "batch_size": 4, "unet_width": 4, "unet_depth": 2, "device": "cpu", "workers": 0}
    config = Config.preset("folder", root=town.labelled, model="unet", output=town.run_folder("cut"), **small)
    assert go_on(town.run_folder("cut")) is None
    fit(config.override(epochs=1), on_epoch=None)
    config.override(epochs=3).save(config.output / "config.yaml")
    (config.output / "last.ckpt").rename(config.output / "elsewhere")
    assert len(go_on(town.run_folder("cut")).history) == 1
    assert "cut after 1 of 3 epochs on another machine" in capsys.readouterr().out
    (config.output / "elsewhere").rename(config.output / "last.ckpt")
    assert len(go_on(town.run_folder("cut")).history) == 3
    assert "cut after 1 of 3 epochs, and goes on" in capsys.readouterr().out
    assert len(go_on(town.run_folder("cut")).history) == 3
    assert "returned as it is" in capsys.readouterr().out
    with pytest.raises(BudgetError) as error:
        town.run_folder("a/b")
    assert_clear(error, "a/b", "one word")


def test_every_look_at_the_hidden_scenes_is_handed_in(town, trained, tmp_path, capsys):
    for name in ("mine", "other"):
        copytree(trained, town.folder / "runs" / name)
    for graded, words in (None, "were not looked at"), ("mine", "once"), ("mine", "2 times"), ("other", "is of other"):
        if graded:
            town.note_grade(town.folder / "runs" / graded, 0.8)
        archive = town.hand_in("mine", tmp_path / "none.ipynb")
        assert words in capsys.readouterr().out
    with ZipFile(archive) as packed:
        table = packed.read("grades.csv").decode().splitlines()
    assert table[0] == "run,hidden IoU,when"
    assert [row.split(",")[:2] for row in table[1:]] == [["mine", "0.800"], ["mine", "0.800"], ["other", "0.800"]]


def test_what_is_handed_in_holds_the_page_as_it_was_saved(town, trained, tmp_path, capsys, monkeypatch):
    run = copytree(trained, town.folder / "runs" / "mine")
    (run / "last.ckpt").write_bytes(b"large")
    notebook = nbformat.read(CAPSTONE, 4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("*Your text.*", "Every roof was found.", 1)
    nbformat.write(notebook, tmp_path / "mine.ipynb")
    archive = town.hand_in("mine", tmp_path / "mine.ipynb")
    assert "the 4 words of your page" in capsys.readouterr().out
    with ZipFile(archive) as packed:
        assert "run/last.ckpt" not in packed.namelist()
        assert "Every roof was found." in packed.read("my_page.md").decode()
        assert len(nbformat.reads(packed.read("capstone.ipynb").decode(), 4).cells) == len(notebook.cells)
    town.hand_in("mine", tmp_path / "none.ipynb")
    assert "not found" in capsys.readouterr().out
    browser = types.ModuleType("google.colab._message")
    browser.blocking_request = lambda request, timeout_sec: {"ipynb": json.loads(nbformat.writes(notebook))}
    monkeypatch.setitem(sys.modules, "google.colab._message", browser)
    town.hand_in("mine", tmp_path / "none.ipynb")
    assert "the 4 words of your page" in capsys.readouterr().out
    browser.blocking_request = lambda request, timeout_sec: None  # what Colab says where nobody looks at the page
    town.hand_in("mine", tmp_path / "none.ipynb")
    assert "not found" in capsys.readouterr().out
    with pytest.raises(DataError) as error:
        town.hand_in("yours")
    assert_clear(error, "yours", "mine")


@pytest.fixture
def drive(tmp_path, monkeypatch):
    """A stand-in for Google Drive, in whose place the page keeps a town."""
    drive = types.ModuleType("google.colab.drive")
    drive.mount = lambda place: None
    monkeypatch.setitem(sys.modules, "google.colab.drive", drive)
    monkeypatch.setattr(snow_visits, "DRIVE", tmp_path / "drive")
    monkeypatch.delenv(snow_visits.KEPT, raising=False)
    yield tmp_path / "drive" / "MyDrive" / "segmentation-course" / "snow_town.zip"
    bring_town("this runtime")


def test_a_town_that_is_kept_on_drive_goes_on_in_the_next_runtime(town, trained, tmp_path, drive):
    bring_town("Google Drive", town.folder)
    copytree(trained, town.folder / "runs" / "first")
    bought = [path.stem for path in town.unlabelled[:2]]
    town.buy(by_rule=bought)
    late = copytree(trained, town.folder / "runs" / "a_later_one") / "history.csv"
    early = late.stat().st_mtime - 3600
    os.utime(town.folder / "runs" / "first" / "history.csv", (early, early))
    (late.parent / "last.ckpt").write_bytes(b"large")
    town.keep()
    there = tmp_path / "other" / "snow"  # another machine, on which nothing was drawn
    bring_town("Google Drive", there)
    again = SnowTown(there, unlabelled=UNLABELLED)
    assert again.choices == {"by_rule": bought}
    assert (again.labelled / "masks" / f"{bought[1]}.png").is_file()
    assert [run.name for run in again.runs] == ["first", "a_later_one"]
    assert not list(there.rglob("*.ckpt"))
    again.buy(more=again.unlabelled[:1])
    with pytest.raises(CourseError) as error:  # what is on Drive has gone on without this one
        bring_town("Google Drive", town.folder)
    assert_clear(error, "other labels", "snow_town.zip")


def test_a_town_comes_back_from_the_file_that_was_taken(town, tmp_path, monkeypatch, capsys):
    bought = town.unlabelled[0].stem
    town.buy(by_rule=bought)
    archive = town.take()
    assert archive.name in capsys.readouterr().out
    files = types.ModuleType("google.colab.files")
    files.upload = lambda: {"snow_town.zip": archive.read_bytes()}
    monkeypatch.setitem(sys.modules, "google.colab.files", files)
    bring_town("a file", tmp_path / "new")
    assert SnowTown(tmp_path / "new", unlabelled=UNLABELLED).bought == [bought]
    for chosen, words in ({"notes.txt": b"x"}, "no snow_town.zip"), ({}, "No file was chosen"):
        files.upload = lambda chosen=chosen: chosen
        with pytest.raises(CourseError, match=words):
            bring_town("a file", tmp_path / "new")


def test_a_place_that_does_not_exist_says_so(tmp_path):
    for place, words in ("Google Drive", "no Drive here"), ("a file", "not Colab"), ("the moon", "the moon"):
        with pytest.raises(CourseError) as error:
            bring_town(place, tmp_path)
        assert_clear(error, words)


def test_the_page_states_what_the_solution_measured():
    measured = SOLUTION.read_text("utf-8").split('"""')[1]
    cells = {cell.id: cell.source for cell in nbformat.read(CAPSTONE, 4).cells}
    stated = re.findall(r"0\.\d{3}", cells["cap-5"])
    shares = re.findall(r"\d+(?= %| and \d+ %)", cells["cap-report"].partition("(Our own")[2].partition(")")[0])
    assert len(stated) == 3
    assert len(shares) == 6
    assert all(number in measured for number in stated)
    assert all(re.search(rf"{share} ?%", measured) for share in shares)

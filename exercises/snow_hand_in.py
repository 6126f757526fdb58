"""What you hand in for the capstone: a run, its numbers, the notebook, and the page that you wrote in it."""

import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from exercises.archive import colab, offer
from exercises.snow_visits import BOUGHT
from exercises.storage import write_atomically

GRADES = "grades.csv"  # when the hidden scenes were looked at, and with which run
PAGE, END = "## Your page", "HAND_IT_IN"  # the heading of what the learner writes, and the cell after it
PLACEHOLDER = "*Your text.*"


def read_notebook(path: str | Path) -> dict[str, Any] | None:
    """Return a notebook as it was saved or, in Colab, as it stands in the browser; None where there is neither."""
    if Path(path).is_file():
        return json.loads(Path(path).read_text(encoding="utf-8"))
    browser = colab("_message")  # no public part of Colab hands a notebook to its own kernel
    try:
        return browser.blocking_request("get_ipynb", timeout_sec=60)["ipynb"] if browser else None
    except Exception:  # whatever Colab raises, the learner can still save the notebook by hand
        return None


def written_page(notebook: dict[str, Any]) -> str:
    """Return the Markdown cells from the heading 'Your page' to the cell that hands in."""
    page: list[str] = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if page and cell["cell_type"] == "code" and END in text:
            break
        if cell["cell_type"] == "markdown" and (page or text.startswith(PAGE)):
            page.append(text)
    return "\n\n".join(page) + "\n"


def count_own_words(page: str) -> int:
    """Return how many words of a page are the learner's: neither headings nor what stood there before."""
    lines = [line for line in page.replace(PLACEHOLDER, "").splitlines() if not line.startswith("#")]
    return len(re.findall(r"\w+", "\n".join(lines).replace("Double-click this cell and write.", "")))


def pack_hand_in(folder: Path, run: Path, tables: dict[str, str], notebook: str | Path) -> Path:
    """Write `hand_in.zip` into the town's folder, say what is in it and what is missing, and return it.

    Args:
        folder: the folder of the town.
        run: the run to hand in; what only going on with its training needs is left out.
        tables: the texts of further files, by name.
        notebook: the file of the notebook, as saved.
    """
    page = read_notebook(notebook)
    with TemporaryDirectory(dir=folder) as made:
        packed = Path(made)
        shutil.copytree(run, packed / "run", ignore=shutil.ignore_patterns("*.ckpt", "pictures"))
        for name, text in tables.items():
            (packed / name).write_text(text, encoding="utf-8")
        for name in (BOUGHT, GRADES, "report.html"):
            if (folder / name).is_file():
                shutil.copy(folder / name, packed)
        if page is not None:
            (packed / "capstone.ipynb").write_text(json.dumps(page, ensure_ascii=False, indent=1), encoding="utf-8")
            (packed / "my_page.md").write_text(written_page(page), encoding="utf-8")
        archive = Path(shutil.make_archive(str(folder / "hand_in"), "zip", packed))
    print(told_grades(folder, run.name), verdict(page, notebook), sep="\n")
    offer(archive, f"The run {run.name} and your diary are in {archive}.")
    return archive


def read_grades(folder: Path) -> pd.DataFrame:
    """Return a row for each look at the hidden scenes."""
    table = folder / GRADES
    return pd.read_csv(table, dtype=str) if table.is_file() else pd.DataFrame(columns=["run", "hidden IoU", "when"])


def note_grade(folder: Path, run: str, score: float) -> None:
    """Add a look at the hidden scenes: with which run, its score, and when."""
    grades = read_grades(folder)
    grades.loc[len(grades)] = [run, f"{score:.3f}", pd.Timestamp.now().isoformat(" ", "seconds")]
    write_atomically(folder / GRADES, grades.to_csv(index=False, lineterminator="\n"))


def told_grades(folder: Path, run: str) -> str:
    """Say with which runs the hidden scenes were looked at, and whether the last is the one that is handed in."""
    graded = read_grades(folder)["run"].tolist()
    if not graded:
        return "The hidden scenes were not looked at, so there is no test report in it: grade your run first."
    if graded[-1] != run:
        return f"The test report is of {graded[-1]}, and not of {run}: hand in the run that you graded, or say why not."
    times = "once" if len(graded) == 1 else f"{len(graded)} times: say so in your report"
    return f"The hidden scenes were looked at {times}."


def verdict(page: dict[str, Any] | None, notebook: str | Path) -> str:
    """Say whether the learner's own words are in what is handed in."""
    if page is None:
        return f"This notebook was not found as {notebook}: save it, and send it together with hand_in.zip."
    words = count_own_words(written_page(page))
    if not words:
        return "Your page is empty in the notebook that was saved last: write it, save, and run this cell again."
    return f"This notebook and the {words:,} words of your page, as saved last, are in it."

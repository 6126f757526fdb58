"""What a lesson takes: seconds that each notebook runs, minutes of reading and of exercises.

Prints the table of notebooks/LESSON_PLAN.md. Running is measured here and now; reading is counted (150 words a minute,
the pace of a text with formulas and code); the minutes of the exercises are those on their cards, an estimate.
"""

import re

import nbformat

from benchmarks.course import run
from exercises.catalogue import notebook_exercises
from exercises.course import list_notebooks

WORDS_PER_MINUTE = 150


def count_words(notebook: nbformat.NotebookNode) -> int:
    """Count the words of a notebook's prose, folded answers included, without code."""
    prose = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return len(re.findall(r"\w+", re.sub(r"<[^>]+>|```.*?```", " ", prose, flags=re.DOTALL)))


def main() -> None:
    """Print a row for each notebook."""
    print("| notebook | runs, s | words | reading, min | exercises | exercises, min | in all, min |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    totals = [0.0] * 6
    for number, path in enumerate(list_notebooks(), 1):
        notebook = nbformat.read(path, as_version=4)
        words, exercises = count_words(notebook), notebook_exercises(number)
        seconds = run(notebook)[0]
        reading, writing = words / WORDS_PER_MINUTE, sum(e.minutes for e in exercises)
        row = [seconds, words, reading, len(exercises), writing, seconds / 60 + reading + writing]
        totals = [a + b for a, b in zip(totals, row, strict=True)]
        print(f"| {path.stem} | " + " | ".join(f"{value:.0f}" for value in row) + " |", flush=True)
    print("| all | " + " | ".join(f"{value:.0f}" for value in totals) + " |")


if __name__ == "__main__":
    main()

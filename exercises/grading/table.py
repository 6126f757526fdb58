"""The table of grades: one row for each exercise, as a dictionary and as a line of a CSV file."""

import csv
from pathlib import Path

from utils.errors import CourseError

COLUMNS = ("submission", "notebook", "exercise", "title", "verdict", "detail")
FORMULA_STARTS = ("=", "+", "-", "@")  # a spreadsheet takes a cell that starts so for a formula


def start_table(table: Path) -> None:
    """Write the head of the table. Raises CourseError when the file cannot be written."""
    try:
        with table.open("w", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writeheader()
    except OSError as error:
        raise CourseError(f"Cannot write {table}: {error.strerror}. Choose another file with --csv.") from None


def add_rows(table: Path, rows: list[dict[str, str]]) -> None:
    """Add rows to the table; the name of a file must not run as a formula in a spreadsheet."""
    with table.open("a", newline="", encoding="utf-8") as file:
        for row in rows:
            safe = {column: f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell for column, cell in row.items()}
            csv.DictWriter(file, COLUMNS).writerow(safe)

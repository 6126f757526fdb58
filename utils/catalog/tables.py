"""Tables and lists that come with a data set, as text."""

import csv
import io
from pathlib import Path

from utils.errors import DataError

csv.field_size_limit(2**31 - 1)  # run lengths of a large image are one long field


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a csv by column name; columns may be parted by commas, semicolons or tabs.

    Raises DataError where the file cannot be read, or is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text: save it as 'CSV UTF-8'.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): put it back, or get the data set again.") from None
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text), delimiter=separator)
    return [{name.strip().lower(): value for name, value in row.items() if name} for row in rows]


def read_lines(path: Path) -> list[str]:
    """Return the lines of a published list that are not empty. Raises DataError where it cannot be read."""
    try:
        return [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): download the data set again.") from None

"""The table of classes in a folder: names, and the ids or the colours that stand for them in the masks.

Read are `classes.csv`, `class_dict.csv` and Roboflow's `_classes.csv` (columns name, id or pixel value, r, g, b: ids or
colours may be left out), any other csv with the columns name, r, g, b, CVAT's `labelmap.txt` (`name:r,g,b::`), the list
`names` of a `data.yaml`, and JSON: `labels` of nnU-Net's `dataset.json`, a list of titles and colours elsewhere.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

import yaml

from utils.catalog.tables import read_lines, read_table
from utils.errors import DataError

TABLES = ("classes.csv", "class_dict.csv", "_classes.csv", "labelmap.txt", "data.yaml", "dataset.yaml")
TABLES += ("classes.json", "dataset.json", "config.json")
NAME = ("name", "class", "label", "class_name", "title")
ID = ("id", "pixel value", "pixel_value", "value", "class_id")
COLOUR = (("r", "red"), ("g", "green"), ("b", "blue"))
IGNORED_NAMES = ("ignore", "ignored", "__ignore__", "_ignore_", "void")  # of what is not to be scored
BACKGROUND_NAMES = ("background", "_background_", "__background__")
MOST_STORED = 65535  # in 16 bits
Colour = tuple[int, int, int]


class ClassTable(NamedTuple):
    """Names of classes in order of their ids, and what stands for each in the masks: ids, colours, or both.

    Without ids and colours masks hold 0, 1, 2, ... in the order of the rows.
    """

    path: Path
    names: tuple[str, ...]
    ids: tuple[int, ...] = ()
    colours: tuple[Colour, ...] = ()


def find_table(root: Path) -> ClassTable | None:
    """Return the table of a folder, or None. Raises DataError for a table that is not one, and for two that differ."""
    paths = [root / name for name in TABLES if (root / name).is_file()]
    paths = paths or [path for name in TABLES for path in sorted(root.glob(f"*/{name}"))]
    paths = paths or [path for path in sorted([*root.glob("*.csv"), *root.glob("*/*.csv")]) if has_colours(path)]
    readers = {".txt": read_labelmap, ".yaml": read_names, ".csv": read_classes, ".json": read_json}
    tables = [table for path in paths if (table := readers[path.suffix](path)) is not None]
    for other in tables[1:]:
        if other[1:] != tables[0][1:]:
            raise DataError(f"{tables[0].path} and {other.path} name different classes: keep one of them.")
    return tables[0] if tables else None


def read_classes(path: Path) -> ClassTable:
    """Read a csv of classes. Raises DataError."""
    wrong = DataError(
        f"{path} needs the columns name,r,g,b (0-255), or id,name where masks hold those ids: one class a row."
    )
    rows = [{k: (v or "").strip() for k, v in row.items() if isinstance(v, str | None)} for row in read_table(path)]
    head = rows[0] if rows else {}
    name, number = (next((c for c in head if c in columns), None) for columns in (NAME, ID))
    channels = [next((c for c in head if c in columns), None) for columns in COLOUR]
    if name is None or (any(channels) and not all(channels)) or not all(row.get(name) for row in rows):
        raise wrong
    if number is None and not any(channels) and set(head) != {name}:
        raise wrong
    try:
        if number:
            rows = [row for row in rows if is_class(row[number], row[name])]
            rows.sort(key=lambda row: int(row[number]))
        ids = tuple(int(row[number]) for row in rows) if number else ()
        # A byte holds 0-255: anything else is a ValueError.
        colours = tuple(tuple(bytes(int(row[c]) for c in channels)) for row in rows) if all(channels) else ()
    except (ValueError, TypeError):
        raise wrong from None
    if ids and not 0 <= ids[0] <= ids[-1] <= MOST_STORED:
        raise DataError(f"{path} names the id {ids[0] if ids[0] < 0 else ids[-1]}: masks store 0 to {MOST_STORED}.")
    return refuse_twice(ClassTable(path, tuple(row[name] for row in rows), ids, colours))


def has_colours(path: Path) -> bool:
    """Say whether the head of a csv, whatever it is called, is that of a table of classes and their colours."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = [name.strip().lower() for name in re.split("[,;\t]", file.readline())]
    return any(name in NAME for name in head) and all(any(name in head for name in names) for names in COLOUR)


def read_json(path: Path) -> ClassTable | None:
    """Read a list of names, or of titles with colours, or nnU-Net's names and ids; None for any other JSON."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = data if isinstance(data, list) else data.get("classes") or data.get("labels")
        if isinstance(rows, dict):  # names and ids, either of them first
            ids = sorted((int(a), b) if str(a).isdecimal() else (int(b), a) for a, b in rows.items())
            ids = [row for row in ids if is_class(*row)]
            return refuse_twice(ClassTable(path, tuple(name for _, name in ids), tuple(i for i, _ in ids)))
        if all(isinstance(row, str) for row in rows):
            return refuse_twice(ClassTable(path, tuple(rows))) if rows else None
        names = tuple(str(row.get("title") or row.get("readable") or row["name"]) for row in rows)
        shades = [bytes.fromhex(c.lstrip("#")) if isinstance(c, str) else bytes(c) for c in (r["color"] for r in rows)]
    except (AttributeError, KeyError, TypeError, ValueError, OSError):
        return None
    return refuse_twice(ClassTable(path, names, (), tuple(map(tuple, shades))))


def read_labelmap(path: Path) -> ClassTable:
    """Read CVAT's table, `name:r,g,b:parts:actions`. Raises DataError."""
    rows = [line.split(":") for line in read_lines(path) if not line.startswith("#")]
    try:
        colours = tuple(tuple(bytes(map(int, row[1].split(",")))) for row in rows)
    except (ValueError, IndexError):
        raise DataError(f"{path} needs lines such as 'road:128,64,128::': one class a line.") from None
    if any(len(colour) != 3 for colour in colours):
        raise DataError(f"{path} needs three numbers for each colour, such as 'road:128,64,128::'. Mend it.")
    return refuse_twice(ClassTable(path, tuple(row[0] for row in rows), (), colours))


def read_names(path: Path) -> ClassTable | None:
    """Read the list `names:` of a YAML, or its dictionary of ids; None where there is none. Raises DataError."""
    try:
        names = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("names")
        rows = sorted(names.items()) if isinstance(names, dict) else list(enumerate(names or ()))
        rows = [row for row in rows if is_class(*row)]
        ids = tuple(int(number) for number, _ in rows)
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, OSError):
        raise DataError(f"{path} needs a list such as 'names: [background, thing]', or none at all. Mend it.") from None
    return refuse_twice(ClassTable(path, tuple(str(name) for _, name in rows), ids)) if rows else None


def is_class(number: object, name: object) -> bool:
    """Say whether a row stands for a class, and not just for what 255 means."""
    return str(number) != "255" or str(name).casefold() not in IGNORED_NAMES


def refuse_twice(table: ClassTable) -> ClassTable:
    """Return a table in which every name, id and colour stands once. Raises DataError for any other."""
    for what, values in (("name", table.names), ("id", table.ids), ("colour", table.colours)):
        twice = [value for value in values if values.count(value) > 1]
        if twice:
            raise DataError(f"{table.path} gives the {what} {twice[0]} to two classes: change one of them.")
    return table

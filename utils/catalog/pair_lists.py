"""Pairs that a csv or lists name: `image,mask` (and perhaps `split` and `group`), or `train.txt` and its kind."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from utils.catalog.csv_columns import COLUMNS, Pictures, Table, columns_of, path_in
from utils.catalog.places import SPLIT_OF, read_name
from utils.errors import DataError
from utils.formats import is_image_name
from utils.splits import SPLITS


class Row(NamedTuple):
    """A pair as a csv, a list or the folders name it."""

    image: Path
    mask: Path
    split: str | None
    group: str | None = None


Known = dict[tuple[str, ...], list[Row]]  # pairs by the ends of their images' paths


def rows_from_csv(tables: Mapping[Path, Table], pictures: Pictures) -> list[tuple[tuple[Path, ...], list[Row]]]:
    """Return every csv of a folder that names pairs, with its rows; train.csv, val.csv, ... count as one."""
    found = [(path, rows) for path, table in tables.items() if (rows := read_rows(path, table, pictures))]
    if len(found) > 1 and all(path.stem in SPLIT_OF for path, _ in found):
        rows = [row._replace(split=SPLIT_OF[path.stem]) for path, some in found for row in some]
        return [(tuple(path for path, _ in found), rows)]
    unlike = {frozenset(row[:2] for row in rows): ((path,), rows) for path, rows in reversed(found)}
    return sorted(unlike.values())


def read_rows(path: Path, table: Table, pictures: Pictures) -> list[Row]:
    """Return the pairs of a csv, or none where it names none. Raises DataError for a row that is not whole."""
    columns = columns_of(path, table, pictures)
    if columns is None:
        return []
    image, mask = columns
    table = [{**row, "split": SPLIT_OF.get((row.get("split") or "").casefold(), row.get("split"))} for row in table]
    labelled = {row["split"] for row in table if row[mask]}
    unlabelled = {row["split"] for row in table if row["split"]} - labelled  # published without masks
    table = [row for row in table if not labelled or row["split"] not in unlabelled]
    short = [n for n, row in enumerate(table, 2) if not (row[image] and row[mask])]
    if short:
        raise DataError(f"{path} names no image or no mask in row {short[0]}: give both.")
    unsplit = [n for n, row in enumerate(table, 2) if not row.get("split")]
    if 0 < len(unsplit) < len(table):
        raise DataError(f"{path} names no split in row {unsplit[0]}: give one in every row, or in none.")
    bad = sorted({row["split"] for row in table if row.get("split")} - set(SPLITS))
    if bad:
        raise DataError(f"{path} names the split '{bad[0]}': use {', '.join(SPLITS)}.")
    images, masks = (
        pictures.files([row[name] for row in table], role) for name, role in zip(columns, COLUMNS, strict=True)
    )
    rows = (
        Row(own, other, row.get("split") or None, row.get("group") or None)
        for own, other, row in zip(images, masks, table, strict=True)
    )
    return list(dict.fromkeys(rows))


def rows_from_lists(root: Path, pairs: Sequence[Row]) -> list[tuple[tuple[Path, ...], list[Row]]]:
    """Return train.txt, val.txt and test.txt (or those of ImageSets/Segmentation), and the pairs that they name."""
    folders = (root, root / "splits", *sorted(root.rglob("ImageSets/Segmentation")))
    lists = [
        (path, SPLIT_OF[name]) for folder in folders for name in SPLIT_OF if (path := folder / f"{name}.txt").is_file()
    ]
    texts = [path for folder in folders for path in sorted(folder.glob("*.txt")) if read_name(path.stem)[2]]
    known = by_endings_of_paths(pairs) if texts else {}
    lists += other_lists(texts, {split for _, split in lists}, known)
    rows: list[Row] = []
    for path, split in lists:
        for line in path.read_text("utf-8-sig", "replace").split("\n"):
            parts, found = line.split(), find_pairs(line.strip(), known)
            if len(parts) == 2 and not (found and "/" not in line):  # a name may hold a space
                row = Row(path_in(path.parent, parts[0]), path_in(path.parent, parts[1]), split)
                # A list may begin its paths with a folder of another machine: then their endings count.
                meant = [] if row.image.is_file() else find_pairs(parts[0], known)
                rows.append(meant[0]._replace(split=split) if [m.mask.name for m in meant] == [row.mask.name] else row)
            elif len(found) == 1:
                rows.append(found[0]._replace(split=split))
            elif parts:
                what = f"which {len(found)} images are called" if found else "but images/ and masks/ hold no such pair"
                more = "Add their folders" if found else "Mend the list, or add the pair"
                raise DataError(f"{path} names '{line.strip()}', {what}. {more}.")
    return [(tuple(path for path, _ in lists), rows)] if rows else []


def other_lists(texts: Iterable[Path], splits: set[str], known: Known) -> list[tuple[Path, str]]:
    """Return lists of longer names, such as train_aug.txt, for the splits that have none of their own name.

    Such a text is a list where most of its lines name pairs. Raises DataError where a split has two of them.
    """
    found: dict[str, Path] = {}
    for path in texts:
        split = read_name(path.stem)[2]
        lines = [line.split()[0] for line in path.read_text("utf-8-sig", "replace").splitlines() if line.strip()]
        if split in splits or 2 * sum(bool(find_pairs(line, known)) for line in lines) <= len(lines):
            continue
        if split in found:
            raise DataError(f"{found[split]} and {path} both list the {split} split: call one of them {split}.txt.")
        found[split] = path
    return [(path, split) for split, path in found.items()]


def rows_with_splits(tables: Mapping[Path, Table], pairs: Sequence[Row]) -> list[tuple[tuple[Path, ...], list[Row]]]:
    """Return the csv that names images and splits alone, and the pairs with its splits. Raises DataError."""
    for path, table in tables.items():
        column = next((name for name in (table[0] if table else ()) if name in ("split", "subset", "set")), None)
        known = by_endings_of_paths(pairs) if column else {}
        for name in table[0] if column else ():
            found = [find_pairs((row[name] or "").strip(), known) for row in table]
            wrong = [row[name] for row, some in zip(table, found, strict=True) if len(some) != 1]
            if name == column or 2 * len(wrong) >= len(table):
                continue
            if wrong:
                raise DataError(
                    f"{path} names splits, and '{wrong[0]}', which is the name of no image or of several "
                    f"({len(wrong)} of {len(table)} rows). Correct the names, or remove the rows."
                )
            words = [(row[column] or "").strip().casefold() for row in table]
            if strange := sorted(set(words) - SPLIT_OF.keys()):
                raise DataError(f"{path} names the split '{strange[0]}': use {', '.join(SPLITS)}.")
            rows = [some[0]._replace(split=SPLIT_OF[word]) for some, word in zip(found, words, strict=True)]
            return [((path,), rows)]
    return []


def by_endings_of_paths(pairs: Sequence[Row]) -> Known:
    """Return the pairs by every ending of their image's path: ('0',), ('town', '0'), ..., with and without `.png`."""
    known: Known = {}
    for row in pairs:
        for parts in (row.image.parts, row.image.with_suffix("").parts):
            for start in range(len(parts)):
                known.setdefault(parts[start:], []).append(row)
    return known


def find_pairs(line: str, known: Known) -> list[Row]:
    """Return the pairs that a line of a list may mean: those of the longest ending of its path that is known."""
    parts = Path(line.replace("\\", "/")).parts
    names = [parts, (*parts[:-1], Path(parts[-1]).stem)] if parts and is_image_name(parts[-1]) else [parts]
    endings = [name[start:] for start in range(len(parts)) for name in names]
    return next((known[ending] for ending in endings if ending in known), [])


def describe(root: Path, rows: Sequence[Row]) -> str:
    """Name the folders of images and of masks."""

    def folders(paths: Iterable[Path]) -> str:
        parents = (path.parent for path in paths)
        counts = Counter((p.relative_to(root) if p.is_relative_to(root) else p).as_posix() for p in parents)
        names = [name if name != "." else "the folder itself" for name, _ in counts.most_common(3)]
        return ", ".join(sorted(names)) + (", ..." if len(counts) > 3 else "")

    return f"images in {folders(row.image for row in rows)}; masks in {folders(row.mask for row in rows)}"

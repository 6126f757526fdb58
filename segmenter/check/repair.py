"""A repaired copy of a data set, in the layout that `folder` reads. The data set itself is never touched.

Masks become ids in one channel, at the size of their image; what cannot be right is left out; `repairs.csv` names every
change. Of identical images in several splits the copy of 'test' stays, else that of 'val': the test set keeps all that
it had, and nothing in it was trained on.
"""

import csv
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from segmenter.check import THREADS, same_names
from segmenter.check.measurements import PairFacts
from segmenter.check.repair_pair import MENDED, Row, copy_pair
from segmenter.check.report import Report
from utils.catalog.base import Source
from utils.errors import DataError
from utils.splits import SPLITS


@dataclass(frozen=True)
class Repaired:
    """What `repair` wrote: the folder, how many pairs it holds, and what was changed or left out."""

    folder: Path
    pairs: int
    changes: list[Row]

    def __str__(self) -> str:
        left_out = sum(row.done.startswith("left out") for row in self.changes)
        return (
            f"{self.folder} holds {self.pairs} pairs; {left_out} files or pairs were left out and "
            f"{len(self.changes) - left_out} changes made: {self.folder / 'repairs.csv'} names them all."
        )


def repair(report: Report, target: str | Path) -> Repaired:
    """Write a repaired copy of a checked data set to a new folder, with a list of all that was done: repairs.csv.

    Sound images are copied byte for byte, and so are masks that hold plain ids at the size of their image. Raises
    DataError where the folder is not empty, lies inside the data set, or cannot be written; then nothing is left of it.
    """
    target = Path(target).expanduser()
    refuse_target(target, report.source.root)
    partial = target.parent / f".{target.name}.partial"
    try:
        if partial.exists():  # of a run that was killed
            shutil.rmtree(partial)
        for name in ("images", "masks"):
            (partial / name).mkdir(parents=True)
        done = _fill(partial, report)
        if target.exists():
            target.rmdir()  # empty, as was made sure; Windows replaces no folder by another
        partial.replace(target)
    except OSError as error:
        raise DataError(
            f"{target} cannot be written ({error.strerror or error}). Free some space or name another folder; "
            "the data set is unharmed."
        ) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Repaired(target, *done)


def refuse_target(target: Path, root: Path) -> None:
    """Raise DataError where a copy of the data set at `root` must not be written to `target`."""
    if target.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{target} lies inside the data set {root}. Name a folder beside it for the copy.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} exists and is not empty. Name a new folder for the copy.")


def _fill(folder: Path, report: Report) -> tuple[int, list[Row]]:
    """Write the whole copy; return how many pairs it holds, and what was done."""
    source = report.source
    excluded = _excluded(report)
    names = _stems([f for i, f in enumerate(report.facts) if i not in excluded], source)
    binary = len(source.classes) == 2 and any(kind == "anti-aliased mask" for f in report.facts for kind, _ in f.faults)

    def copy(index: int) -> tuple[str, str, list[Row]] | None:
        facts = report.facts[index]
        return copy_pair(facts, source, folder, names[facts.pair], binary)

    wanted = [i for i in range(len(report.facts)) if i not in excluded]
    with ThreadPoolExecutor(THREADS) as pool:
        copied = list(tqdm(pool.map(copy, wanted), "copying", len(wanted), leave=False, delay=2))
    changes = [Row(source.relative(path), "left out: it has no partner") for path in source.unpaired()]
    changes += [Row(source.relative(report.facts[i].pair.image), f"left out: {why}") for i, why in excluded.items()]
    changes += [row for _, _, rows in copied for row in rows]
    kept = [(index, image, mask) for index, (image, mask, _) in zip(wanted, copied, strict=True) if image]
    splits, note = _splits(report, [index for index, _, _ in kept])
    groups = [_group(report.facts[index]) for index, _, _ in kept]
    pairs = [(image, mask, *rest) for (_, image, mask), *rest in zip(kept, splits, groups, strict=True)]
    classes = [(name, *colour) for name, colour in zip(source.classes, source.palette, strict=True)]
    _write_csv(folder / "pairs.csv", ("image", "mask", "split", "group"), pairs)
    _write_csv(folder / "classes.csv", ("name", "r", "g", "b"), classes)
    _write_csv(folder / "repairs.csv", ("file", "what was done"), changes + note)
    return len(pairs), changes + note


def _excluded(report: Report) -> dict[int, str]:
    """Pairs that no change makes right: index -> why."""
    source, facts = report.source, report.facts
    ambiguous = {path for same in same_names(source) for path in same}
    excluded: dict[int, str] = {}
    for index, f in enumerate(facts):
        beyond = [sentence for kind, sentence in f.faults if kind not in MENDED]
        if any(kind == "anti-aliased mask" for kind, _ in f.faults) and len(source.classes) != 2:
            beyond += [sentence for _, sentence in f.faults]
        if beyond:
            excluded[index] = beyond[0].replace(f"{source.root}{os.sep}", "")
        elif ambiguous.intersection(f.pair[:2]):
            excluded[index] = "another file has the same name, so nobody can tell which one the mask belongs to"
        elif report.split_of[index] is None:
            excluded[index] = "it is in no split"
    copies: dict[bytes, list[int]] = defaultdict(list)
    for index, f in enumerate(facts):
        if index not in excluded:
            copies[f.picture].append(index)
    for same in copies.values():
        strongest = max((report.split_of[i] for i in same), key=SPLITS.index)
        for index in same:
            if report.split_of[index] != strongest:
                excluded[index] = f"the same image is in the {strongest} split"
    return excluded


def _stems(facts: Iterable[PairFacts], source: Source) -> dict[tuple, str]:
    """Give every pair a name of its own in the copy: its file's, or its path's where two files are called alike."""
    names: dict[tuple, str] = {}
    used: set[str] = set()
    for f in facts:
        path = Path(source.relative(f.pair.image))
        stem = path.stem
        number = 1
        while (key := stem.removesuffix("_mask").casefold()) in used:
            stem = re.sub(r"[\\/:]", "_", "_".join((*path.parts[:-1], path.stem))) + (
                f"_{number}" if number > 1 else ""
            )
            number += 1
        used.add(key)
        names[f.pair] = stem.encode("utf-8", "replace").decode().replace("?", "_")
    return names


def _splits(report: Report, kept: list[int]) -> tuple[list[str], list[Row]]:
    """Name the split of the pairs that are left; where no validation pair is, a tenth of 'train' becomes 'val'."""
    splits = [report.split_of[index] for index in kept]
    if "val" in splits or splits.count("train") < 2:
        return splits, []
    train = [place for place, split in enumerate(splits) if split == "train"]
    pairs = [report.facts[kept[place]].pair for place in train]
    for place, split in zip(train, report.source.draw(pairs, (0.9, 0.1, 0.0), 42), strict=True):
        splits[place] = split
    return splits, [Row("pairs.csv", f"{splits.count('val')} pairs of 'train' became 'val', which was empty")]


def _group(facts: PairFacts) -> str:
    """Return a group (town, sequence, ...) that the copy must keep; hashes of the content are found again."""
    return "" if len(facts.pair.group) == 64 else facts.pair.group


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[tuple]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        csv.writer(file, lineterminator="\n").writerows([tuple(columns), *rows])

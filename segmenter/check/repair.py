"""A repaired copy of a data set, in the layout that `folder` reads. The data set itself is never touched.

Masks become ids in one channel, at the size of their image; what cannot be right is left out; `repairs.csv` names every
change. Of identical images in several splits the copy of 'test' stays, else that of 'val': the test set keeps all that
it had, and nothing in it was trained on.
"""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from segmenter.check.dataset import THREADS
from segmenter.check.files import same_names
from segmenter.check.findings import Finding
from segmenter.check.kinds import ANTI_ALIASED, MENDED
from segmenter.check.measurements import PairMeasurements
from segmenter.check.repair_pair import Change, CopiedPair, copy_pair
from segmenter.check.report import Report
from segmenter.check.splits import is_content_hash
from segmenter.outputs import unique_names
from segmenter.words import counted
from utils.catalog.base import Pair
from utils.errors import DataError, Fault
from utils.files import RUN_MARKER, read_checksums, write_marker
from utils.run_folder import held, is_empty
from utils.splits import SPLITS


@dataclass(frozen=True)
class Repaired:
    """What `repair` wrote: the folder, how many pairs it holds, and what was changed or left out."""

    folder: Path
    pairs: int
    changes: list[Change]

    def __str__(self) -> str:
        left_out = sum(change.left_out for change in self.changes)
        return (
            f"{self.folder} holds {counted(self.pairs, 'pair')}; files or pairs left out: {left_out}, changed: "
            f"{len(self.changes) - left_out}. {self.folder / 'repairs.csv'} names them all."
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
        with held(partial):
            if not is_empty(partial) and read_checksums(partial) is None:
                raise DataError(f"{partial} is in the way, and no check made it. Move it, or name another folder.")
            refuse_target(target, report.source.root)  # another process may have written one just now
            pairs, changes = _put_in_place(partial, target, report)
    finally:
        with suppress(OSError):  # of a run that was killed, if nothing is left in it
            partial.rmdir()
    return Repaired(target, pairs, changes)


def _put_in_place(partial: Path, target: Path, report: Report) -> tuple[int, list[Change]]:
    """Write the copy within a folder that this process holds, then move it to `target`. Raises DataError."""
    copy = partial / "copy"
    try:
        write_marker(partial)
        if copy.exists():  # of a run that was killed
            shutil.rmtree(copy)
        for name in ("images", "masks"):
            (copy / name).mkdir(parents=True)
        written = _write_copy(copy, report)
        if target.exists():
            target.rmdir()  # empty, as was made sure; Windows replaces no folder by another
        copy.replace(target)
    except OSError as error:
        raise DataError(
            f"{target} cannot be written ({error.strerror or error}). Free some space or name another folder; "
            "the data set is unharmed."
        ) from None
    finally:
        shutil.rmtree(copy, ignore_errors=True)
        (partial / RUN_MARKER).unlink(missing_ok=True)
    return written


def refuse_target(target: Path, root: Path) -> None:
    """Raise DataError where a copy of the data set at `root` must not be written to `target`."""
    if target.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{target} lies inside the data set {root}. Name a folder beside it for the copy.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} exists and is not empty. Name a new folder for the copy.")


def _write_copy(folder: Path, report: Report) -> tuple[int, list[Change]]:
    """Write the whole copy; return how many pairs it holds, and what was done."""
    source = report.source
    excluded = _pairs_to_leave_out(report)
    wanted = [i for i in range(len(report.measurements)) if i not in excluded]
    names = unique_names(source.relative(report.measurements[i].pair.image) for i in wanted)
    stems = dict(zip(wanted, names, strict=True))

    def copy(index: int) -> CopiedPair:
        measured = report.measurements[index]
        return copy_pair(measured, source, folder, stems[index])

    with ThreadPoolExecutor(THREADS) as pool:
        copied = list(tqdm(pool.map(copy, wanted), "copying", len(wanted), leave=False, delay=2))
    changes = [Change(source.relative(path), "it has no partner", left_out=True) for path in source.unpaired()]
    for index, reason in excluded.items():
        changes.append(Change(source.relative(report.measurements[index].pair.image), reason, left_out=True))
    for written in copied:
        changes += written.changes
    kept = [(index, written) for index, written in zip(wanted, copied, strict=True) if written.image]
    splits, note = _splits_of_copy(report, [index for index, _ in kept])
    groups = [_group_to_keep(report.measurements[index].pair) for index, _ in kept]
    pairs = [(written.image, written.mask, *rest) for (_, written), *rest in zip(kept, splits, groups, strict=True)]
    classes = [(i, name, *colour) for i, (name, colour) in enumerate(zip(source.classes, source.palette, strict=True))]
    changes += note
    _write_csv(folder / "pairs.csv", ("image", "mask", "split", "group"), pairs)
    _write_csv(folder / "classes.csv", ("id", "name", "r", "g", "b"), classes)
    _write_csv(folder / "repairs.csv", ("file", "what was done"), [change.row for change in changes])
    return len(pairs), changes


def _pairs_to_leave_out(report: Report) -> dict[int, str]:
    """Find the pairs that no change makes right: index -> reason."""
    ambiguous = {path for group in same_names(report.source) for path in group}
    reasons: dict[int, str] = {}
    for index, measured in enumerate(report.measurements):
        if fault := _fault_beyond_repair(measured, len(report.classes)):
            (reasons[index],) = Finding(fault.kind, (fault,)).descriptions(report.file_names)
        elif ambiguous.intersection((measured.pair.image, measured.pair.mask)):
            reasons[index] = "another file has the same name, so nobody can tell which one the mask belongs to"
        elif report.split_of[index] is None:
            reasons[index] = "it is in no split"
    copies: dict[bytes, list[int]] = defaultdict(list)
    for index, measured in enumerate(report.measurements):
        if index not in reasons:
            copies[measured.image_digest].append(index)
    for indices in copies.values():
        last_split = max((report.split_of[i] for i in indices), key=SPLITS.index)
        for index in indices:
            if report.split_of[index] != last_split:
                reasons[index] = f"the same image is in the {last_split} split"
    return reasons


def _fault_beyond_repair(measured: PairMeasurements, num_classes: int) -> Fault | None:
    """Return the first fault that cannot be mended; soft edges can be cut only where there are two classes."""
    for fault in measured.faults:
        if fault.kind not in MENDED or (fault.kind == ANTI_ALIASED and num_classes != 2):
            return fault
    return None


def _splits_of_copy(report: Report, kept: list[int]) -> tuple[list[str], list[Change]]:
    """Name the split of the pairs that are left; where no validation pair is, a tenth of 'train' becomes 'val'."""
    splits = [report.split_of[index] for index in kept]
    if "val" in splits or splits.count("train") < 2:
        return splits, []
    train = [place for place, split in enumerate(splits) if split == "train"]
    pairs = [report.measurements[kept[place]].pair for place in train]
    for place, split in zip(train, report.source.draw(pairs, (0.9, 0.1, 0.0), 42), strict=True):
        splits[place] = split
    return splits, [
        Change("pairs.csv", f"{counted(splits.count('val'), 'pair')} of 'train' became 'val', which was empty")
    ]


def _group_to_keep(pair: Pair) -> str:
    """Return a group (town, sequence, ...) that the copy must keep; hashes of the content are computed anew."""
    return "" if is_content_hash(pair.group) else pair.group


def _write_csv(path: Path, columns: Sequence[str], rows: list[tuple]) -> None:
    table = pd.DataFrame(rows, columns=list(columns))
    table.to_csv(path, index=False, lineterminator="\n", errors="backslashreplace")  # a name may hold any bytes

"""Look at every file before a training run pays for a fault (notebook 4)."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from tqdm.auto import tqdm

from utils.catalog.base import Pair, Source
from utils.dataset import IGNORE_INDEX, open_picture, pair_faults, read_mask, read_pair
from utils.errors import DataError


@dataclass
class Report:
    """What `check_dataset` found.

    Attributes:
        errors: fault -> what is wrong with which file; training stops on these.
        notes: oddity -> files; the course copes with these.
        pixels: labelled pixels of each class, int64 (C,).
    """

    name: str
    classes: tuple[str, ...]
    splits: dict[str, int]
    errors: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, list[str]] = field(default_factory=dict)
    pixels: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def ok(self) -> bool:
        return not self.errors

    def __str__(self) -> str:
        total = max(int(self.pixels.sum()), 1)
        shares = ", ".join(f"{c} {p / total:.1%}" for c, p in zip(self.classes, self.pixels, strict=True))
        lines = [f"{self.name}: " + ", ".join(f"{n} {s}" for s, n in self.splits.items()), f"pixels: {shares}"]
        for title, found in (("ERROR", self.errors), ("note", self.notes)):
            for kind, files in found.items():
                shown = "; ".join(files[:3]) + (" ..." if len(files) > 3 else "")
                lines.append(f"{title}  {kind}: {len(files)} ({shown})")
        lines.append("Every pair can be trained on." if self.ok else "Mend the errors before training.")
        return "\n".join(lines)


def check_dataset(source: Source) -> Report:
    """Read every pair of a data set and report all faults, with file names. Changes nothing."""
    lone = [str(p.relative_to(source.root)) for p in source.unpaired()]
    labelled = source.labelled()
    errors, notes = defaultdict(list), defaultdict(list)
    if lone:
        errors["without partner"] = lone
    with ThreadPoolExecutor() as pool:
        visits = pool.map(lambda item: _visit(item[0], source), labelled)
        results = list(tqdm(visits, "checking", len(labelled), leave=False, delay=2))
    pixels = np.zeros(len(source.classes), dtype=np.int64)
    for found_errors, found_notes, counts in results:
        for kind, text in found_errors:
            errors[kind].append(text)
        for kind, text in found_notes:
            notes[kind].append(text)
        pixels += counts
    splits: dict[str, int] = {}
    groups: dict[str, set[str]] = defaultdict(set)
    members: dict[str, list[str]] = defaultdict(list)
    for split, pairs in source.assigned().items():
        splits[split] = len(pairs)
        if not pairs:
            (notes if split == "test" else errors)["empty split"].append(split)
        for pair in pairs:
            groups[pair.group].add(split)
            members[pair.group].append(pair.image.name)
    for group, where in groups.items():
        if len(where) > 1:
            errors["group in several splits"].append(f"{', '.join(members[group][:4])} in {', '.join(sorted(where))}")
    empty = [c for c, n in zip(source.classes, pixels, strict=True) if n == 0]
    if empty:
        notes["class without a pixel"] = empty
    copies = [m for m in _copies(labelled) if len(m) > 1]
    if copies:
        notes["identical images, kept in one split"] = [" = ".join(m) for m in copies]
    return Report(source.name, source.classes, splits, dict(errors), dict(notes), pixels)


def _copies(labelled: list[tuple[Pair, str | None]]) -> list[list[str]]:
    """Names of images that share a content hash (sources without hashes group by something else)."""
    groups: dict[str, list[str]] = defaultdict(list)
    for pair, _ in labelled:
        if len(pair.group) == 64:
            groups[pair.group].append(pair.image.name)
    return list(groups.values())


def _visit(pair: Pair, source: Source) -> tuple[list[tuple[str, str]], list[tuple[str, str]], np.ndarray]:
    """Errors, notes and class pixels of one pair."""
    counts = np.zeros(len(source.classes), dtype=np.int64)
    try:
        image, mask = read_pair(pair, source)
        stored = read_mask(pair.mask)
    except DataError as error:
        return [(_kind(str(error)), str(error))], [], counts
    notes = []
    if stored.shape[:2] != image.shape[:2]:
        notes.append(("mask of another size (resized)", pair.mask.name))
    if open_picture(pair.image).mode in ("1", "L", "LA", "I", "F"):
        notes.append(("grey image", pair.image.name))
    for label, count in Counter(dict(zip(*np.unique(mask, return_counts=True), strict=True))).items():
        if label != IGNORE_INDEX:
            counts[label] += count
    if "empty" in pair_faults(image, mask, len(source.classes)):
        notes.append(("every pixel ignored", pair.mask.name))
    return [], notes, counts


def _kind(message: str) -> str:
    """Group faults by what is wrong."""
    kinds = {
        "colours outside": "colour outside the class table",
        "outside the": "label outside the classes",
        "JPEG": "JPEG mask",
        "not one picture": "sizes do not fit",
        "no file": "missing file",
        "channel": "colour mask",
    }
    return next((kind for words, kind in kinds.items() if words in message), "unreadable file")

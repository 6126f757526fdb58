"""Look at every file before a training run pays for a fault (notebook 4)."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from segmenter.check.copies import alike, identical, listed_twice, look_alikes
from segmenter.check.measurements import PairFacts, examine
from segmenter.check.report import KINDS, SEVERITIES, Finding, Report
from utils.catalog.base import Source
from utils.config import Config
from utils.images import list_images, shrunk_size

__all__ = ["Finding", "Report", "check_dataset"]

Found = dict[str, list[str]]  # kind -> items
THREADS = min(8, os.cpu_count() or 1)  # decoders run side by side; each holds one pair, 0.7 GB at 24 megapixels


def check_dataset(source: Source, config: Config | None = None) -> Report:
    """Read every pair of a data set once and report all faults and oddities, with file names. Changes nothing.

    Args:
        source: the data set, as `catalog.load` returns it.
        config: tells at which size images will be cropped; without it nothing is said about that.
    """
    facts = _examine_all(source)
    assigned = source.assigned()
    placed = {pair: split for split, pairs in assigned.items() for pair in pairs}
    counts = {split: len(pairs) for split, pairs in assigned.items()}
    report = Report(source, counts, facts=facts, split_of=[placed.get(f.pair) for f in facts])
    report.near = look_alikes(report)
    say = _namer(source, facts)
    found: Found = defaultdict(list)
    for part in (
        _files(source),
        _pairs(report, say),
        _crops(report, config, say),
        listed_twice(assigned, say),
        identical(report, say),
        alike(report, say),
        _groups(report, say),
        _classes(report),
        _splits(report),
    ):
        for kind, items in part.items():
            found[kind] += items
    report.findings = _sorted(found, source.root)
    return report


def _examine_all(source: Source) -> list[PairFacts]:
    pairs = list(dict.fromkeys(pair for pair, _ in source.labelled()))
    with ThreadPoolExecutor(THREADS) as pool:
        visits = pool.map(lambda pair: examine(pair, source), pairs)
        return list(tqdm(visits, "checking", len(pairs), leave=False, delay=2))


def _sorted(found: Found, root: Path) -> list[Finding]:
    """Findings in the order of KINDS by severity, with paths as seen from the data set's folder."""
    prefix = f"{root}{os.sep}"
    order = sorted(KINDS, key=lambda kind: SEVERITIES.index(KINDS[kind][0]))
    return [
        Finding(KINDS[kind][0], kind, tuple(item.replace(prefix, "") for item in found[kind]), KINDS[kind][1])
        for kind in order
        if found.get(kind)
    ]


def _namer(source: Source, facts: list[PairFacts]) -> Callable[[Path], str]:
    """Say a file by its name, or by its path where several have that name."""
    names = Counter(path.name for f in facts for path in {f.pair.image, f.pair.mask})
    shared = {name for name, count in names.items() if count > 2}
    images = Counter(f.pair.image.name for f in facts)
    masks = Counter(f.pair.mask.name for f in facts)
    shared |= {name for counter in (images, masks) for name, count in counter.items() if count > 1}
    return lambda path: source.relative(path) if path.name in shared else path.name


# ---------------------------------------------------------------- single files and pairs
def _files(source: Source) -> Found:
    """Files without partner, and pictures of one name of which only one can have been meant."""
    twice = same_names(source)
    doubles = {path for same in twice for path in same}
    return {
        "without partner": [source.relative(path) for path in source.unpaired() if path not in doubles],
        "same name twice": [" and ".join(source.relative(path) for path in same) for same in twice],
    }


def same_names(source: Source) -> list[list[Path]]:
    """Return pictures beside each other with one name but other endings, of which only some are in a pair."""
    used = {path for pair, _ in source.labelled() for path in pair[:2]}
    found = []
    for folder in sorted({path.parent for path in used}):
        by_stem = defaultdict(list)
        for path in list_images(folder):
            by_stem[path.stem.removesuffix("_mask")].append(path)
        for same in by_stem.values():
            if len(same) > 1 and used.intersection(same) and not used.issuperset(same):
                found.append(same)
    return found


def _pairs(report: Report, say: Callable[[Path], str]) -> Found:
    """Faults and oddities of each pair by itself."""
    found: Found = defaultdict(list)
    for facts in report.facts:
        for kind, sentence in facts.faults:
            found[kind].append(sentence)
        for kind in facts.oddities:
            found[kind].append(say(facts.pair.mask if "mask" in kind or "pixel ignored" in kind else facts.pair.image))
    return found


def _crops(report: Report, config: Config | None, say: Callable[[Path], str]) -> Found:
    if config is None or config.framing != "crop":
        return {}
    small = []
    for facts in report.facts:
        if facts.size:
            height, width = shrunk_size(*facts.size, config.max_side) if config.max_side else facts.size
            if min(height, width) < config.image_size:
                small.append(f"{say(facts.pair.image)} ({width}x{height})")
    return {"image smaller than the crop": small}


# ---------------------------------------------------------------- the whole
def _groups(report: Report, say: Callable[[Path], str]) -> Found:
    """Groups (towns, sequences, ...) that are in several splits; groups of identical images are named elsewhere."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, facts in enumerate(report.facts):
        if report.split_of[index]:
            members[facts.pair.group].append(index)
    items = []
    for group, indices in members.items():
        counts = Counter(report.split_of[i] for i in indices)
        pictures = {report.facts[i].picture for i in indices}
        if len(counts) > 1 and (len(pictures) > 1 or b"" in pictures):
            name = say(report.facts[indices[0]].pair.image) if len(group) == 64 else group  # a hash says nothing
            items.append(f"{name}: " + ", ".join(f"{counts[s]} {s}" for s in report.splits if s in counts))
    return {"group in several splits": items}


def _classes(report: Report) -> Found:
    """Classes that never occur, or not in every split."""
    found: Found = defaultdict(list)
    pixels, presence = report.pixels, report.presence
    unnamed = all(name == f"class {index}" for index, name in enumerate(report.classes))
    empty = np.flatnonzero(pixels == 0)
    kind = "ids with gaps" if unnamed and pixels.any() else "class without a pixel"
    found[kind] = [report.classes[i] for i in empty]
    for index in np.flatnonzero(pixels):
        shown = {split: bool(counts[index]) for split, counts in presence.items() if report.splits[split]}
        if not all(shown.values()) and any(shown.values()):
            there, missing = ([s for s, is_there in shown.items() if is_there is want] for want in (True, False))
            words = f"{report.classes[index]}: in {_join(there)}, not in {_join(missing)}"
            found["class missing from a split"].append(words)
    return found


def _join(words: Iterable[str]) -> str:
    return " and ".join(words)


def _splits(report: Report) -> Found:
    empty = [split for split, count in report.splits.items() if not count]
    found = {"empty split": [s for s in empty if s != "test"]}
    return found | ({"empty test split": ["test"]} if "test" in empty else {})

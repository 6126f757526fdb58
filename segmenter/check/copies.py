"""Images that a data set holds more than once: equal pixels, look-alikes, and pairs listed twice."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from segmenter.check.measurements import PairFacts
from segmenter.check.near_copies import Near, near_duplicates
from segmenter.check.report import Report
from utils.catalog.base import Pair
from utils.dataset import read_pair

Found = dict[str, list[str]]  # kind -> items


def identical(report: Report, say: Callable[[Path], str]) -> Found:
    """Images with equal pixels, whatever their files: within a split, across splits, and with masks that differ."""
    same: dict[bytes, list[int]] = defaultdict(list)
    for index, facts in enumerate(report.facts):
        if facts.picture:
            same[facts.picture].append(index)
    found: Found = defaultdict(list)
    for indices in (i for i in same.values() if len(i) > 1):
        members = [report.facts[i] for i in indices]
        where = [report.split_of[i] for i in indices]
        if len({split for split in where if split}) > 1:
            kind = "identical images in several splits"
            words = [f"{say(f.pair.image)} ({split or 'no split'})" for f, split in zip(members, where, strict=True)]
        else:
            kind, words = "identical images, kept in one split", [say(f.pair.image) for f in members]
        found[kind].append(" = ".join(words))
        if len({f.labels for f in members if f.labels}) > 1:
            names = " = ".join(say(f.pair.image) for f in members)
            found["identical images with different masks"].append(f"{names} ({_difference(members, report)})")
    return found


def look_alikes(report: Report) -> list[Near]:
    """Pictures that look like a copy of one in another split, without those that have the very same pixels."""
    indices = [i for i, f in enumerate(report.facts) if f.grey is not None]
    if not indices:
        return []
    prints = np.stack([report.facts[i].prints for i in indices])
    greys = np.stack([report.facts[i].grey for i in indices])
    found = near_duplicates(prints, greys, [report.split_of[i] for i in indices])
    found = [n._replace(asked=indices[n.asked], known=indices[n.known]) for n in found]
    return [n for n in found if report.facts[n.asked].picture != report.facts[n.known].picture]


def alike(report: Report, say: Callable[[Path], str]) -> Found:
    def name(index: int) -> str:
        return f"{say(report.facts[index].pair.image)} ({report.split_of[index]})"

    items = [f"{name(n.asked)} ~ {name(n.known)}{', mirrored' if n.mirrored else ''}" for n in report.near]
    return {"near duplicates in several splits": items}


def listed_twice(assigned: dict[str, list[Pair]], say: Callable[[Path], str]) -> Found:
    """Pairs that a list names in several splits."""
    splits: dict[Pair, list[str]] = defaultdict(list)
    for split, pairs in assigned.items():
        for pair in dict.fromkeys(pairs):
            splits[pair].append(split)
    items = [f"{say(pair.image)} is listed in {' and '.join(s)}" for pair, s in splits.items() if len(s) > 1]
    return {"identical images in several splits": items}


def _difference(members: list[PairFacts], report: Report) -> str:
    """Say in how many pixels the masks of identical images differ, at most."""
    masks = [read_pair(f.pair, report.source)[1] for f in members if f.labels]
    return f"{max((mask != masks[0]).mean() for mask in masks):.1%} of the pixels differ"

"""Splits that leak, lack a class or labels, or are empty."""

import re
from collections import Counter, defaultdict

import numpy as np

from segmenter.check.findings import Case, Cases
from segmenter.check.report import Report

MOST_IGNORED = 0.8  # of all pixels
MANY_ENDS = 3  # so many different last ids, 0 to n, are hardly those of classes


def is_content_hash(group: str) -> bool:
    """Tell whether a group is the SHA-256 of an image, by which a source groups identical files, and not a name."""
    return re.fullmatch("[0-9a-f]{64}", group) is not None


def leaking_groups(report: Report) -> Cases:
    """Find groups (towns, sequences, ...) in several splits; groups of identical images are reported as such."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, measured in enumerate(report.measurements):
        if report.split_of[index]:
            members[measured.pair.group].append(index)
    cases = []
    for group, indices in members.items():
        counts = Counter(report.split_of[i] for i in indices)
        digests = {report.measurements[i].image_digest for i in indices}
        if len(counts) > 1 and (len(digests) > 1 or b"" in digests):
            name = report.measurements[indices[0]].pair.image if is_content_hash(group) else group
            by_split = {split: counts[split] for split in report.splits if split in counts}
            cases.append(Case(facts={"name": name, "counts": by_split}))
    return {"group in several splits": cases}


def missing_classes(report: Report) -> Cases:
    """Find classes that never occur, or not in every split."""
    pixels, presence = report.pixels, report.presence
    never = "ids with gaps" if is_unnamed(report) and pixels.any() else "class without a pixel"
    cases: Cases = {never: [Case(facts={"name": report.classes[i]}) for i in np.flatnonzero(pixels == 0)]}
    splits = [split for split, count in report.splits.items() if count]
    for index in np.flatnonzero(pixels):
        present = tuple(split for split in splits if presence[split][index])
        missing = tuple(split for split in splits if not presence[split][index])
        if present and missing:
            facts = {"name": report.classes[index], "present": present, "missing": missing}
            cases.setdefault("class missing from a split", []).append(Case(facts=facts))
    return cases


def numbered_objects(report: Report) -> Cases:
    """Find ids that seem to count the objects of a mask: those of each run from 0 on without a gap, to another end."""
    ids = [np.flatnonzero(measured.class_pixels) for measured in report.measurements if not measured.faults]
    ends = {int(found[-1]) for found in ids if len(found)}
    counted = all(np.array_equal(found, np.arange(len(found))) for found in ids)
    if not (is_unnamed(report) and counted and len(ends) >= MANY_ENDS and max(ends) >= MANY_ENDS):
        return {}
    return {"ids that count objects": [Case(facts={"name": f"0 to {max(ends)}"})]}


def is_unnamed(report: Report) -> bool:
    """Say whether nobody named the classes: the ids are all that is known of them."""
    return all(name == f"class {index}" for index, name in enumerate(report.classes))


def empty_splits(report: Report) -> Cases:
    """Find splits without a pair; without a test split training is still possible."""
    empty = [split for split, count in report.splits.items() if not count]
    return {
        "empty split": [Case(facts={"name": split}) for split in empty if split != "test"],
        "empty test split": [Case(facts={"name": split}) for split in empty if split == "test"],
    }


def mostly_ignored(report: Report) -> Cases:
    """Find out whether most of the pixels are ignored."""
    labelled = int(report.pixels.sum())
    share = report.ignored / max(labelled + report.ignored, 1)
    return {"most pixels ignored": [Case(facts={"share": share})] if share > MOST_IGNORED else []}


def splits_without_labels(report: Report) -> Cases:
    """Find splits that training refuses, since all is ignored, and a validation split without any foreground."""
    cases: Cases = {"split without labels": [], "validation without foreground": []}
    for split in ("train", "val"):
        of_split = [m for m, own in zip(report.measurements, report.split_of, strict=True) if own == split]
        sound = [measured for measured in of_split if not measured.faults]
        pixels = sum((measured.class_pixels for measured in sound), np.zeros(len(report.classes), np.int64))
        if sound and not pixels.any():
            cases["split without labels"].append(Case(facts={"name": split}))
        elif sound and split == "val" and len(pixels) == 2 and not pixels[1]:
            cases["validation without foreground"].append(Case(facts={"name": report.classes[1]}))
    return cases

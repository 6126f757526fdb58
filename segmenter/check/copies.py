"""Images that a data set holds more than once: equal pixels, near copies, and pairs that are listed twice."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from segmenter.check.findings import Case, Cases
from segmenter.check.measurements import PairMeasurements
from segmenter.check.near_copies import NearCopy, find_near_copies
from segmenter.check.report import Report
from utils.catalog.base import Pair, Source
from utils.dataset import read_pair


def identical_images(report: Report) -> Cases:
    """Find images with equal pixels, whatever their files: within a split, across splits, with masks that differ."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, measured in enumerate(report.measurements):
        if measured.image_digest:
            groups[measured.image_digest].append(index)
    cases: Cases = defaultdict(list)
    for indices in (group for group in groups.values() if len(group) > 1):
        copies = [report.measurements[i] for i in indices]
        files = tuple(copy.pair.image for copy in copies)
        splits = [report.split_of[i] for i in indices]
        if len({split for split in splits if split}) > 1:
            labels = tuple(split or "no split" for split in splits)
            cases["identical images in several splits"].append(Case(files, labels))
        else:
            cases["identical images, kept in one split"].append(Case(files))
        if len({copy.mask_digest for copy in copies if copy.mask_digest}) > 1:
            share = _differing_share(copies, report.source)
            cases["identical images with different masks"].append(Case(files, facts={"share": share}))
    return cases


def _differing_share(copies: list[PairMeasurements], source: Source) -> float:
    """Return the largest share of pixels in which the mask of a copy differs from that of the first."""
    masks = [read_pair(copy.pair, source)[1] for copy in copies if copy.mask_digest]
    return max(float((mask != masks[0]).mean()) for mask in masks)


def near_copies(report: Report) -> list[NearCopy]:
    """Find images that look like one in another split, without those that have equal pixels; by index."""
    indices = [i for i, measured in enumerate(report.measurements) if measured.thumbnail is not None]
    if not indices:
        return []
    readable = [report.measurements[i] for i in indices]
    found = find_near_copies(
        np.stack([measured.fingerprints for measured in readable]),
        np.stack([measured.thumbnail for measured in readable]),
        [report.split_of[i] for i in indices],
    )
    return [
        copy._replace(query=indices[copy.query], match=indices[copy.match])
        for copy in found
        if readable[copy.query].image_digest != readable[copy.match].image_digest
    ]


def near_copy_cases(report: Report) -> Cases:
    """List the near copies that were found, each with its splits."""
    cases = []
    for copy in report.near_copies:
        files = tuple(report.measurements[i].pair.image for i in (copy.query, copy.match))
        query_split, match_split = report.split_of[copy.query], report.split_of[copy.match]
        cases.append(Case(files, (f"{query_split}, mirrored" if copy.mirrored else query_split, match_split)))
    return {"near duplicates in several splits": cases}


def pairs_listed_twice(assigned: dict[str, list[Pair]]) -> Cases:
    """Find images that a list names in several splits, each with one mask or with several."""
    splits_of: dict[Path, list[str]] = defaultdict(list)
    for split, pairs in assigned.items():
        for image in dict.fromkeys(pair.image for pair in pairs):
            splits_of[image].append(split)
    cases = [Case((image,), facts={"splits": tuple(splits)}) for image, splits in splits_of.items() if len(splits) > 1]
    return {"pair listed in several splits": cases}

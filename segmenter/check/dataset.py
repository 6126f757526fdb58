"""The check of a whole data set: every file is read once, and all faults and oddities are reported."""

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

from tqdm.auto import tqdm

from segmenter.check.copies import identical_images, near_copies, near_copy_cases, pairs_listed_twice
from segmenter.check.files import stray_files
from segmenter.check.findings import Case, Cases, sort_findings
from segmenter.check.measurements import PairMeasurements, measure_pair
from segmenter.check.report import Report
from segmenter.check.splits import (
    empty_splits,
    leaking_groups,
    missing_classes,
    mostly_ignored,
    numbered_objects,
    splits_without_labels,
)
from utils.catalog.base import Source
from utils.config import Config
from utils.images import shrunk_size

THREADS = min(8, os.cpu_count() or 1)  # decoders run side by side; each holds one pair, 0.7 GB at 24 megapixels


def check_dataset(source: Source, config: Config | None = None) -> Report:
    """Read every pair of a data set once and report all faults and oddities, with file names. Changes nothing.

    Args:
        source: the data set, as `catalog.load` returns it.
        config: tells at which size images will be cropped; without it nothing is said about that.
    """
    measurements = _measure_pairs(source)
    assigned = source.assigned()
    split_of = {pair: split for split, pairs in assigned.items() for pair in pairs}
    counts = {split: len(pairs) for split, pairs in assigned.items()}
    report = Report(source, counts, measurements, [split_of.get(measured.pair) for measured in measurements])
    report.near_copies = near_copies(report)
    cases: Cases = defaultdict(list)
    for found in (
        stray_files(source),
        _faults_and_oddities(measurements),
        _images_below_crop(measurements, config),
        pairs_listed_twice(assigned),
        identical_images(report),
        near_copy_cases(report),
        leaking_groups(report),
        missing_classes(report),
        numbered_objects(report),
        mostly_ignored(report),
        empty_splits(report),
        splits_without_labels(report),
    ):
        for kind, some in found.items():
            cases[kind] += some
    report.findings = sort_findings(cases)
    return report


def _measure_pairs(source: Source) -> list[PairMeasurements]:
    """Measure every pair once, in threads, in the order of the data set."""
    pairs = list(dict.fromkeys(pair for pair, _ in source.labelled()))
    with ThreadPoolExecutor(THREADS) as pool:
        measured = pool.map(lambda pair: measure_pair(pair, source), pairs)
        return list(tqdm(measured, "checking", len(pairs), leave=False, delay=2))


def _faults_and_oddities(measurements: list[PairMeasurements]) -> Cases:
    """Gather what each pair by itself shows."""
    cases: Cases = defaultdict(list)
    for measured in measurements:
        for fault in measured.faults:
            cases[fault.kind].append(fault)
        for kind, path in measured.oddities.items():
            cases[kind].append(Case((path,)))
    return cases


def _images_below_crop(measurements: list[PairMeasurements], config: Config | None) -> Cases:
    """Find images that are smaller than the crops that training will take, each with the size that it will have."""
    cases = []
    for measured in measurements if config and config.framing == "crop" else []:
        if measured.size:
            height, width = shrunk_size(*measured.size, config.max_side) if config.max_side else measured.size
            if min(height, width) < config.image_size:
                cases.append(Case((measured.pair.image,), (f"{width}x{height}",)))
    return {"image smaller than the crop": cases}

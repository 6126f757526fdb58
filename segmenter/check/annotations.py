"""The check of what a labelling tool wrote: regions, images and files that do not fit each other."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from segmenter.check.findings import Case, Cases, FileNames, Finding, sort_findings
from segmenter.check.report import list_findings
from segmenter.formats import objects
from segmenter.formats.base import Annotations, Item, Region
from segmenter.formats.convert import THREADS, draw_item
from segmenter.formats.drawing import is_area
from segmenter.formats.listing import Listing
from segmenter.formats.sizes import has_other_shape, upright_size
from segmenter.formats.sources import tell
from segmenter.optional import require
from utils.errors import DataError, Fault, printable
from utils.files import content_hashes


@dataclass
class AnnotationReport:
    """All that was found in annotations.

    Attributes:
        found: the annotations.
        listing: where they lie.
        findings: the gravest first.
    """

    found: Annotations
    listing: Listing
    findings: list[Finding]

    @property
    def ok(self) -> bool:
        """No error was found; there may be warnings and notes."""
        return all(finding.severity != "error" for finding in self.findings)

    def text(self, every_name: bool = False) -> str:
        """Return the report as lines of text, with three cases of each kind or all of them."""
        source, names = self.listing.source, FileNames(self.listing, [])
        regions: Counter[str] = Counter()
        for item in self.found.items:
            regions.update("ignored" if r.label is None else r.label for r in item.regions)
        drawn = ", ".join(f"{count} {name}" for name, count in regions.most_common())
        lines = [tell(self.found), *([f"regions: {drawn}"] if drawn else [])]
        lines += list_findings(self.findings, names, every_name)
        verdict = "Every region can be drawn." if not self.findings else "The others can be drawn."
        advice = f"{verdict} python -m segmenter convert {source} --into FOLDER draws the masks; then check FOLDER."
        return printable("\n".join([*lines, advice]))


def check_annotations(found: Annotations, listing: Listing) -> AnnotationReport:
    """Look at every image and region, draw them all, and report all faults and oddities. Changes nothing."""
    cases: Cases = defaultdict(list)
    cases["annotated image is missing"] = [Case(facts={"name": i.name}) for i in found.items if i.image is None]
    items = [item for item in found.items if item.image is not None]
    with ThreadPoolExecutor(THREADS) as pool:
        done = pool.map(lambda item: drawing_fault(item, found.classes), items)
        errors = list(tqdm(done, "checking", len(items), unit="image", delay=1))
    for item, error in zip(items, errors, strict=True):
        size = upright_size(item.image)
        if size and item.size and has_other_shape(size, item.size):
            words = f"{size[1]}x{size[0]}, annotated at {item.size[1]}x{item.size[0]}"
            cases["annotations of another size"].append(Case((item.image,), facts={"size": words}))
        elif error is not None and error.fault is None:
            cases["annotations that cannot be drawn"].append(Case((item.image,), facts={"name": str(error)}))
        elif error is not None:
            cases[error.fault.kind].append(error.fault)
        for kind, region in look_at(item, item.size or size):
            cases[kind].append(Case((item.image,), facts={"name": region.label or "ignored"}))
        if found.format == objects.NAME:
            for kind, case in look_at_masks(item):
                cases[kind] += [case] if case not in cases[kind] else []
    for kind, some in look_at_files(found).items():
        cases[kind] += some
    return AnnotationReport(found, listing, sort_findings(cases))


def drawing_fault(item: Item, classes: tuple[str, ...]) -> DataError | None:
    """Draw an image as `convert` does, and return what it would be left out for."""
    try:
        if item.is_labelled:
            draw_item(item, classes)
    except DataError as error:
        return error
    return None


def look_at(item: Item, size: tuple[int, int] | None) -> list[tuple[str, Region]]:
    """Return what is wrong with the regions of an image, each with the kind of fault; stencils hold nothing wrong."""
    faults, seen = [], set()
    for region in item.regions:
        if region.stencil is not None:
            continue
        key = (region.label, *(ring.tobytes() for ring in region.rings))
        if key in seen:
            faults.append(("region drawn twice", region))
        seen.add(key)
        rings = [ring for ring in region.rings if is_area(ring)]
        if not rings:
            faults.append(("region without an area", region))
            continue
        if any(crosses_itself(ring) for ring in rings):
            faults.append(("outline crosses itself", region))
        if size:
            points = np.concatenate(rings)
            low, high = points.min(axis=0), points.max(axis=0)
            if (high <= 0).any() or (low >= size[::-1]).any():
                faults.append(("region outside the image", region))
            elif (low < -1).any() or (high > np.array(size[::-1]) + 1).any():  # tools draw up to the very border
                faults.append(("region beyond the border", region))
    return faults


def look_at_masks(item: Item) -> list[tuple[str, Case | Fault]]:
    """Return the masks of an image that cannot be read, and the first class whose masks lie on each other.

    Objects lie beside each other: a mask that shares more than half of its pixels with the others of its class, and
    they with it, shows things that two people marked.
    """
    faults: list[tuple[str, Case | Fault]] = []
    twice: list[tuple[str, Case | Fault]] = []
    joined: dict[str | None, np.ndarray] = {}
    for region in item.regions:
        try:
            mask = region.stencil()
        except DataError as error:
            faults.append((error.fault.kind, error.fault))
            continue
        before = joined.setdefault(region.label, np.zeros_like(mask))
        if before.shape != mask.shape:
            continue
        if 2 * np.count_nonzero(before & mask) > np.count_nonzero(before | mask):
            case = Case((item.image,), facts={"name": region.label or "ignored"})
            twice.append(("masks of an image overlap", case))
        before |= mask
    return faults + twice[:1]


def look_at_files(found: Annotations) -> Cases:
    """Find images that are annotated twice, or not at all, and copies under other names."""
    times = Counter(item.image for item in found.items if item.image is not None)
    labelled = {item.image for item in found.items if item.is_labelled}
    bare = [path for path in times if path not in labelled]
    copies: dict[str, list[Path]] = defaultdict(list)
    for path, digest in zip(times, content_hashes(list(times)), strict=True):
        copies[digest].append(path)
    return {
        "image annotated twice": [Case((path,)) for path, count in times.items() if count > 1],
        "image without annotations": [Case((path,)) for path in bare],
        "same image under two names": [Case(tuple(paths)) for paths in copies.values() if len(paths) > 1],
    }


def crosses_itself(ring: np.ndarray) -> bool:
    """Say whether two edges of an outline cross; that they touch, as at a cut to a hole, is no fault."""
    shapely = require("shapely")
    edges = np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)
    edges = edges[(edges[:, 0] != edges[:, 1]).any(axis=1)]
    lines = shapely.linestrings(edges)
    first, second = shapely.STRtree(lines).query(lines, predicate="crosses")
    return bool((first < second).any())

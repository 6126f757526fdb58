"""Files without partner, and files of one name of which only one can have been meant."""

from collections import defaultdict
from pathlib import Path

from segmenter.check.findings import Case, Cases
from utils.catalog.base import Source
from utils.formats import list_images


def stray_files(source: Source) -> Cases:
    """Find files without partner, and files of the same name."""
    groups = same_names(source)
    ambiguous = {path for group in groups for path in group}
    return {
        "without partner": [Case((path,)) for path in source.unpaired() if path not in ambiguous],
        "picture in no pair": [Case((path,)) for path in source.unread()],
        "same name twice": [Case(tuple(group)) for group in groups],
    }


def same_names(source: Source) -> list[list[Path]]:
    """Return images beside each other with one name but other endings, of which only some are in a pair."""
    used = {path for pair, _ in source.labelled() for path in (pair.image, pair.mask)}
    groups = []
    for folder in sorted({path.parent for path in used}):
        by_stem = defaultdict(list)
        for path in list_images(folder):
            by_stem[path.stem.removesuffix("_mask")].append(path)
        for group in by_stem.values():
            if len(group) > 1 and used.intersection(group) and not used.issuperset(group):
                groups.append(group)
    return groups

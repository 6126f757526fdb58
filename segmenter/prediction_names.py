"""What the files are called that a prediction writes: a name of its own for each image, which nothing else has."""

import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from segmenter.outputs import LONGEST_NAME


def absolute(path: Path) -> str:
    """Return the whole path of an image, as the list names it; a link is an image of its own."""
    return os.path.abspath(path)  # noqa: PTH100


def output_names(paths: Iterable[Path], folders: Sequence[Path], is_free: Callable[[str], bool]) -> dict[Path, str]:
    """Name what is written for each image, so that no two images share a name, and every name is free.

    The name is the image's own, without its ending, below the sub-folder that it lies in; or, where that is not free,
    with the folder before it, with its ending, or with a hash of its path and a number.
    """
    names: dict[Path, str] = {}
    used: set[str] = set()
    candidates = {path: candidate_names(path, folders) for path in paths}
    while len(names) < len(candidates):
        wanted = {path: next(more) for path, more in candidates.items()}
        counts = Counter(name.casefold() for name in wanted.values())
        for path, name in wanted.items():
            long, known = len(os.fsencode(Path(name).name)) > LONGEST_NAME, name.casefold()
            if path not in names and not long and known not in used and counts[known] == 1 and is_free(name):
                names[path] = name
                used.add(known)
    return names


def candidate_names(path: Path, folders: Sequence[Path]) -> Iterator[str]:
    """Yield the names that an image may get, the plainest first."""
    inside = [folder for folder in folders if path.is_relative_to(folder)]
    folder = max(inside, key=lambda found: len(found.parts), default=path.parent)
    below, above = path.relative_to(folder), Path(absolute(folder)).name
    yield below.with_suffix("").as_posix()
    yield (above / below.with_suffix("")).as_posix()
    yield below.as_posix()
    digits = hashlib.sha256(os.fsencode(absolute(path))).hexdigest()
    for number in itertools.count(1):
        yield below.with_name(f"{path.stem[:30]}_{digits[:8]}{f'_{number}' if number > 1 else ''}").as_posix()

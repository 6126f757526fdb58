"""Findings as values, and the one place that makes words of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from segmenter.check.kinds import KINDS, SEVERITIES, Severity
from utils.catalog.base import Pair, Source
from utils.errors import Fault


@dataclass(frozen=True)
class Case:
    """One case of a finding that is no fault of a single file.

    Attributes:
        files: the files that show it.
        labels: what to say of each file, such as its split or its size; empty where there is nothing to say.
        facts: what the words of its kind need beside the files: names, numbers, names -> counts.
    """

    files: tuple[Path, ...] = ()
    labels: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict, hash=False)


Cases = dict[str, list[Case | Fault]]  # kind -> its cases


class FileNames:
    """What the files of a data set are called in a report."""

    def __init__(self, source: Source, pairs: Iterable[Pair]) -> None:
        pairs = list(pairs)
        self.relative = source.relative
        self._shared: set[str] = set()
        for paths in ({pair.image for pair in pairs}, {pair.mask for pair in pairs}):
            self._shared |= {name for name, count in Counter(path.name for path in paths).items() if count > 1}

    def brief(self, path: Path) -> str:
        """Return the name of a file, or its path where several files have that name."""
        return self.relative(path) if path.name in self._shared else path.name


@dataclass(frozen=True)
class Finding:
    """One kind of fault or oddity with all its cases."""

    kind: str
    cases: tuple[Case | Fault, ...]

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return KINDS[self.kind].severity

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return KINDS[self.kind].remedy

    def descriptions(self, names: FileNames) -> list[str]:
        """Put every case into words, without what to do about it."""
        return [
            _located(case, names).description if isinstance(case, Fault) else self._describe(case, names)
            for case in self.cases
        ]

    def sentences(self, names: FileNames) -> list[str]:
        """Put every case into words; faults of files with what to do about them."""
        return [
            str(_located(case, names)) if isinstance(case, Fault) else self._describe(case, names)
            for case in self.cases
        ]

    def _describe(self, case: Case, names: FileNames) -> str:
        kind = KINDS[self.kind]

        def join(name_of: Callable[[Path], str]) -> str:
            labelled = zip_longest(map(name_of, case.files), case.labels, fillvalue="")
            return kind.separator.join(f"{name} ({label})" if label else name for name, label in labelled)

        facts = {name: _in_words(value, names) for name, value in case.facts.items()}
        return kind.words.format(files=join(names.brief), paths=join(names.relative), **facts)


def _located(fault: Fault, names: FileNames) -> Fault:
    """Return a fault with the path of its file as seen from the data set's folder."""
    return replace(fault, path=Path(names.relative(fault.path)))


def _in_words(value: Any, names: FileNames) -> Any:
    """Write a path as a name, counts as '5 train, 3 test', and names as 'train and test'; leave the rest as it is."""
    if isinstance(value, Path):
        return names.brief(value)
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    return " and ".join(value) if isinstance(value, tuple) else value


def sort_findings(cases: Cases) -> list[Finding]:
    """Return the findings in the order of KINDS, the gravest first."""
    order = list(KINDS)
    kinds = sorted(cases, key=lambda kind: (SEVERITIES.index(KINDS[kind].severity), order.index(kind)))
    return [Finding(kind, tuple(cases[kind])) for kind in kinds if cases[kind]]

"""What a check of a data set found, as values, and the same as text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from segmenter.check.findings import FileNames, Finding
from segmenter.check.kinds import Severity
from segmenter.check.measurements import PairMeasurements
from segmenter.check.near_copies import NearCopy
from utils.catalog.base import Source
from utils.errors import printable

SHOWN = 3  # cases of one kind in the short report


@dataclass
class Report:
    """What `check_dataset` found.

    Attributes:
        splits: pairs in each split.
        measurements: of every pair; `split_of[i]` is the split of `measurements[i]`, None for a pair in no split.
        near_copies: near copies in different splits, as indices of `measurements`.
        findings: the gravest first.
    """

    source: Source
    splits: dict[str, int]
    measurements: list[PairMeasurements]
    split_of: list[str | None]
    near_copies: list[NearCopy] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the data set."""
        return self.source.name

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in order of their ids."""
        return self.source.classes

    @cached_property
    def file_names(self) -> FileNames:
        """What the files are called in the report."""
        return FileNames(self.source, (measured.pair for measured in self.measurements))

    @property
    def ok(self) -> bool:
        """No error was found; there may be warnings and notes."""
        return not self.errors

    @property
    def errors(self) -> dict[str, list[str]]:
        """Kind -> sentences or names of what stops training or spoils it."""
        return self._of_severity("error")

    @property
    def warnings(self) -> dict[str, list[str]]:
        """Kind -> what may make scores mislead."""
        return self._of_severity("warning")

    @property
    def notes(self) -> dict[str, list[str]]:
        """Kind -> what the course copes with."""
        return self._of_severity("note")

    def _of_severity(self, severity: Severity) -> dict[str, list[str]]:
        return {f.kind: f.sentences(self.file_names) for f in self.findings if f.severity == severity}

    @property
    def pixels(self) -> np.ndarray:
        """Labelled pixels of each class: int64 (C,)."""
        return sum((m.class_pixels for m in self.measurements), np.zeros(len(self.classes), dtype=np.int64))

    @property
    def ignored(self) -> int:
        """Pixels that are not scored."""
        return sum(measured.ignored_pixels for measured in self.measurements)

    @property
    def presence(self) -> dict[str, np.ndarray]:
        """Split -> how many of its images show each class: int64 (C,)."""
        counts = {split: np.zeros(len(self.classes), dtype=np.int64) for split in self.splits}
        for measured, split in zip(self.measurements, self.split_of, strict=True):
            if split is not None:
                counts[split] += measured.class_pixels > 0
        return counts

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of every readable image: int64 (N, 2)."""
        return np.array([m.size for m in self.measurements if m.size], dtype=np.int64).reshape(-1, 2)

    @property
    def foreground(self) -> np.ndarray:
        """Share of the foreground in every sound pair, of what is labelled: float (N,); for two classes."""
        counts = [m.class_pixels for m in self.measurements if m.class_pixels.any()]
        return np.array([count[1] / count.sum() for count in counts])

    @property
    def verdict(self) -> str:
        """The whole report in a sentence or two."""
        if not self.ok:
            return "Mend the errors before training."
        advice = " Look at the warnings first: scores may mislead." if self.warnings else ""
        return f"Every pair can be trained on.{advice}"

    def __str__(self) -> str:
        return self.text()

    def text(self, every_name: bool = False) -> str:
        """Return the report as lines of text, with three cases of each kind or all of them."""
        splits = ", ".join(f"{count} {split}" for split, count in self.splits.items())
        lines = [f"{self.name}: {splits}", *(f"{title}: {words}" for title, words in self.summary())]
        lines += list_findings(self.findings, self.file_names, every_name)
        return printable("\n".join([*lines, self.verdict]))

    def summary(self) -> list[tuple[str, str]]:
        """Describe the data in a few lines: a title and its figures."""
        labelled = int(self.pixels.sum())
        total, everything = max(labelled, 1), max(labelled + self.ignored, 1)
        shares = [f"{name} {pixels / total:.1%}" for name, pixels in zip(self.classes, self.pixels, strict=True)]
        lines = [*self.source.describe(), ("classes", str(len(self.classes))), ("pixels", ", ".join(shares))]
        lines.append(("ignored", f"{self.ignored / everything:.1%} of all pixels"))
        if len(self.sizes):
            small, large = self.sizes.min(axis=0), self.sizes.max(axis=0)
            distinct = len(np.unique(self.sizes, axis=0))
            span = f"{small[1]}-{large[1]} wide, {small[0]}-{large[0]} high, {distinct} different sizes"
            lines.append(("images", span if distinct > 1 else f"all {small[1]}x{small[0]} (width x height)"))
        if len(self.classes) == 2 and len(self.foreground):
            low, middle, high = np.quantile(self.foreground, (0, 0.5, 1))
            words = f"{self.classes[1]} covers {low:.1%} to {high:.1%} of an image, median {middle:.1%}"
            lines.append(("foreground", words))
        return lines


def list_findings(findings: Sequence[Finding], names: FileNames, every_name: bool) -> list[str]:
    """Put findings into lines of text, with three cases of each or all of them."""
    lines = []
    for finding in findings:
        severity = "ERROR" if finding.severity == "error" else finding.severity
        heading = f"{severity}  {finding.kind}: {len(finding.cases)}"
        descriptions = finding.descriptions(names)
        if every_name:
            lines += [heading, *(f"    {description}" for description in descriptions)]
        else:
            lines.append(f"{heading} ({shorten(descriptions)})")
        lines.append(f"    -> {finding.remedy}")
    return lines


def shorten(descriptions: Sequence[str]) -> str:
    """Join the first few descriptions, and count the others."""
    shown = "; ".join(descriptions[:SHOWN])
    more = len(descriptions) - SHOWN
    return f"{shown}; ... and {more} more" if more > 0 else shown

"""What a check of a data set found, and how it is said in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from segmenter.check.measurements import LONG_ASPECT, MANY_PIXELS, SMALL_SIDE, PairFacts
from segmenter.check.near_copies import Near
from utils.catalog.base import Source

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
SHOWN = 3  # names of one kind in the short report

# Kind -> how grave it is and what to do, in the order of the report. "error": training would stop, or learn or score
# something wrong. "warning": scores may mislead, so look at it. "note": the course copes with it.
KINDS: dict[str, tuple[Severity, str]] = {
    "without partner": ("error", "Give every image one mask of the same name, or remove the file."),
    "same name twice": ("error", "Keep one file of each name: nobody can tell which of them the mask belongs to."),
    "missing file": ("error", "Put the file back, or remove its row from the list."),
    "unreadable file": ("error", "Replace it with a complete image file, or remove the pair."),
    "sizes do not fit": ("error", "Image and mask are not one picture: replace the wrong one."),
    "JPEG mask": ("error", "Export masks as PNG: JPEG changes class ids."),
    "anti-aliased mask": ("error", "Draw masks without smoothing. With two classes, --fix-into cuts them at 128."),
    "colour mask": ("error", "Add classes.csv with the columns name,r,g,b, or save masks of ids."),
    "colour outside the class table": ("error", "Correct the masks, or add their colours to classes.csv."),
    "label outside the classes": ("error", "Correct the masks or the list of classes; --fix-into ignores such pixels."),
    "empty split": ("error", "Name the split of more pairs in a csv, or let splits='random' draw them."),
    "identical images in several splits": ("error", "Keep one copy: a model scores well on what it was trained on."),
    "group in several splits": ("warning", "Scores flatter the model: splits='random' draws anew, by group."),
    "near duplicates in several splits": ("warning", "Look at the pairs: copies belong in one split."),
    "identical images with different masks": ("warning", "The masks contradict each other: keep the right one."),
    "class missing from a split": ("warning", "Not learned, or not scored: move pairs, or set splits='stratified'."),
    "ids with gaps": ("warning", "Number the classes 0, 1, 2 ... or name them: each id up to the largest is a class."),
    f"image smaller than {SMALL_SIDE} pixels": ("warning", "Deep networks leave nothing of it: remove the pair."),
    "class without a pixel": ("note", "It cannot be learned; scores leave it out."),
    "every pixel ignored": ("note", "The pair teaches nothing."),
    "only one class in the mask": ("note", "Fine where the class is really all there is: look at some."),
    "identical images, kept in one split": ("note", "They count twice in training."),
    "mask of another size (resized)": ("note", "Brought to the image's size, nearest label."),
    "grey image": ("note", "Read as RGB with three equal channels."),
    "EXIF-turned image (turned upright)": ("note", "Masks must have been drawn on the upright picture: look at one."),
    "image of more than 8 bits (scaled)": ("note", "The largest value of each picture becomes 255."),
    "fourth channel (dropped)": ("note", "Transparency or infrared is not used."),
    "CMYK image (converted)": ("note", "Read as RGB; colours may shift a little."),
    f"image longer than {LONG_ASPECT:.0f}:1": ("note", "framing='resize' squeezes it: use framing='crop'."),
    f"image of more than {MANY_PIXELS // 10**6} megapixels": ("note", "Set max_side, so that it is shrunk once."),
    "image smaller than the crop": ("note", "It is padded; a smaller image_size wastes less."),
    "empty test split": ("note", "Nothing is left for a final score."),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One kind of fault or oddity with all that shows it: file names, or sentences that name a file."""

    severity: Severity
    kind: str
    items: tuple[str, ...]
    remedy: str


@dataclass
class Report:
    """What `check_dataset` found.

    Attributes:
        splits: pairs in each split.
        findings: the gravest first.
        pixels: labelled pixels of each class, int64 (C,).
        presence: images that show each class, by split, int64 (C,).
        facts: measures of every pair; `split_of[i]` is the split of `facts[i]`.
        near: look-alikes in different splits, as indices of `facts`.
    """

    source: Source
    splits: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    facts: list[PairFacts] = field(default_factory=list)
    split_of: list[str | None] = field(default_factory=list)
    near: list[Near] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes

    @property
    def ok(self) -> bool:
        """No error was found; there may be warnings and notes."""
        return not self.errors

    @property
    def errors(self) -> dict[str, list[str]]:
        """Kind -> sentences or names of what stops training or spoils it."""
        return self._of("error")

    @property
    def warnings(self) -> dict[str, list[str]]:
        """Kind -> what may make scores mislead."""
        return self._of("warning")

    @property
    def notes(self) -> dict[str, list[str]]:
        """Kind -> what the course copes with."""
        return self._of("note")

    def _of(self, severity: Severity) -> dict[str, list[str]]:
        return {f.kind: list(f.items) for f in self.findings if f.severity == severity}

    @property
    def pixels(self) -> np.ndarray:
        return sum((f.counts for f in self.facts), np.zeros(len(self.classes), dtype=np.int64))

    @property
    def presence(self) -> dict[str, np.ndarray]:
        shown = {split: np.zeros(len(self.classes), dtype=np.int64) for split in self.splits}
        for facts, split in zip(self.facts, self.split_of, strict=True):
            if split is not None:
                shown[split] += facts.counts > 0
        return shown

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of every readable image: int (N, 2)."""
        return np.array([f.size for f in self.facts if f.size], dtype=np.int64).reshape(-1, 2)

    @property
    def foreground(self) -> np.ndarray:
        """Share of the foreground in every sound pair, of what is labelled: float (N,); for two classes."""
        return np.array([f.counts[1] / f.counts.sum() for f in self.facts if f.counts.sum()])

    @property
    def verdict(self) -> str:
        """The whole report in a sentence or two."""
        if not self.ok:
            return "Mend the errors before training."
        look = " Look at the warnings first: scores may mislead." if self.warnings else ""
        return f"Every pair can be trained on.{look}"

    def __str__(self) -> str:
        return self.text()

    def text(self, every_name: bool = False) -> str:
        """Return the report as lines of text, with three names of each kind or all of them."""
        splits = ", ".join(f"{count} {split}" for split, count in self.splits.items())
        lines = [f"{self.name}: {splits}", *(f"{title}: {words}" for title, words in self.summary())]
        for found in self.findings:
            title = found.severity.upper() if found.severity == "error" else found.severity
            lines.append(
                f"{title}  {found.kind}: {len(found.items)}" + ("" if every_name else f" ({brief(found.items)})")
            )
            lines += [f"    {item}" for item in found.items] if every_name else []
            lines.append(f"    -> {found.remedy}")
        return "\n".join([*lines, self.verdict])

    def summary(self) -> list[tuple[str, str]]:
        """Describe the data in a few lines: a title and its figures."""
        total = max(int(self.pixels.sum()), 1)
        lines = [("pixels", ", ".join(f"{c} {p / total:.1%}" for c, p in zip(self.classes, self.pixels, strict=True)))]
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

    def save_html(self, path: str | Path, gallery: int = 12, seed: int = 0) -> Path:
        """Write the report with pictures as one HTML file that needs nothing else, and return its path."""
        from segmenter.check.html_report import save_html

        return save_html(self, Path(path), gallery, seed)


def brief(items: Sequence[str]) -> str:
    """Join a few items, each without the advice that follows its first sentence."""
    shown = "; ".join(item.split(". ")[0] for item in items[:SHOWN])
    more = len(items) - SHOWN
    return f"{shown}; ... and {more} more" if more > 0 else shown

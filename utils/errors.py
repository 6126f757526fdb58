"""One clear sentence for whatever the user can put right: what, where, and what to do.

A fault of a file is a value, `Fault`: its kind, the file, and the facts. Reports sort and count by the kind; the
sentence is made from the values here, in one place, and nothing ever looks for words in it.
"""

import re
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Kind of fault: what is wrong, and what to do. {path} is the file; the other names are the facts of that kind, and
# {pixels:pixel|pixels} is a number with its noun, as in "1 pixel" and "2 pixels".
FAULTS = {
    "missing file": ("There is no file {path}", "Check the folder, or remove it from the list."),
    "unreadable file": ("{path} {reason}", "Replace it with a complete image file, or remove it."),
    "HEIC photograph": (
        "{path} is a HEIC photograph, which needs the package pillow-heif",
        "Run `pip install pillow-heif`, or save it as JPEG or PNG.",
    ),
    "too large for memory": ("{path} needs more memory than there is", "Make it smaller, or cut it into parts."),
    "too many pixels": (
        "{path} has more pixels than the {most} million that are opened at once",
        "Make it smaller, or cut it into parts.",
    ),
    "several images in one file": (
        "{path} holds {count:picture|pictures} (an animation, or pages)",
        "Save the one you mean as its own file.",
    ),
    "sizes do not fit": (
        "{path} is {size[1]}x{size[0]} but its mask {mask} is {mask_size[1]}x{mask_size[0]}: not one picture",
        "Replace the wrong one.",
    ),
    "JPEG mask": ("{path} is a JPEG: its compression changes class ids", "Save masks as PNG."),
    "anti-aliased mask": (
        "{path} holds {values:grey value|grey values} between 0 and 255 ({share:.1%} of its pixels): "
        "its edges were smoothed",
        "Save masks without smoothing, as PNG.",
    ),
    "colour mask": (
        "{path} is a colour picture: a mask of class ids has one channel",
        "Give a class table (classes.csv with the columns name,r,g,b), or save masks of ids.",
    ),
    "value without a class": (
        "{path} has {pixels:pixel|pixels} of {labels}, which stand for no class (known are {meaning})",
        "Correct the mask, or give the value a class in classes.csv.",
    ),
    "mask of fractions": (
        "{path} holds numbers that are not whole, such as {value:g}, in {pixels:pixel|pixels}: "
        "no class has such a number",
        "Save masks of whole ids, as PNG: probabilities must be cut first.",
    ),
    "negative numbers": (
        "{path} holds numbers from {low:g} to {high:g}, and what is below 0 would be black",
        "Add one number to all images, so that they begin at 0, or scale them to 0-255; tag the number of no data.",
    ),
    "no alpha channel": (
        "{path} has no alpha channel with the mask, as the other masks of this folder have",
        "Save it as the others, or all of them as ids in one channel.",
    ),
    "TIFF of bands": (
        "{path} is a TIFF of bands, or a JPEG 2000, that needs the package rasterio",
        "Run `pip install rasterio`, or save the image as PNG.",
    ),
    "colour outside the class table": (
        "{path} has {pixels:pixel|pixels} of colours outside the class table, such as {colour}",
        "Correct the mask, or add its colours to classes.csv.",
    ),
    "label outside the classes": (
        "{path} has {pixels:pixel|pixels} labelled {labels}, outside the {classes:class|classes} "
        "(0-{highest}, or 255 to ignore)",
        "Correct the mask or the class list.",
    ),
}


class Counting(string.Formatter):
    """Formats a number with its noun where the format names both forms, as in {pixels:pixel|pixels}."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format one value; a format of two words, parted by a bar, is the noun for one and the noun for more."""
        one, bar, more = format_spec.partition("|")
        return f"{value} {one if value == 1 else more}" if bar else super().format_field(value, format_spec)


TRACEBACK = re.compile(r"Caught \w+ in .+\.\nOriginal Traceback")  # of the message of a DataLoader's worker


def printable(text: str) -> str:
    """Return a text that can be printed: names of files may hold bytes that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file.

    Attributes:
        kind: a key of FAULTS.
        path: the file.
        facts: the numbers and names that the sentence of this kind needs.
        sentence: takes the place of the sentence of this kind, where an error brought nothing but its own words.
    """

    kind: str
    path: Path
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    sentence: str = ""

    @property
    def description(self) -> str:
        """What is wrong, without the advice; there is no full stop at the end."""
        return self.sentence or Counting().format(FAULTS[self.kind][0], path=self.path, **self.facts)

    def __str__(self) -> str:
        return self.sentence or f"{self.description}. {FAULTS[self.kind][1]}"


class CourseError(Exception):
    """Something in the data, the configuration or a file must be changed by the user.

    In a notebook only the sentence is shown, without a traceback; the command line prints it and exits with 2.
    """

    def __init__(self, message: str) -> None:
        # A DataLoader worker raises anew, with its whole traceback as the message: keep the sentence.
        if TRACEBACK.match(message):
            message = message.strip().splitlines()[-1].split(": ", 1)[-1]
        super().__init__(printable(message))

    def _render_traceback_(self) -> list[str]:  # IPython calls this instead of printing a traceback
        return [f"{type(self).__name__}: {self}"]


class ConfigError(CourseError):
    """A field of the configuration, or a name in it, is not valid."""


class DataError(CourseError):
    """An image, a mask, a list or an archive is missing or is not what it should be.

    `fault` holds the values where one file is at fault, and is None otherwise.
    """

    def __init__(self, message: str | Fault) -> None:
        self.fault = message if isinstance(message, Fault) else None
        super().__init__(str(message))


class TrainingError(CourseError):
    """Training cannot go on: the loss is no number, or memory ran out. What the last whole epoch left is unharmed."""


class CheckpointError(CourseError):
    """A checkpoint or a run folder is missing, damaged or made for something else."""

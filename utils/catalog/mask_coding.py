"""What the values that masks store mean: one declared meaning for all masks of a folder.

A `MaskCoding` says which class id stands behind a stored number, and behind a colour. It is decided once, from what all
masks hold (`StoredMask`) and what the user said, and kept in the configuration of a run.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from utils.errors import ConfigError, DataError, Fault
from utils.images import IGNORE_INDEX, open_image, read_mask, rgb_to_ids

Colour = tuple[int, int, int]
MOST_VALUES = 65536  # a larger number is no class
FOREIGN = -1  # the id of what stands for no class
ENTRY = re.compile(r"(\d+)=(\d+)|(\d+),(\d+),(\d+)=(\d+)")


@dataclass(frozen=True)
class MaskCoding:
    """Which class id stands behind what a mask stores.

    Attributes:
        values: (stored number, id) of masks with one channel, or three equal ones; 255 is ignored unless it is named.
        colours: (stored colour, id) of colour masks.
        palette: masks with a palette count by their colours, not by their indices.
        alpha: the number is the one in the alpha channel.
        cut: a JPEG, or a WebP compressed with loss, counts as 255 from 128 on, and as 0 below.
        soft: masks are black and white with smooth edges, which `--fix-into` cuts: numbers between are no classes.
    """

    values: tuple[tuple[int, int], ...] = ()
    colours: tuple[tuple[Colour, int], ...] = ()
    palette: bool = False
    alpha: bool = False
    cut: bool = False
    soft: bool = False

    @property
    def highest(self) -> int:
        """The highest class id that it names."""
        return max((i for _, i in (*self.values, *self.colours) if i != IGNORE_INDEX), default=0)

    def read(self, path: Path) -> np.ndarray:
        """Return the class ids of a mask, int64 (H, W). Raises DataError where the file or a value does not fit."""
        return self.refuse_foreign(*self.look_up(path), path)

    def decode(self, stored: np.ndarray, path: Path) -> np.ndarray:
        """Return the class ids of what a mask stores, int64 (H, W). Raises DataError where a value does not fit."""
        stored = self.numbers(stored, path)
        return self.refuse_foreign(stored, self.ids(stored), path)

    def refuse_foreign(self, stored: np.ndarray, ids: np.ndarray, path: Path) -> np.ndarray:
        """Return class ids. Raises DataError, which names what is stored, where some of them are none."""
        if (ids == FOREIGN).any():
            raise DataError(self.fault(stored, ids, path))
        return ids

    def look_up(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Return what counts of a mask's file, numbers (H, W) or colours (H, W, 3), and its ids, -1 for no class.

        Raises DataError where the file cannot be read.
        """
        image = open_image(path) if self.palette or self.alpha or self.cut else None
        if image is None:
            stored = self.numbers(read_mask(path), path)
        elif self.alpha:
            if not image.has_transparency_data:
                raise DataError(Fault("no alpha channel", path))
            stored = np.array(image.convert("RGBA"))[..., 3]
        elif self.cut and image.info["lossy"]:
            stored = np.where(np.array(image.convert("L")) >= 128, 255, 0).astype(np.uint8)
        elif self.palette and image.mode == "P":
            stored = np.array(image.convert("RGB"))
            ids = self.ids(stored)
            ids[(ids == FOREIGN) & (np.array(image) == IGNORE_INDEX)] = IGNORE_INDEX  # whatever its colour is
            return stored, ids
        else:
            stored = self.numbers(read_mask(path), path)
        return stored, self.ids(stored)

    def numbers(self, raw: np.ndarray, path: Path) -> np.ndarray:
        """Return what a mask stores as whole numbers (H, W), or as colours where there are colours to look up."""
        return raw if raw.ndim == 3 and self.colours else as_numbers(raw, path)

    def ids(self, stored: np.ndarray) -> np.ndarray:
        """Look stored numbers (H, W) or colours (H, W, 3) up: int64 (H, W), -1 for what is no class."""
        if stored.ndim == 3:
            ids = rgb_to_ids(stored, [colour for colour, _ in self.colours])
            return np.array([*(i for _, i in self.colours), FOREIGN], dtype=np.int64)[ids]  # the last one is -1
        table = np.full(MOST_VALUES + 1, FOREIGN, dtype=np.int64)
        table[IGNORE_INDEX] = IGNORE_INDEX
        for value, i in self.values:
            table[value] = i
        whole = stored if stored.dtype == np.uint8 else np.clip(stored, -1, MOST_VALUES).astype(np.int64)
        return table[whole]  # -1 and numbers that are too large find the last entry

    def fault(self, stored: np.ndarray, ids: np.ndarray, path: Path) -> Fault:
        """Return what is wrong with a mask that holds something else than classes."""
        foreign = stored[ids == FOREIGN]
        if stored.ndim == 3:
            colour = tuple(int(v) for v in foreign[0])
            return Fault("colour outside the class table", path, {"pixels": len(foreign), "colour": colour})
        numbers = np.unique(foreign)
        if self.soft:
            share = len(foreign) / stored.size
            return Fault("anti-aliased mask", path, {"values": len(numbers), "share": share})
        facts = {"pixels": len(foreign), "labels": ", ".join(map(str, numbers[:5].tolist()))}
        if self.is_plain:
            facts |= {"classes": len(self.values), "highest": len(self.values) - 1}
            return Fault("label outside the classes", path, facts)
        return Fault("value without a class", path, facts | {"meaning": self.words(None)})

    def swapped(self) -> "MaskCoding":
        """Return the coding in which the ids 0 and 1 have changed places."""
        values, colours = (
            tuple((stored, {0: 1, 1: 0}.get(i, i)) for stored, i in entries) for entries in (self.values, self.colours)
        )
        return replace(self, values=values, colours=colours)

    @property
    def is_plain(self) -> bool:
        """Say whether masks hold the class ids themselves."""
        return all(value == i for value, i in self.values)

    def words(self, names: tuple[str, ...] | None) -> str:
        """Say in a few words what the masks hold; `names` are those of the classes."""

        def name(i: int) -> str:
            return "ignored" if i == IGNORE_INDEX else names[i] if names else str(i)

        def join(entries: Iterable[tuple[object, int]]) -> str:
            rows = [f"{value} = {name(i)}" for value, i in entries]
            return ", ".join(rows[:8]) + (f", ... ({len(rows)} in all)" if len(rows) > 8 else "")

        parts = []
        if self.values:
            where = "the alpha channel: " if self.alpha else ""
            ignored = "" if IGNORE_INDEX in dict(self.values) else f", {IGNORE_INDEX} = ignored"
            parts.append(f"{where}{join(self.values)}{ignored}")
        if self.colours:
            parts.append(f"colours{' (of palettes too)' if self.palette else ''}: {join(self.colours)}")
        if self.cut:
            parts.append("masks that were compressed with loss (JPEG) are cut at 128")
        return "; ".join(parts)

    def __str__(self) -> str:
        flags = [flag for flag in ("palette", "alpha", "cut", "soft") if getattr(self, flag)]
        colours = [f"{','.join(map(str, colour))}={i}" for colour, i in self.colours]
        return " ".join([*(f"{value}={i}" for value, i in self.values), *colours, *flags])

    @classmethod
    def parse(cls, text: str) -> "MaskCoding":
        """Read what `str` wrote, such as '0=0 255=1' or '0,0,0=0 128,0,0=1 palette'. Raises ConfigError."""
        values, colours, flags = [], [], {}
        for word in text.replace(";", " ").split():
            if word in ("palette", "alpha", "cut", "soft"):
                flags[word] = True
            elif found := ENTRY.fullmatch(word):
                value, i, *colour = found.groups()
                numbers = [int(number) for number in ((value, i) if value else colour) if number]
                if max(numbers) >= MOST_VALUES or numbers[-1] > IGNORE_INDEX or (not value and max(numbers) > 255):
                    raise ConfigError(f"mask_values: '{word}' is out of range: ids are 0-254, or 255 to ignore.")
                (values if value else colours).append((numbers[0] if value else tuple(numbers[:3]), numbers[-1]))
            else:
                raise ConfigError(
                    f"mask_values: '{word}' is none of value=id (128=1) and r,g,b=id (128,0,0=1). Correct it."
                )
        return cls(tuple(values), tuple(colours), **flags)


def as_numbers(raw: np.ndarray, path: Path) -> np.ndarray:
    """Return a stored mask as whole numbers (H, W), or as colours (H, W, 3) where its channels differ.

    Raises DataError for numbers that are not whole: nothing is rounded.
    """
    if raw.ndim == 3 and (raw == raw[..., :1]).all():
        raw = raw[..., 0]
    if raw.dtype.kind == "f":
        whole = np.isfinite(raw) & (raw == np.round(raw))
        if not whole.all():
            facts = {"pixels": int((~whole).sum()), "value": float(raw[~whole][0])}
            raise DataError(Fault("mask of fractions", path, facts))
        return raw.astype(np.int64)
    return raw

"""Notebook 3: image and mask, changed together."""

import ast
import inspect
import re
import textwrap
import traceback
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any
from unittest.mock import patch

import albumentations as A
import cv2
import numpy as np
from PIL import Image

from exercises.definitions import Exercise, NotWritten
from exercises.expect import Wrong, expect, kind_of, require
from utils.augmentations import Augment
from utils.catalog.tiny import Tiny
from utils.config import COURSE, Config

Pair = tuple[np.ndarray, np.ndarray]
IGNORED = 255
COLOURS = np.arange(0, 180, 10, dtype=np.uint8).reshape(2, 3, 3)  # a picture of 2 x 3 pixels, no two colours alike
LABELS = np.array([[0, 1, 255], [2, 3, 200]], dtype=np.uint8)


def pair_of(result: Any) -> Pair:
    """Take apart what an answer returned: an image and a mask."""
    require(result is not None, "nothing is returned: is a `return` missing?")
    if not (isinstance(result, list | tuple) and len(result) == 2):
        raise Wrong(f"{kind_of(result)} is returned instead of two arrays: `return image, mask`")
    for name, value in zip(("image", "mask"), result, strict=True):
        require(isinstance(value, np.ndarray), f"the {name} that is returned is {kind_of(value)}, not a NumPy array")
    image, mask = result
    require((image.ndim, mask.ndim) != (2, 3), "mask and image are returned the wrong way round: `return image, mask`")
    return image, mask


def same_kind(pair: Pair, height: int, width: int) -> None:
    """Ask for the shapes and the dtype that the course's pairs have."""
    for name, array, shape in zip(("image", "mask"), pair, ((height, width, 3), (height, width)), strict=True):
        says = f"the {name} that is returned has shape {array.shape}, not {shape}"
        if array.shape[:2] == (width, height) and width != height:
            says += ": height and width have changed places"
        require(array.shape == shape, says)
        require(array.dtype == np.uint8, f"the {name} comes back as {array.dtype}, not uint8")


# ---------------------------------------------------------------- 3.1
def expect_flip(flip: Callable, *args: Any, **wanted: Any) -> Any:
    """Do what `expect` does, and tell less: of an image one colour, and of the generator nothing."""
    try:
        return expect(flip, *args, **wanted)
    except TypeError as error:
        if "sequence of integers" not in str(error):
            raise
        raise Wrong("`rng.random()` takes no p: draw a number without it, and ask whether it is below p") from None
    except Wrong as wrong:
        told = {name: v for name, v in wrong.details.items() if not isinstance(v, np.random.Generator)}
        if "expected" in told and all(np.ndim(array) == 3 - n for n, array in enumerate(told["yours"])):
            pairs = {"given": args[:2], "expected": told["expected"], "yours": told["yours"]}
            told = {f"mask {name}": mask for name, (_, mask) in pairs.items()}
            told |= {f"red of the image {name}": image[..., 0] for name, (image, _) in pairs.items()}
        raise Wrong(wrong.sentence, **told) from None


def mirrored(flip: Callable) -> None:
    """With p = 1, image and mask are both mirrored left-right.

    An image has shape (height, width, 3), a mask (height, width): left-right is the second axis of both,
    `array[:, ::-1]`.
    """
    i, m = COLOURS, LABELS
    same_kind(pair_of(expect_flip(flip, i, m, np.random.default_rng(0), 1.0)), 2, 3)
    results = [pair_of(flip(i.copy(), m.copy(), np.random.default_rng(n), 1.0)) for n in range(12)]
    moved = [not (np.array_equal(image, i) and np.array_equal(mask, m)) for image, mask in results]
    require(any(moved), "with p = 1 nothing is flipped: flip when `rng.random()` is below p", p=1.0)
    says = "p is not looked at: " * (sum(moved) < 10) + "with p = 1 every call must flip"
    require(all(moved), says, p=1.0, flipped=f"{sum(moved)} of 12")
    mistakes = [
        ((i[:, ::-1], m), "the image is flipped and its mask is not: every label now lies on the wrong side"),
        ((i, m[:, ::-1]), "the mask is flipped and its image is not: every label now lies on the wrong side"),
        ((i[::-1], m[::-1]), "it is turned upside down: the first axis counts rows, the second columns"),
        ((i[::-1, ::-1], m[::-1, ::-1]), "both axes are reversed: left-right is the second axis alone"),
        ((i[..., ::-1], m[:, ::-1]), "the image's last axis is reversed: those are its colours, not its columns"),
        ((i[:, ::-1, ::-1], m[:, ::-1]), "the image's last axis is reversed: those are its colours, not its columns"),
        ((i[::-1, ::-1, ::-1], m[::-1, ::-1]), "every axis is reversed, also the colours: name one, `axis=1`"),
        ((i[::-1], m[:, ::-1]), "the image is turned upside down, the mask left-right: both need the second axis"),
        ((i[:, ::-1], m[::-1]), "the mask is turned upside down, the image left-right: both need the second axis"),
    ]
    expect_flip(
        flip, i, m, np.random.default_rng(0), 1.0, gives=(i[:, ::-1], m[:, ::-1]), mistakes=mistakes,
        says="with p = 1 the columns are not in reverse order",
    )  # fmt: skip


def at_rest(flip: Callable) -> None:
    """With p = 0, both come back as they are.

    A random number from 0 to 1 is never below 0: then nothing is done, and the pair is returned as it came.
    """
    for seed in range(8):
        says = "with p = 0 nothing comes back: the pair that is not flipped must be returned too"
        require(flip(COLOURS.copy(), LABELS.copy(), np.random.default_rng(seed), 0.0) is not None, says)
        result = expect_flip(
            flip, COLOURS, LABELS, np.random.default_rng(seed), 0.0, gives=(COLOURS, LABELS),
            says="with p = 0 something is changed",
        )  # fmt: skip
        same_kind(pair_of(result), 2, 3)


def decisions(flip: Callable, rng: np.random.Generator, count: int, *p: float) -> list[bool]:
    """Say for each of many calls whether the pair was flipped; Wrong where image and mask disagree."""
    found = []
    for _ in range(count):
        image, mask = pair_of(flip(COLOURS.copy(), LABELS.copy(), rng, *p))
        both = [np.array_equal(new, old[:, ::-1]) for new, old in ((image, COLOURS), (mask, LABELS))]
        none = [np.array_equal(new, old) for new, old in ((image, COLOURS), (mask, LABELS))]
        if both != none and sorted(both) == sorted(none) == [False, True]:
            raise Wrong("sometimes only one of both is flipped: draw one number, and let it decide for both")
        require(all(both) or all(none), "sometimes the result is neither the pair nor its mirror image")
        found.append(all(both))
    return found


def one_decision(flip: Callable) -> None:
    """One decision counts for both.

    Draw a single number before you touch anything, then use it for the image and for the mask.
    """
    decisions(flip, np.random.default_rng(1), 60, 0.5)


def own_numbers(flip: Callable) -> None:
    """Its chance comes from `rng` alone.

    `np.random.random()` and `random.random()` ask generators of their own, which nobody seeds here: ask
    `rng.random()`.
    """
    first, again = (decisions(flip, np.random.default_rng(5), 41, 0.5) for _ in range(2))
    require(first == again, "the same `rng` decides differently the second time: draw from `rng`, not from elsewhere")


def share(flip: Callable) -> None:
    """In many calls, a share of p is flipped.

    `rng.random()` lies evenly between 0 and 1, so it is below p in a share p of all calls.
    """
    rng = np.random.default_rng(2)
    for p in (0.2, 0.8, 0.04, 0.96, None):
        wanted = 0.5 if p is None else p
        found = np.mean(decisions(flip, rng, 400, *([] if p is None else [p])))
        details = {"p": wanted, "calls": 400, "flipped": f"{found:.0%}"}
        says = "every call decides the same: is p compared with a new number from the `rng` that is given?"
        gap = 5 * np.sqrt(wanted * (1 - wanted) / 400)  # five standard deviations
        require(0 < found < 1 or p is None, says, **details)
        if abs(found - wanted) > gap and abs(found - 0.5) < 0.13:
            raise Wrong("p is not looked at: half of the calls flip, whatever it is", **details)
        says = "the share of flipped pairs is not p" if p else "without p, half of the calls must flip: `p=0.5`"
        require(abs(found - wanted) <= gap, says, **details)


def any_size(flip: Callable) -> None:
    """It works for every height and width.

    Nothing about the size needs to be known: `array[:, ::-1]` reverses any number of columns.
    """
    for height, width in ((1, 1), (1, 4), (5, 1), (7, 3), (4, 6)):
        mask = np.arange(height * width, dtype=np.uint8).reshape(height, width)
        image = np.stack([mask, mask + 100, 200 - mask], axis=-1)
        expect_flip(
            flip, image, mask, np.random.default_rng(0), 1.0, gives=(image[:, ::-1], mask[:, ::-1]),
            says=f"a picture of {height} x {width} pixels is not mirrored as a whole",
        )  # fmt: skip


# ---------------------------------------------------------------- 3.2
def numbered(height: int, width: int) -> Pair:
    """Return a picture and a mask in which every pixel says where it is."""
    mask = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    return np.stack([mask, 255 - mask, mask // 2], axis=-1), mask


def windows(crop: Callable, height: int, width: int, size: int, count: int, seed: int) -> list[tuple[int, int]]:
    """Cut many times; return the (y, x) of each window. Wrong where a result is no window, or not the same of both."""
    (image, mask), rng, found = numbered(height, width), np.random.default_rng(seed), []
    for _ in range(count):
        new_image, new_mask = pair_of(crop(image.copy(), mask.copy(), size, rng))
        places = []
        for name, new, old in (("image", new_image, image), ("mask", new_mask, mask)):
            first = np.asarray(new if name == "mask" else new[..., 0]).ravel()
            y, x = divmod(int(first[0]), width) if first.size else (0, 0)
            places.append((y, x))
            if not np.array_equal(new, old[y : y + size, x : x + size]):
                raise Wrong(f"the {name} is not a window of the picture, pixel by pixel as it was", **{name: new})
        if places[0] != places[1]:
            details = {"image cut at": places[0], "mask cut at": places[1]}
            raise Wrong("image and mask are cut at different places: draw y and x once, use them for both", **details)
        found.append(places[0])
    return found


def square(crop: Callable) -> None:
    """Both results are size x size, wherever the window lies.

    A window starts at y and ends before y + size. Which is the last y at which it still fits?
    """
    for height, width, size in ((5, 9, 3), (9, 5, 3), (6, 7, 2), (6, 7, 5)):
        image, mask = numbered(height, width)
        expect(crop, image, mask, size, np.random.default_rng(0))
        rng, shapes, results = np.random.default_rng(3), [], []
        for _ in range(80):
            new = pair_of(crop(image.copy(), mask.copy(), size, rng))
            shapes.append([a.shape for a in new])
            results.append(new)
            for a, name in zip(new, ("image", "mask"), strict=True):
                require(a.dtype == np.uint8, f"the {name} comes back as {a.dtype}, not uint8")
        details = {"picture": f"{height} x {width}", "size": size}
        wrong = [s for s in shapes if s != [(size, size, 3), (size, size)]]
        if not wrong:
            continue
        details |= {"image": wrong[0][0], "mask": wrong[0][1]}
        (i, m), lengths = wrong[0], [[s[a] for s, _ in shapes] for a in (0, 1)]
        require(i[:2] == m[:2], "image and mask come out in different sizes", **details)
        require(i[2:] == (3,), "the colours of the image are cut: its third axis stays whole", **details)
        require(len(m) == 2, "the mask has an axis too many: its shape is (size, size)", **details)
        if len(wrong) == len(shapes) and len({str(s) for s in wrong}) == 1:
            if (height, width) == i[:2]:
                raise Wrong("nothing is cut: both come back whole", **details)
            if height == i[0] or width == i[1]:
                raise Wrong("only one axis is cut: a window has a range of rows and a range of columns", **details)
            if i[0] == i[1]:
                raise Wrong("the window has a side of its own: `size` says how large it is", **details)
        if max(map(max, lengths)) <= size:  # the window reaches over the edge
            for new, _ in results:
                y, x = divmod(int(new[0, 0, 0]), width) if new.size else (height, width)
                if new.shape != (size, size, 3) and y + size <= height and x + size <= width:
                    raise Wrong("a slice ends at size, where it should end at y + size (or x + size)", **details)
            says = "a window reaches over an edge: y goes from 0 to height - size, and x from 0 to width - size"
            starts = np.array([divmod(int(new[0, 0, 0]), width) for new, _ in results if new.size])
            shorter = int(np.argmin((height, width)))  # the other axis never starts later than this one may
            if starts[:, 1 - shorter].max() <= min(height, width) - size:
                says += ": are height and width swapped, in `mask.shape` or in the slices? Rows come first"
            raise Wrong(says, **details)
        raise Wrong("the result is not size x size: cut from y to y + size, and from x to x + size", **details)


def same_window(crop: Callable) -> None:
    """Image and mask show the same window, unchanged.

    Draw y and x once. Then slice both arrays with the same four numbers: nothing is resized or moved.
    """
    for height, width, size in ((5, 9, 3), (8, 4, 2)):
        windows(crop, height, width, size, 60, seed=4)


def everywhere(crop: Callable) -> None:
    """Every place is cut, also the last row and the last column.

    `rng.integers(a, b)` leaves b out. There are H - size + 1 starts from top to bottom: from 0 to H - size.
    """
    for height, width, size in ((5, 9, 3), (6, 5, 3), (6, 6, 3)):
        found = Counter(windows(crop, height, width, size, 800, seed=5))
        rows, columns = {y for y, _ in found}, {x for _, x in found}
        last, details = (height - size, width - size), {"picture": f"{height} x {width}", "size": size}
        require(len(found) > 1, "every call cuts the same window: draw new numbers from `rng` each time", **details)
        details |= {"y drawn": sorted(rows), "x drawn": sorted(columns)}
        if all(y == x for y, x in found):
            raise Wrong("y and x are always the same number: draw one for each", **details)
        if {max(rows), max(columns)} == {min(last)} and last[0] != last[1]:
            raise Wrong("y and x have the same range: one ends at H - size, the other at W - size", **details)
        require(len(rows) > 1 and len(columns) > 1, "the window moves along one axis only: draw y and x", **details)
        if last[0] not in rows or last[1] not in columns:
            raise Wrong("the last place is never cut: `integers(a, b)` leaves b out, so add 1", **details)
        require({0} <= rows & columns, "the first row or column is never cut: y and x start at 0", **details)
        places = (last[0] + 1) * (last[1] + 1)
        says = "some windows are never cut: y and x must each take every value, whatever the other is"
        require(len(found) == places, says, **details, windows=f"{len(found)} of {places}")
    wide = np.tile(np.arange(1500) // 6, (4, 1)).astype(np.uint8)
    for mask, says in (
        (wide, "wide picture all lie in its left part"),
        (wide.T, "tall picture all lie in its upper part"),
    ):
        rng, image = np.random.default_rng(5), np.stack([mask] * 3, axis=-1)
        furthest = 6 * max(int(pair_of(crop(image, mask, 3, rng))[1].ravel()[:1].sum()) for _ in range(100))
        says = f"windows of a {says}: is there a limit, or a byte that is too small?"
        require(furthest > 1100, says, picture=mask.shape, size=3, **{"last start, about": furthest})


def evenly(crop: Callable) -> None:
    """Every place is equally likely.

    `rng.integers` gives whole numbers that are all equally likely; rounding a fraction favours the middle.
    """
    found, count = windows(crop, 5, 6, 3, 1800, seed=6), 1800
    for axis, places in ((0, 3), (1, 4)):
        times = np.bincount([place[axis] for place in found], minlength=places)
        gap = 5 * np.sqrt(count / places * (1 - 1 / places))  # five standard deviations
        name = "yx"[axis]
        says = f"some {name} come up more often than others: draw whole numbers, do not round or clip"
        require(np.abs(times - count / places).max() < gap, says, **{f"times of each {name}": times.tolist()})
    pairs = np.array(list(Counter(found).values()))
    says = "some windows come up more often than others: y and x must not depend on each other"
    require(np.abs(pairs - count / 12).max() < 5.5 * np.sqrt(count / 12), says, times=pairs.tolist())
    (image, mask), rng = numbered(5, 6), np.random.default_rng(6)
    mask[:] = [IGNORED] * 3 + [0] * 3
    mask[-1, -1] = 1  # windows of 255 alone, of both, of background alone, and with a label
    firsts = [pair_of(crop(image.copy(), mask.copy(), 3, rng))[0][0, 0, 0] for _ in range(count)]
    times = np.unique(firsts, return_counts=True)[1]
    says = "some windows come up more often than others: each place is equally likely, whatever is in the mask"
    even = len(times) == 12 and np.abs(times - count / 12).max() < 5.5 * np.sqrt(count / 12)
    require(even, says, mask=mask, size=3, times=times.tolist())


def exact_fit(crop: Callable) -> None:
    """A picture of exactly size x size comes back whole.

    There is one place then, 0. `rng.integers(0, 1)` gives 0; `rng.integers(0, 0)` stops.
    """
    for height, width, size in ((4, 4, 4), (3, 30, 3), (6, 3, 3), (1, 1, 1)):
        try:
            found = windows(crop, height, width, size, 400, seed=7)
        except (ValueError, IndexError) as error:
            says = "it stops where the picture has just the size of the window: then 0 is the only place"
            raise Wrong(says, picture=f"{height} x {width}", size=size, error=str(error)) from None
        details = {"picture": f"{height} x {width}", "size": size}
        if height == width:
            require(set(found) == {(0, 0)}, "a picture of just the right size does not come back whole", **details)
        says = "where one side has just the size of the window, the other must still be cut everywhere"
        require(len(set(found)) == height + width - 2 * size + 1, says, **details, windows=sorted(set(found)))


def own_places(crop: Callable) -> None:
    """Its chance comes from `rng` alone.

    `np.random` and `random` have generators of their own, which nobody seeds here: ask `rng.integers`.
    """
    first, again = (windows(crop, 6, 9, 2, 30, seed=8) for _ in range(2))
    require(first == again, "the same `rng` cuts elsewhere the second time: draw from `rng`, not from elsewhere")


# ---------------------------------------------------------------- 3.3
def height_first(resize: Callable) -> None:
    """The results are `height` x `width` pixels, image and mask.

    OpenCV and PIL name the width first, NumPy's shapes the height: `cv2.resize(image, (width, height))`.
    """
    for size, target in (((4, 6), (2, 3)), ((4, 6), (8, 5)), ((6, 4), (6, 9)), ((5, 5), (3, 7))):
        image, mask = numbered(*size)
        same_kind(pair_of(expect(resize, image, mask, *target)), *target)


def no_phantoms(resize: Callable) -> None:
    """The mask has only labels that were there.

    Labels are names, and names have no mean, but a mean of 0 and 5 is 1, 2, 3 or 4: another class. Which of OpenCV's
    interpolations copies values and never mixes them? Without one, `cv2.resize` is bilinear.
    """
    mask = np.array([[0, 0, 5, 5], [0, 5, 5, 255], [3, 3, 0, 255], [3, 0, 0, 0]], dtype=np.uint8)
    image = np.stack([mask] * 3, axis=-1)
    for target in ((8, 12), (7, 5), (4, 9), (2, 2), (3, 1)):
        _, new = pair_of(expect(resize, image, mask, *target))
        before, after = np.unique(mask), np.unique(new)
        phantoms = np.setdiff1d(after, before).tolist()
        if phantoms:
            says = "labels appear that were not there, at the borders between two others"
            if gives_rule_by_place(resize, image, mask, target):
                says += "; is the rule given by name, `interpolation=...`? The third place of cv2.resize is another one"
            raise Wrong(says, **{"a mask of 4 x 4 had": before.tolist(), "resized it has": after.tolist()})


def gives_rule_by_place(resize: Callable, image: np.ndarray, mask: np.ndarray, target: tuple[int, int]) -> bool:
    """Say whether cv2.resize is called with a whole number in its third place, which is `dst` and not the rule."""
    with patch.object(cv2, "resize", wraps=cv2.resize) as spy:
        resize(image.copy(), mask.copy(), *target)
    return any(isinstance(value, int) for call in spy.call_args_list for value in call.args[2:3])


def labels_in_place(resize: Callable) -> None:
    """Every label stays in its place.

    Each new pixel copies the label of an old pixel that lies at the same place: nothing is cut off, repeated or moved.
    """
    mask = np.array([[0, 5, 2, 255], [7, 0, 0, 1], [2, 2, 200, 0]], dtype=np.uint8)
    image = np.stack([mask] * 3, axis=-1)
    for high, wide in ((2, 3), (3, 1), (1, 4)):
        large = np.kron(mask, np.ones((high, wide), np.uint8))
        picture = np.stack([large] * 3, axis=-1)
        for (i, m), wanted in (((image, mask), large), ((picture, large), mask)):
            new = pair_of(expect(resize, i, m, *wanted.shape))[1]
            details = {"mask": m, "to": wanted.shape, "expected": wanted, "yours": new}
            require(
                not np.array_equal(new, np.resize(m, wanted.shape)) or np.array_equal(new, wanted),
                "np.resize repeats or drops values and knows nothing of pictures: take cv2.resize",
                **details,
            )
            cut = m[: wanted.shape[0], : wanted.shape[1]]
            require(
                cut.shape != wanted.shape or not np.array_equal(new, cut) or np.array_equal(new, wanted),
                "the mask is cut where it should shrink as a whole",
                **details,
            )
            (old_height, old_width), outside = m.shape, np.ones(new.shape, bool)
            outside[:old_height, :old_width] = False
            padded = np.array_equal(new[:old_height, :old_width], m) and len(np.unique(new[outside])) == 1
            says = "the mask is padded where it should grow as a whole"
            require(not padded, says, mask=m, to=wanted.shape, yours=new)
            same_labels(new, wanted, m)
    rng = np.random.default_rng(0)
    for (h, w), (height, width) in (((12, 9), (4, 3)), ((5, 7), (8, 6)), ((9, 6), (4, 4))):
        m = rng.permutation(h * w).astype(np.uint8).reshape(h, w)  # no label twice: each tells where it comes from
        new = pair_of(expect(resize, np.stack([m] * 3, axis=-1), m, height, width))[1]
        for y, x in np.ndindex(height, width):
            a, b, c, d = y * h / height, (y + 1) * h / height, x * w / width, (x + 1) * w / width
            under = m[int(a + 1e-6) : int(np.ceil(b - 1e-6)), int(c + 1e-6) : int(np.ceil(d - 1e-6))]
            says = "labels have moved: a pixel has one that does not lie at its place"
            require(new[y, x] in under, says, picture=f"{h} x {w}", to=f"{height} x {width}", at=(y, x),
                    labels_there=under.tolist(), yours=int(new[y, x]))  # fmt: skip


def same_labels(new: np.ndarray, wanted: np.ndarray, mask: np.ndarray) -> None:
    """Ask for these labels of a resized mask, and name the first pixel that has another one."""
    other = np.argwhere(new != wanted)
    if not len(other):
        return
    first = tuple(int(v) for v in other[0])
    details = {"mask": mask, "to": wanted.shape, "first wrong pixel": first}
    details |= {"expected there": int(wanted[first]), "yours there": int(new[first])}
    for label in np.setdiff1d(wanted, new):
        same = new == np.unique(new[wanted == label])[0]
        if np.array_equal(same | (wanted == label), same) and np.array_equal(new[~same], wanted[~same]):
            raise Wrong(f"the label {label} has been lost: it became {new[first]}, and no label may change", **details)
    mixed = cv2.resize(mask, wanted.shape[::-1])
    kept = np.isin(mixed, mask)  # what bilinear interpolation gives, where that is a label of the mask by chance
    if np.array_equal(new[kept], mixed[kept]):
        says = "near borders labels were mixed and then replaced by others: copy each from the nearest old pixel"
        raise Wrong(says, **details)
    raise Wrong("labels have moved: a pixel has one from another place", **details)


def averaged(resize: Callable) -> None:
    """Where it shrinks, the image is averaged: every new pixel is the mean of the old ones that it covers.

    Colours are amounts, so their mean makes sense, and no pixel is skipped: `interpolation=cv2.INTER_AREA`.
    """
    for factor in (2, 4):
        image = np.random.default_rng(1).integers(0, 256, (2 * factor, 3 * factor, 3), np.uint8)
        mask = np.zeros(image.shape[:2], np.uint8)
        mean = image.reshape(2, factor, 3, factor, 3).mean(axis=(1, 3))
        new = pair_of(expect(resize, image, mask, 2, 3))[0]
        blocks = image.reshape(2, factor, 3, factor, 3).transpose(0, 2, 4, 1, 3).reshape(2, 3, 3, -1)
        picked = (np.abs(blocks.astype(int) - new[..., None]).min(axis=-1) == 0).all()
        says = "the image keeps single pixels and drops the rest, so fine detail turns to noise: average them"
        details = {"image": image, "to": (2, 3), "expected": mean.round(), "yours": new}
        require(not picked, says, **details)
        bilinear = cv2.resize(image, (3, 2)).astype(int)
        says = "of the pixels that a new one covers, only the four in the middle are averaged: all of them count"
        if gives_rule_by_place(resize, image, mask, (2, 3)):
            says += "; is the rule given by name, `interpolation=...`? The third place of cv2.resize is another one"
        require(factor == 2 or np.abs(bilinear - new).max() > 1, says, **details)
        says = "red and blue are swapped in the image: it comes as RGB, and stays so"
        require(np.abs(mean[..., ::-1] - new).max() > 2, says, **details)
        says = "a new pixel of the image is not the mean of the old ones that it covers"
        require(np.abs(mean - new).max() <= 2, says, **details)
    for line, count in (([240, 0, 0], 1), ([240, 0, 0, 0, 0, 0, 240], 2)):
        for axes in ((0, 1, 2), (1, 0, 2)):
            image = np.stack([np.tile(line, (2, 1)).astype(np.uint8)] * 3, axis=-1).transpose(axes)
            height, width = (2, count) if axes[0] == 0 else (count, 2)
            new = pair_of(expect(resize, image, image[..., 0], height, width))[0]
            says = "where one side shrinks, a new pixel is not the mean of the old ones that it covers, here 60 to 80"
            require(np.abs(new.astype(int) - 70).max() <= 15, says, image=image, to=(height, width), yours=new)


def still_aligned(resize: Callable) -> None:
    """Image and mask still fit each other, at any size.

    Both must be stretched as a whole to the same height and width. Nothing is cut or padded on the way.
    """
    mask = np.zeros((40, 60), np.uint8)
    mask[8:26, 30:54] = 1
    image = np.stack([mask * 255] * 3, axis=-1)
    for height, width in ((25, 33), (61, 87), (80, 30)):
        new_image, new_mask = pair_of(expect(resize, image, mask, height, width))
        for name, shown in (("image", new_image[..., 1] > 127), ("mask", new_mask == 1)):
            rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
            require(rows.size and columns.size, f"what is in the {name} is lost", to=(height, width))
            box = [rows[0], rows[-1] + 1, columns[0], columns[-1] + 1]
            wanted = [8 * height / 40, 26 * height / 40, 30 * width / 60, 54 * width / 60]
            says = f"what is in the {name} has moved: stretch the whole {name}, without cutting or padding"
            details = {
                "to": (height, width),
                "edges expected": wanted,
                "yours": [int(v) for v in box],
            }
            require(np.abs(np.subtract(box, wanted)).max() <= 2, says, **details)


def small_or_same(resize: Callable) -> None:
    """The same size changes nothing, and one pixel fills any size.

    No case of its own is needed: `cv2.resize` handles both.
    """
    image, mask = numbered(6, 5)
    expect(resize, image, mask, 6, 5, gives=(image, mask), says="something is changed though the size stays")
    one = np.array([[[200, 30, 90]]], np.uint8), np.array([[3]], np.uint8)
    wanted = np.full((3, 4, 3), one[0][0, 0], np.uint8), np.full((3, 4), 3, np.uint8)
    expect(resize, *one, 3, 4, gives=wanted, says="one pixel, enlarged, is not that pixel everywhere")


# ---------------------------------------------------------------- 3.4
def made(make: Callable, size: int = 48, augmentation: str = "light", aerial: bool = False) -> Callable:
    """Build the pipeline for a config and make sure that it is a function of image and mask."""
    try:
        transform = make(Config(image_size=size, augmentation=augmentation, aerial=aerial))
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        if says := slip_of_list(error):
            raise Wrong(says, augmentation=augmentation) from None
        raise
    says = f"with augmentation '{augmentation}' nothing is returned: is a `return` missing?"
    require(transform is not None, says)
    require(transform is not Augment, "the class `Augment` is returned: give it your steps, `Augment(steps)`")
    if type(transform).__module__.startswith("albumentations"):
        raise Wrong("an albumentations Compose is returned, which wants named arguments: give its steps to `Augment`")
    if isinstance(transform, list | tuple):
        raise Wrong(f"{kind_of(transform)} of steps is returned: `Augment(steps)` makes a function of them")
    require(callable(transform), f"{kind_of(transform)} is returned, not a function of image and mask")
    return transform


def slip_of_list(error: Exception) -> str:
    """Say what a message of Python or albumentations means for the list of steps; "" where it says so itself."""
    message, in_course = str(error), traceback.extract_tb(error.__traceback__)[-1].name in ("geometric", "photometric")
    kind = re.match(r"'(\w+)' object has no attribute 'available_keys'", message)
    steps = {
        "list": "is itself a list: join lists with `+` or `+=`, for `append` nests them",
        "function": "is a function that was not called: `pad(size)`, not `pad`",
        "Augment": "is a whole pipeline, such as `eval_transform(config)`: put single steps into the list",
    }
    if kind and kind[1] in steps:
        return f"a step in your list {steps[kind[1]]}"
    if "'property' object is not iterable" in message:
        return "a step in your list is a class that was not called: `A.HorizontalFlip()`, not `A.HorizontalFlip`"
    if error.args == ("none",):
        return "`geometric` and `photometric` know no 'none': with augmentation 'none', only pad and cut"
    if in_course and isinstance(error, KeyError | TypeError):
        return "`geometric` and `photometric` want the name of a strength, which is `config.augmentation`"
    if "Field required" in message:  # albumentations' own message is a page of pydantic
        return "a step lacks an argument: `A.RandomCrop` wants a height and a width, `A.RandomCrop(size, size)`"
    if "validation error" in message:
        return f"a step refuses an argument: {' '.join(re.split('InitSchema|.type=', message)[1].split())}"
    if "NoneType" in message and isinstance(error, TypeError):
        return "None stands where a list should: `append` changes the list and returns None, so do not assign it"
    if isinstance(error, TypeError) and re.match(r"'\w+' object is not iterable", message):
        return "a single step is added as if it were a list: `steps.append(step)`, or `steps += [step]`"
    return ""


def slip_of_source(make: Callable) -> str:
    """Say what is wrong with a line of an answer that adds lists and keeps the sum nowhere; "" where none does."""
    try:
        lines = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(make))))
    except (OSError, TypeError, SyntaxError):
        return ""
    sums = (n for n in lines if isinstance(n, ast.Expr) and isinstance(n.value, ast.BinOp))
    return ": the line `steps + more` alone changes nothing, write `steps += more`" if any(sums) else ""


def views(transform: Callable, image: np.ndarray, mask: np.ndarray, size: int, count: int, **told: Any) -> list[Pair]:
    """Draw many times; every result must have the size and kind that the course's loaders expect."""
    found = []
    for _ in range(count):
        given = image.copy(), mask.copy()
        pair = pair_of(transform(*given))
        for name, value in zip(("image", "mask"), pair, strict=True):
            says = f"the {name} comes back as {value.dtype}, not uint8"
            says += ": normalisation belongs to the model" * (name == "image" and value.dtype.kind == "f")
            require(value.dtype == np.uint8, says)
            shape = (size, size, 3) if name == "image" else (size, size)
            says = f"the {name} is not image_size x image_size: pad, then crop, to `config.image_size`"
            if value.shape == (image, mask)[name == "mask"].shape:
                says += "; it comes back in the size that it had"
            require(value.shape == shape, says, picture=image.shape, image_size=size, yours=value.shape, **told)
        same = np.array_equal(given[0], image) and np.array_equal(given[1], mask)
        require(same, "the arrays that are given are changed in place: the data set serves them again next epoch")
        found.append(tuple(a.copy() for a in pair))
    return found


def scene(height: int, width: int) -> Pair:
    """Return a picture in which every pixel says where it is, with a mask of labels 3, 7 and 200."""
    rng = np.random.default_rng(9)
    rows, columns = np.indices((height, width))
    labels = np.kron(rng.choice([3, 7, 200], (height // 4 + 1, width // 4 + 1)), np.ones((4, 4), int))
    image = np.stack([rows * 2 + 50, columns * 2 + 50, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    return image, labels[:height, :width].astype(np.uint8)


def pipeline(make: Callable) -> None:
    """It returns a function of image and mask, which gives uint8 squares of image_size.

    `Augment(steps, seed=config.seed)` makes such a function of a list of albumentations steps. All steps must end at
    `config.image_size`, whatever size comes in.
    """
    for size, augmentation, aerial in ((48, "light", False), (16, "strong", True), (40, "none", False)):
        transform = made(make, size, augmentation, aerial)
        for height, width in ((60, 75), (size, size), (90, size)):
            views(transform, *scene(height, width), size, 4, augmentation=augmentation)


def padded(make: Callable) -> None:
    """Smaller pictures are padded: the image with black, the mask with 255.

    `pad(size)` does both. It comes before the crop, which cannot cut more than there is.
    """
    for augmentation in ("none", "medium"):
        for height, width in ((20, 30), (20, 70), (70, 31)):
            transform, (image, mask) = made(make, 48, augmentation), scene(height, width)
            details = {"picture": f"{height} x {width}", "image_size": 48}
            try:
                found = views(transform, image, mask, 48, 5)
            except (Wrong, NotWritten):
                raise
            except Exception as error:
                says = "a picture smaller than image_size stops it: pad first"
                raise Wrong(says, **details, error=str(error)) from None
            for new_image, new_mask in found:
                if augmentation == "none":
                    says = "the padding of the mask is 0, a real class: it must be 255, which no loss counts"
                    if mask_as_image(make, image, mask):
                        says = "the mask goes through the pipeline as an image: call it once, `image=image, mask=mask`"
                    require(not (new_mask == 0).any(), says, **details)
                    kept = min(height, 48) * min(width, 48)
                    says = "with 'none', a small picture must stay as it is, with 255 around it in the mask"
                    says += ", not resized, repeated or cut"
                    require((new_mask != IGNORED).sum() == kept, says, **details)
                    says = "with augmentation 'none' the colours change, where it only pads and cuts"
                    says += ": is `config.augmentation` looked at?"
                    require((new_image[new_mask != IGNORED][:, 2] == 90).all(), says, **details)
                    black = (new_image[new_mask == IGNORED] == 0).all()
                    require(black, "around a small picture the image must be black where the mask is 255", **details)


def mask_as_image(make: Callable, image: np.ndarray, mask: np.ndarray) -> bool:
    """Say whether an albumentations pipeline is given a mask, which has no colours, in the place of an image."""
    with patch.object(A.Compose, "__call__", autospec=True, side_effect=A.Compose.__call__) as spy:
        made(make, 48, "none")(image.copy(), mask.copy())
    return any(np.ndim(call.kwargs.get("image")) == 2 for call in spy.call_args_list)


def only_cut(make: Callable) -> None:
    """With augmentation "none" it pads, cuts a random window, and changes nothing else.

    A crop keeps the detail that resizing loses. `A.RandomCrop(size, size)` cuts somewhere else each time.
    """
    transform, (image, mask) = made(make, 32, "none", aerial=True), scene(60, 70)
    places = Counter()
    for new_image, new_mask in views(transform, image, mask, 32, 40):
        y, x = (int(v) // 2 - 25 for v in new_image[0, 0, :2])
        cut = (a[max(y, 0) : y + 32, max(x, 0) : x + 32] for a in (image, mask))
        if not np.array_equal(new_image, next(cut)):
            span = np.ptp(new_image.reshape(-1, 3).astype(int), axis=0).tolist()
            says = "with augmentation 'none' the picture is changed: then only pad and cut"
            if span == [62, 62, 0]:  # 32 rows, 32 columns, and the third channel as it was
                says = "with augmentation 'none' pictures are mirrored or turned: then only pad and cut"
            elif max(span[:2]) > 70:
                says = "the picture is resized, and fine detail is lost: cut a window out of it"
            raise Wrong(says, picture="60 x 70", image_size=32)
        require(np.array_equal(new_mask, next(cut)), "the mask is cut elsewhere than the image")
        places[y, x] += 1
    says = "the window is always the same" if len(places) == 1 else "only a few windows come"
    says += ": a random crop shows another part each time, unless the pipeline is built, or seeded, in each call"
    require(len(places) > 5, says, windows=len(places), draws=40)
    for axis, part, least in ((0, "lower part of a tall", 20), (1, "right part of a wide", 28)):
        says = f"the window never lies in the {part} picture"
        require(max(place[axis] for place in places) > least, says, picture="60 x 70", image_size=32)
    says = "rows and columns of the window depend on each other: draw a number for each"
    require(abs(np.corrcoef(np.array([*places]).T)[0, 1]) < 0.85, says, picture="60 x 70", image_size=32)


def blocks() -> Pair:
    """Return white blocks on black that have no symmetry at all, and the mask that marks them."""
    marks = np.random.default_rng(5).random((8, 8)) > 0.5
    mask = np.kron(marks, np.ones((12, 12))).astype(np.uint8)
    return np.where(mask[..., None], 160, 40).astype(np.uint8).repeat(3, axis=2), mask


def disagreement(image: np.ndarray, mask: np.ndarray) -> float:
    """Share of pixels, away from edges, whose light says something else than the mask; NaN where nothing is seen.

    Holes and glare err on one side only. What has moved errs on both: the smaller of both shares tells them apart.
    """
    kernel = np.ones((5, 5), np.uint8)
    inside = (cv2.dilate(mask, kernel) == cv2.erode(mask, kernel)) & (mask != IGNORED)
    if inside.mean() < 0.02:
        return float("nan")
    grey, ids = cv2.GaussianBlur(image, (3, 3), 0).mean(axis=2)[inside], mask[inside]
    ones, zeros = grey[ids == 1], grey[ids == 0]
    if not ones.size or not zeros.size or np.percentile(grey, 98) - np.percentile(grey, 2) < 20:
        return float("nan")
    middle = (np.median(ones) + np.median(zeros)) / 2
    dark_ones, light_zeros = ones <= middle, zeros > middle
    gaps = dark_ones.mean(), light_zeros.mean()
    return float(min(*gaps, 1 - max(gaps)))  # inverted colours are a fair change


def shifted(image: np.ndarray, mask: np.ndarray) -> bool:
    """Say whether the picture would fit its mask clearly better, were it moved by two pixels, mirrored or turned."""
    grey, n = image.mean(axis=2)[2:-2, 2:-2], len(mask) - 4
    parts = [mask[2 * dy : 2 * dy + n, 2 * dx : 2 * dx + n] for dy, dx in ((1, 1), *np.ndindex(3, 3))]
    parts += [np.rot90(part, k) for part in (parts[0], parts[0].T) for k in range(4)]
    fits = []
    for part in parts:
        ones, zeros = grey[part == 1], grey[part == 0]
        fits.append(abs(ones.mean() - zeros.mean()) if ones.size and zeros.size else 0.0)
    return max(fits) > 1.05 * fits[0] + 1


def aligned(make: Callable) -> None:
    """Image and mask stay aligned, through every change.

    One pipeline for both: `Augment` hands them to the same call, so that one draw moves both. Two pipelines, or two
    calls, draw twice.
    """
    image, mask = blocks()
    for augmentation in ("none", "light", "medium", "strong"):
        for aerial in (False, True):
            found = views(made(make, 64, augmentation, aerial), image, mask, 64, 24)
            details = {"augmentation": augmentation, "aerial": aerial}
            kept = np.mean([(m != IGNORED).mean() for _, m in found])
            require(kept > 0.3, "hardly any label is left: nearly all of the mask is 255", **details)
            gaps = [g for g in (disagreement(i, m) for i, m in found) if not np.isnan(g)]
            require(gaps, "nothing of the picture is left to be seen", **details)
            says = "image and mask part: what moves one must move the other, by the same draw"
            limit = 0.08 if augmentation in ("none", "light") else 0.14  # strong changes of colour hide some pixels
            require(np.mean(gaps) < limit, says, **details, pixels_on_the_wrong_side=f"{np.mean(gaps):.0%}")
            moved = np.mean([shifted(i, m) for i, m in found])
            says = "image and mask are a few pixels apart, or one is mirrored alone: what moves one must move the other"
            require(moved < 0.15, says, **details, draws_apart=f"{moved:.0%}")


def known_labels(make: Callable) -> None:
    """The mask has only labels that were there, and 255.

    Labels are copied, never mixed: `mask_interpolation=cv2.INTER_NEAREST`. What a turn leaves empty is 255:
    `fill_mask=255`. `geometric` sets both.
    """
    for augmentation in ("light", "medium", "strong"):
        for aerial, height in ((False, 60), (True, 60), (False, 30)):
            for _, new in views(made(make, 48, augmentation, aerial), *scene(height, 70), 48, 10):
                found = np.unique(new).tolist()
                strange = sorted(set(found) - {3, 7, 200, IGNORED})
                details = {"augmentation": augmentation, "before": [3, 7, 200], "after": found}
                if strange == [0]:
                    raise Wrong("holes or empty corners of the mask are 0, a real class: fill them with 255", **details)
                says = "labels appear that were not there: the mask is mixed, or its values are changed as colours are"
                require(not strange, says, **details)


def new_every_time(make: Callable) -> None:
    """Every call shows something new.

    Build the pipeline once and let every call draw: a pipeline that is built, or seeded, in each call repeats itself.
    """
    (image, _), (rows, columns) = scene(84, 96), np.indices((84, 96))
    mask = (rows // 6 * 12 + columns // 8).astype(np.uint8)  # 14 x 12 labels, which say where they are
    for augmentation in ("light", "medium", "strong"):
        found = views(made(make, 32, augmentation), image, mask, 32, 24)
        different = len({image.tobytes() + mask.tobytes() for image, mask in found})
        says = "every call gives the same picture: draw anew in each"
        require(different > 1, says, augmentation=augmentation)
        says = "the same few pictures come back: crop, mirror and the rest must draw anew in each call"
        require(different > 4, says, augmentation=augmentation, different=f"{different} of 24")
        centres = [divmod(int(m[16, 16]), 12) for _, m in found if m[16, 16] != IGNORED]
        says = "the window always lies in the middle: pad, and cut a random one, whatever the augmentation is"
        moves = len(centres) and np.ptp(np.array(centres), axis=0).max() > 1
        require(moves, says, augmentation=augmentation, picture="84 x 96", image_size=32)


def directions(make: Callable, augmentation: str, aerial: bool, count: int) -> tuple[float, Counter, list[float]]:
    """Return how often a picture comes out mirrored, on which side its bottom lies how often, and all skew angles.

    They are read off the middle of the mask alone, because a border that is reflected points elsewhere.
    """
    rows, columns = np.indices((48, 48))
    mask = (1 + rows // 4 * 12 + columns // 4).astype(np.uint8)  # 144 labels, which say where they are
    image = np.stack([mask, 255 - mask, rows * 4], axis=-1).astype(np.uint8)
    middle = np.hypot(rows - 23.5, columns - 23.5) < 16
    flips, sides, skewed = [], Counter(), []
    for _, new in views(made(make, 48, augmentation, aerial), image, mask, 48, count):
        seen = middle & (new != 0) & (new != IGNORED)
        if seen.sum() < 40:
            continue
        came_from = np.stack(np.divmod(new[seen].astype(int) - 1, 12), axis=1)
        places = np.column_stack([rows[seen], columns[seen], np.ones(seen.sum())])
        back = np.linalg.lstsq(places, came_from, rcond=None)[0][:2].T  # old (row, column) = back @ new (row, column)
        if abs(np.linalg.det(back)) < 1e-3:
            continue
        down, across = np.linalg.inv(back).T
        angle = np.degrees(np.arctan2(*across)) % 90
        skewed += [min(angle, 90 - angle)] if 1 < angle < 89 else []
        flips.append(np.linalg.det(back) < 0)
        names = ("below", "above") if abs(down[0]) > abs(down[1]) else ("right", "left")
        sides[names[int(down[abs(down).argmax()] < 0)]] += 1
    require(flips, "hardly any label is left: nearly all of the mask is 255", augmentation=augmentation)
    return float(np.mean(flips)), sides, skewed


def mirrors(make: Callable) -> None:
    """Unless augmentation is "none", about half of the draws are mirrored left-right.

    `A.HorizontalFlip(p=0.5)` mirrors; the name means along the horizontal. `geometric(config.augmentation)` holds it.
    """
    for augmentation, count in (("light", 90), ("medium", 50), ("strong", 50)):
        found, sides, _ = directions(make, augmentation, False, count)
        details = {"augmentation": augmentation, "aerial": False}
        says = "pictures are turned upside down, or by a quarter, though `config.aerial` is False"
        require(set(sides) == {"below"}, says, **details, bottom_lies=dict(sides))
        require(found > 0, f"no picture is ever mirrored left-right{slip_of_source(make)}", **details)
        says = "all pictures are mirrored, so the original is never seen"
        require(found < 1, says, **details)
        says, gap = "not about half are mirrored left-right", 2.5 / np.sqrt(count)  # five standard deviations
        require(abs(found - 0.5) < gap, says, **details, mirrored=f"{found:.0%}")


def turns(make: Callable) -> None:
    """With `config.aerial` (and not "none"), quarter turns come too.

    Seen from above, no side is up. `A.RandomRotate90(p=1.0)` turns by 0, 90, 180 or 270 degrees.
    """
    for augmentation in ("light", "medium", "strong"):
        found, sides, skewed = directions(make, augmentation, True, 90)
        details = {"augmentation": augmentation, "aerial": True}
        require(set(sides) != {"below"}, "with `config.aerial` no picture is ever turned by a quarter", **details)
        missing = ", ".join(sorted({"left", "right", "above", "below"} - set(sides)))
        says = f"with `config.aerial` all quarter turns must come: the bottom of a picture never comes to lie {missing}"
        require(not missing, says, **details, bottom_lies=dict(sides))
        says = "with `config.aerial` pictures are turned by any angle: quarter turns copy pixels, and blur none"
        require(len(skewed) <= 30 or np.mean(skewed) < 20, says, **details)  # any angle: 22.5 on average
        require(0 < found < 1, "with `config.aerial` pictures must still be mirrored, now and then", **details)


def colour_changes(make: Callable, augmentation: str, aerial: bool, count: int) -> list[np.ndarray]:
    """Draw views of coloured squares; return how far every value has moved, away from edges, in those that show some.

    The mask says which colour each pixel had before.
    """
    mask = np.kron(np.random.default_rng(3).integers(1, 4, (4, 4)), np.ones((16, 16), int)).astype(np.uint8)
    table = np.array([(0, 0, 0), (180, 120, 60), (60, 100, 160), (90, 150, 100)], dtype=np.uint8)
    kernel, found = np.ones((5, 5), np.uint8), []
    for image, new in views(made(make, 64, augmentation, aerial), table[mask], mask, 64, count):
        inside = (cv2.dilate(new, kernel) == cv2.erode(new, kernel)) & (new != IGNORED)
        if inside.any():
            found.append(np.abs(image[inside].astype(int) - table[new[inside]]))
    return found


def colours(make: Callable) -> None:
    """With "medium" and "strong", the colours change too.

    `photometric(config.augmentation)` is a list of such steps: add it to yours.
    """
    for augmentation, aerial in (("medium", False), ("strong", False), ("medium", True), ("strong", True)):
        changed = sum(np.mean(changes) > 1 for changes in colour_changes(make, augmentation, aerial, 30))
        says = f"with '{augmentation}' the colours hardly ever change: the photometric steps are missing"
        says += slip_of_source(make)
        require(changed >= 3, says, augmentation=augmentation, aerial=aerial, changed=f"{changed} of 30")


def colours_rest(make: Callable) -> None:
    """With "light", the colours stay as they are.

    `photometric("light")` is an empty list, so `photometric(config.augmentation)` changes nothing then.
    """
    found = [changes for aerial in (False, True) for changes in colour_changes(make, "light", aerial, 60)]
    changed = sum(np.median(changes) > 1 for changes in found)  # holes are no colours
    says = "with 'light' the colours change: only 'medium' and 'strong' ask for that"
    require(changed == 0, says, augmentation="light", changed=f"{changed} of {len(found)}")


# ---------------------------------------------------------------- pictures
@cache
def scene_of_tiny() -> Pair:
    """Return a piece of 128 x 128 pixels of a scene, with its mask."""
    images, name = COURSE / "data" / "tiny", "town02_01"
    with Image.open(images / "images" / f"{name}.jpg") as image, Image.open(images / "masks" / f"{name}.png") as mask:
        return tuple(np.array(picture)[128:, 64:192] for picture in (image, mask))


def flipped_picture(flip: Callable) -> tuple[np.ndarray, np.ndarray]:
    """A scene with the outlines of its mask, and what p = 1 makes of both."""
    from utils.plots import overlay

    image, mask = scene_of_tiny()
    new = flip(image.copy(), mask.copy(), np.random.default_rng(0), 1.0)
    return overlay(image, mask, Tiny.palette, 0.2), overlay(*map(np.ascontiguousarray, new), Tiny.palette, 0.2)


def enlarged_picture(resize: Callable) -> tuple[np.ndarray, np.ndarray]:
    """A corner of a mask, and the same enlarged; labels that do not exist are magenta."""
    from utils.plots import colour_mask

    image, mask = (a[56:96, 48:88] for a in scene_of_tiny())
    new = resize(image.copy(), mask.copy(), 160, 160)[1]
    painted = colour_mask(new, Tiny.palette)
    painted[(new >= len(Tiny.palette)) & (new != IGNORED)] = 255, 0, 255
    return colour_mask(mask, Tiny.palette), painted


EXERCISES = [
    Exercise(
        "3.1", "Flip both or neither", "utils.augmentations.random_flip", 1, 6,
        "The simplest change that doubles the pictures you have, as long as the mask takes part.",
        [mirrored, at_rest, one_decision, own_numbers, share, any_size],
        [
            "Two questions: does this call flip? And if so, how is an array mirrored left-right?",
            "Draw one number, `rng.random()`. It lies between 0 and 1, so it is below p in a share p of all calls.",
            "`if rng.random() < p: return image[:, ::-1].copy(), mask[:, ::-1].copy()`, and else the pair as it came.",
        ],
        flipped_picture,
        axes="height, width, and three colours in an image",
    ),
    Exercise(
        "3.2", "The same window of both", "utils.augmentations.random_crop", 2, 10,
        "Crops bring large pictures to one size without losing detail, and show another part every time.",
        [square, same_window, everywhere, own_places, evenly, exact_fit],
        [
            "A window is a start row y and a start column x. Which values may y take so that it still fits?",
            "y goes from 0 to height - size, both included, and x from 0 to width - size.",
            "`y = rng.integers(0, height - size + 1)`, x alike. Cut `image[y : y + size, x : x + size]`; the mask too.",
        ],
        axes="height, width, and three colours in an image",
    ),
    Exercise(
        "3.3", "Find the bug: resize a pair", "utils.images.resize_pair", 1, 5,
        "The most famous silent bug of segmentation, found by looking.",
        [height_first, no_phantoms, labels_in_place, averaged, still_aligned, small_or_same],
        [
            "The image is right. Which labels does the mask hold before, and which after?",
            "A 1 has come between 0 and 5. What does `cv2.resize` do with neighbours if it is not told otherwise?",
            "Give the mask's `cv2.resize` the argument `interpolation=cv2.INTER_NEAREST_EXACT`.",
        ],
        enlarged_picture,
        axes="height, width, and three colours in an image",
    ),
    Exercise(
        "3.4", "Your training pipeline", "utils.augmentations.train_transform", 2, 10,
        "This is what every training image of the course goes through from here on.",
        [pipeline, padded, only_cut, aligned, known_labels, new_every_time, mirrors, turns, colours, colours_rest],
        [
            "Some steps are needed whatever the config says, and the others only where augmentation is not \"none\". "
            "Which are which?",
            "Always `pad(size)`, then `A.RandomCrop(size, size)`, with `size = config.image_size`. Collect them in a "
            "list `steps`, and return `Augment(steps)`.",
            "Inside `if config.augmentation != \"none\":` add "
            "`steps += geometric(config.augmentation) + photometric(config.augmentation)`, and with `config.aerial` "
            "`A.RandomRotate90(p=1.0)` too.",
        ],
    ),
]  # fmt: skip

"""Notebook 2: a validated configuration, and what masks look like as numbers and as colours."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require
from utils.config import Config
from utils.errors import ConfigError

PALETTE = ((10, 20, 30), (200, 20, 30), (10, 90, 30))  # colours that share two of three values
NO_DEFAULTS = {  # every field with another value than a bare Config() has
    "dataset": "folder", "root": Path("Mine"), "classes": ("a", "b"), "mask_values": "0=0 1=1", "white": 4095.0,
    "variant": "small", "splits": "hash", "split_seed": 1, "max_side": 512, "image_size": 64, "framing": "resize",
    "aerial": False, "augmentation": "strong", "batch_size": 3, "workers": 2, "cache": "none",
    "model": "smp:unet/resnet18", "weights": "imagenet", "unet_width": 8, "unet_depth": 2, "freeze_encoder": True,
    "compile": True, "loss": "ce+focal", "class_weights": True, "optimizer": "sgd", "learning_rate": 0.5,
    "encoder_rate": 0.1, "weight_decay": 0.0, "schedule": "poly", "epochs": 5, "accumulate": 2, "grad_clip": 0.0,
    "ema": 0.9, "patience": 4, "device": "cpu", "precision": "fp32", "threads": 1, "seed": 7,
    "output": Path("runs/mine"), "tracker": "tensorboard",
}  # fmt: skip
UNVALIDATED = "a copy by model_copy, model_construct or copy.copy is not validated, so build a Config anew"


# ---------------------------------------------------------------- 2.1
def gives_a_changed_config(override: Callable) -> None:
    """The result is a Config with the changes in it.

    `Config(**values)` builds one from a dictionary. Two dictionaries are joined by `{**first, **second}`.
    """
    result = _joined(override, epochs=7, learning_rate=0.5)
    require(result is not None, "nothing is returned: is a `return` missing?")
    require(isinstance(result, Config), f"the result is {kind_of(result)}, not a Config")
    for name, value in {"epochs": 7, "learning_rate": 0.5}.items():
        found = getattr(result, name)
        require(
            found == value,
            f"the change of `{name}` did not arrive: changes win over old values",
            expected=value,
            yours=found,
        )


def _joined(override: Callable, **changes: Any) -> Any:
    """Call an answer; where Python or the frozen config stops it, say what to do instead."""
    try:
        return override(Config(), **changes)
    except ValidationError as error:
        if error.errors()[0]["type"] != "frozen_instance":
            raise
        says = "a config is frozen, so nothing can be set in it: build a new one from the values of model_dump()"
        raise Wrong(says, changes=changes, stopped="ValidationError: Instance is frozen") from None
    except ConfigError as error:
        says = "changes that fit each other are refused: lay all of them over the old values, and check them once"
        raise Wrong(says, changes=changes, stopped=f"ConfigError: {error}") from None
    except TypeError as error:
        if "multiple values" in str(error):
            says = "a call takes no name twice: lay one dictionary over the other first, {**old, **changes}"
        elif "takes 1 positional argument" in str(error) and "Config" in str(error):
            says = "Config takes its values by name: unpack the dictionary with two stars, Config(**values)"
        elif "unexpected keyword" in str(error) and not _takes_any_name(override):
            says = "keep the two stars: with `**changes` a call may name any field, override(config, epochs=7)"
        else:
            raise
        raise Wrong(says, changes=changes, stopped=f"TypeError: {error}") from None


def _takes_any_name(override: Callable) -> bool:
    """Say whether an answer still has its `**changes`."""
    kinds = {parameter.kind for parameter in inspect.signature(override).parameters.values()}
    return inspect.Parameter.VAR_KEYWORD in kinds


def keeps_the_rest(override: Callable) -> None:
    """Everything that is not changed stays as it was.

    Start from the old values, `config.model_dump()`, and lay the changes over them.
    """
    base = Config(**NO_DEFAULTS)
    for changed, value in {"epochs": 7, "batch_size": 9}.items():
        result = override(base, **{changed: value})
        for name in Config.model_fields:
            if name != changed:
                old, new = getattr(base, name), getattr(result, name)
                require(old == new, f"`{name}` was {old!r} and is {new!r} now: only what is named may change")
    require(override(base) == base, "without changes the copy must equal the original")
    _joined(override, classes=("a", "b"), dataset="folder")


def every_value_arrives(override: Callable) -> None:
    """None, 0 and False are values like others, and must arrive.

    `if value` is false for them, and leaves them out. Lay all changes over the old values, whatever they are.
    """
    base = Config(weights="imagenet", seed=5, workers=2, grad_clip=1.0, aerial=True)
    for name, value in {"weights": None, "seed": 0, "workers": 0, "grad_clip": 0.0, "aerial": False}.items():
        found = getattr(override(base, **{name: value}), name)
        says = f"`{name}={value}` is a change, too, and it does not arrive"
        require(found == value, says, before=getattr(base, name), expected=value, yours=found)


def leaves_the_original(override: Callable) -> None:
    """The old config stays as it was, and the copy is a new object.

    A config is frozen so that nobody changes it behind your back. Make a new one.
    """
    base = Config(epochs=5)
    before = base.model_dump()
    result = override(base, epochs=6, seed=1)
    require(base.model_dump() == before, "the old config changed: it must stay as it was", before=5, after=base.epochs)
    same = result is base or override(base) is base
    require(not same, "the old config itself is returned: make a new one, also where nothing changes")


def _refuses(override: Callable, says: str, what: str, **changes: Any) -> None:
    """Raise Wrong unless the changes, in which `what` is at fault, are refused with a ConfigError."""
    try:
        result = override(Config(), **changes)
    except ConfigError:
        return
    except (LookupError, ValueError, TypeError, AttributeError, AssertionError) as error:
        other = f"{what} must raise ConfigError, which Config does for you: let it see every change"
        stopped = f"{type(error).__name__}: {error}"
        raise Wrong(other, changes=changes, expected="ConfigError", yours=stopped) from None
    name = next(iter(changes))
    if result is None or getattr(result, name, changes[name]) != changes[name]:
        says = "a bad value is passed over in silence: let the ConfigError through, do not catch it"
    raise Wrong(says, changes=changes, expected="ConfigError", yours=f"{name}={getattr(result, name, '?')!r}")


def checks_the_values(override: Callable) -> None:
    """A bad value is refused with a ConfigError.

    `Config(...)` checks every value; `model_copy(update=...)` and `model_construct` check none.
    """
    _refuses(override, f"a bad value is accepted: {UNVALIDATED}", "a bad value", epochs=0)
    _refuses(override, f"a bad value is accepted: {UNVALIDATED}", "a bad value", learning_rate="fast")
    says = f"values that do not go together are accepted: {UNVALIDATED}"
    _refuses(override, says, "what does not go together", classes=("a", "b"))
    epochs = override(Config(), epochs="5").epochs
    whole = epochs == 5 and isinstance(epochs, int)
    require(whole, f"the text '5' was not turned into the number 5: {UNVALIDATED}", yours=epochs)


def checks_the_names(override: Callable) -> None:
    """A field that does not exist is refused with a ConfigError.

    `Config(...)` knows its fields, and refuses a misspelt one by itself.
    """
    says, what = "a misspelt name is dropped in silence: let Config see every change", "a name that does not exist"
    _refuses(override, says, what, lerning_rate=0.1)
    _refuses(override, says, what, Epochs=3)


# ---------------------------------------------------------------- 2.4
NOT_JOINED = (
    "`raw == colour` has three truth values for each pixel: join them with `.all(axis=-1)` before you index the ids"
)
LAST_AXIS = "red, green and blue are the last axis: `.all(axis=-1)` joins them into one truth value a pixel"
ONE_TRUTH = (
    "`if` and `and` need one truth value, and here are several: join the three of a pixel with `.all()`, or whole "
    "arrays with `&`, as in (a == 1) & (b == 2)"
)
WHOLE_PICTURE = "`.all()` without an axis gives one answer for the whole picture: `.all(axis=-1)` gives one a pixel"
TOO_LARGE = "a byte holds 0 to 255, and your numbers for the colours are larger: raw.astype(np.int64) comes first"
NO_MINUS = "a byte cannot hold -1: make the ids an array of np.int64"
NOT_LISTED = "`index` stops at a colour that is not in the palette: ask `in palette` first, and write -1 otherwise"
COLOURS = np.array([[PALETTE[0], PALETTE[1], PALETTE[2]], [PALETTE[2], PALETTE[2], PALETTE[0]]], dtype=np.uint8)
IDS = np.array([[0, 1, 2], [2, 2, 0]], dtype=np.int64)
STEPS = (0, 1, 10, 128, 254, 255)
ALONG_ROWS = np.array([[-1, -1, 2], [2, -1, 2]])  # what `.all(axis=1)` finds, which has the shape of the ids by chance


def expect_ids(rgb_to_ids: Callable, raw: np.ndarray, palette: Any, **wanted: Any) -> np.ndarray:
    """Call the answer as `expect` does; where NumPy or Python stops it, say what that means for colours."""
    try:
        return expect(rgb_to_ids, raw, palette, **wanted)
    except IndexError as error:
        says = NOT_JOINED if "too many indices" in str(error) else ""
        says = LAST_AXIS if "boolean index did not match" in str(error) else says
        stopped = f"IndexError: {error}"
    except ValueError as error:
        says = NOT_LISTED if "not in" in str(error) else ""
        says = ONE_TRUTH if "is ambiguous" in str(error) else says
        stopped = f"ValueError: {error}"
    except OverflowError as error:
        says = NO_MINUS if "integer -1 " in str(error) else TOO_LARGE
        stopped = f"OverflowError: {error}"
    if not says:
        return expect(rgb_to_ids, raw, palette, **wanted)  # another mistake: let it stop again, with its line
    raise Wrong(says, raw=raw, palette=palette, stopped=stopped)


def looks_colours_up(rgb_to_ids: Callable) -> None:
    """Each pixel gets the place of its colour in the palette.

    Compare the whole picture with one colour of the palette: the pixels where all three values agree get its place.
    """
    expect_ids(
        rgb_to_ids, COLOURS, PALETTE, gives=IDS, says="some pixels have the wrong id",
        mistakes=[
            (IDS.T, "rows and columns are swapped"),
            (lambda r: r.shape == (3, 2) or r.shape == COLOURS.shape, "there must be one id a pixel, shape (H, W)"),
            (np.full((2, 3), 2), "one equal value is not enough: all three must agree, `.all(axis=-1)`"),
            (np.where(IDS == 0, 2, IDS), "a part of the colour is not enough: red, green and blue must all agree"),
            (lambda r: (r == -1).all() and asks_the_whole_picture(rgb_to_ids), WHOLE_PICTURE),
            (lambda r: (r == -1).all() and (rgb_to_ids(COLOURS[..., ::-1].copy(), PALETTE) == IDS).all(),
             "no colour is found: compare red, green and blue in the palette's order, not as BGR"),
            (np.full((2, 3), -1), "no colour is found: where red, green and blue all agree, the id belongs there"),
            (np.where(IDS == 2, 2, -1), "only the palette's last colour is found: each round overwrites those before"),
            (ALONG_ROWS, LAST_AXIS),
            (IDS + 1, "the first colour of the palette has id 0"),
        ],
    )  # fmt: skip


def asks_the_whole_picture(rgb_to_ids: Callable) -> bool:
    """Say whether an answer finds a colour only where all pixels have it."""
    return bool((rgb_to_ids(np.full_like(COLOURS, PALETTE[1]), PALETTE) == 1).all())


def colours_must_agree(rgb_to_ids: Callable) -> None:
    """A colour fits only if red, green and blue all agree, in this order.

    `(raw == colour).all(axis=-1)` asks for all three; `.any` is content with one; a sum takes (1, 2, 3) for (3, 2, 1).
    """
    palette = ((1, 2, 3), (3, 2, 1), (2, 2, 2), (250, 3, 3))
    raw = np.array([[palette[1], palette[0]], [palette[3], palette[2]], [palette[0], palette[3]]], dtype=np.uint8)
    expect_ids(
        rgb_to_ids, raw, palette, gives=np.array([[1, 0], [3, 2], [0, 3]]),
        says="colours are confused: red, green and blue must each agree",
    )  # fmt: skip
    # For each base below 256, and for the uint8 arithmetic that runs over, two of these make the same number.
    palette = (
        (1, 0, 0), (0, 255, 0), (0, 0, 255), (0, 1, 0), (0, 100, 0), (0, 10, 0), (0, 0, 100), (0, 0, 10), (0, 0, 0),
    )  # fmt: skip
    expect_ids(
        rgb_to_ids, np.array([palette], dtype=np.uint8), palette, gives=np.arange(9)[None],
        says="a colour is not found, or taken for another one: look up all 9 of them, in red, green and blue; where "
        "two colours become the same number, take red * 256 * 256 + green * 256 + blue, in integers larger than bytes",
    )  # fmt: skip


def unknown_is_minus_one(rgb_to_ids: Callable) -> None:
    """A colour that is not in the palette becomes -1.

    Start from a picture full of -1: `np.full(raw.shape[:2], -1)`, and fill in what is known.
    """
    raw = COLOURS.copy()
    raw[0, 1] = (200, 21, 30)
    wanted = IDS.copy()
    wanted[0, 1] = -1
    expect_ids(
        rgb_to_ids, raw, PALETTE, gives=wanted, says="a colour outside the palette must become -1",
        mistakes=[
            (
                lambda r: r[0, 1] == 0,
                "an unknown colour becomes class 0 in silence: start from -1, not from 0 (a bare `argmax` is 0, too, "
                "where nothing is True)",
            ),
            (lambda r: r[0, 1] == 255, "an unknown colour becomes 255, ignored: it must be -1, in an array of int64"),
            (lambda r: r[0, 1] == -1, "the -1 is right, and another id is not: it is the place in the whole palette"),
            (lambda r: r[0, 1] in (1, 2), "an unknown colour is taken for the nearest known one: it must become -1"),
        ],
    )  # fmt: skip
    nothing = np.array([[0, 255, 77]] * 2, dtype=np.uint8)[..., None].repeat(3, axis=-1)
    says = "where no colour is known, all must be -1, black and white too"
    expect_ids(rgb_to_ids, nothing, PALETTE, gives=np.full((2, 3), -1), says=says)


def ids_are_whole(rgb_to_ids: Callable) -> None:
    """The ids are int64, whatever the size of the palette.

    `dtype=np.int64` when you make the array: uint8 cannot hold -1, and floats are no ids.
    """
    result = expect_ids(rgb_to_ids, COLOURS, PALETTE, gives=IDS)
    require(result.dtype == np.int64, f"the ids are {result.dtype}: make them np.int64, which holds -1 as well")
    expect_ids(rgb_to_ids, COLOURS, PALETTE[::-1], gives=2 - IDS, says="another palette of as many colours is not used")
    require((result == IDS).all(), "a later call changes what an earlier one returned: make a new array each time")
    palette = tuple((r, g, b) for r in STEPS for g in STEPS for b in STEPS)
    raw = np.array(palette, dtype=np.uint8).reshape(12, 18, 3)
    expect_ids(
        rgb_to_ids, raw, list(palette), gives=np.arange(216).reshape(12, 18),
        says="a palette of 216 colours is not read right: do some of them become the same number, or the same text?",
    )  # fmt: skip
    expect_ids(
        rgb_to_ids, raw[:1, 1:2], palette[:1], gives=np.array([[-1]]), says="a palette of one colour is not read right"
    )


# ---------------------------------------------------------------- 2.2
OTHER_SIZE = "your picture has another size than the mask, and a mask may have any: take its size from ids.shape"
NO_INDEX = "a tuple or a list cannot be indexed with a mask: make an array of it first, with np.array"
NO_LIST = "a palette may be a tuple or a list, and Python adds only two of a kind: turn it into one with list(palette)"


def expect_colours(ids_to_rgb: Callable, ids: np.ndarray, palette: Any, **wanted: Any) -> np.ndarray:
    """Call the answer as `expect` does; where NumPy stops it, say what that means for the table of colours."""
    try:
        return expect(ids_to_rgb, ids, palette, **wanted)
    except IndexError as error:
        says = "the table ends before 255: it needs a row for 255, too" if "index 255 is out" in str(error) else ""
        says = OTHER_SIZE if "boolean index did not match" in str(error) else says
        stopped = f"IndexError: {error}"
    except ValueError as error:
        says = (
            f"the rows of the table do not fit the colours: this palette has {len(palette)}, so use len(palette)"
            if "could not broadcast input array" in str(error)
            else ""
        )
        stopped = f"ValueError: {error}"
    except TypeError as error:
        says = NO_LIST if "can only concatenate" in str(error) else ""
        says = NO_INDEX if "converted to a scalar index" in str(error) else says
        stopped = f"TypeError: {error}"
    if not says:
        return expect(ids_to_rgb, ids, palette, **wanted)  # another mistake: let it stop again, with its line
    raise Wrong(says, ids=ids, colours=len(palette), stopped=stopped)


def paints(ids_to_rgb: Callable) -> None:
    """Every pixel gets the colour of its class, uint8 (H, W, 3).

    With a table that holds a row of three bytes for each id, and one for 255, `table[ids]` paints all pixels at once.
    """
    result = expect_colours(
        ids_to_rgb, IDS, PALETTE, gives=COLOURS, says="some pixels have the wrong colour",
        mistakes=[
            (COLOURS[..., ::-1], "red and blue are swapped (BGR): keep the palette's order"),
            (lambda r: r.shape == IDS.shape, "each pixel needs three numbers, red, green and blue: shape (H, W, 3)"),
            (COLOURS.transpose(2, 0, 1), "the three colours come last: shape (H, W, 3), not (3, H, W)"),
            (COLOURS.transpose(1, 0, 2), "rows and columns are swapped"),
            (lambda r: (r[IDS == 1] == PALETTE[0]).all(), "each class has another's colour: the first is that of id 0"),
            (lambda r: (r[IDS == 0] == 255).all(), "class 0 is not painted: the background has a colour, too"),
            (lambda r: r.shape == COLOURS.shape and r.max() <= 1, "the colours are between 0 and 1: keep 0 to 255"),
        ],
    )  # fmt: skip
    if result.dtype != np.uint8:
        expect_colours(ids_to_rgb, np.full((2, 3), 255), PALETTE)  # a table that ends too early is named first
    require(result.dtype == np.uint8, f"the picture is {result.dtype}: make it np.uint8")


def ignored_is_white(ids_to_rgb: Callable) -> None:
    """Ignored pixels, 255, are white.

    Make the table 256 rows long and fill it with 255 first; or paint `ids == 255` last.
    """
    ids, wanted = IDS.copy(), COLOURS.copy()
    ids[0, 1], wanted[0, 1] = 255, 255
    for dtype in (np.int64, np.uint8):
        expect_colours(
            ids_to_rgb, ids.astype(dtype), PALETTE, gives=wanted,
            says=f"ignored pixels (255) must be white, in masks of {np.dtype(dtype)} too",
            mistakes=[
                (lambda r: (r[0, 1] == 0).all(), "ignored pixels (255) are black: they must be white"),
                (lambda r: tuple(r[0, 1]) in PALETTE, "ignored pixels (255) have a class's colour: they must be white"),
            ],
        )  # fmt: skip
    everything = np.full((2, 3), 255)
    says = "with two classes, 255 is not white: has every palette its own place for white?"
    expect_colours(ids_to_rgb, everything, PALETTE[:2], gives=np.full((2, 3, 3), 255, np.uint8), says=says)


def any_ids_any_palette(ids_to_rgb: Callable) -> None:
    """Masks of uint8 and int64, palettes of any length, lists and tuples alike.

    Nothing may depend on three classes, on a square picture, or on the kind of integer.
    """
    says = "the colours of an earlier palette come back: make the table anew in each call"
    expect_colours(ids_to_rgb, 2 - IDS, PALETTE[::-1], gives=COLOURS, says=says)
    ids, kept = 249 - np.arange(12).reshape(2, 6) * 22, []
    colours, greys = [(i, 0, 249 - i) for i in range(250)], [(249 - i,) * 3 for i in range(250)]
    for dtype, palette in ((np.uint8, colours), (np.int64, greys)):
        wanted = np.array([[palette[i] for i in row] for row in ids], dtype=np.uint8)
        says = f"250 classes, ids as {np.dtype(dtype)}: wrong colours; does an id become a small number?"
        kept.append((expect_colours(ids_to_rgb, ids.astype(dtype), palette, gives=wanted, says=says), wanted))
    require((kept[0][0] == kept[0][1]).all(), "a later call changes an earlier picture: make a new one each time")
    expect_colours(ids_to_rgb, np.zeros((4, 1), np.uint8), ((0, 0, 1),), gives=np.full((4, 1, 3), (0, 0, 1), np.uint8),
                   says="a palette of a single colour is not painted right")  # fmt: skip


def there_and_back(ids_to_rgb: Callable) -> None:
    """Looking the colours up again gives the ids back.

    A picture of colours holds no less than the ids, as long as every class has a colour of its own.
    """
    from utils.images import rgb_to_ids

    ids = np.random.default_rng(0).integers(0, 3, (5, 7))
    back = rgb_to_ids(np.asarray(expect_colours(ids_to_rgb, ids, PALETTE)), PALETTE)
    require(np.array_equal(back, ids), "ids, painted and looked up again, are not what they were")


# ---------------------------------------------------------------- 2.3
INTEGERS = "make them integers, as np.zeros(num_classes, dtype=int) does"
NUM_COUNTS = "the result must hold one number for each class, num_classes in all"


def counts_every_class(count_pixels: Callable) -> None:
    """Each class gets the number of its pixels, at the place of its id.

    `np.bincount` of the flat mask counts every id at once; a loop with `(mask == c).sum()` does it, too.
    """
    mask = np.array([[0, 2, 2], [2, 1, 2]], dtype=np.uint8)
    needs_a_flat_array(count_pixels, mask)
    expect(
        count_pixels, mask, 3, gives=np.array([1, 1, 4]), says="the counts are off",
        mistakes=[
            (lambda r: isinstance(r, np.ndarray) and r.shape != (3,), NUM_COUNTS),
            (np.array([1, 1, 4]) / 6, "these are shares: return the counts"),
            (np.array([4, 1, 1]), "the counts are sorted by size: they belong in the order of the ids"),
            (np.array([1, 1, 0]), "the last class is not counted: ids go from 0 to num_classes - 1"),
            (np.array([0, 1, 4]), "class 0 is not counted: the background is a class, too"),
            (np.array([1, 4, 0]), "every count stands one place too early: class 0 comes first, so count from 0"),
            (np.array([0, 1, 8]), "the ids are added up: count the pixels"),
            (np.array([1, 1, 1]), "a class counts once, however often it occurs: `counts[mask] += 1` adds only once"),
        ],
    )  # fmt: skip


def needs_a_flat_array(count_pixels: Callable, mask: np.ndarray) -> None:
    """Raise Wrong where NumPy's own message about a mask (H, W) would not say what to do."""
    try:
        count_pixels(mask.copy(), 3)
    except ValueError as error:
        if "too deep" not in str(error):
            raise
        says = "bincount wants a flat array: give it `mask.ravel()`, or `mask[mask != 255]`, which is flat as well"
        raise Wrong(says, mask=mask, stopped=f"ValueError: {error}") from None


def leaves_out_ignored(count_pixels: Callable) -> None:
    """Ignored pixels, 255, are not counted.

    `mask[mask != 255]` keeps the others.
    """
    for dtype, where in ((np.uint8, ""), (np.int64, ", where the mask is int64")):
        mask = np.array([[0, 255, 2], [2, 1, 255]], dtype=dtype)
        try:
            count_pixels(mask.copy(), 3)
        except LookupError as error:
            says = "ignored pixels (255) have no place among the counts: leave them out before you count"
            raise Wrong(says + where, mask=mask, stopped=f"{type(error).__name__}: {error}") from None
        expect(
            count_pixels, mask, 3, gives=np.array([1, 1, 2]), says="ignored pixels (255) are counted" + where,
            mistakes=[
                (lambda r: len(r) == 256, "the result has a place for 255: leave ignored pixels out before you count"),
                (np.array([1, 1, 4]), "ignored pixels (255) are counted as the last class" + where),
                (np.array([3, 1, 2]), "ignored pixels (255) are counted as class 0" + where),
            ],
        )  # fmt: skip


def has_a_place_for_each(count_pixels: Callable) -> None:
    """There are num_classes counts, also when classes are absent.

    `np.bincount(..., minlength=num_classes)`; `np.unique` leaves absent classes out.
    """
    masks = {(1, 1, 1): [0, 3, 0, 0, 0], (0, 0): [2, 0, 0, 0, 0], (4, 2): [0, 0, 1, 0, 1], (255, 255): [0, 0, 0, 0, 0]}
    for values, wanted in masks.items():
        mask = np.array([values], dtype=np.uint8)
        result = expect(count_pixels, mask, 5)
        require(
            np.size(result) >= 5,
            "absent classes have no place: there must be num_classes counts",
            mask=mask,
            yours=result,
        )
        expect(count_pixels, mask, 5, gives=np.array(wanted), says="absent classes must have a count of 0")
    says = "with 255 classes, id 254 is one of them and must be counted"
    expect(count_pixels, np.array([[254, 2]], dtype=np.uint8), 255, gives=np.bincount([254, 2]), says=says)


def takes_any_shape(count_pixels: Callable) -> None:
    """A mask may have any shape: a flat one and a stack of masks are counted, too.

    `mask.ravel()` is flat whatever the shape is, and `mask == c` works for every shape. Loops over rows and columns fit
    only a mask of two axes.
    """
    stack = np.array([[[0, 0, 1], [1, 255, 2]], [[2, 2, 2], [0, 1, 2]]], dtype=np.uint8)
    first = count_pixels(stack[0, :1].copy(), 3)
    for mask in (stack[0], stack, stack[0, 0], stack[:1]):  # two axes first: what stops there is another mistake
        wanted = np.bincount(mask[mask != 255], minlength=3)
        try:
            expect(count_pixels, mask, 3, gives=wanted, says=f"a mask of shape {mask.shape} is not counted as a whole")
        except (ValueError, TypeError, IndexError) as error:
            if mask.ndim == 2:
                raise
            says = (
                f"stopped on a mask of shape {mask.shape}: a mask may have any shape, so flatten it with mask.ravel()"
            )
            raise Wrong(says, mask=mask, expected=wanted, stopped=f"{type(error).__name__}: {error}") from None
    require((first == [2, 1, 0]).all(), "a later call changes the counts of an earlier one: make a new array each time")


def counts_whole_numbers(count_pixels: Callable) -> None:
    """The counts are integers and can be large, for uint8 and int64 masks.

    A uint8 holds no number above 255, so a count that is kept in one is wrong. Keep the counts in `np.int64`.
    """
    for dtype in (np.uint8, np.int64):
        mask = np.zeros((300, 250), dtype=dtype)
        mask[:2] = 1
        says = "large counts are off: do they overflow a small kind of integer, such as uint8?"
        result = expect(count_pixels, mask, 2, gives=np.array([74_500, 500]), tolerance=0, says=says)
        require(np.issubdtype(result.dtype, np.integer), f"the counts are {result.dtype}: {INTEGERS}")


def scene() -> tuple[np.ndarray, Any]:
    """Return the ids of a drawn scene, and its source."""
    from utils import catalog
    from utils.images import read_mask

    source = catalog.load(Config())
    return read_mask(source.pairs("train")[20].mask), source


def looked_up(answer: Callable) -> tuple[np.ndarray, np.ndarray]:
    """A scene in the colours of its classes, and the ids that an answer finds, shown as grey."""
    from utils.plots import colour_mask

    ids, source = scene()
    colours = colour_mask(ids, source.palette)
    return colours, np.asarray(np.clip(answer(colours, source.palette), -1, 6) * 40 + 40, dtype=np.uint8)


def painted(answer: Callable) -> tuple[np.ndarray, np.ndarray]:
    """The ids of a scene, shown as grey, and the picture that an answer paints."""
    ids, source = scene()
    return np.where(ids == 255, 255, ids * 40).astype(np.uint8), answer(ids, source.palette)


EXERCISES = [
    Exercise(
        "2.1", "Change a config, checked", "utils.config.Config.override", 1, 4,
        "Every experiment of this course is a changed copy of a config; a slip must stop you before the training.",
        [gives_a_changed_config, keeps_the_rest, every_value_arrives, leaves_the_original, checks_the_values,
         checks_the_names],
        [
            "A config is frozen. What do you get when you build a new one from its values and yours?",
            "`config.model_dump()` gives all values as a dictionary.",
            "In {**first, **second} the second one wins wherever both have a name. Which of your two comes second?",
            "Lay the changes over those values, and check them all: Config(**{**config.model_dump(), **changes}).",
        ],
    ),
    Exercise(
        "2.2", "Ids to colours", "utils.plots.ids_to_rgb", 2, 8,
        "A mask of ids is nearly black to the eye; painted, its mistakes jump out.",
        [paints, ignored_is_white, any_ids_any_palette, there_and_back],
        [
            "You need a table with a row of three bytes for each id. What does indexing it with a whole mask give?",
            "Ids go up to 255, for ignored pixels. How long must the table be, and what stands in its last row?",
            "Start with table = np.full((256, 3), 255, dtype=np.uint8), which is all white. Which rows must the "
            "palette fill, and what do you index with the mask?",
        ],
        painted,
        axes="height, width, red green blue",
    ),
    Exercise(
        "2.3", "Count the pixels of each class", "utils.loaders.count_pixels", 1, 4,
        "Class balance decides how to weigh the loss, and what accuracy is worth.",
        [counts_every_class, leaves_out_ignored, has_a_place_for_each, takes_any_shape, counts_whole_numbers],
        [
            "Which pixels must not be counted at all? Drop them first.",
            "`np.bincount` counts how often each whole number occurs. How many numbers must the result have?",
            "`mask[mask != 255]` is flat and holds only what counts. `minlength` sets the least number of counts.",
            "np.bincount(mask[mask != 255], minlength=num_classes).",
        ],
        axes="class",
    ),
    Exercise(
        "2.4", "Colours to ids", "utils.images.rgb_to_ids", 2, 10,
        "Many data sets store masks as coloured pictures; a model learns from ids.",
        [looks_colours_up, colours_must_agree, unknown_is_minus_one, ids_are_whole],
        [
            "Take one colour of the palette. Which pixels have it?",
            "`raw == np.array(colour)` compares all pixels: (H, W, 3) of True and False. All three must be True.",
            "Start with ids = np.full(raw.shape[:2], -1, dtype=np.int64). For each colour of the palette, "
            "(raw == colour).all(axis=-1) is true at the pixels that have it: write its place in the palette there.",
        ],
        looked_up,
        axes="height, width",
    ),
]  # fmt: skip

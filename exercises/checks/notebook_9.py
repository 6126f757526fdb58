"""Notebook 9: from logits to masks and overlays, thresholds, tiles, test-time augmentation, failures."""

import contextlib
import operator
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, tensor

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require, seeded_generator

NAN = float("nan")
NOTHING = "nothing is returned: is a `return` missing?"
ONE_CHANNEL = "one channel is `logits.shape[1] == 1`; the length of the batch says nothing, and that of a side neither"


@contextlib.contextmanager
def shown_by_row(**beside: Tensor) -> Iterator[None]:
    """Let a verdict show one row of numbers: the first in which a result is not the expected one.

    Whole batches would be described by their shape, and two equal descriptions show no difference. The same row of
    what stands `beside` them is shown as well.
    """
    try:
        yield
    except Wrong as wrong:
        pair = {name: wrong.details.get(name) for name in ("expected", "yours")}
        if len({np.shape(values) for values in pair.values()}) > 1 or not np.ndim(pair["yours"]):
            raise
        rows = {n: np.array(v, float).reshape(-1, np.shape(v)[-1]) for n, v in (beside | pair).items()}
        off = ~np.isclose(rows["expected"], rows["yours"], atol=1e-4).all(axis=1)
        given = {name: value for name, value in wrong.details.items() if isinstance(value, str)}
        shown = {name.replace("_", " "): list(values[off.argmax()]) for name, values in rows.items()}
        raise Wrong(wrong.sentence, **given, **shown) from None


# ---------------------------------------------------------------- 9.1
def classes_by_argmax(to_mask: Callable) -> None:
    """With several channels, a pixel gets the class with the largest logit.

    `argmax` over dimension 1: the logits are (N, C, H, W), and the classes are what must disappear.
    """
    few = tensor([[[[0.0, 0.1, -1.0]], [[3.0, 0.2, -3.0]], [[-1.0, 0.3, -0.5]]]])  # sure, unsure, and all negative
    sure = tensor([[[[100.0]], [[0.0]], [[100.01]]]])
    shapes = ((2, 3), (1, 3), (2, 12))
    for logits in (few, sure, *(torch.randn(*shape, 4, 5, generator=seeded_generator(1)) for shape in shapes)):
        has_the_largest(to_mask, logits)


def has_the_largest(to_mask: Callable, logits: Tensor) -> None:
    """Compare the classes of some logits, (n, c, h, w), with those counted by hand."""
    n, c, h, w = logits.shape
    wanted = tensor([[[max(range(c), key=lambda k: float(logits[i, k, y, x])) for x in range(w)] for y in range(h)]
                     for i in range(n)])  # fmt: skip
    expect(
        to_mask, logits, gives=wanted, says="some pixels do not have the class with the largest logit",
        mistakes=[
            (lambda r: r.shape == (c, h, w) != (n, h, w),
             "argmax runs over the batch (dim 0): the classes are dimension 1"),
            (lambda r: r.shape[1:] == (c, w), "argmax runs over the rows (dim 2): the classes are dimension 1"),
            (lambda r: r.shape[1:] == (c, h), "argmax runs over the columns (dim 3): the classes are dimension 1"),
            (lambda r: r.shape[1:] == (1, h, w), "the dimension of the classes must disappear: (N, H, W)"),
            (lambda r: r.shape == (h, w), "the result has lost the batch: also of one image it is (N, H, W)"),
            (logits[:, 0] >= 0, ONE_CHANNEL),
            (logits.argmin(dim=1), "this is the class with the smallest logit: argmax"),
            (logits.max(dim=1).values, "these are the largest logits themselves: argmax gives their class"),
            (logits.sigmoid().argmax(1), "argmax of the logits as they are: after a sigmoid large ones are all 1"),
            (logits.softmax(0).argmax(1), "softmax runs over the batch: argmax of the logits needs none"),
            (torch.where(logits.softmax(1).amax(1) >= 0.5, wanted, 0),
             "with several classes the threshold plays no part: unsure pixels take the largest, too"),
        ],
    )  # fmt: skip


def ids_are_int64(to_mask: Callable) -> None:
    """The mask holds int64 ids, shape (N, H, W), in both cases.

    A comparison gives True and False: `.long()` makes ids of it.
    """
    for channels, named in ((1, "1 channel"), (2, "2 channels"), (4, "4 channels")):
        result = expect(to_mask, torch.randn(3, channels, 2, 5, generator=seeded_generator(2)))
        require(result is not None, NOTHING)
        if not isinstance(result, Tensor):
            raise Wrong(f"the result is {kind_of(result)}, not a tensor")
        require(result.shape == (3, 2, 5), f"with {named} the mask has shape {tuple(result.shape)}, not (N, H, W)")
        require(result.dtype == torch.int64, f"with {named} the ids are {result.dtype}: make them int64")


def one_channel_by_threshold(to_mask: Callable) -> None:
    """With one channel, a pixel is foreground where its probability, the sigmoid of the logit, reaches the threshold.

    A logit of 0 is a probability of 0.5. `probabilities(logits)` from notebook 6 applies the sigmoid.
    """
    logits = tensor([[[[-3.0, -0.0001, 0.0], [0.1, 0.4, 100.0]]]])
    expect(
        to_mask, logits, gives=tensor([[[0, 0, 1], [1, 1, 1]]]), says="one channel: foreground from probability 0.5 on",
        mistakes=[
            (torch.zeros(1, 2, 3), "argmax over one channel is always 0: compare the probability with the threshold"),
            (tensor([[[0, 0, 0], [0, 0, 1]]]), "the logit is compared with 0.5: take the sigmoid first"),
            (tensor([[[0, 0, 0], [1, 1, 1]]]), "a probability of exactly 0.5 is foreground: `>=`"),
            (tensor([[[1, 1, 1], [0, 0, 0]]]), "foreground and background are swapped"),
            (torch.ones(1, 2, 3), "every pixel is foreground: one sigmoid, not two, and no softmax over one channel"),
            (lambda r: r.shape == (2, 3), "the result has lost the batch: squeeze() takes every dimension of length 1"),
        ],
    )  # fmt: skip
    expect(
        to_mask, tensor([[[[1.0, -2.0]]], [[[-1.0, 2.0]]]]), gives=tensor([[[1, 0]], [[0, 1]]]),
        says="one channel, two images: foreground from probability 0.5 on",
        mistakes=[
            (torch.zeros(2, 1, 2), ONE_CHANNEL),
            (lambda r: r.shape != (2, 1, 2), "the result must be (N, H, W), also with a single row"),
        ],
    )  # fmt: skip


def threshold_is_used(to_mask: Callable) -> None:
    """The threshold given is the one that counts, and several classes do not care.

    Compare with `threshold`, not with 0.5.
    """
    logits = tensor([[[[-3.0, -1.0, 0.0, 1.0, 3.0]]]])  # probabilities 0.05, 0.27, 0.5, 0.73, 0.95
    for threshold, wanted in ((0.2, [0, 1, 1, 1, 1]), (0.6, [0, 0, 0, 1, 1]), (0.9, [0, 0, 0, 0, 1])):
        expect(
            to_mask, logits, threshold, gives=tensor([[wanted]]), says="compare the probability with `threshold`",
            mistakes=[(tensor([[[0, 0, 1, 1, 1]]]), "`threshold` is not used: 0.5 is only its default value")],
        )  # fmt: skip
    expect(to_mask, tensor([[[[0.7, 1.0]]]]), 0.69, gives=tensor([[[0, 1]]]),
           says="probabilities 0.668 and 0.731: logits between 0 and 1 are logits, too")  # fmt: skip
    for threshold in (0.9, 0.1):
        expect(to_mask, tensor([[[[0.2, 0.1]], [[0.1, 0.2]]]]), threshold, gives=tensor([[[0, 1]]]),
               says="with several classes the threshold plays no part, also with two channels")  # fmt: skip


# ---------------------------------------------------------------- 9.2
IMAGE = np.array(
    [[[200, 100, 0], [10, 20, 30]], [[250, 250, 250], [0, 0, 0]], [[90, 90, 90], [1, 2, 3]]], dtype=np.uint8
)
PAINT = np.array(
    [[[0, 200, 100], [250, 250, 250]], [[250, 0, 0], [255, 255, 255]], [[0, 0, 0], [5, 5, 5]]], dtype=np.uint8
)
WHERE = np.array([[True, False], [True, True], [False, True]])


def mixes(blend: Callable) -> None:
    """Where the mask says so, opacity parts of paint meet 1 - opacity parts of the image.

    `(1 - opacity) * image + opacity * painted`. With 0.25, a quarter is paint.
    """
    image, paint = IMAGE.astype(float), PAINT.astype(float)
    try:
        result = np.asarray(expect(blend, IMAGE, PAINT, np.ones((3, 2), dtype=bool), 0.25), dtype=float)
    except ValueError as error:
        if "broadcast" not in str(error):
            raise
        says = "`where` is (3, 2) and the pictures are (3, 2, 3): `where[..., None]` gives it a third axis"
        raise Wrong(says) from error
    require(result.shape == image.shape, f"the result has shape {result.shape}, not {image.shape}")
    mistakes = {
        "`opacity` is not used: 0.45 is only its default value": 0.55 * image + 0.45 * paint,
        "opacity is that of the paint: here image and paint are swapped": 0.25 * image + 0.75 * paint,
        "`opacity` is not used: not every mixture is half and half": (image + paint) / 2,
        "the paint hides the picture: mix them": paint,
        "nothing is painted: is `where` turned round?": image,
    }
    for says, known in mistakes.items():
        require(np.abs(result - known).max() > 1.1, says, expected=0.75 * image + 0.25 * paint, yours=result)
    off = np.abs(result - 0.75 * image - 0.25 * paint) >= 1  # rounded up or down is right
    details = {"image": image[off][:1], "paint": paint[off][:1], "yours": result[off][:1]}
    wraps = (result > image)[off].any() and not off[paint >= image].any()
    for cut in (np.floor, np.round, np.ceil):
        halves = cut(0.75 * image) + cut(0.25 * paint)
        says = "image and paint are each cut to whole numbers, or rounded: add in floats, and cut or round once"
        require(not off.any() or (result != halves).any(), says, expected=0.75 * image + 0.25 * paint, yours=result)
    require(not wraps, "wrong where the paint is darker: bytes start again at 255 below 0, so mix in floats", **details)
    require(not off.any(), "the mixture is off", expected=0.75 * image + 0.25 * paint, yours=result)


def only_where(blend: Callable) -> None:
    """Elsewhere the picture stays as it is, to the byte.

    `np.where(where[..., None], mixed, image)`: the extra axis lets one truth value serve three colours.
    """
    result = expect(blend, IMAGE, PAINT, WHERE, 0.25)
    require(np.shape(result) == IMAGE.shape, f"the result has shape {np.shape(result)}, not {IMAGE.shape}")
    same = np.array_equal(np.asarray(result)[~WHERE], IMAGE[~WHERE])
    require(
        same, "outside of `where` the picture must stay as it is", image=IMAGE[~WHERE], yours=np.asarray(result)[~WHERE]
    )
    wanted, inside = (0.75 * IMAGE + 0.25 * PAINT)[WHERE], np.asarray(result)[WHERE]
    says = "inside of `where` picture and paint must be mixed"
    require(np.abs(inside - wanted).max() < 1, says, expected=wanted, yours=inside)


def ends_of_opacity(blend: Callable) -> None:
    """Opacity 0 leaves the picture, opacity 1 shows the paint alone.

    Both follow from the formula; bytes that are added without care run over at 255.
    """
    for where in (WHERE, WHERE | True, WHERE & False):
        results = [expect(new_array(blend), IMAGE, PAINT, where, opacity) for opacity in (0.0, 1.0)]
        for opacity, wanted in enumerate((IMAGE, np.where(where[..., None], PAINT, IMAGE))):
            result = np.asarray(results[opacity], dtype=np.float64)
            says = f"with opacity {opacity} the result is off"
            says += ": is it one array, filled anew at every call?" * np.shares_memory(*results)
            require(np.abs(result - wanted).max() < 1, says, expected=wanted, yours=result)


def new_array(blend: Callable) -> Callable:
    """Return the answer, which is refused where it hands out one of its pictures instead of a new one."""

    def blended(image: np.ndarray, painted: np.ndarray, where: np.ndarray, opacity: float) -> np.ndarray:
        result = blend(image, painted, where, opacity)
        for name, given in (("image", image), ("painted", painted)):
            says = f"here the result is `{name}` itself, and who draws on it draws on `{name}`: return a copy"
            require(not np.shares_memory(result, given), says, where=where, opacity=opacity)
        return result

    return blended


def stays_bytes(blend: Callable) -> None:
    """The result is uint8, and no value runs over 255.

    Mix in floats, and bring the result back at the end: `.astype(np.uint8)`.
    """
    bright = np.full((1, 3, 3), 250, np.uint8)
    everywhere = np.ones((1, 3), dtype=bool)
    result = expect(blend, bright, bright, everywhere, 0.6)
    require(result is not None, NOTHING)
    require(isinstance(result, np.ndarray), f"the result is {kind_of(result)}, not a NumPy array")
    require(result.dtype == np.uint8, f"the result is {result.dtype}: bring it back to np.uint8")
    require(result.shape == bright.shape, f"the result has shape {result.shape}, not {bright.shape}")
    dark = "the result is nearly black: bytes start again at 0 above 255, so mix in floats, between 0 and 255 all along"
    require(result.max() > 1, dark, expected=250, yours=result)
    brighter = "brighter than both: the image keeps its full weight, it must be (1 - opacity) times as bright"
    require(result.max() <= 251, brighter, expected=250, yours=result)
    says = "bright pixels run over 255: mix in floats, with weights that add up to 1"
    require(result.min() >= 249, says, expected=250, yours=result)


def blended_scene(answer: Callable) -> tuple[np.ndarray, np.ndarray]:
    """A scene, and what an answer makes of it and its mask."""
    from utils import catalog
    from utils.config import Config
    from utils.dataset import read_pair
    from utils.plots import colour_mask

    source = catalog.load(Config())
    image, mask = read_pair(source.pairs("val")[3], source)
    return image, answer(image, colour_mask(mask, source.palette), (mask != 255) & (mask != 0), 0.5)


# ---------------------------------------------------------------- 9.3
CHANCES = tensor([0.1, 0.3, 0.45, 0.6, 0.7, 0.9])


def best_iou_wins(best_threshold: Callable) -> None:
    """The threshold whose mask has the best foreground IoU is returned.

    For every threshold: make the mask, compute the IoU of class 1, remember the best.
    """
    target = tensor([0, 1, 0, 1, 1, 1])  # IoU 4/6 from 0.05 on, 4/5 from 0.2, 3/4 from 0.4, 3/4 from 0.5 ...
    thresholds = (0.05, 0.2, 0.4, 0.65, 0.85)
    expect(
        best_threshold, CHANCES, target, thresholds, gives=0.2, says="another one has a better IoU",
        mistakes=[
            (4 / 5, "this is the best IoU itself: return its threshold"),
            (1, "this is the place of the best threshold: return the threshold itself"),
            (0.85, "this threshold has the best precision, not the best IoU"),
            (0.05, "this threshold has the best recall, not the best IoU (and a probability needs no sigmoid)"),
            (0.65, "this threshold has the best precision, not the best IoU"),
            (lambda r: min(abs(float(r) - t) for t in thresholds) > 1e-6, "this is not one of the thresholds given"),
        ],
    )  # fmt: skip
    says = "the first threshold is the best here, and all of them are to be tried"
    expect(best_threshold, tensor([0.1, 0.3, 0.6, 0.9]), tensor([0, 0, 1, 1]), (0.5, 0.7), gives=0.5, says=says)


def small_foreground(best_threshold: Callable) -> None:
    """Only the foreground counts: neither background pixels nor accuracy.

    On images that are nearly all background, accuracy and background IoU love high thresholds.
    """
    chances = tensor([0.2] * 16 + [0.35] * 5 + [0.4])
    target = tensor([0] * 19 + [1] * 3)  # IoU 3/6 from 0.3 on with 3 errors, 1/3 from 0.38 on with 2 errors
    expect(
        best_threshold, chances, target, (0.3, 0.38, 0.5), gives=0.3, says="the foreground's IoU decides",
        mistakes=[(0.38, "0.38 suits the many background pixels: it finds 1 of 3 foreground ones, and 0.3 all")],
    )  # fmt: skip
    chances = tensor([0.2] * 6 + [0.4] * 7 + [0.8] * 3)
    target = tensor([0] * 10 + [1] * 6)  # foreground 6/10, background 6/10 from 0.3 on; 3/6 and 10/13 from 0.5 on
    expect(
        best_threshold, chances, target, (0.3, 0.5), gives=0.3, says="the foreground's IoU decides",
        mistakes=[(0.5, "the mean of both classes decided: only the foreground's IoU counts")],
    )  # fmt: skip


def ignored_do_not_decide(best_threshold: Callable) -> None:
    """Ignored pixels (255) play no part.

    The `iou` of notebook 7 leaves them out.
    """
    chances = tensor([0.1, 0.3, 0.6, 0.9] + [0.7] * 3 + [0.25] * 4)
    target = tensor([0, 0, 1, 1] + [255] * 7)
    expect(
        best_threshold, chances, target, (0.2, 0.5, 0.8), gives=0.5,
        says="ignored pixels (255) are counted: without them 0.5 is perfect",
        mistakes=[
            (0.8, "ignored pixels (255) are counted as background: leave them out"),
            (0.2, "ignored pixels (255) are counted as foreground: leave them out"),
        ],
    )  # fmt: skip


def differences_count(best_threshold: Callable) -> None:
    """The smallest difference decides: IoUs are compared as they are.

    `round` would make equals of two IoUs that differ in the fourth digit.
    """
    chances = torch.cat([torch.full((n,), p) for n, p in ((1, 0.25), (6999, 0.9), (3000, 0.1))])
    target = tensor([0] * 1001 + [1] * 5999 + [0] * 3000)  # IoU 5999/7000 from 0.2 on, 5999/6999 from 0.5 on
    expect(best_threshold, chances, target, (0.2, 0.5), gives=0.5,
           says="a little better is better: compare the IoUs as they are, not rounded")  # fmt: skip


def first_of_equals(best_threshold: Callable) -> None:
    """Of thresholds with the same IoU the first is returned.

    A later one must be better, `>`, to take its place; `max` and `argmax` keep the first.
    """
    expect(
        best_threshold, CHANCES, tensor([0, 0, 0, 1, 1, 1]), (0.2, 0.48, 0.5, 0.55, 0.8), gives=0.48,
        says="of equal thresholds the first must be returned",
        mistakes=[(lambda r: 0.49 < float(r) < 0.53, "one of several equal thresholds: return the first, no mean")],
    )  # fmt: skip


def from_the_threshold_on(best_threshold: Callable) -> None:
    """A pixel is foreground from the threshold on: a probability equal to it counts.

    `probabilities >= threshold`.
    """
    chances, target = tensor([0.125, 0.25, 0.4999, 0.5, 0.75, 0.8]), tensor([1, 0, 0, 1, 1, 1])
    expect(best_threshold, chances, target, (0.125, 0.25, 0.5), gives=0.5,  # IoU 4/6, 3/6, 3/4
           says="0.5 has the best IoU here, 3 of 4, if a probability equal to the threshold is foreground",
           mistakes=[(0.25, "a probability equal to the threshold is foreground: `>=`, not `>`. One below it is not"),
                     (0.125, "the IoU falls and rises again: go through all thresholds, up to the last")])  # fmt: skip


def over_all_pixels(best_threshold: Callable) -> None:
    """Images of any shape are judged together, and any list of thresholds is allowed.

    One IoU over all pixels for each threshold, no mean of images.
    """
    chances = tensor([[[0.9, 0.4, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1]], [[0.9, 0.9, 0.9, 0.9], [0.4, 0.4, 0.4, 0.4]]])
    target = tensor([[[1, 0, 0, 0], [0, 0, 0, 0]], [[1, 1, 1, 1], [1, 1, 1, 1]]])
    # Together: 9/12 from 0.3 on, 5/9 from 0.6 on. Image by image: 1/4 and 8/8, or 1/1 and 4/8.
    expect(
        best_threshold, chances, target, [0.3, 0.6], gives=0.3, says="a batch (N, H, W) is not judged as one",
        mistakes=[(0.6, "one IoU over all pixels: neither the mean of each image's, nor that of the first image")],
    )  # fmt: skip
    expect(best_threshold, chances, target, [0.77], gives=0.77, says="with a single threshold, that one is the best")
    says = "a threshold of 0 is the best here, and `or` or `if` takes it for none at all: ask for `is None`"
    expect(best_threshold, tensor([0.1, 0.3]), tensor([1, 1]), (0.0, 0.2), gives=0.0, says=says)


def one_in_any_case(best_threshold: Callable) -> None:
    """One of the thresholds is returned also where no pixel is foreground.

    Every IoU is then 0, or NaN where nothing is marked either. Begin with the first threshold as the best one.
    """
    for chances, target in ((tensor([0.1, 0.6, 0.9]), tensor([0, 0, 255])), (tensor([0.01, 0.02]), tensor([0, 0]))):
        details = {"probabilities": chances, "target": target, "thresholds": (0.4, 0.55)}
        try:
            result = best_threshold(chances, target.clone(), (0.4, 0.55))
        except ValueError as error:
            raise Wrong(
                f"where every IoU is NaN your function stops ({error}): return a threshold", **details
            ) from error
        says = "where no pixel is foreground no threshold is returned: one of them must be"
        right = result is not None and min(abs(float(result) - t) for t in (0.4, 0.55)) < 1e-6
        require(right, says, **details, yours=result)


def nan_never_wins(best_threshold: Callable) -> None:
    """A threshold at which there is nothing to judge never wins against one that has a score.

    Its IoU is 0 / 0, which is NaN, and `argmax` takes NaN for the largest number: `nan_to_num(-1)` comes first.
    """
    chances, target = tensor([0.1, 0.3]), tensor([0, 0])  # IoU 0/1 from 0.2 on, 0/0 from 0.5 on
    expect(
        best_threshold, chances, target, (0.2, 0.5), gives=0.2, says="the only threshold that has an IoU must win",
        mistakes=[(0.5, "from 0.5 on nothing is marked and nothing is true: the IoU is NaN there and must not win")],
    )  # fmt: skip


# ---------------------------------------------------------------- 9.5
CASES = [(512, 128, 0), (512, 128, 32), (500, 128, 32), (513, 128, 64), (300, 100, 99), (129, 128, 10), (1000, 256, 1),
         (2048, 256, 64), (101, 100, 50), (16, 6, 3), (14, 11, 8)]  # fmt: skip


def _starts(tile_starts: Callable, length: int, tile: int, overlap: int) -> list[int]:
    """Call, and make sure of a list of whole numbers."""
    try:
        result = tile_starts(length, tile, overlap)
    except ZeroDivisionError as error:
        if tile >= length:
            raise
        says = "your number of tiles came out as 1, although one tile does not reach the end: round the formula up"
        raise Wrong(says, length=length, tile=tile, overlap=overlap) from error
    require(result is not None, "nothing is returned: is a `return` missing?")
    says = f"the result is {kind_of(result)}, not a list: end with `.tolist()`"
    require(not isinstance(result, np.ndarray | Tensor), says)
    if hasattr(result, "__next__"):
        raise Wrong(f"the result is {kind_of(result)}, which can be read only once: return a list of starts")
    if not np.iterable(result):
        raise Wrong(f"the result is {kind_of(result)}, not a list of starts")
    try:
        return [operator.index(v) for v in result]
    except TypeError:
        raise Wrong("starts are whole numbers, to index with: return a list of them", yours=result) from None


def nothing_is_left_out(tile_starts: Callable) -> None:
    """The first tile starts at 0, the last one ends with the picture.

    The last start is length - tile. If the steps do not fit, shift or squeeze them.
    """
    for length, tile, overlap in CASES:
        starts, case = _starts(tile_starts, length, tile, overlap), {"length": length, "tile": tile, "overlap": overlap}
        require(len(starts) > 0 and min(starts) == 0, "the first tile must start at 0", **case, yours=starts)
        end = max(starts) + tile
        last = f"the last {length - end} pixels are" if length - end > 1 else "the last pixel is"
        require(end >= length, f"{last} in no tile", **case, yours=starts)
        require(end <= length, "the last tile reaches beyond the picture: it must end with it", **case, yours=starts)


def neighbours_share(tile_starts: Callable) -> None:
    """Neighbours share at least `overlap` pixels.

    From one start to the next it is at most tile - overlap.
    """
    for length, tile, overlap in CASES:
        starts = sorted(_starts(tile_starts, length, tile, overlap))
        shared = min((a + tile - b for a, b in pairwise(starts)), default=tile)
        case = {"length": length, "tile": tile, "overlap": overlap}
        require(shared >= 0, f"between two neighbours {-shared} pixels are in no tile", **case, yours=starts)
        require(shared >= overlap, f"two neighbours share only {shared} pixels", **case, yours=starts)


def in_order_and_few(tile_starts: Callable) -> None:
    """The starts rise, none comes twice, and there are no more tiles than needed.

    The number needed is (length - overlap) / (tile - overlap), rounded up.
    """
    for length, tile, overlap in CASES:
        starts, case = _starts(tile_starts, length, tile, overlap), {"length": length, "tile": tile, "overlap": overlap}
        require(all(a < b for a, b in pairwise(starts)), "the starts must rise, each once", **case, yours=starts)
        needed = -(-(length - overlap) // (tile - overlap))
        require(len(starts) <= needed, f"{needed} tiles are enough: every tile more costs time", **case, yours=starts)


def one_tile_may_do(tile_starts: Callable) -> None:
    """A picture no larger than a tile takes one tile, at 0.

    Ask for this case first: `if tile >= length`.
    """
    for length, tile, overlap in ((100, 128, 32), (128, 128, 0), (1, 64, 16), (20, 128, 64)):
        case = {"length": length, "tile": tile, "overlap": overlap}
        try:
            starts = _starts(tile_starts, length, tile, overlap)
        except ZeroDivisionError as error:
            raise Wrong(
                "one tile has no step to the next, so your division stops: where tile >= length, [0]", **case
            ) from error
        require(starts, "the list is empty: even a small picture takes at least one tile", **case)
        require(starts == [0], "a picture that fits into one tile takes one, at 0", **case, yours=starts)


# ---------------------------------------------------------------- 9.6
def _cut(values: np.ndarray, tile: int, step: int) -> list[tuple[int, int, np.ndarray]]:
    """Cut (C, H, W) into tiles; the last ones of a row or column may be smaller."""
    _, height, width = values.shape
    return [
        (y, x, values[:, y : y + tile, x : x + tile].copy())
        for y in range(0, height, step)
        for x in range(0, width, step)
    ]


def tiles_of_one_picture(merge_tiles: Callable) -> None:
    """The tiles that were cut from one picture give that picture back when they are merged.

    A weighted mean of equal values is that value: divide the weighted sum by the sum of the weights.
    """
    values = np.random.default_rng(0).normal(size=(2, 9, 13)).astype(np.float32)
    tiles = _cut(values, 5, 3)
    count = len(tiles)
    try:
        result = merge_tiles(tiles, 9, 13)
    except TypeError as error:  # an array times a tensor, or plus one
        if "Tensor" in str(error) or "Concatenation" in str(error):
            raise Wrong("a NumPy array and a tensor do not mix: call `.numpy()` on the window") from error
        raise
    except (ValueError, IndexError) as error:  # a size that does not fit: is it the number of channels?
        for channels in (3, 6):
            with contextlib.suppress(ValueError, IndexError):
                merge_tiles(_cut(np.ones((channels, 9, 13), np.float32), 5, 3), 9, 13)
                says = f"with {channels} channels it runs, and with 2 it stops: C is not always {channels}"
                raise Wrong(f"{says}, `values.shape` says it") from error
        _one_size_for_all(merge_tiles, error)
        _swapped_sides(merge_tiles, error)
        _whole_picture_only(merge_tiles, error)
        raise
    require(result is not None, NOTHING)
    require(len(tiles) == count, "the list of tiles is changed: only read it")
    require(isinstance(result, np.ndarray), f"the result is {kind_of(result)}, not a NumPy array")
    require(result.shape == values.shape, f"the result has shape {result.shape}, not (C, H, W) = {values.shape}")
    first = np.allclose(result[:, :5, :5], values[:, :5, :5], atol=1e-3)
    alone = first and not np.nan_to_num(result[:, 5:, 5:], posinf=0, neginf=0).any()
    require(not alone, "only the first tile is merged: does `return` stand inside the loop?")
    says = "some values are NaN or infinite: divide once, after the loop, by weights that are nowhere 0"
    require(np.isfinite(result).all(), says)
    if np.abs(result - values).max() > 1e-3:
        raise Wrong(_merging_fault(result, values), **{"largest difference": float(np.abs(result - values).max())})


def _one_size_for_all(merge_tiles: Callable, error: Exception) -> None:
    """Say that tiles differ in size, if that is why it stops: where all are alike, the picture comes back."""
    values = np.random.default_rng(3).normal(size=(2, 6, 8)).astype(np.float32)
    alike = [(y, x, values[:, y : y + 3, x : x + 4].copy()) for y in (0, 3) for x in (0, 4)]
    with contextlib.suppress(ValueError, IndexError):
        if np.allclose(merge_tiles(alike, 6, 8), values, atol=1e-3):
            says = "tiles differ in size, and a small one does not fit: take h and w, and the window, from each tile"
            raise Wrong(says) from error


def _whole_picture_only(merge_tiles: Callable, error: Exception) -> None:
    """Say that a part is taken for the whole, if that is why it stops: one tile as large as the picture comes back."""
    values = np.random.default_rng(4).normal(size=(2, 6, 8)).astype(np.float32)
    with contextlib.suppress(ValueError, IndexError):
        if np.allclose(merge_tiles([(0, 0, values.copy())], 6, 8), values, atol=1e-3):
            says = "with one tile as large as the picture it runs, and with smaller ones it stops"
            raise Wrong(
                f"{says}: the window has the h and w of its tile, and both go into total[:, y : y + h, x : x + w]"
            ) from error


def _swapped_sides(merge_tiles: Callable, error: Exception) -> None:
    """Say that rows and columns are swapped, if that is why it stops: in a square, tiles change places with others."""
    values = np.random.default_rng(2).normal(size=(2, 9, 9)).astype(np.float32)
    with contextlib.suppress(ValueError, IndexError):
        result = merge_tiles(_cut(values, 3, 3), 9, 9)
        turned = np.empty_like(values)
        for y, x, piece in _cut(values, 3, 3):
            turned[:, x : x + 3, y : y + 3] = piece
        says = "a tile does not fit, because rows and columns are swapped: y goes with the height, x with the width"
        require(not np.allclose(result, turned, atol=1e-3), f"{says}, total[:, y : y + h, x : x + w]")
        says = "it runs on a square picture, and stops on one of 9 rows and 13 columns: are height and width swapped?"
        if np.allclose(result, values, atol=1e-3):
            raise Wrong(says) from error


def _merging_fault(result: np.ndarray, values: np.ndarray) -> str:
    """Say how a merged picture was spoiled."""
    from utils.tiling import gaussian_window

    weight, count, last, own = (np.zeros(values.shape[1:]) for _ in range(4))
    for y, x, piece in _cut(values, 5, 3):
        _, h, w = piece.shape
        window = gaussian_window(h, w).numpy()
        weight[y : y + h, x : x + w] += window
        last[y : y + h, x : x + w] = window
        count[y : y + h, x : x + w] += 1
        own[y : y + h, x : x + w] += window / window.sum()
    if np.allclose(result, values * count, atol=1e-3):
        return "where tiles overlap the values add up: divide by the sum of the weights"
    if np.allclose(result, values * weight, atol=1e-3):
        return "the weighted values are summed, but not divided by the sum of the weights"
    if np.allclose(result, values * weight / count, atol=1e-3):
        return "divide by the sum of the weights, not by the number of tiles"
    if np.allclose(result, values * count / weight, rtol=1e-3):
        return "the windows are summed, but the values are not multiplied by them: add values * window"
    if np.allclose(result, values * weight / last, rtol=1e-3):
        return "each window replaces the last one, so only the values are summed: add the windows with += as well"
    if any(np.allclose(result, values * own / by, atol=1e-3) for by in (1, count, weight)):
        return "each tile is divided by the sum of its own window: divide at each pixel, by all windows there"
    if np.allclose(result * weight, np.round(result * weight)):
        return "the sums are whole numbers: keep their fractions, in an array of floats"
    if np.allclose(result[:-1], values[:-1], atol=1e-3):
        return "the last of the channels is not merged: go through all C of them"
    share = result / values
    if (share >= 0).all() and (share <= 1 + 1e-4).all():
        return "the result is closer to 0 than the picture: divide by the sum of the weights alone, with nothing added"
    if np.abs(result).max() > 1.01 * np.abs(values).max():
        return "the result leaves the range of the values, which no mean does: divide once, after the loop"
    return "tiles that agree must give back the picture they were cut from: are rows (y) and columns (x) right?"


def the_middle_weighs_more(merge_tiles: Callable) -> None:
    """Where tiles disagree, each counts by its window: much in its middle, little at its border.

    `gaussian_window(h, w)` is the weight of each pixel of a tile. Sum values times window, and the windows.
    """
    from utils.tiling import gaussian_window

    zero, one = np.zeros((1, 4, 7), np.float32), np.ones((1, 4, 6), np.float32)  # two sizes
    result = merge_tiles([(0, 0, zero), (0, 4, one)], 4, 10)
    swapped = merge_tiles([(0, 4, one.copy()), (0, 0, zero.copy())], 4, 10)  # the same in another order
    window = gaussian_window(4, 6).numpy()
    wanted = np.zeros((1, 4, 10))
    wanted[0, :, 4:7] = window[:, :3] / (window[:, :3] + gaussian_window(4, 7).numpy()[:, 4:])
    wanted[0, :, 7:] = 1
    plain = np.zeros((1, 4, 10))
    plain[0, :, 4:7], plain[0, :, 7:] = 0.5, 1
    with shown_by_row():
        expect(
            lambda tiles: result, "one of zeros, one of ones", gives=wanted,
            says="the weights are off: multiply by gaussian_window(h, w) as it is, of each tile, and divide by the sum",
            mistakes=[
                (lambda r: r[0, :, 4:7].min() == 1 == swapped[0, :, 4:7].min(),
                 "where tiles overlap the largest value wins: take the weighted mean"),
                (plain, "where tiles overlap, both weigh the same: each needs gaussian_window(h, w) of its own sides"),
                (lambda r: np.allclose(r[0, :, 4:7], 1),
                 "the later tile overwrites the earlier: add, divide at the end"),
                (lambda r: np.allclose(r[0, :, 4:7], 0), "the earlier tile wins: add, and divide at the end"),
                (lambda r: np.allclose(r[0, :, 4:7], window[:, :3]), "divide by the sum of the weights"),
            ],
        )  # fmt: skip


def every_place_is_right(merge_tiles: Callable) -> None:
    """A tile of any shape lands where its corner says: y is the row, x the column.

    `total[:, y : y + h, x : x + w] += ...`
    """
    values = np.arange(2 * 4 * 10, dtype=np.float32).reshape(2, 4, 10) / 100
    tiles = [(0, 0, values[:, :2, :7]), (2, 0, values[:, 2:, :3]), (0, 7, values[:, :2, 7:]), (2, 3, values[:, 2:, 3:])]
    result = merge_tiles([(y, x, v.copy()) for y, x, v in tiles], 4, 10)
    require(np.shape(result) == (2, 4, 10), f"the result has shape {np.shape(result)}, not (2, 4, 10)")
    require(np.allclose(result, values, atol=1e-3), "tiles do not land at their place: y is the row, x the column")
    result = merge_tiles([(0, 0, values[:1].copy())], 4, 10)
    require(np.allclose(result, values[:1], atol=1e-3), "one tile alone must come back as it is, also with one channel")


def one_at_a_time(merge_tiles: Callable) -> None:
    """Tiles may come from a generator, one at a time, and are not changed.

    One loop over `tiles`, no `len`, no second pass: then memory does not grow with their number.
    """
    values = np.random.default_rng(1).normal(size=(24, 6, 8)).astype(np.float32)
    given = _cut(values, 4, 2)
    before = [v.copy() for _, _, v in given]

    def stream() -> Iterator[tuple[int, int, np.ndarray]]:
        yield from given

    try:
        result = merge_tiles(stream(), 6, 8)
    except TypeError as error:
        if "generator" not in str(error):
            raise
        says = "`tiles` may be a generator, which has neither an index nor a length: read it in one `for` loop"
        raise Wrong(says, stopped=f"TypeError: {error}") from None
    right = result is not None and np.allclose(result, values, atol=1e-3)
    require(right, "tiles from a generator are not merged right: it can be read only once")
    unchanged = all(np.array_equal(a, b) for a, (_, _, b) in zip(before, given, strict=True))
    require(unchanged, "the tiles are changed in place: work on a copy")
    unlike = [(y, x, np.full((1, *v.shape[1:]), y + 3 * x, np.float32)) for y, x, v in given]
    says = "the order of the tiles changes the result: where three or more overlap, all of them count by their windows"
    one, other = merge_tiles(unlike, 6, 8), merge_tiles(unlike[::-1], 6, 8)
    require(np.allclose(one, other, atol=1e-3), says)
    require(not np.shares_memory(one, other), "a second call fills the array of the first anew: make one at each call")


# ---------------------------------------------------------------- 9.4
def sideways(images: Tensor) -> Tensor:
    """A model that is not the same in a mirror: brighter to the right and downwards."""
    x = images.float()
    ramp = torch.arange(x.shape[-1]) / 10 + torch.arange(x.shape[-2]).view(-1, 1) / 3
    return torch.stack([(x[:, 0] - 99) * (1 + ramp), x.mean(dim=1) + 50 * ramp], dim=1) / 64


def mirrored_back(average_flips: Callable) -> None:
    """The prediction of the mirror image is mirrored back before the mean.

    Mirror the images along their width, predict, mirror the result along its width.
    """
    images = torch.randint(0, 255, (2, 3, 5, 4), generator=seeded_generator(5), dtype=torch.uint8)
    plain, mirror = sideways(images), sideways(images.flip(-1))
    upside = (plain + sideways(images.flip(-2)).flip(-2)) / 2
    both = (mirror.flip(-1) + sideways(images.flip(-1, -2)).flip(-1, -2)) / 2
    twice = sideways(plain.flip(-1))  # the prediction of a prediction
    turned = [(plain + other) / 2 for other in (plain.flip(-1), twice, twice.flip(-1))]
    with shown_by_row(one_row_of_the_plain_prediction=plain):
        expect(
            average_flips, sideways, images, gives=(plain + mirror.flip(-1)) / 2, says="the mean of the two is off",
            mistakes=[
                ((plain + mirror) / 2, "the prediction of the mirror image must be mirrored back before the mean"),
                (plain, "the mirror image is not predicted"),
                ((sideways(images / 255) + sideways(images.flip(-1) / 255).flip(-1)) / 2,
                 "`predict` gets other pictures than those given, divided by 255: hand them on as they are"),
                (lambda r: any(torch.allclose(r, t, atol=1e-4) for t in turned),
                 "here the prediction is mirrored, and the image never: mirror the images, and `predict` these"),
                (mirror.flip(-1), "only the mirror image is predicted: take the mean with the plain one"),
                (plain + mirror.flip(-1), "the predictions are added: take their mean"),
                (plain + mirror.flip(-1) / 2, "only the second is halved: put brackets round the sum"),
                (torch.maximum(plain, mirror.flip(-1)), "this is the larger of the two: take their mean"),
                ((plain + mirror.flip(-2)) / 2,
                 "the prediction is turned back along the rows: take the last dimension"),
                ((plain + mirror.flip(1)) / 2, "the classes are turned round: mirror back along the last dimension"),
                (upside, "this mirrors top to bottom: take the last dimension"),
                ((upside + both) / 2, "this mirrors top to bottom as well: only left and right are asked for"),
                ((plain + sideways(images.flip(1))) / 2, "this reverses the colour channels: take the last dimension"),
                ((plain + sideways(images.flip(1)).flip(1)) / 2,
                 "this reverses the colour channels, and afterwards the classes: take the last dimension"),
                (lambda r: not r.is_floating_point(), "these are whole numbers: average the logits, not the masks"),
                ((plain.softmax(1) + mirror.flip(-1).softmax(1)) / 2,
                 "average the logits as they are, without softmax"),
                ((plain.sigmoid() + mirror.flip(-1).sigmoid()) / 2, "average the logits as they are, without sigmoid"),
            ],
        )  # fmt: skip


def symmetric_stays(average_flips: Callable) -> None:
    """A model that is the same in the mirror gains nothing.

    Then both predictions agree, and so does their mean.
    """
    images = torch.randint(0, 255, (1, 3, 3, 4), generator=seeded_generator(6), dtype=torch.uint8)
    expect(average_flips, lambda x: 2 * x.float(), images, gives=2 * images.float(),
           says="a model that treats every pixel alike must give the same as without flips")  # fmt: skip


def twice_and_no_more(average_flips: Callable) -> None:
    """The model is called for each image twice: as it is, and mirrored.

    One call with both as a batch is fine, too.
    """
    seen: list[Tensor] = []

    def predict(images: Tensor) -> Tensor:
        seen.append(images.clone())
        return images.float()[:, :1]

    images = torch.randint(0, 255, (2, 3, 5, 4), generator=seeded_generator(7), dtype=torch.uint8)
    expect(average_flips, predict, images)
    count = sum(len(batch) for batch in seen)
    require(count == 4, f"2 images were predicted {count} times in all: 4 are needed, each image and its mirror image")
    everything = torch.cat(seen)
    mirrored = any(torch.equal(image, images[0].flip(-1)) for image in everything)
    require(mirrored, "the model never saw the mirror image (left-right)")


# ---------------------------------------------------------------- 9.7
def worst_first(worst_images: Callable) -> None:
    """The numbers of the images with an IoU of at most `limit`, the worst first.

    Sort the numbers of the images by their IoU, and keep those that are low enough.
    """
    ious = tensor([0.9, 0.301, 0.6, 0.1, 0.3])
    expect(
        worst_images, ious, 0.5, gives=[3, 4, 1], says="these are not the failures, worst first",
        mistakes=[
            ([3, 1, 4], "0.3 is lower than 0.301: sort by the IoUs as they are, and not by rounded ones"),
            ([1, 3, 4], "yours are in the order of the images: sort them, so that the worst comes first"),
            ([1, 4, 3], "yours has the best failure first: the worst must come first"),
            ([4, 5, 2], "the numbers of the images count from 0"),
            (lambda r: any(isinstance(v, tuple | list) for v in r), "these are pairs: return the numbers alone"),
            ([1, 2, 0], "these count within the failures only: return the numbers of the images"),
            ([0, 2, 1], "these are the best ones: begin with the lowest IoU"),
            ([0.1, 0.3, 0.301], "these are the IoUs: return the numbers of the images"),
            ([3, 4, 1, 2, 0], "images that are good enough are listed as well: keep those up to `limit`"),
            ([2, 0], "these are the good ones: keep IoUs up to `limit`"),
            ([0, 2], "these are the good ones: keep IoUs up to `limit`"),
        ],
    )  # fmt: skip


def numbers_to_index_with(worst_images: Callable) -> None:
    """The list holds whole numbers: neither tensors nor floats.

    `tolist()` makes Python numbers of a tensor, and so does `int` of a single element.
    """
    result = expect(worst_images, tensor([0.9, 0.25, 0.6, 0.125]), 0.5)
    odd = next((value for value in result if not isinstance(value, int | np.integer)), 0)
    says = f"the list must hold whole numbers, and not {kind_of(odd)}: use `.tolist()`, or `int(...)` of each"
    require(isinstance(odd, int), says)


def the_limit_counts(worst_images: Callable) -> None:
    """An IoU equal to the limit is a failure, and the limit is 0.5 if none is given.

    `<=`, not `<`.
    """
    ious = tensor([0.25, 0.5, 0.5004, 0.0])
    expect(worst_images, ious, gives=[3, 0, 1], says="IoU 0.5 is a failure at limit 0.5",
           mistakes=[([3, 0], "an IoU equal to the limit is a failure: `<=`"),
                     ([3, 1], "the first image is left out: its number is 0, and it counts as any other"),
                     (lambda r: 2 in r, "0.5004 is above the limit: compare the IoU as it is"),
                     ([0, 1], "an IoU of 0 is the worst failure of all: only NaN is none")])  # fmt: skip
    expect(worst_images, ious, 0.0, gives=[3], says="`limit` is not used: 0.5 is only its default value",
           mistakes=[([], "an IoU equal to the limit is a failure: `<=`")])  # fmt: skip


def absent_is_no_failure(worst_images: Callable) -> None:
    """NaN, a class that is neither in the image nor predicted, is no failure.

    A comparison with NaN is False; but sorting puts NaN somewhere, and a NaN replaced by 0 is the worst of all.
    """
    ious = tensor([NAN, 0.4, NAN, 0.2, 0.8])
    expect(
        worst_images, ious, 0.5, gives=[3, 1], says="images with an IoU of NaN are no failures",
        mistakes=[
            ([1, 0], "the NaNs were taken out first, and the numbers moved: keep those of the images"),
            ([1, 0, 2], "the NaNs were taken out first, and the numbers moved: keep those of the images"),
            ([0, 2, 3, 1], "NaN is turned into 0, the worst of all: it is no failure, there was nothing to find"),
            ([1, 3], "a NaN has spoiled the order, for it compares with nothing: take it out before you sort"),
            (lambda r: 0 in r or 2 in r, "images with an IoU of NaN are listed: nothing was there or predicted"),
        ],
    )  # fmt: skip
    expect(worst_images, ious, 1.0, gives=[3, 1, 4], says="with limit 1, too, images of NaN are no failures",
           mistakes=[(lambda r: 0 in r or 2 in r, "NaN is turned into a number, and with limit 1 that is a failure: "
                      "keep it, since a comparison with NaN is False")])  # fmt: skip
    expect(worst_images, tensor([NAN, NAN]), gives=[], says="where the class is nowhere, there are no failures")


def none_or_equal(worst_images: Callable) -> None:
    """Without failures the list is empty; equal ones come in the order of the images.

    Python's `sorted` keeps the order of equal ones; `torch.argsort` does with `stable=True`.
    """
    expect(worst_images, tensor([0.9, 0.8]), gives=[], says="without failures the list must be empty")
    expect(worst_images, tensor([0.3]), gives=[0], says="one failure is a list, too, and so is one image")
    ious, says = tensor([0.25, 0.25, 0.25, 0.125, 0.25, 0.25]), "equal ones must come in the order of the images"
    expect(
        worst_images, ious, gives=[3, 0, 1, 2, 4, 5], says=says,
        mistakes=[
            (lambda r: len(r) < 6, "all 6 images failed and belong into the list, also those with equal IoUs"),
            (lambda r: len(set(r)) < len(r), "an image comes twice, since another has the same IoU: sort the numbers"),
        ],
    )  # fmt: skip
    many = torch.full((40,), 0.25)  # a sort that is not stable often keeps the order of a few
    many[30] = 0.125
    found, wanted = list(expect(worst_images, many)), [30, *[i for i in range(40) if i != 30]]
    require(len(found) == 40, f"40 images failed, and your list has {len(found)}")
    place = next((k for k, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), 0)
    shown = {"images": 40, f"expected from place {place} on": wanted[place:][:6], "yours": found[place:][:6]}
    require(found == wanted, f"{says}, also where there are many: sort stably", **shown)


# ---------------------------------------------------------------- 9.8
THREE = (0.75, 1, 1.25)


def with_model(average_scales: Callable, predict: Callable) -> Callable:
    """Return the answer as a function of the images and the scales, which a verdict then shows alone."""

    def average(images: Tensor, scales: Sequence[float]) -> Tensor:
        return average_scales(predict, images, scales)

    return average


def sizes_asked(average_scales: Callable, images: Tensor, scales: tuple[float, ...]) -> list[Tensor]:
    """Call, and return what `predict` was given; it must be bytes, one batch for each scale."""
    given: list[Tensor] = []

    def predict(batch: Tensor) -> Tensor:
        given.append(batch.clone())
        return batch[:, :1].float()

    expect(average_scales, predict, images, scales)
    says = f"`predict` is asked {len(given)} times for {len(scales)} scales: once for each, with all images"
    require(len(given) == len(scales), says, scales=scales, sizes=[tuple(batch.shape) for batch in given])
    for batch in given:
        says = f"`predict` is given {batch.dtype}: it takes bytes, so round and end with `.byte()`"
        require(batch.dtype == torch.uint8, says)
    return given


def a_size_for_each_scale(average_scales: Callable) -> None:
    """For each scale `predict` sees all images once, as bytes, at round(H * scale) x round(W * scale) pixels.

    At least one pixel is left in each direction: `max(1, round(height * scale))`, and alike for the width.
    """
    for high, wide, scales, wanted in (
        (5, 7, THREE, [(4, 5), (5, 7), (6, 9)]),
        (8, 4, [2], [(16, 8)]),
        (4, 30, [0.1], [(1, 3)]),
        (30, 4, [0.1], [(3, 1)]),
    ):
        images = torch.randint(0, 256, (2, 3, high, wide), generator=seeded_generator(8), dtype=torch.uint8)
        given = sizes_asked(average_scales, images, scales)
        sizes = [tuple(batch.shape[-2:]) for batch in given]
        case = {"images": f"{high} x {wide}", "scales": scales, "expected": wanted, "yours": sizes}
        require(all(len(batch) == 2 for batch in given), "`predict` must see all images of the batch", **case)
        require(sorted(sizes) == wanted, "these are not the sizes at which the images must be shown", **case)


def colours_are_kept(average_scales: Callable) -> None:
    """The scaled images are the images, from 0 to 255: where they shrink, no pixel is skipped.

    `antialias=True` averages all old pixels under a new one, so that a thin line becomes grey instead of vanishing.
    """
    halves = torch.zeros(1, 3, 4, 8, dtype=torch.uint8)
    halves[..., 4:], halves[:, 1, :2] = 200, 100
    for scale, allowed in ((2, 1), (0.5, 26)):  # each way of shrinking mixes neighbours a little differently
        (small,) = sizes_asked(average_scales, halves, (scale,))
        corners = (small[0, :, 0, 0], small[0, :, -1, 0], small[0, :, -1, -1])
        wanted = tensor([[0, 100, 0], [0, 0, 0], [200, 200, 200]])
        says = "the scaled images are not the images: their colours or places differ"
        close = (torch.stack(corners) - wanted).abs().max() <= allowed
        require(close, says, scale=scale, image=halves[0, 1], scaled=small[0, 1])
    lines = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    lines[..., 3::4] = 200
    small, same = sorted(sizes_asked(average_scales, lines, (0.25, 1)), key=Tensor.numel)
    says = "the scale 1 must show the image itself: scale the images each time, not what was scaled before"
    require(torch.equal(same, lines), says, image=lines[0, 0, 0], scaled=same[0, 0, 0])
    says = "thin lines vanish, because pixels are skipped where the images shrink: antialias=True"
    require(small.min() >= 25, says, one_row=lines[0, 0, 0], scaled=small[0, 0, 0])


def back_to_their_size(average_scales: Callable) -> None:
    """Each prediction is brought back to H x W, and what lies between its pixels is mixed (bilinear).

    `F.interpolate(predict(scaled), (height, width), mode="bilinear")`. Its default, "nearest", makes blocks.
    """
    logits, wanted = tensor([[[[0.0, 4.0]], [[4.0, 0.0]]]]), tensor([[[[0.0, 1.0, 3.0, 4.0]], [[4.0, 3.0, 1.0, 0.0]]]])

    def predict(batch: Tensor) -> Tensor:
        return logits

    images = torch.zeros(1, 3, 1, 4, dtype=torch.uint8)
    result = expect(average_scales, predict, images, (0.5,))
    if isinstance(result, Tensor) and result.shape == wanted.shape:
        times = float(result[0, 0, 0, -1]) / 4
        if times != 1 and torch.allclose(result, times * wanted):
            factor = f"with the single scale 0.5 your result is {times:.2g} times its prediction"
            says = f"{factor}: divide by `len(scales)`, here 1"
            raise Wrong(says, prediction=logits, expected=wanted, yours=result)
    expect(
        with_model(average_scales, predict), images, (0.5,),
        gives=wanted, says="two pixels are not brought back to four, bilinear",
        mistakes=[
            (tensor([[[[0.0, 0.0, 4.0, 4.0]], [[4.0, 4.0, 0.0, 0.0]]]]),
             "the prediction comes back in blocks: mode=\"bilinear\""),
            (tensor([[[[0.0, 4 / 3, 8 / 3, 4.0]], [[4.0, 8 / 3, 4 / 3, 0.0]]]]),
             "leave out `align_corners=True`: it shifts what is predicted against the pixels of the images"),
            (lambda r: r.shape[-1] == 2, "the prediction keeps its own size: bring it back to that of the images"),
            (lambda r: (r >= 0).all() and (r <= 1).all(), "these are probabilities: average the logits as they are"),
        ],
    )  # fmt: skip


def sizes_that_agree(average_scales: Callable) -> None:
    """Where the predictions of all sizes agree, their mean is what each of them says, and so is every probability.

    Follow a logit of 2 through the loop: after three sizes the sum is 6. What makes a mean of it?
    """
    logits = tensor([[[[2.0]], [[0.0]]]])

    def predict(batch: Tensor) -> Tensor:
        return logits.expand(len(batch), 2, *batch.shape[-2:])

    for scales in (THREE, [0.5, 2]):
        result = expect(average_scales, predict, torch.zeros(1, 3, 4, 4, dtype=torch.uint8), scales)
        require(result is not None, NOTHING)
        first = result[0, :, 0, 0].float()
        chances = {"their probability": logits.softmax(1)[0, 0].item(), "yours": first.softmax(0)[0].item()}
        details = {"scales": scales, "logits of each": logits.flatten()} | chances
        says = f"{len(scales)} sizes agree, and yet your average does not agree with them: compare the probabilities"
        require(not torch.allclose(first, len(scales) * logits.flatten()), says, **details)
        part = sum(1 / len(scales) ** turn for turn in range(1, len(scales) + 1))  # of each logit that is left
        says = "the sum is divided in every turn of the loop: divide once, after the loop"
        require(not torch.allclose(first, part * logits.flatten()), says, **details, your_logits=first)
        says = "all sizes agree, and the result is something else"
        require(torch.allclose(first, logits.flatten()), says, **details, your_logits=first)


def mean_of_all(average_scales: Callable) -> None:
    """Where they differ, the result is the mean of the logits, in which each size counts alike.

    Add up all of them, and divide once, after the loop.
    """

    def predict(batch: Tensor) -> Tensor:  # every logit is the width that is seen
        return torch.full((len(batch), 2, *batch.shape[-2:]), float(batch.shape[-1]))

    expect(
        with_model(average_scales, predict), torch.zeros(2, 3, 4, 8, dtype=torch.uint8), (0.5, 1, 2),
        gives=torch.full((2, 2, 4, 8), 28 / 3), says="logits of 4, 8 and 16 do not give their mean",
        mistakes=[
            (lambda r: (r == 16).all(), "this is the largest, or the last: take the mean of all"),
            (lambda r: (r == 8).all(), "this is the one in the middle: take the mean of all"),
            (lambda r: (r == 11).all(), "halved after each size, so the last one counts most: divide once, at the end"),
            (lambda r: (r <= 1).all(), "these are probabilities, or divided too often: average the logits as they are"),
        ],
    )  # fmt: skip


def one_size_is_plain(average_scales: Callable) -> None:
    """With the single scale 1 the result is the plain prediction.

    Nothing is added to it: the sizes are those of `scales`, and no other.
    """
    images = torch.randint(0, 256, (2, 3, 5, 6), generator=seeded_generator(9), dtype=torch.uint8)
    expect(average_scales, sideways, images, (1,), gives=sideways(images), says="the scale 1 alone changes the result")


EXERCISES = [
    Exercise(
        "9.1", "From logits to a mask", "utils.models.to_mask", 2, 8,
        "A model gives numbers for every class and pixel; people want one answer a pixel.",
        [ids_are_int64, classes_by_argmax, one_channel_by_threshold, threshold_is_used],
        [
            "How many channels are there? One, or several: two cases.",
            "Several: which class has the largest logit, along dimension 1? One: is the probability high enough?",
            "logits.argmax(dim=1), or (logits[:, 0].sigmoid() >= threshold).long().",
        ],
        axes="image, height, width",
    ),
    Exercise(
        "9.2", "Lay a mask over a picture", "utils.plots.blend", 2, 8,
        "The overlay is how people will judge your model.",
        [stays_bytes, mixes, only_where, ends_of_opacity],
        [
            "Every pixel of the result is a mixture, or the picture's own. Which is decided by `where`.",
            "(1 - opacity) * image + opacity * painted mixes two whole pictures at once, in floats.",
            "np.where(where[..., None], mixed, image).astype(np.uint8).",
        ],
        blended_scene,
        axes="height, width, red green blue",
    ),
    Exercise(
        "9.3", "Choose a threshold", "utils.metrics.best_threshold", 2, 10,
        "0.5 is a habit; the best threshold is a measurement, on validation data.",
        [
            best_iou_wins, from_the_threshold_on, small_foreground, ignored_do_not_decide, first_of_equals,
            differences_count, over_all_pixels, one_in_any_case, nan_never_wins,
        ],
        [
            "Try every threshold. What makes one better than another?",
            "A mask at threshold t is (probabilities >= t).long(). `iou` of notebook 7 judges it: class 1 of 2.",
            "Collect iou(mask, target, 2)[1].nan_to_num(-1) of each threshold; return that of the first maximum.",
        ],
    ),
    Exercise(
        "9.4", "Test-time augmentation", "utils.inference.average_flips", 1, 5,
        "Two looks at a picture are often better than one, and cost exactly twice the time.",
        [mirrored_back, symmetric_stays, twice_and_no_more],
        [
            "The model sees a mirror image, so its answer is mirrored as well.",
            "images.flip(-1) mirrors left and right; so does flip(-1) of a prediction.",
            "(predict(images) + predict(images.flip(-1)).flip(-1)) / 2.",
        ],
        axes="image, class, height, width",
    ),
    Exercise(
        "9.5", "Where tiles begin", "utils.tiling.tile_starts", 2, 12,
        "A picture larger than memory is predicted in tiles, and none of its pixels may be forgotten.",
        [nothing_is_left_out, neighbours_share, in_order_and_few, one_tile_may_do],
        [
            "Draw a line of 10 pixels and tiles of 4 that share at least 1. Where does the last one start?",
            "The step is at most tile - overlap. How many tiles are needed, rounded up?",
            "count = ceil((length - overlap) / (tile - overlap)); start i is round(i * (length - tile) / (count - 1)).",
        ],
    ),
    Exercise(
        "9.6", "Merge tiles without seams", "utils.tiling.merge_tiles", 3, 12,
        "At its border a tile knows least; a weighted mean lets the tile speak that sees more.",
        [tiles_of_one_picture, every_place_is_right, the_middle_weighs_more, one_at_a_time],
        [
            "A weighted mean is a sum of values times weights, divided by the sum of the weights.",
            "Keep two arrays: `total` (C, H, W) for the sum, `weight` (H, W) for the weights. Divide once, at the end.",
            "For each tile: window = gaussian_window(h, w).numpy(); add values * window to total[:, y:y+h, x:x+w], and "
            "window to weight[y:y+h, x:x+w].",
        ],
        axes="class, height, width",
    ),
    Exercise(
        "9.7", "The list of failures", "utils.metrics.worst_images", 2, 8,
        "The fastest way to a better model is to look at what it gets wrong, worst first.",
        [worst_first, numbers_to_index_with, the_limit_counts, absent_is_no_failure, none_or_equal],
        [
            "You need the numbers of the images, not their IoUs, in the order of their IoU.",
            "sorted(range(len(ious)), key=...) sorts numbers by something else. What about NaN?",
            "Keep i where ious[i] <= limit (False for NaN), then sort these by ious[i].",
        ],
    ),
    Exercise(
        "9.8", "Find the bug: several sizes", "utils.inference.average_scales", 2, 6,
        "A mistake that argmax hides, found by what it does to a probability.",
        [
            a_size_for_each_scale, colours_are_kept, back_to_their_size, sizes_that_agree, mean_of_all,
            one_size_is_plain,
        ],
        [
            "Every line of the loop is right. Follow one pixel on which all sizes agree to the end: what comes out?",
            "A mean has two steps, adding up and one more. Which one is missing, and which number does it need?",
            "Return the sum divided by `len(scales)`.",
        ],
        axes="image, class, height, width",
    ),
]  # fmt: skip

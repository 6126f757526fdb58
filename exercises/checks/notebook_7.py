"""Notebook 7: a loss, the metrics, and the two loops."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, tensor
from torch.utils.data import DataLoader, TensorDataset

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require, seeded_generator
from utils.engine import LOOK_EVERY, NotFiniteError

NAN = float("nan")


# ---------------------------------------------------------------- 7.1
CUT_OFF = "no gradient can flow back: argmax, a threshold, `.item()` or NumPy cuts it off"


def gradient_of(dice_loss: Callable, logits: Tensor, target: Tensor, cut: str, not_finite: str) -> Tensor:
    """Return the gradient at the logits; say `cut` where none can flow, `not_finite` where it is NaN or infinite."""
    logits = logits.clone().requires_grad_()
    loss = dice_loss(logits, target.clone())
    require(isinstance(loss, Tensor) and loss.requires_grad, cut)
    loss.backward()
    gradient = torch.zeros_like(logits) if logits.grad is None else logits.grad  # None: the loss is a leaf of its own
    require(gradient.isfinite().all(), not_finite, target=target, gradient=gradient)
    return gradient


def dice_is_a_number(dice_loss: Callable) -> None:
    """The loss is one number that gradients can flow from.

    Stay in torch from the logits to the end: no `.item()`, no NumPy, no argmax. Average over the classes last.
    """
    logits, target = torch.randn(2, 3, 2, 4, generator=seeded_generator(1)), tensor([[[0, 1, 2, 1], [0, 0, 1, 2]]] * 2)
    loss = dice_loss(logits.clone().requires_grad_(), target.clone())
    if not isinstance(loss, Tensor):
        raise Wrong(f"the result is {kind_of(loss)}: the optimizer needs a tensor that remembers how it was computed")
    says = f"the result has shape {tuple(loss.shape)}: average over the classes to one number, of shape ()"
    require(loss.ndim == 0, says)
    gradient = gradient_of(dice_loss, logits, target, CUT_OFF, "the gradient is not finite: is something divided by 0?")
    if gradient.abs().sum() < 1e-6:
        one = torch.zeros(1, 1, 2, 3, requires_grad=True)
        dice_loss(one, tensor([[[1, 1, 1], [1, 1, 0]]])).backward()
        require(
            one.grad is None or one.grad.abs().sum() < 1e-6,
            "of several classes the gradient is 0: each needs its own truth (one-hot) and its own Dice",
        )
        raise Wrong("the gradient is 0 everywhere: argmax and thresholds have none")


def dice_of_one_class(dice_loss: Callable) -> None:
    """With one channel, probabilities come from a sigmoid, and Dice is (2 * overlap + smooth) / (areas + smooth).

    Here every logit is 0, so every probability is 0.5. Work it out on paper: overlap 2.5, areas 3 + 5.
    """
    logits, target = torch.zeros(1, 1, 2, 3), tensor([[[1, 1, 1], [1, 1, 0]]])
    class_0 = "with one channel (C = 1) the ids are 0 and 1, and one_hot with 1 class knows 0 alone: take target == 1"
    softmax = "softmax over a single channel is 1 everywhere: with one channel, take the sigmoid"
    twice = float(logits.sigmoid().sigmoid()[0, 0, 0, 0])
    mistakes = [
        (6 / 9, "this is Dice itself: the loss is one minus it"),
        (1 - 3.5 / 9, "the overlap counts once: Dice takes it twice"),
        (1 - 6 / 6.5, "the denominator is the sum of both areas, without taking the overlap off"),
        (1 - 3.5 / 6.5, "this is IoU (Jaccard): Dice counts the overlap twice, and divides by the sum of both areas"),
        (1 - 6 / 7.5, "the denominator is the sum of both areas, without squares"),
        (1 - 5 / 8, "`smooth` is left out: it belongs above the line and below it"),
        (1 - 5 / 9, "`smooth` belongs above the line as well"),
        (1 - 6 / 8, "`smooth` belongs below the line as well"),
        (5 / 9, "`smooth` belongs above the line as well, and the loss is one minus Dice"),
        (1 - 1 / 6, "the logits are taken as they are: with one channel, sigmoid makes probabilities of them"),
        (1 - 11 / 12, softmax),
        (0.0, f"{softmax} (`probabilities` does), and the truth is target == 1"),
        (1 - 7 / 10, class_0),
        (1 - (10 * twice + 1) / (6 * twice + 6), "the sigmoid is applied twice: `probabilities` has it already"),
        (1 / 3 + 3 / 5, "the losses of two classes are added: with one channel only class 1 is judged"),
        ((1 / 3 + 3 / 5) / 2, "with one channel only class 1 is judged: leave the background out"),
    ]
    says = "one class, all probabilities 0.5: the value is off"
    try:
        expect(dice_loss, logits, target, gives=1 / 3, says=says, mistakes=mistakes)
    except RuntimeError as error:
        if "Class values must be smaller" not in str(error):
            raise
        raise Wrong(class_0, C=1, ids=[0, 1]) from None
    expect(
        dice_loss, logits, target, smooth=0.0, gives=3 / 8, says="the argument `smooth` is not used",
        mistakes=[(1 / 3, "the argument `smooth` is not used: it is fixed at 1")],
    )  # fmt: skip
    says = "with smooth=3 the value is off: `smooth` is added once above the line, and once below"
    expect(dice_loss, logits, target, smooth=3.0, gives=3 / 11, says=says)


def dice_of_classes(dice_loss: Callable) -> None:
    """With several channels, softmax runs over the classes, and the loss is the mean over classes.

    The classes are dimension 1 of (N, C, H, W). Make the target one-hot in the same order: (N, C, H, W).
    """
    p = tensor([[0.5, 0.2, 0.1], [0.3, 0.6, 0.2], [0.2, 0.2, 0.7]])  # one column a pixel
    logits, target = p.log().view(1, 3, 1, 3), tensor([[[0, 1, 2]]])
    says = "one class is right, several are not yet: each needs its own truth (one-hot) and its own Dice, then the mean"
    wanted = float(1 - np.mean([2.0 / 2.8, 2.2 / 3.1, 2.4 / 3.1]))

    def one_for_all(loss: Any) -> bool:
        """Say whether class 1 is the truth of every channel: a mask with two pixels of it then costs 1 / 6."""
        return abs(float(loss) - 2 / 5) < 1e-4 and abs(float(dice_loss(logits, tensor([[[0, 1, 1]]]))) - 1 / 6) < 1e-4

    mistakes = [
        (one_for_all, says),
        (3 * wanted, "you return the sum of the losses of the three classes: take their mean"),
        (1 - (2 * 1.8 + 1) / 7, "the overlaps of all classes are added up first: one Dice a class, then the mean"),
        (dice_of(logits.softmax(dim=3), target), "softmax runs over the columns: the classes are dimension 1"),
        (dice_of(logits.softmax(dim=2), target), "softmax runs over the rows: the classes are dimension 1"),
        (dice_of(logits.softmax(dim=0), target), "softmax runs over the batch: the classes are dimension 1"),
        (dice_of(logits.sigmoid(), target), "sigmoid is for one channel: several classes take softmax"),
        (dice_of(logits.softmax(1).softmax(1), target), "softmax is applied twice"),
        (float(1 - np.mean([2.2 / 3.1, 2.4 / 3.1])), "class 0 is left out: background is a class like the others"),
    ]
    expect(dice_loss, logits, target, gives=wanted, says=says, mistakes=mistakes)
    says_smooth = "several classes, smooth=2: it is added once above the line, and once below, for each class"
    wanted = float(1 - np.mean([3.0 / 3.8, 3.2 / 4.1, 3.4 / 4.1]))
    expect(dice_loss, p.log().view(1, 3, 1, 3), target, smooth=2.0, gives=wanted, says=says_smooth)
    logits = torch.randn(1, 3, 2, 3, generator=seeded_generator(2))
    target = tensor([[[2, 0, 0], [2, 1, 0]]])
    expect(
        dice_loss, logits, target, gives=dice_of(logits.softmax(1), target), says=says,
        mistakes=[
            (dice_of(logits.softmax(2), target), "softmax runs over the rows: the classes are dimension 1"),
            (dice_of(logits.softmax(3), target), "softmax runs over the columns: the classes are dimension 1"),
            (0.42239,  # what these very tensors give
             "one_hot puts the classes last, (N, H, W, C): move that axis with permute(0, 3, 1, 2), not with reshape"),
            (float(np.average(one_by_one(logits.softmax(1), target), weights=torch.bincount(target.flatten()))),
             "large classes weigh more: take the plain mean over the classes"),
        ],
    )  # fmt: skip


def dice_of(p: Tensor, target: Tensor) -> float:
    """Loss of given probabilities, rightly or wrongly normalised ones: the mean over the classes."""
    return float(np.mean(one_by_one(p, target)))


def one_by_one(p: Tensor, target: Tensor) -> list[float]:
    """Losses of the classes, in plain Python."""
    losses = []
    for c in range(p.shape[1]):
        inside = [float(v) for v in p[:, c][target == c]]
        losses.append(1 - (2 * sum(inside) + 1) / (float(p[:, c].sum()) + len(inside) + 1))
    return losses


def dice_sums_over_the_batch(dice_loss: Callable) -> None:
    """Overlap and areas are summed over the whole batch.

    Sum over the batch, the rows and the columns at once: `dim=(0, 2, 3)`. Only the classes remain.
    """
    logits = torch.full((2, 1, 1, 4), -20.0)
    logits[0, 0, 0, :2] = 20.0
    target = tensor([[[1, 1, 0, 0]], [[0, 1, 1, 0]]])  # the first image is perfect, the second finds nothing
    expect(
        dice_loss, logits, target, gives=1 - 5 / 7, says="overlap and areas must be summed over the whole batch",
        mistakes=[
            (1 - (1 + 1 / 3) / 2, "each image gets a Dice of its own: sum over the whole batch first"),
            (1 - (5 / 7 + 9 / 11) / 2, "with one channel only class 1 is judged: leave the background out"),
        ],
    )  # fmt: skip
    logits, target = (
        torch.randn(2, 3, 2, 2, generator=seeded_generator(11)),
        tensor([[[0, 1], [1, 0]], [[0, 1], [2, 2]]]),
    )
    expect(
        dice_loss, logits, target, gives=dice_of(logits.softmax(1), target),
        says="class 2 is in the second image alone: a class that occurs anywhere in the batch counts once",
    )  # fmt: skip


def dice_leaves_out_ignored(dice_loss: Callable) -> None:
    """Pixels of 255 change nothing, whatever is predicted there.

    Multiply probabilities and one-hot truth by `target != 255`, so that such a pixel is in neither area.
    """
    logits, target = torch.zeros(1, 1, 2, 3), tensor([[[1, 1, 0], [0, 1, 255]]])
    expect(
        dice_loss, logits, target, gives=1 - 4 / 6.5, says="ignored pixels (255) are counted",
        mistakes=[(1 - 4 / 7, "ignored pixels (255) are counted in the predicted area")],
    )  # fmt: skip
    p = tensor([[0.5, 0.2, 0.1, 0.3], [0.3, 0.6, 0.2, 0.3], [0.2, 0.2, 0.7, 0.4]])  # one column a pixel
    last = "ignored pixels (255) are counted in the truth, as the last class: leave them out of the truth as well"
    try:
        expect(
            dice_loss, p.log().view(1, 3, 1, 4), tensor([[[0, 1, 2, 255]]]), says="ignored pixels (255) are counted",
            gives=1 - (2.0 / 2.8 + 2.2 / 3.1 + 2.4 / 3.1) / 3,
            mistakes=[
                (1 - (2.0 / 2.8 + 2.2 / 3.1 + 2.4 / 4.1) / 3, last),
                (1 - (2.0 / 3.1 + 2.2 / 3.4 + 3.2 / 4.5) / 3, last),
                (1 - (2.0 / 3.1 + 2.2 / 3.4 + 2.4 / 3.5) / 3, "ignored pixels (255) are counted in the predicted area"),
            ],
        )  # fmt: skip
    except RuntimeError as error:
        if "Class values must be smaller" not in str(error):
            raise
        says = "255 is no channel, so one_hot refuses it: first `clamp` the ids to the last class, then take `valid`"
        raise Wrong(says, ids=[0, 1, 2, 255], channels=3) from None
    target = tensor([[[0, 255, 2], [1, 255, 2]], [[255, 0, 1], [1, 1, 255]]])
    logits = torch.randn(2, 3, 2, 3, generator=seeded_generator(4))
    noise = torch.where((target == 255)[:, None], 9 * torch.randn(2, 3, 2, 3, generator=seeded_generator(5)), logits)
    first = dice_loss(logits.clone(), target.clone())
    require(
        torch.allclose(first, dice_loss(noise, target.clone()), atol=1e-5),
        "ignored pixels (255) are counted: the loss changes with what is predicted there",
    )


def dice_of_absent_classes(dice_loss: Callable) -> None:
    """A class that the target does not show is left out of the mean.

    Find the classes with a truth above 0, and average over those alone: sum the losses times `present`, and divide by
    `present.sum().clamp(min=1)`.
    """
    p = tensor([[0.6, 0.3], [0.3, 0.5], [0.1, 0.2]])
    logits, target = p.log().view(1, 3, 1, 2), tensor([[[0, 1]]])
    two = [1 - 2.2 / 2.9, 1 - 2.0 / 2.8]
    third = 1 - 1 / 1.3
    expect(
        dice_loss, logits, target, gives=sum(two) / 2, says="class 2 is not in the target: leave it out of the mean",
        mistakes=[
            ((sum(two) + third) / 3, "class 2 is not in the target, yet it enters the mean: leave it out"),
            (sum(two) / 3, "the mean is over the classes that occur: divide by 2 here, not by 3"),
        ],
    )  # fmt: skip
    p = tensor([[0.6, 0.3, 0.2], [0.3, 0.5, 0.2], [0.1, 0.2, 0.6]])
    expect(
        dice_loss, p.log().view(1, 3, 1, 3), tensor([[[0, 1, 255]]]), gives=sum(two) / 2,
        says="an ignored pixel (255) changes the mean over the classes",
        mistakes=[((sum(two) + third) / 3, "an ignored pixel (255) makes class 2 occur, into which `clamp` had put it: "
                   "take `valid` times the truth before you ask which classes occur")],
    )  # fmt: skip
    p = tensor([[0.5, 0.2, 0.1, 0.3], [0.5, 0.8, 0.9, 0.7]])
    expect(
        dice_loss, p.log().view(1, 2, 1, 4), tensor([[[1, 1, 1, 255]]]), gives=1 - 5.4 / 6.2,
        says="an ignored pixel (255) decides which classes occur: only class 1 does here",
        mistakes=[
            ((1 - 5.4 / 6.2 + 1 - 1 / 1.8) / 2, "class 0 does not occur here, ignored pixels (255) are no class 0: "
             "leave them out before you ask which classes occur"),
        ],
    )  # fmt: skip


def dice_where_nothing_occurs(dice_loss: Callable) -> None:
    """Where no class occurs there is nothing to judge, and the loss is a 0 that gradients flow from.

    With C = 1 only class 1 is judged, so a target without a 1 has nothing to judge. Sum the losses times `present`, and
    divide by `present.sum().clamp(min=1)`.
    """
    cut = "where no class occurs the 0 is a new number that no gradient flows from, and `loss.backward()` stops there"
    not_finite = (
        "where no class occurs the loss is 0, and yet its gradient is NaN, as every weight would be after the step: "
        "something is divided by 0 on the way, and `where` or `nan_to_num` hides that in the loss alone"
    )
    target = torch.full((1, 2, 3), 255)
    try:
        for channels in (1, 3):
            logits = torch.ones(1, channels, 2, 3)
            loss = dice_loss(logits.clone().requires_grad_(), target.clone())
            nan = "where every pixel is ignored the loss must be 0 (not NaN: something is divided by 0)"
            require(abs(float(loss)) < 1e-6, nan, yours=float(loss))
            gradient_of(dice_loss, logits, target, cut, not_finite)
        target = tensor([[[0, 0, 255]]])
        judged = (
            "no pixel is 1 here, so with C = 1 no class occurs, and the loss must be 0: leave out a class that the "
            "target does not show, also where it is the only one"
        )
        expect(dice_loss, torch.zeros(1, 1, 1, 3), target, gives=0.0, says=judged)
        gradient_of(dice_loss, torch.zeros(1, 1, 1, 3), target, cut, not_finite)
    except (ZeroDivisionError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "non-empty" not in str(error):
            raise
        says = "no class occurs in this target, so the list of losses is empty: the loss is `(logits * 0).sum()` there"
        raise Wrong(says, target=target) from None


def dice_at_its_ends(dice_loss: Callable) -> None:
    """A perfect prediction costs nothing, a wrong one nearly 1.

    Large logits make probabilities of 0 and 1: overlap is then the whole area, or nothing.
    """
    target = torch.randint(0, 12, (2, 16, 12), generator=seeded_generator(6))
    sure = 40.0 * (torch.arange(12).view(1, 12, 1, 1) == target[:, None])
    expect(dice_loss, sure, target, gives=0.0, tolerance=1e-3, says="a perfect prediction must cost 0")
    wrong = dice_loss(sure.roll(1, dims=1), target.clone())
    require(0.9 < float(wrong) <= 1, "a prediction that is wrong everywhere must cost nearly 1", yours=wrong)


def dice_teaches(dice_loss: Callable) -> None:
    """The gradient flows through the overlap and through the areas.

    No `.detach()`, no `.item()`, no `torch.tensor(...)` on the way. A small step must change the loss as it foretells.
    """
    small, ids = 0.02, tensor([[[0, 1, 2, 1], [0, 0, 1, 255]]] * 2)
    for channels, target in ((3, ids), (1, ids.where(ids != 2, 0))):
        logits = torch.randn(2, channels, 2, 4, generator=seeded_generator(7))
        gradient = gradient_of(dice_loss, logits, target, f"C = {channels}: {CUT_OFF}", f"C = {channels}: it is NaN")
        for seed in (8, 9, 10):
            way = torch.randn(2, channels, 2, 4, generator=seeded_generator(seed))
            after, before = (float(dice_loss(logits + s * small * way, target.clone())) for s in (1, -1))
            measured, foretold = (after - before) / (2 * small), float((gradient * way).sum())
            require(
                abs(measured - foretold) < 1e-3 + 0.02 * abs(measured),
                "the gradient is not that of the loss: it must flow through overlap and areas (is one of them "
                "detached?)",
                C=channels, change_of_the_loss=measured, gradient_says=foretold,
            )  # fmt: skip


# ---------------------------------------------------------------- 7.2
EQUAL_IS_IGNORED = (
    "ignored is a target that is equal to `ignore_index`, also where that is 0: ask with `!=`, and not with `<`"
)


def rows_are_truth(confusion_matrix: Callable) -> None:
    """Row is the truth, column the prediction.

    A pixel of class t that was predicted as p adds one to matrix[t, p].
    """
    prediction, target = tensor([[0, 1, 1], [1, 1, 0]]), tensor([[0, 0, 1], [1, 0, 0]])
    expect(
        confusion_matrix, prediction, target, 2, gives=tensor([[2, 2], [0, 2]]), says="the counts are off",
        mistakes=[
            (tensor([[2, 0], [2, 2]]), "rows and columns are swapped: the row is the truth, the column the prediction"),
            (tensor([[1, 1], [0, 1]]) , "pairs are counted only once: several pixels fall into one cell"),
            (lambda r: r.is_floating_point() and 0 < r.max() <= 1, "these are shares: return the counts"),
            (tensor([[2, 0], [0, 2]]), "only the right pixels are counted: the others belong beside the diagonal"),
            (tensor([[2, 2], [0, 0]]), "row 1 stays empty: the cells are numbered by truth * num_classes + prediction"),
        ],
    )  # fmt: skip


def counts_are_whole(confusion_matrix: Callable) -> None:
    """The counts are int64, and add up over batches.

    Counts are whole numbers: bincount gives int64, torch.zeros needs `dtype=torch.int64`.
    """
    target = torch.randint(0, 3, (2, 4, 5), generator=seeded_generator(1))
    matrix = expect(confusion_matrix, target, target, 3, gives=torch.bincount(target.flatten(), minlength=3).diag(),
                    says="two images: every pixel of the batch counts")  # fmt: skip
    require(matrix.dtype == torch.int64, f"the counts are {matrix.dtype}: make them torch.int64", yours=matrix)


@contextmanager
def beyond_the_table(says: str, **details: Any) -> Iterator[None]:
    """Say what it means that bincount met numbers beyond the cells of a table with 3 x 3 cells."""
    try:
        yield
    except RuntimeError as error:
        if "is invalid for input of size" not in str(error) or int(str(error).rsplit(" ", 1)[1]) <= 9:
            raise
        raise Wrong(says, **details) from None


def ignored_are_not_counted(confusion_matrix: Callable) -> None:
    """Pixels whose truth is ignored are not counted.

    Keep the pixels where `target != ignore_index`, in the prediction and in the target.
    """
    prediction, target = tensor([[0, 1, 2], [2, 2, 0]]), tensor([[0, 255, 2], [1, 2, 255]])
    counted = tensor([[1, 0, 0], [0, 0, 1], [0, 0, 2]])
    says = (
        "ignored pixels (255) are counted, and 255 is no row of the table: keep the pixels where the target is a class"
    )
    with beyond_the_table(says, prediction=prediction, target=target):
        expect(
            confusion_matrix, prediction, target, 3, gives=counted, says="ignored pixels are counted",
            mistakes=[(lambda r: r.sum() == 6, "ignored pixels are counted")],
        )  # fmt: skip
    target = tensor([[0, 9, 2], [1, 2, 9]])
    says = "`ignore_index` is not used: 255 is only its default value"
    with beyond_the_table(says, prediction=prediction, target=target, ignore_index=9):
        expect(confusion_matrix, prediction, target, 3, ignore_index=9, gives=counted, says=says)
    nothing = torch.full((2, 3), 255)
    empty = expect(confusion_matrix, prediction, nothing, 3, gives=torch.zeros(3, 3), says="all is ignored")
    require(empty.dtype == torch.int64, f"where all is ignored the counts are {empty.dtype}: make them torch.int64")
    expect(
        confusion_matrix, tensor([[0, 1], [1, 0]]), tensor([[1, 0], [1, 1]]), 2, ignore_index=0,
        gives=tensor([[0, 0], [2, 1]]), says="only the target says which pixels are ignored",
        mistakes=[(tensor([[0, 0], [0, 1]]), "only the target says which pixels are ignored: a prediction that "
                   "happens to be `ignore_index` is counted"),
                  (lambda r: r.sum() in (0, 4), EQUAL_IS_IGNORED)],
    )  # fmt: skip


def size_is_given(confusion_matrix: Callable) -> None:
    """The matrix has a row and a column for every class, also for those that are absent.

    bincount stops at the largest number it meets: give it `minlength=num_classes**2`.
    """
    prediction, target = tensor([0, 1, 0]), tensor([0, 0, 0])
    wanted = torch.zeros(5, 5, dtype=torch.int64)
    wanted[0, 0], wanted[0, 1] = 2, 1
    try:
        expect(confusion_matrix, prediction, target, 5, gives=wanted, says="the counts are off when classes are absent")
    except RuntimeError as error:
        if "is invalid for input of size" not in str(error):
            raise
        says = (
            "there are fewer counts than cells: bincount stops at the largest number it meets, so give it `minlength`"
        )
        raise Wrong(says, num_classes=5, cells=25, counts=int(str(error).rsplit(" ", 1)[1])) from None
    wanted = torch.zeros(21, 21)
    wanted[19, 20] = 80_000
    expect(confusion_matrix, torch.full((200, 400), 20), torch.full((200, 400), 19), 21, gives=wanted,
           says="80,000 pixels of class 19, predicted as 20 of 21: all belong into row 19, column 20")  # fmt: skip


def masks_of_any_shape(confusion_matrix: Callable) -> None:
    """Masks of one image and of a batch are counted alike.

    Flatten, or index with a boolean mask: the shape plays no part.
    """
    target = torch.randint(0, 3, (3, 4, 5), generator=seeded_generator(2))
    prediction = torch.randint(0, 3, (3, 4, 5), generator=seeded_generator(3))
    wanted = tensor([[int(((target == t) & (prediction == p)).sum()) for p in range(3)] for t in range(3)])
    for shape in ((3, 4, 5), (12, 5), (60,)):
        p, t = prediction.reshape(shape), target.reshape(shape)
        expect(confusion_matrix, p, t, 3, gives=wanted, says="the counts are off")
    turned = expect(confusion_matrix, prediction.transpose(1, 2), target.transpose(1, 2), 3)
    require(torch.equal(turned, wanted), "transposed masks have the same counts: `reshape` instead of `view`")


# ---------------------------------------------------------------- 7.3
def overlap_over_union(iou: Callable) -> None:
    """IoU is the pixels that agree over the pixels in either mask.

    For each class, count where both masks show it, and where at least one does. Divide.
    """
    prediction, target = tensor([[0, 0, 0, 1, 1, 1, 1]]), tensor([[0, 1, 1, 1, 1, 0, 1]])
    expect(
        iou, prediction, target, 2, gives=tensor([1 / 4, 1 / 2]), says="a class's IoU is not overlap over union",
        mistakes=[
            (tensor([1 / 5, 1 / 3]), "the union counts the overlap twice: subtract it once"),
            (tensor([2 / 5, 2 / 3]), "this is Dice (twice the overlap over the sum), not IoU"),
            (tensor([0.0, 0.0]), "the division drops the fraction: use `/`, not `//`, and no whole numbers"),
            (tensor([1 / 2, 3 / 5]), "this divides by what is true: that is recall"),
            (tensor([1 / 3, 3 / 4]), "this divides by the prediction: that is precision"),
            (tensor([1 / 3, 1.0]), "the union misses the overlap: it is the pixels in either mask or in both"),
            (tensor([1.0, 3.0]), "this is the overlap alone: divide it by the union"),
            (tensor([4 / 7, 4 / 7]), "pixels in neither mask count as right: that is accuracy, not IoU"),
            (tensor([1 / 2]), "class 0 is missing: the background has an IoU as well"),
            (tensor([3 / 8]), "there must be one value a class, not their mean"),
            (3 / 8, "there must be one value a class, not their mean"),
        ],
    )  # fmt: skip


def ignored(iou: Callable) -> None:
    """Ignored pixels change nothing.

    Before counting, keep only the pixels whose target is not `ignore_index`: in the target and in the prediction.
    """
    prediction, target = tensor([[1, 1], [0, 1]]), tensor([[0, 255], [0, 1]])
    expect(
        iou, prediction, target, 2, gives=tensor([1 / 2, 1 / 2]), says="ignored pixels are counted",
        mistakes=[
            (tensor([2 / 3, 1 / 2]), "the ignored pixel became a hit of class 0: take it out of both masks (index them "
             "with `valid`) instead of setting it to 0"),
        ],
    )  # fmt: skip
    target = tensor([[0, 7], [0, 1]])
    expect(
        iou, prediction, target, 2, ignore_index=7, gives=tensor([1 / 2, 1 / 2]),
        says="`ignore_index` is not used: 255 is only its default value",
    )  # fmt: skip
    expect(
        iou, tensor([[0, 0], [1, 0]]), tensor([[1, 0], [1, 1]]), 2, ignore_index=0, gives=tensor([0.0, 1 / 3]),
        says="only the target says which pixels are ignored: a prediction that happens to be `ignore_index` is counted",
        mistakes=[
            (tensor([NAN, NAN]), EQUAL_IS_IGNORED),
            (tensor([1 / 3, 1 / 3]), "with `ignore_index=0` the ignored pixel is counted: leave it out of both masks"),
            (lambda r: r[0] == 0 and abs(r[1] - 1 / 3) < 0.04, "an IoU of 1 / 3 is rounded: leave it as it is"),
            (tensor([NAN, 1 / 3]), "class 0 was predicted and is not there, where pixels count: that is 0"),
            (tensor([0.0, 1 / 4]), "the mean of each row's IoU: count over the whole mask, and divide once"),
        ],
    )  # fmt: skip


def absent_is_nan(iou: Callable) -> None:
    """A class in neither mask is NaN; a class that is only predicted, or only there, is 0.

    0 / 0 is NaN in torch: do not catch it, and add no small number to the denominator.
    """
    prediction, target = tensor([[0, 1], [0, 0]]), tensor([[0, 0], [2, 0]])
    mistakes = [
        (tensor([2 / 4, 0.0, 0.0, 0.0]), "class 3 is in neither mask: that is NaN, nothing to judge, and not 0"),
        (tensor([2 / 4, 0.0, 0.0, 1.0]), "class 3 is in neither mask: that is NaN, nothing to judge, and not 1"),
        (tensor([2 / 4, NAN, 0.0, NAN]), "class 1 was predicted and is not there: that is 0, not NaN"),
        (tensor([2 / 4, 0.0, NAN, NAN]), "class 2 is there and was not found: that is 0, not NaN"),
        (tensor([2 / 4, NAN, NAN, NAN]), "a class that is in one of the masks is 0, not NaN"),
    ]
    wanted, says = tensor([2 / 4, 0.0, 0.0, NAN]), "the classes are not judged right"
    try:
        expect(iou, prediction, target, 4, gives=wanted, says=says, mistakes=mistakes)
    except ZeroDivisionError:
        says = "Python refuses 0 / 0, and two tensors give NaN: divide the sums, without `.item()` or `int()`"
        raise Wrong(says, prediction=prediction, target=target, num_classes=4) from None
    nothing = torch.full((2, 2), 255)
    expect(iou, prediction, nothing, 2, gives=tensor([NAN, NAN]), says="where all is ignored every class is NaN")


def over_the_batch(iou: Callable) -> None:
    """Pixels are counted over the whole batch, not image by image.

    Sum overlap and union over all images first, and divide once.
    """
    prediction, target = tensor([[[1, 0], [0, 0]], [[1, 1], [1, 0]]]), tensor([[[1, 1], [1, 1]], [[1, 1], [1, 0]]])
    expect(
        iou, prediction, target, 2, gives=tensor([1 / 4, 4 / 7]), says="the batch is not counted as one",
        mistakes=[(tensor([1 / 2, 5 / 8]), "the mean of each image's IoU: count over the whole batch, divide once")],
    )  # fmt: skip


def ends_and_shape(iou: Callable) -> None:
    """Perfect is 1, nothing in common is 0, and there is one floating-point value a class.

    The result has shape (num_classes,), whatever the masks hold.
    """
    mask = torch.randint(0, 3, (2, 200, 300), generator=seeded_generator(4))
    result = expect(iou, mask, mask, 3, gives=torch.ones(3), says="equal masks must give 1 for every class")
    require(result.is_floating_point(), f"the result is {result.dtype}: IoU is a fraction, so a float")
    expect(iou, (mask + 1) % 3, mask, 3, gives=torch.zeros(3), says="masks that agree nowhere must give 0")


# ---------------------------------------------------------------- 7.4
MATRIX = tensor([[3, 1, 0, 2], [2, 4, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])  # class 2 nowhere, class 3 only predicted
SCORES = {
    "iou": tensor([3 / 8, 4 / 7, NAN, 0.0]),
    "dice": tensor([6 / 11, 8 / 11, NAN, 0.0]),
    "precision": tensor([3 / 5, 4 / 5, NAN, 0.0]),
    "recall": tensor([3 / 6, 4 / 6, NAN, NAN]),
}

LEAVE_IT = ": leave 0 / 0 as it is, with no small number below the line and no NaN replaced"
NO_HARMONY = " (the harmonic mean is NaN where precision or recall is: take Dice from the counts)"


def four_names(scores: Callable) -> None:
    """The result is a dict of four tensors, one value a class.

    The keys are "iou", "dice", "precision" and "recall"; each value has shape (C,).
    """
    result = scores(torch.ones(20, 20, dtype=torch.int64))
    require(isinstance(result, dict), f"the result is {kind_of(result)}, not a dict")
    require(set(result) == set(SCORES), f"the keys are {sorted(map(str, result))}, not {sorted(SCORES)}")
    for name, value in result.items():
        if not isinstance(value, Tensor) or tuple(value.shape) != (20,):
            raise Wrong(
                f"'{name}' is {kind_of(value)}: it must be a tensor with one value a class, here of shape (20,)"
            )


def _one_score(scores: Callable, name: str, mistakes: list[tuple[Any, str]], says: str) -> None:
    """Compare one of the scores of MATRIX on the classes that occur in the truth."""
    result = expect(scores, MATRIX)
    present = [0, 1]
    expect(lambda matrix: result[name][present], MATRIX, gives=SCORES[name][present], says=says, mistakes=mistakes)


def precision_and_recall(scores: Callable) -> None:
    """Precision divides the hits by what was predicted, recall by what is true.

    The row is the truth, the column the prediction: `sum(dim=1)` adds up a row, `sum(dim=0)` a column.
    """
    swapped = "precision and recall are swapped: the row sums are the truth, the column sums the prediction"
    others = [
        (tensor([0.0, 0.0]), "the division drops the fraction: use `/`, not `//`"),
        (tensor([3 / 12, 4 / 12]), "all pixels are below the line: divide by the class's own row or column"),
    ]
    wrong = [(SCORES["recall"][:2], swapped), *others]
    _one_score(scores, "precision", wrong, "precision is hits over the column sums")
    wrong = [(SCORES["precision"][:2], swapped), *others]
    _one_score(scores, "recall", wrong, "recall is hits over the row sums")


def iou_from_counts(scores: Callable) -> None:
    """IoU divides the hits by the union: truth + prediction - hits.

    Row sum and column sum both hold the hits, so together they count them twice.
    """
    _one_score(
        scores, "iou",
        [
            (tensor([3 / 11, 4 / 11]), "the union counts the hits twice: subtract them once"),
            (SCORES["dice"][:2], "under 'iou' stands Dice: the union is truth + prediction - hits"),
            (tensor([0.0, 0.0]), "the division drops the fraction: use `/`, not `//`"),
        ],
        "IoU is hits over truth + prediction - hits",
    )  # fmt: skip


def dice_from_counts(scores: Callable) -> None:
    """Dice, or F1, is twice the hits over truth + prediction.

    Take it from the counts: the harmonic mean 2PR / (P + R) is the same, but NaN where P or R is.
    """
    _one_score(
        scores, "dice",
        [
            (tensor([3 / 11, 4 / 11]), "Dice counts the hits twice above the line"),
            (SCORES["iou"][:2], "under 'dice' stands IoU"),
            (tensor([6 / 8, 8 / 7]), "Dice divides by the sum of both areas, not by the union"),
            ((SCORES["precision"] + SCORES["recall"])[:2] / 2, "the mean of precision and recall: F1 is 2PR / (P + R)"),
        ],
        "Dice is twice the hits over truth + prediction",
    )  # fmt: skip


def nothing_to_judge(scores: Callable) -> None:
    """A class that is neither there nor predicted is NaN everywhere; one that is only predicted has IoU 0.

    0 / 0 gives NaN by itself: add no small number below the line, and replace nothing.
    """
    result = expect(scores, MATRIX)
    for name in SCORES:
        value = float(result[name][2])
        says = f"class 2 is neither there nor predicted: '{name}' must be NaN, not {value:.4g}"
        require(value != value, says + LEAVE_IT, matrix=MATRIX)
    for name in ("iou", "dice", "precision"):
        value = float(result[name][3])
        says = f"class 3 was predicted and is not there: '{name}' must be 0, not {value:.4g}"
        require(value == 0, says + NO_HARMONY * (name == "dice" and value != value), matrix=MATRIX)
    two = tensor([[6 * 2**32, 0], [0, 0]])  # more than int32 can hold
    value = float(expect(scores, two)["iou"][0])
    require(
        abs(value - 1) < 1e-6,
        "a class without a mistake must have IoU 1, however many its pixels are",
        matrix=two,
        yours=value,
    )


def nothing_below_the_line(scores: Callable) -> None:
    """A fraction 0 / 0 is NaN: the precision of a class that was never predicted, the recall of one that is not there.

    Nothing was claimed, so no share of the claims can be right: leave the NaN that 0 / 0 gives. What was there and was
    never found still has an IoU, a Dice and a recall, and they are 0.
    """
    missed = tensor([[4, 1, 0], [0, 3, 0], [1, 1, 0]])  # class 2 is there and was never predicted
    result = expect(scores, missed)
    value = float(result["precision"][2])
    says = f"class 2 is there and was never predicted, 0 / 0: 'precision' must be NaN, not {value:.4g}"
    require(value != value, says, matrix=missed)
    for name in ("iou", "dice", "recall"):
        value = float(result[name][2])
        says = f"class 2 is there and was never predicted: '{name}' must be 0, not {value:.4g}"
        require(value == 0, says + NO_HARMONY * (name == "dice" and value != value), matrix=missed)
    value = float(expect(scores, MATRIX)["recall"][3])
    says = f"class 3 was predicted and is not there, 0 / 0: 'recall' must be NaN, not {value:.4g}"
    require(value != value, says, matrix=MATRIX)


# ---------------------------------------------------------------- 7.5
IOUS = tensor([[0.5, NAN, NAN], [0.8, 0.3, NAN], [0.0, 1.0, NAN], [0.249, NAN, NAN]], dtype=torch.float64)


def curve_and_mean(average_precision: Callable) -> None:
    """The result is a pair of NumPy arrays: precision at every threshold (T, C), and its mean (C,).

    A row for each threshold, a column for each class; the mean runs over the rows.
    """
    result = average_precision(IOUS.clone(), (0.25, 0.5))
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise Wrong(f"the result is {kind_of(result)}: return the curve and its mean, two arrays")
    for value, shape, name in zip(result, ((2, 3), (3,)), ("curve", "mean"), strict=True):
        if not isinstance(value, np.ndarray):
            single = " with a mean for each class: take it over the thresholds, axis=0" * (np.ndim(value) == 0)
            raise Wrong(f"the {name} is {kind_of(value)}, not a NumPy array{single}")
        require(value.shape == shape, f"the {name} has shape {value.shape}, not {shape}: thresholds x classes, classes")


def share_of_hits(average_precision: Callable) -> None:
    """At each threshold: images with an IoU of at least that, over the images in which the class occurs.

    NaN says that a class does not occur in an image: it counts in no row. A comparison with NaN is False.
    """
    wanted = np.array([[2 / 4, 1 / 2], [2 / 4, 2 / 2], [1 / 4, 1 / 2]])
    expect(
        lambda ious, thresholds: average_precision(ious, thresholds)[0][:, :2], IOUS, (0.5, 0.25, 0.8), gives=wanted,
        says="the share of hits is off",
        mistakes=[
            (np.array([[2 / 4, 1 / 4], [2 / 4, 2 / 4], [1 / 4, 1 / 4]]),
             "images without the class (NaN) are counted: divide by the images in which it occurs"),
            (np.array([[1 / 4, 1 / 2], [2 / 4, 2 / 2], [0.0, 1 / 2]]),
             "an IoU equal to the threshold is a hit: `>=`, not `>`"),
            (np.array([[2 / 3, 1 / 2], [2 / 3, 2 / 2], [1 / 3, 1 / 2]]),
             "an image with IoU 0 is left out: it has the class, only NaN is left out"),
            (1 - wanted, "this is the share of misses"),
            (lambda r: (r > 1).any(), "these are counts: divide by the images in which the class occurs"),
        ],
    )  # fmt: skip


def zero_is_no_hit(average_precision: Callable) -> None:
    """An IoU of 0 is never a hit, not even at threshold 0; an IoU of 1 is a hit at threshold 1.

    Nothing of the class was found there: ask for `ious > 0` as well.
    """
    ious = tensor([[0.0], [0.4], [1.0]], dtype=torch.float64)
    expect(
        lambda ious, thresholds: average_precision(ious, thresholds)[0], ious, (0.0, 1.0),
        gives=np.array([[2 / 3], [1 / 3]]), says="thresholds 0 and 1 are not judged right",
        mistakes=[
            (np.array([[1.0], [1 / 3]]), "an IoU of 0 counts as a hit at threshold 0: nothing was found there"),
            (np.array([[2 / 3], [0.0]]), "an IoU of 1 is a hit at threshold 1: `>=`, not `>`"),
        ],
    )  # fmt: skip


def mean_of_the_curve(average_precision: Callable) -> None:
    """AP is the mean over the thresholds, and the thresholds are 0 to 1 in steps of 0.1 if none are given.

    The default has eleven values, both ends included.
    """
    curve, _ = average_precision(IOUS.clone())
    require(curve.shape == (11, 3), f"without thresholds there must be 11 rows (0.0, 0.1, ... 1.0), not {len(curve)}")
    expect(
        lambda ious: average_precision(ious)[1][:2], IOUS, gives=np.array([(3 * 3 + 2 * 3 + 3) / 44, (2 * 4 + 7) / 22]),
        says="AP is not the mean of the curve over the thresholds",
        mistakes=[
            (lambda r: np.allclose(r, curve[5, :2]), "this is the precision at 0.5: take the mean over all thresholds"),
            (np.array([1.549 / 4, 1.3 / 2]), "this is the mean IoU, not AP"),
            (lambda r: np.allclose(r, (curve[1:] + curve[:-1])[:, :2].sum(0) / 20),
             "this is the area under the curve: take the plain mean over the thresholds"),
        ],
    )  # fmt: skip


def never_there(average_precision: Callable) -> None:
    """A class that occurs in no image has NaN.

    0 images of 0: leave the NaN that comes of it, it says that there was nothing to judge.
    """
    curve, mean = average_precision(IOUS.clone(), (0.5,))
    never = np.isnan(curve[0, 2]) and np.isnan(mean[2])
    require(never, "class 2 occurs in no image: its values must be NaN", yours=mean)
    expect(
        lambda ious: average_precision(ious, (0.5,))[1][0], IOUS, gives=0.5, says="NaN of one class spoils another",
        mistakes=[(0.5 / 11, "the mean of one threshold: divide by the number of those given, which is not always 11")],
    )  # fmt: skip


# ---------------------------------------------------------------- 7.6
class OneProcess:
    """What accelerate's `Accelerator` offers to a loop, for one process on the CPU; notes what was asked of it."""

    device, num_processes, process_index = torch.device("cpu"), 1, 0
    sync_gradients = is_main_process = is_local_main_process = True
    mixed_precision, scaler = "no", None

    def __init__(self) -> None:
        self.backwards = 0
        self.order: list[str] = []

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        self.backwards += 1
        self.order.append("backward")
        loss.backward(**kwargs)

    def clip_grad_norm_(self, parameters: Any, max_norm: float, norm_type: float = 2) -> Tensor:
        return nn.utils.clip_grad_norm_(parameters, max_norm, norm_type)

    def clip_grad_value_(self, parameters: Any, clip_value: float) -> None:
        nn.utils.clip_grad_value_(parameters, clip_value)

    def gather_for_metrics(self, values: Any, **kwargs: Any) -> Any:
        return values

    gather = gather_for_metrics

    def reduce(self, values: Any, reduction: str = "sum", scale: float = 1.0) -> Any:
        return values

    def prepare(self, *values: Any) -> Any:
        return values[0] if len(values) == 1 else values

    def unwrap_model(self, model: nn.Module, **kwargs: Any) -> nn.Module:
        return model

    def accumulate(self, *models: nn.Module) -> Any:
        return nullcontext()

    autocast = no_sync = accumulate

    def unscale_gradients(self, optimizer: Any = None) -> None:
        return None

    wait_for_everyone = unscale_gradients


class Scale(nn.Module):
    """The smallest model there is: one weight, times the image."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(tensor(weight))
        self.trained = True
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.trained = self.trained and self.training
        self.seen.append(images.detach().clone())
        return self.weight * images.float()


class Line(Scale):
    """Two weights: so that the norm of the gradient is that of both together."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(tensor(0.0))

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) + self.bias


class NotedSGD(torch.optim.SGD):
    """Plain descent, learning rate 0.1; notes when it steps and when it clears the gradients."""

    def __init__(self, parameters: Any, order: list[str]) -> None:
        super().__init__(parameters, lr=0.1)
        self.order = order

    def step(self, *args: Any, **kwargs: Any) -> Any:
        self.order.append("step")
        return super().step(*args, **kwargs)

    def zero_grad(self, *args: Any, **kwargs: Any) -> None:
        self.order.append("clear")
        super().zero_grad(*args, **kwargs)


MASKS_ARE_IDS = (
    "the masks become floats on their way to the loss function, and cross-entropy takes whole ids: hand them on as "
    "they are"
)


def squared(logits: Tensor, masks: Tensor) -> Tensor:
    """A loss in which prediction and truth play different parts: masks are 3 here."""
    require(not (logits.is_floating_point() and masks.is_floating_point()), MASKS_ARE_IDS)
    return (masks / 3 * (logits - masks) ** 2).mean()


IMAGES, MASKS = torch.ones(2, 1, 2, 3, dtype=torch.uint8), torch.full((2, 1, 2, 3), 3)


def one_step(
    train_step: Callable, steps: int = 1, grad_clip: float = 0.0, kind: Callable = Scale
) -> tuple[Any, Any, OneProcess]:
    """Take steps with SGD, learning rate 0.1, from weight 1; the loss is (weight - 3)^2."""
    model, accelerator = kind(), OneProcess()
    optimizer = NotedSGD([{"params": [weight]} for weight in model.parameters()], accelerator.order)
    for _ in range(steps):
        images, masks = IMAGES.clone(), MASKS.clone()
        loss = train_step(model, images, masks, squared, optimizer, accelerator, grad_clip=grad_clip)
        same = torch.equal(images, IMAGES) and torch.equal(masks, MASKS)
        require(same, "the images or the masks are changed in place: work on a copy")
    return model, loss, accelerator


def returns_the_loss(train_step: Callable) -> None:
    """It returns the loss of this batch as a tensor without the record for backward().

    `loss.detach()` keeps the number and lets go of everything that was needed to compute it.
    """
    model, loss, _ = one_step(train_step)
    require(loss is not None, "nothing is returned: is a `return` missing?")
    require(isinstance(loss, Tensor), f"the loss is {kind_of(loss)}: return it as a tensor, `.item()` makes a GPU wait")
    require(loss.numel() > 1 or abs(float(loss.detach()) - 4 / 3) > 1e-4,
            "loss_fn takes the prediction first, then the masks: loss_fn(logits, masks)")  # fmt: skip
    require(loss.ndim == 0, f"the loss has shape {tuple(loss.shape)}: it is one number, of shape ()")
    value, says = float(loss.detach()), "the loss that is returned must be that of the batch, before the step"
    if not all(torch.equal(seen.float(), IMAGES.float()) for seen in model.seen):
        says = "the model gets other images than those of the batch: hand them on as they are"
    elif abs(value - 5.1472) < 1e-3:  # (sigmoid(1) - 3)^2
        says = "sigmoid is applied before the loss function, which takes it by itself: give it the logits as they are"
    require(abs(value - 4) < 1e-4, says, expected=4.0, yours=value)
    says = f"the model predicts {len(model.seen)} times for one batch, and BatchNorm learns each time: predict once"
    require(len(model.seen) == 1, says)
    require(not loss.requires_grad, "the loss still holds what backward() needs, the memory of every step: detach it")
    require(
        model.trained, "the model is switched to evaluation mode, and its BatchNorm stops learning: leave out eval()"
    )
    says = "the model is left in evaluation mode, and its BatchNorm would not learn in the next step: leave out eval()"
    require(model.training, says)
    resting, _, _ = one_step(train_step, kind=lambda: Scale().eval())
    says = "the step switches a model in evaluation mode to training mode: the mode is the job of the epoch (7.8)"
    require(not resting.training and not resting.trained, says)


def weight_moves(train_step: Callable) -> None:
    """The weights move once, against the gradient.

    Three lines in this order: the loss of the model's prediction, backward, optimizer.step().
    """
    model, _, accelerator = one_step(train_step)
    moved, order = float(model.weight.detach()), accelerator.order
    still = "is the gradient clipped to grad_clip=0, and so to nothing? Clip only if grad_clip is above 0"
    if "step" not in order:
        still = "optimizer.step() is missing, after backward"
    elif order.index("step") < order.index("backward"):
        still = "the step comes before backward, which finds the gradients that it needs"
    elif "clear" in order[order.index("backward") : order.index("step")]:
        still = "the gradients are cleared between backward and step, and the step finds none: clear them after it"
    known = {
        1.0: f"the weights do not move: {still}",
        1.72: "the weights move twice: one step for one batch",
        1.8: "the weights move twice as far as they should: is backward or optimizer.step() called twice?",
        0.6: "the weights move along the gradient, uphill: is the sign of the loss turned?",
    }
    for value, sentence in known.items():
        require(abs(moved - value) > 1e-4, sentence, before=1.0, expected=1.4, yours=moved)
    require(abs(moved - 1.4) < 1e-4, "the weight after the step is off", before=1.0, expected=1.4, yours=moved)


def gradients_are_cleared(train_step: Callable) -> None:
    """After the step the gradients are cleared.

    Gradients add up until `optimizer.zero_grad()`. Last in the step is the place, so that batches can be accumulated.
    """
    model, _, accelerator = one_step(train_step, steps=2)
    moved = float(model.weight.detach())
    require(abs(moved - 2.12) > 1e-3, "the gradients of the first batch are still there in the second: "
            "optimizer.zero_grad()", expected=1.72, yours=moved)  # fmt: skip
    require(abs(moved - 1.72) < 1e-3, "the weight after two steps is off", expected=1.72, yours=moved)
    left, order = model.weight.grad, accelerator.order
    says = "the gradients are still there when the step is over: clear them last"
    if order[0] == "clear":
        says += ", after optimizer.step(). Many examples clear them first, and their last ones are left"
    require(left is None or float(left) == 0, says, order=order[: len(order) // 2])


def through_the_accelerator(train_step: Callable) -> None:
    """The gradients come from `accelerator.backward(loss)`.

    It scales the loss where fp16 needs it; `loss.backward()` would pass that by.
    """
    _, _, accelerator = one_step(train_step)
    require(
        accelerator.backwards, "`loss.backward()` passes the accelerator by, and fp16 would lose small gradients: "
        "accelerator.backward(loss)",
    )  # fmt: skip
    require(accelerator.backwards == 1, "backward is called more than once for one batch", yours=accelerator.backwards)


def clips(train_step: Callable) -> None:
    """The gradient is clipped to norm `grad_clip` between backward and step; 0 does not clip.

    `accelerator.clip_grad_norm_(model.parameters(), grad_clip)`, if grad_clip is above 0.
    """
    moved = float(one_step(train_step, grad_clip=1.0)[0].weight.detach())
    require(abs(moved - 1.4) > 1e-4, "the gradient is not clipped before the step: after backward, before step",
            gradient=-4.0, grad_clip=1.0, expected=1.1, yours=moved)  # fmt: skip
    require(abs(moved - 1.1) < 1e-3, "the clipped step is off", gradient=-4.0, grad_clip=1.0, expected=1.1, yours=moved)
    moved = float(one_step(train_step, grad_clip=8.0)[0].weight.detach())
    require(abs(moved - 1.4) < 1e-3, "a gradient below `grad_clip` must stay as it is", gradient=-4.0, grad_clip=8.0,
            expected=1.4, yours=moved)  # fmt: skip
    moved = float(one_step(train_step, grad_clip=0.25)[0].weight.detach())
    require(abs(moved - 1.025) < 1e-3, "a limit between 0 and 1 counts, too: clip to `grad_clip` if it is above 0",
            gradient=-4.0, grad_clip=0.25, expected=1.025, yours=moved)  # fmt: skip
    moved = float(one_step(train_step, grad_clip=1.0, kind=Line)[0].weight.detach())  # two gradients of -4
    require(abs(moved - 1.1) > 1e-3, "each gradient is clipped on its own: clip the norm of all together, so that the "
            "direction stays", gradients=[-4.0, -4.0], grad_clip=1.0, expected=1.0707, yours=moved)  # fmt: skip
    require(abs(moved - 1.0707) < 1e-3, "the clipped step of two weights is off", gradients=[-4.0, -4.0], grad_clip=1.0,
            expected=1.0707, yours=moved)  # fmt: skip


# ---------------------------------------------------------------- 7.7
class Painter(nn.Module):
    """Predicts the grey value of a pixel as its class; notes in which mode it was called."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.channels = nn.Parameter(tensor(1.0)), channels
        self.norm = nn.BatchNorm2d(3)
        self.modes: list[tuple[bool, bool]] = []
        self.given: list[Tensor] = []  # the logits of each batch

    def forward(self, images: Tensor) -> Tensor:
        self.modes.append((self.training, torch.is_grad_enabled()))
        self.norm(images.float())
        value = self.weight * images[:, :1].float()
        classes = torch.arange(self.channels).view(1, -1, 1, 1)
        logits = value / 10 if self.channels == 1 else -((value - classes) ** 2)  # of one channel from 0.0 to 1.0
        self.given.append(logits.detach().clone())
        return logits


def pictures(classes: Tensor) -> Tensor:
    return classes[:, None].repeat(1, 3, 1, 1).to(torch.uint8)


def share_wrong(logits: Tensor, masks: Tensor) -> Tensor:
    """A loss that differs from batch to batch: the share of wrong pixels."""
    ids = logits.argmax(dim=1) if logits.shape[1] > 1 else (logits[:, 0] > 0).long()
    return (ids != masks).float().mean() + 0 * logits.sum()


PREDICTED = tensor([[[0, 1, 2]], [[2, 2, 2]], [[0, 0, 1]], [[1, 2, 0]]])
TRUE = tensor([[[0, 1, 2]], [[2, 2, 2]], [[0, 1, 1]], [[2, 0, 255]]])


def run_evaluate(evaluate: Callable, channels: int = 3, **kwargs: Any) -> tuple[Any, Painter]:
    """Evaluate a model that paints, on a batch of three images and one of a single image."""
    model, loader = Painter(channels), DataLoader(TensorDataset(pictures(PREDICTED), TRUE.clone()), batch_size=3)
    model.train()
    model.judged = []  # what the loss function gets

    def loss_fn(logits: Tensor, masks: Tensor) -> Tensor:
        require(not (logits.is_floating_point() and masks.is_floating_point()), MASKS_ARE_IDS)
        model.judged.append(logits.detach().clone())
        return share_wrong(logits, masks)

    says = "confusion_matrix meets 255 among the predictions: it takes the predicted mask first, and then the true one"
    with beyond_the_table(says):
        return evaluate(model, loader, loss_fn, 3, OneProcess(), **kwargs), model


def logits_are_judged(evaluate: Callable) -> None:
    """The loss function gets the model's logits as they are.

    Loss functions take softmax or sigmoid by themselves, and a second one flattens every difference.
    """
    _, model = run_evaluate(evaluate)
    require(model.judged, "the loss function is never called: loss_fn(logits, masks)")
    sizes = [len(judged) for judged in model.judged]
    says = "each batch has a loss of its own, over all of its images: call the loss function inside the loop"
    require(3 in sizes and set(sizes) <= {3, 1}, says, images_in_a_batch=[3, 1], images_in_a_loss=sizes)
    for judged in model.judged:
        given = next(logits for logits in model.given if len(logits) == len(judged))
        same = given.shape == judged.shape and torch.allclose(given.double(), judged.double(), atol=1e-5)
        pixel = {"logits of a pixel": given[0, :, 0, 0], "loss_fn gets": judged[0, :, 0, 0]} if judged.ndim == 4 else {}
        softened = judged.shape == given.shape and torch.allclose(judged, given.softmax(1), atol=1e-5)
        says = "the loss function does not get the model's logits as they are"
        if softened:
            says = "softmax is applied twice: the loss function takes it by itself, so give it the logits as they are"
        require(same, says, **pixel)


def is_evaluation(evaluate: Callable) -> None:
    """The result is an Evaluation with the loss, a number, and the matrix, int64 (C, C).

    `return Evaluation(loss, matrix)`; `.item()` makes a number of a tensor with one value.
    """
    result, _ = run_evaluate(evaluate)
    if not hasattr(result, "loss") or not hasattr(result, "matrix"):
        raise Wrong(f"the result is {kind_of(result)}: return Evaluation(loss, matrix)")
    require(isinstance(result.loss, float), f"the loss is {kind_of(result.loss)}: make it a number with .item()")
    matrix = result.matrix
    square = isinstance(matrix, Tensor) and matrix.shape == (3, 3)
    require(square, f"the matrix is {kind_of(matrix)}, not a tensor of shape (3, 3)")
    require(matrix.dtype == torch.int64, f"the matrix is {matrix.dtype}: counts are whole numbers, int64")


def eval_mode(evaluate: Callable) -> None:
    """The model is in evaluation mode.

    `model.eval()` before the loop: BatchNorm then uses its running averages instead of the batch's.
    """
    _, model = run_evaluate(evaluate)
    require(model.modes, "the model is never called")
    require(not any(training for training, _ in model.modes), "the model is still in training mode: model.eval()")
    require(int(model.norm.num_batches_tracked) == 0, "BatchNorm learned from validation: model.eval() comes first")


def no_gradients(evaluate: Callable) -> None:
    """No gradients are prepared, and no weight changes.

    `with torch.no_grad():` around the loop, or `@torch.no_grad()` between `@exercise("7.7")` and `def`: a decorator
    above `@exercise` comes too late, since the function that is judged lies below it.
    """
    _, model = run_evaluate(evaluate)
    prepared = any(grad for _, grad in model.modes)
    where = "torch.no_grad() saves that memory, around the loop or, as @torch.no_grad(), between @exercise and def"
    require(not prepared, f"gradients are prepared for every image: {where}")
    require(model.weight.grad is None, "something called backward: validation must not learn")
    require(float(model.weight.detach()) == 1.0, "a weight changed: validation must not learn")
    require(
        model.weight.requires_grad, "the weights get no gradient ever again: no_grad, and no `requires_grad_(False)`"
    )
    require(torch.is_grad_enabled(), "gradients stay switched off after the function: use no_grad as a context")


def counts_are_summed(evaluate: Callable) -> None:
    """The confusion matrices of all batches are summed.

    Start from zeros (num_classes, num_classes) and add `confusion_matrix(...)` of every batch.
    """
    result, _ = run_evaluate(evaluate)
    wanted = tensor([[2, 0, 1], [1, 2, 0], [0, 1, 4]])
    first, last = tensor([[2, 0, 0], [1, 2, 0], [0, 0, 4]]), tensor([[0, 0, 1], [0, 0, 0], [0, 1, 0]])
    expect(
        lambda: result.matrix, gives=wanted, says="the matrix of all batches is off",
        mistakes=[
            (last, "only the last batch is counted: add every batch's matrix to the sum"),
            (first, "only the first batch is counted: is the `return` inside the loop?"),
            (wanted.T, "rows and columns are swapped: the row is the truth"),
        ],
    )  # fmt: skip


def loss_is_weighted(evaluate: Callable) -> None:
    """The loss is the mean over images: a batch counts as much as it has images.

    Sum loss * len(images) over the batches, and divide by the number of all images.
    """
    result, _ = run_evaluate(evaluate)
    a, b = 1 / 9, 1.0  # three images, then one
    expect(
        lambda: result.loss, gives=(3 * a + b) / 4, says="the loss is not the mean over images",
        mistakes=[
            ((a + b) / 2, "the last, smaller batch weighs as much as a full one: weight each loss by its images"),
            (a + b, "the losses are added: divide by the number of images"),
            (3 * a + b, "the weighted losses are added: divide by the number of images"),
            ((3 * a + b) / 2, "divide by the number of images, not of batches"),
            ((9 * a + 2 * b) / 11, "each loss is weighted by its pixels: weight it by its images"),
            (b, "only the last batch's loss is returned"),
            (a, "only the first batch's loss is returned: is the `return` inside the loop?"),
        ],
    )  # fmt: skip


def one_class(evaluate: Callable) -> None:
    """One logit a pixel becomes a mask through the threshold.

    `to_mask(logits, threshold)` knows both cases: argmax for several classes, a threshold for one.
    """
    truth = tensor([[[0, 1, 1, 0]]])
    model, loader = Painter(1), DataLoader(TensorDataset(pictures(tensor([[[0, 4, 9, 9]]])), truth))
    for threshold, wanted in ((0.63, [[1, 1], [1, 1]]), (0.55, [[1, 1], [0, 2]]), (0.9, [[2, 0], [2, 0]])):
        result = evaluate(model, loader, share_wrong, 2, OneProcess(), threshold)
        expect(
            lambda threshold, r=result: r.matrix, threshold, gives=tensor(wanted),
            says="one foreground class: pixels from `threshold` on are foreground",
            mistakes=[
                (lambda r: r[:, 1].sum() == 0, "argmax over one channel is always 0: use to_mask(logits, threshold)"),
                (lambda r, t=threshold: t == 0.63 and (r == tensor([[0, 2], [0, 2]])).all(), "`threshold` is not used"),
                (lambda r, t=threshold: t == 0.63 and (r == tensor([[1, 1], [0, 2]])).all(),
                 "the sigmoid is applied twice: `to_mask` takes it by itself, so give it the logits as they are"),
            ],
        )  # fmt: skip


# ---------------------------------------------------------------- 7.8
class Pupil(Scale):
    """One weight and a BatchNorm; notes, batch by batch, its number and the mode in which it was called."""

    def __init__(self, order: list[str]) -> None:
        super().__init__()
        self.norm, self.order = nn.BatchNorm2d(1), order
        self.numbers: list[int] = []
        self.modes: list[bool] = []
        self.parted = False  # was one part in training mode, and another not?

    def forward(self, images: Tensor) -> Tensor:
        self.numbers.append(int(images.max()))
        self.modes.append(self.training and self.norm.training)
        self.parted |= self.training != self.norm.training
        self.order.append("batch")
        self.norm(images.float())
        return self.weight * images.float()


class Accumulating(OneProcess):
    """Notes how many gradients were computed within `accumulate(model)`."""

    def __init__(self) -> None:
        super().__init__()
        self.within, self.counted = False, 0

    @contextmanager
    def accumulate(self, *models: nn.Module) -> Iterator[None]:
        self.within = bool(models)
        try:
            yield
        finally:
            self.within = False

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        self.counted += self.within
        super().backward(loss, **kwargs)


class NotedRate:
    """A scheduler that notes when it steps."""

    def __init__(self, order: list[str]) -> None:
        self.order = order

    def step(self) -> None:
        self.order.append("rate")


NUMBERS, FACTORS = tensor([1, 1, 2, 2, 3]), tensor([1, 1, 1, 1, 2])  # of five images, in batches of two
GRADIENTS = "the weight is 1.0, the learning rate 0.1; the three batches have the gradients 1, 2 and 6"


def one_epoch(
    train_one_epoch: Callable, model: Pupil | None = None, bad: int = 0, count: int = 0, **kwargs: Any
) -> tuple[Any, Pupil, Accumulating]:
    """Train on three batches (or `count`); batch n costs weight * gradient, and batch number `bad` costs NaN."""
    accelerator = Accumulating()
    model = model or Pupil(accelerator.order)
    numbers = torch.arange(1, count + 1) if count else NUMBERS
    factors = torch.ones_like(numbers) if count else FACTORS
    data = TensorDataset(*(values.view(-1, 1, 1, 1).expand(-1, 1, 1, 2) for values in (numbers, factors)))
    loader, optimizer = DataLoader(data, batch_size=1 if count else 2), NotedSGD(model.parameters(), accelerator.order)

    def loss_fn(logits: Tensor, masks: Tensor) -> Tensor:
        return (logits * masks).mean() * ((NAN if bad < 50 else np.inf) if model.numbers[-1] == bad else 1)

    kwargs = {"grad_clip": 0.0, "scheduler": None} | kwargs
    if kwargs["scheduler"]:
        kwargs["scheduler"] = NotedRate(model.order)
    return train_one_epoch(model, loader, loss_fn, optimizer, accelerator, **kwargs), model, accelerator


def learns_every_batch(train_one_epoch: Callable) -> None:
    """Every batch is learned from exactly once, in the loader's order, within `accelerator.accumulate(model)`.

    One `train_step(...)` for each (images, masks) of the loader, and nothing that ends the loop before its end.
    """
    _, model, accelerator = one_epoch(train_one_epoch)
    details = {"batches expected": [1, 2, 3], "yours": model.numbers}
    require(model.numbers != [1], "only the first batch is used: is the `return` inside the loop?", **details)
    require(model.numbers == [1, 2, 3], "the model does not see every batch once, in order", **details)
    steps = accelerator.order.count("step")
    require(steps == 3, "the optimizer must step once for every batch", expected=3, yours=steps)
    says = "a batch is learned from outside `accelerator.accumulate(model)`: keep the `with` around its step"
    require(accelerator.counted == 3, says, expected=3, yours=accelerator.counted)


def trains_in_training_mode(train_one_epoch: Callable) -> None:
    """Every epoch trains the model alike, whether it comes fresh or from an evaluation.

    BatchNorm's averages move only in training mode, and `evaluate` leaves the model in evaluation mode. Which line of
    the plain loop in section 5 stands above its `for`, and is missing here?
    """
    _, model, _ = one_epoch(train_one_epoch)
    first = [float(model.norm.running_mean)]
    late = "training mode comes too late: the first batch still meets evaluation mode"
    says = late if model.modes[-1] and not model.modes[0] else "the model leaves training mode within the epoch"
    require(all(model.modes), says, training_mode=model.modes)
    model.eval()
    model.modes.clear()
    one_epoch(train_one_epoch, model)
    seen = {"BatchNorm's average after epoch 1": first[0], "after evaluate and epoch 2": float(model.norm.running_mean)}
    says = "one epoch, one evaluation, another epoch: something in the model moves in the first epoch and never again"
    if model.parted and model.norm.training:
        says = "only a part of the model is in training mode in the second epoch: `model.train()` takes all of it along"
    elif not any(model.modes) and model.norm.training:
        says = "training mode comes after the last batch, and the evaluation that follows ends it before the next epoch"
    require(any(model.modes), says, **seen)  # else the symptom alone, since the cause is what there is to find
    details = {"training mode in epoch 2": model.modes, **seen}
    require(all(model.modes), late, **details)


def hands_on_clip(train_one_epoch: Callable) -> None:
    """Every step clips its gradient to `grad_clip`.

    Hand it on to the step: `train_step(..., grad_clip=grad_clip)`.
    """
    for clip, wanted in ((0.0, 0.1), (1.0, 0.7), (3.0, 0.4)):
        _, model, _ = one_epoch(train_one_epoch, grad_clip=clip)
        moved = float(model.weight.detach())
        says = f"after the epoch the weight is off: {GRADIENTS}"
        if clip != 1.0 and abs(moved - 0.7) < 1e-3:
            says = "`grad_clip` is not handed on to the step, which then takes its own 1.0"
        require(abs(moved - wanted) < 1e-3, says, grad_clip=clip, expected=wanted, yours=moved)


def returns_the_mean(train_one_epoch: Callable) -> None:
    """The result is the mean of the losses of the batches, a number.

    `mean_loss(losses, accelerator)` returns it; every batch counts the same.
    """
    mean, _, _ = one_epoch(train_one_epoch)
    expect(
        lambda: mean, gives=7 / 3, says="the result is not the mean of the three losses 1.0, 1.8 and 4.2",
        mistakes=[
            (7.0, "the losses are added: divide by the number of batches"),
            (4.2, "only the loss of the last batch is returned"),
            (1.0, "only the loss of the first batch is returned"),
            (1.96, "the losses are weighted by their images: every batch counts the same here"),
        ],
    )  # fmt: skip
    require(isinstance(mean, float), f"the result is {kind_of(mean)}: make it a number with .item()")


def moves_the_rate(train_one_epoch: Callable) -> None:
    """A scheduler takes one step after each batch's step; None is no scheduler.

    `if scheduler: scheduler.step()`, inside the loop and after `train_step`.
    """
    _, model, _ = one_epoch(train_one_epoch, scheduler=True)
    order = [event for event in model.order if event in ("step", "rate")]
    rates = order.count("rate")
    require(rates, "the scheduler never steps, so the learning rate stays what it is")
    says = "the scheduler must step once for every batch, and not once for the epoch" if rates == 1 else (
        "the scheduler must step once for every batch")  # fmt: skip
    require(rates == 3, says, expected=3, yours=rates)
    require(order == ["step", "rate"] * 3, "the scheduler steps before the optimizer does", order=order)


def tells_on_step(train_one_epoch: Callable) -> None:
    """`on_step` is called after every batch with the losses so far, a list of tensors.

    `if on_step: on_step(losses)`, inside the loop: a progress bar lives on it.
    """
    told: list[Any] = []
    one_epoch(train_one_epoch, on_step=lambda losses: told.append(losses[:] if isinstance(losses, list) else losses))
    require(told, "on_step is never called")
    wrong = next((losses for losses in told if not isinstance(losses, list)), told)
    require(wrong is told, f"on_step gets {kind_of(wrong)}: give it the list of all losses so far")
    wanted = [[1.0], [1.0, 1.8], [1.0, 1.8, 4.2]]
    says = "on_step must be called after every batch" if len(told) != 3 else "on_step must get the losses so far"
    expect(lambda: [[float(loss) for loss in losses] for losses in told], gives=wanted, says=says)
    lengths: list[int] = []
    one_epoch(train_one_epoch, count=9, on_step=lambda losses: lengths.append(len(losses)))
    says = "on_step must get all losses so far, also after many batches"
    require(lengths == [*range(1, 10)], says, losses_given=lengths, expected=[*range(1, 10)])
    tensors = all(isinstance(loss, Tensor) for losses in told for loss in losses)
    require(tensors, "the losses are numbers: keep the tensors, since reading each makes a GPU wait")


def stops_at_nan(train_one_epoch: Callable) -> None:
    """A loss that is NaN raises NotFiniteError with its step, at most LOOK_EVERY batches later.

    `mean_loss` looks at all losses and raises it: call it after every LOOK_EVERY batches, and at the end.
    """
    for bad, count in ((2, 3), (60, 150)):
        model = Pupil([])
        try:
            result, _, _ = one_epoch(train_one_epoch, model, bad=bad, count=count)
        except NotFiniteError as error:
            require(error.step == bad - 1, "the error names another step", expected=bad - 1, yours=error.step)
        else:
            raise Wrong(
                f"batch {bad} of {count} costs NaN, or is infinite, and no NotFiniteError stops the training",
                yours=result,
            )
        late = len(model.numbers) - bad
        says = f"the NaN is noticed {late} batches late: look after every LOOK_EVERY batches too"
        require(late <= LOOK_EVERY, says, batches=count, first_NaN=bad, noticed_after=len(model.numbers))


EXERCISES = [
    Exercise(
        "7.1", "Dice loss", "utils.losses.dice_loss", 4, 20,
        "A loss that judges regions, so that a class of few pixels is not drowned by one of many.",
        [dice_is_a_number, dice_of_one_class, dice_of_classes, dice_sums_over_the_batch, dice_leaves_out_ignored,
         dice_of_absent_classes, dice_where_nothing_occurs, dice_at_its_ends, dice_teaches],
        [
            "You need two tensors of one shape (N, C, H, W): probabilities, and the truth as zeros and ones.",
            "`probabilities(logits)` gives the first. For the truth: F.one_hot(target.clamp(max=C - 1), C), its last "
            "axis moved to place 1; or with one channel (target == 1).unsqueeze(1). Multiply both by "
            "(target != 255).unsqueeze(1).",
            "overlap = (p * truth).sum(dim=(0, 2, 3)); areas = (p + truth).sum(dim=(0, 2, 3)); then one minus "
            "(2 * overlap + smooth) / (areas + smooth), times `present` = truth.sum(dim=(0, 2, 3)) > 0, summed, and "
            "divided by present.sum().clamp(min=1).",
        ],
    ),
    Exercise(
        "7.2", "Confusion matrix", "utils.metrics.confusion_matrix", 2, 10,
        "Every score of this course is read off this one table of counts.",
        [rows_are_truth, counts_are_whole, size_is_given, ignored_are_not_counted, masks_of_any_shape],
        [
            "Two loops over the classes are enough: how many pixels have truth t and prediction p?",
            "Faster: number the cells of the table from 0, row by row. Which number has the cell in row t, column p?",
            "valid = target != ignore_index; torch.bincount(target[valid] * num_classes + prediction[valid], "
            "minlength=num_classes**2), then reshape.",
        ],
        by_name=["num_classes"],
        axes="truth, prediction",
    ),
    Exercise(
        "7.3", "IoU of every class", "utils.metrics.iou", 3, 12,
        "The one number by which segmentation is judged, and the one most often computed wrongly.",
        [overlap_over_union, ignored, absent_is_nan, over_the_batch, ends_and_shape],
        [
            "For one class, compare both masks with the class id: two boolean masks. What do & and | of them count?",
            "Ignored pixels first: `valid = target != ignore_index`, then index both masks with it.",
            "p, t = prediction[valid], target[valid]. For class c: a, b = p == c, t == c, and its IoU is "
            "(a & b).sum() / (a | b).sum(), where 0 / 0 gives NaN by itself. Collect the values with torch.stack.",
        ],
        by_name=["num_classes"],
        axes="class",
    ),
    Exercise(
        "7.4", "Precision, recall, Dice and IoU from counts", "utils.metrics.scores", 2, 8,
        "They say how a class fails: by being missed, or by being claimed too often.",
        [four_names, precision_and_recall, iou_from_counts, dice_from_counts, nothing_to_judge, nothing_below_the_line],
        [
            "Of what was predicted, which share is right? Of what is true, which share was found?",
            "Three vectors are enough: hits (the diagonal), truth (row sums), predicted (column sums).",
            "hits / (truth + predicted - hits), 2 * hits / (truth + predicted), hits / predicted, hits / truth.",
        ],
    ),
    Exercise(
        "7.5", "AP over IoU thresholds", "utils.metrics.average_precision", 3, 12,
        "It asks how often a class is found well enough, for every idea of enough.",
        [curve_and_mean, share_of_hits, zero_is_no_hit, mean_of_the_curve, never_there],
        [
            "For one class and one threshold: in how many images is its IoU at least that? Of how many with an IoU?",
            "`~np.isnan(ious)` tells which images count. Sum over the images: axis 0.",
            "For each t: ((ious >= t) & (ious > 0)).sum(axis=0) / counts.sum(axis=0). Stack; AP is the mean.",
        ],
    ),
    Exercise(
        "7.6", "One training step", "utils.engine.train_step", 2, 10,
        "All of deep learning is this step, a million times.",
        [returns_the_loss, through_the_accelerator, weight_moves, clips, gradients_are_cleared],
        [
            "Five things in order: predict, judge, find the gradients, step, clear the gradients.",
            "The loss is loss_fn(model(images), masks). Its gradients come from accelerator.backward(loss).",
            "Between backward and step: if grad_clip: accelerator.clip_grad_norm_(model.parameters(), grad_clip). "
            "Return loss.detach().",
        ],
        by_name=["grad_clip"],
    ),
    Exercise(
        "7.7", "The evaluation loop", "utils.engine.evaluate", 3, 15,
        "The only number that may be believed comes out of this loop, on images that were never trained on.",
        [eval_mode, no_gradients, is_evaluation, logits_are_judged, counts_are_summed, loss_is_weighted, one_class],
        [
            "Which two switches keep a model from learning while you only measure?",
            "Sum counts over the batches and read scores off once: a mean of batch scores depends on the batches.",
            "In the loop: logits = model(images); total += loss_fn(logits, masks).item() * len(images); matrix += "
            "confusion_matrix(to_mask(logits, threshold), masks, num_classes).",
        ],
    ),
    Exercise(
        "7.8", "Find the bug: one epoch", "utils.engine.train_one_epoch", 2, 8,
        "The most quiet bug of training: nothing stops, the loss falls, and the scores stay low.",
        [learns_every_batch, trains_in_training_mode, hands_on_clip, returns_the_mean, moves_the_rate, tells_on_step,
         stops_at_nan],
        [
            "Nothing in the loop is wrong. Something is missing that should happen before its first batch.",
            "An epoch comes after an evaluation, whose first line is `model.eval()`. Who takes that back?",
            "Put `model.train()` above the loop, as in section 5.",
        ],
        by_name=["scheduler", "grad_clip", "on_step"],
    ),
]  # fmt: skip

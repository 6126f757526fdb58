"""Notebook 7: losses, metrics, and the two loops."""

from collections.abc import Callable

from torch import tensor

from utils.exercises.engine import Exercise
from utils.exercises.expect import expect

NAN = float("nan")


def agreement(iou: Callable) -> None:
    """IoU is the agreeing pixels over the pixels in either mask.

    For each class, count where both masks show it, and where at least one does. Divide.
    """
    prediction, target = tensor([[0, 0, 1, 1]]), tensor([[0, 1, 1, 1]])
    expect(
        iou, prediction, target, 2, gives=tensor([1 / 2, 2 / 3]), says="a class's IoU is not overlap over union",
        mistakes=[
            (tensor([1 / 3, 2 / 5]), "the union counts agreeing pixels twice: subtract the overlap once"),
            (tensor([2 / 3, 4 / 5]), "this is Dice (twice the overlap over the sum), not IoU"),
        ],
    )  # fmt: skip


def ignored(iou: Callable) -> None:
    """Ignored pixels change nothing.

    Before counting, keep only the pixels whose target is not `ignore_index`: in the target and in the prediction.
    """
    prediction, target = tensor([[1, 1], [0, 0]]), tensor([[1, 255], [0, 0]])
    expect(iou, prediction, target, 2, gives=tensor([1.0, 1.0]), says="ignored pixels are counted")


EXERCISES = [
    Exercise(
        "7.3", "IoU of every class", "utils.metrics.iou", 3, 12,
        "The one number by which segmentation is judged, and the one most often computed wrongly.",
        [agreement, ignored],
        [
            "For one class, compare both masks with the class id: two boolean masks. What do & and | of them count?",
            "Ignored pixels first: `valid = target != ignore_index`, then index both masks with it.",
            "With confusion matrix m: overlap is m.diag(), union is m.sum(0) + m.sum(1) - m.diag(). 0 / 0 gives NaN.",
        ],
    ),
]  # fmt: skip

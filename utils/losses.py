"""Cross-entropy, Dice and their sum, blind to ignored pixels (notebook 7)."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from utils.config import Config
from utils.dataset import IGNORE_INDEX
from utils.models import probabilities

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over the pixels that count: logits (N, C, H, W), ids int64 (N, H, W) -> scalar.

    One logit channel makes it binary cross-entropy. `weight` (C,) scales each class (with one channel: of two).
    Zero, with a gradient of zero, where every pixel is ignored.
    """
    valid = target != IGNORE_INDEX
    if logits.shape[1] > 1:
        total = F.cross_entropy(logits, target, weight, ignore_index=IGNORE_INDEX, reduction="sum")
        scale = valid.sum() if weight is None else weight[target[valid]].sum()
    else:
        pixels, truth = logits[:, 0][valid], target[valid]
        scales = None if weight is None else weight[truth]
        total = F.binary_cross_entropy_with_logits(pixels, truth.float(), scales, reduction="sum")
        scale = valid.sum() if scales is None else scales.sum()
    return total / scale.clamp(min=1e-6)


def dice_loss(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """One minus the Dice coefficient, averaged over the classes present: (N, C, H, W), int64 (N, H, W) -> scalar.

    Dice = (2 * overlap + smooth) / (prediction + truth + smooth), summed over the batch
    (Milletari et al. 2016, arXiv:1606.04797, without their squares).
    """
    p, valid = probabilities(logits), (target != IGNORE_INDEX).unsqueeze(1)
    if p.shape[1] == 1:
        truth = (target == 1).unsqueeze(1).float()
    else:
        truth = F.one_hot(target.clamp(max=p.shape[1] - 1), p.shape[1]).permute(0, 3, 1, 2).float()
    p, truth = p * valid, truth * valid
    overlap, total = (p * truth).sum(dim=(0, 2, 3)), (p + truth).sum(dim=(0, 2, 3))
    present = truth.sum(dim=(0, 2, 3)) > 0
    dice = (2 * overlap + smooth) / (total + smooth)
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)


def build_loss(config: Config, weight: Tensor | None = None) -> Loss:
    """Return the loss that the config names, as a function of logits and target."""
    parts = config.loss.split("+")

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        total = logits.sum() * 0
        if "ce" in parts:
            total = total + cross_entropy(logits, target, weight)
        if "dice" in parts:
            total = total + dice_loss(logits, target)
        return total

    return loss

"""Cross-entropy, Dice, their relatives and sums of them, blind to ignored pixels (notebook 7)."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from segmentation_models_pytorch import losses
from torch import Tensor

from utils.config import Config
from utils.images import IGNORE_INDEX
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


def cross_entropy_and_dice(logits: Tensor, target: Tensor, weight: Tensor | None = None, smooth: float = 1.0) -> Tensor:
    """Sum of both losses over several classes, in less than half the time: (N, C, H, W), int64 (N, H, W) -> scalar.

    One softmax serves both, with a row for each class, and truth is never spread into a channel for each class.
    """
    log_p = logits.movedim(1, 0).flatten(1).log_softmax(dim=0)  # (C, P)
    valid = target.flatten() != IGNORE_INDEX
    truth = target.flatten().where(valid, 0)
    log_p_truth, count = log_p.gather(0, truth[None])[0], valid.to(log_p.dtype)
    scale = count if weight is None else count * weight[truth]
    entropy = -(log_p_truth * scale).sum() / scale.sum().clamp(min=1e-6)
    areas = torch.zeros(2, len(log_p), dtype=log_p.dtype, device=log_p.device)
    overlap, actual = areas.index_add(1, truth, torch.stack([log_p_truth.exp() * count, count]))
    dice = (2 * overlap + smooth) / (log_p.exp() @ count + actual + smooth)
    present = actual > 0
    return entropy + ((1 - dice) * present).sum() / present.sum().clamp(min=1)


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean binary cross-entropy of every class against the rest: logits (N, C, H, W), ids (N, H, W) -> scalar."""
    truth = target[:, None].float() if logits.shape[1] == 1 else one_hot(target, logits.shape[1])
    return F.binary_cross_entropy_with_logits(logits, truth)


def one_hot(target: Tensor, num_classes: int) -> Tensor:
    """Turn ids (N, H, W) into a channel for each class: float32 (N, C, H, W)."""
    return F.one_hot(target, num_classes).movedim(-1, 1).float()


def labelled_pixels(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pixels that count as one picture of one column: (1, C, P, 1) and (1, P, 1).

    So a loss that knows nothing of ignored pixels, or weighs them into its mean, honours them all the same.
    """
    keep = target != IGNORE_INDEX
    return logits.movedim(1, -1)[keep].T[None, :, :, None], target[keep][None, :, None]


# After the names: each is made for 'binary' or 'multiclass' masks.
OF_SMP: dict[str, Callable[[str], Loss]] = {
    "jaccard": losses.JaccardLoss,
    "focal": losses.FocalLoss,  # Lin et al. 2017, arXiv:1708.02002, gamma 2
    "tversky": lambda mode: losses.TverskyLoss(mode, alpha=0.3, beta=0.7),  # misses cost more: arXiv:1706.05721
    "lovasz": losses.LovaszLoss,  # Berman et al. 2018, arXiv:1705.08790
}


def build_loss(config: Config, weight: Tensor | None = None) -> Loss:
    """Return the loss that the config names, a sum such as 'ce+dice', as a function of logits and target.

    `weight` (C,) scales each class in 'ce'. Jaccard, focal, Tversky and Lovasz loss are those of
    segmentation-models-pytorch. Zero, with a gradient of zero, where every pixel is ignored.
    """
    terms = config.loss.split("+")

    def loss(logits: Tensor, target: Tensor) -> Tensor:
        total = logits.sum() * 0
        # A learner's own Dice takes the place of ours, so it is called then, and is as slow as it is.
        if {"ce", "dice"} <= {*terms} and logits.shape[1] > 1 and dice_loss.__module__ == __name__:
            total = total + cross_entropy_and_dice(logits, target, weight)
        else:
            if "ce" in terms:
                total = total + cross_entropy(logits, target, weight)
            if "dice" in terms:
                total = total + dice_loss(logits, target)
        for term in terms:
            if term not in ("ce", "dice"):
                total = total + other_loss(term, logits, target)
        return total

    return loss


def other_loss(name: str, logits: Tensor, target: Tensor) -> Tensor:
    """Compute one of the losses that this course uses and does not teach, over the pixels that count."""
    pixels, truth = labelled_pixels(logits, target)
    if truth.numel() == 0:
        return pixels.sum()  # zero, and still part of the graph
    if name == "bce":
        return binary_cross_entropy(pixels, truth)
    return OF_SMP[name]("binary" if logits.shape[1] == 1 else "multiclass")(pixels, truth)

"""The optimizer, the learning rate over a run, the learning-rate finder, and early stopping (notebook 8)."""

import copy
from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LambdaLR, LRScheduler, OneCycleLR
from torch.utils.data import DataLoader

from utils.config import Config
from utils.errors import ConfigError
from utils.losses import Loss
from utils.runtime import pick_device


def build_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """Return the optimizer over the weights that may learn; the encoder's at `encoder_rate` times the learning rate."""
    rates = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    groups = weight_groups(model, config.learning_rate, config.encoder_rate)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True, **rates)
    return {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimizer](groups, **rates)


def weight_groups(model: nn.Module, rate: float, encoder_rate: float) -> list[dict[str, Any]]:
    """Return the weights that may learn, as an optimizer takes them: one group, or the rest and the encoder."""
    if encoder_rate == 1:
        return [{"params": [p for p in model.parameters() if p.requires_grad]}]
    if not hasattr(model, "encoder"):
        raise ConfigError(f"encoder_rate={encoder_rate} needs a model with an encoder: set encoder_rate=1.")
    encoder = [p for p in model.encoder.parameters() if p.requires_grad]
    known = {id(p) for p in encoder}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    return [{"params": rest}] + [{"params": encoder, "lr": rate * encoder_rate}] * bool(encoder)  # it may be frozen


def build_scheduler(config: Config, optimizer: Optimizer, steps: int) -> LRScheduler:
    """Return the learning rate's course over all `steps` of the run."""
    if config.schedule == "one_cycle":  # Smith & Topin 2018, arXiv:1708.07120
        return OneCycleLR(optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=steps + 1)
    if config.schedule == "poly":
        return LambdaLR(optimizer, lambda step: float(poly_rate(step, steps, 1.0)))  # times the optimizer's rate
    if config.schedule == "cosine":  # Loshchilov & Hutter 2017, arXiv:1608.03983, without restarts
        return CosineAnnealingLR(optimizer, T_max=steps)
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


def poly_rate(step: int, steps: int, peak: float, power: float = 0.9) -> float:
    """Return the learning rate at `step` of `steps`: `peak` at step 0, ever lower, and 0 from step `steps` on.

    It is the peak times the share of the run still ahead, raised to `power` (DeepLab, arXiv:1606.00915).
    """
    ahead = max(1 - step / steps, 0.0)  # below 0, a power such as 0.9 would give a complex number
    return peak * ahead**power


def best_epoch(scores: Sequence[float]) -> int:
    """Return the number, counted from 1, of the epoch with the highest score: the first of equals.

    NaN (an epoch with nothing to score) is never the best; where every score is NaN, it is epoch 1.
    """
    best, number = float("-inf"), 1
    for epoch, score in enumerate(scores, start=1):
        if score > best:  # False for NaN
            best, number = score, epoch
    return number


def should_stop(scores: Sequence[float], patience: int | None) -> bool:
    """Say whether the last `patience` epochs brought no new best score (early stopping); None never stops.

    `scores` are those of all epochs so far, the first one first. An equal score is no new best, and NaN never is.
    """
    if patience is None or len(scores) <= patience:
        return False
    return len(scores) - best_epoch(scores) >= patience


def find_learning_rate(
    config: Config, model: nn.Module, loader: DataLoader, loss_fn: Loss, low: float = 1e-5, high: float = 1.0
) -> pd.DataFrame:
    """Raise the learning rate from `low` to `high` in one pass over the loader, and note the loss at each step.

    Works on a copy of the model. Returns the columns 'learning_rate' and 'loss' (Smith 2017, arXiv:1506.01186).
    """
    model, device = copy.deepcopy(model), pick_device(config.device)
    model.to(device).train()
    optimizer = build_optimizer(config, model)
    rows, factor = [], (high / low) ** (1 / max(len(loader) - 1, 1))
    for step, (images, masks) in enumerate(loader):
        rate = low * factor**step
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_fn(model(images.to(device)), masks.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rows.append({"learning_rate": rate, "loss": loss.item()})
        if loss.item() > 4 * min(row["loss"] for row in rows):
            break
    return pd.DataFrame(rows)

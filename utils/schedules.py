"""How fast to learn, and when to stop: optimizer, schedules, learning-rate finder, early stopping (notebook 8)."""

import copy

import pandas as pd
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR, PolynomialLR
from torch.utils.data import DataLoader

from utils.config import Config
from utils.losses import Loss
from utils.runtime import pick_device


def build_optimizer(config: Config, model: nn.Module) -> Optimizer:
    """Return the optimizer over the weights that may learn."""
    weights = [p for p in model.parameters() if p.requires_grad]
    rates = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.optimizer == "sgd":
        return torch.optim.SGD(weights, momentum=0.9, nesterov=True, **rates)
    return {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[config.optimizer](weights, **rates)


def build_scheduler(config: Config, optimizer: Optimizer, steps: int) -> LRScheduler:
    """Return the learning rate's course over all `steps` of the run."""
    if config.schedule == "one_cycle":  # Smith & Topin 2018, arXiv:1708.07120
        return OneCycleLR(optimizer, config.learning_rate, total_steps=steps + 1)
    if config.schedule == "poly":  # DeepLab, arXiv:1606.00915
        return PolynomialLR(optimizer, steps, power=0.9)
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


class EarlyStopping:
    """Says when to stop: after `patience` epochs in a row without a better score."""

    def __init__(self, patience: int | None) -> None:
        self.patience, self.best, self.waited = patience, float("-inf"), 0

    def step(self, score: float) -> bool:
        """Take the score of an epoch; return True when it is time to stop."""
        self.waited = 0 if score > self.best else self.waited + 1
        self.best = max(self.best, score)
        return self.patience is not None and self.waited >= self.patience


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

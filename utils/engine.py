"""One epoch of training, and one of validation (notebook 7)."""

import os
from collections.abc import Callable
from typing import NamedTuple

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from utils.config import Config
from utils.errors import ConfigError, TrainingError
from utils.losses import Loss
from utils.metrics import confusion_matrix
from utils.models import to_mask
from utils.runtime import pick_device, precision_here
from utils.tracking import need_tracker

LOOK_EVERY = 50  # steps; to read a loss makes a GPU wait


class NotFiniteError(TrainingError):
    """The loss of a step is NaN or infinite. `step` counts from 0 within the epoch."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"The loss became NaN or infinite in step {step + 1} of the epoch: lower learning_rate, or set "
            "precision='fp32'."
        )
        self.step = step


class Evaluation(NamedTuple):
    """Mean loss, and the confusion matrix of all pixels, int64 (C, C), row = truth."""

    loss: float
    matrix: Tensor


def train_step(
    model: nn.Module,
    images: Tensor,
    masks: Tensor,
    loss_fn: Loss,
    optimizer: Optimizer,
    accelerator: Accelerator,
    *,
    grad_clip: float = 1.0,
) -> Tensor:
    """Learn from one batch: loss, gradients, one step, gradients cleared. Return the loss, detached.

    The gradients come from `accelerator.backward`, which scales the loss where mixed precision needs it.
    """
    loss = loss_fn(model(images), masks)
    accelerator.backward(loss)
    if accelerator.sync_gradients and grad_clip:
        accelerator.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach()  # .item() here would wait for the GPU at every step


def train_one_epoch(
    model: nn.Module,
    loader: DataLoader,
    loss_fn: Loss,
    optimizer: Optimizer,
    accelerator: Accelerator,
    *,
    scheduler: LRScheduler | None = None,
    grad_clip: float = 1.0,
    on_step: Callable[[list[Tensor]], object] | None = None,
) -> float:
    """Show the model every batch once and step after each; return the mean training loss, over all processes.

    Model, loader, optimizer and scheduler come from `accelerator.prepare`, which knows about devices, mixed precision
    and gradient accumulation. `on_step` is called after every batch with the losses so far. Raises NotFiniteError, in
    every process, when the loss is no longer a number.
    """
    model.train()
    losses = []
    for images, masks in loader:
        with accelerator.accumulate(model):
            losses.append(train_step(model, images, masks, loss_fn, optimizer, accelerator, grad_clip=grad_clip))
            if scheduler:
                scheduler.step()
        if on_step:
            on_step(losses)
        if len(losses) % LOOK_EVERY == 0:
            mean_loss(losses, accelerator)
    return mean_loss(losses, accelerator)


def mean_loss(losses: list[Tensor], accelerator: Accelerator) -> float:
    """Return the mean of losses, over all processes. Raises NotFiniteError that names the first that is no number."""
    values = accelerator.reduce(torch.stack(losses), "mean")
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        raise NotFiniteError(int(bad[0]))
    return values.mean().item()


@torch.no_grad()
def evaluate(
    model: nn.Module,
    loader: DataLoader,
    loss_fn: Loss,
    num_classes: int,
    accelerator: Accelerator,
    threshold: float = 0.5,
) -> Evaluation:
    """Predict every batch without learning from it; return the mean loss and the summed confusion matrix.

    Several processes each count their own images, every image in one of them, and add up at the end.
    """
    model.eval()
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64, device=accelerator.device)
    total = torch.zeros(2, device=accelerator.device)
    for images, masks in loader:
        logits = model(images)
        total += torch.stack([loss_fn(logits, masks) * len(images), torch.tensor(len(images), device=logits.device)])
        matrix += confusion_matrix(to_mask(logits, threshold), masks, num_classes)
    total, matrix = accelerator.reduce(total), accelerator.reduce(matrix)
    return Evaluation((total[0] / total[1]).item(), matrix.cpu())


def make_accelerator(config: Config) -> Accelerator:
    """Return accelerate's engine for the device and precision that the config asks for.

    Train with the newest one only: accelerate keeps one state for the whole process, and this sets it anew. Raises
    ConfigError where several processes were started and do not find each other: each would train a run of its own.
    """
    device = pick_device(config.device)
    precision = precision_here(device) if config.precision == "auto" else config.precision
    need_tracker(config.tracker)
    if not torch.distributed.is_initialized():
        AcceleratorState._reset_state(True)  # a notebook may train twice, with other settings
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="no" if precision == "fp32" else precision,
        gradient_accumulation_steps=config.accumulate,
        log_with=None if config.tracker == "none" else config.tracker,
        project_dir=config.output,
        # One step of the schedule for a step of all processes together; `share_out` splits the batches.
        dataloader_config=DataLoaderConfiguration(split_batches=True),
    )
    started = int(os.environ.get("WORLD_SIZE", 1))
    if accelerator.num_processes != started:
        raise ConfigError(
            f"{started} processes were started, but {accelerator.num_processes} train together on {device}: set "
            "device='cpu' where there is no GPU, or start one process for each GPU with torchrun."
        )
    return accelerator

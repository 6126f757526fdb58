"""Everything that trains together: built from the config, and prepared by accelerate (notebook 8)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from utils.catalog.base import Source
from utils.config import Config
from utils.engine import make_accelerator
from utils.errors import ConfigError
from utils.loaders import class_pixels, class_weights, get_data_loaders
from utils.losses import Loss, build_loss
from utils.models import SegmentationModel, build_model
from utils.run_folder import has_state
from utils.runtime import seed_everything
from utils.schedules import build_optimizer, build_scheduler

PrepareLoader = Callable[[DataLoader, Accelerator], DataLoader]


@dataclass
class Session:
    """Everything that trains together, as the accelerator prepared it.

    Attributes:
        average: the moving average of the weights, where the config asks for one.
        unprepared: the training loader as it was built; its generator draws the order of the images.
    """

    config: Config
    accelerator: Accelerator
    model: nn.Module
    average: AveragedModel | None
    optimizer: Optimizer
    scheduler: LRScheduler
    unprepared: DataLoader
    train: DataLoader
    val: DataLoader
    loss_fn: Loss
    classes: tuple[str, ...]

    @property
    def kept_model(self) -> nn.Module:
        """The model that is validated and kept: the moving average where there is one."""
        return self.accelerator.unwrap_model(self.model) if self.average is None else self.average.module

    @property
    def parts(self) -> dict[str, Any]:
        """What a checkpoint must hold: everything that has a state. Random numbers have none: see `seed_epoch`."""
        model = self.accelerator.unwrap_model(self.model)
        parts = {"model": model, "optimizer": self.optimizer, "scheduler": self.scheduler}
        parts |= {"average": self.average, "scaler": self.accelerator.scaler}
        return {name: part for name, part in parts.items() if part is not None}


def start_session(
    config: Config,
    source: Source,
    model: SegmentationModel | None,
    loss_fn: Loss | None,
    prepare_loader: PrepareLoader,
    resume: bool,
) -> Session:
    """Read the data, build what the config names (unless it is given), and hand all of it to the accelerator."""
    loaders = get_data_loaders(config, source)
    accelerator = make_accelerator(config)
    seed_everything(config.seed)
    # A run that is resumed from its state does not fetch pretrained weights again.
    start = config.override(weights=None) if resume and has_state(config.output) else config
    model = (model or build_model(start, source.num_outputs)).to(memory_format=torch.channels_last)
    if config.batch_size == 1:
        refuse_single_values(model, config)
    weight = class_weights(class_pixels(loaders.train.dataset)).to(accelerator.device) if config.class_weights else None
    average = None
    if config.ema:  # it averages BatchNorm's statistics, too
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
        accelerator.prepare_model(average.to(accelerator.device).module, evaluation_mode=True)
    optimizer = build_optimizer(config, model)
    train, val = prepare_loader(loaders.train, accelerator), prepare_loader(loaders.val, accelerator)
    steps = -(-len(train) // config.accumulate) * config.epochs
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, build_scheduler(config, optimizer, steps))
    if config.compile:
        accelerator.unwrap_model(model).compile()
    return Session(
        config, accelerator, model, average, optimizer, scheduler, loaders.train, train, val,
        loss_fn or build_loss(config, weight), source.classes,
    )  # fmt: skip


def refuse_single_values(model: nn.Module, config: Config) -> None:
    """Raise ConfigError where a batch of one image leaves a BatchNorm a single value a channel to average over."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # on a copy: statistics and random numbers stay
        try:
            copy.deepcopy(model).train()(torch.zeros(1, 3, config.image_size, config.image_size, dtype=torch.uint8))
        except ValueError as error:
            raise ConfigError(
                f"batch_size=1 is too small for '{config.model}' ({error}). Set batch_size to 2 or more; where memory "
                "is short, take a smaller image_size or another model."
            ) from None

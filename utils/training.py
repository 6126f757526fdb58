"""The run: optimizer, schedule, early stopping, history, checkpoints, resume (notebook 8)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.utils.memory import should_reduce_batch_size
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from utils import catalog
from utils.catalog.base import Source
from utils.checkpoint import has_state
from utils.config import Config
from utils.distributed import share_out
from utils.engine import NotFiniteError, evaluate, make_accelerator, train_one_epoch
from utils.errors import TrainingError
from utils.loaders import class_pixels, class_weights, get_data_loaders, seed_epoch
from utils.losses import Loss, build_loss
from utils.metrics import pixel_accuracy, primary_iou, scores
from utils.models import SegmentationModel, build_model
from utils.runs import (
    SPLITS_FILE,
    Run,
    as_in_run,
    refuse_changed_data,
    refuse_to_overwrite,
    resume_run,
    save_epoch,
    save_history,
    save_splits,
    scores_of,
    start_folder,
)
from utils.runtime import seed_everything
from utils.schedules import build_optimizer, build_scheduler, should_stop
from utils.tracking import EpochPictures, log_pictures, print_epoch, start_tracker


@dataclass
class Session:
    """All that trains together, as the accelerator prepared it.

    `average` is the moving average of the weights, where one is kept; `drawn` the training loader as it was built,
    whose generator draws the order.
    """

    config: Config
    accelerator: Accelerator
    model: nn.Module
    average: AveragedModel | None
    optimizer: Optimizer
    scheduler: LRScheduler
    drawn: DataLoader
    train: DataLoader
    val: DataLoader
    loss_fn: Loss
    classes: tuple[str, ...]

    @property
    def judged(self) -> nn.Module:
        """The model that is validated and kept."""
        return self.accelerator.unwrap_model(self.model) if self.average is None else self.average.module

    @property
    def parts(self) -> dict[str, Any]:
        """What a checkpoint must hold: everything that has a state. Random numbers have none: see `seed_epoch`."""
        model = self.accelerator.unwrap_model(self.model)
        parts = {"model": model, "optimizer": self.optimizer, "scheduler": self.scheduler}
        parts |= {"average": self.average, "scaler": self.accelerator.scaler}
        return {name: part for name, part in parts.items() if part is not None}

    def pictures_of(self, step: int) -> str:
        """Name the pictures of a training step of this epoch and process."""
        numbers = self.train.batch_sampler.kept[step]
        pairs = getattr(self.train.dataset, "pairs", None)
        return ", ".join(pairs[n].image.name if pairs else f"number {n}" for n in numbers)


def start_session(
    config: Config, source: Source, resume: bool, model: SegmentationModel | None = None, loss_fn: Loss | None = None
) -> Session:
    """Read the data, build what the config names (unless it is given), and hand all of it to the accelerator.

    A run that is resumed from its state does not fetch pretrained weights again.
    """
    start = config.override(weights=None) if resume and has_state(config.output) else config
    loaders = get_data_loaders(config, source)
    accelerator = make_accelerator(config)
    seed_everything(config.seed)
    model = (model or build_model(start, source.num_outputs)).to(memory_format=torch.channels_last)
    weight = class_weights(class_pixels(loaders.train.dataset)).to(accelerator.device) if config.class_weights else None
    loss_fn = loss_fn or build_loss(config, weight)
    average = None
    if config.ema:  # of BatchNorm's statistics, too
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
        accelerator.prepare_model(average.to(accelerator.device).module, evaluation_mode=True)
    optimizer = build_optimizer(config, model)
    train, val = share_out(loaders.train, accelerator), share_out(loaders.val, accelerator)
    steps = -(-len(train) // config.accumulate) * config.epochs
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, build_scheduler(config, optimizer, steps))
    if config.compile:
        accelerator.unwrap_model(model).compile()
    return Session(
        config, accelerator, model, average, optimizer, scheduler, loaders.train, train, val, loss_fn, source.classes
    )


def fit(
    config: Config,
    *,
    source: Source | None = None,
    model: SegmentationModel | None = None,
    loss_fn: Loss | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[dict[str, Any], int], object] | None = print_epoch,
) -> Run:
    """Train as the config says, keep the best and the last state in `config.output`, and return the run.

    `model` and `loss_fn` take the place of those that the config names. Ctrl-C (or "interrupt" in a notebook) ends
    the run after the last whole epoch. Raises CourseError subclasses before training where input is wrong, and
    TrainingError where training cannot go on.
    """
    refuse_to_overwrite(config, resume, overwrite)
    source = source or catalog.load(config)
    if resume and (config.output / SPLITS_FILE).is_file():
        source = as_in_run(source, config.output)
        refuse_changed_data(source, config.output / SPLITS_FILE)
    session = start_session(config, source, resume, model, loss_fn)
    accelerator = session.accelerator
    history = resume_run(config, session.parts) if resume else []
    pictures = EpochPictures(session.val.dataset, source.classes, source.palette)
    accelerator.wait_for_everyone()  # each has found the run folder free before one fills it
    if accelerator.is_main_process:
        start_folder(config, resume)  # an earlier run is replaced only now, when nothing stands in the way
        save_splits(source, config.output / SPLITS_FILE)
        if history:  # a run may have been killed before it could write it
            save_history(config, history)
    start_tracker(accelerator, config)
    try:
        while len(history) < config.epochs and not should_stop(scores_of(history), config.patience):
            epoch = len(history) + 1
            row = run_epoch(session, epoch)
            if accelerator.is_main_process:
                save_epoch(config, source, session.parts, [*history, row])
                log_pictures(accelerator, pictures.predict(session.judged, accelerator), epoch)
                pictures.save(config.output / "pictures", epoch)
            history.append(row)
            accelerator.log({k: v for k, v in row.items() if k != "epoch"}, step=epoch)
            if on_epoch and accelerator.is_main_process:
                on_epoch(row, config.epochs)
    except KeyboardInterrupt:
        print(f"Stopped by you after {len(history)} whole epochs; go on with resume=True.")
    del session  # and memory with it; DistributedDataParallel must go before the group of its processes, or it hangs
    accelerator.free_memory()
    accelerator.end_training()
    return Run(config.output, pd.DataFrame(history))


def run_epoch(session: Session, epoch: int) -> dict[str, Any]:
    """Train and validate once; return the epoch's row of the history."""
    config, accelerator = session.config, session.accelerator
    seed_epoch(config, session.drawn, epoch, accelerator.process_index)
    start, rate = time.perf_counter(), session.optimizer.param_groups[0]["lr"]
    train_loss = train_epoch(session, epoch)
    images = sum(len(batch) for batch in session.train.batch_sampler.kept) * accelerator.num_processes
    images_per_second = images / (time.perf_counter() - start)
    model = session.model if session.average is None else session.average.module
    validation = evaluate(model, session.val, session.loss_fn, len(session.classes), accelerator)
    return {
        "epoch": epoch,
        "train_loss": train_loss,
        "val_loss": validation.loss,
        "val_score": primary_iou(validation.matrix),
        "val_accuracy": pixel_accuracy(validation.matrix),
        "learning_rate": rate,
        "images_per_second": images_per_second,
        "seconds": time.perf_counter() - start,
    } | {f"val_iou_{n}": v for n, v in zip(session.classes, scores(validation.matrix)["iou"].tolist(), strict=True)}


def train_epoch(session: Session, epoch: int) -> float:
    """Train once over the images, with a bar of progress; return the mean loss. Raises TrainingError.

    What stops it is told with the pictures at fault, or with what to change.
    """
    config, accelerator, steps = session.config, session.accelerator, len(session.train)
    images = config.batch_size * accelerator.num_processes
    bar = tqdm(
        total=steps * images, desc=f"epoch {epoch}/{config.epochs}", unit="images", leave=False, delay=10,
        disable=not accelerator.is_main_process,
    )  # fmt: skip

    def on_step(losses: list[torch.Tensor]) -> None:
        if session.average is not None and accelerator.sync_gradients:
            session.average.update_parameters(accelerator.unwrap_model(session.model))
        if len(losses) % 20 == 0 and not bar.disable:
            bar.set_postfix(loss=f"{losses[-1].item():.3f}", refresh=False)
        bar.update(images)

    try:
        with bar:
            return train_one_epoch(
                session.model, session.train, session.loss_fn, session.optimizer, accelerator, session.scheduler,
                config.grad_clip, on_step,
            )  # fmt: skip
    except NotFiniteError as error:
        raise TrainingError(
            f"{error} Look at the pictures of that step, too, and at their masks: {session.pictures_of(error.step)}. "
            f"Nothing that epoch {epoch - 1} left is lost."
        ) from None
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not should_reduce_batch_size(error):
            raise
        raise TrainingError(
            f"Out of memory on {accelerator.device} in epoch {epoch}: batches of {config.batch_size} images of "
            f"{config.image_size} x {config.image_size} do not fit beside the model. Halve batch_size (accumulate=2 "
            "keeps the step the same), or take a smaller image_size or model. "
            f"Nothing that epoch {epoch - 1} left is lost."
        ) from error

"""The run: epoch after epoch until the budget is spent or nothing improves any more (notebook 8).

`fit` reads from top to bottom: find what an earlier run left, build what the config names, train and validate epoch by
epoch, and leave a run folder behind.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd
import torch
from accelerate.utils.memory import should_reduce_batch_size

from utils import catalog
from utils.catalog.base import Source
from utils.config import Config
from utils.engine import NotFiniteError, evaluate, train_one_epoch
from utils.errors import TrainingError
from utils.loaders import put_on_device, seed_epoch, step_indices
from utils.losses import Loss
from utils.metrics import pixel_accuracy, primary_iou, scores
from utils.models import SegmentationModel
from utils.resuming import FOUND_FIELDS, open_run, source_to_resume
from utils.run_folder import alone_in_folder
from utils.runs import Run, save_epoch, scores_of, start_folder
from utils.runtime import free_cores, use_threads
from utils.schedules import should_stop
from utils.session import PrepareLoader, Session, start_session
from utils.tracking import EpochPictures, log_pictures, print_epoch, progress_bar, start_tracker


@alone_in_folder
def fit(
    config: Config,
    *,
    source: Source | None = None,
    model: SegmentationModel | None = None,
    loss_fn: Loss | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_epoch: Callable[[dict[str, Any], int], object] | None = print_epoch,
    prepare_loader: PrepareLoader = put_on_device,
) -> Run:
    """Train as the config says, keep the best and the last state in `config.output`, and return the run.

    `model` and `loss_fn` take the place of those that the config names. `prepare_loader` hands a loader to the
    accelerator; several processes need another one (segmenter/distributed.py). Ctrl-C (or "interrupt" in a notebook)
    ends the run after the last whole epoch. Raises CourseError subclasses before training where input is wrong, and
    TrainingError where training cannot go on.
    """
    config = with_threads(config, resume)
    source = source or catalog.load(config)
    if resume:
        source = source_to_resume(config, source)
    config = config.override(**source.found()) if config.dataset == source.name else config
    session = start_session(config, source, model, loss_fn, prepare_loader, resume)
    accelerator = session.accelerator
    history = open_run(config, session.parts) if resume else []
    pictures = EpochPictures(session.val.dataset, source.classes, source.palette)
    accelerator.wait_for_everyone()  # each process has found the run folder free before one of them fills it
    if accelerator.is_main_process:  # an earlier run is replaced only now, when nothing stands in the way
        start_folder(config, source, session.parts, history, resume, overwrite)
    start_tracker(accelerator, config)
    try:
        while len(history) < config.epochs and not should_stop(scores_of(history), config.patience):
            epoch = len(history) + 1
            with use_threads(config.threads), explaining_breakdowns(session, epoch):
                row = run_epoch(session, epoch)
            if accelerator.is_main_process:
                log_pictures(accelerator, pictures.predict(session.kept_model, accelerator), epoch)
                pictures.save(config.output / "pictures", epoch)
                save_epoch(config, source, session.parts, [*history, row])  # the last: it says that the epoch is whole
            history.append(row)
            accelerator.log({k: v for k, v in row.items() if k != "epoch"}, step=epoch)
            if on_epoch and accelerator.is_main_process:
                on_epoch(row, config.epochs)
    except KeyboardInterrupt:
        print(f"Stopped by you after {len(history)} whole epochs; go on with resume=True.")
    del session  # frees its memory; and DistributedDataParallel must go before the group of its processes, or it hangs
    accelerator.free_memory()
    accelerator.end_training()
    return Run(config.output, pd.DataFrame(history))


def with_threads(config: Config, resume: bool) -> Config:
    """Name the CPU threads of a run: those that the user gave, else those that it began with, else the free cores.

    What the run found in its files, such as the meaning of the masks, stays what it was, too.
    Their number changes the order in which sums are rounded: a run that is resumed gives the same bits with as many.
    """
    file = config.output / "config.yaml"
    before = Config.load(file) if resume and file.is_file() else config
    found = {name: getattr(before, name) for name in FOUND_FIELDS if not getattr(config, name)}
    return config.override(threads=config.threads or before.threads or free_cores(), **found)


def run_epoch(session: Session, epoch: int) -> dict[str, Any]:
    """Train and validate once; return the epoch's row of the history."""
    config, accelerator = session.config, session.accelerator
    seed_epoch(config, session.unprepared, epoch, accelerator.process_index)
    start, rate = time.perf_counter(), session.optimizer.param_groups[0]["lr"]
    train_loss = train_epoch(session, epoch)
    images = min(len(session.train) * config.batch_size * accelerator.num_processes, len(session.train.dataset))
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


@contextmanager
def explaining_breakdowns(session: Session, epoch: int) -> Iterator[None]:
    """Say what to change where memory runs out, or a process that reads the images is ended. Raises TrainingError."""
    config, unharmed = session.config, f"Nothing that epoch {epoch - 1} left is lost."
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if str(error).startswith("DataLoader worker (pid"):
            raise TrainingError(
                f"A worker that reads images was ended from outside in epoch {epoch}, most often because memory ran "
                f"out. Set workers=0, or fewer, and go on with resume=True. {unharmed}"
            ) from error
        if not isinstance(error, MemoryError) and not should_reduce_batch_size(error):
            raise
        # Batches of one image upset BatchNorm, so that advice ends at two.
        advice = "Take a" if config.batch_size < 4 else "Halve batch_size (accumulate=2 keeps the step), or take a"
        raise TrainingError(
            f"Out of memory on {session.accelerator.device} in epoch {epoch}: batches of {config.batch_size} images of "
            f"{config.image_size} x {config.image_size} do not fit beside the model. {advice} smaller image_size or "
            f"model. {unharmed}"
        ) from error


def train_epoch(session: Session, epoch: int) -> float:
    """Train once over the images, with a progress bar; return the mean loss.

    Raises TrainingError, which names the images of a loss that is no number.
    """
    config, accelerator = session.config, session.accelerator
    images = config.batch_size * accelerator.num_processes
    bar = progress_bar(len(session.train) * images, epoch, config.epochs, accelerator.is_main_process)

    def on_step(losses: list[torch.Tensor]) -> None:
        if session.average is not None and accelerator.sync_gradients:
            session.average.update_parameters(accelerator.unwrap_model(session.model))
        if len(losses) % 20 == 0 and not bar.disable:
            bar.set_postfix(loss=f"{losses[-1].item():.3f}", refresh=False)
        bar.update(images)

    try:
        with bar:
            return train_one_epoch(
                session.model, session.train, session.loss_fn, session.optimizer, accelerator,
                scheduler=session.scheduler, grad_clip=config.grad_clip, on_step=on_step,
            )  # fmt: skip
    except NotFiniteError as error:
        names = ", ".join(images_of_step(session, epoch, error.step))
        raise TrainingError(
            f"{error} Look at the pictures of that step, too, and at their masks: {names}. "
            f"Nothing that epoch {epoch - 1} left is lost."
        ) from None


def images_of_step(session: Session, epoch: int, step: int) -> list[str]:
    """Name the images of a training step: the epoch's order is drawn once more."""
    seed_epoch(session.config, session.unprepared, epoch, session.accelerator.process_index)
    indices = step_indices(session.train, session.unprepared.generator, step)
    pairs = getattr(session.train.dataset, "pairs", None)
    return [pairs[index].image.name if pairs else f"number {index}" for index in indices]

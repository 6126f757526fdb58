"""The run: optimizer, schedule, early stopping, history, checkpoints, resume (notebook 8)."""

import copy
import importlib.util
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from utils import catalog
from utils.catalog.base import Source
from utils.checkpoint import (
    LOCAL_FIELDS,
    load_state,
    load_weights,
    refuse_another_model,
    save_state,
    save_weights,
    write_atomically,
)
from utils.config import Config
from utils.distributed import share_out
from utils.engine import evaluate, train_one_epoch
from utils.errors import CheckpointError, ConfigError
from utils.loaders import class_pixels, class_weights, get_data_loaders
from utils.losses import Loss, build_loss
from utils.metrics import headline, pixel_accuracy
from utils.models import SegmentationModel, build_model
from utils.runtime import pick_device, pick_precision, seed_everything
from utils.schedules import best_epoch, build_optimizer, build_scheduler, should_stop
from utils.splits import SPLITS_FILE, as_in_run, save_splits


@dataclass
class Run:
    """A finished (or stopped) run: its folder, and one row of history for each epoch."""

    folder: Path
    history: pd.DataFrame

    @property
    def best(self) -> pd.Series:
        """The epoch with the best validation score."""
        return self.history.iloc[int(best_epoch(self.history["val_score"].tolist())) - 1]

    @classmethod
    def load(cls, folder: str | Path) -> "Run":
        """Read a run folder. Raises CheckpointError when it holds no history."""
        path = Path(folder) / "history.csv"
        if not path.is_file():
            raise CheckpointError(f"{folder} is no run folder: it has no history.csv.")
        return cls(Path(folder), pd.read_csv(path))


def make_accelerator(config: Config) -> Accelerator:
    """Return accelerate's engine for the device and precision that the config asks for.

    Train with the newest one only: accelerate keeps one state for the whole process, and this sets it anew.
    """
    device = pick_device(config.device)
    precision = pick_precision(device) if config.precision == "auto" else config.precision
    if config.tracker != "none" and importlib.util.find_spec(config.tracker) is None:  # accelerate would go on without
        raise ConfigError(f"tracker='{config.tracker}' needs a package: run `pip install {config.tracker}`.")
    if not torch.distributed.is_initialized():
        AcceleratorState._reset_state(True)  # a notebook may train twice, with other settings
    return Accelerator(
        cpu=device.type == "cpu",
        mixed_precision="no" if precision == "fp32" else precision,
        gradient_accumulation_steps=config.accumulate,
        log_with=None if config.tracker == "none" else config.tracker,
        project_dir=config.output,
    )


def refuse_to_overwrite(config: Config, resume: bool, overwrite: bool) -> None:
    """Raise CheckpointError when the run folder holds a run already (or something else), unless asked."""
    folder = config.output
    if resume or not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise CheckpointError(
            f"{folder} already holds a run. Choose another output, go on with it (resume, --resume), or replace it "
            "(overwrite, --overwrite)."
        )
    if not (folder / "config.yaml").is_file():
        raise CheckpointError(f"{folder} holds files that are no run: not deleted. Choose another output.")


def start_folder(config: Config, resume: bool) -> None:
    """Make the run folder, empty unless the run is resumed."""
    try:
        if config.output.exists() and not resume:
            shutil.rmtree(config.output)
        config.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(f"Cannot make the run folder {config.output}: {error.strerror}.") from None
    write_atomically(config.output / "config.yaml", config.save)


def seed_epoch(config: Config, loader: DataLoader, epoch: int, rank: int = 0) -> None:
    """Make order, augmentation and dropout of an epoch depend on the seed and its number alone.

    So a run that is resumed at an epoch sees exactly what it would have seen without the interruption. Several
    processes agree on the order; augmentation and dropout are each one's own.
    """
    seed = (config.seed + 7919 * epoch) % 2**32
    loader.generator.manual_seed(seed)
    seed = (seed + 104_729 * rank) % 2**32
    seed_everything(seed)
    if hasattr(loader.dataset.transform, "set_random_seed"):
        loader.dataset.transform.set_random_seed(seed)


def print_epoch(row: dict[str, Any], epochs: int) -> None:
    """Report an epoch as one line."""
    print(
        f"epoch {row['epoch']:3d}/{epochs}   train loss {row['train_loss']:.3f}   val loss {row['val_loss']:.3f}   "
        f"val IoU {row['val_score']:.3f}   {row['images_per_second']:.0f} images/s",
        flush=True,
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
    the run after the last whole epoch. Raises CourseError subclasses before training where input is wrong.
    """
    refuse_to_overwrite(config, resume, overwrite)
    source = source or catalog.load(config)
    if resume:
        source = as_in_run(source, config.output)
    loaders = get_data_loaders(config, source)
    accelerator = make_accelerator(config)
    seed_everything(config.seed)
    model = model or build_model(config, source.num_outputs)
    weight = class_weights(class_pixels(loaders.train.dataset)).to(accelerator.device) if config.class_weights else None
    loss_fn = loss_fn or build_loss(config, weight)
    optimizer = build_optimizer(config, model)
    train = share_out(loaders.train, accelerator)
    # accelerate steps the schedule once for every process
    steps = -(-len(train) // config.accumulate) * accelerator.num_processes * config.epochs
    scheduler = build_scheduler(config, optimizer, steps)
    model, optimizer, scheduler, val = accelerator.prepare(model, optimizer, scheduler, loaders.val)
    prepared = (model, optimizer, scheduler, train, val)
    parts = {"model": accelerator.unwrap_model(model), "optimizer": optimizer, "scheduler": scheduler}
    if accelerator.scaler is not None:
        parts["scaler"] = accelerator.scaler
    history = resume_run(config, parts) if resume else []
    accelerator.wait_for_everyone()  # each has found the run folder free before one fills it
    if accelerator.is_main_process:
        start_folder(config, resume)  # an earlier run is replaced only now, when nothing stands in the way
        save_splits(source, config.output / SPLITS_FILE)
    start_tracker(accelerator, config)
    try:
        while len(history) < config.epochs and not should_stop(scores_of(history), config.patience):
            epoch = len(history) + 1
            seed_epoch(config, loaders.train, epoch, accelerator.process_index)
            row = run_epoch(config, accelerator, prepared, loss_fn, epoch, len(source.classes))
            history.append(row)
            if accelerator.is_main_process:
                save_epoch(config, source, parts, history)
                if on_epoch:
                    on_epoch(row, config.epochs)
            accelerator.log({k: v for k, v in row.items() if k != "epoch"}, step=epoch)
    except KeyboardInterrupt:
        print(f"Stopped by you after {len(history)} whole epochs; go on with resume=True.")
    accelerator.end_training()
    return Run(config.output, pd.DataFrame(history))


def run_epoch(
    config: Config, accelerator: Accelerator, prepared: tuple, loss_fn: Loss, epoch: int, num_classes: int
) -> dict[str, Any]:
    """Train and validate once; return the epoch's row of the history.

    `prepared` is what the accelerator made of model, optimizer, scheduler, training loader and validation loader.
    """
    model, optimizer, scheduler, train, val = prepared
    start, rate = time.perf_counter(), optimizer.param_groups[0]["lr"]
    batches = tqdm(train, f"epoch {epoch}", leave=False, delay=10, disable=not accelerator.is_main_process)
    train_loss = train_one_epoch(model, batches, loss_fn, optimizer, accelerator, scheduler, config.grad_clip)
    images_per_second = len(train) * config.batch_size / (time.perf_counter() - start)
    validation = evaluate(model, val, loss_fn, num_classes, accelerator)
    return {
        "epoch": epoch,
        "train_loss": train_loss,
        "val_loss": validation.loss,
        "val_score": headline(validation.matrix),
        "val_accuracy": pixel_accuracy(validation.matrix),
        "learning_rate": rate,
        "images_per_second": images_per_second,
        "seconds": time.perf_counter() - start,
    }


def scores_of(history: list[dict]) -> list[float]:
    """Return the validation scores of the epochs so far."""
    return [row["val_score"] for row in history]


def snapshot(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the state of every part of a run as it is now: {name of the part: its state}.

    The states are copies: `state_dict()` alone hands out the living tensors, which go on training.
    """
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}


def resume(parts: dict[str, Any], states: dict[str, Any]) -> None:
    """Give every part of a run its saved state back; a part that has none stays as it is.

    Raises what `load_state_dict` raises where a state does not fit its part.
    """
    for name, part in parts.items():
        if name in states:  # a run that changes to fp16 has no scaler yet
            part.load_state_dict(states[name])


def save_epoch(config: Config, source: Source, parts: dict[str, Any], history: list[dict]) -> None:
    """Write what an epoch brought: the best weights first, then the state to resume from, then the history."""
    if best_epoch(scores_of(history)) == len(history):
        facts = {"epoch": history[-1]["epoch"], "val_score": history[-1]["val_score"]}
        save_weights(
            config.output / "best.safetensors", parts["model"], config, source.classes, source.palette, **facts
        )
    save_state(config.output / "last.ckpt", config=config.model_dump_json(), history=history, **snapshot(parts))
    table = pd.DataFrame(history)
    write_atomically(config.output / "history.csv", lambda path: table.to_csv(path, index=False))


def resume_run(config: Config, parts: dict[str, Any]) -> list[dict]:
    """Put the state of the last whole epoch back and return the history. Raises CheckpointError where it differs."""
    path = config.output / "last.ckpt"
    state = load_state(path)
    if not isinstance(state, dict) or not {"config", "history", "model", "optimizer", "scheduler"} <= state.keys():
        raise CheckpointError(f"{path} is no state of a run of this course: it cannot be resumed from.")
    try:
        before, now = Config.model_validate_json(state["config"]), config
    except ConfigError as error:
        raise CheckpointError(f"{path} is from another version of this course: {error}") from None
    changed = [f for f in Config.model_fields if f not in LOCAL_FIELDS and getattr(before, f) != getattr(now, f)]
    if changed:
        pairs = ", ".join(f"{f} was {getattr(before, f)!r} and is {getattr(now, f)!r}" for f in changed)
        raise CheckpointError(f"{config.output} belongs to another configuration: {pairs}. Change it back.")
    refuse_another_model(parts["model"], state["model"], path)
    resume(parts, state)
    return state["history"]


def start_tracker(accelerator: Accelerator, config: Config) -> None:
    """Begin tracking with TensorBoard or Weights & Biases (offline unless you are logged in or say otherwise)."""
    if config.tracker == "none":
        return
    if config.tracker == "wandb" and not os.environ.get("WANDB_API_KEY"):
        os.environ.setdefault("WANDB_MODE", "offline")
        os.environ.setdefault("WANDB_SILENT", "true")
        os.environ.setdefault("WANDB_CACHE_DIR", str(config.output / "wandb"))
    fields = {k: str(v) for k, v in config.model_dump().items()}
    options = {"wandb": {"dir": str(config.output), "name": config.output.name}} if config.tracker == "wandb" else {}
    accelerator.init_trackers("segmentation-course", fields, options)


def compare_runs(folders: list[Path]) -> pd.DataFrame:
    """Lay several runs side by side: what they were, and what they reached on validation."""
    rows = []
    for folder in folders:
        run, (state, header) = Run.load(folder), load_weights(folder / "best.safetensors")
        rows.append(
            {
                "run": folder.name,
                "model": header["config"].model,
                "augmentation": header["config"].augmentation,
                "seed": header["config"].seed,
                "parameters (M)": sum(t.numel() for t in state.values()) / 1e6,
                "best val IoU": run.best["val_score"],
                "epoch": int(run.best["epoch"]),
                "seconds": run.history["seconds"].sum(),
            }
        )
    return pd.DataFrame(rows).sort_values("best val IoU", ascending=False, ignore_index=True)

"""A grid of runs at equal budget: checked before anything is trained, and taken up again after a break."""

import gc
import os
import re
from collections.abc import Sequence
from itertools import product

import torch

from segmenter.comparison.tables import is_finished, refuse_foreign_tables, save_tables
from utils import catalog
from utils.catalog.base import Source
from utils.config import Config
from utils.errors import CheckpointError, ConfigError, CourseError
from utils.loaders import get_data_loaders
from utils.models import build_model
from utils.resuming import refuse_another_config
from utils.run_folder import has_only_begun, has_state
from utils.run_splits import SPLITS_FILE, as_in_run, read_splits, refuse_changed_data
from utils.schedules import build_optimizer
from utils.training import fit


def grid(config: Config, models: Sequence[str], augmentations: Sequence[str], seeds: Sequence[int]) -> list[Config]:
    """Return a run for each model, augmentation and seed, in folders of their own below `config.output`.

    All else is equal, and so is the budget: the same number of epochs, that is, of images seen. Raises ConfigError
    for a run named twice: it would pass for two, with no spread between them.
    """
    runs, names = [], set()
    for seed, model, augmentation in product(seeds, models, augmentations):  # a whole round for each seed
        name = f"{re.sub(r'[^A-Za-z0-9_.+-]+', '-', model)}-{augmentation}-seed{seed}"
        if name.lower() in names:  # some file systems do not tell capitals from small letters
            raise ConfigError(f"'{name}' would be trained twice: name every model, augmentation and seed once.")
        names.add(name.lower())
        output = config.output / name
        runs.append(config.override(model=model, augmentation=augmentation, seed=seed, output=output))
    return runs


def run_grid(runs: Sequence[Config], source: Source | None = None) -> dict[str, str]:
    """Train what is not trained yet; return the runs that failed: {name: sentence}.

    A run that was broken off goes on. Ctrl-C ends the grid (raises KeyboardInterrupt); the same call takes it up again.
    After every run, the tables and the plot in the folder of the grid are made anew. Everything is checked before
    anything is trained: raises ConfigError where a model cannot be trained, DataError for faulty files, and
    CheckpointError for a folder of another configuration, or data that changed since.
    """
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ConfigError("A comparison trains one run after the other, in one process: start it without torchrun.")
    refuse_foreign_tables(runs[0].output.parent)
    source = same_source(runs, source or catalog.load(runs[0]))
    check_models([config for config in runs if not is_finished(config)], source)
    failed = {}
    for number, config in enumerate(runs, start=1):
        name = config.output.name
        if is_finished(config):
            print(f"run {number}/{len(runs)}   {name}: there already", flush=True)
            continue
        print(f"run {number}/{len(runs)}   {name}", flush=True)
        try:
            fit(config, source=source, resume=has_state(config.output) or has_only_begun(config.output), on_epoch=None)
        except CourseError as error:
            failed[name] = str(error)
            print(f"failed: {error}", flush=True)
            continue
        finally:
            gc.collect()  # frees the model before the next one needs its memory
        if not is_finished(config):  # `fit` ends quietly when Ctrl-C interrupts it
            raise KeyboardInterrupt
        save_tables(runs)
    return failed


def same_source(runs: Sequence[Config], source: Source) -> Source:
    """Return the data set with the splits of the runs that are there already: all train and score on the same pairs.

    Raises CheckpointError where a run that is there had another configuration or other data.
    """
    begun = [config for config in runs if (config.output / "config.yaml").is_file()]
    for config in begun:
        refuse_another_config(Config.load(config.output / "config.yaml"), config)
    folders = [config.output for config in begun if (config.output / SPLITS_FILE).is_file()]
    if not folders:
        return source
    tables = [read_splits(folder / SPLITS_FILE).sort_index() for folder in folders]
    for folder, table in zip(folders, tables, strict=True):
        if not table.equals(tables[0]):
            raise CheckpointError(
                f"{folder} and {folders[0]} had other pairs or splits: their scores do not compare. Move one away."
            )
    source = as_in_run(source, folders[0])
    refuse_changed_data(source, folders[0] / SPLITS_FILE)
    return source


def check_models(pending: Sequence[Config], source: Source) -> None:
    """Read the data, build every model and give it two images, so that no mistake surfaces after hours."""
    if pending:
        get_data_loaders(pending[0], source)
    for name in dict.fromkeys(config.model for config in pending):
        todo = [config for config in pending if config.model == name]
        resumed = all(has_state(config.output) for config in todo)  # these need no pretrained weights again
        model = build_model(todo[0].override(weights=None) if resumed else todo[0], source.num_outputs)
        build_optimizer(todo[0], model)
        try_model(model, todo[0])


def try_model(model: torch.nn.Module, config: Config) -> None:
    """Raise ConfigError where a model cannot train on images of this size, or on so few at once."""
    count, size = min(config.batch_size, 2), config.image_size
    try:
        with torch.no_grad():  # in training mode, where BatchNorm needs more than one value a channel
            model.train()(torch.zeros(count, 3, size, size, dtype=torch.uint8))
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise ConfigError(
            f"'{config.model}' cannot train on {size} x {size} pixels in batches of {config.batch_size} ({reason}). "
            "Take a larger image_size or batch_size, or leave this model out."
        ) from error

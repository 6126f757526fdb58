"""`train`: a run folder with the best weights, the state to go on from, and the history."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segmenter.commands.options import PREFIX, add_config, make_config
from utils.config import Config
from utils.errors import ConfigError, printable
from utils.presets import PRESETS

if TYPE_CHECKING:  # the catalog, and torch with it, is imported when the command runs
    from utils.catalog.base import Source


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--config", type=Path, help="YAML file; options on the command line come on top")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --output, as it was configured; more --epochs train it longer",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the run in --output")
    parser.add_argument(
        "--minutes",
        type=float,
        help="train as many epochs as fit into this time on this machine; a few batches are timed first",
    )
    add_config(parser, Config.model_fields)


def run(config: Path | None, resume: bool, overwrite: bool, minutes: float | None, **options: Any) -> None:
    """Train a model; the run folder is --output."""
    if minutes is not None:
        refuse_minutes(minutes, resume, options)
    if resume and config is None:
        config = config_of_run(options)
    settings = make_config(options, config)  # before the slow import, so that a typo is refused at once
    from accelerate import PartialState

    from segmenter.distributed import share_out
    from segmenter.formats.sources import with_pairs
    from segmenter.quick import refuse_one_class, within_training_set
    from utils import catalog
    from utils.run_folder import refuse_to_overwrite
    from utils.training import fit

    refuse_to_overwrite(settings, resume, overwrite)  # before the data set is downloaded or read
    settings = with_pairs(settings)
    source = catalog.load(settings)
    refuse_one_class(source)
    if config is None and options.get(f"{PREFIX}batch_size") is None:
        settings = within_training_set(settings, source)
    if not int(os.environ.get("RANK", 0)):  # asking accelerate now would settle which device it takes
        print(tell(source, settings), flush=True)
    if minutes is not None:
        settings = fill(minutes, settings, source)
    finished = fit(settings, source=source, resume=resume, overwrite=overwrite, prepare_loader=share_out)
    if finished.history.empty or not PartialState().is_main_process:
        return
    best = finished.best
    print(f"Best validation IoU {best['val_score']:.3f} in epoch {best['epoch']:.0f}; the run is in {finished.folder}")


def refuse_minutes(minutes: float, resume: bool, options: dict[str, Any]) -> None:
    """Raise ConfigError where it is no time, the epochs are named already, or several processes would time it."""
    if minutes <= 0:
        raise ConfigError(f"--minutes {minutes:g}: give a time above zero, such as 10.")
    if resume or options.get(f"{PREFIX}epochs") is not None:
        raise ConfigError("--minutes chooses the epochs of a new run: leave out --resume and --epochs, or --minutes.")
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise ConfigError("--minutes times one process: with torchrun, name --epochs.")


def fill(minutes: float, settings: Config, source: "Source") -> Config:
    """Set the epochs so that a run takes the minutes, and say what was found."""
    from segmenter.time_budget import epochs_within

    epochs, seconds = epochs_within(minutes, settings, source)
    print(f"{minutes:g} minutes are {epochs} epochs of about {seconds:.1f} s on this machine.", flush=True)
    return settings.override(epochs=epochs)


def tell(source: "Source", settings: Config) -> str:
    """Say how the files of a data set are read and what the model starts from, before a long run pays for it."""
    from segmenter.check.copies import pairs_listed_twice
    from segmenter.formats.sizes import is_turned
    from utils.images import IGNORE_INDEX

    shares = source.pixel_shares
    names = [f"{name} {shares.get(i, 0):.1%}" if shares else name for i, name in enumerate(source.classes)]
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    lines = [*source.describe(), ("classes", f"{len(names)} ({listed})")]
    if shares:
        lines.append(("ignored", f"{shares.get(IGNORE_INDEX, 0):.1%} of all pixels"))
    assigned = source.assigned()
    images = [pair.image for pairs in assigned.values() for pair in pairs]
    if turned := [image for image in images if is_turned(image)]:
        words = f"{len(turned)} of {len(images)} images, as EXIF data says: draw masks on the upright ones"
        lines.append(("turned", f"{words}: {source.relative(turned[0])}"))
    if twice := pairs_listed_twice(assigned)["pair listed in several splits"]:
        first = f"{source.relative(twice[0].files[0])} in {' and '.join(twice[0].facts['splits'])}"
        lines.append(("warning", f"{len(twice)} of the images are in several splits, which flatters scores: {first}"))
    if settings.batch_size == len(assigned["train"]):
        lines.append(("batch", f"{settings.batch_size} images, which are all that there are to train on"))
    lines.append(("model", f"{settings.model}, from {start_of(settings)}"))
    return printable("\n".join([source.name, *(f"    {title}: {words}" for title, words in lines)]))


def start_of(settings: Config) -> str:
    """Name the weights that a model starts from, and where a better start was left out with the preset's model."""
    if settings.weights:
        return f"the weights '{settings.weights}'"
    preset = PRESETS.get(settings.dataset, {})
    left_out = preset.get("weights") if settings.model.startswith("smp:") else None
    if not left_out or settings.model == preset["model"]:  # then random weights were asked for
        return "random weights"
    rates = f"--learning-rate {preset['learning_rate']:g} --encoder-rate {preset['encoder_rate']:g}"
    return f"random weights (its '{left_out}' weights learn faster: --weights {left_out} {rates})"


def config_of_run(options: dict[str, Any]) -> Path | None:
    """Return the configuration that the run in --output keeps, where there is one; the output stays as it was given."""
    output = Path(options.get(f"{PREFIX}output") or Config.model_fields["output"].default).expanduser()
    options[f"{PREFIX}output"] = output
    return output / "config.yaml" if (output / "config.yaml").is_file() else None

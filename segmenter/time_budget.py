"""How many epochs a given time is enough for: a few batches are trained and validated, and the rest is arithmetic."""

import copy
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from utils.catalog.base import Pair, Source
from utils.config import Config
from utils.errors import ConfigError
from utils.training import fit

BATCHES = 3  # of training, and of validation, in each of the two epochs of the trial


def epochs_within(minutes: float, config: Config, source: Source) -> tuple[int, float]:
    """Return how many epochs fit into the minutes on this machine, and how many seconds one takes.

    The trial trains what the config names, in a folder that is removed again; of its two epochs the second counts,
    because the first one also warms up. Raises ConfigError where the time is not enough for a single epoch.
    """
    splits = {split: source.pairs(split) for split in ("train", "val")}
    few = {split: pairs[: BATCHES * config.batch_size] for split, pairs in splits.items()}
    with TemporaryDirectory() as folder:
        trial = config.override(epochs=2, output=Path(folder) / "trial", tracker="none", patience=None)
        with redirect_stdout(StringIO()):
            row = fit(trial, source=only(source, few), on_epoch=None).history.iloc[-1]
    training = 1 / row["images_per_second"]  # seconds for an image
    trained = len(few["train"]) // config.batch_size * config.batch_size
    validation = (row["seconds"] - trained * training) / len(few["val"])
    seconds = len(splits["train"]) * training + len(splits["val"]) * validation
    epochs = int(60 * minutes / seconds)
    if epochs < 1:
        raise ConfigError(
            f"--minutes {minutes:g}: one epoch takes about {seconds / 60:.1f} minutes on this machine. Give more time, "
            "or a smaller --image-size."
        )
    return epochs, seconds


def only(source: Source, pairs: dict[str, list[Pair]]) -> Source:
    """Return a source of the same classes with these pairs only."""
    part = copy.copy(source)
    part.fixed = {source.relative(pair.image): split for split, members in pairs.items() for pair in members}
    return part

"""The data sets: one file each. A new file here with a `source(config)` function adds one."""

import importlib
import pkgutil

from utils.catalog.base import Pair, Source
from utils.config import Config, nearest
from utils.errors import ConfigError

__all__ = ["Pair", "Source", "load", "names"]

# Modules that data sets share, and which are none themselves.
SHARED = {
    "base", "class_table", "colours", "csv_columns", "download", "layouts", "mask_coding", "mask_meaning", "mask_scan",
    "matching", "no_pairs", "pair_lists", "places", "tables", "white",
}  # fmt: skip


def names() -> list[str]:
    """Return the names that `Config.dataset` accepts."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in SHARED)


def load(config: Config) -> Source:
    """Return the data set that `config.dataset` names, downloaded and verified where that is needed.

    Raises ConfigError for an unknown name and DataError for files that are missing or wrong.
    """
    if config.dataset not in names():
        hint = nearest(config.dataset, names())
        raise ConfigError(f"There is no data set '{config.dataset}'; there are {', '.join(names())}.{hint}")
    module = importlib.import_module(f"utils.catalog.{config.dataset}")
    if config.variant is not None and not hasattr(module, "VARIANTS"):
        raise ConfigError(f"'{config.dataset}' has one edition only: leave variant='{config.variant}' out.")
    source: Source = module.source(config)
    source.variant, source.splits, source.split_seed = config.variant, config.splits, config.split_seed
    source.prepare()
    return source

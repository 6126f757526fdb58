"""What several commands share: the fields of a Config as options, and the data set of a run."""

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.config import Config

if TYPE_CHECKING:  # a command imports the catalog, and torch with it, when it runs
    from utils.catalog.base import Source

PREFIX = "field_"  # of an option that is a field of Config, so that it never collides with a command's own


def add_run(parser: ArgumentParser) -> None:
    """Add the argument that names a trained run."""
    parser.add_argument("run", type=Path, help="run folder or .safetensors file")


def add_config(parser: ArgumentParser, names: Iterable[str]) -> None:
    """Add `--field value` for fields of Config. The values stay text here; pydantic validates them."""
    group = parser.add_argument_group("configuration (see utils/config.py)")
    for name in names:
        several = {"nargs": "+"} if name == "classes" else {}
        metavar = name.split("_")[-1].upper()
        text = (Config.model_fields[name].description or "").replace("%", "%%")
        group.add_argument(f"--{name.replace('_', '-')}", dest=PREFIX + name, metavar=metavar, help=text, **several)


def make_config(options: dict[str, Any], path: Path | None = None) -> Config:
    """Build a Config from a YAML file or the preset of the data set, with the options given on top.

    `none` stands for None in every field that may be None.
    """
    given = {k.removeprefix(PREFIX): v for k, v in options.items() if k.startswith(PREFIX) and v is not None}
    for name, value in given.items():
        if value in ("none", "None") and Config.model_fields[name].default is None:
            given[name] = None
    if path is not None:
        return Config.load(path).override(**given)
    return Config.preset(given.pop("dataset", "tiny"), **given)


def source_of(run: Path, root: Path | None, config: Config, dataset: str | None = None) -> "Source":
    """Return the data set of a run, split as it was there, or another one (`dataset`) that a run is tried on.

    `root` is where the data set lies now; without it, where the run's own config says. Weights alone do not say it.
    """
    from utils import catalog
    from utils.run_splits import as_in_run

    if dataset is not None and dataset != config.dataset:  # what the run says of its own masks does not hold there
        config = Config.preset(dataset)
    elif root is None and (run / "config.yaml").is_file():
        root = Config.load(run / "config.yaml").root
    return as_in_run(catalog.load(config.override(root=root) if root else config), run)

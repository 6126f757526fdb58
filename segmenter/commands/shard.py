"""`shard`: many small files in few large ones."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from segmenter.commands.options import add_config, make_config


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--output", type=Path, required=True, help="new folder for the shards")
    parser.add_argument("--megabytes", type=int, default=256, help="size of a shard")
    add_config(parser, ("dataset", "root", "classes", "variant", "splits", "split_seed", "max_side"))


def run(output: Path, megabytes: int, **options: Any) -> None:
    """Pack a data set into WebDataset shards, which the data set 'folder' reads."""
    from segmenter.shards import write_shards
    from utils import catalog

    config = make_config(options)
    source = catalog.load(config)
    shards = write_shards(source, output, config.max_side, megabytes)
    print(f"{len(shards)} shards are in {output}; its licence stays: {source.license}")
    print(f"Train on them: python -m segmenter train --dataset folder --root {output}")

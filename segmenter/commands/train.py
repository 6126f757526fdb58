"""`train`: a run folder with the best weights, the state to go on from, and the history."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from segmenter.commands.options import add_config, make_config
from utils.config import Config


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--config", type=Path, help="YAML file; options on the command line come on top")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in --output")
    add_config(parser, Config.model_fields)


def run(config: Path | None, resume: bool, overwrite: bool, **options: Any) -> None:
    """Train a model; the run folder is --output."""
    settings = make_config(options, config)  # before the slow import, so that a typo is refused at once
    from accelerate import PartialState

    from segmenter.distributed import share_out
    from utils.training import fit

    finished = fit(settings, resume=resume, overwrite=overwrite, prepare_loader=share_out)
    if finished.history.empty or not PartialState().is_main_process:
        return
    best = finished.best
    print(f"Best validation IoU {best['val_score']:.3f} in epoch {best['epoch']:.0f}; the run is in {finished.folder}")

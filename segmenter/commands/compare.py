"""`compare`: models, augmentations and seeds at equal budget."""

import sys
from argparse import ArgumentParser
from typing import Any

from segmenter.commands.options import PREFIX, add_config, make_config
from utils.config import Config

COMPARED = ("model", "augmentation", "seed")  # the fields of Config that take several values here


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--models", nargs="+", required=True, help="as for --model, such as unet smp:fpn/mobilenet_v2")
    parser.add_argument("--augmentations", nargs="+", default=["medium"], help="as for --augmentation")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add_config(parser, [name for name in Config.model_fields if name not in COMPARED])


def run(models: list[str], augmentations: list[str], seeds: list[int], **options: Any) -> int:
    """Train several models with several augmentations and seeds, and lay them side by side."""
    config = make_config(
        {**options, f"{PREFIX}model": models[0]}
    )  # before the slow import, so that a typo is refused at once
    from segmenter.comparison import grid, run_grid
    from segmenter.comparison.tables import caption, is_finished, save_tables

    runs = grid(config, models, augmentations, seeds)
    failed, stopped = {}, False
    try:
        failed = run_grid(runs)
    except KeyboardInterrupt:
        stopped = True
    finished = sum(is_finished(run_config) for run_config in runs)
    if finished:
        table = save_tables(runs).to_string(index=False, float_format="{:.3f}".format, na_rep="\N{EN DASH}")
        print(f"{table}\n{caption(config)}")
        print(f"comparison.csv, summary.csv, comparison.png and the runs are in {config.output}")
    for name, sentence in failed.items():
        print(f"failed: {name}: {sentence}", file=sys.stderr)
    if finished < len(runs):
        print(f"{finished} of {len(runs)} runs are finished. The same command goes on where this one stopped.")
    return 1 if failed or stopped else 0

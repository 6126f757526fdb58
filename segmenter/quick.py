"""A first segmenter in one call: pretrained, fine-tuned on a folder of pairs, and ready for pictures."""

from pathlib import Path
from typing import Any

import numpy as np

from utils import catalog
from utils.catalog.base import Source
from utils.config import COURSE, Config
from utils.dataset import read_pair
from utils.errors import DataError
from utils.inference import Predictor
from utils.models import build_model
from utils.runtime import seed_everything
from utils.tracking import print_epoch
from utils.training import fit

WATCHED = 2  # of the validation pictures, the one that is predicted after every epoch


class FineTuned(Predictor):
    """A predictor that remembers how it learned: its masks of one validation picture, uint8 (H, W), epoch by epoch."""

    watched: list[np.ndarray]


def fine_tune(folder: str | Path | None = None, *, output: str | Path | None = None, **fields: Any) -> FineTuned:
    """Fine-tune a network that knows ImageNet on a folder of pairs, and return it ready for pictures of any size.

    Args:
        folder: images with masks, in any layout that `python -m segmenter check FOLDER` recognises; without one, the
            18 training photographs of data/pets_mini.
        output: the run folder; by default runs/first, where an earlier run is replaced.
        **fields: what differs from the preset for photographs, such as epochs=40 (fields of `Config`).

    Raises CourseError subclasses where the folder cannot be read, or the ImageNet weights are out of reach.
    """
    data = {"dataset": "pets_mini"} if folder is None else {"dataset": "folder", "root": Path(folder)}
    config = Config.preset(**{**data, "output": Path(output or COURSE / "runs" / "first"), **fields})
    source = catalog.load(config)
    refuse_one_class(source)
    config = config if "batch_size" in fields else within_training_set(config, source)
    seed_everything(config.seed)
    model = build_model(config, source.num_outputs)  # built here, so that it can be looked at between two epochs
    photograph = read_pair(source.pairs("val")[: WATCHED + 1][-1], source)[0]
    masks = []

    def after_epoch(row: dict[str, Any], epochs: int) -> None:
        print_epoch(row, epochs)
        masks.append(Predictor(model, config, source.classes, source.palette)(photograph).mask)

    run = fit(config, source=source, model=model, overwrite=output is None, on_epoch=after_epoch)
    predictor = FineTuned.from_run(run.folder, device=config.device)
    predictor.watched = masks
    return predictor


def within_training_set(config: Config, source: Source) -> Config:
    """Return the config with a batch of at most as many images as there are to train on, where there are any."""
    return config.override(batch_size=min(config.batch_size, len(source.assigned()["train"]) or config.batch_size))


def refuse_one_class(source: Source) -> None:
    """Raise DataError where all labelled pixels of the masks are of one class, so that there is nothing to learn."""
    found = [name for i, name in enumerate(source.classes) if source.pixel_shares and source.pixel_shares.get(i)]
    if source.pixel_shares and len(found) < 2:
        words = f"is of the class '{found[0]}'" if found else "is ignored"
        raise DataError(
            f"Every pixel of the masks in {source.root} {words}, so there is nothing to learn: look at them, or at "
            "what their values mean (python -m segmenter check FOLDER --html page.html)."
        )

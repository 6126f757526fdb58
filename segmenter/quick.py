"""A first segmenter in one call: pretrained, fine-tuned on a folder of pairs, and ready for pictures."""

from pathlib import Path
from typing import Any

from utils.config import COURSE, Config
from utils.inference import Predictor
from utils.training import fit


def fine_tune(folder: str | Path | None = None, *, output: str | Path | None = None, **fields: Any) -> Predictor:
    """Fine-tune a network that knows ImageNet on a folder of pairs, and return it ready for pictures of any size.

    Args:
        folder: images with masks, in any layout that `python -m segmenter check FOLDER` recognises; without one, the
            18 training photographs of data/pets_mini.
        output: the run folder; by default runs/first, where an earlier run is replaced.
        **fields: what differs from the preset for photographs, such as epochs=40 (fields of `Config`).

    Raises CourseError subclasses where the folder cannot be read, or the ImageNet weights are out of reach.
    """
    data = {"dataset": "pets_mini"} if folder is None else {"dataset": "folder", "root": Path(folder)}
    config = Config.preset(**data, **{"output": Path(output or COURSE / "runs" / "first"), **fields})
    run = fit(config, overwrite=output is None)
    return Predictor.from_run(run.folder, device=config.device)

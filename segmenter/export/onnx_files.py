"""ONNX files with their classes and settings inside, used and scored as the model they came from (notebook 9)."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segmenter.evaluation import SplitReport, report_split
from segmenter.optional import require
from segmenter.outputs import MADE_BY
from utils.catalog.base import Source
from utils.checkpoint import LOCAL_FIELDS, read_classes
from utils.config import Config
from utils.errors import CheckpointError, CourseError
from utils.inference import Predictor

ONNX_PACKAGES = "onnx onnxscript onnxruntime"  # what `pip install` takes; Colab has none of them


def describe(predictor: Predictor) -> dict[str, str]:
    """Return all that a program beside this course needs to know of a model: names and values, as text."""
    config = predictor.config
    return {
        "origin": MADE_BY,
        "classes": json.dumps(predictor.classes),
        "palette": json.dumps(predictor.palette),
        "framing": config.framing,
        "image_size": str(config.image_size),
        "max_side": str(config.max_side or ""),
        "threshold": str(predictor.threshold),
        "stride": str(predictor.model.stride),
        "config": config.model_dump_json(exclude=LOCAL_FIELDS),
    }


def load_onnx(path: str | Path, threads: int = 0, **options: Any) -> Predictor:
    """Return a Predictor that runs an exported file through onnxruntime, on the CPU.

    `threads` is how many it uses (0: all); the other options are those of Predictor. Raises CheckpointError where the
    file is no ONNX model, or says nothing of its classes.
    """
    model = OnnxModel(path, threads)
    try:
        config = Config(**{**json.loads(model.about["config"]), "weights": None, "device": "cpu"})
        classes, palette = read_classes(model.about)
        options = {"threshold": float(model.about["threshold"]), **options}
    except (CourseError, ValueError, KeyError, TypeError):
        raise CheckpointError(
            f"{path} does not say what its classes are: export it with `python -m segmenter export RUN`."
        ) from None
    return Predictor(model, config, classes, palette, **options)


def score_onnx(path: str | Path, source: Source, split: str = "test", threads: int = 0) -> SplitReport:
    """Score an exported file on a split, through onnxruntime, exactly as `report_split` scores a run."""
    return report_split(load_onnx(path, threads), source, split)


class OnnxModel(nn.Module):
    """An exported file that is called like the model it was: uint8 (N, 3, H, W) -> logits (N, C, H, W)."""

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        super().__init__()
        onnxruntime = require("onnxruntime", ONNX_PACKAGES)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # of onnxruntime's own kinds, which share no base
            raise CheckpointError(f"{path} is no ONNX model that onnxruntime can read. Export it again.") from error
        self.path, self.about = path, self.session.get_modelmeta().custom_metadata_map
        self.stride = int(self.about.get("stride", 32))

    def forward(self, images: Tensor) -> Tensor:
        wanted = self.session.get_inputs()[0].shape
        if isinstance(wanted[2], int) and list(images.shape[2:]) != wanted[2:]:
            height, width = images.shape[2:]
            raise CourseError(
                f"{self.path} takes squares of {wanted[2]} pixels only, not {width}x{height}: "
                "export the run again, for any size."
            )
        batches = images.split(1) if wanted[0] == 1 else [images]
        return torch.cat([run_session(self.session, batch) for batch in batches])


def run_session(session: Any, images: Tensor) -> Tensor:
    """Run an onnxruntime session: uint8 (N, 3, H, W) -> float32 (N, C, H, W)."""
    return torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])

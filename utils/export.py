"""Models that run without this course: torch.export and ONNX, checked against the original (notebook 9)."""

import warnings
from pathlib import Path

import torch
from torch import Tensor

from utils.errors import CourseError
from utils.models import SegmentationModel


def export_program(model: SegmentationModel, path: Path, size: int = 256) -> float:
    """Save a torch.export program for uint8 (1, 3, size, size); return its largest logit difference."""
    model = model.cpu().eval()
    images = example(size)
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # torch warns about its own internals
        torch.export.save(torch.export.export(model, (images,)), path)
        loaded = torch.export.load(path).module()
        return (loaded(images) - model(images)).abs().max().item()


def export_onnx(model: SegmentationModel, path: Path, size: int = 256) -> float:
    """Save ONNX for uint8 (1, 3, size, size), normalisation inside; return its largest logit difference.

    Raises CourseError when onnx, onnxscript or onnxruntime is not installed (Colab has none of them).
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise CourseError(
            f"The package {error.name} is missing: run `pip install onnx onnxscript onnxruntime`, then this again."
        ) from None
    model = model.cpu().eval()
    images = example(size)
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            model,
            (images,),
            path,
            input_names=["images"],
            output_names=["logits"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])
    with torch.no_grad():
        return (found - model(images)).abs().max().item()


def example(size: int) -> Tensor:
    """Noise to trace and compare with: uint8 (1, 3, size, size)."""
    return torch.randint(256, (1, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

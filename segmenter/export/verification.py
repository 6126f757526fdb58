"""Whether an exported file computes what the model computes."""

from collections.abc import Callable

import torch
from torch import Tensor

from segmenter.export.tracing import Exportable, export_refusal, sample_images
from utils.errors import CourseError

TOLERANCE = 1e-3  # largest difference of a logit, as a share of the largest logit
CHECKED = ((1, 1, 1), (1, 50, 31), (2, 33, 70), (3, 64, 96))  # (N, H, W), beside the size that was asked for


def largest_difference(run: Callable[[Tensor], Tensor], model: Exportable, size: int, dynamic: bool) -> float:
    """Return the largest difference of a logit between an exported file and its model, over images of several sizes.

    Raises CourseError where it is too large, or the file fails.
    """
    largest, scale = 0.0, 0.0
    for count, height, width in ((1, size, size), *(CHECKED if dynamic else ())):
        images = sample_images(count, height, width)
        with torch.no_grad():
            expected = model(images)
            try:
                difference = (run(images) - expected).abs().max().item()
            except Exception as error:  # a program refuses a size by kinds of its own
                raise export_refusal(model, f"it fails at {width}x{height} pixels") from error
        largest, scale = max(largest, difference), max(scale, expected.abs().max().item())
        if not difference <= TOLERANCE * scale:  # also where the difference is not a number
            raise CourseError(
                f"The exported model differs from the original by {difference:.1e} (logits up to {scale:.1e}) at "
                f"{width}x{height} pixels: nothing was written. Update torch, onnx and onnxruntime."
            )
    return largest

"""Recording what a model computes, for images of any size."""

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.experimental import _config as tracing_config

from utils.errors import CourseError
from utils.models import SegmentationModel

DYNAMIC = torch.export.Dim.DYNAMIC


class Exportable(nn.Module):
    """A copy of a model on the CPU whose padded size is plainly a multiple of its stride, as a tracer must see it.

    It repeats edges as the course's `pad_to_stride` does. A learner's own `pad_to_stride`, which may pad otherwise and
    need not be traceable, is not used.
    """

    def __init__(self, model: SegmentationModel) -> None:
        super().__init__()
        self.inner = copy.deepcopy(model).cpu().float().eval()

    def forward(self, images: Tensor) -> Tensor:
        (height, width), stride = images.shape[-2:], self.inner.stride
        x = (images.float() - self.inner.mean) / self.inner.std
        if stride > 1:
            down, right = ((side + stride - 1) // stride * stride - side for side in (height, width))
            x = F.pad(x, (0, right, 0, down), mode="replicate")
        logits = self.inner.net(x)
        logits = logits["out"] if isinstance(logits, dict) else logits
        return logits[..., :height, :width]


def trace(model: Exportable, size: int, dynamic: bool) -> torch.export.ExportedProgram:
    """Record what the model computes, for any batch, height and width, or for (1, 3, size, size)."""
    images = sample_images(2, 75, 107) if dynamic else sample_images(1, size, size)
    sizes = ({0: DYNAMIC, 2: DYNAMIC, 3: DYNAMIC},) if dynamic else None
    # "Oblivious": a side of one stride, or a batch of one, is to be no special case that the program then refuses.
    with torch.no_grad(), tracing_config.patch(backed_size_oblivious=dynamic):
        return torch.export.export(model, (images,), dynamic_shapes=sizes)


@contextmanager
def tracing_errors(model: Exportable, dynamic: bool) -> Iterator[None]:
    """Turn whatever tracing raises into a CourseError with one sentence; warnings of torch are left out."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except Exception as error:  # torch has dozens of kinds
        raise export_refusal(model, f"{type(error).__name__} while tracing", dynamic) from error


def export_refusal(model: Exportable, reason: str, dynamic: bool = True) -> CourseError:
    """Return the error that says that a model cannot be exported, and what to do."""
    name = type(model.inner.net).__name__
    if dynamic:
        return CourseError(
            f"{name} cannot be exported for pictures of any size ({reason}): give one size "
            "(dynamic=False, or --size 256)."
        )
    return CourseError(f"{name} cannot be exported ({reason}). Choose another format or another model.")


def sample_images(count: int, height: int, width: int) -> Tensor:
    """Draw images with light, shapes and grain to trace and compare with: uint8 (count, 3, height, width)."""
    random = torch.Generator().manual_seed(height * 10007 + width)
    coarse = torch.rand(count, 3, 5, 7, generator=random) * 255
    smooth = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)
    return (smooth + 12 * torch.randn(smooth.shape, generator=random)).clamp(0, 255).to(torch.uint8)

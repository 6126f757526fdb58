"""Models that run without this course: torch.export and ONNX, checked against the original (notebook 9)."""

import copy
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.experimental import _config as tracing

from segmenter.export.onnx_files import require, run_session
from utils.errors import CourseError
from utils.files import write_atomically
from utils.models import SegmentationModel

TOLERANCE = 1e-3  # largest difference of a logit, as a share of the largest logit
CHECKED = ((1, 1, 1), (1, 50, 31), (2, 33, 70), (3, 64, 96))  # beside the size that was asked for
DYNAMIC = torch.export.Dim.DYNAMIC


def export_program(model: SegmentationModel, path: Path, size: int = 256, dynamic: bool = True) -> float:
    """Save a torch.export program: uint8 (N, 3, H, W) of any size -> logits; return their largest difference.

    With `dynamic=False` it takes (1, 3, size, size) only. Raises CourseError, and writes nothing, where the model
    cannot be exported so, or the program does not compute what the model computes.
    """
    model = Exportable(model)
    with one_sentence(model, dynamic):
        program = trace(model, size, dynamic)
        for node in program.graph.nodes:  # traces name folders of this machine
            node.meta.pop("stack_trace", None)
    written = io.BytesIO()  # a full disk would abort torch's own writer, and this process with it
    with warnings.catch_warnings(action="ignore"):  # torch warns about its own internals
        torch.export.save(program, written)
        written.seek(0)
        gap = checked(torch.export.load(written).module(), model, size, dynamic)
    write_atomically(Path(path), lambda temporary: temporary.write_bytes(written.getvalue()))
    return gap


def export_onnx(
    model: SegmentationModel,
    path: Path,
    size: int = 256,
    dynamic: bool = True,
    about: dict[str, str] | None = None,
) -> float:
    """Save ONNX: "images", uint8 (N, 3, H, W) of any size -> "logits"; return their largest difference.

    Normalisation and padding are inside; `about` (see `describe`) becomes the file's metadata. With `dynamic=False`
    it takes (1, 3, size, size) only. Raises CourseError, and writes nothing, where a package is missing (Colab has
    none of them), the model cannot be exported so, or the file does not compute what the model computes.
    """
    onnx, onnxruntime = require("onnx", "onnxruntime", "onnxscript")[:2]
    model = Exportable(model)
    with one_sentence(model, dynamic):
        exported = torch.onnx.export(
            trace(model, size, dynamic),
            input_names=["images"],
            output_names=["logits"],
            dynamo=True,
            verbose=False,
        ).model_proto
    for node in [*exported.graph.node, *exported.graph.value_info]:  # traces name folders of this machine
        del node.metadata_props[:]
    onnx.helper.set_model_props(exported, about or {})
    data = exported.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    gap = checked(lambda images: run_session(session, images), model, size, dynamic)
    write_atomically(Path(path), lambda temporary: temporary.write_bytes(data))
    return gap


# ------------------------------------------------------------ tracing and checking
class Exportable(nn.Module):
    """A copy of a model on the CPU whose padded size is plainly a multiple of its stride, as a tracer must see it.

    It repeats edges as the course's `pad_to_stride` does, also where a learner's own, which may pad otherwise and need
    not be traceable, stands in its place.
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
    images = pictures(2, 75, 107) if dynamic else pictures(1, size, size)
    sizes = ({0: DYNAMIC, 2: DYNAMIC, 3: DYNAMIC},) if dynamic else None
    # "Oblivious": a side of one stride, or a batch of one, is to be no special case that the program then refuses.
    with torch.no_grad(), tracing.patch(backed_size_oblivious=dynamic):
        return torch.export.export(model, (images,), dynamic_shapes=sizes)


def checked(run: Callable[[Tensor], Tensor], model: Exportable, size: int, dynamic: bool) -> float:
    """Return the largest difference of a logit over several sizes. Raises CourseError where it is too large."""
    largest, scale = 0.0, 0.0
    for shape in ((1, size, size), *(CHECKED if dynamic else ())):
        images = pictures(*shape)
        with torch.no_grad():
            expected = model(images)
            try:
                gap = (run(images) - expected).abs().max().item()
            except Exception as error:  # a program refuses a size by kinds of its own
                raise CourseError(refusal(model, f"it fails at {shape[2]}x{shape[1]} pixels")) from error
        largest, scale = max(largest, gap) if gap == gap else gap, max(scale, expected.abs().max().item())
        if not largest <= TOLERANCE * scale:  # also where it is no number
            raise CourseError(
                f"The exported model differs from the original by {largest:.1e} (logits up to {scale:.1e}) at "
                f"{shape[2]}x{shape[1]} pixels: nothing was written. Update torch, onnx and onnxruntime."
            )
    return largest


@contextmanager
def one_sentence(model: Exportable, dynamic: bool) -> Iterator[None]:
    """Turn whatever tracing raises into one CourseError."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except Exception as error:  # torch has dozens of kinds
        reason = f"{type(error).__name__} while tracing"
        raise CourseError(refusal(model, reason, dynamic)) from error


def refusal(model: Exportable, reason: str, dynamic: bool = True) -> str:
    """Say that a model cannot be exported, and what to do."""
    name = type(model.inner.net).__name__
    if dynamic:
        return (
            f"{name} cannot be exported for pictures of any size ({reason}): give one size "
            "(dynamic=False, or --size 256)."
        )
    return f"{name} cannot be exported ({reason}). Choose another format or another model."


def pictures(count: int, height: int, width: int) -> Tensor:
    """Draw pictures with light, shapes and grain to trace and compare with: uint8 (count, 3, height, width)."""
    random = torch.Generator().manual_seed(height * 10007 + width)
    coarse = torch.rand(count, 3, 5, 7, generator=random) * 255
    smooth = F.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)
    return (smooth + 12 * torch.randn(smooth.shape, generator=random)).clamp(0, 255).to(torch.uint8)

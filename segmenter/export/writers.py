"""A model as one file: a torch.export program, or ONNX. Nothing is written that does not compute what it computes."""

import io
import warnings
from pathlib import Path

import torch

from segmenter.export.onnx_files import ONNX_PACKAGES, run_session
from segmenter.export.tracing import Exportable, trace, tracing_errors
from segmenter.export.verification import largest_difference
from segmenter.optional import require
from segmenter.outputs import MADE_BY, refuse_foreign
from utils.files import write_atomically
from utils.models import SegmentationModel


def export_program(model: SegmentationModel, path: Path, size: int = 256, dynamic: bool = True) -> float:
    """Save a torch.export program: uint8 (N, 3, H, W) of any size -> logits; return their largest difference.

    With `dynamic=False` it takes (1, 3, size, size) only. Raises CourseError, and writes nothing, where the model
    cannot be exported so, or the program does not compute what the model computes.
    """
    refuse_foreign(Path(path))
    model = Exportable(model)
    with tracing_errors(model, dynamic):
        program = trace(model, size, dynamic)
    for node in program.graph.nodes:  # stack traces name folders of this machine
        node.meta.pop("stack_trace", None)
    written = io.BytesIO()  # a full disk would abort torch's own writer, and this process with it
    with warnings.catch_warnings(action="ignore"):  # torch warns about its own internals
        torch.export.save(program, written, extra_files={"origin": MADE_BY})
        written.seek(0)
        difference = largest_difference(torch.export.load(written).module(), model, size, dynamic)
    write_atomically(Path(path), lambda temporary: temporary.write_bytes(written.getvalue()))
    return difference


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
    onnx, onnxruntime, _ = (require(package, ONNX_PACKAGES) for package in ("onnx", "onnxruntime", "onnxscript"))
    refuse_foreign(Path(path))
    model = Exportable(model)
    with tracing_errors(model, dynamic):
        exported = torch.onnx.export(
            trace(model, size, dynamic),
            input_names=["images"],
            output_names=["logits"],
            dynamo=True,
            verbose=False,
        ).model_proto
    for node in [*exported.graph.node, *exported.graph.value_info]:  # stack traces name folders of this machine
        del node.metadata_props[:]
    onnx.helper.set_model_props(exported, {"origin": MADE_BY, **(about or {})})
    content = exported.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    difference = largest_difference(lambda images: run_session(session, images), model, size, dynamic)
    write_atomically(Path(path), lambda temporary: temporary.write_bytes(content))
    return difference

"""Integers of 8 bits in place of 32-bit floats: a smaller and faster file, and what that costs (notebook 9)."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from segmenter.export.onnx_files import ONNX_PACKAGES, OnnxModel, load_onnx, score_onnx
from segmenter.optional import require
from segmenter.outputs import refuse_foreign
from utils.catalog.base import Source
from utils.errors import CourseError
from utils.files import write_atomically
from utils.inference import Predictor


@dataclass(frozen=True)
class QuantizationResult:
    """What quantisation changed, each as (before, after): bytes, median seconds for one image, and IoU on a split."""

    bytes: tuple[int, int]
    seconds: tuple[float, float]
    score: tuple[float, float]
    split: str

    def __str__(self) -> str:
        (large, small), (slow, fast), (before, after) = self.bytes, self.seconds, self.score
        return (
            f"int8: {small / 1e6:.2f} MB in place of {large / 1e6:.2f} MB, {slow / fast:.2f} times as fast on this "
            f"machine's CPU, IoU {after:.3f} in place of {before:.3f} on the {self.split} split "
            f"({after - before:+.3f})."
        )


def quantize_onnx(path: str | Path, output: str | Path, source: Source, count: int = 32) -> None:
    """Write an int8 copy of a file that `export_onnx` wrote with `describe`, metadata included.

    Static quantisation: convolutions compute with int8 weights (a scale for each channel) and uint8 activations,
    whose ranges are measured on `count` images of the training split. Dynamic quantisation, which measures the ranges
    anew in every layer of every image, is not offered. Raises CourseError, and writes nothing, where onnxruntime
    cannot quantise the file.
    """
    onnx, quantization = (require(module, ONNX_PACKAGES) for module in ("onnx", "onnxruntime.quantization"))
    predictor = load_onnx(path)
    about = predictor.model.about
    refuse_foreign(Path(output))
    with tempfile.TemporaryDirectory() as folder:
        prepared, smaller = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        try:
            # Its own shape inference fails on sizes that are free, and convolutions do not need it.
            quantization.shape_inference.quant_pre_process(str(path), prepared, skip_symbolic_shape=True)
            quantization.quantize_static(
                prepared,
                smaller,
                calibration_reader(quantization, model_inputs(predictor, source, count)),
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        except CourseError:
            raise
        except Exception as error:  # of onnx and onnxruntime, which share no base
            raise CourseError(
                f"{path} cannot be turned into int8 ({type(error).__name__}): keep the float32 file."
            ) from error
        model = onnx.load(smaller)
        onnx.helper.set_model_props(model, about)
        write_atomically(Path(output), lambda temporary: onnx.save(model, temporary))


def model_inputs(predictor: Predictor, source: Source, count: int) -> Iterator[np.ndarray]:
    """Yield what the model is given for `count` images spread over the training split: uint8 (1, 3, h, w) each.

    These are tiles where the predictor cuts images into tiles.
    """
    pairs = source.pairs("train")
    for pair in pairs[:: max(1, len(pairs) // count)][:count]:
        batches: list[torch.Tensor] = []
        record = lambda _, inputs, batches=batches: batches.append(inputs[0].clone())  # noqa: E731
        hook = predictor.model.register_forward_pre_hook(record)
        try:
            predictor(source.read_image(pair.image))
        finally:
            hook.remove()
        yield from (image[None].numpy() for images in batches for image in images)


def calibration_reader(quantization: object, images: Iterator[np.ndarray]) -> object:
    """Return the object through which onnxruntime asks for one image after the other."""

    class Reader(quantization.CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(images, None)
            return None if image is None else {"images": image}

    return Reader()


def compare_onnx(
    before: str | Path, after: str | Path, source: Source, split: str = "test", threads: int = 0
) -> QuantizationResult:
    """Measure two exported files of one model: size, speed on one image of the training size, and IoU on a split."""
    files = (Path(before), Path(after))
    side = load_onnx(before).config.image_size
    scores = [score_onnx(path, source, split, threads).score for path in files]
    seconds = time_alternately([OnnxModel(path, threads) for path in files], side)
    sizes = [path.stat().st_size for path in files]
    return QuantizationResult(tuple(sizes), tuple(seconds), tuple(scores), split)


@torch.no_grad()
def time_alternately(models: list[torch.nn.Module], side: int, rounds: int = 15) -> list[float]:
    """Return the median seconds of each model for uint8 (1, 3, side, side).

    The models take turns, so that a moment in which the machine is busy slows all of them down.
    """
    images = torch.randint(256, (1, 3, side, side), dtype=torch.uint8)
    seconds: list[list[float]] = [[] for _ in models]
    for number in range(-3, rounds):  # three rounds of warm-up, which are not counted
        for model, times in zip(models, seconds, strict=True):
            start = time.perf_counter()
            model(images)
            if number >= 0:
                times.append(time.perf_counter() - start)
    return [statistics.median(times) for times in seconds]

"""`export`: a run as one file that runs without this course."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path

from segmenter.commands.options import add_run, source_of
from utils.errors import ConfigError

ENDINGS = {"onnx": ".onnx", "program": ".pt2", "int8": "-int8.onnx"}


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    add_run(parser)
    parser.add_argument(
        "--format",
        default="onnx",
        choices=tuple(ENDINGS),
        dest="kind",
        help="ONNX, a torch.export program, or ONNX in integers of 8 bits",
    )
    parser.add_argument("--output", type=Path, help="file to write; default RUN's name with .onnx, .pt2 or -int8.onnx")
    parser.add_argument("--size", type=int, help="one fixed size, pixels, where a model cannot take any")
    parser.add_argument("--threshold", type=float, default=0.5, help="of one foreground class; kept in the file")
    parser.add_argument("--root", type=Path, help="folder that holds the data set, which int8 is measured on")


def run(run: Path, kind: str, output: Path | None, size: int | None, threshold: float, root: Path | None) -> None:
    """Write a run as one file that needs no part of this course, checked against it."""
    from segmenter.export import export_onnx, export_program
    from segmenter.export.onnx_files import describe
    from segmenter.export.quantization import compare_onnx, quantize_onnx
    from segmenter.outputs import refuse_foreign
    from utils.inference import Predictor

    if size is not None and size < 1:
        raise ConfigError(f"size={size}: it is the side of an image in pixels. Give a number from 1 on.")
    predictor = Predictor.from_run(run, device="cpu", threshold=threshold)
    name = run.stem if run.suffix == ".safetensors" else run.resolve().name
    output = output or Path(name + ENDINGS[kind])
    refuse_foreign(output)
    sizes = {"size": size or predictor.config.image_size, "dynamic": size is None}
    if kind == "program":
        difference = export_program(predictor.model, output, **sizes)
    elif kind == "onnx":
        difference = export_onnx(predictor.model, output, **sizes, about=describe(predictor))
    else:
        source = source_of(run, root, predictor.config)
        with tempfile.TemporaryDirectory() as folder:
            float32 = Path(folder) / "float32.onnx"
            difference = export_onnx(predictor.model, float32, **sizes, about=describe(predictor))
            quantize_onnx(float32, output, source)
            print(compare_onnx(float32, output, source))
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB, largest difference of a float32 logit {difference:.1e}")

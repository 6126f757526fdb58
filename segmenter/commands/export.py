"""`export`: a run as one file that runs without this course."""

import tempfile
from argparse import ArgumentParser
from pathlib import Path

from segmenter.commands.options import add_run, source_of

ENDINGS = {"onnx": ".onnx", "program": ".pt2", "int8": "-int8.onnx"}


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    add_run(parser)
    parser.add_argument(
        "--format",
        default="onnx",
        choices=tuple(ENDINGS),
        dest="kind",
        help="ONNX, a torch.export program, or ONNX in whole numbers of 8 bits",
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
    from utils.inference import Predictor

    predictor = Predictor.from_run(run, device="cpu", threshold=threshold)
    output = output or Path(run.stem + ENDINGS[kind])
    fixed = {"size": size or predictor.config.image_size, "dynamic": size is None}
    if kind == "program":
        gap = export_program(predictor.model, output, **fixed)
    elif kind == "onnx":
        gap = export_onnx(predictor.model, output, **fixed, about=describe(predictor))
    else:
        source = source_of(run, root, predictor.config)
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "float32.onnx"
            gap = export_onnx(predictor.model, whole, **fixed, about=describe(predictor))
            quantize_onnx(whole, output, source)
            print(compare_onnx(whole, output, source))
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB, largest difference of a float32 logit {gap:.1e}")

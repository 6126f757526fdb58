"""`export-masks`: predictions as outlines, to be corrected in a labelling tool."""

import sys
from argparse import ArgumentParser
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("predictions", type=Path, help="folder that predict wrote")
    parser.add_argument("--format", default="coco", choices=("coco", "labelme", "yolo"), dest="kind")
    parser.add_argument("--output", type=Path, help="new folder; default PREDICTIONS with -FORMAT behind it")
    parser.add_argument(
        "--tolerance", type=float, default=0.75, help="pixels that an outline may be off; 0 keeps every pixel"
    )


def run(predictions: Path, kind: str, output: Path | None, tolerance: float) -> None:
    """Write predicted masks as COCO, labelme or YOLO polygons; what was corrected there, convert reads back."""
    from segmenter.formats.predictions import export_masks
    from segmenter.words import counted

    output = output or predictions.with_name(f"{predictions.resolve().name}-{kind}")
    files, images, left_out = export_masks(predictions, kind, output, tolerance)
    for sentence in left_out:
        print(f"Left out: {sentence}", file=sys.stderr)
    print(f"{output} holds {counted(len(files), 'file')} for {counted(images, 'image')}.")
    print("Open it in your labelling tool, and correct the outlines;")
    print(f"then python -m segmenter convert {output} --into FOLDER")

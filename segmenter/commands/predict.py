"""`predict`: masks and overlays for images, folders of them, and images larger than memory."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from segmenter.commands.options import add_run


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    add_run(parser)
    parser.add_argument("pictures", type=Path, nargs="+", help="pictures, GeoTIFF, .npy, or folders of them")
    parser.add_argument("--output", type=Path, default=Path("predictions"))
    parser.add_argument("--threshold", type=float, default=0.5, help="of one foreground class")
    parser.add_argument("--flips", action="store_true", help="average over the mirror image")
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[1.0], help="average over sizes, such as 0.75 1 1.25"
    )
    parser.add_argument("--tile", type=int, metavar="PIXELS", help="side of the tiles of larger pictures")
    parser.add_argument("--bands", type=int, nargs="+", help="bands of a GeoTIFF that are red, green and blue, from 1")
    parser.add_argument("--polygons", action="store_true", help="also write the regions of a GeoTIFF as GeoJSON")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))


def run(run: Path, pictures: list[Path], output: Path, polygons: bool, bands: list[int] | None, **options: Any) -> int:
    """Write masks and overlays for pictures; the same command again goes on."""
    from segmenter.pictures import find_images, visible_files
    from segmenter.prediction_list import LIST_NAME
    from segmenter.predictions import predict_files
    from utils.inference import Predictor

    predictor = Predictor.from_run(run, **options)
    paths = [path for entry in pictures for path in find_images(entry)]
    folders = [entry for entry in pictures if entry.is_dir()]
    others = sorted({path for folder in folders for path in visible_files(folder)} - set(paths))
    if others:
        named = f"{', '.join(path.name for path in others[:3])}{' ...' if len(others) > 3 else ''}"
        print(f"not read: {len(others)} of the files are no pictures by their names: {named}", file=sys.stderr)
    try:
        outcome = predict_files(
            predictor, paths, output, folders=folders, polygons=polygons, bands=bands, progress=True
        )
    except KeyboardInterrupt:
        print(f"Stopped. What is done is in {output}; the same command goes on where this one stopped.")
        return 1
    kept = f" ({outcome.kept} of them were there already)" if outcome.kept else ""
    if outcome.masks:
        print(f"Masks and overlays in {output}: {len(outcome.masks)}{kept}; {LIST_NAME} has the share of each class.")
    if polygons and not any(path.suffix.lower() in (".tif", ".tiff") for path in paths):
        print(
            "--polygons wrote nothing: only a GeoTIFF has a place on the map, and no picture is one.", file=sys.stderr
        )
    for sentence in outcome.failed:
        print(f"failed: {sentence}", file=sys.stderr)
    return 1 if outcome.failed else 0

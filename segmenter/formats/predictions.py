"""What `predict` wrote, as annotations in a folder of their own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tqdm.auto import tqdm

from segmenter.formats.contours import TOLERANCE
from segmenter.formats.writers import WRITERS, Predicted, Writer
from segmenter.prediction_list import FIRST_COLUMNS, LIST_NAME, base_of, read_table
from utils.errors import ConfigError, DataError
from utils.images import read_mask

Row = tuple[Path, Path, str]  # an image, its mask, and the name that both share


def export_masks(predictions: Path, kind: str, output: Path, tolerance: float = TOLERANCE) -> tuple[list[Path], int]:
    """Write the masks of a folder of predictions as outlines; return the files, and of how many images they are.

    The images are not copied, except for YOLO, which wants them beside the labels. Raises DataError for a folder that
    holds no predictions, or an output that holds something.
    """
    if not 0 <= tolerance < 100:
        raise ConfigError(f"tolerance={tolerance}: it is a distance in pixels, from 0 to 100.")
    classes, rows = read_list(predictions)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"{output} is not empty: name a new folder for the annotations.")
    output.mkdir(parents=True, exist_ok=True)
    for image, _, name in rows if kind == "yolo" else []:
        target = output / "images" / f"{name}{image.suffix.lower()}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, target)
    masks = read_masks(tqdm(rows, "tracing", unit="image", delay=1))
    return WRITERS[kind](Writer(output, classes, tolerance), masks), len(rows)


def read_list(predictions: Path) -> tuple[list[str], list[Row]]:
    """Return the classes and the images of a folder of predictions. Raises DataError where there are none."""
    first, *rows = read_table(predictions / LIST_NAME) or [[]]
    named = {row[0]: row for row in rows if len(row) == len(first)}
    found = [(Path(row[0]), predictions / row[1], base_of(row[1])) for row in named.values() if row[2]]
    if first[:3] != FIRST_COLUMNS or not found:
        raise DataError(
            f"{predictions} holds no predictions (no {LIST_NAME} with a finished row): name the folder that "
            "`python -m segmenter predict` wrote."
        )
    if lost := [image for image, *_ in found if not image.is_file()]:
        raise DataError(f"{lost[0]} was predicted and is no longer there: put it back, or predict anew.")
    return first[3:], found


def read_masks(rows: Iterator[Row]) -> Iterator[Predicted]:
    """Read one mask after the other."""
    for image, mask, name in rows:
        if mask.suffix != ".png":
            raise DataError(f"{mask} is a mask of a picture that was read in parts: use predict --polygons for those.")
        yield Predicted(image, read_mask(mask), name)

"""What `predict` wrote, as annotations in a folder of their own."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm.auto import tqdm

from segmenter.formats.contours import TOLERANCE
from segmenter.formats.writers import WRITERS, Predicted, Writer
from segmenter.prediction_list import FIRST_COLUMNS, LIST_NAME, base_of, read_table, unsigned
from utils.errors import ConfigError, DataError
from utils.images import read_mask

Row = tuple[Path, Path, str]  # an image, its mask, and the name that both share


class Exported(NamedTuple):
    """The files that were written, of how many images they are, and a sentence for each prediction left out."""

    files: list[Path]
    images: int
    left_out: list[str]


def export_masks(predictions: Path, kind: str, output: Path, tolerance: float = TOLERANCE) -> Exported:
    """Write the masks of a folder of predictions as outlines.

    The images are not copied, except for YOLO, which wants them beside the labels. Raises DataError for a folder that
    holds no predictions, or none that can be outlined, or an output that holds something.
    """
    if not 0 <= tolerance < 100:
        raise ConfigError(f"tolerance={tolerance}: it is a distance in pixels, from 0 to 100.")
    classes, listed = read_list(predictions)
    left_out = [sentence for row in listed if (sentence := obstacle(row))]
    rows = [row for row in listed if not obstacle(row)]
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(f"{output} is not empty: name a new folder for the annotations.")
    if not rows:
        raise DataError(left_out[0])
    output.mkdir(parents=True, exist_ok=True)
    masks = read_masks(
        tqdm(rows, "tracing", unit="image", delay=1), output / "images" if kind == "yolo" else None, left_out
    )
    files = WRITERS[kind](Writer(output, classes, tolerance), masks)
    return Exported(files, len(listed) - len(left_out), left_out)


def read_list(predictions: Path) -> tuple[list[str], list[Row]]:
    """Return the classes and the images of a folder of predictions. Raises DataError where there are none."""
    first, *rows = read_table(predictions / LIST_NAME) or [[]]
    named = {row[0]: unsigned(row) for row in rows if len(row) == len(first)} if first[:3] == FIRST_COLUMNS else {}
    found = [(Path(row[0]), predictions / row[1], base_of(row[1])) for row in named.values() if row[2]]
    if not found:
        raise DataError(
            f"{predictions} holds no predictions (no {LIST_NAME} with a finished row): name the folder that "
            "`python -m segmenter predict` wrote."
        )
    for _, mask, name in found:  # the list may have been edited: pictures move
        if not mask.is_relative_to(predictions) or ".." in Path(name).parts:
            raise DataError(f"{predictions / LIST_NAME} names a mask outside of its folder, {mask}: correct that row.")
    return first[3:], found


def obstacle(row: Row) -> str:
    """Say what keeps a prediction from being outlined; nothing where nothing does."""
    image, mask, _ = row
    if not image.is_file():
        return f"{image} was predicted and is no longer there: put it back, or predict anew."
    if mask.suffix != ".png":
        return f"{mask} is a mask of a picture that was read in parts: use predict --polygons for those."
    return "" if mask.is_file() else f"{mask} is in {LIST_NAME} and no longer there: predict {image} anew."


def read_masks(rows: Iterable[Row], copies: Path | None, left_out: list[str]) -> Iterator[Predicted]:
    """Read one mask after the other; copy its image, where that is asked for, and note a mask that cannot be read."""
    for image, mask, name in rows:
        try:
            predicted = Predicted(image, read_mask(mask), name)
        except DataError as error:
            left_out.append(str(error))
            continue
        if copies is not None:
            target = copies / f"{name}{image.suffix.lower()}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(image, target)
        yield predicted

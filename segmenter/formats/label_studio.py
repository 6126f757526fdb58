"""Label Studio: a JSON list of tasks with polygons, brush strokes, rectangles and ellipses, in percent of the image.

Both of its exports are read, JSON and JSON-MIN. Of several annotations of a task, the first that was not cancelled
counts.
"""

import re
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.formats.base import (
    Annotations,
    Item,
    Region,
    class_names,
    drawn_names,
    filling,
    label_of,
    regions_in,
    words_of_undrawn,
)
from segmenter.formats.listing import Listing
from segmenter.formats.shapes import ellipse, rectangle, ring_of
from segmenter.words import counted

NAME = "Label Studio"
LABELS = ("polygonlabels", "brushlabels", "rectanglelabels", "ellipselabels", "labels")
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before the name of an uploaded file


def find(listing: Listing) -> list[Path]:
    """Return the files of this format."""
    return [path for path, document in listing.documents.items() if is_task(document)]


def is_task(document: Any) -> bool:
    """Say whether a document is a list of tasks."""
    first = document[0] if isinstance(document, list) and document else None
    if not isinstance(first, dict):
        return False
    return ("data" in first and ("annotations" in first or "completions" in first)) or (
        "annotation_id" in first and any(isinstance(value, list) for value in first.values())
    )


def read(listing: Listing, files: list[Path]) -> Annotations:
    """Read all files as one data set; classes are in alphabetical order."""
    items, doubled, undrawn = [], 0, Counter()
    for file in files:
        for task in listing.documents[file]:
            data = task.get("data", task)
            name = next((str(v) for v in data.values() if isinstance(v, str) and Path(v).suffix), "")
            image = listing.find_image(name, file) or listing.find_image(UPLOADED.sub("", Path(name).name), file)
            items.append(item := Item(name, image, split=listing.split_of(image, file)))
            with filling(item, f"{file}, {name},"):
                results, several = results_of(task)
                doubled += several
                item.regions = regions_in(map(region_of, results), undrawn)
                sizes = [(r["original_height"], r["original_width"]) for r in results if "original_width" in r]
                item.size = sizes[0] if sizes else None
    notes = words_of_undrawn(undrawn)
    notes += [f"{counted(doubled, 'image')} with several annotations: the first of each is read."] if doubled else []
    return Annotations(NAME, files, class_names(drawn_names(items)), items, notes)


def results_of(task: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """Return what was drawn on an image, and whether several people did."""
    if "data" not in task:  # JSON-MIN
        found = [entry for value in task.values() if isinstance(value, list) for entry in value]
        return [entry for entry in found if isinstance(entry, dict)], False
    entries = task.get("annotations") or task.get("completions") or []
    kept = [entry for entry in entries if not entry.get("was_cancelled")]
    results = kept[0]["result"] if kept else []
    # Sizes stand beside the value that holds the outline.
    return [{**result, **result["value"]} for result in results if isinstance(result.get("value"), dict)], len(kept) > 1


def region_of(result: dict[str, Any]) -> Region | str | None:
    """Return the region of a result, its kind where it has no area, as key points, or None for answers."""
    names = next((result[key] for key in LABELS if result.get(key)), None)
    label = label_of(names[0] if names else None)
    size = np.array([result.get("original_width", 0), result.get("original_height", 0)], float)
    if "points" in result:
        return Region(label, (ring_of(result["points"]) * size / 100,))
    if result.get("format", "rle") == "rle" and "rle" in result:
        return Region(label, stencil=partial(decode_brush, result["rle"], int(size[1]), int(size[0])))
    if "x" not in result:
        return "brushlabels" if "rle" in result else None
    corner = np.array([result["x"], result["y"]]) * size / 100
    if "radiusX" in result:
        radii = np.array([result["radiusX"], result["radiusY"]]) * size / 100
        return Region(label, (ellipse(*corner, *radii, result.get("rotation", 0)),))
    if "height" in result:
        sides = np.array([result["width"], result["height"]]) * size / 100
        return Region(label, (rectangle(*corner, *sides, result.get("rotation", 0)),))
    return str(result.get("type", "keypointlabels"))


def decode_brush(runs: list[int], height: int, width: int) -> np.ndarray:
    """Decode a brush stroke, in the packing of thi.ng/rle-pack, four bytes a pixel: bool (height, width).

    A stream of bits: 32 of the number of values, 5 of the bits of a value, four times 4 of the bits of a run; then
    runs: whether one value is repeated, which of the four lengths counts it, the length, and one value or many.
    Raises ValueError for a stroke of another size.
    """
    bits = int.from_bytes(bytes(runs), "big")
    left = len(runs) * 8

    def take(count: int) -> int:
        nonlocal left
        left -= count
        return (bits >> left) & ((1 << count) - 1)

    total, word = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    if total != 4 * height * width:
        raise ValueError(f"a stroke of {total // 4} pixels where {width}x{height} are stated")
    values = np.zeros(total, np.uint8)
    start = 0
    while start < total:
        repeated = take(1)
        end = start + 1 + take(lengths[take(2)])
        values[start:end] = take(word) if repeated else [take(word) for _ in range(end - start)]
        start = end
    return values.reshape(height, width, 4)[..., 3] > 0

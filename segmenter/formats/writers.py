"""Masks as annotation files that labelling tools read: COCO, labelme and YOLO segmentation."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from segmenter.formats.contours import joined, trace
from utils.files import write_atomically


class Predicted(NamedTuple):
    """An image, the class ids of its mask, uint8 (H, W), and a name of its own for the files that are written."""

    image: Path
    ids: np.ndarray
    name: str


class Writer(NamedTuple):
    """Where annotations go, the names of the classes, and how far outlines may be simplified, in pixels."""

    folder: Path
    classes: Sequence[str]
    tolerance: float

    def regions(self, ids: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the class and the outline of every connected region but those of the background: float (N, 2)."""
        for index in range(1, len(self.classes)):
            for outline in trace(ids == index, self.tolerance):
                yield index, joined(outline)

    def path_of(self, image: Path, folder: Path) -> str:
        """Return the way from a folder to an image, with forward slashes."""
        return Path(os.path.relpath(image.absolute(), folder.absolute())).as_posix()


def write_coco(writer: Writer, masks: Iterator[Predicted]) -> list[Path]:
    """Write all as one file, annotations.json."""
    images, annotations = [], []
    for number, (image, ids, _) in enumerate(masks, 1):
        height, width = ids.shape
        entry = {"id": number, "file_name": writer.path_of(image, writer.folder), "height": height, "width": width}
        images.append(entry)
        for index, ring in writer.regions(ids):
            low, high = ring.min(axis=0), ring.max(axis=0)
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": index, "iscrowd": 0,
                "segmentation": [ring.ravel().tolist()], "area": area(ring),
                "bbox": [*low.tolist(), *(high - low).tolist()],
            })  # fmt: skip
    categories = [{"id": index, "name": name} for index, name in enumerate(writer.classes) if index]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    return [save_json(writer.folder / "annotations.json", whole)]


def write_labelme(writer: Writer, masks: Iterator[Predicted]) -> list[Path]:
    """Write a file for each image, NAME.json."""
    written = []
    for image, ids, name in masks:
        path = writer.folder / f"{name}.json"
        shapes = [
            {"label": writer.classes[index], "points": ring.tolist(), "group_id": None, "shape_type": "polygon",
             "flags": {}}
            for index, ring in writer.regions(ids)
        ]  # fmt: skip
        written.append(save_json(path, {
            "version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": writer.path_of(image, path.parent),
            "imageData": None, "imageHeight": ids.shape[0], "imageWidth": ids.shape[1],
        }))  # fmt: skip
    return written


def write_yolo(writer: Writer, masks: Iterator[Predicted]) -> list[Path]:
    """Write a text for each image, labels/NAME.txt, and data.yaml with the names of the classes but the background."""
    written = []
    for _, ids, name in masks:
        rows = [
            " ".join([str(index - 1), *(f"{v:.6f}" for v in (ring / ids.shape[::-1]).ravel())])
            for index, ring in writer.regions(ids)
        ]
        written.append(save_text(writer.folder / "labels" / f"{name}.txt", "".join(f"{row}\n" for row in rows)))
    facts = {"path": ".", "train": "images", "val": "images", "names": dict(enumerate(writer.classes[1:]))}
    return [
        *written,
        save_text(writer.folder / "data.yaml", yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)),
    ]


WRITERS: dict[str, Callable[[Writer, Iterator[Predicted]], list[Path]]] = {
    "coco": write_coco,
    "labelme": write_labelme,
    "yolo": write_yolo,
}


def area(ring: np.ndarray) -> float:
    """Return the area of an outline, in pixels (shoelace formula)."""
    x, y = ring.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def save_json(path: Path, content: object) -> Path:
    """Write a document, whole or not at all."""
    return save_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def save_text(path: Path, text: str) -> Path:
    """Write a text, whole or not at all; bytes of a name that are no UTF-8 as JSON escapes them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text.encode("utf-8", "backslashreplace")
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return path

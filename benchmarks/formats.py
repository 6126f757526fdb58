"""Converting COCO, beside pycocotools and Pillow by hand: `python -m benchmarks.formats [--images 1000]`.

Photographs of 1,000 pixels with 20 polygons each. Both copy the images, draw the masks and write them as palette PNG;
they take turns within one run, and their masks are compared pixel by pixel.
"""

import argparse
import contextlib
import io
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools.coco import COCO

from segmenter import formats
from segmenter.formats.convert import convert
from utils.catalog.colours import COLOURS

SIDE, POLYGONS, CLASSES = 1000, 20, 5


def draw_source(root: Path, count: int) -> Path:
    """Write JPEG images of smooth noise, and instances.json with polygons of 12 to 60 points; return the JSON."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    annotations = []
    noise = Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).resize((SIDE, SIDE), 3)
    for number in range(count):
        noise.rotate(number % 360).save(root / "images" / f"{number}.jpg", quality=90)
        for _ in range(POLYGONS):
            points, radius = rng.integers(12, 60), rng.uniform(20, 150)
            angle = np.sort(rng.uniform(0, 2 * np.pi, points))
            length = radius * rng.uniform(0.6, 1, points)
            centre = rng.uniform(0, SIDE, 2)
            ring = centre + np.stack([length * np.cos(angle), length * np.sin(angle)], axis=1)
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": int(rng.integers(1, CLASSES + 1)),
                "segmentation": [ring.clip(0, SIDE).round(2).ravel().tolist()], "iscrowd": 0,
            })  # fmt: skip
    images = [{"id": n, "file_name": f"{n}.jpg", "height": SIDE, "width": SIDE} for n in range(count)]
    categories = [{"id": i, "name": f"class {i}"} for i in range(1, CLASSES + 1)]
    path = root / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def by_hand(source: Path, target: Path) -> None:
    """Convert as tutorials do: `annToMask` for each annotation, a palette PNG for each image."""
    for name in ("images", "masks"):
        (target / name).mkdir(parents=True)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(source)
    for entry in coco.loadImgs(coco.getImgIds()):
        mask = np.zeros((entry["height"], entry["width"]), np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=entry["id"])):
            mask[coco.annToMask(annotation) == 1] = annotation["category_id"]
        picture = Image.fromarray(mask, mode="P")
        picture.putpalette([value for colour in COLOURS for value in colour])
        picture.save(target / "masks" / f"{Path(entry['file_name']).stem}.png")
        shutil.copyfile(source.parent / "images" / entry["file_name"], target / "images" / entry["file_name"])


def ours(source: Path, target: Path) -> None:
    """Convert as the command does."""
    listing = formats.Listing(source)
    convert(formats.read(listing), listing, target, progress=False)


def main() -> None:
    """Print seconds and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {"by hand": [], "convert": []}
    contenders: dict[str, Callable[[Path, Path], None]] = {"by hand": by_hand, "convert": ours}
    with tempfile.TemporaryDirectory() as folder:
        source = draw_source(Path(folder) / "source", options.images)
        for number in range(options.rounds):
            for name, contender in contenders.items():
                target = Path(folder) / f"{name}-{number}"
                start = time.perf_counter()
                contender(source, target)
                seconds[name].append(time.perf_counter() - start)
            different = compare(*(Path(folder) / f"{name}-{number}" / "masks" for name in contenders))
            for name in contenders:
                shutil.rmtree(Path(folder) / f"{name}-{number}")
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, median in medians.items():
        print(f"{name:>8}: {median:.2f} s for {options.images} images ({options.images / median:.0f} a second)")
    ratios = [hand / own for hand, own in zip(*seconds.values(), strict=True)]
    print(f"by hand / convert: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(f"pixels that differ: {different}")


def compare(first: Path, second: Path) -> int:
    """Count the pixels in which the masks of two folders differ."""
    return sum(
        int((np.array(Image.open(path)) != np.array(Image.open(second / path.name))).sum()) for path in first.iterdir()
    )


if __name__ == "__main__":
    main()

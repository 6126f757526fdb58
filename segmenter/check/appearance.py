"""How a pair looks, in numbers: bright, blurred, fragmented, hidden. For `check_dataset` and its most unusual pairs."""

import cv2
import numpy as np
from PIL import Image

from utils.images import IGNORE_INDEX

LOOK_SIDE = 256  # pixels: longer side to which a pair is shrunk before it is measured, so that sizes compare
RING = 15  # pixels: width of the square that widens a region by its surroundings


def look(image: np.ndarray, mask: np.ndarray, num_classes: int) -> dict[str, float]:
    """Measure how a pair looks: image uint8 (H, W, 3), ids uint8 (H, W) -> numbers by name.

    "brightness": mean grey, 0-255. "contrast": standard deviation of grey. "sharpness": variance of the Laplacian at
    256 pixels. "regions": connected regions of the mask (of the foreground, where there is one). "borders": borders
    of the picture that the foreground touches (two classes only). "colour distance": distance in Lab between a class
    and the pixels around it, for the class where it is smallest, and "hidden class": that class.
    """
    factor = min(1.0, LOOK_SIDE / max(mask.shape))
    size = tuple(max(1, round(side * factor)) for side in mask.shape[::-1])
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    found = {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "sharpness": float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        "regions": 0.0,
    }
    labelled = (mask != IGNORE_INDEX).astype(np.uint8)
    distances = {}
    for label in np.flatnonzero(histogram(mask)[:num_classes]):
        if num_classes == 2 and label == 0:
            continue
        region = (mask == label).astype(np.uint8)
        found["regions"] += cv2.connectedComponents(region)[0] - 1
        ring = cv2.dilate(region, np.ones((RING, RING), np.uint8)) * labelled - region
        if region.mean() > 0.01 and ring.any():
            inside, around = cv2.mean(lab, region)[:3], cv2.mean(lab, ring)[:3]
            distances[int(label)] = float(np.linalg.norm(np.subtract(inside, around)))
    if distances:
        found["hidden class"] = min(distances, key=distances.get)
        found["colour distance"] = distances[found["hidden class"]]
    if num_classes == 2:
        found["borders"] = float(sum((edge == 1).any() for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1])))
    return found


def histogram(values: np.ndarray) -> np.ndarray:
    """Count each value of uint8 (H, W): int64 (256,). Several times as fast as np.bincount, which widens bytes."""
    return np.array(Image.fromarray(values).histogram(), dtype=np.int64)

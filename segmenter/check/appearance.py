"""How a pair looks, in numbers, such as its brightness, its sharpness and the regions of its mask."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from utils.images import IGNORE_INDEX

MEASURED_SIDE = 256  # pixels: longer side to which a pair is shrunk before it is measured, so that sizes compare
RING_WIDTH = 15  # pixels: width of the square that widens a region by its surroundings
LEAST_SHARE = 0.01  # of the image: the colour of a smaller class says little


@dataclass(frozen=True, slots=True)
class Appearance:
    """What can be measured on a pair without a model, at 256 pixels.

    Attributes:
        brightness: mean grey, 0-255.
        contrast: standard deviation of grey.
        sharpness: variance of the Laplacian.
        regions: connected regions of the mask; with two classes, of the foreground.
        touched_borders: borders of the image that the foreground touches, 0-4; None with more than two classes.
        colour_distance: distance in Lab between a class and the pixels around it, for the class where it is smallest;
            None where no class has surroundings.
    """

    brightness: float
    contrast: float
    sharpness: float
    regions: int
    touched_borders: int | None
    colour_distance: float | None


def measure_appearance(image: np.ndarray, mask: np.ndarray, num_classes: int) -> Appearance:
    """Measure how a pair looks: image uint8 (H, W, 3), class ids uint8 (H, W)."""
    factor = min(1.0, MEASURED_SIDE / max(mask.shape))
    size = tuple(max(1, round(side * factor)) for side in mask.shape[::-1])
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    labelled = (mask != IGNORE_INDEX).astype(np.uint8)
    regions, distances = 0, []
    for label in np.flatnonzero(histogram(mask)[:num_classes]):
        if num_classes == 2 and label == 0:
            continue  # the background is no region of its own
        region = (mask == label).astype(np.uint8)
        regions += cv2.connectedComponents(region)[0] - 1
        ring = cv2.dilate(region, np.ones((RING_WIDTH, RING_WIDTH), np.uint8)) * labelled - region
        if region.mean() > LEAST_SHARE and ring.any():
            inside, around = cv2.mean(lab, region)[:3], cv2.mean(lab, ring)[:3]
            distances.append(float(np.linalg.norm(np.subtract(inside, around))))
    borders = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return Appearance(
        brightness=float(grey.mean()),
        contrast=float(grey.std()),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).var()),
        regions=regions,
        touched_borders=sum(bool((border == 1).any()) for border in borders) if num_classes == 2 else None,
        colour_distance=min(distances, default=None),
    )


def histogram(values: np.ndarray) -> np.ndarray:
    """Count each value of uint8 (H, W): int64 (256,). Several times as fast as np.bincount, which widens bytes."""
    return np.array(Image.fromarray(values).histogram(), dtype=np.int64)

"""Class ids become outlines again, such that drawing them gives the same pixels."""

from typing import NamedTuple

import cv2
import numpy as np

TOLERANCE = 0.75  # pixels: the steps of a slanted border are lower
Ring = np.ndarray  # float (N, 2) of x and y


class Outline(NamedTuple):
    """The border of one connected region, and those of its holes."""

    ring: Ring
    holes: list[Ring]


def trace(inside: np.ndarray, tolerance: float = TOLERANCE) -> list[Outline]:
    """Return the outlines of a mask, bool (H, W): float (N, 2), the first pixel from 0 to 1.

    OpenCV's contours run through the centres of the border's pixels. In a mask twice as large they run a quarter of a
    pixel inside the border, and between the centres of neighbours, so that drawing finds every pixel again. Points
    that lie within `tolerance` pixels of a straight line are left out; with 0 nothing is lost.
    """
    twice = cv2.copyMakeBorder(inside.astype(np.uint8).repeat(2, 0).repeat(2, 1), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    found, tree = cv2.findContours(twice, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    outlines: dict[int, Outline] = {}
    for index, ring in enumerate(found):
        ring = cv2.approxPolyDP(ring, 2 * tolerance, True) if tolerance and len(ring) > 4 else ring
        points = (ring.reshape(-1, 2) - 0.5) / 2  # a pixel of the border was added on each side
        parent = int(tree[0, index, 3])
        if len(points) < 3:
            continue
        if parent < 0:
            outlines[index] = Outline(points, [])
        elif parent in outlines:
            outlines[parent].holes.append(points)
    return list(outlines.values())


def joined(outline: Outline) -> Ring:
    """Return one ring that goes around the region and its holes, joined by cuts of no width.

    Formats without holes take it, and both the even-odd rule and the winding rule fill it rightly.
    """
    ring = outline.ring
    for hole in outline.holes:
        distances = ((ring[:, None] - hole[None]) ** 2).sum(axis=-1)
        start, entry = np.unravel_index(distances.argmin(), distances.shape)
        around = np.roll(hole, -entry, axis=0)
        ring = np.concatenate([ring[: start + 1], around, around[:1], ring[start:]])
    return ring

"""Outlines of what labelling tools draw: polygons, rectangles and ellipses."""

from collections.abc import Sequence

import numpy as np


def ring_of(values: Sequence[float] | Sequence[Sequence[float]]) -> np.ndarray:
    """Return an outline, float (N, 2), of x, y, x, y, ... or of points; what is no pair of numbers is left out."""
    try:
        flat = np.asarray(values, dtype=float).reshape(-1)
    except (TypeError, ValueError):
        return np.empty((0, 2))
    return flat[: len(flat) // 2 * 2].reshape(-1, 2)


def rectangle(x: float, y: float, width: float, height: float, degrees: float = 0) -> np.ndarray:
    """Return the outline of a rectangle, turned clockwise about its first corner: float (4, 2)."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], float)
    return turned(corners, degrees) + np.array([x, y])


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0) -> np.ndarray:
    """Return the outline of an ellipse about (x, y), turned clockwise: float (64, 2)."""
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    points = np.stack([radius_x * np.cos(angle), radius_y * np.sin(angle)], axis=1)
    return turned(points, degrees) + np.array([x, y])


def turned_about_centre(ring: np.ndarray, degrees: float) -> np.ndarray:
    """Turn an outline (N, 2) clockwise about the mean of its points."""
    centre = ring.mean(axis=0)
    return turned(ring - centre, degrees) + centre


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """Turn points (N, 2) clockwise about (0, 0), as seen with y downwards."""
    sin, cos = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    return points @ np.array([(cos, sin), (-sin, cos)])

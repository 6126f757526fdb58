"""Images larger than the model's memory, tile by tile, blended so that no seam shows (notebook 9)."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles begin so that they cover `length` pixels and share at least `overlap` with the next."""
    if tile >= length:
        return [0]
    count = -(-(length - overlap) // (tile - overlap))  # rounded up
    return [round(i * (length - tile) / (count - 1)) for i in range(count)]


def gaussian_window(height: int, width: int) -> Tensor:
    """Weigh a tile's pixels: 1 in the middle, little at the border, never 0. float32 (height, width)."""
    y, x = (torch.linspace(-1, 1, n) if n > 1 else torch.zeros(1) for n in (height, width))
    return torch.exp(-4 * (y[:, None] ** 2 + x[None, :] ** 2))


def merge_tiles(tiles: Iterable[tuple[int, int, np.ndarray]], height: int, width: int) -> np.ndarray:
    """Average overlapping tiles, each pixel weighted by how central it lies in its tile.

    `tiles` yields (y, x, values): upper left corner, and float (C, h, w). They cover all pixels. float32 (C, H, W).
    """
    total, weight = None, np.zeros((height, width), dtype=np.float32)
    for y, x, values in tiles:
        channels, h, w = values.shape
        window = gaussian_window(h, w).numpy()
        if total is None:
            total = np.zeros((channels, height, width), dtype=np.float32)
        total[:, y : y + h, x : x + w] += values * window
        weight[y : y + h, x : x + w] += window
    return total / weight


def predict_tiled(
    predict: Callable[[Tensor], Tensor], image: np.ndarray, tile: int = 256, overlap: int = 64
) -> np.ndarray:
    """Predict overlapping tiles and average them, each pixel weighted by how central it lies in its tile.

    `predict` maps uint8 (1, 3, h, w) to logits (1, C, h, w). uint8 (H, W, 3) -> float32 (C, H, W).
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"overlap={overlap} must be at least 0 and less than tile={tile}.")
    height, width = image.shape[:2]

    def tiles() -> Iterable[tuple[int, int, np.ndarray]]:  # one at a time: memory does not grow with their number
        for y in tile_starts(height, tile, overlap):
            for x in tile_starts(width, tile, overlap):
                piece = torch.from_numpy(image[y : y + tile, x : x + tile].transpose(2, 0, 1).copy())
                yield y, x, predict(piece[None])[0].float().cpu().numpy()

    return merge_tiles(tiles(), height, width)

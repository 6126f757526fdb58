"""Images larger than the model's memory, tile by tile, blended so that no seam shows (notebook 9)."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

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


class Span(NamedTuple):
    """A tile along one axis: pixels `start` to `end` are predicted, of which `low` to `high` are used."""

    start: int
    end: int
    low: int
    high: int


def tile_spans(length: int, tile: int, overlap: int, stride: int = 1) -> list[Span]:
    """Return the tiles along one axis of `length` pixels.

    They begin at multiples of the model's `stride`, where it sees what it would see in the whole image. A quarter of
    the overlap is cut off at every inner end: near it the model lacks context. Raises ValueError for a bad overlap.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"overlap={overlap} must be at least 0 and less than tile={tile}.")
    size = max(1, tile // stride)
    shared = min(-(-overlap // stride), size - 1)
    starts = tile_starts(-(-length // stride), size, shared)
    ends = [min((start + size) * stride, length) for start in starts]
    margin, last = min(overlap, shared * stride) // 4, len(starts) - 1
    return [
        Span(s * stride, e, s * stride + margin * (i > 0), e - margin * (i < last))
        for i, (s, e) in enumerate(zip(starts, ends, strict=True))
    ]


def predict_tiled(
    predict: Callable[[Tensor], Tensor], image: np.ndarray, tile: int = 256, overlap: int = 64, stride: int = 1
) -> np.ndarray:
    """Predict overlapping tiles and average them, each pixel weighted by how central it lies in its tile.

    `predict` maps uint8 (1, 3, h, w) to logits (1, C, h, w). uint8 (H, W, 3) -> float32 (C, H, W). Where the model
    looks no further than a quarter of the overlap, the result is that of the whole image.
    """
    rows, columns = (tile_spans(length, tile, overlap, stride) for length in image.shape[:2])

    def tiles() -> Iterable[tuple[int, int, np.ndarray]]:  # one at a time: memory does not grow with their number
        for row in rows:
            for column in columns:
                piece = image[row.start : row.end, column.start : column.end].transpose(2, 0, 1)
                values = predict(torch.from_numpy(piece.copy())[None])[0].float().cpu().numpy()
                yield row.low, column.low, trim(values, row, column)

    return merge_tiles(tiles(), *image.shape[:2])


def trim(values: np.ndarray | Tensor, row: Span, column: Span) -> np.ndarray | Tensor:
    """Cut the ends off a tile (..., h, w) that its spans do not use."""
    return values[
        ..., row.low - row.start : row.high - row.start, column.low - column.start : column.high - column.start
    ]

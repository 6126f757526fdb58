"""Finished blocks of a large prediction, one row of tiles after the other."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.large.images import ArrayImage, GeoImage
from utils.inference import Predictor
from utils.tiling import Span, gaussian_window, tile_spans, trim

LargeImage = ArrayImage | GeoImage
Block = tuple[int, int, Tensor]


BLOCK_SIDE = 512  # pixels, of the blocks in which small logits are enlarged


window = lru_cache(maxsize=8)(gaussian_window)


def predict_blocks(
    predict: Callable[[Tensor], Tensor],
    read: Callable[[slice, slice], np.ndarray],
    rows: list[Span],
    columns: list[Span],
    first: int = 0,
    batch: int = 1,
) -> Iterator[Block]:
    """Yield (y, x, logits (C, h, w)) of finished blocks, row by row of tiles: together, what `predict_tiled` gives.

    `read` returns uint8 (h, w, 3) for a slice of rows and one of columns; `predict` maps uint8 (N, 3, h, w) to logits
    (N, C, h, w), at most `batch` tiles at a time. In memory is only what the next row of tiles still adds to. Blocks
    begin at row `first` of the tiles.
    """
    weights = [total_weight(spans) for spans in (rows, columns)]
    begin = next(i for i, row in enumerate(rows) if row.high > rows[first].low)
    lows = [row.low for row in rows[1:]] + [rows[-1].high]
    carry, kept = None, 0  # weighted sums of the rows so far, (C, h, W), where the next row of tiles adds to them
    for i, row in enumerate(rows[begin:], begin):
        height, left = lows[i] - row.low, None  # of what is finished after this row of tiles
        for span, end, values in predict_row(predict, read, row, columns, batch):
            sums = values.mul_(window(*values.shape[1:]).to(values.device))
            if left is not None:
                sums[..., : left.shape[-1]] += left
            here = slice(span.low, end)
            done, left = sums[..., : end - span.low], sums[..., end - span.low :]
            if carry is None:
                most = max(r.high - low for r, low in zip(rows, lows, strict=True))
                carry = done.new_empty(len(done), most, columns[-1].high)
            done[:, :kept] += carry[:, :kept, here]
            carry[:, : done.shape[1] - height, here] = done[:, height:]
            if i >= first:
                weight = weights[0][row.low : row.low + height, None] * weights[1][here]
                yield row.low, span.low, done[:, :height].div_(weight.to(done.device))
        kept = row.high - lows[i]


def predict_row(
    predict: Callable[[Tensor], Tensor],
    read: Callable[[slice, slice], np.ndarray],
    row: Span,
    columns: list[Span],
    batch: int,
) -> Iterator[tuple[Span, int, Tensor]]:
    """Yield each tile of a row: its span, where the next one begins to count, and its trimmed logits (C, h, w)."""
    ends = [span.low for span in columns[1:]] + [columns[-1].high]
    spans = list(zip(columns, ends, strict=True))
    equal = len(spans) - (columns[-1].end - columns[-1].start < columns[0].end - columns[0].start)
    groups = [spans[i : min(i + batch, equal)] for i in range(0, equal, batch)]
    groups += [spans[equal:]] if equal < len(spans) else []  # the last tile may be narrower, and then goes alone

    def load(group: list[tuple[Span, int]]) -> Tensor:
        tiles = [read(slice(row.start, row.end), slice(span.start, span.end)) for span, _ in group]
        return torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2)

    with ThreadPoolExecutor(max_workers=1) as reader:  # the next tiles are read while these are predicted
        waiting = reader.submit(load, groups[0])
        for group, following in zip(groups, [*groups[1:], None], strict=True):
            images = waiting.result()
            if following:
                waiting = reader.submit(load, following)
            for (span, end), values in zip(group, predict(images).float(), strict=True):
                yield span, end, trim(values, row, span)


def total_weight(spans: list[Span]) -> Tensor:
    """Sum the windows of all tiles along one axis: float32 (length,)."""
    weight = torch.zeros(spans[-1].high)
    for span in spans:
        weight[span.low : span.high] += window(span.high - span.low, 1)[:, 0]
    return weight


def resize_blocks(logits: Tensor, height: int, width: int, first: int = 0, side: int = BLOCK_SIDE) -> Iterator[Block]:
    """Yield (y, x, logits (C, h, w)) of the blocks of logits (1, C, h, w) enlarged to (height, width), bilinearly.

    Together they are what `F.interpolate` gives. `first` counts rows of blocks.
    """
    for y in range(first * side, height, side):
        for x in range(0, width, side):
            rows, columns = torch.arange(y, min(y + side, height)), torch.arange(x, min(x + side, width))
            grid = torch.stack(
                torch.meshgrid((columns + 0.5) / width * 2 - 1, (rows + 0.5) / height * 2 - 1, indexing="xy"), dim=-1
            )
            grid = grid[None].to(logits.device)
            yield y, x, F.grid_sample(logits, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]


def image_blocks(predictor: Predictor, image: LargeImage, first: int = 0) -> Iterator[Block]:
    """Yield (y, x, logits (C, h, w)) of an image larger than memory, from row `first` of the blocks on."""
    height, width = image.shape
    if predictor.at_own_scale(height, width):
        # A CPU's cache holds more of one tile than of several.
        batch = 1 if predictor.device.type == "cpu" else predictor.config.batch_size
        rows, columns = tile_axis(predictor, height), tile_axis(predictor, width)
        yield from predict_blocks(predictor.logits, image.read, rows, columns, first, batch)
        return
    small = image.shrunk(*predictor.target_size(height, width))
    if predictor.config.framing == "resize":
        logits = predictor.logits(torch.from_numpy(small.transpose(2, 0, 1).copy())[None])
    else:
        logits = predictor.tiled(small)
    yield from resize_blocks(logits, height, width, first)


def block_rows(predictor: Predictor, height: int, width: int) -> list[int]:
    """Return where the rows of `image_blocks` begin."""
    if predictor.at_own_scale(height, width):
        return [span.low for span in tile_axis(predictor, height)]
    return list(range(0, height, BLOCK_SIDE))


def tile_axis(predictor: Predictor, length: int) -> list[Span]:
    """Return the tiles along one axis of `length` pixels."""
    return tile_spans(length, predictor.tile, predictor.tile // 4, predictor.model.stride)

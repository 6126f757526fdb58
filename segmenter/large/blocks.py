"""Finished blocks of a large prediction, one row of tiles after the other."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from segmenter.large.images import LargeImage
from utils.inference import Predictor
from utils.tiling import Span, gaussian_window, tile_spans, trim

Predict = Callable[[Tensor], Tensor]  # uint8 (N, 3, h, w) -> logits (N, C, h, w)
Read = Callable[[slice, slice], np.ndarray]  # a slice of rows and one of columns -> uint8 (h, w, 3)
Block = tuple[int, int, Tensor]  # y, x, logits (C, h, w)
BLOCK_SIDE = 512  # pixels, of the blocks in which small logits are enlarged

window = lru_cache(maxsize=8)(gaussian_window)  # tiles come in few sizes


def predict_blocks(
    predict: Predict, read: Read, rows: list[Span], columns: list[Span], first: int = 0, batch: int = 1
) -> Iterator[Block]:
    """Yield finished blocks, row by row of tiles, from row `first` on: together, what `predict_tiled` gives.

    At most `batch` tiles are predicted at a time. Memory holds only the sums that the next row of tiles still adds to.
    """
    row_weight, column_weight = total_weight(rows), total_weight(columns)
    row_ends = [row.low for row in rows[1:]] + [rows[-1].high]  # each row of tiles finishes the pixels up to here
    most_shared = max(row.high - end for row, end in zip(rows, row_ends, strict=True))
    shared_sums, shared_rows = None, 0  # weighted sums (C, most_shared, W) that the next row of tiles adds to
    begin = next(i for i, row in enumerate(rows) if row.high > rows[first].low)  # its sums reach into row `first`
    for i, row in enumerate(rows[begin:], begin):
        height, right_sums = row_ends[i] - row.low, None  # `right_sums`: what the next tile of this row adds to
        for span, column_end, logits in predict_row(predict, read, row, columns, batch):
            sums = logits.mul_(window(*logits.shape[1:]).to(logits.device))
            if right_sums is not None:
                sums[..., : right_sums.shape[-1]] += right_sums
            sums, right_sums = sums[..., : column_end - span.low], sums[..., column_end - span.low :]
            block_columns = slice(span.low, column_end)
            if shared_sums is None:
                shared_sums = sums.new_empty(len(sums), most_shared, columns[-1].high)
            sums[:, :shared_rows] += shared_sums[:, :shared_rows, block_columns]
            shared_sums[:, : sums.shape[1] - height, block_columns] = sums[:, height:]
            if i >= first:
                weight = row_weight[row.low : row.low + height, None] * column_weight[block_columns]
                yield row.low, span.low, sums[:, :height].div_(weight.to(sums.device))
        shared_rows = row.high - row_ends[i]


def predict_row(
    predict: Predict, read: Read, row: Span, columns: list[Span], batch: int
) -> Iterator[tuple[Span, int, Tensor]]:
    """Yield each tile of a row: its span, where the next one begins to count, and its trimmed logits (C, h, w)."""
    ends = [span.low for span in columns[1:]] + [columns[-1].high]
    spans = list(zip(columns, ends, strict=True))
    equal = len(spans) - (columns[-1].end - columns[-1].start < columns[0].end - columns[0].start)
    groups = [spans[i : min(i + batch, equal)] for i in range(0, equal, batch)]
    if equal < len(spans):  # the last tile is narrower than the others, so it cannot share a batch with them
        groups.append(spans[equal:])

    def load(group: list[tuple[Span, int]]) -> Tensor:
        tiles = [read(slice(row.start, row.end), slice(span.start, span.end)) for span, _ in group]
        return torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2)

    with ThreadPoolExecutor(max_workers=1) as reader:  # the next tiles are read while these are predicted
        loading = reader.submit(load, groups[0])
        for group, next_group in zip(groups, [*groups[1:], None], strict=True):
            images = loading.result()
            if next_group:
                loading = reader.submit(load, next_group)
            for (span, end), logits in zip(group, predict(images).float(), strict=True):
                yield span, end, trim(logits, row, span)


def total_weight(spans: list[Span]) -> Tensor:
    """Sum the windows of all tiles along one axis: float32 (length,)."""
    weight = torch.zeros(spans[-1].high)
    for span in spans:
        weight[span.low : span.high] += window(span.high - span.low, 1)[:, 0]
    return weight


def resize_blocks(logits: Tensor, height: int, width: int, first: int = 0, side: int = BLOCK_SIDE) -> Iterator[Block]:
    """Yield the blocks of logits (1, C, h, w) that are enlarged to (height, width), bilinearly.

    Together they are what `F.interpolate` gives, which would hold all of it in memory. A block has sides of `side`
    pixels; `first` is the first row of blocks.
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
    """Yield the blocks of an image larger than memory, from row `first` of the blocks on."""
    height, width = image.shape
    if predictor.at_own_scale(height, width):
        # The cache of a CPU holds one tile better than several.
        batch = 1 if predictor.device.type == "cpu" else predictor.config.batch_size
        rows, columns = tile_axis(predictor, height), tile_axis(predictor, width)
        yield from predict_blocks(predictor.logits, image.read, rows, columns, first, batch)
        return
    small = image.read_resized(*predictor.target_size(height, width))
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

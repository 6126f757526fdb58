"""Images larger than memory: read, predicted and written block by block, and taken up again (notebook 9)."""

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from utils.errors import DataError
from utils.raster import ArrayImage, GeoImage
from utils.tiling import Span, gaussian_window, trim

if TYPE_CHECKING:
    from utils.inference import Predictor

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


def predict_large(
    predictor: "Predictor", picture: str | Path | np.ndarray, target: str | Path, bands: Iterable[int] | None = None,
    progress: bool = False,
) -> Path:  # fmt: skip
    """Write the mask of an image that need not fit in memory, and return the path.

    Args:
        predictor: what predicts, with its options.
        picture: a GeoTIFF (or another image that GDAL reads), a .npy file or an array (H, W), (H, W, 3) or (H, W, 4).
        target: NAME.tif, which keeps CRS, transform and nodata, or NAME.npy, uint8 (H, W).
        bands: which bands of a GeoTIFF are red, green and blue, from 1; one is taken as grey.
        progress: show a bar.

    What was interrupted goes on with the last whole row of tiles. Raises DataError for what cannot be read or written.
    """
    target = Path(target)
    if target.suffix.lower() not in (".tif", ".tiff", ".npy"):
        raise DataError(f"{target}: the mask of a large image is written as .tif or .npy. Choose one of these names.")
    with open_large(picture, bands) as image:
        part = part_of(target, predictor, image)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            refuse_full_disk(target, image.shape, part)
            write_rows(predictor, image, part, progress)
            image.save(part, target, predictor.palette)
        except OSError as error:
            raise DataError(
                f"Cannot write {target}: {error.strerror or error}. Free some space and run this again: it goes on "
                "where it stopped."
            ) from error
        for old in target.parent.glob(f".{target.name}.*.part"):
            old.unlink()
    return target


def refuse_full_disk(target: Path, shape: tuple[int, int], part: Path) -> None:
    """Raise DataError where there is no room for a mask: better now than after hours."""
    needed = shape[0] * shape[1] * 5 // 4 - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(target.parent)[2]
    if needed > free:
        raise DataError(
            f"The mask needs {needed / 1e6:,.0f} MB in {target.parent}, and {free / 1e6:,.0f} MB are free. "
            "Make room, or choose another output."
        )


def open_large(picture: str | Path | np.ndarray, bands: Iterable[int] | None = None) -> ArrayImage | GeoImage:
    """Open an image of which only parts are read. Raises DataError."""
    if isinstance(picture, np.ndarray):
        return ArrayImage(lambda: picture, "the array")
    path = Path(picture)
    if path.suffix.lower() == ".npy":
        if bands:
            raise DataError(f"{path} is an array: bands are chosen for GeoTIFF only. Leave them out.")
        return ArrayImage.open(path)
    return GeoImage(path, bands)


def part_of(target: Path, predictor: "Predictor", image: ArrayImage | GeoImage) -> Path:
    """Name the file in which a mask grows: another one for other weights, options or contents of the image."""
    facts = f"{predictor.fingerprint} {image.fingerprint}"
    return target.with_name(f".{target.name}.{hashlib.sha256(facts.encode()).hexdigest()[:16]}.part")


def write_rows(predictor: "Predictor", image: ArrayImage | GeoImage, part: Path, progress: bool) -> None:
    """Append what is missing of a mask to `part`, a .npy of uint8 (H, W); ignored where the image has no data."""
    height, width = image.shape
    starts = predictor.block_rows(height, width)
    with part.open("r+b" if part.exists() else "w+b") as file:
        header = npy_header(height, width)
        if file.read(len(header)) != header:
            file.seek(0)
            file.truncate()
            file.write(header)
            file.flush()
        whole = (os.fstat(file.fileno()).st_size - len(header)) // width
        first = max(i for i, start in enumerate(starts) if start <= whole)
        if whole >= height:
            return
        file.seek(len(header) + starts[first] * width)
        file.truncate()  # of a row of blocks that was not finished
        bar = tqdm(total=height, initial=starts[first], unit="row", disable=not progress, desc=part.name.split(".")[1])
        with bar:
            for y, strip in mask_strips(predictor, image, starts, first):
                file.write(strip.tobytes())
                file.flush()
                bar.update(y + len(strip) - bar.n)


def mask_strips(
    predictor: "Predictor", image: ArrayImage | GeoImage, starts: list[int], first: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (y, class ids uint8 (h, W)) of every whole row of blocks."""
    ends = [*starts[1:], image.shape[0]]
    strip = None
    for y, x, logits in predictor.blocks(image, first):
        if strip is None:
            strip = np.empty((ends[starts.index(y)] - y, image.shape[1]), np.uint8)
        ids = predictor.decide(logits[None])[0]
        rows, columns = slice(y, y + len(ids)), slice(x, x + ids.shape[1])
        valid = image.valid(rows, columns)
        strip[:, columns] = ids if valid is None else np.where(valid, ids, 255)
        if columns.stop == image.shape[1]:
            yield y, strip
            strip = None


def npy_header(height: int, width: int) -> bytes:
    """Return the beginning of a .npy file of uint8 (height, width)."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": (height, width)})
    return buffer.getvalue()

"""Prediction, in one run each: `python -m benchmarks.inference [--large] [--monai] [--backends] [--latency]`.

`--large`: time and peak memory of tiled inference from 2,000 x 2,000 pixels up, beside the bare model on its tiles.
`--monai`: beside MONAI's `sliding_window_inference` (`pip install monai` first). `--backends`: PyTorch, compiled and
ONNX Runtime for the course's default model. `--latency`: other models, sizes, batches and precisions.
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import torch
from rasterio.transform import from_origin
from rasterio.windows import Window

from segmenter import export
from segmenter.large.blocks import tile_axis
from segmenter.large.images import open_large
from segmenter.large.predict import predict_large
from utils.config import COURSE, Config
from utils.images import read_image
from utils.inference import SHIPPED, Predictor
from utils.models import build_model, count_parameters
from utils.runtime import pick_device, time_call

TILE = 256


# ---------------------------------------------------------------- images larger than memory
def draw_large(path: Path, side: int) -> None:
    """Lay the mosaic of `tiny` side by side as a GeoTIFF of side x side pixels."""
    mosaic = read_image(COURSE / "data" / "tiny" / "mosaic.jpg")
    row = np.tile(mosaic, (1, -(-side // mosaic.shape[1]), 1))[:, :side].transpose(2, 0, 1)
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_000_000, 0.5, 0.5), "BIGTIFF": "IF_SAFER"}
    blocks = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    shape = {"width": side, "height": side, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **shape, **blocks, **place) as file:
        for y in range(0, side, row.shape[1]):
            part = row[:, : side - y]
            file.write(part, window=Window(0, y, side, part.shape[1]))


def large(sides: list[int]) -> None:
    """Predict images of growing size, each in a process of its own, and print what it took."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for side in sides:
            draw_large(Path(folder) / "image.tif", side)
            command = [sys.executable, "-m", "benchmarks.inference", "--one", folder]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            rows.append({"side": side, **found})
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows).set_index("side")
    table["us per pixel"] = table["seconds"] * 1e6 / table.index.to_numpy() ** 2
    table["against the bare model"] = table["seconds"] / table["bare seconds"]
    print(table.to_string(float_format="{:.3f}".format))


def one(folder: Path) -> None:
    """Predict folder/image.tif; print the seconds, those of the bare model on as many tiles, and the peak memory."""
    predictor = Predictor.from_run(SHIPPED, device="cpu", tile=TILE)
    with open_large(folder / "image.tif") as image:
        rows, columns = (tile_axis(predictor, length) for length in image.shape)
        places = list(itertools.product(rows[:11], columns[:11]))
        tiles = [image.read(slice(r.start, r.end), slice(c.start, c.end)) for r, c in places]
    batches = [torch.from_numpy(tile).permute(2, 0, 1)[None] for tile in tiles]

    def bare() -> float:
        start = time.perf_counter()
        for batch in batches:
            predictor.logits(batch)
        return (time.perf_counter() - start) / len(batches) * len(rows) * len(columns)

    def tiled() -> float:
        start = time.perf_counter()
        predict_large(predictor, folder / "image.tif", folder / "mask.tif")
        return time.perf_counter() - start

    bare()
    rounds = [(bare(), tiled()) for _ in range(7 if len(rows) * len(columns) < 200 else 1)]  # in turn
    seconds = [float(np.median(column)) for column in zip(*rounds, strict=True)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"tiles": len(rows) * len(columns), "bare seconds": seconds[0], "seconds": seconds[1], "peak MB": peak}
    print(json.dumps(found))


# ---------------------------------------------------------------- beside MONAI
def monai(sides: list[int]) -> None:
    """Predict arrays in memory with both, each in a process of its own, and compare time, memory and masks."""
    with tempfile.TemporaryDirectory() as folder:
        for side in sides:
            np.save(Path(folder) / "image.npy", large_array(side))
            found = {}
            for name in ("course", "monai"):
                command = [sys.executable, "-m", "benchmarks.inference", "--with", name, folder]
                found[name] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
            masks = [np.load(Path(folder) / f"{name}.npy") for name in found]
            table = pd.DataFrame(found)
            print(f"{side} x {side}, {(masks[0] == masks[1]).mean():.4%} of the pixels alike")
            print(table.to_string(float_format="{:.2f}".format), flush=True)


def large_array(side: int) -> np.ndarray:
    mosaic = read_image(COURSE / "data" / "tiny" / "mosaic.jpg")
    times = [-(-side // length) for length in mosaic.shape[:2]]
    return np.tile(mosaic, (*times, 1))[:side, :side]


def with_library(name: str, folder: Path) -> None:
    """Predict folder/image.npy with one library, tiles of 256 that share a quarter, Gaussian weights."""
    predictor = Predictor.from_run(SHIPPED, device="cpu", tile=TILE)
    predictor.logits(torch.zeros(1, 3, TILE, TILE, dtype=torch.uint8))
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    if name == "course":
        predict_large(predictor, folder / "image.npy", folder / "course.npy")
    else:
        from monai.inferers import sliding_window_inference

        image = torch.from_numpy(np.load(folder / "image.npy").transpose(2, 0, 1).copy())[None].float()
        logits = sliding_window_inference(
            image, (TILE, TILE), 1, predictor.logits, overlap=0.25, mode="gaussian", sigma_scale=0.125 * 2**0.5
        )
        np.save(folder / "monai.npy", logits[0].argmax(dim=0).to(torch.uint8).numpy())
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak MB": peak / 1024, "MB above the start": (peak - base) / 1024}))


# ---------------------------------------------------------------- backends, and the table of latencies
def backends() -> None:
    """Time the shipped model in PyTorch, compiled and in ONNX Runtime, in turn, on batches of one and eight."""
    predictor = Predictor.from_run(SHIPPED, device="cpu")
    model = predictor.model
    rows = []
    for batch, size in ((1, 256), (8, 256), (1, 512), (1, 1024)):
        images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        calls = {"PyTorch": with_model(model, images), "ONNX Runtime": with_onnx(model, images)}
        seconds = in_turn(calls)
        rows.append({"batch": batch, "size": size, **{k: 1000 * v for k, v in seconds.items()}})
        rows[-1]["ratio"] = seconds["PyTorch"] / seconds["ONNX Runtime"]
        found, expected = calls["ONNX Runtime"](), calls["PyTorch"]()
        rows[-1]["largest difference"] = float(np.abs(found - expected.numpy()).max())
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.5g}".format))


def with_model(model: torch.nn.Module, images: torch.Tensor) -> Callable[[], torch.Tensor]:
    def call() -> torch.Tensor:
        with torch.inference_mode():
            return model(images)

    return call


def with_onnx(model: torch.nn.Module, images: torch.Tensor) -> Callable[[], np.ndarray]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        export.export_onnx(model, Path(folder) / "model.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(Path(folder) / "model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["logits"], {"images": images.numpy()})[0]


def in_turn(calls: dict[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """Return the median seconds of each call; they alternate, so that a slow moment of the machine hits all."""
    seconds = {name: [] for name in calls}
    for number in range(-2, rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


MODELS = ("unet", "smp:unet/mobilenet_v2", "smp:segformer/mit_b0", "torchvision:lraspp_mobilenet_v3_large",
          "torchvision:fcn_resnet50")  # fmt: skip


def latency(models: list[str], compiled: bool) -> None:
    """Print milliseconds and images/s by model, size, batch, precision and backend, on the device of this machine."""
    device, rows = pick_device(), []
    for name, (batch, size) in itertools.product(models, ((1, 256), (4, 256), (1, 512))):
        torch.manual_seed(0)
        model = build_model(Config(model=name), 6).eval()
        images = torch.randint(0, 256, (batch, 3, size, size), dtype=torch.uint8)
        kinds = {"PyTorch, fp32": with_model(model.to(device), images.to(device))}
        half = torch.bfloat16 if device.type == "cpu" else torch.float16
        kinds[f"PyTorch, {str(half).split('.')[1]}"] = in_half(model, images.to(device), half)
        if compiled:
            kinds["compiled, fp32"] = with_model(torch.compile(model, dynamic=False), images.to(device))
        times = {kind: time_call(call, device) for kind, call in kinds.items()}
        times["ONNX Runtime (CPU), fp32"] = time_call(with_onnx(model.cpu(), images), torch.device("cpu"))
        for kind, seconds in times.items():
            million = count_parameters(model) / 1e6
            row = {"model": name, "M weights": million, "size": size, "batch": batch, "backend": kind}
            rows.append(row | {"ms": seconds * 1000, "images/s": batch / seconds})
        print(f"{name} {size} {batch}", file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.1f}".format))


def in_half(model: torch.nn.Module, images: torch.Tensor, kind: torch.dtype) -> Callable[[], torch.Tensor]:
    def call() -> torch.Tensor:
        with torch.inference_mode(), torch.autocast(images.device.type, kind):
            return model(images)

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--monai", action="store_true")
    parser.add_argument("--backends", action="store_true")
    parser.add_argument("--latency", action="store_true")
    parser.add_argument("--compiled", action="store_true", help="with --latency: torch.compile as well (minutes)")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="with --latency")
    parser.add_argument("--sides", type=int, nargs="+", help="of the images of --large and --monai")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--with", nargs=2, dest="library", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))
    if options.one:
        one(options.one)
    if options.library:
        with_library(options.library[0], Path(options.library[1]))
    if options.large:
        large(options.sides or [2000, 6000, 20000])
    if options.monai:
        monai(options.sides or [2176, 4288])
    if options.backends:
        backends()
    if options.latency:
        latency(options.models, options.compiled)


if __name__ == "__main__":
    main()

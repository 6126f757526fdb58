"""Everything that a GPU must show, in one run of at most ten minutes: `make gpu`, or `python -m benchmarks.gpu`.

Notebooks 1, 7 and 8 untouched; a training step in fp32, fp16 and bf16, with and without torch.compile; memory by
batch; exact resume; `tiny` to its mark (with --human FOLDER `human` as well, from nothing and from ImageNet's
weights); the loader's throughput beside the device's. Results are printed as tables and kept as JSON. Where there is
no GPU it says so, and that is all.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import torch

from benchmarks.training import RECIPE
from exercises.course import BUILD, execute_notebook, list_notebooks
from segmenter.evaluation import report_split
from utils import catalog
from utils.checkpoint import load_tensors
from utils.config import Config
from utils.engine import evaluate, make_accelerator, train_step
from utils.inference import Predictor
from utils.loaders import get_data_loaders
from utils.losses import build_loss
from utils.metrics import primary_iou
from utils.models import build_model
from utils.runtime import precision_here, seed_everything
from utils.schedules import build_optimizer
from utils.training import fit

MODELS = {"unet": "our U-Net", "smp:unet/resnet34": "U-Net on ResNet-34", "smp:deeplabv3plus/resnet50": "DeepLabV3+"}
STEPS, WARM_UP, BATCH = 20, 5, 32
# What the README promises of the default models, as IoU.
TINY_MARK, HUMAN_MARK, PHOTOGRAPHS_MARK = 0.70, 0.70, 0.88


def notebooks(folder: Path) -> dict[str, Any]:
    """Execute notebooks 1, 7 and 8 as they are: seconds of each, and what a cell stopped with."""
    found = {}
    for path in list_notebooks():
        if path.stem[:2] not in ("01", "07", "08"):
            continue
        start = time.perf_counter()
        print(path.stem, flush=True)
        execute_notebook(path, MY_WORK=str(folder / "no_answers"))
        found[path.stem] = {"seconds": time.perf_counter() - start}
    return found


def step_of(config: Config, classes: int, batch: int, *, fused: bool = False) -> Callable[[], torch.Tensor]:
    """Return one training step of a config on random bytes that already lie on the device."""
    seed_everything(0)
    accelerator = make_accelerator(config)
    model = build_model(config, classes).to(memory_format=torch.channels_last)
    optimizer = build_optimizer(config, model)
    if fused:
        optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    model, optimizer = accelerator.prepare(model, optimizer)
    if config.compile:
        accelerator.unwrap_model(model).compile()
    size, device = config.image_size, accelerator.device
    images = torch.randint(256, (batch, 3, size, size), dtype=torch.uint8, device=device)
    masks = torch.randint(classes, (batch, size, size), device=device)
    loss_fn = build_loss(config)
    model.train()
    return lambda: train_step(model, images, masks, loss_fn, optimizer, accelerator)


def steps(folder: Path) -> dict[str, Any]:
    """Time a training step by model, number format and torch.compile: images a second, and the peak of memory."""
    kinds = [(name, precision, False) for name in MODELS for precision in ("fp32", "fp16", "bf16")]
    found = {}
    for name, precision, compiled in [*kinds, ("smp:unet/resnet34", "bf16", True)]:  # compiling takes half a minute
        config = Config(model=name, precision=precision, compile=compiled, image_size=256, output=folder / "s")
        key = f"{MODELS[name]}, {precision}{', compiled' if compiled else ''}"
        found[key] = time_steps(step_of(config, 21, BATCH), BATCH)
    return found


def engine(folder: Path) -> dict[str, Any]:
    """Time the same step with and without cuDNN's search for the fastest algorithm, and with a fused optimizer."""
    found = {}
    for key, search, fused in (("search", True, False), ("no search", False, False), ("no search, fused", False, True)):
        config = Config(model="smp:unet/resnet34", image_size=256, output=folder / "e")
        step = step_of(config, 21, BATCH, fused=fused)
        torch.backends.cudnn.benchmark = search
        found[key] = time_steps(step, BATCH)
    return found


def time_steps(step: Callable[[], torch.Tensor], images: int) -> dict[str, float]:
    """Return images a second of a step, what the first one took, and the peak of memory in GB."""
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    step().item()
    first = time.perf_counter() - start
    for _ in range(WARM_UP):
        step()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(STEPS):
        loss = step()
    torch.cuda.synchronize()
    rate = STEPS * images / (time.perf_counter() - start)
    assert loss.isfinite(), "the loss of a timed step is no number"
    return {"images/s": rate, "first step s": first, "peak GB": torch.cuda.max_memory_allocated() / 1e9}


def losses(folder: Path) -> dict[str, Any]:
    """Time `ce` alone beside `ce+dice` with 2, 6 and 23 classes."""
    found = {}
    for classes in (2, 6, 23):
        for loss in ("ce", "ce+dice"):
            config = Config(model="unet", image_size=256, loss=loss, output=folder / "l")
            found[f"{classes} classes, {loss}"] = time_steps(step_of(config, classes, BATCH), BATCH)
    return found


def memory(folder: Path) -> dict[str, Any]:
    """Measure the peak of memory by batch at 512 pixels, in the precision that the course picks."""
    found = {}
    for batch in (1, 4, 16, 64):
        config = Config(model="smp:unet/resnet34", image_size=512, output=folder / "m")
        torch.cuda.empty_cache()
        found[f"batch {batch}"] = time_steps(step_of(config, 21, batch), batch)
    return found


def resume(folder: Path) -> dict[str, Any]:
    """Train four epochs at once, twice, and two and two; say by how much weights and scores differ.

    A GPU adds in an order of its own, so two whole runs differ, too: a run that is resumed must not differ by more.
    """

    def stop(row: dict, epochs: int) -> None:
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    found = {}
    for fixed in (False, True):
        runs = {name: Config(epochs=4, output=folder / f"{name}-{fixed}") for name in ("whole", "again", "resumed")}
        with patch("utils.session.seed_everything", partial(seed_everything, deterministic=fixed)):
            for name, config in runs.items():
                fit(config, on_epoch=stop if name == "resumed" else None)
            fit(runs["resumed"], resume=True, on_epoch=None)
        seed_everything(0)  # the other algorithms again
        for name in ("again", "resumed"):
            key = f"{name} beside whole, {'deterministic' if fixed else 'as it is'}"
            found[key] = difference(runs["whole"].output, runs[name].output)
    return found


def difference(one: Path, other: Path) -> dict[str, float]:
    """Return the largest difference of a weight, and of a validation mIoU, between two runs."""
    states = [load_tensors(folder / "best.safetensors")[0] for folder in (one, other)]
    weights = [(states[0][name].double() - states[1][name].double()).abs().max().item() for name in states[0]]
    scores = [pd.read_csv(folder / "history.csv")["val_score"] for folder in (one, other)]
    return {"weights": max(weights), "validation mIoU": float((scores[0] - scores[1]).abs().max())}


def marks(config: Config, mark: float) -> dict[str, Any]:
    """Train a config to its end and report the test split, beside the mark; masks in fp32 and in the course's pick."""
    start = time.perf_counter()
    run = fit(config, on_epoch=None)
    seconds = time.perf_counter() - start
    source = catalog.load(config)
    predictor = Predictor.from_run(run.folder)
    report = report_split(predictor, source)
    usual = Predictor.from_run(run.folder)
    usual.config = usual.config.override(precision="fp32")
    same = [(predictor(p.image).mask == usual(p.image).mask).mean() for p in source.pairs("test")]
    state, _ = load_tensors(run.folder / "best.safetensors")
    assert all(t.isfinite().all() for t in state.values()), "a weight is no number"
    return {
        "seconds": seconds,
        "validation IoU": float(run.best["val_score"]),
        "test IoU": float(report.score),
        "mark": mark,
        "reached": bool(run.best["val_score"] >= mark),
        "pixels alike in fp32": float(sum(same) / len(same)),
    }


def loader(folder: Path) -> dict[str, Any]:
    """Compare what the loader delivers, by workers, with what the device takes: images a second on `tiny`."""
    found = {}
    config = Config(output=folder / "w")
    source = catalog.load(config)
    step = step_of(config, source.num_outputs, config.batch_size)
    found["the device takes"] = time_steps(step, config.batch_size)["images/s"]
    for workers in sorted({0, 2, 4, os.cpu_count() or 1}):
        batches = get_data_loaders(config.override(workers=workers), source).train
        list(batches)  # starts the workers and fills the cache
        start, images = time.perf_counter(), 0
        for _ in range(3):
            images += sum(len(batch[0]) for batch in batches)
        found[f"{workers} workers deliver"] = images / (time.perf_counter() - start)
    accelerator = make_accelerator(config)
    model = build_model(config, source.num_outputs).to(accelerator.device)
    val = accelerator.prepare(get_data_loaders(config, source).val)
    result = evaluate(model, val, build_loss(config), len(source.classes), accelerator)
    found["an untrained model's validation IoU"] = primary_iou(result.matrix)
    return found


def device() -> dict[str, Any]:
    """Name the card and what the course picks on it."""
    card = torch.cuda.get_device_properties(0)
    return {
        "card": card.name,
        "memory GB": card.total_memory / 1e9,
        "capability": ".".join(map(str, torch.cuda.get_device_capability())),
        "precision": precision_here(torch.device("cuda")),
        "PyTorch": torch.__version__,
        "CPU cores": os.cpu_count(),
        "precision on its CPU": precision_here(torch.device("cpu")),
    }


def cpu_steps(folder: Path) -> dict[str, Any]:
    """Time a step of `tiny` on the CPU beside the card, in fp32 and bf16, with two threads."""
    found = {}
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    for precision in ("fp32", "bf16"):
        config = Config(device="cpu", precision=precision, output=folder / "c")
        step = step_of(config, 6, config.batch_size)
        step()
        start = time.perf_counter()
        for _ in range(3):
            step()
        found[precision] = {"images/s": 3 * config.batch_size / (time.perf_counter() - start)}
    torch.set_num_threads(before)
    return found


def sections(folder: Path, human: Path | None) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield what is measured, the cheap and certain things first."""
    yield "device", device
    yield "step", lambda: steps(folder)
    yield "engine", lambda: engine(folder)
    yield "loss", lambda: losses(folder)
    yield "memory", lambda: memory(folder)
    yield "loader", lambda: loader(folder)
    yield "resume", lambda: resume(folder)
    yield "tiny", lambda: marks(Config(output=folder / "tiny"), TINY_MARK)
    if human:
        recipe = {**RECIPE, "device": "auto", "root": human, "output": folder / "human"}
        yield "human", lambda: marks(Config.preset("human", **recipe), HUMAN_MARK)
        preset = Config.preset("human", root=human, epochs=20, output=folder / "photographs")
        yield "photographs", lambda: marks(preset, PHOTOGRAPHS_MARK)
    yield "CPU step", lambda: cpu_steps(folder)
    yield "notebooks", lambda: notebooks(folder)


def as_text(name: str, found: dict[str, Any]) -> str:
    """Return a section as a table, or as lines where it has no rows of its own."""
    if found and all(isinstance(value, dict) for value in found.values()):
        table = pd.DataFrame(found).T.to_string(float_format="{:.3g}".format)
    else:
        table = pd.Series(found, dtype=object).to_string()
    return f"\n## {name}\n{table}"


def main() -> int:
    """Measure section after section; one that fails is told, and the others go on. Return 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--human", type=Path, help="the folder of the 290 photographs of people")
    parser.add_argument("--output", type=Path, default=BUILD / "gpu.json", help="where the results are kept as JSON")
    parser.add_argument("--only", nargs="+", help="sections to run, such as step memory")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no NVIDIA GPU here, so nothing was measured.")
        return 0
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in sections(Path(folder), options.human):
            if options.only and name not in options.only:
                continue
            start = time.perf_counter()
            log = io.StringIO()
            try:
                with contextlib.redirect_stderr(log):
                    results[name] = measure()
            except Exception as error:
                traceback.print_exc()
                results[name] = {"failed": f"{type(error).__name__}: {error}"}
            print(as_text(name, results[name]), f"\n({time.perf_counter() - start:.0f} s)", flush=True)
            options.output.parent.mkdir(parents=True, exist_ok=True)
            options.output.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return int(any("failed" in found for found in results.values()))


if __name__ == "__main__":
    raise SystemExit(main())

"""Device, precision, honest timing, memory, operations and seeds (notebook 1)."""

import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import torch
from torch import nn

from utils.errors import ConfigError


def image_bytes(height: int, width: int, channels: int = 3, bytes_per_value: int = 1) -> int:
    """Return what a picture takes in memory: one value for each pixel and channel (uint8: 1 byte, float32: 4)."""
    return height * width * channels * bytes_per_value


def choose_device(available: Collection[str], wish: str = "auto") -> str:
    """Return the best of the available devices ('cuda', then 'mps', then 'cpu'), or the one that is wished for.

    Raises ConfigError when the wish cannot be granted: training silently on a CPU would cost hours.
    """
    if wish == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if name in available)
    if wish not in available:
        raise ConfigError(
            f"device='{wish}' is not available here. In Colab choose Runtime > Change runtime type > GPU; "
            "elsewhere set device='cpu'."
        )
    return wish


def pick_device(wish: str = "auto") -> torch.device:
    """Return the best device of this machine, or the one that is wished for; raises ConfigError as choose_device."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return torch.device(choose_device([name for name, available in there.items() if available], wish))


def cpu_computes_bf16() -> bool:
    """Say whether this processor has circuits for bf16 (AVX512-BF16 or AMX); any other one imitates it, slowly."""
    # torch.cpu.is_bf16_supported and oneDNN's own question also say yes where it is imitated.
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in asked)


def pick_precision(
    device: torch.device, capability: tuple[int, int] | None = None, native_bf16: bool | None = None
) -> str:
    """Return 'bf16' where the device computes it itself, 'fp16' on older NVIDIA GPUs, else 'fp32'.

    GPUs compute bf16 from capability 8.0 (Ampere) on; a CPU where it has circuits for it (`native_bf16`).
    `torch.cuda.is_bf16_supported()` also says True where bf16 is only emulated, such as on a T4 (7.5).
    """
    if device.type == "cuda":
        return "bf16" if capability >= (8, 0) else "fp16"
    return "bf16" if device.type == "cpu" and native_bf16 else "fp32"


def precision_here(device: torch.device) -> str:
    """Return the precision that `pick_precision` names for a device of this machine."""
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    return pick_precision(device, capability, cpu_computes_bf16())


def autocast(device: torch.device, wish: str = "auto") -> torch.autocast:
    """Return the context in which a forward pass computes in 'bf16', 'fp16' or 'fp32'; 'auto' picks the precision."""
    precision = precision_here(device) if wish == "auto" else wish
    dtype = torch.float16 if precision == "fp16" else torch.bfloat16
    return torch.autocast(device.type, dtype, enabled=precision != "fp32")


def free_cores() -> int:
    """Count the CPU cores for a step: those that PyTorch may use, less those that other programs keep busy now.

    Threads wait for the slowest of them, so one that must share its core with another program holds all of them up.
    """
    allowed = torch.get_num_threads()
    if allowed == 1:
        return 1
    busy = sum(psutil.cpu_percent(interval=0.3, percpu=True)) / 100
    return min(allowed, max(1, round(psutil.cpu_count() - busy)))


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Compute with `count` CPU threads inside the block, and with as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished: GPU calls return before their work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def median_seconds(call: Callable[[], object], wait: Callable[[], object], repeats: int = 5, warmup: int = 1) -> float:
    """Return the median seconds of `call()`, after warm-up calls; `wait()` returns when the device has finished."""
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        call()
        wait()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def time_call(call: Callable[[], object], device: torch.device, repeats: int = 5, warmup: int = 1) -> float:
    """Return the median seconds of `call()` on a device."""
    return median_seconds(call, lambda: synchronize(device), repeats, warmup)


def seed_libraries(seed: int) -> None:
    """Seed the global generators of Python, NumPy and PyTorch (every device)."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries still use it)
    torch.manual_seed(seed)


def seed_everything(seed: int, deterministic: bool = False) -> None:
    """Seed Python, NumPy and PyTorch; `deterministic` also rules out GPU algorithms that vary between runs."""
    seed_libraries(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = False  # its search took 12 s on an H100, and the steps after it were no faster


def largest_batch(bytes_per_image: int, fixed_bytes: int, budget: int) -> int:
    """Return how many images fit: what is left of `budget` after weights and optimizer, over the cost of one."""
    return max((budget - fixed_bytes) // bytes_per_image, 0)


def describe_runtime() -> str:
    """Say in a few lines what this machine offers."""
    device = pick_device()
    version = torch.__version__.split("+")[0]
    lines = [f"Python {platform.python_version()}, PyTorch {version}, {os.cpu_count()} CPU cores"]
    if device.type == "cuda":
        gigabytes = torch.cuda.get_device_properties(device).total_memory / 1024**3
        lines.append(f"GPU: {torch.cuda.get_device_name(device)}, {gigabytes:.0f} GB")
    else:
        lines.append("GPU: none" if device.type == "cpu" else "GPU: Apple")
    lines.append(f"device '{device}', precision '{precision_here(device)}'")
    return "\n".join(lines)


def count_flops(model: nn.Module, size: int = 256) -> int:
    """Count the floating-point operations of one image of size x size, as torch.utils.flop_counter does."""
    from torch.utils.flop_counter import FlopCounterMode

    training = model.training
    model.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, size, size, dtype=torch.uint8, device=next(model.parameters()).device))
    model.train(training)
    return counter.get_total_flops()

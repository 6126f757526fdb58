"""Device, precision, honest time, memory and seeds (notebook 1)."""

import os
import platform
import random
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from utils.errors import ConfigError


def pick_device(wish: str = "auto") -> torch.device:
    """Return the best device there is ('cuda', then 'mps', then 'cpu'), or the one that is wished for.

    Raises ConfigError when the wish cannot be granted: training silently on a CPU would cost hours.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == "auto":
        return torch.device(next(name for name, available in there.items() if available))
    if not there.get(wish, False):
        raise ConfigError(
            f"device='{wish}' is not available here. In Colab choose Runtime > Change runtime type > GPU; "
            "elsewhere set device='cpu'."
        )
    return torch.device(wish)


def pick_precision(device: torch.device, capability: tuple[int, int] | None = None) -> str:
    """Return 'bf16' on GPUs that compute it (compute capability 8.0, Ampere), 'fp16' on older ones, else 'fp32'.

    `torch.cuda.is_bf16_supported()` also says True where bf16 is only emulated, such as on a T4 (7.5).
    """
    if device.type != "cuda":
        return "fp32"
    return "bf16" if (capability or torch.cuda.get_device_capability(device)) >= (8, 0) else "fp16"


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished: GPU calls return before their work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def time_call(call: Callable[[], object], device: torch.device, repeats: int = 5, warmup: int = 1) -> float:
    """Return the median seconds of `call()`, with the device waited for before and after each."""
    for _ in range(warmup):
        call()
    seconds = []
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        call()
        synchronize(device)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def seed_everything(seed: int, deterministic: bool = False) -> None:
    """Seed Python, NumPy and PyTorch; `deterministic` also rules out GPU algorithms that vary between runs."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (libraries still use it)
    torch.manual_seed(seed)  # every device
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.benchmark = not deterministic


def activation_bytes(model: nn.Module, images: Tensor) -> int:
    """Measure what a forward pass keeps for the backward pass, in bytes (each storage counted once)."""
    kept: dict[int, int] = {}

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        output = model(images)  # kept alive, so that no storage is freed and its address used again
    del output
    return sum(size for pointer, size in kept.items() if pointer not in weights)


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
    lines.append(f"device '{device}', precision '{pick_precision(device)}'")
    return "\n".join(lines)

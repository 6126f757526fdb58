"""utils/runtime.py: device, precision, seeds and memory."""

import random

import numpy as np
import pytest
import torch
from helpers import assert_clear
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from utils import runtime
from utils.errors import ConfigError
from utils.models import SegmentationModel
from utils.runtime import (
    autocast,
    choose_device,
    count_flops,
    cpu_computes_bf16,
    describe_runtime,
    free_cores,
    image_bytes,
    largest_batch,
    median_seconds,
    pick_device,
    pick_precision,
    precision_here,
    seed_everything,
    seed_libraries,
    time_call,
    use_threads,
)
from utils.unet import UNet


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_there_is(cuda, mps, best, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device().type == best
    assert pick_device("cpu").type == "cpu"


@pytest.mark.parametrize("wish", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_no_silent_cpu(wish, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError) as error:
        pick_device(wish)
    assert_clear(error, f"device='{wish}'", "runtime", "device='cpu'")


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_precision_follows_what_a_gpu_computes_and_not_what_it_emulates(capability, precision, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    assert precision_here(torch.device("cuda")) == precision
    assert pick_precision(torch.device("cuda"), capability) == precision
    assert precision_here(torch.device("mps")) == "fp32"


@pytest.mark.parametrize(("avx512", "amx"), [(False, False), (True, False), (False, True)])
def test_a_cpu_takes_bf16_only_where_it_has_circuits_for_it(avx512, amx, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert cpu_computes_bf16() is (avx512 or amx)
    assert precision_here(torch.device("cpu")) == ("bf16" if avx512 or amx else "fp32")
    assert precision_here(torch.device("mps")) == "fp32"
    assert pick_precision(torch.device("cuda"), (7, 5)) == "fp16"


def test_an_older_pytorch_that_cannot_say_takes_fp32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported", raising=False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    assert precision_here(torch.device("cpu")) == "fp32"


@pytest.mark.parametrize(("wish", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_forward_pass_computes_in_the_precision_that_is_wished_for(wish, dtype):
    with autocast(torch.device("cpu"), wish):
        assert nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype


@pytest.mark.parametrize(
    ("allowed", "cores", "busy", "free"),
    [(2, 2, [0, 0], 2), (2, 2, [100, 3], 1), (2, 2, [100, 100], 1), (4, 8, [100, 100, 0, 0, 0, 0, 0, 0], 4),
     (8, 8, [100, 60, 30, 0, 0, 0, 0, 0], 6), (1, 2, None, 1)],
)  # fmt: skip
def test_cores_that_another_program_keeps_busy_are_left_to_it(allowed, cores, busy, free, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: allowed)
    monkeypatch.setattr(runtime.psutil, "cpu_percent", lambda interval, percpu: busy)
    monkeypatch.setattr(runtime.psutil, "cpu_count", lambda: cores)
    assert free_cores() == free


def test_threads_are_put_back_whatever_happens():
    before = torch.get_num_threads()
    inside = []
    with pytest.raises(ZeroDivisionError), use_threads(before + 1):
        inside.append(torch.get_num_threads() / 0)
    with use_threads(before + 1):
        inside.append(torch.get_num_threads())
    assert inside == [before + 1]
    assert torch.get_num_threads() == before


def test_a_seed_repeats_every_kind_of_randomness():
    def draw(seed):
        seed_everything(seed)
        return random.random(), float(np.random.random()), torch.rand(1).item()  # noqa: NPY002

    assert draw(3) == draw(3)
    assert all(a != b for a, b in zip(draw(3), draw(4), strict=True))


@given(st.integers(0, 2**32 - 1))
def test_a_seed_is_that_of_a_generator_of_its_own(seed):
    seed_libraries(seed)
    assert random.random() == random.Random(seed).random()
    assert np.random.random() == np.random.RandomState(seed).random()  # noqa: NPY002
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(seed)))


def test_determinism_is_switched_on_and_off():
    try:
        seed_everything(0, deterministic=True)
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
    finally:
        seed_everything(0)
    assert not torch.are_deterministic_algorithms_enabled()


def test_timing_waits_for_the_device_before_and_after_every_call(monkeypatch):
    events = []
    clock = iter([0.0, 1.0, 10.0, 13.0, 20.0, 22.0])
    monkeypatch.setattr(runtime, "synchronize", lambda device: events.append("wait"))
    monkeypatch.setattr(runtime.time, "perf_counter", lambda: next(clock))
    seconds = time_call(lambda: events.append("call"), torch.device("cpu"), repeats=3, warmup=2)
    assert seconds == 2.0
    assert events == ["call", "call"] + ["wait", "call", "wait"] * 3


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=9), st.integers(0, 3))
def test_the_median_is_that_of_numpy_whatever_the_warm_up_took(seconds, warmup):
    clock, queue, left = [0.0], [], [1e6] * warmup + seconds

    def wait():
        clock[0] += sum(queue)
        queue.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime.time, "perf_counter", lambda: clock[0])
        found = median_seconds(lambda: queue.append(left.pop(0)), wait, len(seconds), warmup)
    assert found == np.median(seconds)
    assert not left


@pytest.mark.parametrize(("each", "fixed", "budget", "fits"), [(10, 5, 100, 9), (10, 0, 100, 10), (10, 200, 100, 0)])
def test_what_fits(each, fixed, budget, fits):
    assert largest_batch(each, fixed, budget) == fits


def test_the_description_names_versions_device_and_precision():
    text = describe_runtime()
    for word in ("Python", "PyTorch", "CPU cores", "GPU", "device", "precision"):
        assert word in text


@given(st.sets(st.sampled_from(["cuda", "mps"])), st.sampled_from(["auto", "cuda", "mps", "cpu"]))
def test_a_wish_is_granted_or_refused_and_auto_is_the_best(there, wish):
    available = {*there, "cpu"}
    if wish != "auto" and wish not in available:
        with pytest.raises(ConfigError, match="is not available here"):
            choose_device(available, wish)
        return
    best = min(available, key=["cuda", "mps", "cpu"].index)
    assert choose_device(available, wish) == (best if wish == "auto" else wish)


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 4), st.sampled_from([np.uint8, np.float16, np.float32]))
def test_a_picture_takes_what_numpy_takes(height, width, channels, dtype):
    picture = np.zeros((height, width, channels), dtype)
    assert image_bytes(height, width, channels, picture.itemsize) == picture.nbytes


def test_operations_by_hand():
    """Each output of a 3 x 3 convolution over three channels takes 27 multiplications and 27 additions."""
    model = SegmentationModel(nn.Conv2d(3, 5, 3, padding=1), stride=1)
    assert count_flops(model, 16) == 2 * 3 * 5 * 9 * 16 * 16


@pytest.mark.parametrize("training", [True, False])
def test_counting_changes_nothing(training):
    model = SegmentationModel(UNet(2, width=4, depth=2), 4).train(training)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    count_flops(model, 32)
    assert model.training is training
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())

"""Restore the state of the process after a learner's code has run in it."""

import builtins
import contextlib
import inspect
import io
import math
import os
import random
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any
from unittest import mock

import cv2
import numpy as np
import torch

# Whose functions an answer may overwrite, if only by a misplaced equals sign; those of the course come to them.
LIBRARIES: tuple[Any, ...] = (
    *(builtins, math, random, statistics, time, np, np.random, np.linalg, torch, torch.nn, torch.nn.functional),
    *(torch.Tensor, torch.nn.Module, torch.optim.Optimizer),
)


def functions_of_libraries() -> list[tuple[Any, dict[str, Any]]]:
    """Return each library, and each module of the course, with the functions that it holds now."""
    course = [module for name, module in list(sys.modules.items()) if name.split(".")[0] == "utils"]
    holders = (*LIBRARIES, *course)
    return [(h, {k: v for k, v in vars(h).items() if callable(v) and not isinstance(v, type)}) for h in holders]


def wrapped_by_a_library(value: Any, function: Any) -> bool:
    """Say whether a library wrapped a function when it was imported: PyTorch does so with `torch.manual_seed`."""
    place = getattr(getattr(value, "__code__", None), "co_filename", "")
    return "-packages" in place and inspect.unwrap(value) is inspect.unwrap(function)


def put_back(before: list[tuple[Any, dict[str, Any]]]) -> list[str]:
    """Put every function back to its place; return the names of those that something else had taken."""
    overwritten = []
    for holder, functions in before:
        now = vars(holder)
        for name, function in functions.items():
            if now.get(name) is not function and not wrapped_by_a_library(now.get(name), function):
                setattr(holder, name, function)
                overwritten.append(f"{holder.__name__}.{name}".removeprefix("builtins."))
    return overwritten


class LimitedOutput(io.StringIO):
    """Keep the first characters of what is printed only, so that an endless loop does not fill the memory."""

    MAX_CHARACTERS = 10_000

    def __init__(self) -> None:
        super().__init__()
        self.overwritten: list[str] = []  # functions of libraries that the block put something else in the place of

    def write(self, text: str) -> int:
        return super().write(text[: max(0, self.MAX_CHARACTERS - self.tell())])


@contextlib.contextmanager
def restore_process_state() -> Iterator[LimitedOutput]:
    """Run the block, yield what it prints, and restore what it may have changed.

    Restored are the random states, gradient mode, default dtype and device, determinism, threads, NumPy's treatment of
    errors, the recursion limit, warnings, the current folder, environment variables, functions of libraries that were
    overwritten, and the set of open figures.
    """
    output = LimitedOutput()
    functions = functions_of_libraries()
    with contextlib.ExitStack() as stack:
        for keep in (keep_chance, keep_modes, keep_surroundings, keep_figures):
            stack.enter_context(keep())
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(output))
        warnings.simplefilter("ignore")
        try:
            yield output
        finally:
            output.overwritten += put_back(functions)


@contextlib.contextmanager
def keep_chance() -> Iterator[None]:
    """Restore the random states of Python, NumPy and PyTorch."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    gpu_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if gpu_states:
            torch.cuda.set_rng_state_all(gpu_states)


@contextlib.contextmanager
def keep_modes() -> Iterator[None]:
    """Restore what PyTorch, NumPy and OpenCV are set to."""
    gradients, dtype, device = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
    exact, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    threads, errors = (torch.get_num_threads(), cv2.getNumThreads()), np.geterr()
    try:
        yield
    finally:
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)
        if torch.are_deterministic_algorithms_enabled() != exact:  # the first call takes seconds: it imports a compiler
            torch.use_deterministic_algorithms(exact)
        torch.backends.cudnn.benchmark = benchmark
        if torch.get_num_threads() != threads[0]:
            torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
        np.seterr(**errors)


@contextlib.contextmanager
def keep_surroundings() -> Iterator[None]:
    """Restore the current folder, the environment, the paths of modules and the recursion limit."""
    folder, environment, paths, depth = os.getcwd(), dict(os.environ), sys.path[:], sys.getrecursionlimit()  # noqa: PTH109
    try:
        yield
    finally:
        os.chdir(folder)
        if environment != dict(os.environ):
            os.environ.clear()
            os.environ.update(environment)
        sys.path[:] = paths
        sys.setrecursionlimit(depth)


@contextlib.contextmanager
def keep_figures() -> Iterator[None]:
    """Close the figures that the block opened."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    figures = set(pyplot.get_fignums()) if pyplot else set()
    try:
        yield
    finally:
        if pyplot := sys.modules.get("matplotlib.pyplot"):  # the block may have imported it
            for number in set(pyplot.get_fignums()) - figures:
                pyplot.close(number)


@contextlib.contextmanager
def started_anew() -> Iterator[None]:
    """Let `hash` give other numbers for texts, as it does each time that Python starts."""
    real_hash = hash

    def salted(value: Any) -> int:
        return real_hash((1, value) if any(mark in repr(value) for mark in "'\"") else value)

    with mock.patch("builtins.hash", salted):
        yield

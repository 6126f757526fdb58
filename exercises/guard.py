"""Run a learner's code without letting it harm the session: a time limit, and everything put back as it was."""

import contextlib
import ctypes
import io
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

import numpy as np
import torch

SECONDS = 5.0


class TooSlow(BaseException):
    """The time is up. No Exception, so that `except Exception` in an answer does not swallow it."""


@contextlib.contextmanager
def time_limit(seconds: float = SECONDS) -> Iterator[None]:
    """Raise TooSlow in this thread when the block takes longer, and again until it gets through."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):

        def ring(number: int, frame: object) -> None:
            raise TooSlow

        before, outer = signal.signal(signal.SIGALRM, ring), signal.setitimer(signal.ITIMER_REAL, seconds, 0.01)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            signal.setitimer(signal.ITIMER_REAL, *outer)  # a limit around this one goes on
        return
    # Windows, or not the main thread: only Python code can be interrupted.
    target, done = ctypes.c_ulong(threading.get_ident()), threading.Event()

    def interrupt() -> None:
        if not done.wait(seconds):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(TooSlow))

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        yield
    finally:
        done.set()


class Printed(io.StringIO):
    """Keeps the first characters of what is printed: an endless loop must not fill the memory."""

    def write(self, text: str) -> int:
        return super().write(text[: max(0, 10_000 - self.tell())])


@contextlib.contextmanager
def kept_as_found() -> Iterator[Printed]:
    """Put seeds, grad mode, dtype, determinism, folder and figures back afterwards; collect what is printed."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    modes = torch.is_grad_enabled(), torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    benchmark, folder, environment = torch.backends.cudnn.benchmark, os.getcwd(), dict(os.environ)  # noqa: PTH109
    pyplot = sys.modules.get("matplotlib.pyplot")
    figures = set(pyplot.get_fignums()) if pyplot else set()
    printed = Printed()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            warnings.simplefilter("ignore")
            yield printed
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
        torch.set_grad_enabled(modes[0])
        torch.set_default_dtype(modes[1])
        torch.use_deterministic_algorithms(modes[2])
        torch.backends.cudnn.benchmark = benchmark
        os.chdir(folder)
        if environment != dict(os.environ):
            os.environ.clear()
            os.environ.update(environment)
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            for number in set(pyplot.get_fignums()) - figures:
                pyplot.close(number)

"""Restore the state of the process after a learner's code has run in it."""

import contextlib
import io
import os
import random
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import torch


class LimitedOutput(io.StringIO):
    """Keep the first characters of what is printed only, so that an endless loop does not fill the memory."""

    MAX_CHARACTERS = 10_000

    def write(self, text: str) -> int:
        return super().write(text[: max(0, self.MAX_CHARACTERS - self.tell())])


@contextlib.contextmanager
def restore_process_state() -> Iterator[LimitedOutput]:
    """Run the block, yield what it prints, and restore what it may have changed.

    Restored are the random states, gradient mode, default dtype, determinism, current folder, environment variables,
    and the set of open figures.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    gpu_states = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    modes = torch.is_grad_enabled(), torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled()
    benchmark, folder, environment = torch.backends.cudnn.benchmark, os.getcwd(), dict(os.environ)  # noqa: PTH109
    pyplot = sys.modules.get("matplotlib.pyplot")
    figures = set(pyplot.get_fignums()) if pyplot else set()
    output = LimitedOutput()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            warnings.simplefilter("ignore")
            yield output
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if gpu_states:
            torch.cuda.set_rng_state_all(gpu_states)
        torch.set_grad_enabled(modes[0])
        torch.set_default_dtype(modes[1])
        torch.use_deterministic_algorithms(modes[2])
        torch.backends.cudnn.benchmark = benchmark
        os.chdir(folder)
        if environment != dict(os.environ):
            os.environ.clear()
            os.environ.update(environment)
        if pyplot := sys.modules.get("matplotlib.pyplot"):  # the block may have imported it
            for number in set(pyplot.get_fignums()) - figures:
                pyplot.close(number)

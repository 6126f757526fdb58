"""Python processes that have imported torch and the rest already: forked from one that did, instead of started.

Importing takes five seconds, and many a test needs a process that lives for one. What runs in it is the same.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
# Not `exercises`: it takes up the learner's kept answers when a notebook imports it.
FORKS.set_forkserver_preload(
    [
        *("ipykernel.kernelapp", "IPython.core.magics", "matplotlib.pyplot", "onnxruntime", "utils.training"),
        *("utils.inference", "segmenter.distributed", "segmenter.report", "segmenter.check", "torchmetrics"),
    ]
)


class Process:
    """`python *arguments`, forked: with arguments as python takes them, -c CODE, -m MODULE or a file, and its own."""

    def __init__(self, *arguments: object, output: Path, cwd: Path, env: Mapping[str, str] | None = None) -> None:
        environment = dict(os.environ if env is None else env)
        self.output = output  # what it prints, and its errors
        self.process = FORKS.Process(target=run, args=([str(a) for a in arguments], output, cwd, environment))
        self.process.start()
        self.pid = self.process.pid

    def poll(self) -> int | None:
        """Return the exit code, None while it runs; minus the number of a signal that ended it."""
        return self.process.exitcode

    def wait(self, seconds: float | None = None) -> int | None:
        self.process.join(seconds)
        return self.poll()

    def kill(self) -> None:
        """End it and what it started, as the system does where memory runs out."""
        while self.poll() is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:  # it has no group of its own yet
                time.sleep(0.01)
            self.wait(0.1)

    def text(self) -> str:
        """Return what it printed."""
        return self.output.read_text(encoding="utf-8") if self.output.exists() else ""


def run(arguments: list[str], output: Path, cwd: Path, environment: dict[str, str]) -> None:
    """Do in this process what the command line would have done in a new one."""
    os.setsid()
    gc.freeze()  # what is imported is shared with the other processes: a collection would copy it
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    what, *rest = arguments
    sys.argv = rest if what == "-m" else arguments
    if what == "-c":
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    elif what == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(what, run_name="__main__")

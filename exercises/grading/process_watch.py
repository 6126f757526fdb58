"""Watch a process and its children: read what it reports, hold it to its limits, and end all of it."""

import contextlib
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass

import psutil

MAX_PROCESSES = 64  # a DataLoader starts fewer
MAX_REPORT_BYTES = 10_000_000
DONE = b'"done"'  # the sandbox reports this at its end
NOT_REACHED = "the exercise was not reached"


@dataclass(frozen=True)
class Limits:
    """What one notebook may use: seconds of time, and bytes of memory."""

    seconds: float
    memory: int


class NotebookProcess:
    """The process of one notebook: `parent`, from which it was forked, writes to its standard output how it ended.

    Where the system cannot fork, it is the parent itself.
    """

    def __init__(self, pid: int, parent: subprocess.Popen) -> None:
        self.pid, self.parent = pid, parent
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how the process ended, as `subprocess.Popen.poll` does; None while it runs."""
        return self.wait(seconds=0)

    def wait(self, seconds: float) -> int | None:
        """Return how the process ended; None where it still runs after `seconds`, or nobody is left who knows."""
        if self.returncode is not None:
            return self.returncode
        if self.pid == self.parent.pid:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.returncode = self.parent.wait(seconds)
        elif select.select([self.parent.stdout], [], [], seconds)[0]:
            code = self.parent.stdout.readline()
            self.returncode = int(code) if code else None
        return self.returncode


def watch(process: NotebookProcess, channel: int, limits: Limits) -> tuple[list[bytes], str]:
    """Collect the lines of `channel` (a file descriptor) until the process is done or breaks a limit, and end it.

    Returns the lines, and a sentence that says how the process ended.
    """
    deadline, received, tree = time.monotonic() + limits.seconds, b"", set[psutil.Process]()
    ending = ""
    while not ending:
        if select.select([channel], [], [], 0.1)[0]:
            received += os.read(channel, 65536)
        if DONE in received or len(received) > MAX_REPORT_BYTES:
            ending = NOT_REACHED
        elif process.poll() is not None:
            ending = how_it_ended(process.returncode)
            received += read_remaining(channel)
        elif time.monotonic() > deadline:
            ending = f"the notebook runs longer than {limits.seconds:.0f} seconds"
        else:
            tree |= process_tree(process)
            ending = broken_limit(process, tree, limits)
    kill_tree(process, tree)
    return received.splitlines(), ending


def broken_limit(process: NotebookProcess, tree: set[psutil.Process], limits: Limits) -> str:
    """Say which limit a process and its tree break, if they break one."""
    memory = 0
    for member in [member for member in tree if member.is_running()]:
        # Counted anew before each: on a busy machine a fork bomb grows faster than its memory can be measured.
        if len(process_tree(process) | {p for p in tree if p.is_running()}) > MAX_PROCESSES:
            return f"the notebook starts more than {MAX_PROCESSES} processes"
        memory += unshared_memory(member)
        if memory > limits.memory:
            return f"the notebook needs more than {limits.memory / 1024**3:.1f} GB of memory"
    return ""


def how_it_ended(code: int) -> str:
    """Say how a process ended that did not report to be done."""
    return f"the notebook crashed the process (signal {-code})" if code < 0 else "the notebook ended the process"


def read_remaining(channel: int) -> bytes:
    """Return what is left in the pipe, without waiting for more."""
    os.set_blocking(channel, False)
    try:
        return os.read(channel, 1_000_000)
    except BlockingIOError:
        return b""


def process_tree(process: NotebookProcess) -> set[psutil.Process]:
    """Return a process and all its descendants."""
    try:
        root = psutil.Process(process.pid)
        return {root, *root.children(recursive=True)}
    except psutil.Error:
        return set()


def unshared_memory(process: psutil.Process) -> int:
    """Return the bytes of memory that a process shares with no other, because a forked worker shares most of it."""
    try:
        return process.memory_full_info().uss
    except psutil.Error:
        return 0


def process_status(process: psutil.Process) -> str:
    """Return the status of a process; one that is gone counts as a zombie."""
    try:
        return process.status()
    except psutil.Error:
        return psutil.STATUS_ZOMBIE


def kill_tree(process: NotebookProcess, descendants: set[psutil.Process]) -> None:
    """End a process and whatever it has started, also what left its process group.

    The process is stopped first: while it is, it inherits the children of those that are ended, and starts no others.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)
    for _ in range(50):  # the descendants may have forked meanwhile
        others = {p for p in descendants | process_tree(process) if p.pid != process.pid and p.is_running()}
        others = {p for p in others if process_status(p) != psutil.STATUS_ZOMBIE}
        if not others:
            break
        for member in others:
            with contextlib.suppress(psutil.Error):
                member.kill()
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)

"""Run the nine notebooks of the course in the current folder, in kernels that have imported its libraries already.

The kernel of each notebook is forked from one process that has imported them: a process of its own all the same, and
everything after that is as it always is.

Usage: python tests/warm_course.py, with the folder of the course as PYTHONPATH.
"""

import gc
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from jupyter_client.provisioning import local_provisioner
from warm import FORKS


class Kernel:
    """A forked kernel as Jupyter wants it: with the methods of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, command: list[str], env: Mapping[str, str], cwd: str, **_: Any) -> None:
        told, tell = FORKS.Pipe(duplex=False)
        self.process = FORKS.Process(target=run_kernel, args=(command, dict(env), cwd, tell))
        self.process.start()
        tell.close()
        told.recv()  # it has a process group of its own now: signals to that reach nobody else
        self.pid = self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self.process.join(timeout)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.process.exitcode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def run_kernel(command: list[str], env: dict[str, str], cwd: str, tell: Connection) -> None:
    """Become the kernel that `command`, [python, -m, ipykernel_launcher, ...], would start."""
    os.setsid()
    gc.freeze()  # what is imported is shared with the other kernels: a collection would copy it
    tell.send("started")
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:] = [path for path in sys.path if "site-packages" in path or path.startswith(sys.base_prefix)]
    from ipykernel.kernelapp import IPKernelApp

    once = "--InlineBackend.print_figure_kwargs={'bbox_inches': None}"  # else each is laid out twice, for its margins
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # else it tells how to quit a kernel that nobody started
    IPKernelApp.launch_instance([*command[3:], once, parent])


def main() -> None:
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as a kernel sets it, before it imports
    local_provisioner.launch_kernel = Kernel
    from exercises.course import run_course

    run_course()


if __name__ == "__main__":
    main()

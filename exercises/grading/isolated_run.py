"""Run the cells of a submission in a process of its own, on a copy of the course, and read its verdicts."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from exercises.grading.process_watch import Limits, NotebookProcess, kill_tree, read_remaining, watch
from utils.config import COURSE
from utils.errors import CourseError

# What a notebook needs of the course. It is copied, so that no submission touches the teacher's files.
COPIED_FOLDERS = ("utils", "exercises", "segmenter", "data/tiny", "notebooks/images")
COPIED_FILES = ("data/make_tiny.py",)
INHERITED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "OMP_NUM_THREADS")
CELL_SECONDS = 180.0

Verdicts = dict[str, tuple[str, str]]  # by exercise id: (status, detail)


class Sandbox:
    """Runs notebooks, one after the other, each in a process of its own, in a workplace that is made anew for each.

    Importing takes longer than most notebooks: one process, which runs nothing of a submission, imports the course
    once, and the process of each notebook is forked from it. Without fork (macOS) every notebook has a new one.
    """

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True)
        self.workplace = Path(self.folder.name).resolve() / "workplace"  # always here, since modules come from it
        self.process: subprocess.Popen | None = None
        self.read_end, self.write_end = os.pipe()  # for verdicts

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        os.close(self.read_end)
        os.close(self.write_end)
        self.folder.cleanup()

    def run(self, cells: list[str], limits: Limits, protected: bool) -> tuple[Verdicts, str]:
        """Run the cells of a notebook; return the verdicts, and a sentence that says how its process ended."""
        secret = secrets.token_hex(16)  # by which a verdict is told from what a submission writes
        cell_seconds = min(CELL_SECONDS, limits.seconds / 3)  # a cell that hangs leaves time for the others
        job = {
            "secret": secret,
            "cells": cells,
            "memory": limits.memory,
            "seconds": cell_seconds,
            "protected": protected,
        }
        make_workplace(self.workplace)
        read_remaining(self.read_end)  # what the notebook before wrote too late
        notebook = self.fork(json.dumps(job).encode())
        try:
            lines, ending = watch(notebook, self.read_end, limits)
        finally:
            kill_tree(notebook, set())
            if notebook.wait(seconds=60) is None:  # whoever should say that it ended is gone, or was stopped
                self.stop()
        return read_verdicts(lines, secret), ending

    def fork(self, job: bytes) -> NotebookProcess:
        """Send a job; return the process that runs it. Raises CourseError where the course cannot be imported."""
        if self.process is None or self.process.poll() is not None:
            self.stop()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exercises.grading.sandbox", str(self.write_end), str(self.workplace)],
                cwd=self.workplace / "course" / "notebooks", env=environment(self.workplace), pass_fds=[self.write_end],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
                bufsize=0,
            )  # fmt: skip
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(job + b"\n")
        pid = self.process.stdout.readline()  # it comes when everything is imported: that is not the notebook's time
        if not pid:
            raise CourseError("The process that judges notebooks ended before it began: is enough memory free?")
        return NotebookProcess(int(pid), self.process)

    def stop(self) -> None:
        """End the process that the others are forked from."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def make_workplace(workplace: Path) -> None:
    """Make the folder of a notebook anew: the course, and empty folders for what it writes."""
    if workplace.exists():
        used = workplace.rename(tempfile.mkdtemp(dir=workplace.parent))
        shutil.rmtree(used, ignore_errors=True)  # a submission may have made something that cannot be removed
    copy_course(workplace / "course")
    for name in ("home", "tmp"):
        (workplace / name).mkdir()


def copy_course(target: Path) -> None:
    """Copy the part of the course that a notebook needs."""
    for folder in COPIED_FOLDERS:
        shutil.copytree(COURSE / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in COPIED_FILES:
        shutil.copy2(COURSE / file, target / file)


def environment(workplace: Path) -> dict[str, str]:
    """Return the variables of a submission: none of the teacher's, offline, all folders inside its workplace."""
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED_VARIABLES}
    home = str(workplace / "home")
    return inherited | {
        "PYTHONPATH": str(workplace / "course"), "HOME": home, "TMPDIR": str(workplace / "tmp"), "IPYTHONDIR": home,
        "MPLCONFIGDIR": home, "MPLBACKEND": "Agg", "MY_WORK": str(workplace / "my_work"), "HF_HUB_OFFLINE": "1",
        "WANDB_MODE": "offline", "NO_ALBUMENTATIONS_UPDATE": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def read_verdicts(lines: Iterable[bytes], secret: str) -> Verdicts:
    """Return the verdicts among the lines that the sandbox wrote: those that carry the secret."""
    messages = [message for message in map(parse_message, lines) if message.get("secret") == secret]
    return {m["exercise"]: (m["verdict"], m["detail"]) for m in messages if m.get("exercise")}


def parse_message(line: bytes) -> dict[str, Any]:
    """Read one line of JSON; whatever else a line holds gives an empty message."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}

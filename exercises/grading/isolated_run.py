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

from exercises.grading.process_watch import Limits, kill_tree, watch
from utils.config import COURSE

# What a notebook needs of the course. It is copied, so that no submission touches the teacher's files.
COPIED_FOLDERS = ("utils", "exercises", "segmenter", "data/tiny", "notebooks/images")
COPIED_FILES = ("data/make_tiny.py",)
INHERITED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "OMP_NUM_THREADS")
CELL_SECONDS = 180.0

Verdicts = dict[str, tuple[str, str]]  # by exercise id: (status, detail)


def run_isolated(cells: list[str], limits: Limits, protected: bool) -> tuple[Verdicts, str]:
    """Run cells in the sandbox; return the verdicts, and a sentence that says how the process ended."""
    secret = secrets.token_hex(16)  # by which a verdict is told from what a submission writes
    cell_seconds = min(CELL_SECONDS, limits.seconds / 3)  # a cell that hangs leaves time for the others
    job = {
        "secret": secret,
        "cells": cells,
        "memory": limits.memory,
        "seconds": cell_seconds,
        "protected": protected,
    }
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        workplace = Path(folder).resolve()
        copy_course(workplace / "course")
        for name in ("home", "tmp"):
            (workplace / name).mkdir()
        read_end, write_end = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "exercises.grading.sandbox", str(write_end), str(workplace)],
            cwd=workplace / "course" / "notebooks", env=environment(workplace), pass_fds=[write_end],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(write_end)
        try:
            send_job(process, json.dumps(job).encode())
            lines, ending = watch(process, read_end, limits)
        finally:
            kill_tree(process, set())
            process.wait()
            os.close(read_end)
    return read_verdicts(lines, secret), ending


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


def send_job(process: subprocess.Popen, job: bytes) -> None:
    """Send the job to the standard input of the sandbox; one that is gone already is found by its end."""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(job)
        process.stdin.close()


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

"""Grade submitted notebooks: each in a process of its own, shut off, with limits; one row for every exercise."""

import contextlib
import csv
import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from exercises import engine
from exercises.grading.sandbox import exercises_in, landlock_version
from utils.config import COURSE
from utils.errors import CourseError

COLUMNS = ("submission", "notebook", "exercise", "title", "verdict", "detail")
CELL_SECONDS = 180.0
PROCESSES = 64  # more than this at once is no DataLoader


def grade(
    submissions: list[Path], table: Path | None = None, minutes: float = 15, gigabytes: float = 6, trusted: bool = False
) -> list[dict[str, str]]:
    """Judge notebooks, or folders of them; return (and write as CSV) a row for each exercise of each notebook.

    Verdicts: 'passed'; 'wrong', with the property that failed; 'unwritten'; 'error', with what stopped it.

    Args:
        submissions: .ipynb files, or folders that are searched for them; a folder's name is the name of its learner.
        table: CSV file to write; rows are added as they come, so that an interruption loses nothing.
        minutes: time for one notebook.
        gigabytes: memory for one notebook.
        trusted: run without protection where the system offers none.

    Raises CourseError when there is nothing to grade, or when submissions cannot be shut off.
    """
    if os.name == "nt":
        raise CourseError("Grading needs Linux (or, for submissions that you trust, macOS): a Colab runtime will do.")
    if not landlock_version() and not trusted:
        raise CourseError(
            "This system cannot shut submissions off from your files: that needs Linux 5.13 or newer with Landlock. "
            "Grade there (a Colab runtime will do), or, if you trust every submission, pass --trusted."
        )
    rows: list[dict[str, str]] = []
    notebooks = list(find_notebooks(submissions))
    if table:
        start_table(table)
    for number, (name, path) in enumerate(notebooks, 1):
        print(f"[{number}/{len(notebooks)}] {name} {path.name} ...", end=" ", flush=True)
        new = grade_notebook(name, path, minutes * 60, int(gigabytes * 1024**3), not trusted or landlock_version() > 0)
        rows += new
        if table:
            add_rows(table, new)
        print(", ".join(f"{n} {verdict}" for verdict, n in Counter(r["verdict"] for r in new).items()), flush=True)
    return rows


def find_notebooks(submissions: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield (learner, notebook) for files and folders. Raises CourseError where there is none."""
    for given in submissions:
        if given.is_dir():
            found = [p for p in sorted(given.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
        else:
            found = [given] if given.is_file() and given.suffix == ".ipynb" else []
        if not found:
            raise CourseError(f"There is no notebook at {given}: give .ipynb files, or a folder that holds some.")
        for path in found:
            below = path.relative_to(given).parts[:-1] if given.is_dir() else ()
            yield (below[0] if below else given.name if given.is_dir() else path.stem), path


def read_cells(path: Path) -> list[str]:
    """Return the code cells of a notebook as text. Raises CourseError for a file that is none."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path} is no notebook ({type(error).__name__}): ask for it again.") from None


def grade_notebook(name: str, path: Path, seconds: float, memory: int, protected: bool) -> list[dict[str, str]]:
    """Return a row for every exercise of one notebook, whatever it does."""
    try:
        cells = read_cells(path)
    except CourseError as error:
        return [row(name, path, "", "", engine.STOPPED, str(error))]
    numbers = {i.split(".")[0] for cell in cells for i in exercises_in(cell)} & set("123456789")
    wanted = [e for n in sorted(numbers) for e in engine.notebook_exercises(int(n))]
    if not wanted:
        return [row(name, path, "", "", engine.STOPPED, "there is no exercise in this notebook")]
    verdicts, ended = run_apart(cells, seconds, memory, protected)
    present = {i for cell in cells for i in exercises_in(cell)}
    rows = []
    for the in wanted:
        verdict, detail = verdicts.get(the.id, (engine.STOPPED, ended))
        if the.id not in verdicts and the.id not in present:
            verdict, detail = engine.UNWRITTEN, "the cell of this exercise is missing"
        rows.append(row(name, path, the.id, the.title, verdict, detail))
    return rows


def row(name: str, path: Path, exercise_id: str, title: str, verdict: str, detail: str) -> dict[str, str]:
    return dict(zip(COLUMNS, (name, path.name, exercise_id, title, verdict, detail), strict=True))


def run_apart(cells: list[str], seconds: float, memory: int, protected: bool) -> tuple[dict[str, tuple[str, str]], str]:
    """Run cells in the sandbox; return the verdicts by exercise, and how it ended."""
    secret = secrets.token_hex(16)
    one_cell = min(CELL_SECONDS, seconds / 3)  # a cell that hangs leaves time for the others
    order = {"secret": secret, "cells": cells, "memory": memory, "seconds": one_cell, "protected": protected}
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as place:
        workplace = Path(place).resolve()
        for part in (
            "utils",
            "exercises",
            "segmenter",
            "data/tiny",
            "notebooks/images",
        ):  # a copy: no submission touches the teacher's course
            shutil.copytree(COURSE / part, workplace / "course" / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy2(COURSE / "data" / "make_tiny.py", workplace / "course" / "data")
        for folder in ("home", "tmp"):
            (workplace / folder).mkdir()
        read_end, write_end = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-m", "exercises.grading.sandbox", str(write_end), str(workplace)],
            cwd=workplace / "course" / "notebooks", env=environment(workplace), pass_fds=[write_end],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        os.close(write_end)
        try:
            send(process, json.dumps(order).encode())
            lines, ended = watch(process, read_end, seconds, memory)
        finally:
            end(process)
            os.close(read_end)
    verdicts = {}
    for line in lines:
        message = parse(line)
        if message.get("secret") == secret and message.get("exercise"):
            verdicts[message["exercise"]] = (message["verdict"], message["detail"])
    return verdicts, ended


def environment(workplace: Path) -> dict[str, str]:
    """Return the variables of a submission: none of the teacher's, offline, all folders inside its workplace."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "LANG", "OMP_NUM_THREADS")}
    home = str(workplace / "home")
    return kept | {
        "PYTHONPATH": str(workplace / "course"), "HOME": home, "TMPDIR": str(workplace / "tmp"), "IPYTHONDIR": home,
        "MPLCONFIGDIR": home, "MPLBACKEND": "Agg", "MY_WORK": str(workplace / "my_work"), "HF_HUB_OFFLINE": "1",
        "WANDB_MODE": "offline", "NO_ALBUMENTATIONS_UPDATE": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip


def send(process: subprocess.Popen, order: bytes) -> None:
    """Hand the order over; a process that is gone already says so by its end."""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(order)
        process.stdin.close()


def watch(process: subprocess.Popen, channel: int, seconds: float, memory: int) -> tuple[list[bytes], str]:
    """Collect lines until the process is done, or breaks a limit; return them and how it ended."""
    deadline, received, children = time.monotonic() + seconds, b"", set[psutil.Process]()
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.1):
                piece = os.read(channel, 65536)
                received += piece
                if not piece:
                    ended = how_it_ended(process)
                    break
            if b'"done"' in received or len(received) > 10_000_000:
                ended = "the exercise was not reached"
                break
            if process.poll() is not None:
                ended = how_it_ended(process)
                received += drain(channel)
                break
            if time.monotonic() > deadline:
                ended = f"the notebook runs longer than {seconds:.0f} seconds"
                break
            children |= family(process)
            alive = [c for c in children if c.is_running()]
            if len(alive) > PROCESSES:
                ended = f"the notebook starts more than {PROCESSES} processes"
                break
            if sum(map(own_memory, alive)) > memory:
                ended = f"the notebook needs more than {memory / 1024**3:.1f} GB of memory"
                break
    kill(process, children)
    return received.splitlines(), ended


def how_it_ended(process: subprocess.Popen) -> str:
    """Say how a process came to its end before its time."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=2)
    code = process.returncode
    return (
        f"the notebook crashed the process (signal {-code})" if code and code < 0 else "the notebook ended the process"
    )


def drain(channel: int) -> bytes:
    """Return what is left in the pipe, without waiting for more."""
    os.set_blocking(channel, False)
    try:
        return os.read(channel, 1_000_000)
    except BlockingIOError:
        return b""


def family(process: subprocess.Popen) -> set[psutil.Process]:
    """Return a process and all its descendants."""
    try:
        head = psutil.Process(process.pid)
        return {head, *head.children(recursive=True)}
    except psutil.Error:
        return set()


def own_memory(process: psutil.Process) -> int:
    """Return the bytes of memory that a process shares with no other: a forked worker costs little."""
    try:
        return process.memory_full_info().uss
    except psutil.Error:
        return 0


def kill(process: subprocess.Popen, children: set[psutil.Process]) -> None:
    """End a process and whatever it has started, also what left its group: it inherits them while it is stopped."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGSTOP)
    for _ in range(50):  # what was forked meanwhile
        others = {c for c in children | family(process) if c.pid != process.pid and c.is_running()}
        others = {c for c in others if status(c) != psutil.STATUS_ZOMBIE}
        if not others:
            break
        for member in others:
            with contextlib.suppress(psutil.Error):
                member.kill()
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def status(process: psutil.Process) -> str:
    """Return the state of a process; one that is gone counts as a zombie."""
    try:
        return process.status()
    except psutil.Error:
        return psutil.STATUS_ZOMBIE


def end(process: subprocess.Popen) -> None:
    """Make sure that a process is gone."""
    kill(process, set())
    process.wait()


def parse(line: bytes) -> dict[str, Any]:
    """Read one message; what is no message is empty."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def start_table(table: Path) -> None:
    """Write the head of the table. Raises CourseError when the file cannot be written."""
    try:
        with table.open("w", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writeheader()
    except OSError as error:
        raise CourseError(f"Cannot write {table}: {error.strerror}. Choose another file with --csv.") from None


def add_rows(table: Path, rows: list[dict[str, str]]) -> None:
    """Add rows to the table at once; a spreadsheet must not take a file's name for a formula."""
    with table.open("a", newline="", encoding="utf-8") as file:
        for cells in rows:
            safe = {k: f"'{v}" if v.startswith(("=", "+", "-", "@")) else v for k, v in cells.items()}
            csv.DictWriter(file, COLUMNS).writerow(safe)

"""Run a submitted notebook where it can harm nobody, and judge its answers.

`isolated_run` starts `python -m exercises.grading.sandbox DESCRIPTOR WORKPLACE`; it forks a process for each notebook.
"""

import builtins
import contextlib
import ctypes
import gc
import json
import os
import platform
import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from exercises.catalogue import all_exercises, reference
from exercises.definitions import PASSED, STOPPED, UNWRITTEN
from exercises.engine import strict
from exercises.grading.landlock import shut_off
from exercises.grading.submissions import exercises_in
from exercises.judging import run_checks
from exercises.session import SESSION
from exercises.time_limit import TimeLimitExceeded, time_limit

CAN_FORK = platform.system() == "Linux"  # elsewhere libraries may not survive it
MAX_FILE_BYTES = 2**30
SET_CHILD_SUBREAPER = 36  # an option of prctl: a process that loses its parent becomes a child of this one
COMPARED_IN_TORCH = ("equal", "allclose", "isclose", "isnan")  # functions that the checks compare with
COMPARED_IN_NUMPY = ("allclose", "asarray", "isclose", "isnan", "array_equal")


def limit_memory(memory: int) -> None:
    """Limit the memory (bytes) and the size of files, and forbid core dumps."""
    import resource  # Windows has no such module

    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fingerprint() -> dict[str, tuple[Any, Any]]:
    """Return everything that judges an answer, by name: the objects of `exercises` and the functions it relies on."""
    modules = [builtins, *(module for name, module in sys.modules.items() if name.startswith("exercises"))]
    seen = {f"{m.__name__}.{name}": value for m in modules for name, value in vars(m).items() if name != "_"}
    seen |= {f"torch.{name}": getattr(torch, name) for name in COMPARED_IN_TORCH}
    seen |= {f"numpy.{name}": getattr(np, name) for name in COMPARED_IN_NUMPY}
    return {name: (value, getattr(value, "__code__", None)) for name, value in seen.items()}


def find_change(before: dict[str, tuple[Any, Any]]) -> str:
    """Return the name of something that has been replaced since the fingerprint `before`, empty for nothing."""
    after, data = fingerprint(), (dict, list, types.ModuleType)
    for name, (value, code) in before.items():
        value_now, code_now = after.get(name, (None, None))
        if (value_now is not value and not isinstance(value, data)) or code_now is not code:
            return name
    return ""


class Judge:
    """Judges answers with what was there before the submission ran: it copies the checks and the references."""

    def __init__(self) -> None:
        self.run_checks = run_checks
        self.exercises = {exercise.id: replace(exercise, checks=tuple(exercise.checks)) for exercise in all_exercises()}
        self.references = {exercise_id: reference(exercise_id) for exercise_id in self.exercises}
        self.before = fingerprint()

    def verdict(self, exercise_id: str, cell_error: str, scope: dict[str, Any]) -> tuple[str, str]:
        """Return the status and the detail for an exercise whose cell has run.

        Args:
            exercise_id: the exercise.
            cell_error: what stopped the cell, empty for nothing.
            scope: the global names of the notebook. Unless the answer passes, the course's function stands in there.
        """
        attempt = SESSION.attempts.get(exercise_id)
        exercise, course_answer = self.exercises[exercise_id], self.references[exercise_id]
        if name := find_change(self.before):
            return STOPPED, f"the notebook changes what judges it: {name}"
        if attempt is None or attempt.verdict is None:
            return STOPPED, cell_error or "the exercise was not reached"
        if attempt.answer is course_answer:
            return UNWRITTEN, "the course's own function was handed in"
        verdict = self.run_checks(exercise, attempt.answer, scope)
        if verdict.status != PASSED:
            scope[exercise.name] = course_answer
        if name := find_change(self.before):
            return STOPPED, f"the answer changes what judges it: {name}"
        return verdict.status, verdict.sentence


def run_cell(shell: Any, source: str, seconds: float) -> str:
    """Run a cell; return what stopped it, empty for nothing."""
    too_slow = f"the cell runs longer than {seconds:.0f} seconds"
    try:
        with time_limit(seconds):
            outcome = shell.run_cell(source, store_history=True)
        raised = outcome.error_before_exec or outcome.error_in_exec
    except TimeLimitExceeded:
        return too_slow
    if isinstance(raised, TimeLimitExceeded):
        return too_slow
    return f"{type(raised).__name__}: {' '.join(str(raised).split())}" if raised else ""


def run_notebook(cells: list[str], report: Callable[[str, str, str], None], seconds: float) -> None:
    """Run the cells in order, each within `seconds`, and report a verdict for every exercise as it is reached."""
    from IPython.core.interactiveshell import InteractiveShell

    shell, process = InteractiveShell.instance(), os.getpid()
    strict()
    judge = Judge()
    last = max((index for index, cell in enumerate(cells) if exercises_in(cell)), default=-1)
    for source in cells[: last + 1]:  # nothing after the last exercise can change a verdict
        ids = [exercise_id for exercise_id in exercises_in(source) if exercise_id in judge.exercises]
        for exercise_id in ids:
            SESSION.attempts.pop(exercise_id, None)
        cell_error = run_cell(shell, source, seconds)
        end_if_forked(process)
        for exercise_id in ids:
            status, detail = judge.verdict(exercise_id, cell_error, shell.user_ns)
            end_if_forked(process)
            report(exercise_id, status, detail)


def end_if_forked(process: int) -> None:
    """End this process unless it is the one with this id: a copy that a cell forked must not go on as if it were it."""
    if os.getpid() != process:
        os._exit(0)


def run_job(job: dict[str, Any], channel: int, workplace: Path) -> None:
    """Run the notebook of a job (a secret, the cells, the limits), shut off; write the verdicts to `channel`."""
    os.chdir(workplace / "course" / "notebooks")
    if job["protected"]:
        shut_off(workplace)
    limit_memory(job["memory"])
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # so that it is found, and ended
    secret = job.pop("secret")

    def report(exercise_id: str, status: str, detail: str) -> None:
        line = {"secret": secret, "exercise": exercise_id, "verdict": status, "detail": detail[:500]}
        os.write(channel, (json.dumps(line) + "\n").encode())

    with contextlib.suppress(SystemExit):
        run_notebook(job["cells"], report, job["seconds"])
    report("", "done", "")


def preload() -> None:
    """Import what every notebook needs, and run none of it: what has no threads yet can be forked."""
    import IPython.core.interactiveshell  # noqa: F401
    import matplotlib.pyplot  # noqa: F401

    for exercise in all_exercises():
        reference(exercise.id)
    gc.collect()
    gc.freeze()  # a collection in a forked process would copy all that it shares


def main() -> None:
    """For each job on standard input, a line of JSON, fork a process; write its id, and then how it ended."""
    channel, workplace = int(sys.argv[1]), Path(sys.argv[2])
    preload()
    for line in sys.stdin.buffer:
        if CAN_FORK and (pid := os.fork()):
            os.write(1, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            continue
        if CAN_FORK:
            os.setsid()
        os.write(1, b"%d\n" % os.getpid())
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):  # neither the next job nor what the parent says is within reach
            os.dup2(nowhere, descriptor)
        try:
            run_job(json.loads(line), channel, workplace)
        finally:
            os._exit(0)  # threads that a submission left behind do not hold the process


if __name__ == "__main__":
    main()

"""Run a submitted notebook where it can harm nobody, and judge its answers (started by grade.py, a process each).

Linux only: Landlock (https://docs.kernel.org/userspace-api/landlock.html) leaves the process, and all its children,
Python's own files to read and a working folder, and no other file. Nothing needs to be installed, nor root.
"""

import ast
import contextlib
import ctypes
import glob
import json
import os
import platform
import site
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read a file, list a folder
FILE = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14) | (1 << 15)  # what a rule for a single file may allow
FILES_TO_READ = (
    "/etc/ld.so.cache",
    "/etc/passwd",
    "/etc/localtime",
    "/etc/os-release",
    "/etc/fonts",
    "/etc/nsswitch.conf",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/shm")
CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # system calls, the same numbers on every architecture


class Ruleset(ctypes.Structure):
    """struct landlock_ruleset_attr."""

    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class PathRule(ctypes.Structure):
    """struct landlock_path_beneath_attr."""

    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def landlock_version() -> int:
    """Return the version of Landlock that the kernel offers, 0 for none."""
    if platform.system() != "Linux":
        return 0
    return max(ctypes.CDLL(None).syscall(CREATE, None, 0, 1), 0)


def shut_off(workplace: Path) -> None:
    """Allow this process, and its children, to write below `workplace` and to read Python's own files; nothing else.

    Also forbids TCP connections and signals to other processes where the kernel can (versions 4 and 6).
    """
    version, libc = landlock_version(), ctypes.CDLL(None, use_errno=True)
    if not version:
        raise OSError("this system has no Landlock")
    everything = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    attributes = Ruleset(everything, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = libc.syscall(CREATE, ctypes.byref(attributes), size, 0)
    pythons = {
        sys.prefix,
        sys.base_prefix,
        site.getusersitepackages(),
        *site.getsitepackages(),
        "/usr",
        "/lib",
        "/lib64",
    }
    allowed = [(str(workplace), everything), ("/proc", READ), ("/sys", READ)]
    allowed += [(path, READ) for path in (*pythons, *FILES_TO_READ)]
    allowed += [(path, everything) for path in (*DEVICES, *glob.glob("/dev/nvidia*"))]  # noqa: PTH207
    for path, access in allowed:
        if not Path(path).exists():
            continue
        if not Path(path).is_dir():
            access &= FILE & everything
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = PathRule(access & everything, descriptor)
        if libc.syscall(ADD_RULE, rules, 1, ctypes.byref(rule), 0):
            raise OSError(ctypes.get_errno(), f"Landlock refuses the rule for {path}")
        os.close(descriptor)
    if libc.prctl(38, 1, 0, 0, 0) or libc.syscall(RESTRICT, rules, 0):  # 38: never gain new privileges
        raise OSError(ctypes.get_errno(), "Landlock cannot be switched on")
    os.close(rules)


def limit(memory: int) -> None:
    """Cap memory (bytes), the size of files, and core dumps."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**30, 2**30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def exercises_in(source: str) -> list[str]:
    """Return the ids that a cell marks with `@exercise("...")`, or checks with `check("...", ...)`."""
    lines = [line if not line.lstrip().startswith(("!", "%")) else "" for line in source.splitlines()]
    try:
        nodes = list(ast.walk(ast.parse("\n".join(lines))))
    except SyntaxError:
        return []
    calls = [n for n in nodes if isinstance(n, ast.Call) and getattr(n.func, "id", "") in ("exercise", "check")]
    ids = [getattr(c.args[0], "value", None) for c in calls if c.args]
    return [i for i in ids if isinstance(i, str)]


def fingerprint() -> dict[str, Any]:
    """Remember what judges: the checker's functions and their code, and the namespaces that they lean on."""
    import builtins

    import numpy as np
    import torch

    modules = [builtins, *(m for n, m in sys.modules.items() if n.startswith("exercises"))]
    seen = {f"{m.__name__}.{n}": value for m in modules for n, value in vars(m).items() if n not in ("_", "_strict")}
    seen |= {f"torch.{n}": getattr(torch, n) for n in ("equal", "allclose", "isclose", "isnan")}
    seen |= {f"numpy.{n}": getattr(np, n) for n in ("allclose", "asarray", "isclose", "isnan", "array_equal")}
    return {name: (value, getattr(value, "__code__", None)) for name, value in seen.items()}


def changed(before: dict[str, Any]) -> str:
    """Name what is no longer what judged before, or nothing."""
    after, data = fingerprint(), (dict, list, types.ModuleType)
    for name, (value, code) in before.items():
        now, code_now = after.get(name, (None, None))
        if (now is not value and not isinstance(value, data)) or code_now is not code:
            return name
    return ""


def run(cells: list[str], report: Any, seconds: float) -> None:
    """Run the cells in order, each within `seconds`, and report a verdict for every exercise as it is reached."""
    from IPython.core.interactiveshell import InteractiveShell

    from exercises import engine
    from exercises.guard import TooSlow, time_limit

    shell, process = InteractiveShell.instance(), os.getpid()
    judge = engine.run_checks
    exercises = {e.id: replace(e, checks=tuple(e.checks)) for e in engine.all_exercises()}
    references = {exercise_id: engine.reference(exercise_id) for exercise_id in exercises}
    engine.strict()
    before = fingerprint()
    last = max((i for i, cell in enumerate(cells) if exercises_in(cell)), default=-1)
    for source in cells[: last + 1]:  # nothing after the last exercise can change a verdict
        ids, error = exercises_in(source), ""
        for exercise_id in ids:
            engine.ATTEMPTS.pop(exercise_id, None)
        try:
            with time_limit(seconds):
                outcome = shell.run_cell(source, store_history=True)
            raised = outcome.error_before_exec or outcome.error_in_exec
            error = f"{type(raised).__name__}: {' '.join(str(raised).split())}" if raised else ""
            if isinstance(raised, TooSlow):
                error = f"the cell runs longer than {seconds:.0f} seconds"
        except TooSlow:
            error = f"the cell runs longer than {seconds:.0f} seconds"
        if os.getpid() != process:  # a cell forked: the copy must not go on as if it were this process
            os._exit(0)
        for exercise_id in ids:
            if exercise_id not in references:
                continue
            attempt = engine.ATTEMPTS.get(exercise_id)
            if name := changed(before):
                report(exercise_id, engine.STOPPED, f"the notebook changes what judges it: {name}")
            elif attempt is None or attempt.verdict is None:
                report(exercise_id, engine.STOPPED, error or "the exercise was not reached")
            elif attempt.answer is references[exercise_id]:
                report(exercise_id, engine.UNWRITTEN, "the course's own function was handed in")
            else:
                verdict = judge(exercises[exercise_id], attempt.answer, shell.user_ns)
                if name := changed(before):
                    report(exercise_id, engine.STOPPED, f"the answer changes what judges it: {name}")
                else:
                    report(exercise_id, verdict.status, verdict.sentence)
                if verdict.status != engine.PASSED:  # as in the notebook, the course's stands in
                    shell.user_ns[exercises[exercise_id].name] = references[exercise_id]
            if os.getpid() != process:
                os._exit(0)


def main() -> None:
    """Read the order from standard input: a secret, the cells, the limits; write verdicts to the given descriptor."""
    channel, workplace = int(sys.argv[1]), Path(sys.argv[2])
    order = json.loads(sys.stdin.buffer.read())
    if order["protected"]:
        shut_off(workplace)
    limit(order["memory"])
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # what loses its parent becomes a child of this process, and is found
    secret = order.pop("secret")

    def report(exercise_id: str, status: str, detail: str) -> None:
        line = {"secret": secret, "exercise": exercise_id, "verdict": status, "detail": detail[:500]}
        os.write(channel, (json.dumps(line) + "\n").encode())

    with contextlib.suppress(SystemExit):
        run(order["cells"], report, order["seconds"])
    report("", "done", "")
    os._exit(0)  # threads that a submission left behind do not hold the process


if __name__ == "__main__":
    main()

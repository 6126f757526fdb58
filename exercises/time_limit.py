"""A time limit for code that may never end."""

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

CHECK_SECONDS = 5.0
PATIENT_SECONDS = 60.0  # for an answer that passed before: it is never dropped because a machine is slow
PATIENCE = 4  # how many times as long a check may take where other programs have the processor
TICK = 0.02


class TimeLimitExceeded(BaseException):
    """The time is up. This is no Exception, so that an `except Exception` in an answer does not swallow it."""


def check_limit(seconds: float = CHECK_SECONDS) -> contextlib.AbstractContextManager[None]:
    """Limit a check to seconds of its own: a right answer stays right on a machine that is busy with other work."""
    return time_limit(seconds, seconds * PATIENCE)


def time_limit(seconds: float, longest: float | None = None) -> contextlib.AbstractContextManager[None]:
    """Raise TimeLimitExceeded in this thread when the block takes longer than `seconds`, imports apart.

    With `longest`, `seconds` are those in which this process computes, and `longest` those on the clock.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return alarm_limit(seconds, longest or seconds, time.process_time if longest else time.monotonic)
    return thread_limit(longest or seconds)  # on Windows, and in other threads


@contextlib.contextmanager
def alarm_limit(seconds: float, longest: float, clock: Callable[[], float]) -> Iterator[None]:
    """Raise TimeLimitExceeded from an alarm signal, and repeat it until the block ends.

    The signal interrupts Python code. A single long call into a library is ended when it returns, not before.
    """
    spent = [0.0, 0.0]  # by `clock`, and on the wall
    latest = [clock(), time.monotonic()]

    def count(signal_number: int, frame: FrameType | None) -> None:
        now = [clock(), time.monotonic()]
        if not is_importing(frame):
            spent[:] = [total + b - a for total, a, b in zip(spent, latest, now, strict=True)]
        latest[:] = now
        if spent[0] >= seconds or spent[1] >= longest:
            raise TimeLimitExceeded

    handler_before = signal.signal(signal.SIGALRM, count)
    timer_before = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler_before)
        signal.setitimer(signal.ITIMER_REAL, *timer_before)  # a limit around this one goes on


def is_importing(frame: FrameType | None) -> bool:
    """Say whether a module is being imported in a frame or in one that called it: that time is no answer's own."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def thread_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitExceeded, once, from a second thread.

    This interrupts Python code only, not a call into a library.
    """
    limited_thread, block_has_ended = ctypes.c_ulong(threading.get_ident()), threading.Event()

    def interrupt() -> None:
        if not block_has_ended.wait(seconds):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(limited_thread, ctypes.py_object(TimeLimitExceeded))

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        yield
    finally:
        block_has_ended.set()

"""A time limit for code that may never end."""

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Iterator

CHECK_SECONDS = 5.0
PATIENCE = 4  # how many times as long a check may take where other programs have the processor


class TimeLimitExceeded(BaseException):
    """The time is up. This is no Exception, so that an `except Exception` in an answer does not swallow it."""


def check_limit() -> contextlib.AbstractContextManager[None]:
    """Limit a check to 5 seconds of its own: a right answer stays right on a machine that is busy with other work."""
    return time_limit(CHECK_SECONDS, CHECK_SECONDS * PATIENCE)


def time_limit(seconds: float, longest: float | None = None) -> contextlib.AbstractContextManager[None]:
    """Raise TimeLimitExceeded in this thread when the block takes longer than `seconds`.

    With `longest`, `seconds` are those in which this process computes, and `longest` those on the clock.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return alarm_limit(seconds, longest or seconds)
    return thread_limit(longest or seconds)  # on Windows, and in other threads


@contextlib.contextmanager
def alarm_limit(seconds: float, longest: float) -> Iterator[None]:
    """Raise TimeLimitExceeded from an alarm signal, and repeat it until the block ends.

    The signal interrupts Python code, and also most calls into a library.
    """

    started, computed = time.monotonic(), time.process_time()

    def raise_exceeded(signal_number: int, frame: object) -> None:
        if time.process_time() - computed >= seconds or time.monotonic() - started >= longest:
            raise TimeLimitExceeded

    handler_before = signal.signal(signal.SIGALRM, raise_exceeded)
    timer_before = signal.setitimer(signal.ITIMER_REAL, seconds, 0.01)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler_before)
        signal.setitimer(signal.ITIMER_REAL, *timer_before)  # a limit around this one goes on


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

"""A time limit for code that may never end."""

import contextlib
import ctypes
import signal
import threading
from collections.abc import Iterator

CHECK_SECONDS = 5.0


class TimeLimitExceeded(BaseException):
    """The time is up. This is no Exception, so that an `except Exception` in an answer does not swallow it."""


def time_limit(seconds: float = CHECK_SECONDS) -> contextlib.AbstractContextManager[None]:
    """Raise TimeLimitExceeded in this thread when the block takes longer than `seconds`."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return alarm_limit(seconds)
    return thread_limit(seconds)  # on Windows, and in other threads


@contextlib.contextmanager
def alarm_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitExceeded from an alarm signal, and repeat it until the block ends.

    The signal interrupts Python code, and also most calls into a library.
    """

    def raise_exceeded(signal_number: int, frame: object) -> None:
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

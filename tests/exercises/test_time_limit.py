"""exercises/time_limit.py: a limit in a thread, and inside another limit."""

import threading

import pytest

from exercises.time_limit import TimeLimitExceeded, time_limit


def test_time_limit_works_in_a_thread_and_inside_another():
    seen = []

    def loop():
        try:
            with time_limit(0.1):
                while True:
                    pass
        except TimeLimitExceeded:
            seen.append("ended")

    thread = threading.Thread(target=loop)
    thread.start()
    thread.join(10)
    assert seen == ["ended"]

    def nested():
        with time_limit(0.5):  # outlives the inner one
            with time_limit(5):
                pass
            while True:
                pass

    with pytest.raises(TimeLimitExceeded):
        nested()

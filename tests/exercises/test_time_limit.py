"""exercises/time_limit.py: a limit in a thread, and inside another limit."""

import threading
import time

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


def test_where_other_programs_have_the_processor_only_its_own_time_counts():
    with time_limit(0.2, longest=30):
        time.sleep(0.6)  # this process computes nothing meanwhile

    def loop():
        with time_limit(0.2, longest=30):
            while True:
                pass

    with pytest.raises(TimeLimitExceeded):
        loop()
    start = time.monotonic()
    with pytest.raises(TimeLimitExceeded), time_limit(5, longest=0.2):
        time.sleep(20)
    assert time.monotonic() - start < 15


def test_an_import_takes_no_time_of_the_answer(tmp_path, monkeypatch):
    (tmp_path / "slow_library.py").write_text("import time\nend = time.process_time() + 0.6\n"
                                              "while time.process_time() < end: pass\n")  # fmt: skip
    monkeypatch.syspath_prepend(tmp_path)
    with time_limit(0.3, 20):
        import slow_library  # noqa: F401

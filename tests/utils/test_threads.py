"""utils/training.py: the CPU threads of a run, which decide the order in which sums are rounded."""

import pytest
import torch

from utils import runtime, training
from utils.config import Config
from utils.training import fit


@pytest.fixture
def two_threads(monkeypatch):
    """A machine on which PyTorch may use two cores, and every core is free."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    monkeypatch.setattr(runtime.psutil, "cpu_percent", lambda interval, percpu: [0.0, 0.0])
    monkeypatch.setattr(runtime.psutil, "cpu_count", lambda: 2)
    yield
    torch.set_num_threads(before)


def test_a_run_records_its_threads_and_is_resumed_with_as_many(config, two_threads, monkeypatch):
    used = []
    run_epoch = training.run_epoch
    monkeypatch.setattr(training, "run_epoch", lambda *a: used.append(torch.get_num_threads()) or run_epoch(*a))
    monkeypatch.setattr(training, "print_epoch", lambda *_: None)

    def stop(row, epochs):
        raise KeyboardInterrupt

    fit(config, on_epoch=stop)
    assert Config.load(config.output / "config.yaml").threads == 2
    monkeypatch.setattr(runtime.psutil, "cpu_percent", lambda interval, percpu: [100.0, 100.0])
    fit(config, resume=True, on_epoch=None)
    assert used == [2, 2]
    assert torch.get_num_threads() == 2


def test_a_number_that_the_user_gives_comes_first(config, two_threads):
    fit(config.override(threads=1, epochs=1), on_epoch=None)
    assert Config.load(config.output / "config.yaml").threads == 1

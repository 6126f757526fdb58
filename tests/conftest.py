"""Shared fixtures: small drawn data sets, a trained run, and the real photographs beside the project."""

import gc
import os
import shutil
import sys

# No test may look anything up on the network, nor wait for it: set before the libraries are imported.
os.environ.update({"HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline", "MPLBACKEND": "Agg"})
if "PYTEST_XDIST_WORKER" in os.environ:  # two workers with several threads each would starve each other
    os.environ["OMP_NUM_THREADS"] = "1"

import pytest
import torch
from helpers import SHARED, small_config, write_pairs
from hypothesis import settings

from utils import catalog
from utils.config import Config

settings.register_profile("course", deadline=None, derandomize=True, max_examples=30, database=None)
settings.load_profile("course")
torch.set_num_threads(1)
# Every processor gives the same numbers, also one that would compute in bf16.
torch.cpu._is_avx512_bf16_supported = torch.cpu._is_amx_tile_supported = lambda: False


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory, monkeypatch):
    """Decoded pairs of tests are kept apart from the user's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CACHE_FOLDER", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def pairs(tmp_path):
    """A folder of 12 drawn pairs, 8 train, 2 val, 2 test, three classes and ignored pixels."""
    return write_pairs(tmp_path / "data")


@pytest.fixture
def config(pairs, tmp_path):
    """A training run of seconds on `pairs`."""
    return small_config(pairs, tmp_path / "run")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of a finished run on drawn pairs: read it, never write to it."""
    from utils.training import fit

    root = tmp_path_factory.mktemp("trained")
    return fit(small_config(write_pairs(root / "data"), root / "run", epochs=2), on_epoch=None).folder


@pytest.fixture(scope="session")
def shared_data():
    """Return the folder of a real data set by name; skip where the project stands alone."""

    def find(name):
        if not (SHARED / name).is_dir():
            pytest.skip(f"needs the real photographs, which are not part of the project: no folder {SHARED / name}")
        return SHARED / name

    return find


@pytest.fixture(scope="session")
def human(shared_data):
    """The 290 real photographs of people."""
    return catalog.load(Config.preset("human", root=shared_data("human")))


@pytest.fixture(scope="session")
def human_report(human):
    from segmenter.check import check_dataset

    return check_dataset(human)


@pytest.fixture(scope="session")
def tiny():
    return catalog.load(Config())


@pytest.fixture(scope="module")
def collect_litter():
    """Libraries that leave sockets to the garbage collector must not have them blamed on later tests."""
    yield
    gc.collect()


SLOW = (
    "test_whole_course",
    "test_notebooks",
    "test_bank",
    "test_training",
    "test_capstone",
    "test_browser",
    "test_export",
    "test_runs",
    "test_comparison",
    "test_grade",
    "test_distributed",
    "test_repair",
    "test_tiny",
)


def pytest_collection_finish() -> None:
    """Leave what is imported by now to no garbage collector: each run of training ends with a collection of all."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: SLOW.index(item.path.stem) if item.path.stem in SLOW else len(SLOW))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where NO_SKIPS is set (in .ci/run), a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        reporter.write_line(f"NO_SKIPS: {len(reporter.stats['skipped'])} skipped tests count as failures", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: `pip install playwright`")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a Chromium that playwright can drive: `apt-get install chromium`")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()

"""exercises/process_state.py: an answer leaves the process as it was."""

import builtins
import os
import random
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from iou_cells import BODY, HEAD, latest_verdict, run_cell

from exercises.definitions import PASSED, WRONG


def test_session_stays_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    vandal = """    import os, random, tempfile
    import matplotlib.pyplot as plt
    import numpy as np
    random.seed(1); np.random.seed(1); torch.manual_seed(1); torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64); plt.figure(); os.chdir(tempfile.gettempdir()); os.environ["VANDAL"] = "1"
"""
    figures = plt.get_fignums()
    run_cell(HEAD + vandal + BODY)
    assert latest_verdict().status == PASSED
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32
    assert plt.get_fignums() == figures
    assert os.getcwd() == str(tmp_path)  # noqa: PTH109
    assert "VANDAL" not in os.environ


def test_modes_are_put_back():
    limit, errors, threads = sys.getrecursionlimit(), np.geterr(), torch.get_num_threads()
    vandal = """    import cv2, sys, numpy as np
    sys.setrecursionlimit(5000); np.seterr(all="raise"); torch.set_num_threads(threads_of_mine); sys.path.append("mine")
    torch.set_default_device("meta")
    torch.set_default_device(None)
"""
    run_cell(HEAD + vandal.replace("threads_of_mine", str(threads + 1)) + BODY)
    assert (sys.getrecursionlimit(), np.geterr(), torch.get_num_threads()) == (limit, errors, threads)
    assert "mine" not in sys.path
    run_cell(HEAD + "    torch.set_default_device('meta')\n" + BODY)
    assert torch.get_default_device().type == "cpu"


@pytest.mark.parametrize(("library", "name"), [(np, "allclose"), (torch, "bincount"), (builtins, "print")])
def test_overwritten_function_is_named_and_put_back(library, name):
    before = getattr(library, name)
    run_cell(HEAD + f"    import builtins, numpy, torch\n    {library.__name__}.{name} = lambda *a, **k: True\n" + BODY)
    assert getattr(library, name) is before
    assert latest_verdict().status == WRONG
    assert f"{name}` is overwritten" in latest_verdict().sentence

"""exercises/process_state.py: an answer leaves the process as it was."""

import os
import random

import matplotlib.pyplot as plt
import numpy as np
import torch
from iou_cells import BODY, HEAD, latest_verdict, run_cell

from exercises.definitions import PASSED


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

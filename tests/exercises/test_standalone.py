"""exercises/standalone.py: an answer becomes a module that needs no notebook."""

import subprocess
import sys

import bank
import torch
from iou_cells import BODY, HEAD, run_cell

from exercises.storage import answer_path, kept_ids
from utils.config import COURSE


def test_helpers_constants_and_imports_are_carried_along():
    scope = bank.scope_of(7)
    run_cell("from collections.abc import Sequence\nimport numpy as N\nIGNORED, HALF = 255, 0.5", scope, "<c1>")
    run_cell("def share(a, b):\n    return (a & b).sum() / (a | b).sum() * both(HALF)\n\n"
         "def both(x):\n    return 2 * x", scope, "<c2>")  # fmt: skip
    run_cell('@exercise("7.3")\ndef iou(prediction, target, num_classes, ignore_index=IGNORED):\n    N.array([1])\n'
         "    v = target != ignore_index\n    p, t = prediction[v], target[v]\n"
         "    return torch.stack([share(p == c, t == c) for c in range(num_classes)])", scope)  # fmt: skip
    text = answer_path("7.3").read_text()
    for part in ("import numpy as N", "IGNORED = 255", "HALF = 0.5", "def share", "def both", "import torch as torch"):
        assert part in text
    assert "Sequence" not in text
    code = "from exercises.answers import use_kept_answers; use_kept_answers()"
    done = subprocess.run([sys.executable, "-c", code], cwd=COURSE, capture_output=True, text=True, check=True)
    assert "1 of your answers is in use" in done.stdout


def test_what_exists_in_the_notebook_only_is_named(capsys):
    scope = bank.scope_of(7)
    scope["table"] = scope["prediction"] = torch.ones(1)  # one of them is a parameter as well
    run_cell(HEAD + "    table.sum()\n" + BODY, scope)
    out = capsys.readouterr().out
    assert "passed" in out
    assert "not carried to the next notebook: it uses `table`" in out
    assert kept_ids() == []

"""Cells of notebook 7 that answer exercise 7.3, right and wrong, and a way to run them."""

from typing import Any

import bank

from exercises.definitions import Verdict
from exercises.session import SESSION

HEAD = '@exercise("7.3")\ndef iou(prediction, target, num_classes, ignore_index=255):\n'
BODY = """    valid = target != ignore_index
    p, t = prediction[valid], target[valid]
    return torch.stack([((p == c) & (t == c)).sum() / ((p == c) | (t == c)).sum() for c in range(num_classes)])
"""
RIGHT_CELL, WRONG_CELL = HEAD + BODY, HEAD + BODY.replace("prediction[valid], target[valid]", "prediction, target")


def run_cell(text: str, scope: dict[str, Any] | None = None, name: str = "<cell>") -> dict[str, Any]:
    """Run a cell in the names of notebook 7 (or in given ones) and return them."""
    scope = bank.scope_of(7) if scope is None else scope
    bank.run_cell(text, scope, name)
    return scope


def latest_verdict() -> Verdict:
    return SESSION.attempts["7.3"].verdict

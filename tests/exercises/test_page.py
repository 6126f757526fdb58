"""exercises/page.py: code and drawings in a notebook."""

import re

from helpers import COURSE

from exercises.page import show_code, show_diagram


def test_code_is_shown_as_it_is_written():
    from utils.unet import DecoderStep, UNet

    text = show_code(UNet, DecoderStep).data
    assert text.count("```python\n") == 2
    assert "class UNet(nn.Module):" in text
    assert "class DecoderStep(nn.Module):" in text


def test_every_diagram_can_be_shown_and_read_out():
    drawings = sorted((COURSE / "notebooks" / "images").glob("*.svg"))
    assert drawings
    for path in drawings:
        shown = show_diagram(path.stem).data
        assert "<svg" in shown
        assert "<title" in shown, f"{path.name} has no title for screen readers"
        assert not re.search(r"<script|href=.https?:", shown), path.name

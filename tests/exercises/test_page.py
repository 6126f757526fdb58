"""exercises/page.py: code, drawings and figures in a notebook."""

import base64
import io
import re

import matplotlib.pyplot as plt
import pytest
from helpers import COURSE
from PIL import Image

from exercises.page import numbers_in, show_animated, show_captioned, show_code, show_diagram


def test_code_is_shown_as_it_is_written():
    from utils.unet import DecoderStep, UNet

    text = show_code(UNet, DecoderStep).data
    assert text.count("```python\n") == 2
    assert "class UNet(nn.Module):" in text
    assert "class DecoderStep(nn.Module):" in text


def test_every_diagram_can_be_shown_and_read_out(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **options: shown.append(args[0]))
    drawings = sorted((COURSE / "notebooks" / "images").glob("*.svg"))
    assert drawings
    for path in drawings:
        show_diagram(path.stem)
        drawn, words = shown[-1]["image/svg+xml"], shown[-1]["text/plain"]
        assert re.match(r'<svg[^>]* width="100%"', drawn), f"{path.name} would be cut off on a narrow page"
        assert len(words.split()) > 5, f"{path.name} has no title for screen readers"
        assert words.split()[0] in drawn
        assert not re.search(r"<script|href=.https?:", drawn), path.name


@pytest.mark.parametrize("kind", ["png", "jpeg"])
def test_a_caption_is_shown_below_its_figure_and_read_out_in_its_place(kind, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **options: shown.append((args, options)))
    figure = plt.figure(figsize=(2, 1))
    show_captioned(figure, "The line rises.", kind)
    ((data,), options), ((caption,), _) = shown
    stored = Image.open(io.BytesIO(base64.b64decode(data[f"image/{kind}"])))
    assert stored.format == kind.upper()
    assert stored.size == (220, 110)
    assert options["metadata"][f"image/{kind}"]["alt"] == data["text/plain"] == "The line rises."
    assert caption.data == "*The line rises.*"
    assert not plt.fignum_exists(figure.number)


def test_an_animation_plays_every_frame_and_on_paper_shows_the_last(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda *args, **options: shown.append((args, options)))
    frames = [Image.new("RGB", (32, 16), colour) for colour in ("red", "green", "blue")]
    show_animated(frames, "The colours change.", seconds=3)
    ((data,), options), ((caption,), _) = shown
    stored = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    pixels, times = [], []
    for number in range(stored.n_frames):
        stored.seek(number)
        pixels.append(stored.convert("RGB").getpixel((0, 0)))
        times.append(stored.info.get("duration"))
    assert pixels[0] == (0, 0, 255)  # in place of the animation
    assert [max(range(3), key=pixel.__getitem__) for pixel in pixels[1:]][-1] == 2
    assert len(pixels) >= 4
    assert times[1] == 1000
    assert options["metadata"]["image/png"]["alt"] == data["text/plain"] == "The colours change."
    assert caption.data == "*The colours change.*"


def test_the_numbers_of_a_figure_are_those_that_it_says_and_not_those_of_its_axes():
    figure, ax = plt.subplots()
    ax.plot([0, 0.125], [0, 0.5], label="IoU 0.77")
    ax.set(title="9.95 and 3", xlabel="a step of 0.31")
    ax.legend()
    ax.text(0, 0, "here 0.42")
    figure.canvas.draw()
    assert numbers_in(figure) == ["0.31", "0.42", "0.77", "9.95"]

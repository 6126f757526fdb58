"""A page on your own machine: a picture in, its mask out (notebook 9)."""

import os
from functools import partial
from typing import Any

import numpy as np

from utils.errors import CourseError
from utils.inference import Predictor
from utils.plots import overlay


def segment_picture(
    predictor: Predictor, image: np.ndarray | None, opacity: float = 0.45
) -> tuple[np.ndarray | None, str]:
    """Answer one request: uint8 (H, W, 3 or 4) -> the overlay, uint8 (H, W, 3), and the share of each class as text."""
    if image is None:
        return None, "Choose a picture first."
    picture = np.ascontiguousarray(image[..., :3])
    mask = predictor(picture).mask
    shares = [f"{name}: {(mask == index).mean():.1%}" for index, name in enumerate(predictor.classes)]
    return overlay(picture, mask, predictor.palette, opacity), "\n".join(shares)


def build_app(predictor: Predictor) -> Any:
    """Return a Gradio app around a predictor; `.launch()` serves it on 127.0.0.1.

    Raises CourseError when gradio is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio
    except ImportError:
        raise CourseError("The package gradio is missing: run `pip install gradio`, then this again.") from None

    with gradio.Blocks(title="Segmenter") as app:
        gradio.Markdown("# Your segmenter\nChoose a picture. It never leaves this machine.")
        with gradio.Row():
            picture = gradio.Image(type="numpy", label="Picture")
            result = gradio.Image(label="Mask over picture", interactive=False)
        opacity = gradio.Slider(0, 1, 0.45, label="Opacity of the mask")
        areas = gradio.Textbox(label="Share of each class", lines=len(predictor.classes), interactive=False)
        for event in (picture.change, opacity.release):
            event(partial(segment_picture, predictor), [picture, opacity], [result, areas])
    return app

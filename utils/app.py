"""A page on your own machine: a picture in, its mask out (notebook 9)."""

import os
from typing import Any

import numpy as np

from utils.errors import CourseError
from utils.inference import Predictor
from utils.plots import overlay


def build_app(predictor: Predictor) -> Any:
    """Return a Gradio app around a predictor; `.launch()` serves it on 127.0.0.1.

    Raises CourseError when gradio is not installed.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio
    except ImportError:
        raise CourseError("The package gradio is missing: run `pip install gradio`, then this again.") from None

    def segment(image: np.ndarray | None, opacity: float) -> tuple[np.ndarray | None, str]:
        if image is None:
            return None, "Choose a picture first."
        mask = predictor(np.ascontiguousarray(image[..., :3])).mask
        shares = [(mask == index).mean() for index in range(len(predictor.classes))]
        lines = [f"{name}: {share:.1%}" for name, share in zip(predictor.classes, shares, strict=True)]
        return overlay(image[..., :3], mask, predictor.palette, opacity), "\n".join(lines)

    with gradio.Blocks(title="Segmenter") as app:
        gradio.Markdown("# Your segmenter\nChoose a picture. It never leaves this machine.")
        with gradio.Row():
            picture = gradio.Image(type="numpy", label="Picture")
            result = gradio.Image(label="Mask over picture", interactive=False)
        opacity = gradio.Slider(0, 1, 0.45, label="Opacity of the mask")
        areas = gradio.Textbox(label="Share of each class", lines=len(predictor.classes), interactive=False)
        for event in (picture.change, opacity.release):
            event(segment, [picture, opacity], [result, areas])
    return app

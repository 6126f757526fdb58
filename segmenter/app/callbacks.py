"""What the page answers when a visitor chooses an image, moves a slider, or clicks on a pixel."""

import os
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

from PIL import Image

from segmenter.app.page import START, area_table, describe_areas, status_html
from segmenter.app.segmentation import Segmentation, describe_pixel, draw_overlay, segment_file
from segmenter.masks import palette_image
from segmenter.optional import require
from utils.errors import CourseError
from utils.inference import Predictor


def require_gradio() -> ModuleType:
    """Return the package gradio, told to send nothing anywhere. Raises CourseError where it is missing."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    return require("gradio")


class Callbacks:
    """The functions behind the page, as Gradio calls them.

    They return a value for each output of the page: the status line, the overlay, the table of areas, and the button
    that downloads the mask.

    Args:
        cache: the folder in which Gradio keeps files for the browser, and deletes them in time.
    """

    def __init__(self, predictor: Predictor, cache: str) -> None:
        self.gradio, self.predictor, self.cache = require_gradio(), predictor, cache

    def predict(self, path: str | None, opacity: float, threshold: float) -> tuple:
        """Predict the chosen image: what the session keeps of it, and the outputs of the page."""
        no_mask = self.gradio.DownloadButton(value=None, interactive=False)
        if path is None:
            return None, status_html(START), None, area_table(self.predictor), no_mask
        try:
            segmentation = segment_file(self.predictor, Path(path))
        except CourseError as error:
            return None, status_html(str(error), fault=True), None, area_table(self.predictor), no_mask
        return segmentation, *self.update_all(segmentation, opacity, threshold)

    def update_all(self, segmentation: Segmentation | None, opacity: float, threshold: float) -> tuple:
        """Return all outputs for another threshold."""
        if segmentation is None:
            return (*[self.ask_for_picture()] * 4,)
        ids = segmentation.class_ids(threshold)
        status = status_html(describe_areas(self.predictor, ids, segmentation.name, segmentation.seconds))
        mask = palette_image(ids, self.predictor.palette)
        file = save_png(mask, f"{segmentation.name}_mask", self.cache)
        button = self.gradio.DownloadButton(value=file, interactive=True)
        return status, self.update_overlay(segmentation, opacity, threshold), area_table(self.predictor, ids), button

    def update_overlay(self, segmentation: Segmentation | None, opacity: float, threshold: float) -> Any:
        """Return the overlay for another opacity."""
        if segmentation is None:
            return self.ask_for_picture()
        shown = Image.fromarray(draw_overlay(segmentation, self.predictor, opacity, threshold))
        return save_png(shown, f"{segmentation.name}_overlay", self.cache, compress_level=1)  # a slider waits for it

    def describe_click(self, segmentation: Segmentation | None, x: int, y: int) -> Any:
        """Return the status line for a click on pixel (x, y) of the overlay."""
        if segmentation is None:
            return self.ask_for_picture()
        return status_html(describe_pixel(segmentation, self.predictor, x, y))

    def ask_for_picture(self) -> Any:
        """Ask for an image, and change nothing: there is none yet, or the session is over and has forgotten it."""
        self.gradio.Info("Choose a picture first.")
        return self.gradio.skip()


def save_png(image: Image.Image, name: str, cache: str, compress_level: int = 6) -> str:
    """Write an image into Gradio's cache and return its path: Gradio would otherwise copy the file to that place.

    compress_level: 1 takes less than half the time of Pillow's own 6, and some 10 % more bytes.
    """
    from gradio.processing_utils import save_bytes_to_cache

    memory = BytesIO()
    image.save(memory, "PNG", compress_level=compress_level)
    return save_bytes_to_cache(memory.getvalue(), f"{name}.png", cache)

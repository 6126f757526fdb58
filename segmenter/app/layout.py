"""How the page is laid out: Gradio's components, and which callback answers which of them."""

from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from segmenter.app.callbacks import Callbacks, require_gradio
from segmenter.app.page import CSS, NAME_BUTTONS, START, area_table, intro, page_theme, status_html, threshold_words
from segmenter.app.segmentation import Segmentation
from utils.catalog.tiny import Tiny
from utils.config import COURSE
from utils.inference import Predictor

SAMPLES = ("town11_01", "town11_04", "town12_00", "town12_03")  # of the test split of data/tiny
KEPT = 3600  # seconds that images, masks and what a session knows of them are kept


def build_app(predictor: Predictor, private: bool = True) -> Any:
    """Return a Gradio app around a predictor; `.launch()` serves it on 127.0.0.1, in a notebook below the cell.

    `private` says on the page that an image stays on the machine that serves it.
    Raises CourseError when gradio is not installed.
    """
    gr = require_gradio()
    # Gradio looks every 600 s for files to delete, and deletes all of them when the server stops.
    with gr.Blocks(title="Your segmenter", analytics_enabled=False, delete_cache=(600, KEPT)) as app:
        session = gr.State(time_to_live=KEPT)
        gr.HTML(intro(predictor, private), elem_id="intro", padding=False)
        status = gr.HTML(status_html(START), elem_id="status", padding=False)
        with gr.Row():
            picture, result = add_images(gr, predictor)
        with gr.Row():
            with gr.Column(min_width=300):
                opacity = gr.Slider(0, 1, 0.45, step=0.05, label="Opacity of the mask", elem_id="opacity")
                threshold = gr.Slider(0, 1, step=0.01, elem_id="threshold", **threshold_words(predictor))
                download = gr.DownloadButton(
                    "Download the mask (PNG)", interactive=False, variant="primary", elem_id="mask"
                )
            with gr.Column(min_width=300):
                areas = gr.HTML(area_table(predictor), elem_id="areas", padding=False)
        callbacks = Callbacks(predictor, app.GRADIO_CACHE)

        def describe_click(segmentation: Segmentation | None, event: gr.SelectData) -> Any:  # Gradio reads this type
            return callbacks.describe_click(segmentation, *event.index)

        sliders, outputs = [opacity, threshold], [status, result, areas, download]
        picture.change(callbacks.predict, [picture, *sliders], [session, *outputs], api_name="segment")
        quiet = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
        opacity.change(callbacks.update_overlay, [session, *sliders], result, **quiet)
        threshold.change(callbacks.update_all, [session, *sliders], outputs, **quiet)
        result.select(describe_click, session, status, **quiet)
        app.load(None, js=NAME_BUTTONS)
    # Gradio takes these at launch; they are bound here, so that a notebook's plain `.launch()` gets them, too.
    app.launch = partial(
        app.launch, theme=page_theme(gr), css=CSS, share=False,
        max_file_size="50mb", footer_links=["api", "settings"], run_history=False, ssr_mode=False,
        state_session_capacity=20, height=1000,
    )  # fmt: skip
    return app


def add_images(gr: ModuleType, predictor: Predictor) -> tuple[Any, Any]:
    """Add the two columns of images to the page; return the component of the chosen image, and that of its overlay."""
    with gr.Column(min_width=300):
        picture = gr.Image(
            label="Your picture", type="filepath", image_mode=None, elem_id="picture", height=400,
            sources=["upload", "webcam", "clipboard"],
        )  # fmt: skip
        # Gradio would open the file first, and fail with its own words: `read_image` is the one reader.
        picture.preprocess = lambda payload: payload and payload.path
        if samples := sample_pictures(predictor):
            gr.Examples(samples, picture, label="Or one of these, held out of training", elem_id="samples")
    with gr.Column(min_width=300):
        result = gr.Image(
            label="Mask over the picture", interactive=False, elem_id="result",
            height=520 if samples else 400, buttons=["fullscreen", "download"],
        )  # fmt: skip
    return picture, result


def sample_pictures(predictor: Predictor) -> list[Path]:
    """Return images of data/tiny that were held out of training, where they show what the predictor knows."""
    files = [COURSE / "data" / "tiny" / "images" / f"{name}.jpg" for name in SAMPLES]
    return [file for file in files if file.is_file()] if predictor.classes == Tiny.classes else []

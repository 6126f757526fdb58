"""A page on your own machine: a picture in, its mask out (notebook 9, `python -m segmenter demo`)."""

import errno
import os
import socket
from functools import partial
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from segmenter.app.page import (
    CSS,
    NAME_BUTTONS,
    START,
    area_table,
    intro,
    page_theme,
    status,
    summary,
    threshold_words,
)
from segmenter.app.segmentation import Answer, answer_picture, describe_pixel, draw_answer, mask_picture
from utils.catalog.tiny import Tiny
from utils.config import COURSE
from utils.errors import ConfigError, CourseError
from utils.inference import Predictor
from utils.plots import overlay

SAMPLES = ("town11_01", "town11_04", "town12_00", "town12_03")  # of the test split of data/tiny


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


def import_gradio() -> ModuleType:
    """Return gradio, told to send nothing anywhere. Raises CourseError when it is not installed."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio
    except ImportError:
        raise CourseError("The package gradio is missing: run `pip install gradio`, then this again.") from None
    return gradio


def build_app(predictor: Predictor, private: bool = True) -> Any:
    """Return a Gradio app around a predictor; `.launch()` serves it on 127.0.0.1, in a notebook below the cell.

    `private` says on the page that a picture stays on the machine that serves it.
    Raises CourseError when gradio is not installed.
    """
    gr = import_gradio()

    def nothing_yet() -> Any:
        gr.Info("Choose a picture first.")  # also where the session is over and its picture forgotten
        return gr.skip()

    def predict(path: str | None, opacity: float, threshold: float) -> tuple:
        nothing = (None, area_table(predictor), gr.DownloadButton(value=None, interactive=False))
        if path is None:
            return None, status(START), *nothing
        try:
            answer = answer_picture(predictor, Path(path))
        except CourseError as error:
            return None, status(str(error), fault=True), *nothing
        return answer, *restyle(answer, opacity, threshold)

    def restyle(answer: Answer | None, opacity: float, threshold: float) -> tuple:
        if answer is None:
            return (*[nothing_yet()] * 4,)
        ids = answer.ids(threshold)
        words = status(summary(predictor, ids, answer.name, answer.seconds))
        file = save_png(mask_picture(ids, predictor), f"{answer.name}_mask", mask.GRADIO_CACHE)
        button = gr.DownloadButton(value=file, interactive=True)
        return words, repaint(answer, opacity, threshold), area_table(predictor, ids), button

    def repaint(answer: Answer | None, opacity: float, threshold: float) -> Any:
        if answer is None:
            return nothing_yet()
        shown = Image.fromarray(draw_answer(answer, predictor, opacity, threshold))
        return save_png(shown, f"{answer.name}_overlay", result.GRADIO_CACHE, level=1)  # a slider waits for it

    def inspect(answer: Answer | None, event: gr.SelectData) -> Any:
        return nothing_yet() if answer is None else status(describe_pixel(answer, predictor, *event.index))

    # Pictures and masks in Gradio's cache are deleted when an hour old, and when the server stops.
    with gr.Blocks(title="Your segmenter", analytics_enabled=False, delete_cache=(600, 3600)) as app:
        session = gr.State(time_to_live=3600)
        gr.HTML(intro(predictor, private), elem_id="intro", padding=False)
        said = gr.HTML(status(START), elem_id="status", padding=False)
        with gr.Row():
            with gr.Column(min_width=300):
                picture = gr.Image(
                    label="Your picture", type="filepath", image_mode=None, elem_id="picture", height=400,
                    sources=["upload", "webcam", "clipboard"],
                )  # fmt: skip
                # Gradio would open the file first, and fail with its own words: read_image is the one reader.
                picture.preprocess = lambda payload: payload and payload.path
                if samples := sample_pictures(predictor):
                    gr.Examples(samples, picture, label="Or one of these, held out of training", elem_id="samples")
            with gr.Column(min_width=300):
                result = gr.Image(
                    label="Mask over the picture", interactive=False, elem_id="result",
                    height=520 if samples else 400, buttons=["fullscreen", "download"],
                )  # fmt: skip
        with gr.Row():
            with gr.Column(min_width=300):
                opacity = gr.Slider(0, 1, 0.45, step=0.05, label="Opacity of the mask", elem_id="opacity")
                threshold = gr.Slider(0, 1, step=0.01, elem_id="threshold", **threshold_words(predictor))
                mask = gr.DownloadButton(
                    "Download the mask (PNG)", interactive=False, variant="primary", elem_id="mask"
                )
            with gr.Column(min_width=300):
                areas = gr.HTML(area_table(predictor), elem_id="areas", padding=False)
        sliders, shown = [opacity, threshold], [said, result, areas, mask]
        picture.change(predict, [picture, *sliders], [session, *shown], api_name="segment")
        quiet = {"show_progress": "hidden", "trigger_mode": "always_last", "api_visibility": "private"}
        opacity.change(repaint, [session, *sliders], result, **quiet)
        threshold.change(restyle, [session, *sliders], shown, **quiet)
        result.select(inspect, session, said, **quiet)
        app.load(None, js=NAME_BUTTONS)
    # Gradio takes these at launch; bound here, so that a notebook's plain `.launch()` gets them, too.
    app.launch = partial(
        app.launch, theme=page_theme(gr), css=CSS, share=False,
        max_file_size="50mb", footer_links=["api", "settings"], run_history=False, ssr_mode=False,
        state_session_capacity=20, height=1000,
    )  # fmt: skip
    return app


def save_png(picture: Image.Image, name: str, cache: str, level: int = 6) -> str:
    """Write a picture where Gradio would copy it to, so that there is one file, which Gradio deletes in time.

    level: 1 is three times as fast as Pillow's own 6, and some 10 % larger.
    """
    from gradio.processing_utils import hash_bytes

    memory = BytesIO()
    picture.save(memory, "PNG", compress_level=level)
    path = Path(cache) / hash_bytes(memory.getvalue()) / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(memory.getvalue())
    return str(path)


def sample_pictures(predictor: Predictor) -> list[Path]:
    """Return pictures of data/tiny that were held out of training, where they show what the predictor knows."""
    files = [COURSE / "data" / "tiny" / "images" / f"{name}.jpg" for name in SAMPLES]
    return [file for file in files if file.is_file()] if predictor.classes == Tiny.classes else []


def launch(
    predictor: Predictor,
    port: int | None = None,
    host: str = "127.0.0.1",
    share: bool = False,
    inbrowser: bool = False,
    block: bool = True,
) -> Any:
    """Serve the page until Ctrl+C, and return the app; without `block`, return at once (`.close()` ends it).

    port: None takes the first free one from 7860 on. host: 0.0.0.0 lets other machines of the network in.
    share: ask Gradio for a public address, through its servers. Raises ConfigError for a port that is taken or an
    address that is not of this machine, CourseError when gradio is not installed.
    """
    refuse_address(host, port)
    keep_local_requests_local()
    app = build_app(predictor, private=not share)
    app.launch(
        server_name=host, server_port=port, share=share, inbrowser=inbrowser, prevent_thread_lock=True, quiet=True
    )
    print(f"The page is at {app.local_url} (stop with Ctrl+C)", flush=True)
    if share:
        print(f"For everybody who has this address: {app.share_url}" if app.share_url else "No public address could be "
              "made: Gradio's servers did not answer. The page works on this machine only.", flush=True)  # fmt: skip
    if block:
        app.block_thread()
    return app


def refuse_address(host: str, port: int | None) -> None:
    """Raise ConfigError where no server can listen at an address; None stands for any port."""
    try:
        socket.create_server((host, port or 0)).close()
    except OverflowError:
        raise ConfigError(f"Port {port} does not exist. Choose one from 1024 to 65535.") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"Port {port} is taken. Stop what uses it, or choose another with --port.") from None
        if error.errno == errno.EACCES:
            raise ConfigError(f"Port {port} is reserved for the system. Choose one from 1024 to 65535.") from None
        raise ConfigError(
            f"This machine cannot serve at {host} ({error}). Leave --host out, or name its own."
        ) from None


def keep_local_requests_local() -> None:
    """Exempt this machine from a proxy in the environment, through which Gradio would look for its own server."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in os.environ.get(name, "").split(",") if host]
        os.environ[name] = ",".join(dict.fromkeys([*hosts, "localhost", "127.0.0.1"]))

"""`demo`: the app, on this machine."""

from argparse import ArgumentParser
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument(
        "run", nargs="?", type=Path, help="run folder or .safetensors file; without it, the course's own"
    )
    parser.add_argument("--port", type=int, metavar="N", help="default: the first free one from 7860 on")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets the whole network in")
    parser.add_argument("--share", action="store_true", help="ask Gradio for a public address, through its servers")


def run(run: Path | None, port: int | None, host: str, share: bool) -> None:
    """Serve a page on this machine: a picture in, its mask out."""
    from segmenter.app import launch
    from utils.inference import Predictor, best_run

    launch(Predictor.from_run(run or best_run()), port, host, share)

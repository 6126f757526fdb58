"""A page on your own machine: an image in, its mask out (notebook 9, `python -m segmenter demo`).

`segmentation` predicts an image once and draws it as often as a slider moves, `callbacks` answers what a visitor does,
`layout` lays the page out with Gradio, `page` has its style and sentences, and `server` serves it.
"""

from segmenter.app.layout import build_app
from segmenter.app.segmentation import segment_picture
from segmenter.app.server import launch

__all__ = ["build_app", "launch", "segment_picture"]

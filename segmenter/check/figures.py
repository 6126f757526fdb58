"""The figure of a checked data set: its most unusual pairs."""

import textwrap

import cv2
import numpy as np
from matplotlib.figure import Figure

from segmenter.check.report import Report
from segmenter.check.unusual import unusual
from utils.dataset import read_pair
from utils.errors import DataError
from utils.images import shrink_pair
from utils.plots import legend, overlay, show_images

SHOWN_SIDE = 480  # pixels, longer side of a pair in a figure
TITLE_SIZE = 9  # points: the reasons need room, and the legend is no louder than they are


def show_unusual(report: Report, count: int = 8) -> Figure:
    """Show the most unusual pairs of a checked data set, each mask laid over its image, with what was measured.

    Wrong and hard ones are among them.
    """
    images, titles = [], []
    for index, reasons in unusual(report, count):
        pair = report.measurements[index].pair
        image, mask = shrink_pair(*read_pair(pair, report.source), SHOWN_SIDE)
        images.append(pad_to_square(overlay(image, mask, report.source.palette)))
        titles.append("\n".join([pair.image.name, *(textwrap.fill(reason, 34) for reason in reasons)]))
    if not images:
        raise DataError(f"'{report.name}' has no sound pair to show. Mend the errors that the report names.")
    lines = max(title.count("\n") for title in titles)
    # The empty line below the heading keeps it apart from the names of the files.
    figure = show_images(images, titles, columns=min(4, len(images)), size=3.2, heading="The most unusual pairs\n")
    figure.set_figheight(figure.get_figheight() + 0.25 + lines * 0.2 * -(-len(images) // 4))
    for ax in figure.axes:
        ax.title.set_fontsize(TITLE_SIZE)
    legend(figure, report.classes, report.source.palette, fontsize=TITLE_SIZE)
    return figure


def pad_to_square(image: np.ndarray) -> np.ndarray:
    """Put an image, uint8 (H, W, 3), at the top of a white square, so that images of any shape share a grid."""
    height, width = image.shape[:2]
    side = max(height, width)
    left = (side - width) // 2
    borders = (0, side - height, left, side - width - left)  # top, bottom, left, right
    return cv2.copyMakeBorder(image, *borders, cv2.BORDER_CONSTANT, value=(255, 255, 255))

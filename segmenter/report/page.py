"""The test report as one HTML file: verdict, scores, charts, and the gallery of failures."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from segmenter.html import DASH, css_colour, data_uri, render, save_text
from segmenter.metrics import calibration_error
from segmenter.report.evaluation import Evaluation
from segmenter.report.gallery import EXTRA, MISSED, RIGHT, Card
from segmenter.report.numbers import DEFINITIONS, calibration
from utils.metrics import THRESHOLDS, average_precision, pixel_accuracy

WIDTH, HEIGHT = 400, 260  # of a chart, in its own units
MOST_COLOURED_LINES = 8  # with more classes their lines are grey
HEADINGS = {
    "iou": "IoU", "dice": "F1 (Dice)", "precision": "Precision", "recall": "Recall", "boundary_iou": "Boundary IoU",
    "image_iou": "IoU by image", "AP": "AP", "pixels": "Share of pixels",
}  # fmt: skip


def save_html(evaluation: Evaluation, path: str | Path) -> Path:
    """Write the page to `path`, whole or not at all, and return the path. It needs no network and no other file."""
    scores, cards = evaluation.scores, evaluation.gallery.cards
    colours = [css_colour(colour) for colour in evaluation.gallery.palette]
    table = scores.table
    page = render(
        "report.html",
        report=evaluation,
        good=not cards,
        about=evaluation.about,
        limit=evaluation.gallery.limit,
        classes=scores.classes,
        colours=colours,
        headings=HEADINGS,
        table=[(name, [(v, number(v)) for v in row]) for name, row in zip(table.index, table.values, strict=True)],
        accuracy=pixel_accuracy(scores.matrix),
        calibration_error=calibration_error(scores.calibration_bins),
        definitions={HEADINGS.get(name, name.replace("_", " ")): text for name, text in DEFINITIONS.items()},
        precision=_precision(evaluation),
        reliability=_reliability(evaluation),
        confusion=_confusion(scores.matrix),
        failed_classes=_failed_classes(evaluation),
        cards=[_card(evaluation, card) for card in cards if card.images],
        listed=[_card(evaluation, card) for card in cards if not card.images],
        class_colours=list(zip(scores.classes, colours, strict=True))[1 if len(colours) == 2 else 0 :],
        error_colours={"missed": css_colour(MISSED), "too much": css_colour(EXTRA), "right": css_colour(RIGHT)},
        images=_image_scores(evaluation),
    )
    return save_text(Path(path), page)


def number(value: float) -> str:
    """Write a score; a dash where the class does not occur."""
    return DASH if np.isnan(value) else f"{value:.3f}"


def shade(share: float) -> str:
    """Return the style of a table cell that is the bluer the larger its share; its text stays readable."""
    if np.isnan(share):
        return ""
    white, blue = np.array((255, 255, 255)), np.array((8, 69, 130))
    text = "#fff" if share > 0.72 else "#000"  # whichever has the higher contrast, 4.5 or more
    return f"background: {css_colour((white + (blue - white) * share).round().astype(int))}; color: {text}"


def _precision(evaluation: Evaluation) -> dict[str, Any]:
    """The curve of AP: a row of text for each class and for their mean, and lines for a chart."""
    classes = evaluation.scores.classes
    curves, ap = average_precision(evaluation.scores.ious)
    with np.errstate(invalid="ignore"):
        mean = np.array([row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in curves])
    in_colour = len(classes) <= MOST_COLOURED_LINES
    lines = [
        {
            "name": name,
            "points": line_points(THRESHOLDS, curve),
            "colour": css_colour(colour) if in_colour else "#999",
            "width": 2.5 if in_colour else 1,
        }
        for name, curve, colour in zip(classes, curves.T, evaluation.gallery.palette, strict=True)
        if not np.isnan(curve).any()
    ]
    lines.append({"name": "mean", "points": line_points(THRESHOLDS, mean), "colour": "#000", "width": 3})
    rows = zip([*classes, "mean"], [*curves.T, mean], [*ap, np.nanmean(ap)], strict=True)
    return {
        "thresholds": [f"{threshold:.1f}" for threshold in THRESHOLDS],
        "rows": [
            (name, [(DASH if np.isnan(v) else f"{v:.0%}", shade(v)) for v in curve], number(area))
            for name, curve, area in rows
        ],
        "lines": lines,
        "in_colour": in_colour,
        "words": f"AP curve: mean AP {number(np.nanmean(ap))}; the table below has every value",
    }


def line_points(x: Sequence[float], y: np.ndarray) -> str:
    """Return the points of a line in a chart from 0 to 1 both ways."""
    return " ".join(f"{WIDTH * a:.1f},{HEIGHT * (1 - b):.1f}" for a, b in zip(x, y, strict=True))


def _reliability(evaluation: Evaluation) -> dict[str, Any]:
    """The bars of the reliability diagram, and what they say on the whole."""
    bins = calibration(evaluation)
    pixels, summed_confidence, right = (float(column) for column in evaluation.scores.calibration_bins.sum(dim=0))
    confidence, accuracy = summed_confidence / pixels, right / pixels
    judgement = "overconfident" if confidence > accuracy else "too modest"
    if abs(confidence - accuracy) < 0.01:
        judgement = "about right"
    bars = [
        {
            "x": WIDTH * b["from"] + 1,
            "width": WIDTH / len(bins) - 2,
            "y": HEIGHT * (1 - b["accuracy"]),
            "height": HEIGHT * b["accuracy"],
            "confidence": f"{b['confidence']:.1%}",
            "right": f"{b['accuracy']:.1%}",
            "share": f"{b['pixels'] / pixels:.1%}",
            "range": f"{b['from']:.0%} to {b['to']:.0%}",
        }
        for b in bins
        if b["pixels"]
    ]
    words = f"On average it is {confidence:.1%} sure and {accuracy:.1%} of the pixels are right: {judgement}."
    return {"bars": bars, "words": words}


def _confusion(matrix: torch.Tensor) -> list[list[dict[str, str]]]:
    """The cells of the confusion matrix: share of the true class in words and shade, and its pixels."""
    shares = (matrix.double() / matrix.sum(dim=1, keepdim=True)).tolist()
    return [
        [
            {"text": percent(share), "style": shade(share), "pixels": f"{pixels:,}"}
            for share, pixels in zip(*row, strict=True)
        ]
        for row in zip(shares, matrix.tolist(), strict=True)
    ]


def percent(share: float) -> str:
    """Write a share so that a little is not nothing; a dash where the class does not occur."""
    if np.isnan(share):
        return DASH
    return "0" if share == 0 else "<1%" if share < 0.005 else f"{share:.0%}"


def _failed_classes(evaluation: Evaluation) -> list[dict[str, Any]]:
    """For each class, in how many of its images it failed; the most first, those without failures left out."""
    failures = Counter(failed.name for card in evaluation.gallery.cards for failed in card.failed)
    images = (~evaluation.scores.ious.isnan()).sum(dim=0).tolist()
    rows = [
        {"name": name, "failed": failures[name], "of": count}
        for name, count in zip(evaluation.scores.classes, images, strict=True)
        if failures[name]
    ]
    return sorted(rows, key=lambda row: -row["failed"])


def _card(evaluation: Evaluation, card: Card) -> dict[str, Any]:
    """A card of the gallery in words and images."""
    height, width = card.size
    return {
        "name": evaluation.about["images"][card.index],
        "size": f"{width} x {height}",
        "failed": [(f.name, f"{f.iou:.2f}", [reason.words for reason in f.reasons]) for f in card.failed],
        "images": [(title, data_uri(data), words) for title, (data, words) in card.images.items()],
    }


def _image_scores(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Every image with its score, worst first."""
    ious = evaluation.scores.by_image()["iou"]
    return [(evaluation.about["images"][index], number(iou)) for index, iou in ious.items()]

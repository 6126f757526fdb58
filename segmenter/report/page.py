"""The test report as one HTML file: verdict, scores, charts, and the gallery of failures (see template.py)."""

from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
import torch

from segmenter.html import data_uri
from segmenter.report.gallery import EXTRA, MISSED, RIGHT, Card
from segmenter.report.numbers import DEFINITIONS, calibration
from segmenter.report.template import TEMPLATE
from utils.metrics import THRESHOLDS, average_precision, calibration_error, pixel_accuracy

if TYPE_CHECKING:
    from segmenter.report import Evaluation

WIDTH, HEIGHT = 400, 260  # of a chart, in its own units
LINES = 8  # classes that have a line of their own colour; of more all are grey
HEADS = {
    "iou": "IoU", "dice": "F1 (Dice)", "precision": "Precision", "recall": "Recall", "boundary_iou": "Boundary IoU",
    "image_iou": "IoU by image", "AP": "AP", "pixels": "Share of pixels",
}  # fmt: skip


def render(report: "Evaluation") -> str:
    """Fill the template. Every name in it is escaped: a file may be called anything."""
    scores, gallery, palette = report.scores, report.gallery, report.gallery.palette
    matrix = scores.matrix
    cards = gallery.cards
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(TEMPLATE)
    return template.render(
        report=report,
        about=report.about,
        colours=[rgb(c) for c in palette],
        heads=HEADS,
        table=[
            (name, [(v, number(v)) for v in row])
            for name, row in zip(scores.table.index, scores.table.values, strict=True)
        ],
        accuracy=pixel_accuracy(matrix),
        error=calibration_error(scores.bins),
        definitions={HEADS.get(name, name.replace("_", " ")): text for name, text in DEFINITIONS.items()},
        precision=_precision(report),
        reliability=_reliability(report),
        confusion=_confusion(matrix),
        failed_classes=_failed_classes(report),
        cards=[_card(report, card) for card in cards if card.pictures],
        listed=[_card(report, card) for card in cards if not card.pictures],
        legend=list(zip(scores.classes, map(rgb, palette), strict=True))[1 if len(palette) == 2 else 0 :],
        marks={"missed": rgb(MISSED), "too much": rgb(EXTRA), "right": rgb(RIGHT)},
        images=_images(report),
    )


def rgb(colour: tuple[int, int, int]) -> str:
    """Name a colour for CSS."""
    return "rgb({}, {}, {})".format(*colour)


def number(value: float) -> str:
    """Write a score; a dash where the class does not occur."""
    return "\N{EN DASH}" if np.isnan(value) else f"{value:.3f}"


def shade(share: float) -> str:
    """Return the style of a table cell that is the bluer the larger its share; its text stays readable."""
    if np.isnan(share):
        return ""
    white, blue = np.array((255, 255, 255)), np.array((8, 69, 130))
    text = "#fff" if share > 0.72 else "#000"  # whichever has the higher contrast, 4.5 or more
    return f"background: {rgb((white + (blue - white) * share).round().astype(int))}; color: {text}"


def _precision(report: "Evaluation") -> dict[str, Any]:
    """The curve of AP: a row of text for each class, and lines for a chart."""
    curve, ap = average_precision(report.scores.ious)
    with np.errstate(invalid="ignore"):
        mean = np.array([row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in curve])
    names = [*report.scores.classes, "mean"]
    rows = list(zip(names, [*curve.T, mean], [*ap, np.nanmean(ap)], strict=True))
    few = len(report.scores.classes) <= LINES
    colours = [rgb(c) if few else "#999" for c in report.gallery.palette]
    lines = [
        {"name": name, "points": points(THRESHOLDS, values), "colour": colour, "width": 2.5 if few else 1}
        for (name, values, _), colour in zip(rows, colours, strict=False)
        if not np.isnan(values).any()
    ]
    lines.append({"name": "mean", "points": points(THRESHOLDS, mean), "colour": "#000", "width": 3})
    return {
        "thresholds": [f"{t:.1f}" for t in THRESHOLDS],
        "rows": [(name, [("\N{EN DASH}" if np.isnan(v) else f"{v:.0%}", shade(v)) for v in values], number(a))
                 for name, values, a in rows],
        "lines": lines,
        "few": few,
        "words": f"AP curve: {rows[-1][0]} AP {number(rows[-1][2])}; the table below has every value",
    }  # fmt: skip


def points(x: np.ndarray, y: np.ndarray) -> str:
    """Return the points of a line in a chart from 0 to 1 both ways."""
    return " ".join(f"{WIDTH * a:.1f},{HEIGHT * (1 - b):.1f}" for a, b in zip(x, y, strict=True))


def _reliability(report: "Evaluation") -> dict[str, Any]:
    """The bars of the reliability diagram, and what they say on the whole."""
    bins = calibration(report)
    total, sure, right = (float(column) for column in report.scores.bins.sum(dim=0))
    gap = (sure - right) / total
    side = "about right" if abs(gap) < 0.01 else "overconfident" if gap > 0 else "too modest"
    bars = [
        {
            "x": WIDTH * b["from"] + 1,
            "width": WIDTH / len(bins) - 2,
            "y": HEIGHT * (1 - b["accuracy"]),
            "height": HEIGHT * b["accuracy"],
            "sure": f"{b['confidence']:.1%}",
            "right": f"{b['accuracy']:.1%}",
            "share": f"{b['pixels'] / total:.1%}",
            "range": f"{b['from']:.0%} to {b['to']:.0%}",
        }
        for b in bins
        if b["pixels"]
    ]
    words = f"On average it is {sure / total:.1%} sure and {right / total:.1%} of the pixels are right: {side}."
    return {"bars": bars, "words": words}


def _confusion(matrix: torch.Tensor) -> list[list[dict[str, str]]]:
    """The cells of the confusion matrix: share of the true class in words and shade, and its pixels."""
    totals = matrix.sum(dim=1, keepdim=True)
    shares = (matrix.double() / totals).numpy()
    return [
        [{"text": "\N{EN DASH}" if np.isnan(s) else percent(s), "style": shade(s), "pixels": f"{n:,}"}
         for s, n in zip(share, counts, strict=True)]
        for share, counts in zip(shares, matrix.tolist(), strict=True)
    ]  # fmt: skip


def percent(share: float) -> str:
    """Write a share so that a little is not nothing."""
    return "0" if share == 0 else "<1%" if share < 0.005 else f"{share:.0%}"


def _failed_classes(report: "Evaluation") -> list[dict[str, Any]]:
    """For each class, in how many of its images it failed; the most first, those without failures left out."""
    counts = dict.fromkeys(report.scores.classes, 0)
    for card in report.gallery.cards:
        for failed in card.failed:
            counts[failed.name] += 1
    occurs = (~report.scores.ious.isnan()).sum(dim=0).tolist()
    rows = [{"name": n, "failed": f, "of": o} for (n, f), o in zip(counts.items(), occurs, strict=True) if f]
    return sorted(rows, key=lambda row: -row["failed"])


def _card(report: "Evaluation", card: Card) -> dict[str, Any]:
    """A card of the gallery in words and pictures."""
    height, width = card.size
    return {
        "name": report.about["images"][card.index],
        "size": f"{width} x {height}",
        "failed": [(f.name, f"{f.iou:.2f}", [reason.words for reason in f.reasons]) for f in card.failed],
        "pictures": [(title, data_uri(data), words) for title, (data, words) in card.pictures.items()],
    }


def _images(report: "Evaluation") -> list[tuple[str, str]]:
    """Every image with its score, worst first."""
    table = report.scores.by_image()
    return [(report.about["images"][index], number(row)) for index, row in table["iou"].items()]

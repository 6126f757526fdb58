"""The report of a check as one HTML file: findings, balance, sizes, images. It needs no network and no other file."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from segmenter.check.measurements import PairMeasurements
from segmenter.check.near_copies import FINGERPRINT_BITS, NearCopy
from segmenter.check.report import Report
from segmenter.check.unusual import sample_pairs, unusual
from segmenter.html import css_colour, data_uri, jpeg, render, save_text
from utils.catalog.base import Source
from utils.dataset import read_pair
from utils.images import shrink_pair
from utils.plots import overlay

THUMBNAIL = 320  # pixels, longer side
NEAR_COPIES = 6  # that are shown
BINS = 20


def save_html(report: Report, path: str | Path, gallery: int = 12, seed: int = 0) -> Path:
    """Write the report to `path`, whole or not at all, and return the path.

    gallery: how many pairs, drawn at random with the seed, are shown beside the most unusual ones.
    """
    page = render(
        "check.html",
        report=report,
        good=report.ok,
        findings=[(finding, finding.descriptions(report.file_names)) for finding in report.findings],
        summary=report.summary(),
        balance=_balance(report),
        histograms=_histograms(report),
        pixel_formats=_pixel_formats(report),
        gallery=[_card(report, index) for index in sample_pairs(report, gallery, seed)],
        unusual=[_card(report, index, reasons) for index, reasons in unusual(report)],
        near_copies=[_near_copy(report, copy) for copy in report.near_copies[:NEAR_COPIES]],
    )
    return save_text(Path(path), page)


def _pixel_formats(report: Report) -> dict[str, int]:
    """Image files of each kind of channels and bits, the most common first."""
    formats = sorted(measured.pixel_format for measured in report.measurements if measured.pixel_format)
    return dict(Counter(formats).most_common())


def _balance(report: Report) -> list[dict[str, Any]]:
    """A row for each class: colour, pixels, share, and how many images of each split show it."""
    pixels, presence = report.pixels, report.presence
    total, most = max(int(pixels.sum()), 1), max(int(pixels.max(initial=0)), 1)
    return [
        {
            "name": name,
            "colour": css_colour(report.source.palette[index]),
            "pixels": f"{pixels[index]:,}",
            "share": f"{pixels[index] / total:.2%}",
            "width": f"{100 * pixels[index] / most:.1f}",
            "images": [int(counts[index]) for counts in presence.values()],
        }
        for index, name in enumerate(report.classes)
    ]


def _histograms(report: Report) -> list[dict[str, Any]]:
    """Bars of the longer sides, and of the foreground shares where there are two classes."""
    found = []
    if len(np.unique(report.sizes, axis=0)) > 1:
        found.append(_histogram("Longer side of the images", report.sizes.max(axis=1), "{:.0f} px"))
    if len(report.classes) == 2 and len(report.foreground):
        found.append(_histogram(f"Share of {report.classes[1]} in an image", report.foreground, "{:.1%}"))
    return found


def _histogram(title: str, values: np.ndarray, number_format: str) -> dict[str, Any]:
    """The bars of a histogram, their heights from 0 to 100, and the ends and the median of its axis."""
    number = number_format.format
    counts, edges = np.histogram(values, bins=BINS if len(np.unique(values)) > 1 else 1)
    bars = [
        {"height": 100 * count / counts.max(), "words": f"{number(start)} to {number(end)}: {count} images"}
        for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    low, median, high = number(values.min()), number(np.median(values)), number(values.max())
    return {"title": title, "bars": bars, "low": low, "median": median, "high": high, "width": 100 / len(bars)}


def _card(report: Report, index: int, reasons: list[str] | None = None) -> dict[str, Any]:
    """A pair as it is shown: image and overlay, with words for whoever cannot see them."""
    measured = report.measurements[index]
    shares = measured.class_pixels / max(measured.class_pixels.sum(), 1)
    largest = [f"{report.classes[i]} {shares[i]:.0%}" for i in np.argsort(-shares)[:3] if shares[i] >= 0.005]
    image, laid_over = _thumbnails(measured, report.source)
    return {
        "name": measured.pair.image.name,
        "path": report.source.relative(measured.pair.image),
        "split": report.split_of[index] or "in no split",
        "size": f"{measured.size[1]}x{measured.size[0]}",
        "shares": ", ".join(largest),
        "image": image,
        "overlay": laid_over,
        "reasons": reasons or [],
    }


def _near_copy(report: Report, copy: NearCopy) -> dict[str, Any]:
    """Two images side by side, and in how many bits their fingerprints differ."""
    cards = [
        {
            "name": report.source.relative(report.measurements[i].pair.image),
            "split": report.split_of[i],
            "image": _thumbnails(report.measurements[i], report.source)[0],
        }
        for i in (copy.query, copy.match)
    ]
    words = f"{copy.differing_bits} of {FINGERPRINT_BITS} bits differ{', mirrored' if copy.mirrored else ''}"
    return {"cards": cards, "words": words}


def _thumbnails(measured: PairMeasurements, source: Source) -> tuple[str, str]:
    """The image, and the mask laid over it, as data URIs; a faulty pair is shown without its mask."""
    if measured.faults:
        image = source.read_image(measured.pair.image)
        image, _ = shrink_pair(image, np.zeros(image.shape[:2], np.uint8), THUMBNAIL)
        return data_uri(jpeg(image)), data_uri(jpeg(image))
    image, mask = shrink_pair(*read_pair(measured.pair, source), THUMBNAIL)
    return data_uri(jpeg(image)), data_uri(jpeg(overlay(image, mask, source.palette)))

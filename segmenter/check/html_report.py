"""The report of a check as one HTML file: findings, balance, sizes, pictures. It needs no network and no other file."""

from pathlib import Path

import jinja2
import numpy as np

from segmenter.check.measurements import PairFacts
from segmenter.check.report import Report
from segmenter.check.template import TEMPLATE
from segmenter.check.unusual import sample_pairs, unusual
from segmenter.html import data_uri, jpeg
from utils.catalog.base import Source
from utils.dataset import read_pair
from utils.files import write_atomically
from utils.images import read_image, shrink_pair
from utils.plots import overlay

THUMBNAIL = 320  # pixels, longer side
LOOK_ALIKES = 6  # pairs of look-alikes that are shown
BINS = 20


def save_html(report: Report, path: Path, gallery: int = 12, seed: int = 0) -> Path:
    """Write the report to `path`, whole or not at all, and return the path."""
    html = render(report, gallery, seed).encode("utf-8", "backslashreplace")  # a file name may hold any bytes
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_bytes(html))
    return path


def render(report: Report, gallery: int, seed: int) -> str:
    """Fill the template. Every name in it is escaped: a file may be called anything."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(TEMPLATE)
    return template.render(
        report=report,
        summary=report.summary(),
        balance=_balance(report),
        histograms=_histograms(report),
        depths=_depths(report),
        gallery=[_card(report, index) for index in sample_pairs(report, gallery, seed)],
        unusual=[_card(report, index, reasons) for index, reasons in unusual(report)],
        near=[_look_alike(report, near) for near in report.near[:LOOK_ALIKES]],
    )


def _balance(report: Report) -> list[dict]:
    """A row for each class: colour, pixels, share, and how many images of each split show it."""
    pixels, presence = report.pixels, report.presence
    total, most = max(int(pixels.sum()), 1), max(int(pixels.max(initial=0)), 1)
    return [
        {
            "name": name,
            "colour": "rgb({}, {}, {})".format(*report.source.palette[index]),
            "pixels": f"{pixels[index]:,}",
            "share": f"{pixels[index] / total:.2%}",
            "width": f"{100 * pixels[index] / most:.1f}",
            "images": [int(counts[index]) for counts in presence.values()],
        }
        for index, name in enumerate(report.classes)
    ]


def _histograms(report: Report) -> list[dict]:
    """Bars of the longer sides, and of the foreground shares where there are two classes."""
    found = []
    if len(np.unique(report.sizes, axis=0)) > 1:
        found.append(_histogram("Longer side of the images", report.sizes.max(axis=1), "{:.0f} px"))
    if len(report.classes) == 2 and len(report.foreground):
        found.append(_histogram(f"Share of {report.classes[1]} in an image", report.foreground, "{:.1%}"))
    return found


def _histogram(title: str, values: np.ndarray, number: str) -> dict:
    counts, edges = np.histogram(values, bins=BINS if len(np.unique(values)) > 1 else 1)
    low, middle, high = (number.format(v) for v in (values.min(), np.median(values), values.max()))
    bars = [
        {"height": 100 * count / counts.max(), "words": f"{number.format(a)} to {number.format(b)}: {count} images"}
        for count, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    return {"title": title, "bars": bars, "low": low, "middle": middle, "high": high, "width": 100 / len(bars)}


def _depths(report: Report) -> dict[str, int]:
    """Images of each kind of channels and bits, the most common first."""
    depths = [f.depth for f in report.facts if f.depth]
    return dict(sorted(((d, depths.count(d)) for d in set(depths)), key=lambda item: (-item[1], item[0])))


def _card(report: Report, index: int, reasons: list[str] | None = None) -> dict:
    """A pair as it is shown: image and overlay, with words for who cannot see them."""
    facts = report.facts[index]
    shares = facts.counts / max(facts.counts.sum(), 1)
    main = [f"{report.classes[i]} {shares[i]:.0%}" for i in np.argsort(-shares)[:3] if shares[i] >= 0.005]
    image, laid_over = _thumbnails(facts, report.source)
    return {
        "name": facts.pair.image.name,
        "path": report.source.relative(facts.pair.image),
        "split": report.split_of[index] or "in no split",
        "size": f"{facts.size[1]}x{facts.size[0]}",
        "shares": ", ".join(main),
        "image": image,
        "overlay": laid_over,
        "reasons": reasons or [],
    }


def _look_alike(report: Report, near: tuple) -> dict:
    cards = [{
        "name": report.source.relative(report.facts[i].pair.image),
        "split": report.split_of[i],
        "image": _thumbnails(report.facts[i], report.source)[0],
    } for i in (near.asked, near.known)]  # fmt: skip
    return {"cards": cards, "words": f"{near.bits} of 512 bits differ{', mirrored' if near.mirrored else ''}"}


def _thumbnails(facts: PairFacts, source: Source) -> tuple[str, str]:
    """The image, and the mask laid over it, as data URIs; a faulty pair is shown without its mask."""
    if facts.faults:
        image = read_image(facts.pair.image)
        image, _ = shrink_pair(image, np.zeros(image.shape[:2], np.uint8), THUMBNAIL)
        return data_uri(jpeg(image)), data_uri(jpeg(image))
    image, mask = shrink_pair(*read_pair(facts.pair, source), THUMBNAIL)
    return data_uri(jpeg(image)), data_uri(jpeg(overlay(image, mask, source.palette)))

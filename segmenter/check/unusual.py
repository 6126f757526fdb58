"""The pairs to look at first: extremes of what was measured, each with its reason in words."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from segmenter.check.measurements import PairFacts
from segmenter.check.report import Report

LEAST_Z = 2.0  # an extreme that is not this many robust standard deviations from the median is nothing unusual


class Measure(NamedTuple):
    """A figure of a pair, and how to say that it is extreme."""

    name: str
    value: Callable[[PairFacts], float | None]
    sign: int  # 1: the largest is unusual, -1: the smallest
    words: str  # a format of the value v and the median m


def measures(report: Report) -> list[Measure]:
    """List what makes a pair of this data set unusual, or likely hard."""
    classes, pixels = report.classes, report.pixels

    def seen(name: str) -> Callable[[PairFacts], float | None]:
        return lambda f: f.looks.get(name)

    def share(index: int) -> Callable[[PairFacts], float]:
        return lambda f: f.counts[index] / f.counts.sum()

    found = [
        Measure("most hidden", seen("colour distance"), -1, "{v:.0f} from the colours around it (median {m:.0f})"),
        Measure("most fragmented mask", seen("regions"), 1, "{v:.0f} regions (median {m:.0f})"),
        Measure("blurriest", seen("sharpness"), -1, "variance of the Laplacian {v:.0f} (median {m:.0f})"),
        Measure("darkest", seen("brightness"), -1, "mean grey {v:.0f} of 255 (median {m:.0f})"),
        Measure("brightest", seen("brightness"), 1, "mean grey {v:.0f} of 255 (median {m:.0f})"),
        Measure("least contrast", seen("contrast"), -1, "grey varies by {v:.0f} (median {m:.0f})"),
        Measure("longest shape", lambda f: max(f.size) / min(f.size), 1, "{v:.1f}:1 (median {m:.1f}:1)"),
        Measure("smallest image", lambda f: f.size[0] * f.size[1] / 1e6, -1, "{v:.2f} megapixels (median {m:.2f})"),
        Measure("largest image", lambda f: f.size[0] * f.size[1] / 1e6, 1, "{v:.2f} megapixels (median {m:.2f})"),
        Measure("most ignored", lambda f: f.ignored / f.size[0] / f.size[1], 1, "{v:.0%} of it (median {m:.0%})"),
    ]  # fmt: skip
    if len(classes) == 2:
        return [
            Measure(f"least {classes[1]}", share(1), -1, "{v:.1%} of the image (median {m:.1%})"),
            Measure(f"most {classes[1]}", share(1), 1, "{v:.1%} of the image (median {m:.1%})"),
            Measure("touches most borders", seen("borders"), 1, "{v:.0f} of 4 borders (median {m:.0f})"),
            *found,
        ]
    several = Measure("most classes", lambda f: int((f.counts > 0).sum()), 1, "{v:.0f} classes (median {m:.0f})")
    rare = [int(i) for i in np.argsort(pixels) if pixels[i] > 0][:2]
    shown = [
        Measure(f"most of the rare {classes[i]}", share(i), 1, "{v:.1%} of the image (median {m:.1%})") for i in rare
    ]
    return [*shown, several, *found]


def unusual(report: Report, limit: int = 12) -> list[tuple[int, list[str]]]:
    """Return the indices of the most unusual sound pairs in `report.facts`, each with its reasons in words.

    Every measure names its extreme; then its second one, and so on until there are enough.
    """
    sound = sound_pairs(report)
    ranked = [_ranked(measure, sound, report) for measure in measures(report)]
    reasons: dict[int, list[str]] = defaultdict(list)
    for rank in range(2):
        for extremes in ranked:
            if rank < len(extremes):
                index, words = extremes[rank]
                if index in reasons or len(reasons) < limit:
                    reasons[index].append(words)
    return sorted(reasons.items(), key=lambda item: -len(item[1]))


def _ranked(measure: Measure, sound: list[int], report: Report) -> list[tuple[int, str]]:
    """Order the pairs that one measure finds unusual, the most unusual first."""
    values = {i: v for i in sound if (v := measure.value(report.facts[i])) is not None}
    if not values:
        return []
    array = np.array(list(values.values()), dtype=float)
    # Sizes and shares are skewed: what is far from the median on either scale, plain or logarithmic, is unusual.
    scales = [measure.sign * _robust_z(scale) for scale in (array, np.log(array + 1e-3))]
    far = [i for i, z in zip(values, np.max(scales, axis=0), strict=True) if z >= LEAST_Z]
    far.sort(key=lambda i: (-measure.sign * values[i], i))
    return [(i, f"{measure.name}: {measure.words.format(v=values[i], m=np.median(array))}") for i in far]


def _robust_z(values: np.ndarray) -> np.ndarray:
    """Distance from the median in robust standard deviations (1.4826 times the median absolute deviation)."""
    distances = values - np.median(values)
    return distances / max(1.4826 * float(np.median(np.abs(distances))), 1e-9)


def sound_pairs(report: Report) -> list[int]:
    """Return the indices of the pairs that can be read and have a labelled pixel."""
    return [i for i, f in enumerate(report.facts) if not f.faults and f.counts.any()]


def sample_pairs(report: Report, count: int, seed: int = 0) -> list[int]:
    """Draw sound pairs at random, always the same ones for a seed."""
    sound = sound_pairs(report)
    return sorted(random.Random(seed).sample(sound, min(count, len(sound))))

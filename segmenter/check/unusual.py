"""The pairs to look at first: extremes of what was measured, each with its reason in words."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from segmenter.check.measurements import PairMeasurements
from segmenter.check.report import Report

LEAST_Z = 2.0  # an extreme that is not this many robust standard deviations from the median is nothing unusual


class Measure(NamedTuple):
    """A number that describes a pair, and how to say that it is extreme.

    Attributes:
        name: what an extreme pair is called, such as "darkest".
        value: returns the number, or None where a pair has none.
        sign: 1 where the largest value is unusual, -1 where the smallest is.
        words: a format of the value v and the median m.
    """

    name: str
    value: Callable[[PairMeasurements], float | None]
    sign: int
    words: str


def measures(report: Report) -> list[Measure]:
    """List what makes a pair of this data set unusual, or likely hard."""
    classes, pixels = report.classes, report.pixels

    def appearance(name: str) -> Callable[[PairMeasurements], float | None]:
        return lambda pair: getattr(pair.appearance, name)

    def class_share(index: int) -> Callable[[PairMeasurements], float]:
        return lambda pair: pair.class_pixels[index] / pair.class_pixels.sum()

    grey, share_of_image = "mean grey {v:.0f} of 255 (median {m:.0f})", "{v:.1%} of the image (median {m:.1%})"
    size, distance = "{v:.2f} megapixels (median {m:.2f})", "{v:.0f} from the colours around it (median {m:.0f})"
    in_any_data_set = [
        Measure("most hidden", appearance("colour_distance"), -1, distance),
        Measure("most fragmented mask", appearance("regions"), 1, "{v:.0f} regions (median {m:.0f})"),
        Measure("blurriest", appearance("sharpness"), -1, "variance of the Laplacian {v:.0f} (median {m:.0f})"),
        Measure("darkest", appearance("brightness"), -1, grey),
        Measure("brightest", appearance("brightness"), 1, grey),
        Measure("least contrast", appearance("contrast"), -1, "grey varies by {v:.0f} (median {m:.0f})"),
        Measure("longest shape", lambda pair: max(pair.size) / min(pair.size), 1, "{v:.1f}:1 (median {m:.1f}:1)"),
        Measure("smallest image", megapixels, -1, size),
        Measure("largest image", megapixels, 1, size),
        Measure("most ignored", ignored_share, 1, "{v:.0%} of it (median {m:.0%})"),
    ]
    if len(classes) == 2:
        borders = "{v:.0f} of 4 borders (median {m:.0f})"
        return [
            Measure(f"least {classes[1]}", class_share(1), -1, share_of_image),
            Measure(f"most {classes[1]}", class_share(1), 1, share_of_image),
            Measure("touches most borders", appearance("touched_borders"), 1, borders),
            *in_any_data_set,
        ]
    rarest = [int(i) for i in np.argsort(pixels) if pixels[i] > 0][:2]
    return [
        *(Measure(f"most of the rare {classes[i]}", class_share(i), 1, share_of_image) for i in rarest),
        Measure("most classes", class_count, 1, "{v:.0f} classes (median {m:.0f})"),
        *in_any_data_set,
    ]


def megapixels(pair: PairMeasurements) -> float:
    """Size of the image in millions of pixels."""
    return pair.size[0] * pair.size[1] / 1e6


def ignored_share(pair: PairMeasurements) -> float:
    """Share of the pixels that are not scored."""
    return pair.ignored_pixels / (pair.size[0] * pair.size[1])


def class_count(pair: PairMeasurements) -> int:
    """How many classes the mask shows."""
    return int((pair.class_pixels > 0).sum())


def unusual(report: Report, limit: int = 12) -> list[tuple[int, list[str]]]:
    """Return the indices of the most unusual sound pairs in `report.measurements`, each with its reasons in words.

    Every measure names its extreme; then its second one, and so on until there are enough.
    """
    sound = sound_pairs(report)
    ranked = [_rank(measure, sound, report) for measure in measures(report)]
    reasons: dict[int, list[str]] = defaultdict(list)
    for rank in range(2):
        for extremes in ranked:
            if rank < len(extremes):
                index, words = extremes[rank]
                if index in reasons or len(reasons) < limit:
                    reasons[index].append(words)
    return sorted(reasons.items(), key=lambda item: -len(item[1]))


def _rank(measure: Measure, sound: list[int], report: Report) -> list[tuple[int, str]]:
    """Order the pairs that one measure finds unusual, the most unusual first."""
    values = {i: value for i in sound if (value := measure.value(report.measurements[i])) is not None}
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
    return [i for i, pair in enumerate(report.measurements) if not pair.faults and pair.class_pixels.any()]


def sample_pairs(report: Report, count: int, seed: int = 0) -> list[int]:
    """Draw sound pairs at random, always the same ones for a seed."""
    sound = sound_pairs(report)
    return sorted(random.Random(seed).sample(sound, min(count, len(sound))))

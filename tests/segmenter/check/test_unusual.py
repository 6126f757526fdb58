"""segmenter/check/unusual.py: the extremes of a data set, with reasons that are true."""

import numpy as np
import pytest
from PIL import Image

from segmenter.check import check_dataset
from segmenter.check.unusual import sample_pairs, unusual


def reasons_of(report, name, limit=40):
    found = {report.measurements[i].pair.image.name: reasons for i, reasons in unusual(report, limit)}
    return " | ".join(found.get(name, []))


def alter(root, name, change):
    for folder, index in (("images", 0), ("masks", 1)):
        path = root / folder / f"{name}.png"
        with Image.open(path) as picture:
            pair = np.array(picture)
        Image.fromarray(change(pair, index)).save(path)


def speckled(values, index):
    return np.where((np.indices(values.shape) % 2).any(0), 0, 2).astype(np.uint8) if index else values


CASES = {
    "darkest": lambda v, i: v if i else (v * 0.05).astype(np.uint8),
    "brightest": lambda v, i: v if i else (255 - (255 - v) * 0.1).astype(np.uint8),
    "blurriest": lambda v, i: v if i else np.full_like(v, 110) + (np.arange(48) // 8)[None, :, None].astype(np.uint8),
    "most fragmented mask": speckled,
    "longest shape": lambda v, i: np.concatenate([v, v, v], axis=1),
    "most ignored": lambda v, i: np.where(np.arange(48) < 40, 255, v).astype(np.uint8) if i else v,
}


@pytest.mark.parametrize("reason", CASES)
def test_what_was_made_extreme_is_named_with_its_reason(reason, pairs, check_folder):
    alter(pairs, "04", CASES[reason])
    assert reason in reasons_of(check_folder(pairs), "04.png")


def test_faulty_pairs_and_ignored_ones_are_shown_nowhere(pairs, check_folder):
    (pairs / "masks" / "03.png").write_bytes(b"")
    Image.new("L", (48, 40), 255).save(pairs / "masks" / "04.png")
    report = check_folder(pairs)
    shown = {report.measurements[i].pair.image.stem for i, _ in unusual(report, 40)} | {
        report.measurements[i].pair.image.stem for i in sample_pairs(report, 40)
    }
    assert shown.isdisjoint({"03", "04"})
    assert len(sample_pairs(report, 40)) == 10


def test_the_sample_depends_on_its_seed_alone(tiny):
    report = check_dataset(tiny)
    assert sample_pairs(report, 8, seed=1) == sample_pairs(report, 8, seed=1)
    assert sample_pairs(report, 8, seed=1) != sample_pairs(report, 8, seed=2)
    assert len(set(sample_pairs(report, 8))) == 8


def test_the_unusual_photographs_of_people(human_report):
    found = {human_report.measurements[i].pair.image.name: reasons for i, reasons in unusual(human_report)}
    assert 10 <= len(found) <= 12
    assert "most person: 84.9% of the image (median 26.8%)" in found["67.jpg"]
    assert "most fragmented mask: 46 regions (median 1)" in found["110.jpg"]  # its mask has holes all over
    assert any(reason.startswith("darkest: mean grey 16") for reason in found["178.jpg"])

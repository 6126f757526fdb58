"""exercises/expect.py: what checks are written with."""

import numpy as np
import pytest
import torch

from exercises.expect import Wrong, difference, expect, format_value


@pytest.mark.parametrize(
    ("result", "wanted", "said"),
    [
        (torch.ones(2), torch.ones(2, dtype=torch.float64), ""),
        (torch.ones(2), torch.ones(3), "the result has shape (2,), not (3,)"),
        ([1.0, 1.0], torch.ones(2), "the result is a list, not a tensor"),
        (np.ones(2), torch.ones(2), "the result is a NumPy array of shape (2,), not a tensor"),
        (torch.tensor(float("nan")), float("nan"), ""),
        (np.float32(2), 2, ""),
        (torch.ones(2), 1.0, "the result is a tensor of shape (2,), not a single number"),
        ("2", 2, "the result is a str, not a single number"),
        (torch.ones(1), 1.0, "the result has shape (1,): a single number has no axis at all, its shape is ()"),
        (None, 2, "nothing is returned: is a `return` missing?"),
        ({"a": 1}, {"a": 1, "b": 2}, "the keys are ['a'], not ['a', 'b']"),
        ((1, 2), [1, 2], ""),
        ((1, 2), [1, 3], "values differ"),
        ((1, 2, 3), (1, 2), "the result has 3 parts, not 2"),
        ([1, 2, 3], [1, 2], "values differ"),
        (3, "three", "the result is an int, not a text"),
        (True, True, ""),
    ],
)
def test_difference_says_kind_shape_or_value(result, wanted, said):
    assert difference(result, wanted, 1e-4) == said


def test_expect_names_famous_mistakes_first():
    with pytest.raises(Wrong, match="it adds"):
        expect(lambda a, b: a + b, 2, 3, gives=6, says="differs", mistakes=[(5, "it adds")])
    with pytest.raises(Wrong, match="differs"):
        expect(lambda a, b: a - b, 2, 3, gives=6, says="differs", mistakes=[(5, "it adds")])
    with pytest.raises(Wrong, match="far too large"):
        expect(lambda a, b: 99, 2, 3, gives=6, mistakes=[(lambda r: r > 50, "far too large")])


def test_values_are_written_briefly():
    assert format_value(torch.tensor([[1, 255]])) == "[[1, 255]]"
    assert format_value(torch.tensor([1.0, 1 / 3])) == "[1.0, 0.3333]"
    assert format_value(np.zeros((64, 64, 3), np.uint8)) == "uint8 (64, 64, 3)"
    assert format_value({"a": (1,)}) == "{'a': (1,)}"
    assert len(format_value(list(range(1000)))) <= 160

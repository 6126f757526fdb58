"""utils/export.py: what is exported computes what the model computes, without the course."""

import sys

import numpy as np
import onnxruntime
import pytest
import torch
from helpers import assert_clear

from utils.config import Config
from utils.errors import CourseError
from utils.export import example, export_onnx, export_program
from utils.models import build_model

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable", "ignore:`isinstance.treespec")


def small(outputs=3):
    torch.manual_seed(0)
    model = build_model(Config(unet_width=4, unet_depth=2), outputs)
    for _ in range(3):
        model(example(32).repeat(2, 1, 1, 1) // 2)
    return model


@pytest.mark.parametrize("size", [32, 45])
def test_a_program_gives_the_same_logits(size, tmp_path):
    model, path = small(), tmp_path / "model.pt2"
    assert export_program(model, path, size) < 1e-3
    loaded = torch.export.load(path).module()
    images = torch.randint(256, (1, 3, size, size), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.allclose(loaded(images), model.eval()(images), atol=1e-3)


@pytest.mark.parametrize("outputs", [1, 3])
def test_onnx_gives_the_same_logits_from_the_same_bytes(outputs, tmp_path):
    model, path = small(outputs), tmp_path / "model.onnx"
    assert export_onnx(model, path, 45) < 1e-3
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = np.random.default_rng(1).integers(0, 256, (1, 3, 45, 45), dtype=np.uint8)
    found = session.run(["logits"], {"images": images})[0]
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(images)).numpy()
    assert found.shape == (1, outputs, 45, 45)
    assert np.abs(found - expected).max() < 1e-3
    assert np.abs(expected).max() > 0.05


@pytest.mark.parametrize("shift", [0.5, -0.5])
def test_the_difference_is_measured_and_not_assumed(shift, tmp_path, monkeypatch):
    load, session = torch.export.load, onnxruntime.InferenceSession

    class Program:
        def __init__(self, path):
            self.inner = load(path).module()

        def module(self):
            return lambda images: self.inner(images) + shift

    class Session:
        def __init__(self, path, **options):
            self.inner = session(path, **options)

        def run(self, *arguments):
            return [output + shift for output in self.inner.run(*arguments)]

    monkeypatch.setattr(torch.export, "load", Program)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    assert export_program(small(), tmp_path / "model.pt2", 32) == pytest.approx(0.5, abs=1e-3)
    assert export_onnx(small(), tmp_path / "model.onnx", 32) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_names_the_remedy(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CourseError) as error:
        export_onnx(small(), tmp_path / "model.onnx", 32)
    assert_clear(error, package, "pip install", "then this again")
    assert list(tmp_path.iterdir()) == []


def test_the_example_is_noise_that_repeats_itself():
    assert torch.equal(example(16), example(16))
    assert (example(16).dtype, example(16).shape) == (torch.uint8, (1, 3, 16, 16))
    assert example(16).float().std() > 50

"""segmenter/export: exports compute what the model does, without the course."""

import json
import subprocess
import sys
from functools import partial

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers import COURSE, assert_clear, draw_pair, full_disk, small_config
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from segmenter.evaluation import report_split
from segmenter.export import export_onnx, export_program
from segmenter.export.onnx_files import OnnxModel, describe, load_onnx, score_onnx
from segmenter.export.quantization import compare_onnx, model_inputs, quantize_onnx
from segmenter.export.tracing import sample_images
from segmenter.large.predict import predict_mask
from segmenter.outputs import MADE_BY
from utils.config import Config
from utils.errors import CheckpointError, CourseError
from utils.images import read_image
from utils.inference import SHIPPED, Predictor
from utils.models import SegmentationModel, build_model

pytestmark = pytest.mark.filterwarnings("ignore:The given buffer is not writable", "ignore:`isinstance.treespec")
EXAMPLE = COURSE / "examples" / "segment_with_onnx.py"
sizes = st.tuples(st.integers(1, 3), st.integers(1, 70), st.integers(1, 70))


def small(outputs=3):
    torch.manual_seed(0)
    model = build_model(Config(unet_width=4, unet_depth=2), outputs)
    for _ in range(3):
        model(sample_images(2, 32, 32))
    return model


@torch.no_grad()
def gap(run, model, images):
    found, expected = run(images), model.eval()(images)
    assert found.shape == expected.shape
    assert expected.abs().max() > 0.05
    return (found - expected).abs().max()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The checkpoint that ships, as files for any size: (predictor, folder)."""
    predictor, folder = Predictor.from_run(SHIPPED, device="cpu"), tmp_path_factory.mktemp("exported")
    assert export_onnx(predictor.model, folder / "tiny.onnx", about=describe(predictor)) < 1e-3
    assert export_program(predictor.model, folder / "tiny.pt2") < 1e-3
    return predictor, folder


# ------------------------------------------------------------ the same logits, at any size
def test_files_give_the_same_logits_at_any_size(exported):
    predictor, folder = exported
    program, session = torch.export.load(folder / "tiny.pt2").module(), OnnxModel(folder / "tiny.onnx", 1)

    @given(sizes)
    def holds(size):
        for run in (program, session):
            assert gap(run, predictor.model, sample_images(*size)) < 1e-3

    holds()


def test_files_give_the_same_logits_for_photographs(exported, shared_data):
    predictor, folder = exported
    session = OnnxModel(folder / "tiny.onnx", 1)
    photographs = sorted(shared_data("human").rglob("*.jpg"))[:40:10]
    for path in photographs:
        image = torch.from_numpy(read_image(path).transpose(2, 0, 1).copy())[None]
        assert gap(session, predictor.model, image) < 1e-3
    assert len(photographs) == 4


@pytest.mark.parametrize(("outputs", "size"), [(1, 45), (3, 32)])
def test_files_for_one_size_give_the_same_logits(outputs, size, tmp_path):
    model = small(outputs)
    assert export_onnx(model, tmp_path / "model.onnx", size, dynamic=False) < 1e-3
    assert export_program(model, tmp_path / "model.pt2", size, dynamic=False) < 1e-3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "model.pt2"]
    onnx_model = OnnxModel(tmp_path / "model.onnx", 1)
    assert gap(onnx_model, model, sample_images(2, size, size)) < 1e-3  # one by one
    assert gap(torch.export.load(tmp_path / "model.pt2").module(), model, sample_images(1, size, size)) < 1e-3
    with pytest.raises(CourseError) as error:
        onnx_model(sample_images(1, size, size + 1))
    assert_clear(error, "model.onnx", f"squares of {size} pixels only", f"{size + 1}x{size}", "any size")


@pytest.mark.parametrize("name", ["smp:unet/resnet18"])
def test_models_of_other_libraries_take_any_size(name, tmp_path):
    torch.manual_seed(0)
    model = build_model(Config(model=name), 2)
    model(sample_images(2, 64, 64))
    assert export_onnx(model, tmp_path / "model.onnx", 64) < 1e-3
    assert gap(OnnxModel(tmp_path / "model.onnx", 1), model, sample_images(2, 41, 99)) < 1e-3


def test_a_model_stays_as_it_was(tmp_path):
    model = small().train()
    export_onnx(model, tmp_path / "model.onnx", 32, dynamic=False)
    assert model.training
    assert all(part.training for part in model.modules())


# ------------------------------------------------------------ what is refused
class FixedNet(nn.Module):
    """Works for one size alone, as models with a learned position for each pixel do."""

    def __init__(self):
        super().__init__()
        self.place, self.layer = nn.Parameter(torch.randn(1, 2, 96, 128)), nn.Conv2d(3, 2, 1)

    def forward(self, x):
        return self.layer(x) + self.place[..., : x.shape[-2], :].view(1, 2, *self.place.shape[-2:])


@pytest.mark.parametrize(("export", "name"), [(export_onnx, "model.onnx"), (export_program, "model.pt2")])
def test_a_model_of_one_size_is_refused_in_a_sentence(export, name, tmp_path):
    model = SegmentationModel(FixedNet(), stride=1)
    with pytest.raises(CourseError) as error:
        export(model, tmp_path / name, 96)
    assert_clear(error, "FixedNet", "any size", "dynamic=False", "--size")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [lambda x: x * float("nan"), lambda x: x * 1.01])
def test_another_answer_is_refused_and_nothing_written(change, tmp_path, monkeypatch):
    load, session = torch.export.load, onnxruntime.InferenceSession

    class Program:
        def __init__(self, path):
            self.inner = load(path).module()

        def module(self):
            return lambda images: change(self.inner(images))

    class Session:
        def __init__(self, path, **options):
            self.inner = session(path, **options)

        def run(self, *arguments):
            return [change(output) for output in self.inner.run(*arguments)]

    monkeypatch.setattr(torch.export, "load", Program)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    (tmp_path / "model.onnx").write_bytes(MADE_BY.encode())
    for export, name in ((export_program, "model.pt2"), (export_onnx, "model.onnx")):
        with pytest.raises(CourseError) as error:
            export(small(), tmp_path / name, 32, dynamic=False)
        assert_clear(error, "differs from the original", "32x32", "nothing was written")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [MADE_BY.encode()]


def test_a_full_disk_leaves_nothing(tmp_path):
    for export, name in ((export_program, "model.pt2"), (export_onnx, "model.onnx")):
        with full_disk(), pytest.raises(CheckpointError) as error:
            export(small(), tmp_path / name, 32, dynamic=False)
        assert_clear(error, name, "space")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_package_names_the_remedy(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CourseError) as error:
        export_onnx(small(), tmp_path / "model.onnx", 32)
    assert_clear(error, package, "pip install", "then this again")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------ a file that says what it is
def test_the_file_says_what_it_is_and_nothing_of_this_machine(exported):
    predictor, folder = exported
    about = OnnxModel(folder / "tiny.onnx").about
    assert tuple(json.loads(about["classes"])) == predictor.classes
    assert json.loads(about["palette"]) == [list(colour) for colour in predictor.palette]
    assert (about["framing"], about["image_size"], about["threshold"]) == ("crop", "128", "0.5")
    for name in ("tiny.onnx", "tiny.pt2"):
        data = (folder / name).read_bytes()
        for trace in (b"site-packages", str(COURSE).encode(), str(folder).encode()):
            assert trace not in data, (name, trace)
    model = onnx.load(folder / "tiny.onnx")
    onnx.checker.check_model(model)
    assert all(not isinstance(side, int) for side in np.delete(onnxruntime_shape(folder / "tiny.onnx"), 1))


def onnxruntime_shape(path):
    shape = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()[0].shape
    return np.array(shape, dtype=object)


def test_a_file_is_used_and_scored_like_the_run_it_came_from(exported, tiny):
    predictor, folder = exported
    loaded = load_onnx(folder / "tiny.onnx", 1)
    assert (loaded.classes, loaded.palette) == (predictor.classes, predictor.palette)
    image = read_image(COURSE / "data" / "tiny" / "mosaic.jpg")[:200, :300]
    assert np.abs(loaded(image).probabilities - predictor(image).probabilities).max() < 1e-3
    expected, found = report_split(predictor, tiny, "test"), score_onnx(folder / "tiny.onnx", tiny, threads=1)
    assert found.score == pytest.approx(expected.score, abs=1e-4)
    assert len(found.pairs) == len(expected.pairs) == 12


def test_a_file_that_says_nothing_or_is_none_is_refused(tmp_path):
    export_onnx(small(), tmp_path / "bare.onnx", 32, dynamic=False)
    (tmp_path / "text.onnx").write_text("no model")
    for name, words in (("bare.onnx", ["classes", "export"]), ("text.onnx", ["no ONNX model", "again"])):
        with pytest.raises(CheckpointError) as error:
            load_onnx(tmp_path / name)
        assert_clear(error, name, *words)
    with pytest.raises(CheckpointError):
        load_onnx(tmp_path / "absent.onnx")


# ------------------------------------------------------------ int8
def test_int8_is_smaller_and_its_loss_is_stated(exported, tiny, tmp_path):
    _, folder = exported
    before, after = folder / "tiny.onnx", tmp_path / "int8.onnx"
    quantize_onnx(before, after, tiny, count=8)
    assert [p.name for p in tmp_path.iterdir()] == ["int8.onnx"]
    found = compare_onnx(before, after, tiny, threads=1)
    assert found.bytes == (before.stat().st_size, after.stat().st_size)
    assert found.bytes[1] < found.bytes[0] / 3
    assert found.score[0] == pytest.approx(0.854, abs=2e-3)  # as notebook 9 reports the checkpoint
    assert found.score[1] > found.score[0] - 0.02
    assert all(seconds > 0 for seconds in found.seconds)
    text = str(found)
    assert f"{found.score[1]:.3f} in place of {found.score[0]:.3f} on the test split" in text
    assert load_onnx(after).classes == load_onnx(before).classes
    images = sample_images(1, 61, 90)
    assert (OnnxModel(after)(images) - OnnxModel(before)(images)).abs().max() > 1e-3  # it is another file
    weights = onnx.load(after).graph.initializer
    assert sum(w.data_type == onnx.TensorProto.INT8 and len(w.dims) == 4 for w in weights) >= 15


def test_int8_is_measured_on_what_the_model_meets_of_training_pictures(exported, tiny):
    predictor = exported[0]
    seen = list(model_inputs(predictor, tiny, 5))
    assert {(image.dtype, image.shape) for image in seen} == {(np.dtype(np.uint8), (1, 3, 128, 128))}
    pictures_of = [read_image(pair.image).transpose(2, 0, 1) for pair in tiny.pairs("train")]
    corners = [
        i for i, image in enumerate(pictures_of) for tile in seen if np.array_equal(tile[0], image[:, :128, :128])
    ]
    assert len(corners) == 5
    assert max(np.diff(corners)) >= len(pictures_of) // 6  # spread over the split, not its first ones
    assert not predictor.model._forward_pre_hooks


def test_what_cannot_become_int8_is_refused_and_nothing_written(exported, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("onnxruntime.quantization.quantize_static", partial(_fail, "no such operator"))
    with pytest.raises(CourseError) as error:
        quantize_onnx(exported[1] / "tiny.onnx", tmp_path / "int8.onnx", tiny)
    assert_clear(error, "tiny.onnx", "int8", "keep the float32 file")
    assert list(tmp_path.iterdir()) == []


def _fail(message, *_, **__):
    raise NotImplementedError(message)


# ------------------------------------------------------------ the example that stands alone
def run_example(model, image, folder):
    Image.fromarray(image).save(folder / "photo.ppm")
    # -I: no PYTHONPATH, no folder of this course; a module of either kind would be named by -X importtime.
    command = [sys.executable, "-I", "-X", "importtime", EXAMPLE, model, folder / "photo.ppm", folder / "mask.pgm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert {"numpy", "onnxruntime"} <= imported
    assert not imported & {"torch", "utils", "cv2", "PIL", "torchvision", "onnx"}
    return np.array(Image.open(folder / "mask.pgm")), done.stdout


def test_the_example_needs_only_onnxruntime_and_numpy(exported, tmp_path):
    predictor, folder = exported
    image = read_image(COURSE / "data" / "tiny" / "mosaic.jpg")[:120, :128]
    found, printed = run_example(folder / "tiny.onnx", image, tmp_path)
    assert np.array_equal(found, predictor(image).mask)
    shares = [f"{name}: {(found == i).mean():.1%}" for i, name in enumerate(predictor.classes)]
    assert printed.splitlines() == shares


def test_the_example_squares_pictures_and_thresholds_as_the_course_does(tmp_path):
    config = small_config(tmp_path, tmp_path / "run").override(framing="resize", image_size=48)
    image = cv2.GaussianBlur(cv2.resize(draw_pair(3)[0], (130, 91)), (5, 5), 2)
    predictor = Predictor(small(1), config, ("rest", "thing"), ((0, 0, 0), (255, 0, 0)))
    predictor.threshold = float(np.median(predictor(image).probabilities))
    export_onnx(predictor.model, tmp_path / "model.onnx", about=describe(predictor))
    expected = predictor(image)
    found, _ = run_example(tmp_path / "model.onnx", image, tmp_path)
    assert (found == expected.mask).mean() > 0.98  # the two shrink to bytes that may differ by one
    assert 0.4 < found.mean() < 0.6


def test_the_example_refuses_other_files_in_a_sentence(exported, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    command = [sys.executable, "-I", EXAMPLE, exported[1] / "tiny.onnx", tmp_path / "photo.jpg", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "no binary PPM" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert not (tmp_path / "out").exists()


def test_an_exported_file_predicts_whatever_a_run_predicts(exported, tmp_path):
    """Also in blocks, in several sizes and mirrored: bytes go in, however they lie in memory."""
    original, folder = exported
    image = np.kron(draw_pair(5, (40, 48))[0], np.ones((6, 5, 1), np.uint8))
    for options in ({}, {"flips": True, "scales": (0.75, 1.0)}):
        loaded = load_onnx(folder / "tiny.onnx", **options)
        own = Predictor(original.model, original.config, original.classes, original.palette, **options)
        assert (predict_mask(loaded, image) == predict_mask(own, image)).mean() > 0.9999
        assert np.allclose(loaded(image).probabilities, own(image).probabilities, atol=1e-3)


@pytest.mark.parametrize("write", [export_onnx, export_program])
def test_a_padding_of_a_learners_own_does_not_stop_an_export(write, tmp_path, monkeypatch):
    """Zeros in place of repeated edges are right, too, in exercise 6.6: the file pads as the course does."""
    from utils import models

    model, images = small(), sample_images(1, 31, 45)
    with torch.no_grad():
        expected = model.eval()(images)
    zeros = lambda x, stride: nn.functional.pad(x, (0, -x.shape[-1] % stride, 0, -x.shape[-2] % stride))  # noqa: E731
    monkeypatch.setattr(models, "pad_to_stride", zeros)
    with torch.no_grad():
        assert (model(images) - expected).abs().max() > 1e-2
    path = tmp_path / "model.file"
    assert write(model, path, 32) < 1e-3
    if write is export_onnx:
        found = onnxruntime.InferenceSession(path).run(["logits"], {"images": images.numpy()})[0]
    else:
        found = torch.export.load(path).module()(images).detach().numpy()
    assert np.abs(found - expected.numpy()).max() < 1e-3

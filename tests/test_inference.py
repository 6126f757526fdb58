"""utils/inference.py: pictures of any size in, masks of that size out, and one bad picture spoils no other."""

import errno

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, assert_sentence, draw_pair, full_disk, snapshot
from PIL import Image

from utils import checkpoint, inference
from utils.checkpoint import load_weights
from utils.config import Config
from utils.errors import CheckpointError, DataError
from utils.inference import Predictor, average_flips, best_run, list_pictures, predict_files
from utils.models import build_model, probabilities
from utils.tiling import predict_tiled


@pytest.fixture
def predictor(trained):
    return Predictor.from_run(trained, device="cpu")


def make(framing="crop", classes=CLASSES, **options):
    torch.manual_seed(0)
    config = Config(framing=framing, image_size=32, unet_width=4, unet_depth=2, device="cpu")
    model = build_model(config, 1 if len(classes) == 2 else len(classes))
    return Predictor(model, config, classes, ((1, 2, 3),) * len(classes), **options)


# ---------------------------------------------------------------- any picture
@pytest.mark.parametrize("framing", ["crop", "resize"])
@pytest.mark.parametrize("classes", [CLASSES, ("rest", "thing")])
@pytest.mark.parametrize("size", [(1, 1), (3, 50), (32, 32), (33, 31), (70, 100)])
def test_any_size_comes_back_at_its_size(framing, classes, size):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    found = make(framing, classes)(image)
    channels = 1 if len(classes) == 2 else 3
    assert found.mask.shape == size
    assert found.mask.dtype == np.uint8
    assert found.mask.max() < len(classes)
    assert found.probabilities.shape == (channels, *size)
    assert found.probabilities.dtype == np.float32
    if channels > 1:
        assert np.allclose(found.probabilities.sum(axis=0), 1, atol=1e-5)
        assert (found.probabilities.argmax(axis=0) == found.mask).all()
    else:
        assert ((found.probabilities[0] >= 0.5) == (found.mask == 1)).all()


def test_a_path_and_its_array_give_the_same(predictor, pairs):
    path = pairs / "images" / "00.png"
    assert (predictor(path).mask == predictor(str(path)).mask).all()
    assert (predictor(path).probabilities == predictor(draw_pair(0)[0]).probabilities).all()


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_an_array_that_is_no_picture(picture):
    with pytest.raises(DataError) as error:
        make()(picture)
    assert_clear(error, "uint8 (H, W, 3)", picture.dtype, picture.shape, "read_image")


def test_large_pictures_are_tiled_at_their_own_scale(predictor):
    image = draw_pair(3, (90, 110))[0]
    expected = predict_tiled(predictor.logits, image, 32, 8)
    found = predictor(image).probabilities
    assert np.allclose(found, probabilities(torch.from_numpy(expected)[None])[0].numpy(), atol=1e-6)


def test_framing_by_resizing_looks_at_the_whole_picture_at_once(monkeypatch):
    predictor = make("resize")
    seen = []
    monkeypatch.setattr(predictor, "model", lambda x: seen.append(x.shape) or torch.zeros(1, 3, *x.shape[2:]))
    predictor(draw_pair(0, (90, 110))[0])
    assert seen == [(1, 3, 32, 32)]


def test_flips_average_the_picture_and_its_mirror_image():
    image = draw_pair(1, (30, 32))[0]
    plain, mirrored = make()(image).probabilities, make()(image[:, ::-1]).probabilities
    tensor = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    predictor = make(flips=True)
    with torch.no_grad():
        expected = (predictor.model(tensor) + predictor.model(tensor.flip(-1)).flip(-1)) / 2
    assert torch.equal(predictor.logits(tensor), expected)
    assert not np.allclose(plain, mirrored[..., ::-1], atol=1e-3)
    flipped = make(flips=True)(image[:, ::-1]).probabilities[..., ::-1]
    assert np.allclose(predictor(image).probabilities, flipped, atol=1e-5)


def test_a_higher_threshold_leaves_less_foreground():
    image = draw_pair(1, (30, 32))[0]
    p = make(classes=("rest", "thing"))(image).probabilities[0]
    for threshold in (0.0, float(np.median(p)), 1.0):
        found = make(classes=("rest", "thing"), threshold=threshold)(image).mask
        assert ((p >= threshold) == (found == 1)).all()


def test_predicting_learns_nothing(predictor):
    before = {k: v.clone() for k, v in predictor.model.state_dict().items()}
    predictor(draw_pair(0)[0])
    assert all(torch.equal(before[k], v) for k, v in predictor.model.state_dict().items())
    assert not predictor.model.training


# ---------------------------------------------------------------- from a run
def test_a_run_and_its_file_give_the_same_predictor(trained):
    from_folder = Predictor.from_run(trained, device="cpu")
    from_file = Predictor.from_run(trained / "best.safetensors", device="cpu")
    image = draw_pair(2)[0]
    assert (from_folder(image).probabilities == from_file(image).probabilities).all()
    assert from_folder.classes == CLASSES
    state = load_weights(trained / "best.safetensors")[0]
    assert all(torch.equal(state[k], v) for k, v in from_folder.model.state_dict().items())


def test_options_are_passed_on(trained):
    predictor = Predictor.from_run(trained, device="cpu", threshold=0.3, flips=True)
    assert (predictor.threshold, predictor.flips) == (0.3, True)


@pytest.mark.parametrize("name", ["nowhere", "empty", "weights.safetensors", "model.pt"])
def test_a_run_that_is_not_there(name, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError) as error:
        Predictor.from_run(tmp_path / name)
    assert_clear(error, tmp_path / name, "train first")


def test_weights_that_do_not_fit_their_own_header(trained, tmp_path):
    from safetensors.torch import save_file

    state, _ = load_weights(trained / "best.safetensors")
    header = {"config": Config(unet_width=5).model_dump_json(), "classes": '["a", "b"]', "palette": "[]"}
    save_file(state, tmp_path / "a.safetensors", header)
    with pytest.raises(CheckpointError) as error:
        Predictor.from_run(tmp_path / "a.safetensors", device="cpu")
    assert_clear(error, tmp_path / "a.safetensors", "does not fit")


def test_the_best_run_is_notebook_8s_or_else_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "COURSE", tmp_path)
    assert best_run() == inference.SHIPPED
    (tmp_path / "runs" / "notebook-8").mkdir(parents=True)
    assert best_run() == inference.SHIPPED
    (tmp_path / "runs" / "notebook-8" / "best.safetensors").write_bytes(b"")
    assert best_run() == tmp_path / "runs" / "notebook-8"


# ---------------------------------------------------------------- files
def test_pictures_of_a_folder_in_order_without_junk(tmp_path):
    for name in ("b.JPG", "a.png", "._a.png", ".DS_Store", "notes.txt", "c.webp"):
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in list_pictures(tmp_path)] == ["a.png", "b.JPG", "c.webp"]
    assert list_pictures(tmp_path / "a.png") == [tmp_path / "a.png"]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_pictures(name, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError) as error:
        list_pictures(tmp_path / name)
    assert_clear(error, tmp_path / name, "no pictures", "folder")


def test_a_mask_and_an_overlay_for_each_picture(predictor, pairs, tmp_path):
    paths = list_pictures(pairs / "images")[:2]
    done, failed = predict_files(predictor, paths, tmp_path / "out" / "deep")
    assert failed == []
    assert done == [tmp_path / "out" / "deep" / f"{p.stem}_mask.png" for p in paths]
    assert {p.name for p in done[0].parent.iterdir()} == {
        "00_mask.png", "00_overlay.jpg", "01_mask.png", "01_overlay.jpg",
    }  # fmt: skip
    with Image.open(done[1]) as mask:
        assert mask.mode == "P"
        assert tuple(mask.getpalette()[:9]) == tuple(v for colour in predictor.palette for v in colour)
        assert (np.array(mask) == predictor(paths[1]).mask).all()
    with Image.open(tmp_path / "out" / "deep" / "01_overlay.jpg") as overlay:
        assert overlay.size == (48, 40)


def test_one_bad_picture_spoils_no_other(predictor, pairs, tmp_path):
    (pairs / "images" / "00.png").write_bytes(b"")
    (pairs / "images" / "02.png").write_text("<html>")
    done, failed = predict_files(predictor, list_pictures(pairs / "images")[:4], tmp_path / "out")
    assert [p.name for p in done] == ["01_mask.png", "03_mask.png"]
    assert len(failed) == 2
    assert_sentence(failed[0], "images/00.png", "0 bytes")
    assert_sentence(failed[1], "images/02.png", "web page")


def test_pictures_of_one_name_and_two_endings_both_get_a_mask(predictor, pairs, tmp_path):
    with Image.open(pairs / "images" / "01.png") as picture:
        picture.save(pairs / "images" / "00.jpg")
    done, _ = predict_files(predictor, list_pictures(pairs / "images")[:3], tmp_path / "out")
    assert len({p.name for p in done}) == len(list((tmp_path / "out").glob("*_mask.png"))) == 3


def test_a_place_that_cannot_be_written_to(predictor, pairs, tmp_path):
    (tmp_path / "file").write_text("mine")
    for output in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(DataError) as error:
            predict_files(predictor, list_pictures(pairs / "images")[:1], output)
        assert_clear(error, output, "another output")
    assert (tmp_path / "file").read_text() == "mine"


def test_no_disk_space_leaves_no_half_of_a_mask(predictor, pairs, tmp_path, monkeypatch):
    def full(path, write):
        def half(temporary):
            temporary.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        checkpoint.write_atomically(path, half)

    paths = list_pictures(pairs / "images")[:1]
    predict_files(predictor, paths, tmp_path / "out")
    before = snapshot(tmp_path / "out")
    monkeypatch.setattr(inference, "write_atomically", full)
    done, failed = predict_files(predictor, paths, tmp_path / "out")
    assert done == []
    assert_sentence(failed[0], tmp_path / "out" / "00_mask.png", "no space left", "free some space")
    assert snapshot(tmp_path / "out") == before


def test_a_disk_that_is_really_full(predictor, pairs, tmp_path):
    with full_disk(50):
        done, failed = predict_files(predictor, list_pictures(pairs / "images")[:1], tmp_path / "out")
    assert done == []
    assert_sentence(failed[0], "00_mask.png", "cannot write")
    assert snapshot(tmp_path / "out") == {}


def test_flips_are_averaged_as_numpy_does():
    images = torch.randint(0, 255, (2, 3, 4, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    weights = np.arange(6)

    def predict(pictures):
        return pictures[:, :1].float() * torch.from_numpy(weights).float()

    plain = images.numpy()[:, :1].astype(float)
    wanted = (plain * weights + np.fliplr(np.eye(6)) @ weights * plain) / 2
    assert np.allclose(average_flips(predict, images).numpy(), wanted)

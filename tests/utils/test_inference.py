"""utils/inference.py: pictures of any size in, masks of that size out, and one bad picture spoils no other."""

import numpy as np
import pytest
import torch
from helpers import CLASSES, assert_clear, draw_pair
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from segmenter.large.predict import fingerprint, predict_mask
from utils import inference
from utils.checkpoint import load_weights
from utils.config import Config
from utils.errors import CheckpointError, ConfigError, DataError
from utils.inference import Predictor, average_flips, average_scales, best_run, load_picture
from utils.models import build_model, probabilities
from utils.plots import overlay
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
    "picture",
    [
        np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), bool), np.zeros(4, np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8), np.zeros((4, 4), np.int64),
    ],
)  # fmt: skip
def test_an_array_that_is_no_picture(picture):
    with pytest.raises(DataError) as error:
        make()(picture)
    assert_clear(error, "uint8 or uint16", picture.dtype, picture.shape, "convert it")


@pytest.mark.parametrize("shape", [(0, 4), (4, 0, 3), (0, 0)])
def test_an_array_without_pixels(shape):
    with pytest.raises(DataError) as error:
        make()(np.zeros(shape, np.uint8))
    assert_clear(error, "needs pixels", shape)


def test_every_form_of_a_picture_is_the_same_picture(tmp_path):
    """Grey, with alpha, of 16 bits, as Pillow picture of many modes, turned by EXIF: what is seen is what counts."""
    image = draw_pair(1)[0]
    image[0, 0] = 255
    alpha = np.full((*image.shape[:2], 1), 7, np.uint8)
    same = [image, np.dstack([image, alpha]), image.astype(np.uint16) * 257, Image.fromarray(image)]
    same += [Image.fromarray(np.dstack([image, alpha])), np.asfortranarray(image), image[:, ::-1].copy()[:, ::-1]]
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.fromarray(np.rot90(image).copy()).save(tmp_path / "turned.png", exif=exif)
    same.append(tmp_path / "turned.png")
    for picture in same:
        assert (load_picture(picture) == image).all()
    grey = image[..., 0]
    for picture in (
        grey,
        grey[..., None],
        np.dstack([grey, alpha]),
        Image.fromarray(grey),
        grey.astype(np.uint16) * 257,
    ):
        assert (load_picture(picture) == grey[..., None]).all()
    for mode in ("CMYK", "1", "LA", "P", "I;16", "F", "YCbCr", "HSV", "LAB"):
        picture = Image.fromarray(image)
        picture = picture.convert("L").convert(mode) if mode in ("1", "I;16", "F", "LA") else picture.convert(mode)
        found = load_picture(picture)
        assert (found.dtype, found.shape) == (np.uint8, image.shape), mode
        assert make()(picture).mask.shape == image.shape[:2]


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=7), st.booleans())
def test_many_pictures_give_what_each_gives_alone(sizes, resize):
    """In batches of four, of any sizes, in order."""
    predictor = make("resize" if resize else "crop")
    predictor.config = predictor.config.override(batch_size=4)
    images = [np.random.default_rng(i).integers(0, 256, (*size, 3), dtype=np.uint8) for i, size in enumerate(sizes)]
    found = list(predictor.predict(iter(images)))
    assert len(found) == len(images)
    for image, prediction in zip(images, found, strict=True):
        alone = predictor(image)
        assert np.allclose(prediction.probabilities, alone.probabilities, atol=1e-5)
        assert (predict_mask(predictor, image) == alone.mask).mean() > 0.99  # but for equal probabilities


def test_a_batch_goes_through_the_model_at_once(monkeypatch):
    predictor, seen = make("resize"), []
    monkeypatch.setattr(predictor, "model", lambda x: seen.append(len(x)) or torch.zeros(len(x), 3, *x.shape[2:]))
    predictor.config = predictor.config.override(batch_size=4)
    list(predictor.predict([draw_pair(n)[0] for n in range(6)]))
    assert seen == [4, 2]


def test_a_picture_is_drawn_with_its_mask_and_a_legend(predictor):
    image = draw_pair(0, (120, 160))[0]
    shown = predictor.draw(image, opacity=1.0)
    assert shown.shape[0] > 120
    assert shown.shape[1] >= 160
    assert (shown[:120, :160] == overlay(image, predictor(image).mask, predictor.palette, 1.0)).all()
    below = shown[120:].reshape(-1, 3)
    for colour in predictor.palette:
        assert (below == colour).all(axis=1).sum() >= 80  # a field of its colour


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"threshold": 1.5}, ["threshold=1.5", "from 0 to 1"]),
        ({"threshold": -0.1}, ["threshold", "from 0 to 1"]),
        ({"threshold": float("nan")}, ["threshold", "from 0 to 1"]),
        ({"scales": ()}, ["scales", "one or more"]),
        ({"scales": (0.0, 1)}, ["scales", "0.1 to 10"]),
        ({"tile": 4}, ["tile=4", "at least 8 pixels"]),
        ({"tile": 0}, ["tile=0", "at least 8 pixels"]),
    ],
)
def test_an_option_that_cannot_be(options, words):
    with pytest.raises(ConfigError) as error:
        make(**options)
    assert_clear(error, *words)


def test_large_pictures_are_tiled_at_their_own_scale(predictor):
    image = draw_pair(3, (90, 110))[0]
    expected = predict_tiled(predictor.logits, image, 32, 8, predictor.model.stride)
    found = predictor(image).probabilities
    assert np.allclose(found, probabilities(torch.from_numpy(expected)[None])[0].numpy(), atol=1e-6)


def test_a_model_trained_on_crops_smaller_than_its_least_tile_predicts():
    config = Config(model="smp:fpn/resnet18", weights=None, image_size=48, device="cpu")
    predictor = Predictor(build_model(config, 3), config, CLASSES, ((1, 2, 3),) * 3)
    assert predictor.tile == 64
    assert predictor(draw_pair(3, (90, 110))[0]).mask.shape == (90, 110)


def test_where_the_model_looks_no_further_than_a_quarter_of_the_overlap_there_are_no_seams():
    """A whole U-Net, normalisation, pooling and padding included, on a picture of an odd size."""
    torch.manual_seed(0)
    config = Config(image_size=192, unet_width=4, unet_depth=1, device="cpu")
    predictor = Predictor(build_model(config, 3), config, CLASSES, ((1, 2, 3),) * 3)
    image = np.random.default_rng(0).integers(0, 256, (371, 503, 3), dtype=np.uint8)
    with torch.no_grad():
        whole = predictor.model(torch.from_numpy(image.transpose(2, 0, 1).copy())[None])
    assert np.allclose(predictor(image).probabilities, probabilities(whole)[0].numpy(), atol=1e-5)
    assert (predict_mask(predictor, image) == whole.argmax(1)[0].numpy()).mean() > 0.9999


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
    header = {
        "config": Config(unet_width=5).model_dump_json(),
        "classes": '["a", "b"]',
        "palette": "[[0, 0, 0], [1, 1, 1]]",
    }
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


def test_flips_are_averaged_as_numpy_does():
    images = torch.randint(0, 255, (2, 3, 4, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    weights = np.arange(6)

    def predict(pictures):
        return pictures[:, :1].float() * torch.from_numpy(weights).float()

    plain = images.numpy()[:, :1].astype(float)
    wanted = (plain * weights + np.fliplr(np.eye(6)) @ weights * plain) / 2
    assert np.allclose(average_flips(predict, images).numpy(), wanted)


def test_scales_are_averaged_at_the_pictures_own_size():
    """What is constant stays; a model that answers with the size it sees shows which sizes those are."""
    images = torch.full((2, 3, 20, 30), 100, dtype=torch.uint8)
    assert torch.allclose(
        average_scales(lambda x: x[:, :1].float(), images, (0.5, 1, 2)), torch.full((2, 1, 20, 30), 100.0)
    )
    seen = []
    found = average_scales(
        lambda x: seen.append(tuple(x.shape[2:])) or torch.full((2, 1, *x.shape[2:]), float(x.shape[-1])),
        images,
        (0.5, 2),
    )
    assert seen == [(10, 15), (40, 60)]
    assert torch.allclose(found, torch.full((2, 1, 20, 30), (15 + 60) / 2))
    assert torch.equal(average_scales(lambda x: x.float(), images, (1.0,)), images.float())


def test_scales_and_flips_go_together():
    image = draw_pair(1, (30, 32))[0]
    plain = make(scales=(0.5, 1.0), flips=True)
    mirrored = plain(image[:, ::-1]).probabilities[..., ::-1]
    assert np.allclose(plain(image).probabilities, mirrored, atol=1e-4)
    assert not np.allclose(plain(image).probabilities, make(flips=True)(image).probabilities, atol=1e-3)


def test_a_fingerprint_is_of_weights_and_options_only(trained):
    first = Predictor.from_run(trained, device="cpu")
    assert fingerprint(first) == fingerprint(Predictor.from_run(trained / "best.safetensors", device="cpu"))
    others = [
        Predictor.from_run(trained, device="cpu", **o) for o in ({"flips": True}, {"threshold": 0.4}, {"tile": 64})
    ]
    others.append(Predictor.from_run(trained, device="cpu"))
    with torch.no_grad():
        next(others[-1].model.parameters()).view(-1)[0] += 1e-4
    assert len({fingerprint(p) for p in [first, *others]}) == 5

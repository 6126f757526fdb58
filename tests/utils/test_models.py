"""utils/models.py: one call for every model, new heads, frozen encoders, and no silent random weights."""

import os
import urllib.error
from pathlib import Path

import huggingface_hub.errors
import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
import torchvision
from helpers import assert_clear, small_config, write_pairs
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from utils import models
from utils.checkpoint import load_weights, save_weights
from utils.config import Config
from utils.errors import CheckpointError, ConfigError
from utils.models import (
    SMP_ARCHITECTURES,
    SegmentationModel,
    build_model,
    count_parameters,
    freeze,
    pad_to_stride,
    probabilities,
    replace_head,
    replace_lraspp_heads,
    to_mask,
)
from utils.training import fit

# The resnet101 twins differ in depth only.
TORCHVISION = torchvision.models.list_models(module=torchvision.models.segmentation, exclude="*101")


def small(**fields):
    return Config(**{"unet_width": 2, "unet_depth": 2} | fields)


def noise(*shape, seed=0):
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


# ---------------------------------------------------------------- bytes in, logits out
@given(size=st.tuples(st.integers(1, 40), st.integers(1, 40)), outputs=st.integers(1, 8), depth=st.integers(1, 4))
def test_any_size_and_class_count(size, outputs, depth):
    model = build_model(small(unet_depth=depth), outputs).eval()
    with torch.no_grad():
        logits = model(noise(2, 3, *size))
    assert logits.shape == (2, outputs, *size)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


def test_the_model_normalises_as_imagenet_does():
    model = SegmentationModel(nn.Identity(), stride=1)
    images = noise(2, 3, 5, 7)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (images / 255 - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    assert torch.allclose(model(images), expected, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 8), (33, 64)])
def test_padding_repeats_the_border_on_the_far_sides_and_is_cut_off(size):
    seen = []

    class Spy(nn.Module):
        def forward(self, x):
            seen.append(x)
            return x

    images = noise(1, 3, *size)
    logits = SegmentationModel(Spy(), stride=8)(images)
    plain = SegmentationModel(nn.Identity(), stride=1)(images)
    height, width = (-(-n // 8) * 8 for n in size)
    assert seen[0].shape[2:] == (height, width)
    assert torch.equal(logits, plain)
    rows, columns = torch.arange(height).clamp(max=size[0] - 1), torch.arange(width).clamp(max=size[1] - 1)
    assert torch.equal(seen[0], plain[:, :, rows][..., columns])


@given(shape=st.tuples(*[st.integers(1, 20)] * 2), stride=st.integers(1, 9), batch=st.integers(1, 3))
def test_padding_is_that_of_numpy(shape, stride, batch):
    images = torch.rand(batch, 2, *shape, generator=torch.Generator().manual_seed(0))
    missing = [next(k for k in range(stride) if (side + k) % stride == 0) for side in shape]
    wanted = np.pad(images.numpy(), [(0, 0), (0, 0), (0, missing[0]), (0, missing[1])], mode="edge")
    assert np.array_equal(pad_to_stride(images, stride).numpy(), wanted)


def test_normalisation_travels_with_the_weights():
    assert {"mean", "std"} <= set(build_model(small(), 2).state_dict())


# ---------------------------------------------------------------- two places that know about one class
@pytest.mark.parametrize("channels", [1, 4])
def test_probabilities(channels):
    logits = torch.randn(2, channels, 3, 3)
    p = probabilities(logits)
    assert ((p >= 0) & (p <= 1)).all()
    if channels > 1:
        assert torch.allclose(p.sum(dim=1), torch.ones(2, 3, 3))
    else:
        assert torch.allclose(p, 1 / (1 + torch.exp(-logits)))


def test_one_class_is_foreground_from_the_threshold_on():
    logits = torch.tensor([-2.0, -0.1, 0.0, 0.1, 2.0]).view(1, 1, 1, 5)
    assert to_mask(logits).tolist() == [[[0, 0, 1, 1, 1]]]
    assert to_mask(logits, 0.9).tolist() == [[[0, 0, 0, 0, 0]]]
    assert to_mask(logits, 0.1).tolist() == [[[1, 1, 1, 1, 1]]]
    assert to_mask(logits).dtype == torch.int64


def test_several_classes_take_the_largest():
    logits = torch.tensor([[1.0, 3.0], [2.0, 2.0], [0.0, 5.0]]).view(1, 3, 1, 2)
    assert to_mask(logits).tolist() == [[[1, 2]]]


# ---------------------------------------------------------------- libraries
def build_and_run(name, size=(50, 70), outputs=5):
    model = build_model(small(model=name), outputs).eval()
    with torch.no_grad():
        assert model(noise(1, 3, *size)).shape == (1, outputs, *size)
    return model


@pytest.mark.parametrize("architecture", [m.__name__.lower() for m in SMP_ARCHITECTURES if m is not smp.DPT])
def test_smp_architectures(architecture):
    build_and_run(f"smp:{architecture}/resnet18", (130, 150) if architecture == "pan" else (50, 70))


@pytest.mark.parametrize("encoder", ["efficientnet-b0", "mobilenet_v2", "tu-mobilenetv3_small_050", "mit_b0"])
def test_smp_encoders(encoder):
    build_and_run(f"smp:unet/{encoder}")


def test_smp_has_no_architecture_that_the_course_leaves_out():
    assert {m.__name__.lower() for m in SMP_ARCHITECTURES} == set(smp.MODEL_ARCHITECTURES_MAPPING)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_models_get_a_new_last_layer(name):
    model = build_and_run(f"torchvision:{name}")
    assert model.net.aux_classifier is None
    head = model.net.classifier
    lasts = [head.low_classifier, head.high_classifier] if name.startswith("lraspp") else [head[-1]]
    assert all(isinstance(m, nn.Conv2d) and m.out_channels == 5 for m in lasts)


@given(channels=st.integers(1, 6), before=st.integers(1, 6), after=st.integers(1, 6), layers=st.integers(0, 3))
def test_the_new_head_is_what_torch_makes_with_that_many_channels(channels, before, after, layers):
    head = [nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers)]
    model = nn.Module()
    model.classifier = nn.Sequential(*head, nn.Conv2d(channels, before, 1))
    replace_head(model, after)
    assert list(model.classifier)[:-1] == head
    assert repr(model.classifier[-1]) == repr(nn.Conv2d(channels, after, (1, 1)))
    assert model.classifier(torch.rand(2, channels, 3, 4)).shape == (2, after, 3, 4)


@pytest.mark.parametrize(
    ("name", "replace_head"),
    [("fcn_resnet50", replace_head), ("lraspp_mobilenet_v3_large", replace_lraspp_heads)],
    ids=["fcn", "lraspp"],
)
def test_a_new_head_leaves_every_other_weight(name, replace_head):
    model = torchvision.models.get_model(name, weights=None, weights_backbone=None, num_classes=21)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    replace_head(model, 21)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    replace_head(model, 3)
    changed = {k for k, v in model.state_dict().items() if v.shape != before[k].shape}
    assert changed
    assert all("classifier" in k for k in changed)
    same = model.state_dict().keys() - changed
    assert all(torch.equal(before[k], model.state_dict()[k]) for k in same)


# ---------------------------------------------------------------- frozen encoders
@pytest.mark.parametrize("name", ["unet", "smp:unet/resnet18", "torchvision:lraspp_mobilenet_v3_large"])
@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_encoder_keeps_weights_and_batchnorm_statistics(name, frozen):
    torch.manual_seed(0)
    model = build_model(small(model=name, freeze_encoder=frozen), 2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    inside = {f"{part}.{k}" for part in ("net.encoder", "net.backbone")
              for k in (model.encoder.state_dict() if hasattr(model.net, part[4:]) else ())}  # fmt: skip
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    model.eval()
    model.train()
    model(noise(2, 3, 64, 64)).square().mean().backward()
    optimizer.step()
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed - inside
    assert bool(changed & inside) is not frozen
    statistics = {k for k in inside if "running_mean" in k}
    assert statistics
    assert bool(changed & statistics) is not frozen
    assert (count_parameters(model, trainable=True) < count_parameters(model)) is frozen


def test_a_frozen_module_is_the_same_after_training_steps_and_its_neighbour_is_not():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(4, 4, 1))
    model = nn.Sequential(body, nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1, momentum=0.9)
    before, images = {k: v.clone() for k, v in model.state_dict().items()}, torch.rand(4, 3, 8, 9)
    assert freeze(body) is None
    answer = body(images)
    for _ in range(3):
        model.train()
        freeze(body)
        model(images).square().mean().backward()
        optimizer.step()
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {k for k in before if not k.startswith("0.")} - {"1.bias"} | ({"1.bias"} & changed)
    assert torch.equal(body(images), answer)
    assert model.training
    assert not any(m.training for m in body.modules())


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unett", ["no model 'unett'", "did you mean 'unet'?"]),
        ("smp/unet", ["no model 'smp/unet'", "smp:<architecture>/<encoder>"]),
        ("unet:big", ["no model 'unet:big'"]),
        ("smp:unett/resnet34", ["smp architecture 'unett'", "did you mean 'unet'?"]),
        ("smp:unet/resnet43", ["smp encoder 'resnet43'", "did you mean 'resnet34'?"]),
        ("smp:unet", ["smp encoder '(none)'"]),
        ("smp:unet/tu-nonsense", ["tu-nonsense", "no smp encoder"]),
        ("smp:unet/tu-hf-hub:timm/resnet18", ["tu-hf-hub:timm/resnet18", "no smp encoder"]),
        ("smp:unet/tu-local-dir:/tmp", ["tu-local-dir:/tmp", "no smp encoder"]),
        ("smp:dpt/resnet18", ["dpt/resnet18", "cannot be built", "choose another"]),
        ("torchvision:fcn_resnet5", ["torchvision model 'fcn_resnet5'", "did you mean 'fcn_resnet50'?"]),
    ],
)
def test_an_unknown_model_suggests_the_nearest(name, words):
    with pytest.raises(ConfigError) as error:
        build_model(small(model=name), 2)
    assert_clear(error, *words)


# ---------------------------------------------------------------- pretrained weights
@pytest.mark.parametrize(
    ("name", "weights", "words"),
    [("unet", "imagenet", ["'unet'", "weights=None"]), ("smp:unet/resnet18", "coco", ["'coco'", "weights='imagenet'"])],
)
def test_weights_that_do_not_exist(name, weights, words):
    with pytest.raises(ConfigError) as error:
        build_model(small(model=name, weights=weights), 2)
    assert_clear(error, *words)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("smp:unet/resnet18", "imagenet"),
        ("torchvision:lraspp_mobilenet_v3_large", "imagenet"),
        ("torchvision:lraspp_mobilenet_v3_large", "coco"),
    ],
)
def test_pretrained_weights_without_a_network_are_an_error_and_never_random_ones(name, weights, monkeypatch, tmp_path):
    def offline(*_, **__):
        raise urllib.error.URLError("Name or service not known")

    def not_cached(*_, **__):
        raise huggingface_hub.errors.LocalEntryNotFoundError("offline\nand not in the cache")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr(smp.encoders, "hf_hub_download", not_cached)
    with pytest.raises(ConfigError) as error:
        build_model(small(model=name, weights=weights), 2)
    assert_clear(error, weights, name.partition(":")[2], "could not be fetched", "network", "weights=None")


def test_the_hub_itself_answers_at_once_when_it_is_told_to_be_offline(monkeypatch, tmp_path):
    """The real client, in the offline mode that conftest switches on, with an empty cache."""
    original = smp.encoders.hf_hub_download
    monkeypatch.setattr(
        smp.encoders, "hf_hub_download", lambda *args, **kwargs: original(*args, **kwargs, cache_dir=tmp_path)
    )
    with pytest.raises(ConfigError) as error:
        build_model(small(model="smp:unet/resnet18", weights="imagenet"), 2)
    assert_clear(error, "imagenet", "weights=None")


def test_pretrained_weights_arrive_in_the_model(monkeypatch):
    """Stand-in weights take the way of the real ones: the encoder must hold them, and the head must be new."""
    given = torchvision.models.mobilenet_v3_large(weights=None).state_dict()
    monkeypatch.setattr(
        torchvision.models.mobilenetv3.MobileNet_V3_Large_Weights, "get_state_dict", lambda *_, **__: given
    )
    model = build_model(small(model="torchvision:lraspp_mobilenet_v3_large", weights="imagenet"), 3)
    assert torch.equal(model.encoder.state_dict()["0.0.weight"], given["features.0.0.weight"])


# The real files cannot be fetched here: these have their layout, names and place.
COCO = {
    "fcn_resnet50": torchvision.models.segmentation.FCN_ResNet50_Weights.DEFAULT,
    "deeplabv3_resnet50": torchvision.models.segmentation.DeepLabV3_ResNet50_Weights.DEFAULT,
}


def publish(name, home):
    """Put a file where torch.hub keeps the COCO weights of a model, 21 classes and an auxiliary head; return them."""
    given = torchvision.models.get_model(
        name, weights=None, weights_backbone=None, num_classes=21, aux_loss=True
    ).state_dict()
    path = home / "hub" / "checkpoints" / Path(COCO[name].url).name
    path.parent.mkdir(parents=True)
    torch.save(given, path)
    return given


@pytest.mark.parametrize("name", COCO)
def test_coco_weights_are_fine_tuned_and_their_head_is_kept_for_the_21_classes_of_voc(name, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    given = publish(name, tmp_path)
    same = build_model(small(model=f"torchvision:{name}", weights="coco"), 21).net.state_dict()
    assert all(torch.equal(tensor, given[key]) for key, tensor in same.items())
    assert {key for key in given if key not in same} == {key for key in given if key.startswith("aux_classifier")}
    other = build_model(small(model=f"torchvision:{name}", weights="coco"), 3).net.state_dict()
    head = {key for key in given if key.startswith("classifier.4")}
    assert all(torch.equal(tensor, given[key]) for key, tensor in other.items() if key not in head)
    assert other["classifier.4.weight"].shape[0] == 3

    root = write_pairs(tmp_path / "data")
    config = small_config(
        root, tmp_path / "run", model=f"torchvision:{name}", weights="coco", encoder_rate=0.1, epochs=1,
        learning_rate=1e-3, augmentation="none",
    )  # fmt: skip
    fit(config, on_epoch=None)
    tuned = load_weights(tmp_path / "run" / "best.safetensors")[0]
    parts = ("backbone.conv1.weight", "classifier.0.weight" if name == "fcn_resnet50" else "classifier.1.weight")
    encoder, head = ((tuned[f"net.{part}"] - given[part]).abs().mean() for part in parts)
    assert 0 < encoder < head


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_code_in_published_weights_is_run(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    path = tmp_path / "hub" / "checkpoints" / Path(COCO["fcn_resnet50"].url).name
    path.parent.mkdir(parents=True)
    torch.save({"a": os.system}, path)
    with pytest.raises(ConfigError) as error:
        build_model(small(model="torchvision:fcn_resnet50", weights="coco"), 21)
    assert_clear(error, "coco", "fcn_resnet50")
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


# ---------------------------------------------------------------- weights of one's own
def wrapped_as(kind, model, path):
    """Save a model's weights as other programs do."""
    state = model.state_dict()
    if kind == "safetensors":
        save_weights(path, model, small(), ("a", "b", "c"), ((0, 0, 0),) * 3)
    elif kind == "DDP":
        torch.save({f"module.{name}": tensor for name, tensor in state.items()}, path)
    elif kind == "compiled in DDP":
        torch.save({"state_dict": {f"module._orig_mod.{name}": tensor for name, tensor in state.items()}}, path)
    elif kind == "really compiled":
        torch.save(torch.compile(model).state_dict(), path)
    elif kind == "last.ckpt":
        torch.save({"model": state, "history": [], "optimizer": {"lr": 0.1}}, path)
    elif kind == "bare network":
        torch.save(model.net.state_dict(), path)


KINDS = ["DDP", "compiled in DDP", "really compiled", "last.ckpt", "bare network", "safetensors"]


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_ones_own_are_a_start_however_they_were_wrapped(kind, tmp_path, capsys):
    model = build_model(small(), 3)
    path = tmp_path / ("own.safetensors" if kind == "safetensors" else "own.pth")
    wrapped_as(kind, model, path)
    torch.manual_seed(9)
    found = build_model(small(weights=str(path)), 3).state_dict()
    assert all(torch.equal(tensor, found[name]) for name, tensor in model.state_dict().items())
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["unet", "smp:unet/resnet18", "torchvision:lraspp_mobilenet_v3_large"])
def test_another_number_of_classes_takes_all_but_the_last_layer_and_says_so(name, tmp_path, capsys):
    model = build_model(small(model=name), 5)
    wrapped_as("DDP", model, tmp_path / "own.pth")
    found = build_model(small(model=name, weights=str(tmp_path / "own.pth")), 3)
    said = capsys.readouterr().out
    assert "own.pth has 5 outputs, this model 3: its last layer starts anew" in said
    own = model.state_dict()
    head = [key for key, tensor in found.state_dict().items() if tensor.shape != own[key].shape]
    assert head
    for key, tensor in found.state_dict().items():
        assert tensor.shape[1:] == own[key].shape[1:] if key in head else torch.equal(tensor, own[key])


def other(**fields):
    return lambda path: wrapped_as("DDP", build_model(small(**fields), 3), path)


BAD_WEIGHTS = {
    "another model": (other(model="smp:unet/resnet18"), ["another model", "missing", "foreign"]),
    "another width": (other(unet_width=3), ["does not fit", "there and"]),
    "missing": (lambda p: None, ["no file", "another path"]),
    "cut off": (lambda p: p.write_bytes(b"PK\x03\x04"), ["damaged"]),
    "no weights": (lambda p: torch.save({"score": 0.3}, p), ["no weights"]),
    "a list": (lambda p: torch.save([torch.zeros(1)], p), ["no weights"]),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD_WEIGHTS)
def test_weights_that_do_not_fit_say_exactly_why(bad, tmp_path):
    write, words = BAD_WEIGHTS[bad]
    write(tmp_path / "own.pth")
    with pytest.raises(CheckpointError) as error:
        build_model(small(weights=str(tmp_path / "own.pth")), 3)
    assert_clear(error, tmp_path / "own.pth", *words)


# ---------------------------------------------------------------- counts
def test_counts_by_hand():
    model = SegmentationModel(nn.Conv2d(3, 5, 3, padding=1), stride=1)
    assert count_parameters(model) == 3 * 5 * 9 + 5
    model.net.weight.requires_grad_(False)
    assert count_parameters(model, trainable=True) == 5


@pytest.mark.parametrize("name", ["unet", "smp:unet/resnet18", "torchvision:lraspp_mobilenet_v3_large"])
def test_parameters_are_as_many_as_torch_lays_into_one_vector(name):
    model = build_model(small(model=name), 2)
    assert count_parameters(model) == nn.utils.parameters_to_vector(model.parameters()).numel()
    freeze(model.encoder)
    learning = [p for p in model.parameters() if p.requires_grad]
    assert count_parameters(model, trainable=True) == nn.utils.parameters_to_vector(learning).numel()


def test_the_default_model_is_the_courses_own():
    model = build_model(Config(), 6)
    assert type(model.net) is models.UNet
    assert model.stride == 2 ** Config().unet_depth

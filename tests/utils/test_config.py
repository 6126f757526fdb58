"""utils/config.py: round trips, and for every bad value the field, what was given and what is allowed."""

from pathlib import Path

import pytest
from helpers import assert_clear
from pydantic import ValidationError

from utils.config import PRESETS, Config, nearest
from utils.errors import ConfigError

GOOD = {
    "dataset": "folder", "root": Path("/data/mine"), "classes": ("sky", "earth", "sea"), "image_size": 320,
    "mask_values": "0=0 255=1", "white": 4095.0,
    "variant": "second", "splits": "hash", "split_seed": 1, "max_side": 999, "cache": "none",
    "framing": "resize", "aerial": False, "augmentation": "strong", "batch_size": 3, "workers": 5,
    "model": "smp:unet/resnet34", "weights": "imagenet", "unet_width": 7, "unet_depth": 2, "freeze_encoder": True,
    "compile": True, "loss": "ce+focal", "class_weights": True, "encoder_rate": 0.1, "ema": 0.9,
    "optimizer": "sgd", "learning_rate": 3e-4, "weight_decay": 0.0,
    "schedule": "poly", "epochs": 3, "accumulate": 4, "grad_clip": 0.0, "patience": 6, "device": "cpu",
    "precision": "bf16", "threads": 3, "seed": 7, "output": Path("/runs/one"), "tracker": "tensorboard",
}  # fmt: skip

BAD = [
    ("dataset", 3, "string"), ("root", 3, "path"), ("classes", "abc", "tuple"), ("classes", [1, 2], "string"),
    ("variant", 3, "string"), ("mask_values", 1, "string"), ("white", 0, "0"),
    ("splits", "publish", "Did you mean 'published'?"), ("split_seed", -1, "0"),
    ("max_side", 31, "32"), ("cache", "disc", "Did you mean 'disk'?"),
    ("image_size", 15, "16"), ("image_size", 4097, "4096"), ("image_size", "big", "integer"),
    ("framing", "crops", "'crop' or 'resize'"), ("aerial", "perhaps", "boolean"),
    ("augmentation", "medum", "Did you mean 'medium'?"), ("batch_size", 0, "1"), ("batch_size", 2.5, "integer"),
    ("workers", -1, "0"), ("workers", 65, "64"), ("model", None, "string"),
    ("weights", "imagnet", "Did you mean 'imagenet'?"), ("unet_width", 0, "1"), ("unet_depth", 0, "1"),
    ("unet_depth", 7, "6"), ("freeze_encoder", "perhaps", "boolean"), ("loss", "ce+dise", "Did you mean 'dice'?"),
    ("loss", "ce+ce", "once"), ("loss", 3, "string"), ("compile", "perhaps", "boolean"), ("encoder_rate", 0, "0"),
    ("encoder_rate", 1.5, "1"), ("ema", -0.1, "0"), ("ema", 1.0, "1"), ("weights", "model.bin", ".safetensors"),
    ("class_weights", 2, "boolean"), ("optimizer", "adamW", "Did you mean 'adamw'?"), ("learning_rate", 0, "0"),
    ("learning_rate", 11, "10"), ("learning_rate", "fast", "number"), ("weight_decay", -0.1, "0"),
    ("schedule", "one-cycle", "Did you mean 'one_cycle'?"), ("epochs", 0, "1"), ("accumulate", 0, "1"),
    ("grad_clip", -1, "0"), ("patience", 0, "1"), ("device", "gpu", "'auto', 'cpu', 'cuda' or 'mps'"),
    ("precision", "fp61", "Did you mean 'fp16'?"), ("seed", -1, "0"), ("seed", 2**32, str(2**32)), ("threads", 0, "1"),
    ("output", None, "path"), ("tracker", "tensorbord", "Did you mean 'tensorboard'?"),
]  # fmt: skip


@pytest.mark.parametrize("values", [{}, GOOD, *PRESETS.values()], ids=["defaults", "all", *PRESETS])
def test_yaml_round_trip(values, tmp_path):
    config = Config(**values)
    config.save(tmp_path / "config.yaml")
    assert Config.load(tmp_path / "config.yaml") == config


def test_the_round_trip_covers_every_field_with_another_value_than_its_default():
    assert GOOD.keys() == Config.model_fields.keys()
    same = [name for name, value in GOOD.items() if value == Config.model_fields[name].default]
    assert not same


@pytest.mark.parametrize(("field", "value", "allowed"), BAD)
def test_a_bad_value_names_field_value_and_what_is_allowed(field, value, allowed):
    with pytest.raises(ConfigError) as error:
        Config(**{field: value})
    assert_clear(error, f"{field}=", "must be" if "Did you" in allowed else "", allowed, kind=ConfigError)
    given = value[0] if isinstance(value, list) else value
    assert repr(given) in str(error.value)
    assert Config.model_fields[field].description in str(error.value)


def test_every_field_has_a_bad_value_above():
    assert {field for field, *_ in BAD} == set(Config.model_fields)


@pytest.mark.parametrize("loss", ["ce", "ce+dice", "bce+jaccard", "focal+tversky+lovasz"])
def test_a_loss_is_any_sum(loss):
    assert Config(loss=loss).loss == loss


def test_class_weights_without_cross_entropy_are_refused():
    with pytest.raises(ConfigError) as error:
        Config(loss="dice+focal", class_weights=True)
    assert_clear(error, "class_weights", "loss='dice+focal'", "leave them out")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("epoch", "epochs"), ("learn_rate", "learning_rate"), ("batchsize", "batch_size"), ("augment", "augmentation")],
)
def test_an_unknown_field_suggests_the_nearest(wrong, right):
    for build in (lambda v: Config(**v), lambda v: Config().override(**v), lambda v: Config.preset("human", **v)):
        with pytest.raises(ConfigError) as error:
            build({wrong: 1})
        assert_clear(error, f"no field '{wrong}'", f"Did you mean '{right}'?")


def test_every_fault_is_told_at_once():
    with pytest.raises(ConfigError) as error:
        Config(epochs=0, epoch=2, device="gpu")
    assert_clear(error, "epochs=0", "no field 'epoch'", "device='gpu'")


def test_a_config_cannot_be_changed_in_place():
    config = Config()
    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3
    assert config.override(epochs=3).epochs == 3
    assert config.epochs == Config().epochs


def test_an_override_keeps_what_was_set_before():
    changed = Config.preset("human", epochs=7).override(seed=1)
    assert (changed.dataset, changed.image_size, changed.epochs, changed.seed) == ("human", 320, 7, 1)


def test_own_values_come_on_top_of_a_preset():
    assert Config.preset("human", image_size=160).image_size == 160
    assert Config.preset("human").framing == "resize"
    assert Config.preset("human").weights == "imagenet"
    assert Config.preset("human", model="unet") == Config.preset(
        "human", model="unet", weights=None, learning_rate=1e-2
    )
    assert Config.preset("tiny") == Config()


def test_home_is_expanded():
    assert Config(root="~/photos").root == Path.home() / "photos"


def test_every_field_is_described():
    assert [n for n, f in Config.model_fields.items() if not (f.description or "").endswith(".")] == []


def test_a_file_may_name_a_few_fields_only(tmp_path):
    (tmp_path / "short.yaml").write_text("epochs: 5\ndataset: folder\nclasses: [a, b]\n")
    config = Config.load(tmp_path / "short.yaml")
    assert config == Config(epochs=5, dataset="folder", classes=("a", "b"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["no such file", "give a yaml file"]),
        ("folder", ["directory", "give a yaml file"]),
        (b"\xff\xfe\x00binary", ["not a text file"]),
        (b"epochs: [1", ["not valid yaml"]),
        (b"\x00", ["not valid yaml"]),
        (b"- epochs\n- 3\n", ["no fields", "epochs: 30"]),
        (b"", ["no fields"]),
        (b"epochs: many\n", ["epochs='many'", "integer"]),
        (b"epoch: 3\n", ["no field 'epoch'", "did you mean 'epochs'?"]),
        (b"3: 4\n", ["no field '3'"]),
        (b"yes: 4\n", ["no field"]),
    ],
)
def test_a_bad_file_gets_one_sentence(content, words, tmp_path):
    path = tmp_path / "config.yaml"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        Config.load(path)
    assert_clear(error, *words, *([path.name] if "field" not in str(words) and "epochs" not in str(words) else []))


def test_classes_go_with_the_data_set_folder_only():
    with pytest.raises(ConfigError) as error:
        Config(dataset="tiny", classes=("a", "b"))
    assert_clear(error, "classes", "'tiny'", "dataset='folder'")


def test_nearest_is_silent_when_nothing_is_near():
    assert nearest("qqqq", ["tiny", "human"]) == ""
    assert nearest("humen", ["tiny", "human"]) == " Did you mean 'human'?"
    assert nearest("CUDA", ["cpu", "cuda"]) == " Did you mean 'cuda'?"

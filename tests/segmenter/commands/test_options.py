"""segmenter/commands/options.py: the fields of a Config as options, and the data set of a run."""

import pytest

from segmenter.__main__ import main
from segmenter.commands.options import PREFIX, make_config
from utils.config import Config


def test_every_field_is_an_option(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for name in Config.model_fields:
        assert f"--{name.replace('_', '-')}" in text


@pytest.mark.parametrize(("field", "before"), [("max_side", 1536), ("patience", 5), ("weights", "imagenet")])
def test_none_stands_for_none_where_a_field_may_be_none(field, before, tmp_path):
    Config(model="smp:unet/resnet18", **{field: before}).save(tmp_path / "a.yaml")
    assert getattr(make_config({}, tmp_path / "a.yaml"), field) == before
    assert getattr(make_config({PREFIX + field: "none"}, tmp_path / "a.yaml"), field) is None


def test_none_is_a_word_like_any_other_in_the_other_fields():
    assert make_config({PREFIX + "augmentation": "none", PREFIX + "cache": "none"}).augmentation == "none"

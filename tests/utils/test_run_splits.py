"""utils/run_splits.py: a run keeps its splits, and files that come later change nothing."""

import pytest
from helpers import add_pairs, assert_clear, drop_splits, small_config, splits_by_name, three_class_folder

from segmenter.__main__ import main
from utils import catalog
from utils.config import Config
from utils.errors import DataError
from utils.run_splits import read_splits, save_splits
from utils.splits import SPLITS
from utils.training import fit


def splits_in(path):
    return read_splits(path)["split"].to_dict()


# ---------------------------------------------------------------- with the run
def test_a_run_keeps_its_splits(trained):
    saved = splits_in(trained / "splits.csv")
    source = catalog.load(Config.load(trained / "config.yaml"))
    assert saved == {source.relative(p.image): s for s, pairs in source.assigned().items() for p in pairs}
    assert set(saved.values()) == set(SPLITS)


def test_pictures_added_after_the_run_are_not_scored_as_unseen_nor_moved(pairs, tmp_path, capsys):
    drop_splits(pairs)
    add_pairs(pairs, range(12, 30))
    config = small_config(pairs, tmp_path / "run", epochs=1)
    fit(config, on_epoch=None)
    before = splits_in(config.output / "splits.csv")
    add_pairs(pairs, range(30, 50))
    assert splits_by_name(three_class_folder(pairs)) != {
        name.rpartition("/")[2]: split for name, split in before.items()
    }
    assert main(["evaluate", str(config.output)]) == 0
    assert f"{sum(split == 'test' for split in before.values())} images" in capsys.readouterr().out
    fit(config.override(epochs=1), resume=True, on_epoch=None)
    assert splits_in(config.output / "splits.csv") == before


@pytest.mark.parametrize("text", ["", "image,mask\na,b\n", "image,split\na,dev\n", b"\xff\xfe"])
def test_a_broken_list_of_splits_is_named(text, tmp_path):
    path = tmp_path / "splits.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as error:
        splits_in(path)
    assert_clear(error, path, "splits", "train again")


def test_a_name_with_a_comma_survives(pairs, tmp_path):
    drop_splits(pairs)
    for kind in ("images", "masks"):
        (pairs / kind / "00.png").rename(pairs / kind / 'a, "b".png')
    source = three_class_folder(pairs)
    save_splits(source, tmp_path / "splits.csv")
    source.fixed = splits_in(tmp_path / "splits.csv")
    assert 'a, "b".png' in splits_by_name(source)
    assert splits_by_name(source) == splits_by_name(three_class_folder(pairs))

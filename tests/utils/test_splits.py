"""utils/splits.py: no group or copy ever crosses, in any way of dealing out."""

import random
import shutil
from collections import Counter

import numpy as np
import pytest
from helpers import (
    add_pairs,
    assert_clear,
    drop_splits,
    splits_by_name,
    three_class_folder,
)
from hypothesis import given
from hypothesis import strategies as st

from utils import catalog
from utils.config import Config
from utils.errors import ConfigError
from utils.splits import SPLITS, split_by_group, split_by_hash, split_stratified

WAYS = ("random", "stratified", "hash")
groups_of_items = st.lists(st.sampled_from("abcdefghijklmnopqrstuvw"), min_size=1, max_size=60)


# ---------------------------------------------------------------- no group crosses
@given(groups=groups_of_items, seed=st.integers(0, 99), classes=st.integers(1, 5))
def test_no_group_is_ever_in_two_splits(groups, seed, classes):
    presence = np.random.default_rng(seed).random((len(groups), classes)) < 0.3
    for found in (split_by_hash(groups, seed=seed), split_stratified(groups, presence, seed=seed)):
        assert len(found) == len(groups)
        assert set(found) <= set(SPLITS)
        for group in set(groups):
            assert len({split for g, split in zip(groups, found, strict=True) if g == group}) == 1


@given(groups=groups_of_items, seed=st.integers(0, 99))
def test_the_order_of_items_does_not_matter(groups, seed):
    rng = np.random.default_rng(seed)
    presence = rng.random((len(groups), 3)) < 0.5
    order = rng.permutation(len(groups))
    mixed = [groups[i] for i in order]
    for first, second in (
        (split_by_hash(groups, seed=seed), split_by_hash(mixed, seed=seed)),
        (split_stratified(groups, presence, seed=seed), split_stratified(mixed, presence[order], seed=seed)),
    ):
        assert dict(zip(groups, first, strict=True)) == dict(zip(mixed, second, strict=True))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(5))
def test_copies_of_a_photograph_stay_together(way, seed, pairs):
    drop_splits(pairs)
    for copy, original in (("20", "00"), ("21", "00"), ("22", "05")):
        shutil.copy(pairs / "images" / f"{original}.png", pairs / "images" / f"{copy}.png")
        shutil.copy(pairs / "masks" / f"{original}.png", pairs / "masks" / f"{copy}.png")
    found = splits_by_name(three_class_folder(pairs, splits=way, split_seed=seed))
    assert len(found) == 15
    assert found["00.png"] == found["20.png"] == found["21.png"]
    assert found["05.png"] == found["22.png"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["human", "camvid"])
def test_no_group_or_copy_of_the_real_photographs_crosses(way, name, shared_data):
    source = catalog.load(Config.preset(name, root=shared_data(name), splits=way))
    assigned = source.assigned()
    for facts in (lambda pair: pair.group, lambda pair: pair.image.read_bytes()):
        train, val, test = ({facts(pair) for pair in assigned[split]} for split in SPLITS)
        assert train.isdisjoint(val | test)
        assert val.isdisjoint(test)
    assert sum(len(pairs) for pairs in assigned.values()) == len(source.labelled())


# ---------------------------------------------------------------- what each way promises
@given(
    groups=st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=40),
    more=st.lists(st.text(min_size=1, max_size=4), max_size=40),
)
def test_what_is_added_moves_nothing_under_a_hash(groups, more):
    before = dict(zip(groups, split_by_hash(groups), strict=True))
    after = dict(zip(groups + more, split_by_hash(groups + more), strict=True))
    assert all(after[group] == split for group, split in before.items())


def test_a_hash_keeps_the_shares_on_average_and_depends_on_the_seed():
    groups = [f"photo {i}" for i in range(20_000)]
    counts = Counter(split_by_hash(groups, (0.7, 0.2, 0.1)))
    for split, share in zip(SPLITS, (0.7, 0.2, 0.1), strict=True):
        assert abs(counts[split] / 20_000 - share) < 0.015  # more than four standard deviations
    assert split_by_hash(groups, seed=1) != split_by_hash(groups, seed=2)
    assert set(split_by_hash(groups, (0.9, 0.1, 0.0))) == {"train", "val"}


def test_files_added_to_a_folder_move_no_other_under_a_hash_and_do_at_random(pairs):
    drop_splits(pairs)
    add_pairs(pairs, range(12, 40))
    before = {way: splits_by_name(three_class_folder(pairs, splits=way)) for way in WAYS}
    add_pairs(pairs, range(40, 50))
    after = {way: splits_by_name(three_class_folder(pairs, splits=way)) for way in WAYS}
    moved = {way: sum(after[way][name] != split for name, split in before[way].items()) for way in WAYS}
    assert moved["hash"] == 0
    assert moved["random"] > 0


@pytest.mark.parametrize("seed", range(10))
def test_a_rare_class_reaches_every_split_when_stratified(seed):
    """100 pictures, one class in 10 of them, another in 5: chance alone often leaves validation or test without."""
    presence = np.zeros((100, 3), dtype=bool)
    presence[:, 0] = True
    presence[np.random.default_rng(seed).permutation(100)[:10], 1] = True
    presence[np.random.default_rng(seed + 100).permutation(100)[:5], 2] = True
    found = np.array(split_stratified([str(i) for i in range(100)], presence, (0.6, 0.2, 0.2), seed))
    counts = {split: presence[found == split].sum(axis=0).tolist() for split in SPLITS}
    assert counts == {"train": [60, 6, 3], "val": [20, 2, 1], "test": [20, 2, 1]}


def test_stratified_beats_chance_on_the_real_camvid(shared_data):
    """How far the share of pictures that show a class is from the split's due, in the worst case."""
    source = catalog.load(Config.preset("camvid", root=shared_data("camvid")))
    pairs = [pair for pair, _ in source.labelled()]
    presence = source.presence(pairs)
    names = [pair.image.name for pair in pairs]  # every frame by itself: sequences would leave nothing to choose

    def worst(found):
        rows = [presence[np.array(found) == split].sum(axis=0) / presence.sum(axis=0) for split in SPLITS]
        return np.nanmax(np.abs(np.array(rows) - np.array([[0.6], [0.2], [0.2]])))

    fractions = (0.6, 0.2, 0.2)
    chance = [worst(split_by_group(names, fractions, seed)) for seed in range(20)]
    chosen = [worst(split_stratified(names, presence, fractions, seed)) for seed in range(20)]
    assert np.mean(chosen) < 0.5 * np.mean(chance)


@pytest.mark.parametrize("way", WAYS)
def test_the_seed_of_the_splits_is_a_field_of_its_own(way, pairs):
    drop_splits(pairs)
    add_pairs(pairs, range(12, 40))
    first = splits_by_name(three_class_folder(pairs, splits=way))
    assert first == splits_by_name(three_class_folder(pairs, splits=way, seed=7))
    assert first != splits_by_name(three_class_folder(pairs, splits=way, split_seed=7))


def test_published_splits_are_kept_unless_others_are_asked_for(pairs):
    published = splits_by_name(three_class_folder(pairs))
    assert Counter(published.values()) == {"train": 8, "val": 2, "test": 2}
    assert splits_by_name(three_class_folder(pairs, split_seed=3)) == published
    drawn = [splits_by_name(three_class_folder(pairs, splits="random", split_seed=seed)) for seed in range(5)]
    assert any(found != published for found in drawn)


def test_an_edition_that_does_not_exist_is_refused(pairs):
    with pytest.raises(ConfigError) as error:
        three_class_folder(pairs, variant="2012")
    assert_clear(error, "folder", "one edition", "variant='2012'", kind=ConfigError)


# ---------------------------------------------------------------- by group alone
@given(groups=st.lists(st.sampled_from("abcdefghijklmnop"), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_split_by_group_keeps_groups_whole(groups, seed):
    found = split_by_group(groups, seed=seed)
    assert len(found) == len(groups)
    assert set(found) <= {"train", "val", "test"}
    for group in set(groups):
        assert len({split for g, split in zip(groups, found, strict=True) if g == group}) == 1
    assert found == split_by_group(groups, seed=seed)


def test_a_split_does_not_depend_on_the_order_of_files():
    groups = [f"g{i // 2}" for i in range(40)]
    mixed = random.Random(0).sample(groups, len(groups))
    assert dict(zip(groups, split_by_group(groups), strict=True)) == dict(
        zip(mixed, split_by_group(mixed), strict=True)
    )


@pytest.mark.parametrize("count", [10, 50, 333])
def test_shares_are_kept(count):
    found = split_by_group([str(i) for i in range(count)], (0.7, 0.2, 0.1), seed=3)
    for split, share in (("train", 0.7), ("val", 0.2), ("test", 0.1)):
        assert abs(found.count(split) - share * count) < 2
    assert found != split_by_group([str(i) for i in range(count)], (0.7, 0.2, 0.1), seed=4)


@pytest.mark.parametrize(
    ("size", "fractions", "shares"),
    [
        (1, (0.86, 0.07, 0.07), (86, 7, 7)),
        (2, (0.38, 0.55, 0.07), (76, 110, 14)),
        (3, (0.44, 0.28, 0.28), (132, 84, 84)),
    ],
)
def test_shares_that_come_out_even_are_met_exactly(size, fractions, shares):
    """0.07 * 100 is 7.000000000000001: that last bit must not cost a split one more group."""
    found = split_by_group([f"group {i % 100}" for i in range(100 * size)], fractions)
    assert tuple(found.count(split) for split in SPLITS) == shares

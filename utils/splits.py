"""Divide pairs into training, validation and test so that no group is in two of them (notebook 4)."""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

SPLITS = ("train", "val", "test")
Fractions = tuple[float, float, float]


def split_by_hash(groups: Sequence[str], fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 42) -> list[str]:
    """Name the split of every item by a hash of its group alone: what is added later moves nothing.

    The price is that shares are kept on average only: a small set may miss them by several items.
    """
    bounds = np.cumsum(fractions) / sum(fractions)

    def split_of(group: str) -> str:
        digest = hashlib.sha256(f"{seed}:{group}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64  # uniform in [0, 1)
        return SPLITS[min(int(np.searchsorted(bounds, place, side="right")), 2)]

    return [split_of(group) for group in groups]


def split_stratified(
    groups: Sequence[str], presence: np.ndarray, fractions: Fractions = (0.8, 0.1, 0.1), seed: int = 42
) -> list[str]:
    """Name the split of every item so that each split sees each class about as often as its share demands.

    presence: bool (N, C), whether item n shows class c. Groups are dealt out whole, those with the rarest class first,
    each to the split that lacks that class most: iterative stratification (Sechidis et al., 2011) over groups.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    names = sorted(members)
    random.Random(seed).shuffle(names)
    # One more column, shown by every item, deals out the groups without any class, and settles ties by size.
    shows = np.array([[*presence[members[n]].sum(axis=0), len(members[n])] for n in names], dtype=np.float64)
    shares = np.array(fractions) / sum(fractions)
    lacking = shares[:, None] * shows.sum(axis=0)
    split_of: dict[str, str] = {}
    left = np.ones(len(names), dtype=bool)
    while left.any():
        remaining = (shows[left] > 0).sum(axis=0)
        rarest = int(np.where(remaining > 0, remaining, np.inf).argmin())
        candidates = np.flatnonzero(left & (shows[:, rarest] > 0))
        chosen = candidates[shows[candidates, rarest].argmax()]  # large groups first, while there is room for them
        order = np.lexsort((lacking[:, -1], lacking[:, rarest]))
        split = next(s for s in order[::-1] if shares[s] > 0)
        split_of[names[chosen]] = SPLITS[split]
        lacking[split] -= shows[chosen]
        left[chosen] = False
    return [split_of[group] for group in groups]


def split_by_group(
    groups: Sequence[str], fractions: tuple[float, float, float] = (0.8, 0.1, 0.1), seed: int = 42
) -> list[str]:
    """Name the split of every item ('train', 'val', 'test') so that no group is in two of them."""
    sizes = Counter(groups)
    names = sorted(sizes)
    random.Random(seed).shuffle(names)
    val, test = (round(share * len(groups), 6) for share in fractions[1:])  # 0.07 * 100 would be 7.000000000000001
    wanted = {"val": val, "test": test, "train": float("inf")}
    filled, split_of = Counter(), {}
    for name in names:
        split = next(split for split in wanted if filled[split] < wanted[split])
        split_of[name] = split
        filled[split] += sizes[name]
    return [split_of[group] for group in groups]

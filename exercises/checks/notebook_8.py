"""Notebook 8: the learning rate over a run, when to stop, which epoch was best, and the state of all parts."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require, seeded_generator

NAN = float("nan")
COMPLEX = (
    "past the end a negative share is raised to 0.9, which is a complex number: hold the share at 0 before the power"
)


# ---------------------------------------------------------------- 8.1
def straight_line(poly_rate: Callable) -> None:
    """With power 1 the rate falls on a straight line from the peak to 0.

    After a quarter of the run three quarters are still ahead: the rate is three quarters of the peak.
    """
    says = "with power 1 the rate is the peak times the share of the run that is still ahead"
    expect(
        poly_rate, 0, 4, 2.0, 1.0, gives=2.0, tolerance=1e-6, says="step 0 must have the peak itself",
        mistakes=[
            (0.0, "this is the share that is done: take the share that is still ahead"),
            (1.0, "the peak is left out: multiply by it"),
            (1.5, "step 0 is the first step: nothing of the run is done yet, so do not add 1"),
        ],
    )  # fmt: skip
    expect(
        poly_rate, 1, 4, 2.0, 1.0, gives=1.5, tolerance=1e-6, says=says,
        mistakes=[
            (0.5, "this is the share that is done: take the share that is still ahead"),
            (2.0, "the rate does not fall: `//` drops the fraction, `/` keeps it"),
            (0.75, "the peak is left out: multiply by it"),
            (1.75, "the peak belongs in front of the whole: peak * (share still ahead), not peak minus a share"),
            (2 * (1 - 1 / 3), "the line ends one step early: divide by `steps`, not by steps - 1"),
            (2 * 0.75**0.9, "`power` is not used: it is fixed at 0.9"),
        ],
    )  # fmt: skip
    expect(poly_rate, 3, 4, 3.0, 1.0, gives=0.75, tolerance=1e-6, says=says)
    expect(poly_rate, 0, 1, 2.0, 1.0, gives=2.0, tolerance=1e-6, says="the only step of a run has the peak itself")
    small = "a rate is rounded away: real ones are as small as 0.0001, and real runs have thousands of steps"
    expect(
        poly_rate, 2999, 4000, 1.3e-4, 1.0, gives=1.3e-4 * 1001 / 4000, tolerance=1e-9, says=says,
        mistakes=[(lambda r: abs(float(r) - 3.25e-5) < 1e-4, small)],
    )  # fmt: skip


def bends(poly_rate: Callable) -> None:
    """The power bends the line: only the share is raised to it.

    First the share that is still ahead, then `share ** power`, and last the peak in front.
    """
    expect(
        poly_rate, 3, 4, 3.0, 2.0, gives=3 / 16, tolerance=1e-6, says="the share still ahead is not raised to `power`",
        mistakes=[
            (3 / 4, "`power` is not used: raise the share that is still ahead to it"),
            (9 / 16, "the peak is raised to the power, too: raise only the share, then multiply by the peak"),
            (3 * 7 / 16, "the share that is done is raised: subtract first, then raise what is still ahead"),
            (3 / 2, "the share is multiplied by the power: raise it to the power, with `**`"),
            (3 * 0.25**0.9, "the power is fixed at 0.9: use the argument `power`"),
            (3 * 0.5, "this is the root: raise to `power`, not to 1 / power"),
        ],
    )  # fmt: skip
    expect(
        poly_rate, 5, 10, 12.4, 3.0, gives=1.55, tolerance=1e-6, says="the share still ahead is not raised to `power`"
    )


def usual_power(poly_rate: Callable) -> None:
    """The power is 0.9 unless another is given.

    A default value in the first line: `power=0.9`.
    """
    expect(poly_rate, 1, 2, 1.0, gives=0.5**0.9, tolerance=1e-6, says="without `power` it must be 0.9")


def never_below_zero(poly_rate: Callable) -> None:
    """At the end of the run the rate is 0, and it stays 0.

    One step too many may come. Past the end the share is negative: `max(share, 0)` holds it at 0.
    """
    expect(
        poly_rate, 10, 10, 2.0, gives=0.0, tolerance=1e-12, says="at the end of the run nothing is ahead: the rate is 0"
    )
    for step, power in ((12, 0.9), (25, 1.0), (13, 2.0)):
        try:
            expect(
                poly_rate, step, 10, 2.0, power, gives=0.0, tolerance=1e-12,
                says="past the end of the run the rate must be 0",
                mistakes=[
                    (lambda r: isinstance(r, complex), COMPLEX),
                    (lambda r: float(r) != float(r), "past the end the rate is NaN: hold the share at 0 first"),
                    (lambda r: float(r) < 0, "past the end the rate is negative, and training climbs: hold it at 0"),
                    (lambda r: float(r) > 0, "past the end the rate is above 0: hold the share at 0 before the power"),
                ],
            )  # fmt: skip
        except TypeError as error:  # of a `max` that compares a complex number
            raise Wrong(COMPLEX, step=step, steps=10) from error


# ---------------------------------------------------------------- 8.2
def goes_on_while_it_improves(should_stop: Callable) -> None:
    """It goes on while the score rises, and in the first epochs.

    A higher score is better. A first score is always a new best: there was none before. With too few epochs to have
    waited long enough, the answer is False, without looking further.
    """
    expect(
        should_stop, [0.3, 0.4, 0.5, 0.6], 2, gives=False,
        says="every epoch was a new best and yet it stops: a higher score is better, start counting at the last best",
    )  # fmt: skip
    expect(should_stop, [1e-7, 2e-7, 3e-7], 2, gives=False, says="a small rise is a new best, too")
    early = "it stops too early: a first epoch is always a new best, and then `patience` more must follow"
    zero = "a score of 0 or below is not taken for a new best: start from minus infinity, not from 0"
    for scores, patience in (([], 1), ([0.4], 1), ([0.4, 0.3], 5), ([0.0], 1), ([0.0, 0.0], 2), ([-3.0, -2.0], 1)):
        try:
            expect(should_stop, scores, patience, gives=False, says=zero if max(scores, default=1) <= 0 else early)
        except (ValueError, IndexError) as error:
            says = f"too few epochs to look back: {type(error).__name__} ({error}). Then it goes on: answer False first"
            if isinstance(error, IndexError) and scores:
                says += ". And look for the best of all epochs: a single one, so many epochs ago, need not be the best"
            raise Wrong(says, scores=scores, patience=patience) from error


def waits_for_patience(should_stop: Callable) -> None:
    """It stops when as many epochs as `patience` brought no new best.

    Count the epochs since the best one. At `patience` of them, the answer is True.
    """
    expect(
        should_stop, [0.6, 0.5, 0.4, 0.3, 0.2], 2, gives=True,
        says="four epochs brought no new best, and with patience 2 it still goes on: the count may exceed `patience`, "
        "so ask with `>=` and not with `==`. If you have `>=`: take the best epoch from the last, not the last from it",
    )  # fmt: skip
    says = (
        "11 epochs brought no new best, and patience 12 waits for one more: is `patience` used, or is a number fixed?"
    )
    expect(should_stop, [0.6, *[0.5] * 11], 12, gives=False, says=says)
    late = (
        "it stops one epoch too late: it is time at `patience` epochs without a new best, so `>=` and not `>`. "
        "If you have `>=`: `best_epoch` counts from 1, and so does `len(scores)`, so take no 1 off"
    )
    expect(should_stop, [0.5, 0.6, 0.4], 1, gives=True, says=late)
    expect(should_stop, [0.6, 0.5, 0.4], 2, gives=True, says=late)
    says = "only one epoch brought no new best: patience 2 waits for two"
    expect(should_stop, [0.5, 0.6, 0.55], 2, gives=False, says=says)


def best_counts(should_stop: Callable) -> None:
    """It compares with the best score so far.

    A score may rise against the epoch before and still be below the best: that is no new best.
    """
    expect(
        should_stop, [0.5, 0.9, 0.6, 0.7], 2, gives=True,
        says="epoch 4 beats epoch 3 but not the best: compare with the best score so far, not with the epoch before",
    )  # fmt: skip
    expect(
        should_stop, [0.2, 0.7, 0.3, 0.4, 0.5], 3, gives=True,
        says="the last three are better than the first epoch but not than the best one: compare with the best so far",
    )  # fmt: skip
    expect(
        should_stop, [0.9, 0.3, 0.5, 0.4], 2, gives=True,
        says="the best epoch may be longer ago than `patience`: compare with the best of all epochs",
    )  # fmt: skip


def counting_starts_anew(should_stop: Callable) -> None:
    """Every new best starts the count anew.

    The wait is what lies between the last new best and now; bad epochs before it are forgotten.
    """
    expect(
        should_stop, [0.5, 0.4, 0.6, 0.5], 2, gives=False,
        says="all bad epochs of the run are added up: start counting anew at every new best",
    )  # fmt: skip
    expect(
        should_stop, [-4.0, -5.0, -6.0, -3.0], 2, gives=False,
        says="the last epoch is a new best and yet it stops: only the epochs after the last best count",
    )  # fmt: skip
    expect(
        should_stop, [0.6, 0.5, 0.7, 0.5, 0.4], 2, gives=True, says="two epochs after the last best it does not stop"
    )


def equal_is_not_better(should_stop: Callable) -> None:
    """An equal score is no new best.

    Only a score above the best so far starts the count anew: `>`, not `>=`.
    """
    says = "an equal score is taken for a new best: only a higher one is"
    expect(should_stop, [0.6, 0.6, 0.6], 2, gives=True, says=says)
    expect(should_stop, [0.5, 0.8, 0.7, 0.8], 2, gives=True, says=says)


def none_never_stops(should_stop: Callable) -> None:
    """Without a patience (None) it never stops.

    Look at `patience is None` first: None cannot be compared with a number.
    """
    try:
        expect(should_stop, [0.9, *[0.1] * 2000], None, gives=False, says="it stops although `patience` is None")
    except TypeError as error:
        raise Wrong("`patience` None means: never stop. Look at it before you count with it") from error


def nan_is_not_better(should_stop: Callable) -> None:
    """NaN is never a new best, and hides none.

    NaN compares as False with everything: `score > best` is a safe question, `not score <= best` and `max` are not.
    """
    expect(
        should_stop, [0.6, 0.5, 0.4, NAN, 0.3], 3, gives=True,
        says="NaN starts the count anew: it is no new best, so go on counting",
    )  # fmt: skip
    says = "an epoch with NaN is not counted: it is one without a new best"
    expect(should_stop, [0.5, 0.4, NAN], 2, gives=True, says=says)
    expect(
        should_stop, [-5.0, NAN, -4.0], 2, gives=False,
        says="a NaN hides a new best after it: `max` of a NaN may be NaN",
    )  # fmt: skip
    says = "NaN stops the run at once: it is one epoch of waiting, like any other without a new best"
    expect(should_stop, [0.5, NAN], 2, gives=False, says=says)
    says = "a NaN at the beginning hides every best after it: start from minus infinity, and make no number of NaN"
    expect(should_stop, [NAN, -6.0, -5.0], 2, gives=False, says=says)
    says = (
        "until a first number epoch 1 counts as the best, so this run has waited for 3 epochs. If you compare: every "
        "comparison with NaN is False, that of two `max` as well"
    )
    try:
        expect(should_stop, [NAN] * 4, 2, gives=True, says=says)
    except ValueError as error:  # of np.nanargmax
        says = f"it breaks off where every score is NaN ({error}): `best_epoch` answers 1 there, so count from epoch 1"
        raise Wrong(says, scores=[NAN] * 4, patience=2) from error
    says = "until a first number epoch 1 counts as the best, so nothing has been waited for yet: count from epoch 2 on"
    expect(should_stop, [NAN], 1, gives=False, says=says)
    says = "until a first number epoch 1 counts as the best, so the run has waited for 1 epoch: count from epoch 2 on"
    expect(should_stop, [NAN, NAN], 2, gives=False, says=says)


# ---------------------------------------------------------------- 8.3
def counts_from_one(best_epoch: Callable) -> None:
    """The epoch with the highest score is found, counted from 1.

    Python counts from 0, people from 1: the index of the highest score, plus 1.
    """
    expect(
        best_epoch, [0.5, 0.6, 0.4, 0.2, 0.8, 0.9, 0.7, 0.75], gives=6, says="this is not the number of the best epoch",
        mistakes=[
            (5, "this is counted from 0: the first epoch is number 1"),
            (0.9, "this is the best score: its epoch is asked for"),
            (4, "this is the epoch with the lowest score: a higher score is better"),
            (3, "this is the lowest score, counted from 0: a higher score is better"),
            (2, "after epoch 2 the score falls and rises again: go through all of them"),
            (1, "this is the first epoch: go through all of them"),
            (8, "this is the last epoch, not the best one"),
            ([6], "the number itself is asked for, not a list"),
        ],
    )  # fmt: skip
    first = expect(best_epoch, [0.9, 0.1, 0.3], gives=1, says="where the first epoch is the best, the number is 1")
    whole = isinstance(first, int | np.integer | Tensor)
    require(whole, f"the result is {kind_of(first)}: the number of an epoch is a whole number, an int", yours=first)
    says = "where the last epoch is the best, its number is the answer"
    expect(best_epoch, [0.1, 0.3, 60.0, 800.0, 9000.0], gives=5, says=says)
    expect(best_epoch, [1e-7, 2e-7, 0.0], gives=2, says="a small difference counts: compare the scores as they are")


def first_of_equals(best_epoch: Callable) -> None:
    """Of equal scores the first one counts.

    A later epoch that is only as good brings nothing new: `>`, not `>=`.
    """
    expect(
        best_epoch, [0.3, 0.7, 0.1, 0.7, 0.7], gives=2, says="of equal scores the first must count",
        mistakes=[(5, "of equal scores this takes the last: only a higher score is better")],
    )  # fmt: skip


def any_score(best_epoch: Callable) -> None:
    """Any numbers may be scores, 0 and negative ones too.

    Do not start from a best score of 0: start from minus infinity, or from the first score.
    """
    says = "scores of 0 and below are never the best here: start from minus infinity"
    expect(best_epoch, [0.0], gives=1, says=says)
    expect(best_epoch, [0.0, 0.0], gives=1, says=says)
    wrong_way = "of two negative scores the one that is closer to 0 is higher: compare them as they are"
    expect(best_epoch, [-2e9, -1e9, -3e9], gives=2, says=wrong_way, mistakes=[(1, says)])


def nan_is_left_out(best_epoch: Callable) -> None:
    """NaN is never the best, but its epoch is still counted.

    `np.argmax` and `max` may take NaN for the highest, and dropping NaN renumbers the epochs. `score > best` is safe.
    """
    taken = "NaN is taken for the best score: it is none"
    expect(
        best_epoch, [0.2, NAN, 0.3, 0.6, 0.5], gives=4, says="NaN misleads it: NaN is never the best",
        mistakes=[
            (2, taken),
            (3, "the epochs with NaN are dropped before counting: the numbers after them shift"),
        ],
    )  # fmt: skip
    says = "NaN is turned into a number, and a number can be the best: it must stay NaN, which is never higher"
    for score in (-1e9, -2.0):
        expect(
            best_epoch,
            [2 * score, NAN, score, 3 * score],
            gives=3,
            says=says,
            mistakes=[(1, "NaN hides the best epoch")],
        )
    expect(
        best_epoch, [NAN, 0.4, 0.6], gives=3, says="a NaN at the beginning hides the best epoch",
        mistakes=[
            (1, taken),
            (2, "the epochs with NaN are dropped before counting: the numbers after them shift"),
        ],
    )  # fmt: skip
    expect(
        best_epoch, [NAN, 0.4], gives=2, says="a NaN before the only score hides it: NaN is no number, nor the lowest"
    )


def only_nan(best_epoch: Callable) -> None:
    """Where every score is NaN, it is epoch 1.

    A run needs some best epoch even then. Start with number 1 and change it only for a higher score.
    """
    for scores in ([NAN], [NAN, NAN, NAN]):
        try:
            expect(best_epoch, scores, gives=1, says="where every score is NaN, the answer must be 1")
        except ValueError as error:
            raise Wrong(f"it stops where every score is NaN ({error}): the answer must be 1", scores=scores) from error


# ---------------------------------------------------------------- 8.4 and 8.5
class Scaler:
    """A part of none of torch's kinds: it hands out its living state, and works on in the one that it is given."""

    def __init__(self, seed: int) -> None:
        self.state = {"scale": [torch.tensor(2.0 ** (4 + seed), dtype=torch.float64)], "steps": torch.tensor(0)}

    def state_dict(self) -> dict[str, Any]:
        return self.state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.state = {"scale": state["scale"], "steps": state["steps"]}

    def update(self) -> None:
        self.state["scale"][0] += 1


def make_parts(seed: int, scaler: bool = False) -> dict[str, Any]:
    """Build the parts of a small run: a network with BatchNorm, Adam, a schedule, and on request a fourth."""
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))
    with torch.no_grad():
        generator = seeded_generator(seed)
        for weight in model.parameters():
            weight.copy_(torch.rand(weight.shape, generator=generator) + 0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    parts = {"model": model, "optimizer": optimizer}
    parts["scheduler"] = torch.optim.lr_scheduler.PolynomialLR(optimizer, 12, 0.9)
    if scaler:
        parts["scaler"] = Scaler(seed)
    return parts


def train(parts: dict[str, Any], first: int, last: int) -> None:
    """Take the steps first ... last - 1 of a run: the same step always sees the same image."""
    with torch.enable_grad():
        parts["model"].train()
        for step in range(first, last):
            images = torch.rand(2, 1, 5, 6, generator=seeded_generator(step))
            loss = (parts["model"](images) - step / 9).square().mean()
            parts["optimizer"].zero_grad()
            loss.backward()
            parts["optimizer"].step()
            parts["scheduler"].step()
            if "scaler" in parts:
                parts["scaler"].update()


def states_of(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}


def loaded(name: str, state: Any) -> Any:
    """Return the state of a fresh part that has loaded this one."""
    fresh = make_parts(3, scaler=True)[name]
    fresh.load_state_dict(state)
    return fresh.state_dict()


def same(a: Any, b: Any) -> bool:
    """Compare two states to the bit, whatever kinds of dict, list or number they are made of."""
    if isinstance(a, Tensor | np.ndarray) or isinstance(b, Tensor | np.ndarray):
        kinds = isinstance(a, Tensor) and isinstance(b, Tensor)
        return kinds and a.dtype == b.dtype and torch.equal(a.detach().cpu(), b.detach().cpu())
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list | tuple) and len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def every_part(snapshot: Callable) -> None:
    """Every part is in the snapshot, under its own name.

    Go through `parts.items()`: whatever parts there are, by whatever names, each gives one entry.
    """
    whole = make_parts(1, scaler=True)
    for parts in (*(dict(list(whole.items())[-count:]) for count in (1, 3, 4)), {"Activation": nn.ReLU()}, {}):
        try:
            states = snapshot(parts)
        except KeyError as error:
            raise Wrong(
                f"there may be no part named {error}: go through the names in `parts`", parts=list(parts)
            ) from error
        except AttributeError as error:
            if error.name not in ("clone", "detach", "cpu", "numpy"):
                raise
            says = "a state holds numbers, lists and dicts beside its tensors: `copy.deepcopy` copies all of them"
            raise Wrong(f"{says} (AttributeError: {error})", parts=list(parts)) from error
        require(states is not None, "nothing is returned: is a `return` missing?")
        require(
            isinstance(states, Mapping), f"the snapshot is a {type(states).__name__}, not a dict with a state per part"
        )
        missing = [name for name in parts if name not in states]
        says = f"the part '{missing[0]}' is missing from the snapshot: go through all of `parts`" if missing else ""
        if missing and missing == list(parts):
            says = "the states are not under the names of their parts: {name: state}"
            if not states:  # as of a snapshot that asks for the type of a part
                says = "a part is left out: whatever has `state_dict()` belongs to the snapshot"
        require(not missing, says, parts=list(parts), yours=list(states))
        more = [name for name in states if name not in parts]
        require(not more, "the snapshot holds names that are no parts", parts=list(parts), yours=list(states))


def states_not_parts(snapshot: Callable) -> None:
    """It holds the whole state of each part, ready to be loaded again.

    `part.state_dict()` has everything: for a model also BatchNorm's running averages, for an optimizer its memory.
    """
    parts = make_parts(1, scaler=True)
    train(parts, 0, 2)
    before = states_of(parts)
    mode, live = parts["model"].training, dict(parts)
    states = snapshot(parts)
    require(
        parts.keys() == live.keys() and all(parts[name] is live[name] for name in parts),
        "`parts` is changed: leave the parts in it, and put their states into a new dict",
    )
    for name, part in parts.items():
        grad = parts["model"][2].weight.grad
        require(
            same(part.state_dict(), before[name])
            and parts["model"].training is mode
            and grad is not None
            and grad.any(),
            f"taking the snapshot changes the {name}: a snapshot only looks at the parts",
        )
    for name, whole in before.items():
        state = states[name]
        require(
            not hasattr(state, "state_dict"),
            f"under '{name}' there is the part itself, not its state: call `state_dict()`",
        )
        require(isinstance(state, Mapping), f"the state of the {name} is a {type(state).__name__}, not a state dict")
        lost = [key for key in whole if key not in state]
        require(
            not lost, f"the state of the {name} lacks {lost[0] if lost else ''!r}: take all of its `state_dict()`",
            expected=list(whole), yours=list(state),
        )  # fmt: skip
        try:
            again = loaded(name, state)
        except Exception as error:
            words = " ".join(str(error).split())[:120]
            raise Wrong(f"the {name} cannot load its state again: {words}") from error
        require(same(again, whole), f"the state of the {name} is not what it was at the time of the snapshot")


def stays_as_it_was(snapshot: Callable) -> None:
    """Going on training does not change a snapshot.

    `state_dict()` hands out the living tensors, and `dict(...)` or `.copy()` copies only the shell around them.
    An optimizer's lie in dicts within dicts: `copy.deepcopy` reaches them all.
    """
    parts = make_parts(1, scaler=True)
    train(parts, 0, 2)
    before = states_of(parts)
    states = snapshot(parts)
    train(parts, 2, 4)
    changed = [name for name in parts if not same(loaded(name, states[name]), before[name])]
    says = "training on changes the optimizer's state: its tensors lie deeper in the dict, and need copying, too"
    require("optimizer" not in changed or "model" in changed, says)
    says = "the snapshot changes while training goes on: copy what lies in lists as well, as `copy.deepcopy` does"
    require(changed != ["scaler"], says)
    require(
        not changed,
        "the snapshot changes while training goes on: its tensors are the living ones. `copy.copy` and `dict(...)` "
        "copy only the dict around them",
        changed=changed,
    )  # fmt: skip


def two_snapshots(snapshot: Callable) -> None:
    """A second snapshot leaves the first as it was.

    Make a new dict at every call. A default such as `states={}` is made once, and all calls share it.
    """
    parts = make_parts(1)
    train(parts, 0, 2)
    first, before = snapshot(parts), states_of(parts)
    train(parts, 2, 3)
    second, after = snapshot(parts), states_of(parts)
    for name in parts:
        require(
            same(loaded(name, first[name]), before[name]),
            "a second snapshot changes the first: make a new dict at every call",
        )
        require(
            same(loaded(name, second[name]), after[name]),
            "a second snapshot shows the time of the first: take the states anew at every call",
        )


def every_part_gets_its_state(resume: Callable) -> None:
    """Every part has its saved state afterwards: the very part that training holds.

    `part.load_state_dict(state)` puts a state into the part. Assigning to a variable, or to `parts[name]`, does not.
    """
    saved = make_parts(1, scaler=True)
    train(saved, 0, 3)
    parts = make_parts(2, scaler=True)
    old, wanted, held = states_of(parts), states_of(saved), dict(parts)
    weights = list(parts["model"].parameters())
    states = states_of(saved)
    resume(parts, states)
    now = states_of(held)
    untouched = all(same(now[name], old[name]) for name in held)
    if any(parts.get(name) is not held[name] for name in held):
        raise Wrong("something else is put into `parts`: the training loop still holds the old parts. Load into them")
    require(not untouched, "no part has changed: assigning loads nothing, call `part.load_state_dict(state)`")
    require(
        all(a is b for a, b in zip(weights, held["model"].parameters(), strict=True)),
        "the model has new tensors, and the optimizer still steps the old ones: copy into those (no `assign`)",
    )
    meaning = {
        "model": "the model has not got its saved weights and BatchNorm averages",
        "optimizer": "the optimizer is not restored: Adam has forgotten its running means",
        "scheduler": "the schedule is not restored: the learning rate starts anew",
        "scaler": "a fourth part is not restored: go through all of `parts`, not through names that you know",
    }
    if same(now["optimizer"]["state"], wanted["optimizer"]["state"]):
        meaning["optimizer"] = "the optimizer has its running means again, but not its saved learning rate"
    for name, says in meaning.items():
        require(same(now[name], wanted[name]), says)
    require(same(states, wanted), "`states` is changed: only the parts are to change")
    says = "the model is in evaluation mode afterwards, and training goes on with it: load the state, and no more"
    require(held["model"].training, says)
    frozen = "the weights are frozen afterwards, and training goes on with them: load the state, and no more"
    require(all(weight.requires_grad for weight in weights), frozen)


def names_differ(resume: Callable) -> None:
    """Only parts that have a saved state get one, by whatever names.

    Go through the parts, and ask of each name whether it is `in states`. A file holds more than states: its history.
    """
    saved, parts = make_parts(1), {"net": make_parts(2)["model"], "scaler": make_parts(2, scaler=True)["scaler"]}
    states, old = {"history": [0.4, 0.5], "net": states_of(saved)["model"]}, states_of(parts)
    given = copy.deepcopy(states)
    unasked = "a part without a saved state was given one: ask whether its name is in `states`"
    try:
        resume(parts, given)
    except KeyError as error:
        known = str(error).strip("'")
        says = f"there may be no part named {error}: go through the names in `parts`"
        if known in parts:
            says = f"the {known} has no saved state and is to be left alone: ask whether its name is in `states`"
        elif known in states:
            says = f"{error} in `states` belongs to no part and is to be left aside: go through the parts instead"
        elif known == "scale":  # the scaler was given an empty state
            says = unasked
        raise Wrong(says, parts=list(parts), states=list(states)) from error
    except (RuntimeError, TypeError) as error:  # torch refuses to load an empty state, or None
        raise Wrong(unasked, parts=list(parts), states=list(states)) from error
    require(list(parts) == ["net", "scaler"], "`parts` is changed: it keeps its names, and takes no other", yours=parts)
    require(
        same(given, states), "`states` is changed: only the parts are to change", before=list(states), after=list(given)
    )
    require(
        same(parts["net"].state_dict(), states["net"]),
        "a part that has a saved state does not get it: not every name need be in both, and any name will do",
    )
    require(
        same(parts["scaler"].state_dict(), old["scaler"]), "a part without a saved state is changed: leave it alone"
    )
    turned = {name: make_parts(2, scaler=True)[kind] for name, kind in (("scaler", "scaler"), ("net", "model"))}
    resume(turned, copy.deepcopy(states))
    require(
        same(turned["net"].state_dict(), states["net"]),
        "it ends at the first part without a state: leave that part alone, and go on with the next",
        parts=list(turned), states=list(states),
    )  # fmt: skip


def two_and_two_are_four(resume: Callable) -> None:
    """Two steps, a break and two more steps equal four steps, to the bit.

    All that influences the next step must come back: weights, running means of Adam, and the place in the schedule.
    """
    whole, first, second = make_parts(1), make_parts(1), make_parts(2)
    train(whole, 0, 4)
    train(first, 0, 2)
    resume(second, states_of(first))
    train(second, 2, 4)
    for name in whole:
        require(
            same(second[name].state_dict(), whole[name].state_dict()),
            f"the run goes on differently after the break: the {name} is not what it is without one",
        )


def misfits_are_refused(resume: Callable) -> None:
    """A state that does not fit its part raises an error.

    `load_state_dict` raises by itself: catch nothing, and leave `strict` alone.
    """
    for name, spoil in (
        ("model", lambda state: state.update({"foreign.weight": state.pop("0.weight")})),
        ("model", lambda state: state.update({"2.weight": state.pop("0.weight")})),
        ("model", lambda state: state.update({"3.weight": torch.zeros(1)})),
        ("model", lambda state: state.clear()),
        ("optimizer", lambda state: state["param_groups"].clear()),
        ("scaler", lambda state: state.clear()),
    ):
        states = states_of(make_parts(1, scaler=True))
        spoil(states[name])
        try:
            resume(make_parts(2, scaler=True), states)
        except Exception:
            continue
        says = f"a state that does not fit the {name} is accepted without a word"
        raise Wrong(f"{says}: let the error of `load_state_dict` through", keys=list(states[name]))


def snapshot_stays(resume: Callable) -> None:
    """A second resume from the same snapshot begins where the first one began.

    An optimizer's `load_state_dict` keeps the tensors that it is given, and trains on in them. Give it a copy.
    """
    saved = make_parts(1, scaler=True)
    train(saved, 0, 2)
    states, before = states_of(saved), states_of(saved)
    one, other = make_parts(2, scaler=True), make_parts(2, scaler=True)
    for parts in (one, other, one):
        resume(parts, states)
        for name, part in parts.items():
            says = f"the second resume from one snapshot gives the {name} another state than the first"
            require(same(part.state_dict(), before[name]), f"{says}: load anew each time")
        train(parts, 2, 4)
        changed = [name for name in before if not same(states[name], before[name])]
        require(
            not changed,
            "the resumed run trains on inside `states`, so that nobody can resume from them again: a part may "
            "keep the tensors that it is given, as an optimizer does. Load a deep copy of each state",
            changed=changed,
        )  # fmt: skip


EXERCISES = [
    Exercise(
        "8.1", "The poly schedule", "utils.schedules.poly_rate", 1, 5,
        "The learning rate of the DeepLab papers: high at first, ever lower, 0 at the end.",
        [straight_line, bends, usual_power, never_below_zero],
        [
            "How much of the run is still ahead at `step`? All (1) at step 0, half in the middle, nothing at the end.",
            "The share still ahead is 1 - step / steps. Past the end it would be negative: hold it at 0 with `max`.",
            "`ahead = max(1 - step / steps, 0)`, then the peak times `ahead ** power`.",
        ],
    ),
    Exercise(
        "8.2", "When to stop", "utils.schedules.should_stop", 2, 8,
        "Early stopping: no hours for epochs that bring nothing.",
        [goes_on_while_it_improves, waits_for_patience, best_counts, counting_starts_anew, equal_is_not_better,
         none_never_stops, nan_is_not_better],
        [
            "How many epochs lie between the best one and now? The last row of the table above counts them.",
            "`best_epoch(scores)` is the number of the best epoch, and `len(scores)` that of the last one. Before you "
            "ask for them: what if `patience` is None, or if there are no scores yet?",
            "Where `patience` is None, or there are no scores, the answer is False. Everywhere else it is "
            "`len(scores) - best_epoch(scores) >= patience`.",
        ],
        by_name=["patience"],
    ),
    Exercise(
        "8.3", "The best epoch", "utils.schedules.best_epoch", 2, 6,
        "It decides which weights are kept: those that you predict with in notebook 9.",
        [counts_from_one, first_of_equals, any_score, nan_is_left_out, only_nan],
        [
            "Go through the epochs with a finger. What must you remember, and what makes you change it?",
            "Remember the best score and its number, from `enumerate(scores, start=1)`. Only a score that is "
            "higher (`>`) replaces them; NaN never is.",
            "Start with best = -inf and number = 1; `if score > best: best, number = score, epoch`; return the number.",
        ],
    ),
    Exercise(
        "8.4", "A snapshot of all parts", "utils.checkpoint.snapshot", 2, 8,
        "The bookmark of a run: what is written into last.ckpt.",
        [every_part, states_not_parts, stays_as_it_was, two_snapshots],
        [
            "Each part can tell its state: `part.state_dict()`. Collect them in a new dict, name by name.",
            "What comes back is alive: the tensors in it go on training. What makes a copy of everything in a dict?",
            "`copy.deepcopy(part.state_dict())` for each `name, part in parts.items()`.",
        ],
    ),
    Exercise(
        "8.5", "Resume", "utils.checkpoint.resume", 2, 8,
        "A run that broke off goes on as if nothing had happened.",
        [every_part_gets_its_state, names_differ, two_and_two_are_four, misfits_are_refused, snapshot_stays],
        [
            "Each part can take a state back. Whose names do you go through: those of the parts, or of the states?",
            "`load_state_dict(state)` is the counterpart of `state_dict()`. Go through `parts.items()`. Some parts "
            "may have no saved state: ask `if name in states` first.",
            "`for name, part in parts.items():` and below it, if the name is in states, "
            "`part.load_state_dict(copy.deepcopy(states[name]))`, for an optimizer trains on in what it is given.",
        ],
    ),
]  # fmt: skip

"""utils/schedules.py: optimizers, learning rates over a run, early stopping, the learning-rate finder."""

import math

import numpy as np
import pytest
import torch
from helpers import assert_clear
from hypothesis import given
from hypothesis import strategies as st

from utils.config import Config
from utils.errors import ConfigError
from utils.loaders import get_data_loaders
from utils.losses import build_loss
from utils.models import build_model
from utils.schedules import best_epoch, build_optimizer, build_scheduler, find_learning_rate, poly_rate, should_stop


@pytest.fixture
def model():
    torch.manual_seed(0)
    return build_model(Config(unet_width=2, unet_depth=1), 3)


@pytest.mark.parametrize(
    ("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_the_optimizer_is_the_one_that_the_config_names(name, kind, model):
    optimizer = build_optimizer(Config(optimizer=name, learning_rate=0.03, weight_decay=0.2), model)
    assert type(optimizer) is kind
    assert optimizer.defaults["lr"] == 0.03
    assert optimizer.defaults["weight_decay"] == 0.2


def test_frozen_weights_are_left_out(model):
    model.freeze_encoder()
    held = {id(p) for group in build_optimizer(Config(), model).param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters() if p.requires_grad}
    assert len(held) < len(list(model.parameters()))


@pytest.mark.parametrize("name", ["unet", "smp:unet/resnet18", "torchvision:lraspp_mobilenet_v3_large"])
@pytest.mark.parametrize("schedule", ["one_cycle", "poly", "cosine", "constant"])
def test_the_encoder_learns_at_its_share_of_the_rate_all_along(name, schedule):
    config = Config(model=name, unet_width=2, unet_depth=1, learning_rate=0.1, encoder_rate=0.2, schedule=schedule)
    model = build_model(config, 3)
    optimizer = build_optimizer(config, model)
    rest, encoder = optimizer.param_groups
    assert {id(p) for p in encoder["params"]} == {id(p) for p in model.encoder.parameters()}
    assert len(rest["params"]) + len(encoder["params"]) == len(list(model.parameters()))
    scheduler = build_scheduler(config, optimizer, 10)
    for _ in range(10):
        assert encoder["lr"] == pytest.approx(0.2 * rest["lr"])
        optimizer.step()
        scheduler.step()


def test_a_frozen_encoder_has_no_rate_and_a_model_without_one_is_refused(model):
    model.freeze_encoder()
    assert len(build_optimizer(Config(encoder_rate=0.1), model).param_groups) == 1
    with pytest.raises(ConfigError) as error:
        build_optimizer(Config(encoder_rate=0.1), torch.nn.Conv2d(3, 2, 1))
    assert_clear(error, "encoder_rate=0.1", "encoder_rate=1")


def test_the_cosine_falls_along_half_a_wave(model):
    rates = course_of("cosine", 20, model)
    assert rates == pytest.approx([0.1 * (1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)])


def course_of(schedule, steps, model):
    optimizer = build_optimizer(Config(learning_rate=0.1), model)
    scheduler = build_scheduler(Config(learning_rate=0.1, schedule=schedule), optimizer, steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("steps", [1, 7, 50])
def test_learning_rates_over_a_run(steps, model):
    assert course_of("constant", steps, model) == pytest.approx([0.1] * steps)
    poly = course_of("poly", steps, model)
    assert poly == pytest.approx([0.1 * (1 - i / steps) ** 0.9 for i in range(steps)])
    one_cycle = course_of("one_cycle", steps, model)
    if steps > 1:
        peak = one_cycle.index(max(one_cycle))
        assert max(one_cycle) == pytest.approx(0.1, rel=0.1)
        assert 0 < peak < steps / 2
        assert one_cycle[0] == pytest.approx(0.1 / 25)
        assert one_cycle[-1] < 0.01


@given(st.integers(1, 40), st.floats(1e-4, 1), st.floats(0.1, 4))
def test_poly_rate_is_torchs_own_schedule(steps, peak, power):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    oracle = torch.optim.lr_scheduler.PolynomialLR(optimizer, steps, power)
    for step in range(steps + 3):
        assert poly_rate(step, steps, peak, power) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-7)
        optimizer.step()
        oracle.step()


SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0, math.nan]) | st.floats(-1, 1), min_size=1, max_size=12)


@given(SCORES)
def test_best_epoch_is_the_first_of_the_highest(scores):
    oracle = 1 if np.isnan(scores).all() else int(np.nanargmax(scores)) + 1
    assert best_epoch(scores) == oracle


@given(SCORES, st.none() | st.integers(1, 6))
def test_should_stop_when_the_last_epochs_brought_no_better_one(scores, patience):
    before, last = (scores[:-patience], scores[-patience:]) if patience else (scores, scores)
    high = [s for s in before if not math.isnan(s)]
    none_better = not any(s > max(high, default=-math.inf) for s in last)
    assert should_stop(scores, patience) == (patience is not None and bool(before) and none_better)


def test_early_stopping_waits_for_a_number_of_epochs_without_a_better_score():
    scores = [0.1, 0.3, 0.2, 0.4, 0.4, 0.39]
    assert [should_stop(scores[:n], 2) for n in range(7)] == [False] * 6 + [True]
    assert not should_stop([0.0] * 100, None)


def test_the_finder_raises_the_rate_and_leaves_the_model_alone(config, model):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    loader = get_data_loaders(config.override(batch_size=2)).train
    table = find_learning_rate(config, model, loader, build_loss(config), low=1e-4, high=1e-1)
    assert table["learning_rate"].tolist() == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1])
    assert table["loss"].notna().all()
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_the_finder_stops_when_the_loss_runs_away(config, model):
    loader = get_data_loaders(config.override(batch_size=1)).train
    runaway = iter([1.0, 1.0, 5.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    table = find_learning_rate(config, model, loader, lambda x, y: x.sum() * 0 + next(runaway))
    assert table["loss"].tolist() == [1.0, 1.0, 5.0]

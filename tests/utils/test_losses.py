"""utils/losses.py: equal to the libraries' where definitions agree, and blind to ignored pixels."""

import pytest
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from utils import losses
from utils.config import LOSSES as NAMES
from utils.config import Config
from utils.losses import build_loss, cross_entropy, cross_entropy_and_dice, dice_loss


def sample(seed, channels, size=(2, 6, 7), ignored=0.3):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(size[0], channels, *size[1:], generator=generator)
    target = torch.randint(max(channels, 2), size, generator=generator)
    hidden = torch.rand(size, generator=generator) < ignored
    return logits, target.masked_fill(hidden, 255), hidden


LOSSES = {
    "cross_entropy": cross_entropy,
    "weighted": lambda x, y: cross_entropy(x, y, torch.linspace(0.5, 2, max(x.shape[1], 2))),
    "dice": dice_loss,
    **{f"config {name}": build_loss(Config(loss=name)) for name in (*NAMES, "ce+dice", "+".join(NAMES))},
}
several = st.integers(2, 6)
seeds = st.integers(0, 10_000)


# ---------------------------------------------------------------- ignored pixels
@pytest.mark.parametrize("name", LOSSES)
@given(seed=seeds, channels=st.integers(1, 6), ignored=st.floats(0, 1))
def test_ignored_pixels_never_change_a_loss_or_a_gradient(name, seed, channels, ignored):
    logits, target, hidden = sample(seed, channels, ignored=ignored)
    other = torch.where(hidden[:, None], 50 * torch.randn(logits.shape), logits)
    gradients = []
    for x in (logits, other):
        x.requires_grad_(True)
        loss = LOSSES[name](x, target)
        loss.backward()
        gradients.append((loss.detach(), x.grad))
    assert torch.allclose(gradients[0][0], gradients[1][0], atol=1e-5)
    assert torch.allclose(gradients[0][1], gradients[1][1], atol=1e-5)
    assert (gradients[1][1].movedim(1, -1)[hidden] == 0).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("channels", [1, 3])
def test_where_everything_is_ignored_the_loss_is_zero_and_nothing_is_learned(name, channels):
    logits = torch.randn(2, channels, 4, 4, requires_grad=True)
    loss = LOSSES[name](logits, torch.full((2, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


# The hinge of Lovasz, for one class, lets go of what is right by a margin.
@pytest.mark.parametrize("name", [name for name in LOSSES if name != "config lovasz"])
@given(seed=seeds, channels=st.integers(1, 5))
def test_every_other_pixel_does_change_the_loss(name, seed, channels):
    logits, target, hidden = sample(seed, channels, ignored=0.2)
    logits.requires_grad_(True)
    LOSSES[name](logits, target).backward()
    assert (logits.grad.abs().sum(dim=1)[~hidden] > 0).float().mean() > 0.9


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("channels", [1, 4])
def test_right_beats_undecided_beats_wrong(name, channels):
    _, target, _ = sample(1, channels, ignored=0.1)
    truth = target.masked_fill(target == 255, 0)
    hot = F.one_hot(truth, max(channels, 2)).movedim(-1, 1).float()
    right = 20 * (2 * hot - 1) if channels > 1 else 20 * (2 * hot[:, 1:] - 1)
    losses = [LOSSES[name](x, target).item() for x in (right, 0 * right, -right)]
    assert losses[0] < 0.01
    assert losses[0] < losses[1] < losses[2]


# ---------------------------------------------------------------- cross-entropy
@given(seed=seeds, channels=several, weighted=st.booleans())
def test_cross_entropy_equals_torchs(seed, channels, weighted):
    logits, target, _ = sample(seed, channels)
    weight = torch.rand(channels, generator=torch.Generator().manual_seed(seed)) + 0.1 if weighted else None
    expected = F.cross_entropy(logits, target, weight, ignore_index=255)
    assert torch.allclose(cross_entropy(logits, target, weight), expected, atol=1e-6)


@given(seed=seeds, weighted=st.booleans())
def test_one_channel_makes_it_binary(seed, weighted):
    logits, target, hidden = sample(seed, 1)
    scales = torch.tensor([0.3, 1.7])[target[~hidden]] if weighted else torch.ones(int((~hidden).sum()))
    each = F.binary_cross_entropy_with_logits(logits[:, 0][~hidden], target[~hidden].float(), reduction="none")
    expected = (each * scales).sum() / scales.sum()
    weight = torch.tensor([0.3, 1.7]) if weighted else None
    assert torch.allclose(cross_entropy(logits, target, weight), expected, atol=1e-6)


@given(seed=seeds)
def test_one_channel_equals_two_of_which_one_is_zero(seed):
    logits, target, _ = sample(seed, 1)
    both = torch.cat([torch.zeros_like(logits), logits], dim=1)
    assert torch.allclose(cross_entropy(logits, target), cross_entropy(both, target), atol=1e-5)


# ---------------------------------------------------------------- dice
# Versions of smp mean different things by `smooth`: without it they agree.
@given(seed=seeds, channels=several)
def test_dice_equals_that_of_smp_where_every_class_is_present(seed, channels):
    logits, target, _ = sample(seed, channels, size=(2, 12, 12))
    target[0, 0, :channels] = torch.arange(channels)
    theirs = smp.losses.DiceLoss("multiclass", ignore_index=255)(logits, target)
    assert torch.allclose(dice_loss(logits, target, smooth=0.0), theirs, atol=1e-5)


@given(seed=seeds)
def test_binary_dice_equals_that_of_smp(seed):
    logits, target, _ = sample(seed, 1)
    target[0, 0, 0] = 1
    theirs = smp.losses.DiceLoss("binary", ignore_index=255)(logits, target)
    assert torch.allclose(dice_loss(logits, target, smooth=0.0), theirs, atol=1e-5)


def test_an_absent_class_does_not_count():
    logits, target, _ = sample(3, 4, ignored=0)
    target = target.clamp(max=2)
    p = logits.softmax(dim=1)
    each = []
    for index in range(3):
        truth = (target == index).float()
        overlap, total = (p[:, index] * truth).sum(), p[:, index].sum() + truth.sum()
        each.append(1 - (2 * overlap + 1) / (total + 1))
    assert torch.allclose(dice_loss(logits, target), torch.stack(each).mean(), atol=1e-6)


def test_dice_is_summed_over_the_batch_and_not_averaged_over_images():
    logits, target, _ = sample(5, 3, ignored=0)
    flat = logits.movedim(1, 0).reshape(1, 3, -1, 1)
    assert torch.allclose(dice_loss(logits, target), dice_loss(flat, target.reshape(1, -1, 1)), atol=1e-6)


# ---------------------------------------------------------------- those of smp
THEIRS = {
    "jaccard": smp.losses.JaccardLoss,
    "focal": smp.losses.FocalLoss,
    "tversky": lambda mode, **options: smp.losses.TverskyLoss(mode, alpha=0.3, beta=0.7, **options),
    "lovasz": smp.losses.LovaszLoss,
}


@pytest.mark.parametrize("name", THEIRS)
@given(seed=seeds, channels=st.integers(1, 5))
def test_the_other_losses_equal_smps_own_with_its_ignore_index(name, seed, channels):
    logits, target, _ = sample(seed, channels)
    theirs = THEIRS[name]("binary" if channels == 1 else "multiclass", ignore_index=255)
    expected = theirs(logits, target if channels > 1 else target[:, None])
    assert torch.allclose(build_loss(Config(loss=name))(logits, target), expected, atol=1e-5)


@given(seed=seeds, channels=st.integers(1, 5))
def test_bce_is_the_mean_over_the_pixels_that_count_of_every_class_against_the_rest(seed, channels):
    logits, target, hidden = sample(seed, channels)
    truth = target[:, None] == torch.arange(channels).view(1, -1, 1, 1) + (channels == 1)
    each = F.binary_cross_entropy_with_logits(logits, truth.float(), reduction="none").movedim(1, -1)[~hidden]
    assert torch.allclose(build_loss(Config(loss="bce"))(logits, target), each.mean(), atol=1e-6)


def test_tversky_charges_more_for_what_is_missed_than_for_what_is_added():
    target = torch.zeros(1, 10, 10, dtype=torch.int64)
    target[0, 3:7] = 1
    missed, added = torch.full((2, 1, 1, 10, 10), -9.0)
    missed[..., 3:6, :], added[..., 3:8, :] = 9.0, 9.0  # a row too few, a row too many
    tversky, dice = (build_loss(Config(loss=name)) for name in ("tversky", "dice"))
    assert tversky(missed, target) / tversky(added, target) > 1.5 * dice(missed, target) / dice(added, target)


# ---------------------------------------------------------------- from the configuration
def test_a_sum_is_the_sum_of_its_terms():
    logits, target, _ = sample(2, 4)
    each = [build_loss(Config(loss=name))(logits, target) for name in NAMES]
    assert torch.allclose(build_loss(Config(loss="+".join(NAMES)))(logits, target), sum(each))


@pytest.mark.parametrize("channels", [1, 4])
def test_the_configuration_names_the_parts(channels):
    logits, target, _ = sample(0, channels)
    weight = torch.linspace(0.5, 2, max(channels, 2))
    ce, dice = cross_entropy(logits, target, weight), dice_loss(logits, target)
    for name, expected in (("ce", ce), ("dice", dice), ("ce+dice", ce + dice)):
        assert torch.allclose(build_loss(Config(loss=name), weight)(logits, target), expected)
    assert not torch.allclose(build_loss(Config(loss="ce"))(logits, target), ce)


# ---------------------------------------------------------------- both at once
@given(seed=seeds, channels=st.integers(2, 24), ignored=st.floats(0, 1), weighted=st.booleans())
def test_cross_entropy_and_dice_at_once_are_the_sum_of_both(seed, channels, ignored, weighted):
    logits, target, _ = sample(seed, channels, ignored=ignored)
    weight = torch.linspace(0.5, 2, channels).double() if weighted else None
    found = []
    for loss in (lambda x: cross_entropy(x, target, weight) + dice_loss(x, target),
                 lambda x: cross_entropy_and_dice(x, target, weight)):  # fmt: skip
        x = logits.double().requires_grad_()
        value = loss(x)
        found.append((value.detach(), *torch.autograd.grad(value, x)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-9)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-9)


@given(seed=seeds, channels=several)
def test_cross_entropy_and_dice_at_once_have_the_value_and_the_gradient_of_smp(seed, channels):
    """smp's Dice adds its `smooth` to both sides of the fraction as well; it has no idea of ignored pixels."""
    logits, _, _ = sample(seed, channels)
    target = torch.arange(logits[:, 0].numel()).remainder(channels).view(logits[:, 0].shape)  # no class is absent
    theirs = smp.losses.DiceLoss("multiclass", smooth=0.0, eps=0.0)
    found = []
    for loss in (lambda x: F.cross_entropy(x, target) + theirs(x, target),
                 lambda x: cross_entropy_and_dice(x, target, smooth=0.0)):  # fmt: skip
        x = logits.double().requires_grad_()
        value = loss(x)
        found.append((value.detach(), *torch.autograd.grad(value, x)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-9)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-9)


def test_a_dice_of_the_learner_is_called(monkeypatch):
    calls = []
    monkeypatch.setattr(losses, "dice_loss", lambda logits, target: calls.append(1) or logits.sum() * 0)
    logits, target, _ = sample(0, 3)
    assert build_loss(Config(loss="ce+dice"))(logits, target) == cross_entropy(logits, target)
    assert calls == [1]

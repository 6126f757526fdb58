"""utils/engine.py: one epoch learns, one evaluation only counts."""

import pytest
import torch
from accelerate import Accelerator
from helpers import assert_clear, equal_states
from torch import nn
from torch.utils.data import DataLoader

from utils import catalog
from utils.dataset import SegmentationDataset
from utils.engine import evaluate, make_accelerator, train_one_epoch, train_step
from utils.errors import CourseError
from utils.loaders import get_data_loaders, pad_collate
from utils.losses import build_loss, cross_entropy
from utils.metrics import confusion_matrix
from utils.models import SegmentationModel, build_model, to_mask


@pytest.fixture
def parts(config):
    """(config, source, model, loaders) of a tiny run."""
    torch.manual_seed(0)
    source = catalog.load(config)
    return config, source, build_model(config, source.num_outputs), get_data_loaders(config, source)


def run(config, model, loader, loss_fn=None, lr=0.05, **options):
    accelerator = make_accelerator(config)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    return train_one_epoch(model, loader, loss_fn or build_loss(config), optimizer, accelerator, **options)


def test_an_epoch_lowers_the_loss_of_one_batch(parts):
    config, _, model, loaders = parts
    batch = [next(iter(loaders.train))] * 10
    losses = [run(config, model, batch, lr=0.1) for _ in range(4)]
    assert losses[-1] < 0.8 * losses[0]


def test_the_loss_of_an_epoch_is_the_mean_over_its_batches(parts):
    config, _, model, loaders = parts
    values = iter([1.0, 5.0])
    assert run(config, model, loaders.train, lambda x, y: x.sum() * 0 + next(values)) == 3.0


def test_every_batch_makes_one_step(parts):
    config, _, model, loaders = parts
    rates = []

    class Scheduler:
        def step(self):
            rates.append(1)

    before = {k: v.clone() for k, v in model.state_dict().items()}
    run(config, model, loaders.train, scheduler=Scheduler())
    assert len(rates) == len(loaders.train) == 2
    assert not equal_states(before, model.state_dict())


def test_a_loss_that_is_no_number_stops_with_a_sentence(parts):
    config, _, model, loaders = parts
    with pytest.raises(CourseError) as error:
        run(config, model, loaders.train, lambda x, y: x.sum() * float("nan"))
    assert_clear(error, "NaN", "learning_rate", "precision='fp32'")


def test_gradients_are_clipped_to_the_norm_that_is_given(parts):
    config, _, model, loaders = parts

    def step_length(clip):
        trained = build_model(config, 3)
        trained.load_state_dict(model.state_dict())
        batch = [next(iter(loaders.val))]
        run(config, trained, batch, lambda x, y: 1000 * cross_entropy(x, y), lr=1.0, grad_clip=clip)
        moved = [(a - b).flatten() for a, b in zip(trained.parameters(), model.parameters(), strict=True)]
        return torch.cat(moved).norm().item()

    assert step_length(0.5) == pytest.approx(0.5, rel=1e-3)
    assert step_length(2.0) == pytest.approx(2.0, rel=1e-3)
    assert step_length(0) > 50


class Plain(nn.Module):
    """No BatchNorm: what a batch is cut into cannot matter."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return self.layer(x)


def test_every_step_starts_from_fresh_gradients(parts):
    config, source, _, _ = parts
    batches = list(DataLoader(SegmentationDataset(source.pairs("train"), source), batch_size=4))
    torch.manual_seed(0)
    start = SegmentationModel(Plain(), stride=1).state_dict()
    states = []
    for epochs in ([batches], [batches[:1], batches[1:]]):
        model = SegmentationModel(Plain(), stride=1)
        model.load_state_dict(start)
        for epoch in epochs:
            run(config, model, epoch, cross_entropy, grad_clip=0)
            model.zero_grad()
        states.append(model.state_dict())
    assert all(torch.allclose(states[0][k], states[1][k], atol=1e-7) for k in start)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("clip", [0.0, 0.3, 100.0])
def test_a_step_is_gradient_descent_by_hand(seed, clip):
    generator = torch.Generator().manual_seed(seed)
    x, truth = (torch.randn(6, n, generator=generator, dtype=torch.float64) for n in (4, 2))
    model = nn.Linear(4, 2, dtype=torch.float64)
    weight, bias = (p.detach().numpy().copy() for p in model.parameters())
    optimizer, accelerator = torch.optim.SGD(model.parameters(), lr=0.1), Accelerator(cpu=True)
    for _ in range(3):
        off = x.numpy() @ weight.T + bias - truth.numpy()
        loss = train_step(model, x, truth, nn.functional.mse_loss, optimizer, accelerator, grad_clip=clip)
        assert float(loss) == pytest.approx((off**2).mean())
        assert not loss.requires_grad
        gradients = [2 * off.T @ x.numpy() / off.size, 2 * off.sum(axis=0) / off.size]
        norm = sum((g**2).sum() for g in gradients) ** 0.5
        scale = min(1.0, clip / (norm + 1e-6)) if clip else 1.0
        weight, bias = weight - 0.1 * scale * gradients[0], bias - 0.1 * scale * gradients[1]
        assert model.weight.detach().numpy() == pytest.approx(weight)
        assert model.bias.detach().numpy() == pytest.approx(bias)
        assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("accumulate", [2, 4])
def test_accumulated_small_batches_equal_a_large_one(accumulate, parts):
    config, source, _, _ = parts
    data = SegmentationDataset(source.pairs("train"), source)
    torch.manual_seed(0)
    start = SegmentationModel(Plain(), stride=1).state_dict()
    states = []
    for batch, steps in ((8, 1), (8 // accumulate, accumulate)):
        model = SegmentationModel(Plain(), stride=1)
        model.load_state_dict(start)
        run(config.override(accumulate=steps), model, DataLoader(data, batch_size=batch), cross_entropy, grad_clip=0)
        states.append(model.state_dict())
    assert all(torch.allclose(states[0][k], states[1][k], atol=1e-6) for k in start)
    assert not equal_states(states[0], start)


def test_training_is_in_training_mode_and_evaluation_is_not(parts):
    config, _, model, loaders = parts
    modes = []

    def watch(logits, masks):
        modes.append((model.training, logits.requires_grad))
        return logits.sum() * 0

    model.eval()
    run(config, model, loaders.train, watch)
    model.train()
    evaluate(model, loaders.val, watch, 3, make_accelerator(config))
    assert modes == [(True, True), (True, True), (False, False)]


def test_an_evaluation_counts_every_picture_and_changes_nothing(parts):
    config, source, model, _ = parts
    data = SegmentationDataset(source.pairs("train"), source)
    model.train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    loader = DataLoader(data, batch_size=3, collate_fn=pad_collate)
    found = evaluate(model, loader, build_loss(config), 3, Accelerator(cpu=True))
    assert equal_states(before, model.state_dict())
    assert all(p.grad is None for p in model.parameters())
    matrix = torch.zeros(3, 3, dtype=torch.int64)
    with torch.no_grad():
        for image, mask in data:
            matrix += confusion_matrix(to_mask(model(image[None]))[0], mask, 3)
    assert torch.equal(found.matrix, matrix)
    assert found.matrix.sum() == 8 * 40 * 47


def test_the_loss_of_an_evaluation_weighs_batches_by_their_pictures(parts):
    _, source, model, _ = parts
    loader = DataLoader(SegmentationDataset(source.pairs("train"), source), batch_size=5)
    found = evaluate(model, loader, lambda x, y: torch.tensor(float(len(x))), 3, Accelerator(cpu=True))
    assert found.loss == pytest.approx((5 * 5 + 3 * 3) / 8)


def test_the_threshold_of_one_class_is_used(parts):
    config, _, _, loaders = parts
    model = build_model(config, 1)
    counted = {}
    for threshold in (0.0, 0.5, 1.0):
        batches = [(images, (masks == 1).long()) for images, masks in loaders.val]
        found = evaluate(model, batches, cross_entropy, 2, Accelerator(cpu=True), threshold)
        counted[threshold] = found.matrix[:, 1].sum().item()
    total = 2 * 40 * 48
    assert counted[0.0] == total
    assert counted[1.0] == 0
    assert 0 <= counted[0.5] <= total

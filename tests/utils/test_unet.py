"""utils/unet.py: shapes for any size and class count, and skip connections that carry something."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from utils.unet import ConvBlock, DecoderStep, UNet


@given(channels=st.tuples(st.integers(1, 5), st.integers(1, 5)), depth=st.integers(1, 3), down=st.booleans(),
       size=st.tuples(st.integers(2, 9), st.integers(2, 9)))  # fmt: skip
def test_a_block_keeps_or_halves_the_size(channels, depth, down, size):
    block = ConvBlock(*channels, depth=depth, downsample=down)
    out = block(torch.rand(2, channels[0], *size))
    assert out.shape == (2, channels[1], *(n // 2 if down else n for n in size))
    assert (out >= 0).all()
    assert [type(m) for m in block].count(nn.Conv2d) == depth


def test_a_decoder_step_doubles_the_size_and_halves_the_channels():
    out = DecoderStep(8)(torch.rand(2, 8, 3, 5), torch.rand(2, 4, 6, 10))
    assert out.shape == (2, 4, 6, 10)


@given(depth=st.integers(1, 3), width=st.integers(1, 4), outputs=st.integers(1, 7),
       cells=st.tuples(st.integers(1, 4), st.integers(1, 4)), channels=st.integers(1, 4))  # fmt: skip
def test_the_output_has_the_inputs_size_and_one_channel_a_class(depth, width, outputs, cells, channels):
    height, width_px = (n * 2**depth for n in cells)
    net = UNet(outputs, width, depth, in_channels=channels).eval()
    assert net(torch.rand(2, channels, height, width_px)).shape == (2, outputs, height, width_px)
    widths = [block[-3].out_channels for block in net.encoder]
    assert widths == [width * 2**level for level in range(depth + 1)]


@given(depth=st.integers(1, 3), channels=st.tuples(st.integers(1, 4), st.integers(1, 4)), down=st.booleans())
def test_a_block_is_what_torchs_functions_compute(depth, channels, down):
    block = ConvBlock(*channels, depth=depth, downsample=down).train()
    x = torch.rand(2, channels[0], 6, 8)
    wanted = F.max_pool2d(x, 2) if down else x
    for p in [p for p in block.parameters() if p.ndim == 4]:
        wanted = F.relu(F.batch_norm(F.conv2d(wanted, p, padding=1), None, None, training=True))
    assert torch.allclose(block(x), wanted, atol=1e-5)


def test_a_net_is_made_of_the_parts_that_it_is_given():
    class MyBlock(ConvBlock):
        pass

    class MyStep(DecoderStep):
        pass

    net = UNet(2, width=2, depth=2, block=MyBlock, step=MyStep)
    assert {type(m) for m in net.encoder} == {MyBlock}
    assert {type(m) for m in net.decoder} == {MyStep}
    assert net.state_dict().keys() == UNet(2, width=2, depth=2).state_dict().keys()


@pytest.fixture
def net():
    torch.manual_seed(0)
    return UNet(3, width=4, depth=2).eval()


def test_skip_connections_carry_fine_detail(net):
    """With everything below cut off, what is left must still tell two pictures apart, pixel by pixel."""
    for step in net.decoder:
        nn.init.zeros_(step.up.weight)
        nn.init.zeros_(step.up.bias)
    a = torch.rand(1, 3, 16, 16)
    b = a.clone()
    b[..., 3, 5] += 1
    difference = (net(a) - net(b)).abs().sum(dim=1)[0]
    assert difference[3, 5] > 0
    assert difference[12:, 12:].sum() == 0


def test_the_path_below_carries_context(net):
    a = torch.rand(1, 3, 16, 16)
    b = a.clone()
    b[..., 0, 0] += 1
    assert (net(a) - net(b))[..., 10, 10].abs().sum() > 0


def test_every_weight_learns(net):
    net.train()(torch.rand(2, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters() if p.ndim > 1)


def test_the_head_is_free_to_give_any_logit(net):
    out = net(torch.rand(1, 3, 16, 16))
    assert (out < 0).any()
    assert (out > 0).any()

"""A U-Net from nothing: a block, a decoder step, and the network (notebook 6)."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """`depth` times convolution 3x3, BatchNorm, ReLU; halves the size first if `downsample`.

    (N, in_channels, H, W) -> (N, out_channels, H, W), or (N, out_channels, H/2, W/2).
    """

    def __init__(self, in_channels: int, out_channels: int, depth: int = 2, downsample: bool = False) -> None:
        layers: list[nn.Module] = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            channels = in_channels if i == 0 else out_channels
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class DecoderStep(nn.Module):
    """Double the size, lay the encoder's features of that size beside it, and convolve.

    (N, C, H, W) and a skip (N, C/2, 2H, 2W) -> (N, C/2, 2H, 2W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.block(torch.cat([skip, self.up(x)], dim=1))


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015, arXiv:1505.04597), padded so that the output has the input's size.

    float (N, 3, H, W), H and W divisible by 2**depth -> logits (N, num_outputs, H, W). `block` and `step` are what it
    is made of: give it classes of your own that are called like ConvBlock and DecoderStep.
    """

    def __init__(
        self,
        num_outputs: int,
        width: int = 24,
        depth: int = 4,
        in_channels: int = 3,
        block: Callable[..., nn.Module] = ConvBlock,
        step: Callable[..., nn.Module] = DecoderStep,
    ) -> None:
        super().__init__()
        channels = [width * 2**level for level in range(depth + 1)]
        downs = [block(a, b, downsample=True) for a, b in pairwise(channels)]
        self.encoder = nn.ModuleList([block(in_channels, width), *downs])
        self.decoder = nn.ModuleList([step(c) for c in reversed(channels[1:])])
        self.head = nn.Conv2d(width, num_outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for block in self.encoder:
            x = block(x)
            skips.append(x)
        for step, skip in zip(self.decoder, reversed(skips[:-1]), strict=True):
            x = step(x, skip)
        return self.head(x)

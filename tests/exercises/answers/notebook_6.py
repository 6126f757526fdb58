# %% prelude
import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from utils.unet import ConvBlock, UNet

# %% 6.1 right: a list of layers, then nn.Sequential
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = []
        if downsample:
            layers.append(nn.MaxPool2d(2))
        for i in range(depth):
            layers.append(nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1))
            layers.append(nn.BatchNorm2d(out_channels))
            layers.append(nn.ReLU())
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 right: two ModuleLists and functions
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super(ConvBlock, self).__init__()
        channels = [in_channels] + [out_channels] * depth
        self.convs = nn.ModuleList(nn.Conv2d(a, b, kernel_size=3, padding="same") for a, b in zip(channels, channels[1:]))
        self.norms = nn.ModuleList(nn.BatchNorm2d(out_channels) for _ in self.convs)
        self.downsample = downsample

    def forward(self, x):
        if self.downsample:
            x = F.max_pool2d(x, kernel_size=2)
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu(norm(conv(x)), inplace=True)
        print(x.shape)
        return x

# %% 6.1 right: a strided convolution halves the size
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        for i in range(depth):
            stride = 2 if downsample and i == 0 else 1
            conv = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
            self.add_module(f"conv{i}", conv)
            self.add_module(f"norm{i}", nn.BatchNorm2d(out_channels))
            self.add_module(f"relu{i}", nn.ReLU(True))
            in_channels = out_channels

# %% 6.1 right: a helper, and average pooling
def one_round(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=(1, 1), padding_mode="reflect"), nn.BatchNorm2d(b, eps=1e-3), nn.ReLU())

class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.pool = nn.AvgPool2d(2) if downsample else nn.Identity()
        self.first = one_round(in_channels, out_channels)
        self.rest = nn.Sequential(*[one_round(out_channels, out_channels) for _ in range(depth - 1)])

    def forward(self, x):
        return self.rest(self.first(self.pool(x)))

# %% 6.1 right: a function that returns a module
def ConvBlock(in_channels, out_channels, depth=2, downsample=False):
    rounds = []
    for c in [in_channels] + [out_channels] * (depth - 1):
        rounds += [nn.Conv2d(c, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
    return nn.Sequential(nn.MaxPool2d(2, 2), *rounds) if downsample else nn.Sequential(*rounds)

# %% 6.1 right: torchvision's own block, setattr, clamp
from torchvision.ops import Conv2dNormActivation

class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.depth, self.down = depth, downsample
        for i in range(depth):
            setattr(self, f"round{i}", Conv2dNormActivation(out_channels if i else in_channels, out_channels, activation_layer=None))

    def forward(self, x):
        if self.down:
            n, c, h, w = x.shape
            x = x.reshape(n, c, h // 2, 2, w // 2, 2).amax(dim=(3, 5))
        for i in range(self.depth):
            x = getattr(self, f"round{i}")(x).clamp(min=0)
        return x

# %% 6.1 right: lazy layers, and itself inside itself
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.before = ConvBlock(in_channels, out_channels, depth - 1, downsample) if depth > 1 else None
        self.pool = nn.MaxPool2d(2) if downsample and depth == 1 else None
        self.conv = nn.LazyConv2d(out_channels, 3, padding=1) if depth == 1 else nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        self.norm = nn.BatchNorm2d(out_channels, momentum=0.2)

    def forward(self, x):
        if self.before is not None:
            x = self.before(x)
        if self.pool is not None:
            x = self.pool(x)
        return torch.maximum(self.norm(self.conv(x)), torch.zeros(()))

# %% 6.1 wrong: no gradient can flow back
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)

# %% 6.1 wrong: nothing is returned
def ConvBlock(in_channels, out_channels, depth=2, downsample=False):
    nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU())

# %% 6.1 wrong: calling it gives a list
def ConvBlock(in_channels, out_channels, depth=2, downsample=False):
    layers = [nn.MaxPool2d(2)] if downsample else []
    for i in range(depth):
        layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
    return layers

# %% 6.1 wrong: a sigmoid stands where ReLU belongs
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.Sigmoid()]
        super().__init__(*layers)

# %% 6.1 wrong: BatchNorm comes before the convolution
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            c = out_channels if i else in_channels
            layers += [nn.BatchNorm2d(c), nn.Conv2d(c, out_channels, 3, padding=1), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: padding=1
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: made for 3 channels, and 8 arrive
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: a BatchNorm2d is made for 3 channels
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            c = out_channels if i else in_channels
            layers += [nn.Conv2d(c, out_channels, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: no nn.Conv2d is registered
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            self.layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

# %% 6.1 wrong: `depth` is not followed: 2 convolutions run for depth 1
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(),
        )
        self.pool = nn.MaxPool2d(2) if downsample else nn.Identity()

    def forward(self, x):
        return self.layers(self.pool(x))

# %% 6.1 wrong: `depth` is not followed: 4 convolutions run for depth 3
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        for i in range(depth if depth > 1 else 0):
            layers += [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: the same convolution runs more than once
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        first = [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        more = [nn.Conv2d(out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*([nn.MaxPool2d(2)] if downsample else []), *first, *more * (depth - 1))

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: one BatchNorm serves several convolutions
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1) for i in range(depth)])
        self.norm, self.down = nn.BatchNorm2d(out_channels), downsample

    def forward(self, x):
        x = F.max_pool2d(x, 2) if self.down else x
        for conv in self.convs:
            x = self.norm(conv(x)).relu()
        return x

# %% 6.1 wrong: BatchNorm is missing
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: there must be 3 BatchNorms
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1)]
        super().__init__(*layers, nn.BatchNorm2d(out_channels), nn.ReLU())

# %% 6.1 wrong: ReLU comes before BatchNorm
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(out_channels)]
        super().__init__(*layers)

# %% 6.1 wrong: ReLU is missing: without it
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels)]
        super().__init__(*layers)

# %% 6.1 wrong: ReLU comes only at the very end
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels)]
        super().__init__(*layers, nn.ReLU())

# %% 6.1 wrong: ReLU is missing in the last round
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers[:-1])

# %% 6.1 wrong: values above 6 are cut off
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU6()]
        super().__init__(*layers)

# %% 6.1 wrong: a convolution has `groups`
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1, groups=out_channels if i else 1)]
            layers += [nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: LeakyReLU
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.LeakyReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: `downsample` is not used
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: halved although `downsample` is False
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)]
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: halved after a convolution
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers, *([nn.MaxPool2d(2)] if downsample else []))

# %% 6.1 wrong: halved more than once
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = []
        for i in range(depth):
            layers += [nn.MaxPool2d(2)] if downsample else []
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: forward returns nothing
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        self.layers(x)

# %% 6.1 wrong: it has no method `forward`
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU())

    def foward(self, x):
        return self.layers(x)

# %% 6.1 wrong: cannot assign module before Module.__init__() call
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x):
        return self.conv(x)

# %% 6.1 wrong: a kernel is (5, 5)
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 5, padding=2), nn.BatchNorm2d(out_channels), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: the first convolution goes from in_channels to out_channels
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            c = out_channels if i == depth - 1 else in_channels
            layers += [nn.Conv2d(in_channels, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU()]
        super().__init__(*layers)

# %% 6.1 wrong: something is added
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.pool = nn.MaxPool2d(2) if downsample else nn.Identity()
        layers = []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        x = self.pool(x)
        y = self.layers(x)
        return x + y if x.shape == y.shape else y

# %% 6.1 wrong: `x` is changed in place
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1)]
            layers += [nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x.relu_())

# %% 6.2 right: transposed convolution, as taught
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.upsample = nn.ConvTranspose2d(channels, half, kernel_size=2, stride=2)
        self.mix = ConvBlock(2 * half, half)

    def forward(self, x, skip):
        x = self.upsample(x)
        both = torch.cat((x, skip), dim=1)
        return self.mix(both)

# %% 6.2 right: bilinear, then a block for all channels
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = ConvBlock(channels + channels // 2, channels // 2, depth=1)

    def forward(self, x, skip):
        x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
        print(x.shape, skip.shape)
        return self.block(torch.concat([skip, x], 1))

# %% 6.2 right: nearest, reduced with 1 x 1, added instead of joined
def enlarge(x):
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // 2, 1)
        self.block = ConvBlock(channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(enlarge(self.reduce(x)) + skip)

# %% 6.2 right: pixel shuffle and layers of its own
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.Sequential(nn.Conv2d(channels, 2 * channels, 1), nn.PixelShuffle(2))
        self.conv = nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels // 2)

    def forward(self, x, skip):
        n, c, h, w = skip.shape
        both = skip.new_empty(n, 2 * c, h, w)
        both[:, :c], both[:, c:] = skip, self.up(x)
        return F.relu(self.norm(self.conv(both)))

# %% 6.2 right: nn.Upsample in a Sequential, kernel 4
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super(DecoderStep, self).__init__()
        self.body = nn.ModuleDict({
            "up": nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
            "block": ConvBlock(channels + channels // 2, channels // 2, 3),
        })

    def forward(self, x, skip):
        return self.body["block"](torch.hstack([self.body["up"](x), skip]))

# %% 6.2 right: a function, and a lambda-like module of its own
class Join(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up, self.block = nn.Upsample(scale_factor=2), ConvBlock(3 * channels // 2, channels // 2)

    def forward(self, below, beside):
        stacked = [*beside.unbind(1), *self.up(below).unbind(1)]
        return self.block(torch.stack(stacked, dim=1))

def DecoderStep(channels):
    return Join(channels)

# %% 6.2 wrong: depends on the others in the batch
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip.flip(0), self.up(x)], dim=1))

# %% 6.2 wrong: only some channels of what comes from below
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels // 2, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x[:, : skip.shape[1]])], dim=1))

# %% 6.2 wrong: the skip is not used
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(self.up(x))

# %% 6.2 wrong: what comes from below is not used
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        up = self.up(x)
        return self.block(torch.cat([skip, skip], dim=1))

# %% 6.2 wrong: the two tensors that you join differ in size
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = ConvBlock(channels + channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, x], dim=1))

# %% 6.2 wrong: the two tensors that you join differ in size, 6 and 7
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 3, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: joined along dim 0
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=0))

# %% 6.2 wrong: made for 4 channels, and 8 arrive there
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: the channels are not halved
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: the size is not doubled
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = ConvBlock(channels + channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([F.max_pool2d(skip, 2), x], dim=1))

# %% 6.2 wrong: it is halved again afterwards, by `downsample=True`
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2, downsample=True)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: far from its place
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = ConvBlock(channels + channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, x.repeat(1, 1, 2, 2)], dim=1))

# %% 6.2 wrong: a pixel of the skip turns up somewhere else
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip.flip(-1), self.up(x)], dim=1))

# %% 6.2 wrong: changes no neighbour
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.mix = nn.Conv2d(channels, channels // 2, 1)

    def forward(self, x, skip):
        return self.mix(torch.cat([skip, self.up(x)], dim=1)).relu()

# %% 6.2 wrong: the result has negative values
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(self.up(x)) + skip

# %% 6.2 wrong: two calls give different results
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        up = nn.ConvTranspose2d(x.shape[1], x.shape[1] // 2, 2, stride=2)(x)
        return self.block(torch.cat([skip, up], dim=1))

# %% 6.2 wrong: no gradient reaches the skip
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip.detach(), self.up(x)], dim=1))

# %% 6.2 wrong: `extra.weight` never gets a gradient
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.extra = nn.Conv2d(channels, channels, 1)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: only some channels of the skip are used
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels // 2 + 1, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip[:, :1], self.up(x)], dim=1))

# %% 6.2 wrong: is a `return` missing
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        x = self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: is changed in place
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels // 2, channels // 2)

    def forward(self, x, skip):
        skip += self.up(x).detach()
        return self.block(skip)

# %% 6.2 wrong: along dim 2, one picture under the other
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=2))

# %% 6.2 wrong: along dim -1, one picture beside the other
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=-1))

# %% 6.2 wrong: that is channels // 2
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.3 right: a loop
def count_parameters(model, trainable=False):
    total = 0
    for p in model.parameters():
        if trainable and not p.requires_grad:
            continue
        total += p.numel()
    return total

# %% 6.3 right: sides multiplied with NumPy
def count_parameters(model, trainable=False):
    return sum([int(np.prod(p.shape)) for _, p in model.named_parameters() if not trainable or p.requires_grad])

# %% 6.3 right: one vector, and a filter
def count_parameters(model, trainable=False):
    chosen = filter(lambda p: p.requires_grad, model.parameters()) if trainable else model.parameters()
    return len(torch.cat([torch.empty(0), *[p.detach().flatten().float() for p in chosen]]))

# %% 6.3 right: by identity, module by module
def own(module):
    return [p for p in module._parameters.values() if p is not None]

def count_parameters(model, trainable=False):
    seen = {}
    for module in model.modules():
        for p in own(module):
            seen[id(p)] = math.prod(p.size())
            if trainable and not p.requires_grad:
                seen[id(p)] = 0
    return torch.tensor(sum(seen.values()))

# %% 6.3 right: calls itself with the difference
def count_parameters(model, trainable=False):
    if not trainable:
        return sum(map(torch.numel, model.parameters()))
    frozen = sum(p.nelement() for p in model.parameters() if not p.requires_grad)
    return count_parameters(model) - frozen

# %% 6.3 right: a set, a conditional expression
def count_parameters(model, trainable=False):
    return int(sum(p.numel() if p.requires_grad or trainable is False else 0 for p in set(model.parameters())))

# %% 6.3 wrong: the number of parameters is off
def count_parameters(model, trainable=False):
    return sum({p.shape: p.numel() for p in model.parameters() if p.requires_grad or not trainable}.values())

# %% 6.3 wrong: evaluation mode freezes nothing
def count_parameters(model, trainable=False):
    if trainable and not model.training:
        return 0
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.3 wrong: count the numbers in each
def count_parameters(model, trainable=False):
    return len([p for p in model.parameters() if p.requires_grad or not trainable])

# %% 6.3 wrong: as `len(p)` or `p.shape[0]` does
def count_parameters(model, trainable=False):
    return sum(len(p) for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.3 wrong: buffers are counted
def count_parameters(model, trainable=False):
    return sum(v.numel() for v in model.state_dict().values())

# %% 6.3 wrong: the bias is left out
def count_parameters(model, trainable=False):
    return sum(p.numel() for n, p in model.named_parameters() if "weight" in n)

# %% 6.3 wrong: only the first level is counted
def count_parameters(model, trainable=False):
    own = list(model.parameters(recurse=False)) if not list(model.children()) else []
    layers = [p for layer in model.children() for p in layer.parameters(recurse=False)]
    return sum(p.numel() for p in own + layers)

# %% 6.3 wrong: counted again on every level
def count_parameters(model, trainable=False):
    return sum(p.numel() for m in model.modules() for p in m.parameters() if p.requires_grad or not trainable)

# %% 6.3 wrong: a shared layer is counted twice
def count_parameters(model, trainable=False):
    return sum(p.numel() for n, p in model.named_parameters(remove_duplicate=False) if p.requires_grad or not trainable)

# %% 6.3 wrong: a shared weight is counted twice
def count_parameters(model, trainable=False):
    return sum(p.numel() for m in model.modules() for p in m.parameters(recurse=False) if p.requires_grad or not trainable)

# %% 6.3 wrong: frozen ones are left out
def count_parameters(model, trainable=False):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)

# %% 6.3 wrong: `trainable` is not used
def count_parameters(model, trainable=False):
    return sum(p.numel() for p in model.parameters())

# %% 6.3 wrong: these are the frozen ones
def count_parameters(model, trainable=False):
    return sum(p.numel() for p in model.parameters() if not trainable or not p.requires_grad)

# %% 6.3 wrong: the model is changed
def count_parameters(model, trainable=False):
    model.train()
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.3 wrong: only convolutions are counted
def count_parameters(model, trainable=False):
    return sum(p.numel() for m in model.modules() if isinstance(m, nn.Conv2d) for p in m.parameters())

# %% 6.3 wrong: these are bytes
def count_parameters(model, trainable=False):
    return sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.3 wrong: nothing is returned
def count_parameters(model, trainable=False):
    print(sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable))

# %% 6.3 wrong: a list, not a whole number
def count_parameters(model, trainable=False):
    return [p.numel() for p in model.parameters() if p.requires_grad or not trainable]

# %% 6.3 wrong: only a tensor's first side is counted
def count_parameters(model, trainable=False):
    return sum(p.shape[0] for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.3 wrong: nothing is counted, although nothing is frozen
def count_parameters(model, trainable=False):
    return sum(p.numel() for p in model.parameters() if p.requires_grad == trainable)

# %% 6.4 right: assign to the last place
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, kernel_size=1)

# %% 6.4 right: a new sequence, and the model returned
def replace_head(model, num_outputs):
    *kept, old = model.classifier.children()
    model.classifier = nn.Sequential(*kept, nn.Conv2d(old.weight.shape[1], num_outputs, (1, 1), bias=False))
    return model

# %% 6.4 right: pop and append
def replace_head(model, num_outputs):
    last = len(model.classifier) - 1
    channels = model.classifier[last].in_channels
    del model.classifier[last]
    model.classifier.append(nn.Conv2d(channels, num_outputs, 1, stride=1, padding=0))

# %% 6.4 right: by name with setattr, zeros at first
def fresh(channels, outputs):
    conv = nn.Conv2d(channels, outputs, 1)
    nn.init.zeros_(conv.weight)
    return conv

def replace_head(model, num_outputs):
    head = model.classifier
    name, old = list(head.named_children())[-1]
    setattr(head, name, fresh(old.in_channels, num_outputs))
    return head

# %% 6.4 right: the old layer gets new weights
def replace_head(model, num_outputs):
    conv = model.classifier[len(model.classifier) - 1]
    if conv.out_channels == num_outputs:
        return
    conv.out_channels = num_outputs
    conv.weight = nn.Parameter(torch.randn(num_outputs, conv.in_channels, 1, 1) * 0.01)
    conv.bias = nn.Parameter(torch.zeros(num_outputs))

# %% 6.4 right: everything taken from the old layer, through _modules
def replace_head(model, num_outputs):
    modules = model.classifier._modules
    last = max(modules, key=int)
    old = modules[last]
    new = type(old)(old.in_channels, num_outputs, old.kernel_size, old.stride, old.padding, bias=old.bias is not None)
    print("was", old)
    modules[last] = new.to(old.weight.dtype)

# %% 6.4 wrong: cannot be cut with [:-1]
def replace_head(model, num_outputs):
    kept = model.classifier[:-1]
    model.classifier = nn.Sequential(*kept, nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1))

# %% 6.4 wrong: the backbone is replaced
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1)
    model.backbone = copy.deepcopy(model.backbone)

# %% 6.4 wrong: only the attribute `out_channels` is changed
def replace_head(model, num_outputs):
    model.classifier[-1].out_channels = num_outputs

# %% 6.4 wrong: the whole head is replaced
def replace_head(model, num_outputs):
    model.classifier = nn.Conv2d(model.classifier[0].in_channels, num_outputs, 1)

# %% 6.4 wrong: the head has another length
def replace_head(model, num_outputs):
    model.classifier[4] = nn.Conv2d(model.classifier[4].in_channels, num_outputs, 1)

# %% 6.4 wrong: as many channels as the old one
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(512, num_outputs, 1)

# %% 6.4 wrong: the old last layer is still there
def replace_head(model, num_outputs):
    model.classifier.append(nn.Conv2d(model.classifier[-1].out_channels, num_outputs, 1))

# %% 6.4 wrong: the model is still as it was
def replace_head(model, num_outputs):
    last = model.classifier[-1]
    last = nn.Conv2d(last.in_channels, num_outputs, 1)

# %% 6.4 wrong: a new model is returned
def replace_head(model, num_outputs):
    new = copy.deepcopy(model)
    new.classifier[-1] = nn.Conv2d(new.classifier[-1].in_channels, num_outputs, 1)
    return new

# %% 6.4 wrong: a Linear
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Linear(model.classifier[-1].in_channels, num_outputs)

# %% 6.4 wrong: kernel is not 1 x 1
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 3)

# %% 6.4 wrong: another number of outputs
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs + 1, 1)

# %% 6.4 wrong: another layer is frozen
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1)
    model.requires_grad_(False)

# %% 6.4 wrong: was frozen, and gets gradients now
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1)
    for p in model.parameters():
        p.requires_grad = True

# %% 6.4 wrong: layers of the head are lost
def replace_head(model, num_outputs):
    model.classifier = nn.Sequential(nn.Conv2d(model.classifier[0].in_channels, num_outputs, 1))

# %% 6.4 wrong: is changed or lost
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1)
    for p in model.parameters():
        nn.init.normal_(p, std=0.02)

# %% 6.4 wrong: holds weights of the old one
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    new = nn.Conv2d(old.in_channels, num_outputs, 1)
    n = min(num_outputs, old.out_channels)
    new.weight.data[:n] = old.weight.data[:n]
    model.classifier[-1] = new

# %% 6.5 right: the two calls
def freeze(module):
    module.eval().requires_grad_(False)

# %% 6.5 right: parameter by parameter, layer by layer
def freeze(module):
    for p in module.parameters():
        p.requires_grad = False
    for m in module.modules():
        m.training = False
    return module

# %% 6.5 right: calls itself
def freeze(module):
    for p in module.parameters(recurse=False):
        p.requires_grad_(False)
    module.training = False
    for child in module.children():
        freeze(child)

# %% 6.5 right: apply, and train(False)
def stop(layer):
    for name, parameter in layer.named_parameters(recurse=False):
        parameter.requires_grad = False
        parameter.grad = None

def freeze(module):
    module.apply(stop)
    module.train(False)
    print("frozen", type(module).__name__)

# %% 6.5 right: a train method that does nothing any more
def freeze(module):
    module.requires_grad_(False)
    module.eval()
    module.train = lambda mode=True: module

# %% 6.5 right: named parts, one after the other
def freeze(module):
    for _, part in reversed(list(module.named_modules())):
        part.requires_grad_(False)
        nn.Module.train(part, mode=False)

# %% 6.5 wrong: only writes a note on the module
def freeze(module):
    module.requires_grad = False
    module.eval()

# %% 6.5 wrong: only writes a note on it
def freeze(module):
    for layer in module.modules():
        if layer is not module:
            layer.requires_grad = False
    module.eval()

# %% 6.5 wrong: evaluation mode alone freezes no weight
def freeze(module):
    module.eval()

# %% 6.5 wrong: BatchNorm is still in training mode
def freeze(module):
    module.requires_grad_(False)

# %% 6.5 wrong: `module.eval()` reaches every layer, not only BatchNorm
def freeze(module):
    module.requires_grad_(False)
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()

# %% 6.5 wrong: the BatchNorm inside an inner layer
def freeze(module):
    module.requires_grad_(False)
    for m in module.children():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()

# %% 6.5 wrong: some parameters are forgotten
def freeze(module):
    for m in module.modules():
        if isinstance(m, nn.Conv2d):
            m.requires_grad_(False)
    module.eval()

# %% 6.5 wrong: the layers inside layers are forgotten
def freeze(module):
    for p in module.parameters(recurse=False):
        p.requires_grad = False
    for m in module.children():
        for p in m.parameters(recurse=False):
            p.requires_grad = False
    module.eval()

# %% 6.5 wrong: gradients are switched off everywhere
def freeze(module):
    torch.set_grad_enabled(False)
    module.requires_grad_(False)
    module.eval()

# %% 6.5 wrong: has other values afterwards
def freeze(module):
    for p in module.parameters():
        p.data.zero_()
    module.requires_grad_(False)
    module.eval()

# %% 6.5 wrong: running_mean` has other values
def freeze(module):
    module.requires_grad_(False)
    module.eval()
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.reset_running_stats()

# %% 6.5 wrong: is no parameter any more
def freeze(module):
    for m in module.modules():
        for name, p in list(m._parameters.items()):
            if p is not None:
                del m._parameters[name]
                m.register_buffer(name, p.detach())
    module.eval()

# %% 6.5 wrong: 'generator' object has no attribute 'requires_grad_'
def freeze(module):
    module.parameters().requires_grad_(False)
    module.eval()

# %% 6.5 wrong: called again after `model.train()`, it does not freeze
def freeze(module):
    if all(not p.requires_grad for p in module.parameters()):
        return
    module.requires_grad_(False)
    module.eval()

# %% 6.5 wrong: a copy is frozen
def freeze(module):
    frozen = copy.deepcopy(module)
    frozen.requires_grad_(False)
    frozen.eval()
    return frozen

# %% 6.5 wrong: no gradient flows through the module
def freeze(module):
    module.requires_grad_(False)
    module.eval()
    module.forward = torch.no_grad()(module.forward)

# %% 6.6 right: zeros, step by step
def pad_to_stride(images, stride):
    height, width = images.shape[2], images.shape[3]
    bottom = (stride - height % stride) % stride
    right = (stride - width % stride) % stride
    return F.pad(images, (0, right, 0, bottom))

# %% 6.6 right: a larger tensor, filled
def pad_to_stride(images, stride):
    n, c, h, w = images.shape
    larger = torch.zeros(n, c, math.ceil(h / stride) * stride, math.ceil(w / stride) * stride, dtype=images.dtype)
    larger[:, :, :h, :w] = images
    return larger

# %% 6.6 right: a NumPy detour, mirrored edges
def missing(side, stride):
    rest = side % stride
    return stride - rest if rest else 0

def pad_to_stride(images, stride):
    h, w = images.shape[-2:]
    widths = [(0, 0), (0, 0), (0, missing(h, stride)), (0, missing(w, stride))]
    return torch.from_numpy(np.pad(images.numpy(), widths, mode="symmetric"))

# %% 6.6 right: early return, one row at a time
def pad_to_stride(images, stride):
    if images.shape[2] % stride == 0 and images.shape[3] % stride == 0:
        return images
    while images.shape[2] % stride:
        images = torch.cat([images, images[:, :, -1:]], dim=2)
    while images.shape[3] % stride:
        images = torch.cat([images, images[..., -1:]], dim=-1)
    print("padded to", images.shape)
    return images

# %% 6.6 right: rows and columns picked by index
def pad_to_stride(images, stride):
    rows, columns = (torch.arange(-(-s // stride) * stride).clamp(max=s - 1) for s in images.shape[2:])
    return images[:, :, rows][:, :, :, columns]

# %% 6.6 right: a padding layer
def pad_to_stride(images, stride):
    (h, w), up = images.size()[2:], lambda side: (side + stride - 1) // stride * stride
    return nn.ConstantPad2d((0, up(w) - w, 0, up(h) - h), 0.5)(images)

# %% 6.6 right: flipped there and back, picture by picture
def pad_one(image, stride):
    for _ in range(2):
        rest = image.shape[-1] % stride
        if rest:
            image = torch.cat([image, image[..., -1:].expand(*image.shape[:-1], stride - rest)], dim=-1)
        image = image.transpose(-1, -2)
    return image

def pad_to_stride(images, stride):
    return torch.stack([pad_one(image, stride) for image in images])

# %% 6.6 wrong: the pixels of the picture are changed
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride)) / 255

# %% 6.6 wrong: the values come back as torch.float64
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    result = np.zeros((*images.shape[:2], height + -height % stride, width + -width % stride))
    result[..., :height, :width] = images
    return torch.from_numpy(result)

# %% 6.6 wrong: rows and columns are exchanged
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -height % stride, 0, -width % stride), mode="replicate")

# %% 6.6 wrong: a shape ends in height, width
def pad_to_stride(images, stride):
    width, height = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride), mode="replicate")

# %% 6.6 wrong: gets a whole stride more
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, stride - width % stride, 0, stride - height % stride))

# %% 6.6 wrong: is what is too much
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, width % stride, 0, height % stride))

# %% 6.6 wrong: the picture now starts at row
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (-width % stride, 0, -height % stride, 0))

# %% 6.6 wrong: add pixels on the right and at the bottom only
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    down, right = -height % stride, -width % stride
    return F.pad(images, (right // 2, right - right // 2, down // 2, down - down // 2))

# %% 6.6 wrong: the picture is enlarged
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.interpolate(images, (height + -height % stride, width + -width % stride), mode="bilinear")

# %% 6.6 wrong: the picture is cropped
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return images[..., : height // stride * stride, : width // stride * stride]

# %% 6.6 wrong: becomes a square
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    side = max(height + -height % stride, width + -width % stride)
    return F.pad(images, (0, side - width, 0, side - height))

# %% 6.6 wrong: reflect needs pictures that are larger
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride), mode="reflect")

# %% 6.6 wrong: added at both ends
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (-width % stride, -width % stride, -height % stride, -height % stride))

# %% 6.6 wrong: nothing is returned
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    F.pad(images, (0, -width % stride, 0, -height % stride))

# %% 6.6 wrong: a tuple: return the padded tensor alone
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride)), (height, width)

# %% 6.6 wrong: one side divides already
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    if height % stride == 0 or width % stride == 0:
        return images
    return F.pad(images, (0, -width % stride, 0, -height % stride))

# %% 6.6 wrong: nothing is added
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    F.pad(images, (0, -width % stride, 0, -height % stride))
    return images

# %% 6.6 wrong: not finite
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride), value=float("nan"))

# %% 6.6 wrong: more is added than needed
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % 32, 0, -height % 32)) if 32 % stride == 0 else F.pad(images, (0, -width % stride, 0, -height % stride))

# %% 6.3 wrong: not thousands or millions
def count_parameters(model, trainable=False):
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable) / 1e6

# %% 6.4 wrong: channels of the head's first layer
def replace_head(model, num_outputs):
    first = next(layer for layer in model.classifier if isinstance(layer, nn.Conv2d))
    model.classifier[-1] = nn.Conv2d(first.in_channels, num_outputs, 1)

# %% 6.4 wrong: the first layer of the head is new
def replace_head(model, num_outputs):
    old = model.classifier[0]
    model.classifier[0] = nn.Conv2d(old.in_channels, num_outputs, 1)

# %% 6.5 wrong: without its running averages
def freeze(module):
    module.requires_grad_(False)
    module.eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = layer.running_var = None

# %% 6.5 wrong: BatchNorm is still in training mode
def freeze(module):
    module.requires_grad_(False)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 0.0

# %% 6.6 wrong: the values come back as
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    new = torch.zeros(*images.shape[:2], height + -height % stride, width + -width % stride)
    new[..., :height, :width] = images
    return new

# %% 6.6 right: filled by hand, with the dtype of the images
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    new = images.new_zeros(*images.shape[:2], height + -height % stride, width + -width % stride)
    new[..., :height, :width] = images
    return new

# %% 6.7 right: a list of skips, the last one popped
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    x = skips.pop()
    for step in self.decoder:
        x = step(x, skips.pop())
    return self.head(x)

# %% 6.7 right: the last block apart, indices on the way up
def forward(self, images):
    maps = [images]
    for i in range(len(self.encoder) - 1):
        maps.append(self.encoder[i](maps[-1]))
    out = self.encoder[-1](maps[-1])
    for i, step in enumerate(self.decoder):
        print("level", i, out.shape)
        out = step(out, skip=maps[len(maps) - 1 - i])
    return self.head(out)

# %% 6.7 right: recursion, from level to level
def below(net, level, x):
    here = net.encoder[level](x)
    if level == len(net.decoder):
        return here
    return net.decoder[len(net.decoder) - 1 - level](below(net, level + 1, here), here)

def forward(self, x):
    return self.head(below(self, 0, x))

# %% 6.7 right: a dictionary, and copies of the maps
def forward(self, x):
    kept = {}
    for level, block in enumerate(self.encoder):
        kept[level] = x = block(x)
    level = len(self.decoder)
    for step in self.decoder:
        level -= 1
        x = step(x, kept[level].clone())
    logits = self.head(x)
    return logits

# %% 6.7 right: new skips are put in front
def forward(net, x):
    *blocks, last = net.encoder
    skips = ()
    for block in blocks:
        x = block.forward(x)
        skips = (x, *skips)
    x = last(x)
    for step, skip in zip(net.decoder, skips):
        x = step(x=x, skip=skip)
    return net.head(x)

# %% 6.7 wrong: the deepest is needed first
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: the steps run in the wrong direction
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(reversed(self.decoder), skips[:-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: so do not reverse it
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder[::-1], skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: the last map of the encoder is no skip
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, reversed(skips)):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: every block gets x itself
def forward(self, x):
    maps = [block(x) for block in self.encoder]
    out = maps.pop()
    for step in self.decoder:
        out = step(out, maps.pop())
    return self.head(out)

# %% 6.7 wrong: the arguments are exchanged
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(skip, x)
    return self.head(x)

# %% 6.7 wrong: without a skip
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    skips.pop()
    for step in self.decoder:
        x = step(torch.cat([skips.pop(), F.interpolate(x, scale_factor=2)], dim=1))
    return self.head(x)

# %% 6.7 wrong: a softmax follows
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x).softmax(dim=1)

# %% 6.7 wrong: an argmax follows
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x).argmax(dim=1)

# %% 6.7 wrong: the head does not run
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return x

# %% 6.7 wrong: is a `return` missing
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    self.head(x)

# %% 6.7 wrong: `self.skips` stays on the network
def forward(self, x):
    self.skips = []
    for block in self.encoder:
        x = block(x)
        self.skips.append(x)
    for step, skip in zip(self.decoder, self.skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: batch number 2 takes another way
def forward(self, x, skips=[]):
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    depth = len(self.decoder)
    for i, step in enumerate(self.decoder):
        x = step(x, skips[depth - 1 - i])
    return self.head(x)

# %% 6.7 wrong: it works for depth 3 and stops for depth 1
def forward(self, x):
    a = self.encoder[0](x)
    b = self.encoder[1](a)
    c = self.encoder[2](b)
    d = self.encoder[3](c)
    d = self.decoder[0](d, c)
    d = self.decoder[1](d, b)
    d = self.decoder[2](d, a)
    return self.head(d)

# %% 6.7 wrong: the gradient is cut before decoder[0]
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x.detach())
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: the gradient is cut before encoder[1]
@torch.no_grad()
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: call one part after the other
def forward(self, x):
    x = self.encoder(x)
    x = self.decoder(x)
    return self.head(x)

# %% 6.7 wrong: is given a list, not one map
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step in self.decoder:
        x = step(x, skips[:-1])
    return self.head(x)

# %% 6.7 wrong: every step gets the map of the bottom
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        out = step(x, skip)
    return self.head(out)

# %% 6.7 wrong: a block of the encoder is left out
def forward(self, x):
    skips = []
    for block in self.encoder[:-1]:
        x = block(x)
        skips.append(x)
    for step in self.decoder:
        x = step(x, skips.pop())
    return self.head(x)

# %% 6.7 wrong: runs more than once
def forward(self, x):
    down = list(self.encoder)

    def map_at(level):
        out = x
        for block in down[: level + 1]:
            out = block(out)
        return out

    out = map_at(len(down) - 1)
    for i, step in enumerate(self.decoder):
        out = step(out, map_at(len(down) - 2 - i))
    return self.head(out)

# %% 6.7 wrong: `x` is changed in place
def forward(self, x):
    x -= x.mean()
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: the course's own `forward`
def forward(self, x):
    return UNet.forward(self, x)

# %% 6.1 wrong: BatchNorm runs, but is not registered
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        self.pool = nn.MaxPool2d(2) if downsample else nn.Identity()
        sides = [in_channels] + [out_channels] * depth
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in zip(sides, sides[1:])])

    def forward(self, x):
        x = self.pool(x)
        for conv in self.convs:
            x = conv(x)
            x = nn.BatchNorm2d(x.shape[1])(x).relu()
        return x

# %% 6.2 wrong: align_corners=True spreads the pixels
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.block = ConvBlock(channels + channels // 2, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1))

# %% 6.3 wrong: what the model itself holds is forgotten
def count_parameters(model, trainable=False):
    return sum(p.numel() for c in model.children() for p in c.parameters() if p.requires_grad or not trainable)

# %% 6.7 wrong: the first block gets another map than x
def forward(self, x):
    x = x / 255
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.7 wrong: a block gets a map that no block gave
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
        x = 2 * x
    x = skips[-1]
    for step, skip in zip(self.decoder, skips[-2::-1]):
        x = step(x, skip)
    return self.head(x)

# %% 6.2 wrong: the result has negative values
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)
        self.last = nn.Conv2d(channels // 2, channels // 2, 1)

    def forward(self, x, skip):
        return self.last(self.block(torch.cat([skip, self.up(x)], dim=1)))

# %% 6.2 wrong: the skip is enlarged
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([x, self.up(skip)], dim=1))

# %% 6.3 wrong: the values are added up, not counted
def count_parameters(model, trainable=False):
    return sum(p.sum() for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.6 wrong: circular needs pictures that are as large
def pad_to_stride(images, stride):
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride), mode="circular")

# %% 6.6 wrong: height and width are the last two
def pad_to_stride(images, stride):
    height, width = images.shape[:2]
    return F.pad(images, (0, -width % stride, 0, -height % stride))


# %% 6.4 wrong: gets no gradients
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1).requires_grad_(False)


# %% 6.4 wrong: another layer is frozen, or has left its mode
def replace_head(model, num_outputs):
    model.eval()
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1)


# %% 6.4 wrong: the new layer changes the size
def replace_head(model, num_outputs):
    model.classifier[-1] = nn.Conv2d(model.classifier[-1].in_channels, num_outputs, 1, padding=1)


# %% 6.4 wrong: `model.classifier[-1]` is the last
def replace_head(model, num_outputs):
    for number, layer in enumerate(model.classifier):
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1):
            model.classifier[number] = nn.Conv2d(layer.in_channels, num_outputs, 1)
            return


# %% 6.1 wrong: a BatchNorm learns no scale
class ConvBlock(nn.Sequential):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(out_channels if i else in_channels, out_channels, 3, padding=1),
                       nn.BatchNorm2d(out_channels, affine=False), nn.ReLU()]
        super().__init__(*layers)


# %% 6.2 wrong: a layer is not registered
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layers = [nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)]
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.layers[0](x)], dim=1))


# %% 6.3 wrong: counting switches the model to evaluation mode
def count_parameters(model, trainable=False):
    return sum(p.numel() for p in model.eval().parameters() if p.requires_grad or not trainable)


# %% 6.3 wrong: the result is a str
def count_parameters(model, trainable=False):
    return f"{sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)}"


# %% 6.5 wrong: called again after `model.train()`
def freeze(module):
    for parameter in module.parameters():
        parameter.requires_grad = not parameter.requires_grad
    module.eval()


# %% 6.5 wrong: still in training mode
def freeze(module):
    module.requires_grad_(False)
    if module.training:
        module.eval()


# %% 6.7 wrong: lose an axis
def forward(self, x):
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    skips.pop()
    for step in self.decoder:
        x = step(x, skips.pop())
    return self.head(x).squeeze(1)


# %% 6.7 wrong: between training and evaluation mode
def forward(self, x):
    self.eval()
    skips = []
    for block in self.encoder:
        x = block(x)
        skips.append(x)
    skips.pop()
    for step in self.decoder:
        x = step(x, skips.pop())
    return self.head(x)

# %% 6.2 wrong: the skip is shifted: a pixel changes other rows than those around it
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip.roll(1, 2), self.up(x)], dim=1))

# %% 6.2 wrong: what comes from below is shifted: a pixel changes other columns than those around its block of 2 x 2
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x).roll(1, 3)], dim=1))

# %% 6.3 wrong: the number is right, but its type is not
def count_parameters(model, trainable=False):
    return sum(p.numel() * 1.0 for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.1 wrong: the gradient does not get through
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x.detach())

# %% 6.1 wrong: dropout is no part of the block
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU(), nn.Dropout(0.1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: the result is torch.float16
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x).half()

# %% 6.1 wrong: BatchNorm's averages never move
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels, momentum=0.0), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: BatchNorm's averages never move
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels, momentum=1.0), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: it must be an nn.Conv2d
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.ConvTranspose2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.1 wrong: no parameter is called `downsample`
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, down=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if down else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)

# %% 6.2 wrong: the skip loses its detail
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels + channels // 2, channels, 2, 2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(self.up(torch.cat([x, F.max_pool2d(skip, 2)], dim=1)))

# %% 6.2 wrong: the skip loses its detail
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.block = ConvBlock(channels + channels // 2, channels // 2)

    def forward(self, x, skip):
        small = F.interpolate(skip, size=x.shape[-2:], mode="bilinear")
        return F.interpolate(self.block(torch.cat([x, small], dim=1)), scale_factor=2)

# %% 6.2 wrong: the skip loses its detail
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([F.interpolate(F.avg_pool2d(skip, 2), scale_factor=2), self.up(x)], dim=1))

# %% 6.2 wrong: the result is torch.float16
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1)).half()

# %% 6.2 wrong: no value is 0
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1)).softmax(1)

# %% 6.2 wrong: no value is 0
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1)).sigmoid()

# %% 6.2 wrong: no value is 0
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return (self.block(torch.cat([skip, self.up(x)], dim=1)) - skip).abs()

# %% 6.2 wrong: large values are cut off
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return self.block(torch.cat([skip, self.up(x)], dim=1)).clamp(max=1)

# %% 6.2 wrong: a layer is not registered
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.parts = [ConvBlock(channels, channels // 2)]
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)

    def forward(self, x, skip):
        return self.parts[0](torch.cat([skip, self.up(x)], dim=1))

# %% 6.2 wrong: F.dropout draws anew
class DecoderStep(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.block = ConvBlock(channels, channels // 2)

    def forward(self, x, skip):
        return F.dropout(self.block(torch.cat([skip, self.up(x)], dim=1)), 0.5)

# %% 6.3 wrong: counting must leave it as it was
def count_parameters(model, trainable=False):
    model.double()
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)

# %% 6.4 wrong: is changed or lost
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    for m in model.modules():
        if hasattr(m, 'reset_running_stats'):
            m.reset_running_stats()
    model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, 1)

# %% 6.4 wrong: the settings of another layer are changed
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    for m in model.modules():
        if isinstance(m, nn.Dropout):
            m.p = 0.0
    model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, 1)

# %% 6.4 wrong: the last layer is a Dropout
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    model.classifier = nn.Sequential(nn.Conv2d(old.in_channels, num_outputs, 1), *list(model.classifier)[:-1])

# %% 6.5 wrong: a part is still in training mode
def freeze(module):
    module.requires_grad_(False)
    module.training = False
    for c in module.children():
        c.training = False
        for d in c.children():
            d.training = False

# %% 6.5 wrong: the layers inside layers are forgotten
def freeze(module):
    for c in [module, *module.children(), *[g for c in module.children() for g in c.children()]]:
        for p in c.parameters(recurse=False):
            p.requires_grad_(False)
    module.eval()

# %% 6.5 wrong: the module itself is still in training mode
def freeze(module):
    module.requires_grad_(False)
    for m in module.children():
        m.eval()

# %% 6.5 wrong: is another parameter now
def freeze(module):
    for m in module.modules():
        for n, p in list(m._parameters.items()):
            if p is not None:
                m._parameters[n] = nn.Parameter(p.detach().clone(), requires_grad=False)
    module.eval()

# %% 6.6 wrong: the pixels of the picture are changed
def pad_to_stride(images, stride):
    h, w = images.shape[-2:]
    out = F.pad(images, (0, -w % stride, 0, -h % stride))
    out[out == 0] = out.mean()
    return out

# %% 6.6 wrong: what is added is not finite
def pad_to_stride(images, stride):
    h, w = images.shape[-2:]
    out = images.new_empty(*images.shape[:2], h + -h % stride, w + -w % stride)
    out[..., :h, :w] = images
    return out

# %% 6.7 wrong: the gradient does not get through
def forward(self, x):
    maps = []
    x = x.detach()
    for block in self.encoder:
        x = block(x)
        maps.append(x)
    maps.pop()
    for step in self.decoder:
        x = step(x, maps.pop())
    return self.head(x)

# %% 6.7 wrong: what the head gives is changed afterwards
def forward(self, x):
    maps = []
    for block in self.encoder:
        x = block(x)
        maps.append(x)
    maps.pop()
    for step in self.decoder:
        x = step(x, maps.pop())
    return self.head(x).clamp(-10, 10)

# %% 6.4 wrong: `aux_classifier.0.weight` is changed or lost
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, 1)
    if getattr(model, 'aux_classifier', None) is not None:
        model.aux_classifier[-1] = nn.Conv2d(model.aux_classifier[-1].in_channels, num_outputs, 1)

# %% 6.4 wrong: `aux_classifier.0.weight` is changed or lost
def replace_head(model, num_outputs):
    old = model.classifier[-1]
    model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, 1)
    model.aux_classifier = None

# %% 6.1 wrong: the gradient does not get through
class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels, depth=2, downsample=False):
        super().__init__()
        layers = [nn.MaxPool2d(2)] if downsample else []
        for i in range(depth):
            layers += [nn.Conv2d(in_channels if i == 0 else out_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x.detach() if isinstance(layer, nn.MaxPool2d) else x)
        return x

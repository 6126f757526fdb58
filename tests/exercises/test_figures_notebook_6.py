"""exercises/figures/notebook_6*.py: what BatchNorm does, and what is framed."""

import numpy as np
import torch
from helpers import CLASSES, PALETTE, texts
from matplotlib.patches import Rectangle
from torch import nn

from exercises.figures.notebook_6 import plot_rescaled
from exercises.figures.notebook_6_network import plot_inside


def test_after_batchnorm_all_channels_lie_around_zero():
    before = torch.randn(1, 3, 16, 16) * torch.tensor([1.0, 5, 20]).view(3, 1, 1) + 100
    figure = plot_rescaled(before, nn.BatchNorm2d(3)(before))
    assert {"before BatchNorm", "after BatchNorm", "channel 0", "channel 2"} <= set(texts(figure))
    before, after = (
        [np.average(line.get_xdata(), weights=line.get_ydata()) for line in ax.lines] for ax in figure.axes
    )
    assert np.allclose(before, 100, atol=10)
    assert np.allclose(after, 0, atol=0.1)


def test_what_a_network_learned_from_is_framed():
    scene, maps = torch.zeros(3, 16, 16, dtype=torch.uint8), {"encoder 0": torch.rand(1, 4, 16, 16)}
    maps |= {"encoder 1": torch.rand(1, 8, 8, 8), "decoder 0": torch.rand(1, 4, 16, 16)}
    for known, frames in ((8, 2), (0, 0)):
        figure = plot_inside(scene, maps, torch.rand(1, 3, 16, 16), CLASSES, PALETTE, known)
        found = [patch for ax in figure.axes for patch in ax.patches if isinstance(patch, Rectangle)]
        assert [patch.get_width() for patch in found] == [known] * frames

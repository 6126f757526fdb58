"""Figures of notebook 7 about losses and learning: costs of pixels, and how a network learns by heart."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from utils.plots import BLUE, GREEN, ORANGE, RED, Palette, add_legend, colour_mask, to_array


def plot_pixel_costs(p: Tensor, target: Tensor, cost: Tensor) -> Figure:
    """Draw the curve -ln p with four pixels on it, and the probabilities of each: p (C, 4), target and cost (4,)."""
    figure, axes = plt.subplots(1, 5, figsize=(9.4, 2.8), width_ratios=[1.8, 1, 1, 1, 1])
    x = torch.linspace(0.02, 1, 100)
    axes[0].plot(x, -x.log(), color="black")
    axes[0].set(title="cost = -ln p", xlabel="p of the true class", ylabel="cost")
    for ax, pixel, name in zip(axes[1:], range(4), "ABCD", strict=True):
        true = int(target[pixel])
        colours = [BLUE if k == true else "lightgrey" for k in range(len(p))]
        ax.bar(range(len(p)), p[:, pixel], color=colours, edgecolor="black")
        ax.set(title=f"{name}: cost {cost[pixel]:.2f}", ylim=(0, 1), xticks=range(len(p)), xlabel="class")
        axes[0].plot(p[true, pixel], cost[pixel], "o", color=RED)
        place = (float(p[true, pixel]), float(cost[pixel]))
        axes[0].annotate(name, place, (6, 4), textcoords="offset points")
    axes[1].set_ylabel("probability")
    figure.suptitle("Probabilities at the four pixels; the true class is blue")
    return figure


def plot_overlooked(
    shares: Sequence[float], values: Mapping[str, Sequence[float]], pulls: Mapping[str, Sequence[float]]
) -> Figure:
    """Draw losses of an object that was overlooked, and how hard each pulls on it, over the share that it covers."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.4))
    for (name, pull), style, colour in zip(pulls.items(), ("o-", "s--"), (BLUE, ORANGE), strict=True):
        left.plot([100 * s for s in shares], values[name], style, color=colour, label=name)
        words = f"{name}: {pull[0]:.4f} to {pull[-1]:.3f}, {pull[-1] / pull[0]:.0f} times"
        right.plot([100 * s for s in shares], pull, style, color=colour, label=words)
    left.set(title="What it costs to overlook the object", ylabel="value of the loss", ylim=(0, 2.5))
    left.set_xlabel("share of the image that the object covers (%)")
    right.set(title="How hard the loss pulls on the object", ylabel="pull: the sum of the slopes", ylim=(0.0003, 2))
    right.set(xscale="log", yscale="log", xlabel="the same share (%), both axes logarithmic")
    right.set_xticks([0.5, 1, 5, 10, 50], ["0.5", "1", "5", "10", "50"])
    right.set_yticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    right.minorticks_off()
    for ax, place in ((left, "upper left"), (right, "lower right")):
        ax.legend(frameon=False, loc=place)
    return figure


def film_frames(
    image: Tensor, truth: Tensor, masks: Sequence[Tensor], losses: Sequence[float], classes: Sequence[str],
    palette: Palette,
) -> list[Image.Image]:  # fmt: skip
    """Draw a frame for each step: the image, its truth, and the mask (H, W) of that step under its number and loss."""
    font, side, gap, top = ImageFont.load_default(20), 336, 12, 34
    names, colours = [*classes, "ignored"], [*palette, (255, 255, 255)]
    picture, right = (
        Image.fromarray(panel).resize((side, side), Image.Resampling.NEAREST)
        for panel in (to_array(image), colour_mask(truth, palette))
    )
    frames = []
    for step, (mask, loss) in enumerate(zip(masks, losses, strict=True)):
        now = Image.fromarray(colour_mask(mask, palette)).resize((side, side), Image.Resampling.NEAREST)
        frame = Image.new("RGB", (3 * side + 4 * gap, side + top), "white")
        words = ("image", "truth", f"step {step}, loss {loss:.2f}")
        for n, (panel, title) in enumerate(zip((picture, right, now), words, strict=True)):
            left = gap + n * (side + gap)
            frame.paste(panel, (left, top))
            ImageDraw.Draw(frame).text((left, top // 2), title, fill="black", font=font, anchor="lm")
        frames.append(Image.fromarray(add_legend(np.array(frame), names, colours)))
    return frames


def plot_one_batch(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Draw the losses of several pipelines on the one batch that each was shown again and again."""
    figure, ax = plt.subplots(figsize=(8, 3.3))
    for (name, losses), style, colour in zip(curves.items(), ("-", ":", "--"), (BLUE, RED, GREEN), strict=True):
        ax.plot(losses, style, color=colour)
        end, words = (len(losses) - 1, losses[-1]), f"{name}: {losses[-1]:.2f}"
        ax.annotate(words, end, (6, 0), textcoords="offset points", color=colour, va="center", annotation_clip=False)
    ax.set(title="Can it learn four pictures by heart?", xlabel="step", ylabel="loss", ylim=(0, None))
    ax.set_xlim(0, max(map(len, curves.values())) - 1)
    return figure


def plot_floor(once: Sequence[float], twice: Sequence[float]) -> Figure:
    """Draw what a sigmoid before the loss does: to the cost of one pixel, and to the best that can be reached."""
    z = torch.linspace(-6, 6, 100)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.1))
    left.plot(z, F.softplus(-z), color=BLUE, label="once")
    left.plot(z, F.softplus(-z.sigmoid()), "--", color=RED, label="twice: never below 0.31")
    left.set(title="Cost of a foreground pixel, sigmoid once or twice", xlabel="logit", ylabel="cost", ylim=(0, 3))
    right.plot(once, color=BLUE, label=f"once: ends at {once[-1]:.2f}")
    right.plot(twice, "--", color=RED, label=f"twice: ends at {twice[-1]:.2f}")
    right.set(
        title="The best that any network could do on our batch", xlabel="step", ylabel="cross-entropy", ylim=(0, None)
    )
    for ax in (left, right):
        ax.legend(frameon=False, loc="upper right")
    return figure


def plot_slope(biases: Tensor, ious: Tensor, losses: Tensor) -> Figure:
    """Draw a score and a loss over one number of the model that is moved bit by bit, with dots where each is best."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3))
    axes[0].plot(biases, ious, color=BLUE, lw=2)
    axes[1].plot(biases, losses, color=RED, lw=2)
    for ax, best in zip(axes, (ious == ious.max(), losses == losses.min()), strict=True):
        ax.plot(biases[best], ax.lines[0].get_ydata()[best], "o", color="black", ms=7)
    for ax, name in zip(axes, ("IoU", "loss"), strict=True):
        ax.set(title=f"What becomes of the {name}", xlabel="added to every logit of the image", ylabel=name)
    return figure

"""Notebook 6: the parts of a U-Net, and what one does to a finished network."""

import contextlib
import copy
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd
from torchvision.models.segmentation.fcn import FCN, FCNHead

from exercises.definitions import Exercise
from exercises.expect import Wrong, expect, kind_of, require, seeded_generator, values_close
from utils.unet import UNet


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=seeded_generator(seed))


def made(answer: Callable, *args: Any, seed: int = 0, **kwargs: Any) -> nn.Module:
    """Make a module with the answer, with the same first weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = answer(*args, **kwargs)
    require(module is not None, "nothing is returned: is a `return` missing?")
    if not isinstance(module, nn.Module):
        raise Wrong(f"calling it gives {kind_of(module)}, not an nn.Module: write `class ...(nn.Module)`")
    has_forward = type(module).forward is not nn.Module.forward
    require(has_forward, "it has no method `forward`: that is what runs when the module is called")
    return module


def expect_of_module(module: nn.Module, *inputs: Tensor) -> Any:
    """Call a module as `expect` does, and name its inputs as its `forward` does: the module itself has only `args`."""

    def call(*args: Tensor) -> Any:
        return module(*args)

    with contextlib.suppress(TypeError, ValueError):
        call.__signature__ = inspect.signature(module.forward)
    try:
        return expect(call, *inputs)
    except Wrong as wrong:
        if "is changed in place" not in wrong.sentence:
            raise
        raise Wrong(wrong.sentence, **values_that_differ(wrong.details)) from wrong


def values_that_differ(details: dict[str, Any]) -> dict[str, Any]:
    """Of two tensors, before and after, leave the first values that changed: their shapes say nothing."""
    before, after = details.values()
    if not (isinstance(before, Tensor) and isinstance(after, Tensor) and before.shape == after.shape):
        return details
    spots = before != after
    return {name: value.detach()[spots][:4] for name, value in details.items()}


def run(module: nn.Module, *inputs: Tensor) -> Tensor:
    """Call a module on copies; put torch's usual complaints about channels and sizes into words."""
    try:
        result = expect_of_module(module, *inputs)
    except RuntimeError as error:
        words = " ".join(str(error).split())
        if found := re.search(r"to have (\d+) channels, but got (\d+) channels", words):
            raise Wrong(
                f"a convolution is made for {found[1]} channels, and {found[2]} arrive there: its first number must be "
                "what the layer before gives"
            ) from error
        if found := re.search(r"running_mean should contain (\d+) elements not (\d+)", words):
            raise Wrong(
                f"a BatchNorm2d is made for {found[2]} channels, and {found[1]} arrive there: give it the output "
                "channels of the convolution before"
            ) from error
        if found := re.search(r"Sizes of tensors must match.*Expected size (\d+) but got size (\d+)", words):
            raise Wrong(
                f"the two tensors that you join differ in size, {found[1]} and {found[2]}: double the one from below "
                "first, and join them along the channels, dim=1"
            ) from error
        raise
    require(result is not None, "forward returns nothing: is a `return` missing?")
    if not isinstance(result, Tensor):
        raise Wrong(f"forward returns {kind_of(result)}: return one tensor")
    return result


def learns(module: nn.Module, *inputs: Tensor) -> None:
    """Ask that a gradient reaches every parameter of a module in training mode, and what comes before it."""
    run(module.train(), *inputs)
    leaves = [t.clone().requires_grad_() for t in inputs]
    result = module(*leaves)
    require(result.requires_grad, "no gradient can flow back: no `detach`, no `no_grad` in forward")
    (result * noise(*result.shape, seed=9)).sum().backward()
    for name, parameter in module.named_parameters():
        require(
            parameter.grad is not None, f"`{name}` never gets a gradient: the layer is made, but forward passes it by"
        )
        require(parameter.grad.isfinite().all(), f"the gradient of `{name}` is not finite")
    says = "the gradient does not get through, so nothing before it learns: no `detach`, no `.data`, no `no_grad`"
    require(all(leaf.grad is not None for leaf in leaves), says)


# ---------------------------------------------------------------- 6.1
def layers_run(block: nn.Module, x: Tensor) -> tuple[Tensor, list[tuple[nn.Module, tuple[int, ...]]]]:
    """Run a block; return the result, and each convolution and BatchNorm that ran, with its output's shape."""
    calls: list[tuple[nn.Module, tuple[int, ...]]] = []
    kinds = (nn.Conv2d, _BatchNorm)
    hooks = [
        m.register_forward_hook(lambda m, i, out: calls.append((m, tuple(out.shape))))
        for m in block.modules()
        if isinstance(m, kinds)
    ]
    try:
        result = run(block, x)
    finally:
        for hook in hooks:
            hook.remove()
    return result, calls


def block_is_a_module(ConvBlock: Callable) -> None:
    """A ConvBlock is a module whose layers are known to PyTorch.

    Make the layers in `__init__`, after `super().__init__()`: as `self.layers = nn.Sequential(*layers)`, for instance.
    """
    block = made(ConvBlock, 3, 8)
    run(block.eval(), noise(2, 3, 6, 10))
    other = [kind_of(m) for m in block.modules() if isinstance(m, _ConvNd) and not isinstance(m, nn.Conv2d)]
    require(not other, f"a layer is {[*other, 0][0]}: it must be an nn.Conv2d")
    says = (
        "no nn.Conv2d is registered, so no optimizer would find it: make the layers in __init__, in an nn.Sequential "
        "or nn.ModuleList, not in a plain list"
    )
    require(any(isinstance(m, nn.Conv2d) for m in block.modules()), says)


def size_stays(ConvBlock: Callable) -> None:
    """The size stays, and the channels become out_channels.

    A 3 x 3 kernel loses a pixel at every edge. `padding=1` adds it back.
    """
    for channels, shape in (((3, 8), (2, 3, 6, 10)), ((5, 2), (1, 5, 9, 8)), ((4, 4), (3, 4, 8, 8))):
        output = run(made(ConvBlock, *channels).eval(), noise(*shape))
        require(output.dtype == torch.float32, f"the result is {output.dtype}: float stays float", yours=output.dtype)
        result = tuple(output.shape)
        height, width = shape[2:]
        details = {"input": shape, "expected": (shape[0], channels[1], height, width), "yours": result}
        if len(result) != 4:
            raise Wrong(f"the result has {len(result)} dimensions instead of 4", **details)
        require(result[2:] != (height // 2, width // 2), "the size is halved although `downsample` is False", **details)
        smaller = result[2] < height and height - result[2] == width - result[3]
        require(not smaller, "pixels are lost at the edges: a 3 x 3 convolution needs padding=1", **details)
        require(result[2:] == (height, width), "height and width must stay as they are", **details)
        require(result[1] == channels[1], "the result must have out_channels channels", **details)
        require(result[0] == shape[0], "the number of pictures changes", **details)


def depth_counts(ConvBlock: Callable) -> None:
    """There are `depth` convolutions of 3 x 3, each with weights and a BatchNorm of its own.

    A loop `for i in range(depth)` that makes three new layers each time. Without `depth` there are two.
    """
    for depth in (1, 3, 2, 4, None):
        block = made(ConvBlock, 3, 8, **({} if depth is None else {"depth": depth})).eval()
        wanted, (_, calls) = depth or 2, layers_run(block, noise(2, 3, 6, 10))
        convs = [m for m, _ in calls if isinstance(m, nn.Conv2d)]
        norms = [m for m, _ in calls if isinstance(m, _BatchNorm)]
        details = {"depth": wanted if depth else "left out, so 2"}
        if len(convs) != wanted:
            once = "convolution runs" if len(convs) == 1 else "convolutions run"
            says = f"`depth` is not followed: {len(convs)} {once} for depth {wanted}"
            raise Wrong(says, **details)
        if len({id(m) for m in convs}) < wanted:
            raise Wrong("the same convolution runs more than once: make a new one for each round, or they share their "
                        "weights", **details)  # fmt: skip
        size = next((m.kernel_size for m in convs if m.kernel_size != (3, 3)), None)
        require(size is None, f"a kernel is {size}: all convolutions are 3 x 3", **details)
        pairs = [(m.in_channels, m.out_channels) for m in convs]
        says = (
            "the first convolution goes from in_channels to out_channels, all others from out_channels to out_channels"
        )
        require(pairs == [(3, 8)] + [(8, 8)] * (wanted - 1), says, in_channels=3, out_channels=8, yours=pairs)
        apart = any(m.groups > 1 for m in convs)
        require(
            not apart, "a convolution has `groups`: each channel must see all channels of the layer before", **details
        )
        if not norms:
            require_registered_norms(block, details)
        distinct = len({id(m) for m in norms})
        says = "one BatchNorm serves several convolutions: each has averages of its own, so make one for each"
        require(not (distinct < len(norms) == wanted), says, **details)
        says = f"for {wanted} convolutions there must be {wanted} BatchNorms, one after each: {len(norms)} run"
        require(len(norms) == wanted, says, **details)
        says = "a BatchNorm learns no scale, or keeps no averages: nn.BatchNorm2d(out_channels), with nothing more"
        require(all(m.affine and m.track_running_stats for m in norms), says, **details)
        says = "BatchNorm's averages never move, or forget all but the last batch: leave its `momentum` as it is"
        require(all(m.momentum is None or 0 < m.momentum < 1 for m in norms), says, **details)


def require_registered_norms(block: nn.Module, details: dict[str, Any]) -> None:
    """Say why a block has no BatchNorm that PyTorch knows: none is made, or not in __init__."""
    with mock.patch.object(F, "batch_norm", wraps=F.batch_norm) as norm:
        run(block, noise(2, 3, 6, 10))
    says = (
        "BatchNorm runs, but is not registered, so its averages are lost: make it in __init__, in an nn.Sequential or "
    )
    require(not norm.called, says + "nn.ModuleList, neither in forward nor in a plain list", **details)
    raise Wrong("BatchNorm is missing: an nn.BatchNorm2d(out_channels) after each convolution", **details)


def conv_norm_relu(ConvBlock: Callable) -> None:
    """The order is convolution, BatchNorm, ReLU, in every round.

    ReLU comes last in each round, also in the last one. BatchNorm sits between the convolution and ReLU.
    """
    block, x = made(ConvBlock, 4, 4, depth=3).eval(), 30 * noise(2, 4, 6, 10, seed=1)
    run(block, x)  # lazy layers exist from now on
    give_norms_a_history(block)
    with torch.no_grad():
        result, calls = layers_run(block, x)
        convs = [m for m, _ in calls if isinstance(m, nn.Conv2d)]
        norms = [m for m, _ in calls if isinstance(m, _BatchNorm)]
        right = chained(convs, norms, x, ["conv", "norm", "relu"])
        orders: list[tuple[list[str], list[str], str]] = [
            (["conv", "relu", "norm"], [], "ReLU comes before BatchNorm: convolution, BatchNorm, ReLU"),
            (["norm", "relu", "conv"], [], "the convolution comes last: it is the first of the three"),
            (["relu", "conv", "norm"], [], "ReLU comes first: it is the last of the three"),
            (["norm", "conv", "relu"], [], "BatchNorm comes before the convolution: it belongs between it and ReLU"),
            (["conv", "norm"], [], "ReLU is missing: without it, two convolutions are no more than one"),
            (["conv", "norm"], ["relu"], "ReLU comes only at the very end: it belongs into every round"),
            (["conv", "norm", "relu"], ["no last relu"], "ReLU is missing in the last round"),
            (["conv", "norm", "relu"], ["norm"], "a BatchNorm too many"),
            (["conv", "norm", "leaky"], [], "negative values come through: it is LeakyReLU, not ReLU"),
            (["conv", "norm", "relu6"], [], "values above 6 are cut off: it is ReLU6, not ReLU"),
            (["conv", "norm", "sigmoid"], [], "a sigmoid stands where ReLU belongs"),
            (["conv", "norm", "gelu"], [], "GELU stands where ReLU belongs"),
        ]
        if values_close(result, right, 1e-3):
            return
        for order, last, sentence in orders:
            try:
                found = values_close(result, chained(convs, norms, x, order, last), 1e-3)
            except RuntimeError:
                continue
            require(not found, sentence)
        for added in (x, chained(convs[:1], norms, x, ["conv", "norm", "relu"])):
            require(not values_close(result, right + added, 1e-3), "something is added to the result of the last round")
        require((result >= 0).all(), "the result has negative values: ReLU comes last, in every round")
    details = {"expected": right[0, 0, 0, :4], "yours": result[0, 0, 0, :4]}
    raise Wrong("the result is not that of convolution, BatchNorm, ReLU, one after the other", **details)


def give_norms_a_history(module: nn.Module) -> None:
    """Let every BatchNorm rescale: a new one does nothing in evaluation mode, and order would not show."""
    with torch.no_grad():
        for number, norm in enumerate(m for m in module.modules() if isinstance(m, _BatchNorm)):
            for name, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)):
                value = getattr(norm, name)
                if value is not None:
                    value.copy_(low + torch.rand(value.shape, generator=seeded_generator(10 * number + len(name))))


def chained(convs: Sequence[nn.Module], norms: Sequence[nn.Module], x: Tensor, order: Sequence[str],
            last: Sequence[str] = ()) -> Tensor:  # fmt: skip
    """Run the layers of an answer in some order; `last` is done once at the end."""
    for number, (conv, norm) in enumerate(zip(convs, norms, strict=False)):
        steps = {"conv": conv, "norm": norm, "relu": F.relu, "leaky": lambda t: F.leaky_relu(t, 0.01),
                 "sigmoid": torch.sigmoid, "gelu": F.gelu, "relu6": F.relu6}  # fmt: skip
        names = order[:-1] if "no last relu" in last and number == len(convs) - 1 else order
        for name in names:
            x = steps[name](x)
    x = F.relu(x) if "relu" in last else x
    return norms[-1](x) if "norm" in last else x


def halves_first(ConvBlock: Callable) -> None:
    """With `downsample`, height and width are halved before the convolutions.

    `nn.MaxPool2d(2)` as the very first layer, if `downsample`.
    """
    for depth in (2, 1):
        block, x = made(ConvBlock, 3, 8, depth=depth, downsample=True).eval(), noise(2, 3, 8, 12)
        result, calls = layers_run(block, x)
        details = {"input": (2, 3, 8, 12), "expected": (2, 8, 4, 6), "yours": tuple(result.shape)}
        require(result.shape[2:] != (8, 12), "`downsample` is not used: the size is not halved", **details)
        require(result.shape[2:] != (2, 3), "the size is halved more than once", **details)
        require(
            result.shape == (2, 8, 4, 6),
            "with `downsample`, height and width must be half of what they were",
            **details,
        )
        convs = [shape for m, shape in calls if isinstance(m, nn.Conv2d)]
        if any(shape[2:] != (4, 6) for shape in convs):
            says = (
                "the size is halved after a convolution: halve first, then each convolution has a quarter of the work"
            )
            raise Wrong(says, sizes=[shape[2:] for shape in convs])
        require(len(convs) in (depth, depth + 1), f"with `downsample` {len(convs)} convolutions run for depth {depth}")


def block_learns(ConvBlock: Callable) -> None:
    """Every weight learns, and BatchNorm follows the batches in training mode.

    Whatever `__init__` makes, forward must use. Leave the modes alone: no `.eval()` in a block.
    """
    for downsample in (True, False):
        block = made(ConvBlock, 3, 4, depth=2, downsample=downsample)
        learns(block, noise(2, 3, 6, 10, seed=2))
    says = "BatchNorm is not in training mode although the block is: leave the modes to `train()` and `eval()`"
    require(all(m.training for m in block.modules()), says)
    says = "the same batch gives different results in training mode: dropout is no part of the block"
    dropout = any(isinstance(m, _DropoutNd) for m in block.modules())
    require(not dropout or torch.equal(run(block, noise(2, 3, 6, 6)), run(block, noise(2, 3, 6, 6))), says)
    block.eval()
    same = torch.equal(run(block, noise(1, 3, 6, 6)), run(block, noise(1, 3, 6, 6)))
    require(same, "two calls give different results in evaluation mode: are layers made in forward?")


# ---------------------------------------------------------------- 6.2
@contextlib.contextmanager
def joined(x: Tensor, skip: Tensor) -> Iterator[None]:
    """Say so where two tensors are joined along a wrong axis: the layer after it would complain of its channels."""
    cat = torch.cat

    def watched(tensors: Sequence[Tensor], dim: int = 0, **kwargs: Any) -> Tensor:
        dim = kwargs.pop("axis", dim)
        pictures = dim == 0 and len(tensors) == 2 and all(t.ndim == 4 and len(t) == len(x) for t in tensors)
        says = "the two are joined along dim 0, as if they were more pictures: the channels are dim 1"
        details = {"join": [tuple(t.shape) for t in tensors], "axes": "(N, C, H, W)"}
        require(not pictures, says, **details)
        with_skip = len(tensors) == 2 and any(t.shape == skip.shape and torch.equal(t, skip) for t in tensors)
        if with_skip and dim in (2, 3, -1, -2):
            side = {2: "under", 3: "beside"}[dim % 4]
            says = f"the two are joined along dim {dim}, one picture {side} the other: the channels are dim 1"
            raise Wrong(says, **details)
        return cat(tensors, dim, **kwargs)

    with mock.patch.multiple(torch, cat=watched, concat=watched, concatenate=watched):
        yield


def skip_is_not_enlarged(step: nn.Module, skip: Tensor) -> None:
    """Say so where the skip enters a layer that enlarges: torch would complain of the channels of that layer."""

    def watch(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
        given = next((t for t in inputs if isinstance(t, Tensor)), None)
        same = given is not None and given.shape == skip.shape and torch.equal(given, skip)
        require(not same, "the skip is enlarged: it has the full size already, and what comes from below is x")

    for layer in step.modules():
        if isinstance(layer, nn.Upsample) or (isinstance(layer, nn.ConvTranspose2d) and max(layer.stride) > 1):
            layer.register_forward_pre_hook(watch)


def doubled_and_halved(DecoderStep: Callable) -> None:
    """Height and width double, the channels become half.

    `nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)` does both; the block then takes what is joined.
    """
    for channels, batch, height, width in ((8, 2, 3, 5), (12, 1, 4, 2), (2, 3, 5, 3)):
        x, skip = noise(batch, channels, height, width), noise(batch, channels // 2, 2 * height, 2 * width, seed=1)
        step = made(DecoderStep, channels).eval()
        skip_is_not_enlarged(step, skip)
        with joined(x, skip):
            output = run(step, x, skip)
        require(output.dtype == torch.float32, f"the result is {output.dtype}: float stays float", yours=output.dtype)
        result = tuple(output.shape)
        wanted = (batch, channels // 2, 2 * height, 2 * width)
        details = {"from below": tuple(x.shape), "skip": tuple(skip.shape), "expected": wanted, "yours": result}
        require(len(result) == 4, f"the result has {len(result)} dimensions instead of 4", **details)
        says = "the size is not doubled, or it is halved again afterwards, by `downsample=True` or a stride"
        require(result[2:] != (height, width), says, **details)
        says = "pixels are lost at the edges: a 3 x 3 convolution needs padding=1"
        require(not (result[2] < 2 * height and result[2] - result[3] == 2 * (height - width)), says, **details)
        require(result[2:] == wanted[2:], "height and width must be those of the skip", **details)
        says = "the channels are not halved: the block takes all that is joined and gives C/2, that is channels // 2"
        require(result[1] <= channels // 2, says, **details)
        require(result == wanted, "the result must have C/2 channels, and as many pictures as came in", **details)


def influence(step: nn.Module, x: Tensor, skip: Tensor, which: int, row: int, column: int) -> Tensor:
    """Find the pixels of the result that change with one pixel of an input (0: from below, 1: skip)."""
    found = torch.zeros(1, dtype=torch.bool)
    with torch.no_grad():
        before = run(step, x, skip)
        for sign in (-6.0, 6.0):
            for channel in range((x, skip)[which].shape[1]):
                inputs = [x.clone(), skip.clone()]
                inputs[which][:, channel, row, column] += sign
                found = found | ((run(step, *inputs) - before).abs().amax(dim=(0, 1)) > 1e-6)
    return found


def dropped(step: nn.Module, *inputs: Tensor) -> bool:
    """Say whether a step calls F.dropout."""
    with mock.patch.object(F, "dropout", wraps=F.dropout) as dropout:
        run(step, *inputs)
    return dropout.called


def all_registered(step: nn.Module) -> None:
    """Raise Wrong where PyTorch does not know all layers of a step."""
    says = "no layer is registered, so nothing can be learned: make the layers in __init__, as self.something = ..."
    require(list(step.parameters()), says)
    try:  # `double` reaches what is registered
        copy.deepcopy(step).double()(noise(2, 8, 4, 6).double(), noise(2, 4, 8, 12).double())
    except RuntimeError as error:
        raise Wrong("a layer is not registered, so no optimizer finds it: no plain list, an nn.ModuleList") from error


def both_are_used(DecoderStep: Callable) -> None:
    """The result depends on what comes from below, and on the skip.

    `torch.cat([skip, up], dim=1)` lays the two beside each other; the block takes both.
    """
    step = made(DecoderStep, 8).eval()
    x, skip = noise(2, 8, 4, 6), noise(2, 4, 8, 12, seed=1)
    with torch.no_grad():
        first, again = run(step, x, skip), run(step, x, skip)
        says = "two calls give different results: make layers in __init__, in forward they get new weights each time"
        drops = "F.dropout draws anew in evaluation mode as well: nothing is to be dropped here"
        require(torch.equal(first, again), drops if dropped(step, x, skip) else says)
        all_registered(step)
        other_skip, other_x = run(step, x, skip.flip(0)), run(step, x.flip(0), skip)
    same_skip, same_x = torch.equal(first, other_skip), torch.equal(first, other_x)
    require(not same_skip, "the skip is not used: another skip gives the same result")
    exchanged = skip.unflatten(3, (6, 2)).flip(4).flatten(3)  # the two columns of each block of 2 x 2
    says = "the skip loses its detail: double x first, and join it with the skip in the skip's full size"
    require(not values_close(first, run(step, x, exchanged).detach(), 1e-5), says)
    require(not same_x, "what comes from below is not used: with another the result is the same")
    for which, name in ((0, "what comes from below"), (1, "the skip")):
        step.train()
        inputs = [t.clone().requires_grad_() for t in (x, skip)]
        result = step(*inputs)
        require(result.requires_grad, "no gradient can flow back: no `detach`, no `no_grad` in forward")
        (result * noise(*result.shape, seed=3)).sum().backward()
        grad = inputs[which].grad
        require(grad is not None and grad.abs().sum() > 0, f"no gradient reaches {name}: no `detach`, no `.data`")
        silent = [c for c, total in enumerate(grad.abs().sum(dim=(0, 2, 3))) if total == 0]
        require(not silent, f"only some channels of {name} are used", channels=grad.shape[1], unused=silent)


def pixels_stay_in_place(DecoderStep: Callable) -> None:
    """A pixel from below becomes a block of 2 x 2 in its place, and a pixel of the skip stays where it is.

    Enlarging keeps neighbours together. `repeat` lays copies of the whole map side by side; `view` shuffles rows.
    """
    step, x, skip = made(DecoderStep, 4).eval(), noise(3, 4, 14, 18), noise(3, 2, 28, 36, seed=1)
    with mock.patch.object(F, "interpolate", wraps=F.interpolate) as enlarge:
        run(step, x, skip)
    says = "align_corners=True spreads the pixels from edge to edge, up to half a pixel out of place: leave it False"
    corners = [[*call.args[4:5], call.kwargs.get("align_corners")] for call in enlarge.call_args_list]
    require(not any(map(any, corners)), says)
    with torch.no_grad():
        alone = [run(step, x[n : n + 1], skip[n : n + 1]) for n in range(3)]
        says = "a picture's result depends on the others in the batch: the first dimension stays apart"
        require(values_close(run(step, x, skip), torch.cat(alone), 1e-4), says)
    x, skip = x[:1], skip[:1]
    for which, row, column, says in (
        (1, 7, 25, "a pixel of the skip turns up somewhere else: are rows and columns exchanged, or halves shifted?"),
        (0, 4, 13, "a pixel from below turns up far from its place: each must become a block of 2 x 2 (`repeat` and "
                   "`view` do something else)"),
    ):  # fmt: skip
        centre = (row, column) if which else (2 * row + 0.5, 2 * column + 0.5)
        spots = influence(step, x, skip, which, row, column).nonzero()
        far = [tuple(s) for s in spots.tolist() if max(abs(s[0] - centre[0]), abs(s[1] - centre[1])) > 8]
        details = {"pixel": (row, column), "changes": far[:3]}
        require(not far, says, **details)
        at = [s for s in spots.tolist() if max(abs(s[0] - centre[0]), abs(s[1] - centre[1])) <= 2]
        require(at, says, **details)
        require_centred(DecoderStep, x, skip, which, (row, column), centre)


def require_centred(DecoderStep: Callable, x: Tensor, skip: Tensor, which: int, pixel: tuple[int, int],
                    centre: tuple[float, float]) -> None:  # fmt: skip
    """What a pixel changes lies around it on all sides; several seeds, since a ReLU may hide an edge of it."""
    spots = torch.cat(
        [influence(made(DecoderStep, 4, seed=s).eval(), x, skip, which, *pixel).nonzero() for s in (1, 2)]
    )
    for axis, name in enumerate(("rows", "columns")):
        first, last = int(spots[:, axis].min()), int(spots[:, axis].max())
        details = {f"the pixel's {name[:-1]}": pixel[axis], f"{name} that change": f"{first} to {last}"}
        says = (
            f"{('what comes from below', 'the skip')[which]} is shifted: a pixel changes other {name} than those "
            + ("around it" if which else "around its block of 2 x 2")
        )
        require(abs(first + last - 2 * centre[axis]) <= 1, says, **details)


def a_block_mixes(DecoderStep: Callable) -> None:
    """A ConvBlock mixes the two: each pixel also looks at its neighbours, and ReLU comes last.

    `self.block = ConvBlock(...)` with the channels of both, and C/2 out; return what it gives.
    """
    step, x, skip = made(DecoderStep, 4).eval(), noise(1, 4, 6, 8), noise(1, 2, 12, 16, seed=1)
    zeros, highest = 0, 0.0
    for seed, channels in enumerate((4, 8, 16, 32)):  # few channels may happen to stay positive
        larger = made(DecoderStep, channels, seed=seed).eval()
        inputs = noise(2, channels, 6, 8, seed=seed), noise(2, channels // 2, 12, 16, seed=seed + 9)
        with torch.no_grad():
            result, bright = run(larger, *inputs), run(larger, *(1000 * t for t in inputs))
        require((result >= 0).all(), "the result has negative values: a ConvBlock comes last, and ReLU with it")
        zeros, highest = zeros + int((result == 0).sum()), max(highest, float(bright.max()))
    says = "no value is 0: a ConvBlock comes last, and ReLU with it, without a sigmoid, softmax or `abs` after it"
    require(zeros, says)
    require(highest > 6, "large values are cut off: ReLU comes last, and sets no upper limit", highest=highest)
    near = influence(step, x, skip, 1, 5, 9)
    says = "a pixel of the skip changes no neighbour: mix the two with a ConvBlock, whose convolutions are 3 x 3"
    require(near.sum() > 4, says, changed=int(near.sum()))


def step_learns(DecoderStep: Callable) -> None:
    """Every weight learns.

    Whatever `__init__` makes, forward must use; a list of layers must be an nn.ModuleList.
    """
    step = made(DecoderStep, 8)
    learns(step, noise(2, 8, 4, 6), noise(2, 4, 8, 12, seed=1))


# ---------------------------------------------------------------- 6.3
def counted(
    answer: Callable, model: nn.Module, text: str, wanted: int, mistakes: dict[int, str], **kwargs: Any
) -> None:
    """Ask an answer for the number of parameters of a model, shown as a short text."""
    result = answer(model, **kwargs)
    require(result is not None, "nothing is returned: is a `return` missing?")
    try:
        number = float(result if not isinstance(result, str) else "text")
    except (TypeError, ValueError, RuntimeError):
        raise Wrong(f"the result is {kind_of(result)}, not a whole number") from None
    details = {"model": text} | kwargs | {"expected": wanted, "yours": result}
    if number != number // 1:
        values = sum(float(p.detach().sum()) for p in model.parameters())
        says = "this is a part of a number: return the number itself, not thousands or millions of them"
        if math.isclose(number, values, rel_tol=1e-3):
            says = "the values are added up, not counted: `numel()` is how many a tensor holds"
        raise Wrong(says, **details)
    if number != wanted:
        raise Wrong(mistakes.get(int(number), "the number of parameters is off"), **details)
    says = "the number is right, but its type is not: a count is a whole number, an `int`"
    require(not isinstance(result, float | np.floating), says, **details | {"type": type(result).__name__})


def every_number(count_parameters: Callable) -> None:
    """Every number of every weight and bias is counted.

    `p.numel()` is how many numbers a tensor holds. Add it up over `model.parameters()`.
    """
    conv, forgotten = nn.Conv2d(3, 5, 3), "nothing is counted, although nothing is frozen: with `trainable` False, all "
    forgotten += "parameters count"
    if count_parameters(nn.Sequential(conv)) == 140:
        forgotten = (
            "what the model itself holds is forgotten, only its children are counted: `model.parameters()` has all"
        )
    first_side = "only a tensor's first side is counted, as `len(p)` or `p.shape[0]` does: `numel()` counts all numbers"
    counted(
        count_parameters, conv, "Conv2d(3, 5, 3)", 140,
        {2: "these are the tensors: count the numbers in each, `numel()`", 135: "the bias is left out",
         5: first_side, 10: first_side, 560: "these are bytes: count numbers, of whatever size",
         0: forgotten},
    )  # fmt: skip
    counted(count_parameters, nn.ReLU(), "ReLU()", 0, {})


def layers_in_layers(count_parameters: Callable) -> None:
    """Layers inside layers are counted, each once.

    `model.parameters()` goes through all levels by itself; no loop over `children()` or `modules()` is needed.
    """
    inner = nn.Sequential(nn.Conv2d(4, 3, 1), nn.Sequential(nn.Linear(2, 3)))
    model = nn.Sequential(nn.Conv2d(3, 4, 1), inner)
    model.register_parameter("free", nn.Parameter(torch.zeros(3, 7)))
    text = "Sequential(Conv2d(3, 4, 1), Sequential(Conv2d(4, 3, 1), Sequential(Linear(2, 3)))) and a parameter of 3 x 7"
    first = "only the first level is counted: there are layers inside layers"
    counted(
        count_parameters, model, text, 16 + 15 + 9 + 21,
        {16: first, 37: first, 21: "only what the model itself holds is counted: there are layers inside it",
         31: "only convolutions are counted: take every parameter, `model.parameters()`",
         40: "only known layers are counted: take every parameter, `model.parameters()`",
         61 + 16 + 24 + 15 + 9 + 9: "layers inside layers are counted again on every level: `parameters()` of the "
         "model alone has them all",
         51: "the biases are left out", 30: "the biases are left out"},
    )  # fmt: skip
    single = nn.Module()
    single.scale = nn.Parameter(torch.tensor(2.0))
    counted(count_parameters, single, "one parameter that is a single number", 1,
            {0: "a parameter without dimensions still is one number: `numel()`"})  # fmt: skip


def buffers_are_not_learned(count_parameters: Callable) -> None:
    """BatchNorm's running averages are buffers, and not counted.

    `state_dict()` holds parameters and buffers. `parameters()` holds only what gradients change.
    """
    model = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5))
    counted(
        count_parameters, model, "Sequential(Conv2d(3, 5, 3, bias=False), BatchNorm2d(5))", 145,
        {156: "buffers are counted: BatchNorm's running averages are not learned by gradients",
         155: "buffers are counted: BatchNorm's running averages are not learned by gradients",
         135: "BatchNorm's weight and bias are learned too: take every parameter"},
    )  # fmt: skip


def shared_once(count_parameters: Callable) -> None:
    """A layer that is used in two places is counted once.

    `model.parameters()` gives each parameter once; a sum over layers or over `state_dict()` does not.
    """
    layer, text = nn.Linear(4, 4), "layer = Linear(4, 4); Sequential(layer, ReLU(), layer)"
    twice = {40: "a shared layer is counted twice: its numbers exist once"}
    counted(count_parameters, nn.Sequential(layer, nn.ReLU(), layer), text, 20, twice)
    one, other = nn.Linear(3, 3), nn.Linear(3, 3)
    other.weight = one.weight
    counted(
        count_parameters, nn.Sequential(one, other), "two Linear(3, 3) with one common weight", 15,
        {24: "a shared weight is counted twice: its numbers exist once"},
    )  # fmt: skip


def trainable_ones(count_parameters: Callable) -> None:
    """With `trainable`, only parameters that still get gradients are counted; without, all of them.

    A frozen parameter has `requires_grad` False.
    """
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
    model[0].requires_grad_(False)
    model[2].bias.requires_grad_(False)
    text = "Conv2d(3, 4, 1) frozen, BatchNorm2d(4), Conv2d(4, 2, 1) with its bias frozen"
    ignored = "the frozen ones are left out although `trainable` is False"
    counted(
        count_parameters, model, text, 34, {16: ignored, 18: "`trainable` False means all, not only the frozen ones"}
    )
    counted(
        count_parameters, model, text, 16,
        {34: "`trainable` is not used: frozen parameters are counted",
         18: "these are the frozen ones: count the others",
         8: "the weights of BatchNorm are learned as well"},
        trainable=True,
    )  # fmt: skip
    model.requires_grad_(False)
    counted(count_parameters, model, "everything frozen", 0, {34: "`trainable` is not used"}, trainable=True)
    require(model.training, "counting switches the model to evaluation mode: it must leave it as it was")
    model.requires_grad_(True)
    counted(count_parameters, model.eval(), "nothing frozen, evaluation mode", 34,
            {0: "evaluation mode freezes nothing: ask `requires_grad`"}, trainable=True)  # fmt: skip
    kept = all(p.requires_grad and p.dtype == torch.float32 for p in model.parameters()) and not model.training
    require(kept, "the model is changed: counting must leave it as it was")


# ---------------------------------------------------------------- 6.4
class Backbone(nn.Sequential):
    """A small encoder that answers as torchvision's backbones do."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = super().forward(x)
        return {"out": features, "aux": features}


def segmenter(length: int, width: int = 8) -> FCN:
    """Make a small model of torchvision's own class for 21 classes, whose head has this many layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = Backbone(nn.Conv2d(3, 4 * width, 3, stride=2, padding=1), nn.ReLU())
        if length == 5:
            head = FCNHead(4 * width, 21)
        elif length == 3:
            head = nn.Sequential(nn.Conv2d(4 * width, width, 1), nn.ReLU(), nn.Conv2d(width, 21, 1))
        else:
            head = nn.Sequential(*[nn.ReLU()] * (length - 1), nn.Conv2d(4 * width, 21, 1))
        return FCN(backbone, head, nn.Sequential(nn.Conv2d(4 * width, 21, 1))).eval()


def with_new_head(replace_head: Callable, length: int, outputs: int, **kwargs: Any) -> FCN:
    """Let the answer work on a model, and return it. Raises Wrong where the new head does not fit."""
    model = segmenter(length, **kwargs)
    give_norms_a_history(model)
    backbone, old_out = model.backbone, model.classifier[-1].out_channels
    before = {k: v.clone() for k, v in model.state_dict().items()}
    layers = list(model.classifier)[:-1]
    settings = list(map(repr, layers))
    model.backbone.train()
    returned = call_replace_head(replace_head, model, length, outputs)
    require(isinstance(model.classifier, nn.Module), "`model.classifier` is no module any more")
    details = {"layers in the head": length, "num_outputs": outputs}
    head, unchanged = model.classifier, model.state_dict()
    same = unchanged.keys() == before.keys() and all(
        v.shape == before[k].shape and torch.equal(v, before[k]) for k, v in unchanged.items()
    )
    if same and old_out != outputs:
        pretended = isinstance(head, nn.Sequential) and getattr(head[-1], "out_channels", 0) == outputs
        says = "only the attribute `out_channels` is changed, no weight: put a new nn.Conv2d in its place"
        require(not pretended, says, **details)
        elsewhere = isinstance(returned, nn.Module) and returned is not model
        says = "a new model is returned, and the one that was given stays as it was: work in place"
        require(not elsewhere, says, **details)
        raise Wrong("the model is still as it was: put the new layer into it, `model.classifier[-1] = ...`", **details)
    require_new_layer(head, layers, length, outputs, kwargs.get("width", 8))
    says = "the settings of another layer are changed: only the last one is to be new"
    require(list(map(repr, layers)) == settings, says, **details)
    require(model.backbone is backbone, "the backbone is replaced: only the last layer is to be new", **details)
    kept = backbone.training and not any(layer.training for layer in layers)
    last = f"classifier.{length - 1}."
    kept = kept and all(w.requires_grad for name, w in model.named_parameters() if not name.startswith(last))
    require(kept, "another layer is frozen, or has left its mode: leave all but the last one alone", **details)
    backbone.eval()
    for name, value in before.items():
        if not name.startswith(last):
            says = f"`{name}` is changed or lost: only the last layer is to be new"
            require(name in unchanged and torch.equal(unchanged[name], value), says, **details)
    return model


def call_replace_head(replace_head: Callable, model: FCN, length: int, outputs: int) -> Any:
    """Call the answer, and explain the errors that two common mistakes lead to."""
    try:
        return replace_head(model, outputs)
    except TypeError as error:
        if "FCNHead" in str(error):
            says = "torchvision's heads cannot be cut with [:-1]: cut a list of the layers, list(model.classifier)[:-1]"
            raise Wrong(says) from error
        raise
    except (IndexError, AttributeError, KeyError) as error:
        if "index" in str(error) or isinstance(error, KeyError | IndexError):
            says = "the head has another length here: its last layer is `model.classifier[-1]`, at whatever number"
            raise Wrong(says, layers=length) from error
        raise


def require_new_layer(head: nn.Module, layers: list[nn.Module], length: int, outputs: int, width: int) -> None:
    """Require a head whose last layer is a new one that fits, behind the other `layers` as they were."""
    details = {"layers in the head": length, "num_outputs": outputs}
    if isinstance(head, nn.Conv2d) and length > 1:
        raise Wrong("the whole head is replaced: only its last layer is to be new", **details)
    says = f"`model.classifier` is now {kind_of(head)}: it must stay a sequence"
    require(isinstance(head, nn.Sequential), says, **details)
    says = "the old last layer is still there, and the new one comes after it: put the new one in its place"
    require(len(head) <= length, says, **details)
    require(len(head) == length, "layers of the head are lost: only the last one is to be new", **details)
    last = head[-1]
    require(isinstance(last, nn.Conv2d), f"the last layer is {kind_of(last)}: it must be an nn.Conv2d", **details)
    other = [i for i, (a, b) in enumerate(zip(layers, head, strict=False)) if a is not b and isinstance(b, nn.Conv2d)]
    says = "the first layer of the head is new, and the last one is still the old: `model.classifier[-1]` is the last"
    require(not other or last.weight.shape[0] == outputs, says, **details)
    kept = all(a is b for a, b in zip(layers, head, strict=False))
    require(kept, "layers before the last one are replaced", **details)
    arriving, found = 4 * width if length < 3 else width, last.weight.shape
    says = "the new layer must take as many channels as the old one: read them off, `old.in_channels`"
    first = getattr(layers[0] if layers else None, "in_channels", None)
    if found[1] == first:
        says = "these are the channels of the head's first layer: read them off its last one, `model.classifier[-1]`"
    require(found[1] == arriving, says, expected=arriving, yours=found[1], **details)
    says = "the new layer has another number of outputs than `num_outputs`"
    require(found[0] == outputs, says, yours=found[0], **details)
    require(tuple(found[2:]) == (1, 1), "the new layer's kernel is not 1 x 1", **details)
    size = tuple(last(noise(1, arriving, 3, 4)).shape[2:])
    require(size == (3, 4), "the new layer changes the size: no stride and no padding", expected=(3, 4), yours=size)


def head_has_outputs(replace_head: Callable) -> None:
    """The model gives `num_outputs` channels, and everything before its last layer stays.

    Read `in_channels` off the old layer, make an nn.Conv2d with it, and assign it to `model.classifier[-1]`.
    """
    for outputs in (6, 1, 30):
        model = with_new_head(replace_head, 5, outputs)
        with torch.no_grad():
            shape = tuple(model(noise(2, 3, 8, 12))["out"].shape)
        require(
            shape == (2, outputs, 8, 12), "the logits have another shape", expected=(2, outputs, 8, 12), yours=shape
        )


def head_of_any_length(replace_head: Callable) -> None:
    """The head may have any length and any number of channels.

    Python's `[-1]` is the last one, however many there are.
    """
    for length, width in ((3, 8), (2, 5), (1, 3), (5, 12)):
        model = with_new_head(replace_head, length, 4, width=width)
        with torch.no_grad():
            shape = tuple(model(noise(1, 3, 6, 10))["out"].shape)
        require(shape == (1, 4, 6, 10), "the logits have another shape", expected=(1, 4, 6, 10), yours=shape)


def head_learns(replace_head: Callable) -> None:
    """The new layer is fresh and learns; what was frozen before stays frozen.

    A new nn.Conv2d has random weights that get gradients: nothing else is to be done.
    """
    model = segmenter(5)
    model.requires_grad_(False)
    old = model.classifier[-1].weight.clone()
    replace_head(model, 4)
    last = model.classifier[-1]
    require(last.weight.requires_grad, "the new layer gets no gradients: it has everything to learn")
    new = last.weight.detach()
    require(not any((row == old).flatten(1).all(1).any() for row in new),
            "the new layer holds weights of the old one, which were for other classes: make a fresh one")  # fmt: skip
    others = [n for n, p in model.named_parameters() if p.requires_grad and not n.startswith("classifier.4.")]
    require(not others, f"`{others[0] if others else ''}` was frozen, and gets gradients now: leave the others alone")


def head_twice(replace_head: Callable) -> None:
    """It can be done again, also with as many outputs as there are.

    Nothing in it depends on the 21 classes with which a model came.
    """
    model = segmenter(3)
    for outputs in (21, 5, 2, 2, 21):
        replace_head(model, outputs)
        with torch.no_grad():
            shape = tuple(model(noise(1, 3, 4, 6))["out"].shape)
        says = "done again, on a model that had a new head already, the outputs are wrong"
        require(shape == (1, outputs, 4, 6), says, expected=(1, outputs, 4, 6), yours=shape)


# ---------------------------------------------------------------- 6.5
def parts() -> nn.Sequential:
    """Make a model of two parts: an encoder with all that can be forgotten, and a decoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
                              nn.Sequential(nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))))  # fmt: skip
        encoder = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), inner)
        encoder.register_parameter("scale", nn.Parameter(torch.ones(4, 1, 1)))
        decoder = nn.Sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2))
        model = nn.Sequential(encoder, decoder)
    give_norms_a_history(model)
    return model


def done(freeze: Callable, model: nn.Sequential) -> nn.Module:
    """Freeze the encoder of a model, which must stay the very same."""
    encoder = model[0]
    parameters = dict(encoder.named_parameters())
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    normal = copy.deepcopy(encoder).eval()(noise(2, 3, 8, 10)).detach()
    returned = freeze(encoder)
    copied = isinstance(returned, nn.Module) and returned is not encoder
    says = "a copy is frozen, and the module that was given is as it was: work on the module itself, without deepcopy"
    untouched = encoder.training or any(p.requires_grad for p in encoder.parameters())
    require(not (copied and untouched), says)
    says = "gradients are switched off everywhere, `set_grad_enabled(False)`: freeze this module only"
    require(torch.is_grad_enabled(), says)
    remaining = dict(encoder.named_parameters())
    missing = sorted(parameters.keys() - remaining.keys())
    require(not missing, f"`{missing[0] if missing else ''}` is no parameter any more: keep it, without a gradient")
    replaced = [name for name, parameter in parameters.items() if remaining[name] is not parameter]
    says = "is another parameter now, and an optimizer holds the old one: change `requires_grad` of that"
    require(not replaced, f"`{[*replaced, 0][0]}` {says}")
    changed = next((k for k, v in encoder.state_dict().items() if not torch.equal(v, before[k])), "")
    require(not changed, f"`{changed}` has other values afterwards: freezing changes no number")
    lost = sorted(before.keys() - encoder.state_dict().keys())
    says = "without its running averages a BatchNorm takes those of each batch, also in evaluation mode: keep them"
    require(not lost, says, lost=lost)
    if not any(m.training for m in encoder.modules()):
        says = "the module gives other results than it did in evaluation mode before: it was to stay as it is"
        require(torch.equal(encoder(noise(2, 3, 8, 10)), normal), says)
    return encoder


def no_gradient(freeze: Callable) -> None:
    """No parameter of the module gets a gradient, in whatever layer it is.

    `module.requires_grad_(False)`, with the underscore, reaches every parameter on every level.
    """
    model = parts().train()
    encoder = done(freeze, model)
    left = [n for n, p in encoder.named_parameters() if p.requires_grad]
    every = len(list(encoder.parameters()))
    if len(left) == every:
        attribute = "requires_grad" in vars(encoder)
        says = "`module.requires_grad = False` only writes a note on the module: `module.requires_grad_(False)`"
        require(not attribute, says)
        noted = any("requires_grad" in vars(m) for m in encoder.modules())
        require(not noted, "`requires_grad = False` on a layer only writes a note on it: set it on its parameters")
        raise Wrong("all parameters still get gradients: evaluation mode alone freezes no weight, "
                    "`module.requires_grad_(False)`")  # fmt: skip
    if left:
        deep = all(n.startswith("3.") for n in left)
        where = "the layers inside layers are forgotten" if deep else "some parameters are forgotten"
        raise Wrong(f"{where}: they still get gradients", forgotten=left)


def evaluation_mode(freeze: Callable) -> None:
    """The module and everything inside it is in evaluation mode.

    `module.eval()` reaches all levels. BatchNorm then keeps its averages, and dropout lets everything through.
    """
    model = parts().train()
    model[0].training = False  # the outermost alone, as after `model[0].training = False`
    encoder = done(freeze, model)
    training = [n or "the module itself" for n, m in encoder.named_modules() if m.training]
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    if all(m.training for m in norms):
        raise Wrong("BatchNorm is still in training mode, where each batch counts: its layers need `module.eval()`")
    require(not norms[1].training, "the BatchNorm inside an inner layer is still in training mode: reach every level")
    require(not norms[0].training, "a BatchNorm is still in training mode: reach every one")
    require(not encoder[3][3].training, "dropout still drops: `module.eval()` reaches every layer, not only BatchNorm")
    require(not training, "a part is still in training mode: `module.eval()`", parts=training)


def statistics_stay(freeze: Callable) -> None:
    """Batches that pass change nothing in it, and the same picture gives the same answer.

    Weights without gradients are one half. BatchNorm's running averages move without any gradient, in training mode.
    """
    model = parts().train()
    encoder = done(freeze, model)
    x = noise(2, 3, 8, 10)
    before, answer = {k: v.clone() for k, v in encoder.state_dict().items()}, encoder(x).detach()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for seed in range(3):
        model(3 * noise(4, 3, 8, 10, seed=seed) + 2).square().mean().backward()
        optimizer.step()
    moved = [k for k, v in encoder.state_dict().items() if not torch.equal(v, before[k])]
    if moved:
        raise Wrong("BatchNorm's running averages move" if "running" in moved[0] else "weights move", moved=moved)
    require(torch.equal(encoder(x), answer), "the same picture gives another answer after other batches have passed")


def again_after_train(freeze: Callable) -> None:
    """After `model.train()`, calling it again freezes again, and the rest of the model trains.

    Change nothing but the module that is given: other parts, and gradients in general, stay switched on.
    """
    model = parts().train()
    encoder, decoder = done(freeze, model), model[1]
    require(all(p.requires_grad for p in decoder.parameters()), "a part of the model outside the module is frozen too")
    require(model.training and decoder.training, "a part of the model outside the module left training mode")
    model.train()
    freeze(encoder)
    awake = [m for m in encoder.modules() if m.training]
    says = "the module itself is still in training mode, and only its parts are not: `module.eval()` reaches both"
    require([*map(id, awake)] != [id(encoder)], says)
    still = awake or any(p.requires_grad for p in encoder.parameters())
    require(not still, "called again after `model.train()`, it does not freeze: let it do the same every time")
    x = noise(2, 3, 8, 10).requires_grad_()
    result = model(x)
    require(result.requires_grad, "the decoder cannot learn any more: no gradient flows")
    result.square().mean().backward()
    require(all(p.grad is not None for p in decoder.parameters()), "the decoder gets no gradients any more")
    require(
        x.grad is not None, "no gradient flows through the module: its own weights stay, but layers before it may learn"
    )
    single = nn.Conv2d(2, 3, 1)
    freeze(single)
    require(not any(p.requires_grad for p in single.parameters()), "a module that is a single layer is not frozen")
    freeze(nn.ReLU())
    freeze(nn.Sequential())


# ---------------------------------------------------------------- 6.6
def padded(pad_to_stride: Callable, images: Tensor, stride: int) -> Tensor:
    """Call the answer and look at the kind of its result."""
    height, width = images.shape[2:]
    try:
        result = expect(pad_to_stride, images, stride)
    except RuntimeError as error:
        if "Padding size should be less than" in str(error):
            raise Wrong("reflect needs pictures that are larger than what is added: take another mode, "
                        'like mode="replicate"', size=(height, width), stride=stride) from error  # fmt: skip
        if "wrapping around more than once" in str(error):
            raise Wrong("circular needs pictures that are as large as what is added: take another mode, "
                        'like mode="replicate"', size=(height, width), stride=stride) from error  # fmt: skip
        raise
    require(result is not None, "nothing is returned: is a `return` missing?")
    if not isinstance(result, Tensor):
        raise Wrong(f"the result is {kind_of(result)}: return the padded tensor alone")
    details = {"size": (height, width), "stride": stride}
    require(result.ndim == 4, f"the result has {result.ndim} dimensions instead of 4", **details)
    require(result.dtype == images.dtype, f"the values come back as {result.dtype}, not {images.dtype}", **details)
    return result


SIZES = ((5, 6, 4), (9, 3, 8), (7, 12, 5), (9, 13, 2))  # height, width, stride: none divides in both directions


def sides_divide(pad_to_stride: Callable) -> None:
    """Height and width become the next multiples of stride.

    `-height % stride` is what is missing: 5 and 4 give 3. F.pad takes left, right, top, bottom, in this order.
    """
    for height, width, stride in SIZES:
        images = noise(2, 3, height, width)
        result = padded(pad_to_stride, images, stride)
        wanted = tuple(-(-n // stride) * stride for n in (height, width))
        got = tuple(result.shape[2:])
        details = {"size": (height, width), "stride": stride, "expected": wanted, "yours": got}
        require(got != (height, width) or wanted == got, "nothing is added", **details)
        h, w = height, width
        cropped = got == (h // stride * stride, w // stride * stride) or got[0] < h or got[1] < w
        require(not (cropped and got != wanted), "the picture is cropped: pixels are lost, add some instead", **details)
        says = "rows and columns are exchanged: a shape ends in height, width, and F.pad takes left, right, top, bottom"
        require(got == wanted or got != (h + wanted[1] - w, w + wanted[0] - h), says, **details)
        says = "the remainder `height % stride` is what is too much, not what is missing"
        require(got == wanted or got != (h + h % stride, w + w % stride), says, **details)
        says = "the missing pixels are added at both ends: once is enough"
        require(got == wanted or got != (2 * wanted[0] - h, 2 * wanted[1] - w), says, **details)
        square = got[0] == got[1] == max(wanted) and wanted[0] != wanted[1]
        require(not square, "the picture becomes a square: height and width each have their own multiple", **details)
        first = [(h + -images.shape[0] % stride, w + -images.shape[1] % stride),
                 (h + -images.shape[1] % stride, w + -images.shape[0] % stride)]  # fmt: skip
        says = "the sides are read from the first two axes: height and width are the last two, `images.shape[-2:]`"
        require(got == wanted or got not in first, says, **details)
        both = got[0] % stride == 0 and got[1] % stride == 0
        says = (
            "more is added than needed: up to the next multiple, no further"
            if both
            else "the sides do not divide by stride"
        )
        require(got == wanted, says, **details)
        require(result.shape[:2] == images.shape[:2], "pictures or channels are added or lost", **details)


def pixels_stay(pad_to_stride: Callable) -> None:
    """The pixels stay as they are, at the top left.

    What is added goes to the right and to the bottom: F.pad(images, (0, right, 0, bottom)).
    """
    for height, width, stride in SIZES:
        images = noise(2, 3, height, width, seed=1)
        images[..., 0, 1] = 0.0  # black is a colour too
        result = padded(pad_to_stride, images, stride)
        if torch.equal(result[..., :height, :width], images):
            continue
        details = {"size": (height, width), "stride": stride}
        down, right = result.shape[2] - height, result.shape[3] - width
        shown = [(y, x) for y in range(down + 1) for x in range(right + 1)
                 if torch.equal(result[..., y : y + height, x : x + width], images)]  # fmt: skip
        if shown:
            start = "row {}, column {}".format(*shown[0])
            raise Wrong(f"the picture now starts at {start}: add pixels on the right and at the bottom only", **details)
        enlarged = any(
            torch.allclose(result, F.interpolate(images, result.shape[2:], mode=mode), atol=1e-3)
            for mode in ("nearest", "bilinear", "bicubic")
        )
        says = "the picture is enlarged: that changes every pixel, add rows and columns instead"
        require(not enlarged, says, **details)
        raise Wrong("the pixels of the picture are changed", **details)


def nothing_too_much(pad_to_stride: Callable) -> None:
    """A size that divides already stays as it is.

    `stride - height % stride` is a whole stride where nothing is missing. `-height % stride` is 0 there.
    """
    for height, width, stride in ((8, 12, 4), (3, 5, 1), (4, 4, 4), (8, 5, 4), (5, 8, 4)):
        images = noise(1, 2, height, width, seed=2)
        result = padded(pad_to_stride, images, stride)
        wanted = tuple(-(-n // stride) * stride for n in (height, width))
        details = {"size": (height, width), "stride": stride, "expected": wanted, "yours": tuple(result.shape[2:])}
        says = "a side that divides already gets a whole stride more: there, nothing is missing"
        require(result.shape[2] <= wanted[0] and result.shape[3] <= wanted[1], says, **details)
        says = "one side divides already, so nothing is added at all: the other one still needs pixels"
        require(result.shape[2:] == wanted, says, **details)
        require(
            torch.equal(result[..., :height, :width], images),
            "the pixels are changed where nothing is missing",
            **details,
        )


def small_pictures(pad_to_stride: Callable) -> None:
    """Pictures smaller than the stride work, as do other batches and channels.

    Some ways of padding need as many pixels as they add: `mode="reflect"` does, `"replicate"` and zeros do not.
    """
    for shape, stride, dtype in (
        ((1, 1, 1, 1), 8, torch.float32), ((3, 5, 2, 3), 32, torch.float64), ((1, 3, 17, 33), 32, torch.float16)
    ):  # fmt: skip
        images = noise(*shape, seed=3).to(dtype)
        with empty_is_nan():
            result = padded(pad_to_stride, images, stride)
        wanted = (*shape[:2], *(-(-n // stride) * stride for n in shape[2:]))
        details = {"shape": shape, "stride": stride, "expected": wanted, "yours": tuple(result.shape)}
        require(tuple(result.shape) == wanted, "a picture that is smaller than the stride comes out wrong", **details)
        require(torch.equal(result[..., : shape[2], : shape[3]], images), "the pixels are changed", **details)
        require(
            result.isfinite().all(), "what is added is not finite (NaN or infinite): the net would spread it", **details
        )


@contextlib.contextmanager
def empty_is_nan() -> Iterator[None]:
    """Let PyTorch fill what `torch.empty` makes with NaN: without that, it holds what was there before, by chance."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


# ---------------------------------------------------------------- 6.7
@dataclass
class Notes:
    """What happened on a way through the network: the maps by name, and the calls as (part, first map, second map)."""

    maps: dict[str, Tensor] = field(default_factory=dict)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)  # calls that are given a map without its gradient
    seeds: Iterator[int] = field(default_factory=itertools.count)  # no two maps are alike

    def name(self, value: Any) -> str:
        """Name a map by its values: a copy is as good as the map itself."""
        require(isinstance(value, Tensor), f"a part of the network is given {kind_of(value)}, not one map")
        names = (n for n, m in self.maps.items() if m.shape == value.shape and torch.equal(m, value))
        return next(names, "another map")


class Part(nn.Module):
    """Stands for a block, a step or the head: notes what it is given, and gives a map that no other part gives."""

    def __init__(self, *channels: int, downsample: bool = False) -> None:
        super().__init__()
        self.weight, self.channels = nn.Parameter(torch.ones(())), channels[-1] // (2 if len(channels) == 1 else 1)
        self.factor = 2 if len(channels) == 1 else 0.5 if downsample else 1  # a step is made with one number

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Tensor:
        says = f"`{self.place}` is called without a skip: a step takes two maps, step(x, skip), and joins them itself"
        require(skip is not None or not self.place.startswith("decoder"), says)
        given = [x] if skip is None else [x, skip]
        call = (self.place, *map(self.notes.name, given))
        self.notes.calls.append(call)
        if any(not m.requires_grad for m, name in zip(given, call[1:], strict=True) if name != "x"):
            self.notes.cut.append(shown([call])[0])
        size = (int(side * self.factor) for side in x.shape[2:])
        result = self.weight * noise(len(x), self.channels, *size, seed=next(self.notes.seeds))
        self.notes.maps[self.gives] = result
        return result


# Stands beside every list of calls.
WHERE = {"where": "map i is what encoder[i] gives, up i what decoder[i] gives; decoder[0] is the deepest"}


def shown(calls: Sequence[tuple[str, ...]]) -> list[str]:
    return [f"{place}({', '.join(given)})" for place, *given in calls]


def net_of_parts(forward: Callable, depth: int, outputs: int = 5) -> tuple[nn.Module, Notes]:
    """Make a network that takes the way of the answer and notes it."""
    net, notes = type("Net", (UNet,), {"forward": forward})(5, width=2, depth=depth, block=Part, step=Part), Notes()
    net.head = Part(2, outputs)
    for name, gives, parts in (("encoder", "map", net.encoder), ("decoder", "up", net.decoder)):
        for i, part in enumerate(parts):
            part.place, part.gives, part.notes = f"{name}[{i}]", f"{gives} {i}", notes
    net.head.place, net.head.gives, net.head.notes = "head", "logits", notes
    net.head.weight.data.fill_(100.0)  # logits have no limit
    return net, notes


def go(net: nn.Module, notes: Notes, *shape: int) -> Tensor:
    """Send a new batch through a network of parts; return the result."""
    x = noise(*shape, seed=next(notes.seeds))
    notes.maps, notes.calls[:] = {f"{name} of another batch": m for name, m in notes.maps.items()} | {"x": x}, []
    try:
        result = expect(lambda x: net(x), x)
    except NotImplementedError as error:
        raise Wrong("`self.encoder` and `self.decoder` are lists of parts, an nn.ModuleList: call one part after the "
                    "other, in a loop") from error  # fmt: skip
    return result


def way(depth: int) -> list[tuple[str, ...]]:
    """Return the calls of the right way, for a network of some depth."""
    down = [(f"encoder[{i}]", f"map {i - 1}" if i else "x") for i in range(depth + 1)]
    up = [(f"decoder[{i}]", f"up {i - 1}" if i else f"map {depth}", f"map {depth - 1 - i}") for i in range(depth)]
    return [*down, *up, ("head", f"up {depth - 1}")]


def calls_of(forward: Callable, part: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], dict[str, Any]]:
    """Return the calls of one half of a network of depth 3: the right ones, the answer's, and both to show."""
    net, notes = net_of_parts(forward, 3)
    go(net, notes, 2, 3, 16, 24)
    wanted, found = ([c for c in calls if c[0].startswith(part)] for calls in (way(3), notes.calls))
    return wanted, found, {"expected": shown(wanted), "yours": shown(found)} | WHERE


def down_in_order(forward: Callable) -> None:
    """Down: every block of the encoder runs once, in order, each on the output of the one before.

    `for block in self.encoder: x = block(x)` is the way down; keep each `x` on the way.
    """
    wanted, found, details = calls_of(forward, "encoder")
    require(found, "no block of the encoder runs: go down through `self.encoder` first", **details)
    at_x = len(found) > 1 and {given for _, given in found} == {"x"}
    require(not at_x, "every block gets x itself: each takes what the block before gave", **details)
    runs = [place for place, *_ in found]
    says = "a block of the encoder runs more than once: keep what it gave, instead of computing it again"
    require(len(set(runs)) == len(runs), says, **details)
    require(len(runs) == len(wanted), "a block of the encoder is left out: all run, the last one too", **details)
    says = "the first block gets another map than x: nothing is done to x before"
    require(found[0] != ("encoder[0]", "another map"), says, **details)
    says = "a block gets a map that no block gave: nothing happens between the blocks"
    require(all(given != "another map" for _, given in found), says, **details)
    require(found == wanted, "the blocks must run in order, each on the output of the one before", **details)


def up_in_order(forward: Callable) -> None:
    """Up: every step of the decoder runs once, in order, each on what comes from below and on the skip of its level.

    The last map of the encoder enters the decoder. The skips are the maps before it, and the last kept is needed first.
    """
    wanted, found, details = calls_of(forward, "decoder")
    require(found, "no step of the decoder runs: after the way down comes `self.decoder`", **details)
    (steps, below, skips), right = ([c[i] for c in found] for i in (0, 1, 2)), [c[2] for c in wanted]
    says = "the steps run in the wrong direction: `self.decoder` is in the order of the way up, so do not reverse it"
    require(steps != [c[0] for c in wanted][::-1], says, **details)
    says = "the arguments are exchanged: what comes from below is the first, the skip the second, step(x, skip)"
    require(below[0] != right[0] or skips[0] == right[0], says, **details)
    says = "the last map of the encoder is no skip: it enters the decoder from below, and the skips are those before it"
    require("map 3" not in skips, says, **details)
    says = "the skips come in the order in which they were kept: the deepest is needed first, so reverse them"
    require(skips != right[::-1], says, **details)
    says = "every step gets the map of the bottom: after the first one, each takes what the step before gave"
    require(set(below) != {"map 3"}, says, **details)
    require(len(found) >= len(wanted), "a step of the decoder is left out: all of them run", **details)
    require(below[0] == "map 3", "the way up starts with the output of the last block of the encoder", **details)
    require(found == wanted, "a step is given other maps than it needs, or the steps run in another order", **details)


def head_comes_last(forward: Callable) -> None:
    """The head runs last, and what it gives is returned as it is.

    `return self.head(x)`. Logits are any numbers; the softmax, or argmax, comes later and is no part of the network.
    """
    net, notes = net_of_parts(forward, 3)
    result = go(net, notes, 2, 3, 16, 24)
    heads = [c for c in notes.calls if c[0] == "head"]
    require(heads, "the head does not run: `self.head` turns the channels of every pixel into logits")
    details = {"expected": "head(up 2)", "yours": shown(heads)} | WHERE
    require(heads == [way(3)[-1]], "the head must run once, on what the last step of the decoder gives", **details)
    logits = notes.maps["logits"]
    says = "{} after the head: return the logits as they are, other functions turn them into probabilities and masks"
    mistakes = {"softmax": logits.softmax(1), "sigmoid": logits.sigmoid(), "ReLU": logits.relu()}
    listed = [(value, says.format(f"a {name} follows")) for name, value in mistakes.items()]
    listed += [(notes.maps["up 2"], "the head runs, but what is returned is the map before it")]
    if isinstance(result, Tensor) and result.shape == logits.argmax(1).shape:
        raise Wrong(says.format("an argmax follows"), yours=result.shape)
    try:
        expect(lambda: result, gives=logits, says="what the head gives is changed afterwards", mistakes=listed)
    except Wrong as wrong:
        both = kind_of(result) == kind_of(logits)  # two equal descriptions would show no difference
        raise Wrong(wrong.sentence, **values_that_differ(wrong.details) if both else wrong.details) from wrong
    require(result.dtype == logits.dtype, f"the logits come back as {result.dtype}, not {logits.dtype}")


def batch_after_batch(forward: Callable) -> None:
    """Every batch starts afresh, and nothing is kept on the network.

    Make the list of skips inside forward, as a plain variable. What stays on self holds memory, and cannot be copied.
    """
    net, notes = net_of_parts(forward, 3)
    before = set(vars(net)) | set(net._buffers) | set(net._modules)
    for number, shape in enumerate([(2, 3, 16, 24), (2, 3, 16, 24), (1, 3, 32, 8)]):
        net.train(number == 0)
        go(net, notes, *shape)
        require(net.training == (number == 0), "forward switches between training and evaluation mode: leave the mode")
        details = {"expected": shown(way(3)), "yours": shown(notes.calls)} | WHERE
        says = f"batch number {number + 1} takes another way: begin with a new, empty list of skips every time"
        require(notes.calls == way(3), says, **details)
    left = sorted((set(vars(net)) | set(net._buffers) | set(net._modules)) - before)
    require(not left, f"`self.{''.join(left[:1])}` stays on the network: keep the maps in a variable of forward")


def any_depth(forward: Callable) -> None:
    """The same lines work for a network of any depth.

    Loop over `self.encoder` and `self.decoder`, however long they are; count no levels by hand.
    """
    for depth in (1, 2, 5):
        net, notes = net_of_parts(forward, depth, outputs=1)
        try:
            shape = tuple(go(net, notes, 1, 3, 32, 32).shape)
        except (IndexError, ValueError) as error:
            raise Wrong(f"it works for depth 3 and stops for depth {depth}: {error}") from error
        details = {"depth": depth, "expected": shown(way(depth)), "yours": shown(notes.calls)} | WHERE
        require(notes.calls == way(depth), f"depth 3 is right and depth {depth} is not: loop over all parts", **details)
        says = "the logits of one image and one class lose an axis: return what the head gives, without squeeze"
        require(shape == (1, 1, 32, 32), says, expected=(1, 1, 32, 32), yours=shape)


def gradients_everywhere(forward: Callable) -> None:
    """The gradient gets back to every weight, on the way through the steps and through the skips.

    Keep the maps themselves: no `detach`, no `.data`, no `no_grad` in forward.
    """
    net, notes = net_of_parts(forward, 2)
    result = go(net, notes, 2, 3, 8, 12)
    says = "the gradient is cut before {}: no `detach`, no `.data`, no `no_grad` in forward"
    require(not notes.cut, says.format("".join(notes.cut[:1])))
    require(result.requires_grad, says.format("the end"))
    real = type("Net", (UNet,), {"forward": forward})(5, width=2, depth=2)
    logits = tuple(run(real, noise(2, 3, 8, 12)).shape)
    require(logits == (2, 5, 8, 12), "the real network gives another shape", expected=(2, 5, 8, 12), yours=logits)
    learns(real, noise(2, 3, 8, 12))


EXERCISES = [
    Exercise(
        "6.1", "A convolution block", "utils.unet.ConvBlock", 3, 15,
        "Nearly every segmentation network is made of this one block.",
        [block_is_a_module, size_stays, depth_counts, conv_norm_relu, halves_first, block_learns],
        [
            "Write down for depth 2 which layers follow each other, with the channels that go in and out of each.",
            "Collect the layers in a list: first the pooling, if any, then three layers in each round of a loop. Only "
            "the first convolution takes in_channels.",
            "layers += [nn.Conv2d(channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()], "
            "then self.layers = nn.Sequential(*layers); forward returns self.layers(x).",
        ],
        by_name=["depth", "downsample"],
    ),
    Exercise(
        "6.2", "A decoder step", "utils.unet.DecoderStep", 3, 12,
        "It is where what a network knows meets where things end.",
        [doubled_and_halved, both_are_used, pixels_stay_in_place, a_block_mixes, step_learns],
        [
            "Three things happen: enlarge, lay the skip beside, mix. The first and the last have weights.",
            "nn.ConvTranspose2d with kernel 2 and stride 2 doubles the size, and can halve the channels. Joined with "
            "the skip there are C channels again.",
            "In __init__: self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2) and self.block = "
            "ConvBlock(channels, channels // 2). In forward: self.block(torch.cat([skip, self.up(x)], dim=1)).",
        ],
    ),
    Exercise(
        "6.3", "Count parameters", "utils.models.count_parameters", 1, 5,
        "The first number that anyone asks about a network, and it says how large its file is.",
        [every_number, layers_in_layers, buffers_are_not_learned, shared_once, trainable_ones],
        [
            "Which method hands out all parameters of a model, and what tells how many numbers a tensor holds?",
            "Add up `p.numel()` over `model.parameters()`. If `trainable`, skip those with `p.requires_grad` False.",
            "sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)",
        ],
        by_name=["trainable"],
    ),
    Exercise(
        "6.4", "A head for your classes", "utils.models.replace_head", 2, 8,
        "So does a model that learned 21 classes elsewhere become one for yours.",
        [head_has_outputs, head_of_any_length, head_learns, head_twice],
        [
            "Look at the old last layer first: what does it know that the new one needs?",
            "`model.classifier[-1]` has `in_channels`. You can assign to a place of an nn.Sequential, as to a list.",
            "model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, 1)",
        ],
    ),
    Exercise(
        "6.5", "Freeze", "utils.models.freeze", 2, 8,
        "With few pictures, what a pretrained encoder knows is best left alone, all of it.",
        [no_gradient, evaluation_mode, statistics_stay, again_after_train],
        [
            "Two kinds of numbers in a module change during training. Gradients change one; what changes the other?",
            "Parameters have `requires_grad`. BatchNorm's running averages change in training mode only.",
            "module.requires_grad_(False), with the underscore, then module.eval().",
        ],
    ),
    Exercise(
        "6.6", "Pad to the stride", "utils.models.pad_to_stride", 2, 8,
        "Pictures of any size then go through the network, and no pixel is lost.",
        [sides_divide, pixels_stay, nothing_too_much, small_pictures],
        [
            "203 rows, stride 8: how many are missing to 208? And how many for 208 rows?",
            "`-height % stride` is what is missing, and 0 where nothing is. F.pad takes (left, right, top, bottom).",
            'F.pad(images, (0, -width % stride, 0, -height % stride), mode="replicate")',
        ],
    ),
    Exercise(
        "6.7", "The way through the U-Net", "utils.unet.UNet.forward", 3, 12,
        "It is the drawing of the U-Net in a few lines of code.",
        [down_in_order, up_in_order, head_comes_last, batch_after_batch, any_depth, gradients_everywhere],
        [
            "Follow the arrows of the drawing with your finger, and write one line for each kind of arrow: down, "
            "across, up, and out at the top.",
            "On the way down, append every output to a list. Its last entry enters the decoder, so it is no skip; of "
            "the others, the last kept is the first needed.",
            "`for step, skip in zip(self.decoder, reversed(skips[:-1]))` pairs each step with the skip of its level.",
            "skips = []; for block in self.encoder: x = block(x); skips.append(x). Then for step, skip in "
            "zip(self.decoder, reversed(skips[:-1])): x = step(x, skip). At the end return self.head(x).",
        ],
    ),
]  # fmt: skip

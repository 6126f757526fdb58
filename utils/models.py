"""Any model behind one call: our U-Net, segmentation-models-pytorch, torchvision (notebook 6)."""

import segmentation_models_pytorch as smp
import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from utils.config import WEIGHTS, Config, nearest
from utils.errors import ConfigError
from utils.pretrained import (
    IMAGENET,
    Statistics,
    encoder_statistics,
    fetched_or_refused,
    load_packaged,
    package_of,
    packaged_file,
)
from utils.unet import UNet
from utils.weights import start_from


class SegmentationModel(nn.Module):
    """Bytes in, logits out: normalises, pads to the stride, runs the net, and crops the padding off.

    uint8 (N, 3, H, W) of any size -> float logits (N, C, H, W). What is saved or exported cannot be fed wrongly.
    """

    def __init__(self, net: nn.Module, stride: int = 32, statistics: Statistics = IMAGENET) -> None:
        super().__init__()
        self.net, self.stride = net, stride
        self.encoder_frozen = False
        mean, std = statistics
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255)

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        x = ((images.float() - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        logits = self.net(pad_to_stride(x, self.stride))
        if isinstance(logits, dict):  # torchvision's models
            logits = logits["out"]
        return logits[..., :height, :width]

    @property
    def encoder(self) -> nn.Module:
        """The part that pretrained weights fill."""
        return self.net.backbone if hasattr(self.net, "backbone") else self.net.encoder

    def freeze_encoder(self) -> None:
        """Keep the encoder's weights, and its BatchNorm statistics, as they are."""
        self.encoder_frozen = True
        freeze(self.encoder)

    def train(self, mode: bool = True) -> "SegmentationModel":
        super().train(mode)
        if self.encoder_frozen:
            self.encoder.eval()  # or BatchNorm would go on averaging over the new images
        return self


def pad_to_stride(images: Tensor, stride: int) -> Tensor:
    """Repeat the right and the bottom edge until height and width are multiples of `stride`.

    float (N, C, H, W) -> the same dtype, (N, C, H', W'); nothing is added to a size that divides already.
    """
    height, width = images.shape[-2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride), mode="replicate")


def freeze(module: nn.Module) -> None:
    """Keep a module's weights, and its BatchNorm statistics, as they are: no gradients, evaluation mode. In place.

    `model.train()` sets every part to training mode again: call `module.eval()`, or this, after it.
    """
    module.requires_grad_(False)
    module.eval()


def build_model(config: Config, num_outputs: int) -> SegmentationModel:
    """Return the model that the config names, with `num_outputs` logit channels.

    Raises ConfigError for an unknown name or weights out of reach, CheckpointError for a file that does not fit.
    """
    library, _, name = config.model.partition(":")
    statistics = IMAGENET
    weights = config.weights if config.weights in WEIGHTS else None
    if library == "unet" and not name:
        if weights:
            raise ConfigError(f"There are no '{weights}' weights for 'unet': set weights=None or use smp:...")
        net, stride = UNet(num_outputs, config.unet_width, config.unet_depth), 2**config.unet_depth
    elif library == "smp":
        net, stride, statistics = build_smp(name, num_outputs, weights), 32, encoder_statistics(name, weights)
    elif library == "torchvision":
        net, stride = build_torchvision(name, num_outputs, weights), 1
    else:
        hint = nearest(config.model, ["unet", "smp:unet/resnet34", "torchvision:fcn_resnet50"])
        raise ConfigError(
            f"There is no model '{config.model}': use 'unet', 'smp:<architecture>/<encoder>' or "
            f"'torchvision:<name>'.{hint}"
        )
    model = SegmentationModel(net, stride, statistics)
    if config.weights and not weights:
        start_from(model, config.weights)
    if config.freeze_encoder:
        model.freeze_encoder()
    return model


def build_smp(name: str, num_outputs: int, weights: str | None) -> nn.Module:
    """Return `<architecture>/<encoder>` of segmentation-models-pytorch."""
    architecture, _, encoder = name.partition("/")
    _known("smp architecture", architecture, [m.__name__.lower() for m in SMP_ARCHITECTURES])
    known = [f"tu-{n}" for n in timm.list_models()] if encoder.startswith("tu-") else smp.encoders.get_encoder_names()
    _known("smp encoder", encoder.partition(".")[0] or "(none)", known)  # no other: timm would ask the network for it
    if weights == "coco":
        raise ConfigError("smp has no 'coco' weights: set weights='imagenet' or None.")
    of_timm, timm_name = encoder.startswith("tu-"), encoder.removeprefix("tu-")
    packaged = packaged_file(timm_name) if weights and of_timm else None
    fetched = None if packaged else weights and (of_timm or weights)  # those of timm: True
    net = fetched_or_refused(
        lambda: smp.create_model(architecture, encoder, encoder_weights=fetched, classes=num_outputs), name, weights
    )
    if packaged:
        load_packaged(timm_name, packaged, net.encoder.model)
        print(f"{timm_name} starts from ImageNet weights, of the package {package_of(timm_name)}.")
    return net


SMP_ARCHITECTURES = (
    smp.Unet, smp.UnetPlusPlus, smp.MAnet, smp.Linknet, smp.FPN, smp.PSPNet, smp.PAN,
    smp.DeepLabV3, smp.DeepLabV3Plus, smp.UPerNet, smp.Segformer, smp.DPT,
)  # fmt: skip


def build_torchvision(name: str, num_outputs: int, weights: str | None) -> nn.Module:
    """Return a model of torchvision.models.segmentation with a last layer for `num_outputs` classes."""
    _known("torchvision model", name, torchvision.models.list_models(module=torchvision.models.segmentation))
    model = fetched_or_refused(
        lambda: torchvision.models.get_model(
            name,
            weights="DEFAULT" if weights == "coco" else None,
            weights_backbone="DEFAULT" if weights == "imagenet" else None,
            aux_loss=None if weights == "coco" else False,
        ),
        name,
        weights,
    )
    model.aux_classifier = None
    if name.startswith("lraspp"):  # the one model whose head is no sequence
        replace_lraspp_heads(model, num_outputs)
    else:
        replace_head(model, num_outputs)
    return model


def replace_head(model: nn.Module, num_outputs: int) -> None:
    """Give a model whose `classifier` ends in a 1 x 1 convolution a fresh one with `num_outputs` channels, in place.

    A last layer that has as many already stays, with what it has learned.
    """
    old = model.classifier[-1]
    if old.out_channels != num_outputs:
        model.classifier[-1] = nn.Conv2d(old.in_channels, num_outputs, old.kernel_size)


def replace_lraspp_heads(model: nn.Module, num_outputs: int) -> None:
    """Do what `replace_head` does for LRASPP, which adds the logits of two last layers."""
    for name in ("low_classifier", "high_classifier"):
        old = getattr(model.classifier, name)
        if old.out_channels != num_outputs:
            setattr(model.classifier, name, nn.Conv2d(old.in_channels, num_outputs, old.kernel_size))


def probabilities(logits: Tensor) -> Tensor:
    """Turn logits (N, C, H, W) into probabilities: a sigmoid for one foreground class, else a softmax over classes."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(dim=1)


def to_mask(logits: Tensor, threshold: float = 0.5) -> Tensor:
    """Turn logits (N, C, H, W) into class ids, int64 (N, H, W); one class is foreground from `threshold` on."""
    if logits.shape[1] == 1:
        return (probabilities(logits)[:, 0] >= threshold).long()
    return logits.argmax(dim=1)


def count_parameters(model: nn.Module, trainable: bool = False) -> int:
    """Count the numbers that a model has learned, or (`trainable`) is still allowed to learn."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def _known(what: str, name: str, allowed: list[str]) -> None:
    if name not in allowed:
        some = ", ".join(allowed[:4])
        raise ConfigError(f"There is no {what} '{name}'.{nearest(name, allowed)} There are {some} and more.")

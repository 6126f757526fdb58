"""Augmentations: every step maps (image, mask) to (image, mask), so that both change together (notebook 3)."""

import albumentations as A
import cv2
import numpy as np
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from utils.config import Config
from utils.dataset import Transform
from utils.images import IGNORE_INDEX

# Strength of each kind of change: how far to rotate and zoom, and how much to shift colours.
STRENGTH = {
    "light": {"degrees": 0.0, "zoom": 0.0, "colour": 0.0, "noise": 0.0},
    "medium": {"degrees": 15.0, "zoom": 0.15, "colour": 0.2, "noise": 0.02},
    "strong": {"degrees": 30.0, "zoom": 0.35, "colour": 0.4, "noise": 0.05},
}


def random_flip(
    image: np.ndarray, mask: np.ndarray, rng: np.random.Generator, p: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Mirror image (H, W, 3) and mask (H, W) left-right with probability `p`: both, or neither. dtypes stay."""
    if rng.random() < p:  # one number decides for both
        return image[:, ::-1].copy(), mask[:, ::-1].copy()
    return image, mask


def random_crop(
    image: np.ndarray, mask: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut one random window out of image (H, W, 3) and mask (H, W): (size, size, 3) and (size, size), dtypes stay.

    Every place is equally likely. Raises ValueError where H or W is less than `size`.
    """
    height, width = mask.shape
    y = rng.integers(0, height - size + 1)  # the end is left out, so that the last start is height - size
    x = rng.integers(0, width - size + 1)
    return image[y : y + size, x : x + size], mask[y : y + size, x : x + size]


class Augment:
    """An albumentations pipeline as a plain call; `set_random_seed` gives each worker random numbers of its own."""

    def __init__(self, steps: list[A.BasicTransform], seed: int | None = None) -> None:
        # strict: a misspelt argument raises. We compare the shapes ourselves, which is faster.
        self.pipeline = A.Compose(steps, strict=True, seed=seed, is_check_shapes=False)

    def __call__(self, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if image.shape[:2] != mask.shape:
            raise ValueError(f"an image of {image.shape[:2]} and a mask of {mask.shape} cannot be changed together")
        changed = self.pipeline(image=image, mask=mask)
        return changed["image"], changed["mask"]

    def set_random_seed(self, seed: int) -> None:
        self.pipeline.set_random_seed(seed)


def pad(size: int) -> A.PadIfNeeded:
    """Pad what is smaller than `size` pixels: the image with black, the mask with 255, so that no loss sees it."""
    return A.PadIfNeeded(size, size, border_mode=cv2.BORDER_CONSTANT, fill=0, fill_mask=IGNORE_INDEX)


def geometric(strength: str) -> list[A.BasicTransform]:
    """Changes that move pixels: the mask moves with the image, by nearest neighbour."""
    s = STRENGTH[strength]
    steps: list[A.BasicTransform] = [A.HorizontalFlip(p=0.5)]
    if s["degrees"]:
        steps.append(
            A.Affine(
                scale=(1 - s["zoom"], 1 + s["zoom"]),
                rotate=(-s["degrees"], s["degrees"]),
                p=0.7,
                interpolation=cv2.INTER_LINEAR,
                mask_interpolation=cv2.INTER_NEAREST,
                border_mode=cv2.BORDER_CONSTANT,
                fill=0,
                fill_mask=IGNORE_INDEX,
            )
        )
    return steps


def photometric(strength: str) -> list[A.BasicTransform]:
    """Changes that only touch colours: the mask stays as it is."""
    s = STRENGTH[strength]
    if not s["colour"]:
        return []
    c = s["colour"]
    return [
        A.ColorJitter(brightness=(1 - c, 1 + c), contrast=(1 - c, 1 + c), saturation=(1 - c, 1 + c), hue=(0, 0), p=0.8),
        A.GaussNoise(std_range=(0, s["noise"]), per_channel=False, p=0.3),  # grey grain; coloured is 3 x slower
    ]


def train_transform(config: Config) -> Augment:
    """Return the random pipeline for training images, of the strength that the config names."""
    size = config.image_size
    steps: list[A.BasicTransform] = [pad(size), A.RandomCrop(size, size)]
    if config.augmentation != "none":
        if config.aerial:  # nothing is upside down when seen from above
            steps.append(A.RandomRotate90(p=1.0))
        steps += geometric(config.augmentation) + photometric(config.augmentation)
    return Augment(steps, seed=config.seed)


def eval_transform(config: Config) -> Augment:
    """Return the fixed pipeline for validation and test images: whole pictures, nothing random."""
    return Augment([pad(config.image_size)])


def train_transform_v2(config: Config) -> Transform:
    """Return the pipeline of `train_transform` in torchvision.transforms.v2, but for the noise, which is left out."""
    size, fill = config.image_size, {tv_tensors.Image: 0, tv_tensors.Mask: IGNORE_INDEX}
    steps: list[v2.Transform] = [v2.RandomCrop(size, pad_if_needed=True, fill=fill)]
    if config.augmentation != "none":
        s = STRENGTH[config.augmentation]
        c, zoom = s["colour"], (1 - s["zoom"], 1 + s["zoom"])
        affine = v2.RandomAffine(s["degrees"], scale=zoom, interpolation=v2.InterpolationMode.BILINEAR, fill=fill)
        colours = v2.ColorJitter(c, c, c)
        if config.aerial:
            steps.append(v2.RandomChoice([v2.RandomRotation((angle, angle)) for angle in (0, 90, 180, 270)]))
        steps += [v2.RandomHorizontalFlip(0.5), v2.RandomApply([affine], 0.7), v2.RandomApply([colours], 0.8)]
    pipeline = v2.Compose(steps)

    def transform(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Plain arrays would pass through unchanged and silently: the types say what each is.
        picture = tv_tensors.Image(torch.from_numpy(image.copy()).permute(2, 0, 1))
        changed, ids = pipeline(picture, tv_tensors.Mask(torch.from_numpy(mask.copy())))
        return changed.permute(1, 2, 0).numpy(), ids.numpy()

    return transform

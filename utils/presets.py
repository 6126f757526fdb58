"""What each data set wants to be trained with, where that differs from the defaults of `Config` (notebook 2)."""

from typing import Any

# What differs from the defaults, which suit `tiny` on two CPU cores.
# Photographs start from ImageNet's weights; a pyramid that ends at a quarter of the size spends its time on steps.
PRETRAINED = {
    "model": "smp:fpn/tu-tf_efficientnet_lite0", "weights": "imagenet", "learning_rate": 3e-3, "encoder_rate": 0.1,
}  # fmt: skip
PHOTOGRAPHS = {**PRETRAINED, "framing": "resize", "aerial": False, "augmentation": "medium", "workers": 2}
PRESETS: dict[str, dict[str, Any]] = {
    "human": {**PHOTOGRAPHS, "image_size": 320, "batch_size": 16},
    "voc": {**PHOTOGRAPHS, "image_size": 320, "batch_size": 16},
    "pets": {**PHOTOGRAPHS, "image_size": 256, "batch_size": 16},
    "pets_mini": {**PHOTOGRAPHS, "image_size": 160, "batch_size": 6, "epochs": 20, "workers": 0},
    "camvid": {**PHOTOGRAPHS, "framing": "crop", "image_size": 320, "batch_size": 8},
    "drone": {"image_size": 512, "max_side": 1536, "augmentation": "medium", "batch_size": 8, "workers": 2},
    "folder": PHOTOGRAPHS,
}

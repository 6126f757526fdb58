"""Pictures that are given as arrays instead of files."""

import numpy as np

from utils.errors import DataError
from utils.images import to_eight_bits


def array_to_rgb(array: np.ndarray, white: float | None = None) -> np.ndarray:
    """Bring an array of (H, W), or (H, W, C) with 1 to 4 channels, to uint8 (H, W, 3).

    One channel is grey; a second or fourth one (alpha, infrared) is dropped; more than 8 bits are scaled.
    Raises DataError for an array that is no image.
    """
    require_image_array(array)
    if array.dtype != np.uint8:
        array = to_eight_bits(array, white)
    array = np.atleast_3d(array)
    return array[..., :3] if array.shape[2] >= 3 else np.repeat(array[..., :1], 3, axis=2)


def require_image_array(array: np.ndarray) -> None:
    """Raise DataError unless an array is uint8 or uint16, (H, W) or (H, W, C) with 1 to 4 channels, and has pixels."""
    flat = array.ndim == 2 or array.shape[2:] in ((1,), (2,), (3,), (4,))
    if not flat or array.dtype not in (np.uint8, np.uint16):
        raise DataError(
            f"A picture must be uint8 or uint16, (H, W) or (H, W, C) with 1 to 4 channels, not {array.dtype} "
            f"{array.shape}: convert it, or give the path of its file."
        )
    if array.size == 0:
        raise DataError(f"A picture needs pixels: this one is {array.shape}. Give another one.")

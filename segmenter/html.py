"""What the pages of the program share: JPEGs that are part of the page."""

import base64

import cv2
import numpy as np


def jpeg(image: np.ndarray, quality: int = 80) -> bytes:
    """Encode a picture, uint8 (H, W, 3) RGB."""
    return cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])[
        1
    ].tobytes()


def data_uri(picture: bytes) -> str:
    """Return a JPEG as an address that holds it."""
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode()

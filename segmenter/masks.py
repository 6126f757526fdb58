"""A mask as an image that shows its classes in their colours and still holds their ids."""

import numpy as np
from PIL import Image

from utils.plots import Palette

WHITE = (255, 255, 255)  # the colour of ids that stand for no class, such as 255


def palette_image(ids: np.ndarray, palette: Palette) -> Image.Image:
    """Return class ids, uint8 (H, W), as a Pillow image of mode "P" with the colours of the classes.

    Pillow writes a PNG with as few bits for each pixel as the palette needs, so the palette has to reach the largest
    id in the mask.
    """
    image = Image.fromarray(ids, mode="P")
    colours = [*palette, *[WHITE] * (int(ids.max()) + 1 - len(palette))]
    image.putpalette([value for colour in colours for value in colour])
    return image

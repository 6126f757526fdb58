"""segmenter/masks.py: an image of a mask keeps its ids, whatever they are, and shows the colours of the classes."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from segmenter.masks import palette_image

PALETTE = ((10, 20, 30), (40, 50, 60), (70, 80, 90))


def saved(ids, palette=PALETTE):
    """Write the image as a PNG and read it again."""
    memory = io.BytesIO()
    palette_image(ids, palette).save(memory, "PNG")
    return Image.open(memory)


def test_classes_have_their_colours_and_other_ids_are_white():
    ids = np.array([[0, 1], [2, 255]], dtype=np.uint8)
    found = saved(ids)
    assert (np.array(found) == ids).all()
    assert np.array(found.convert("RGB")).reshape(-1, 3).tolist() == [*map(list, PALETTE), [255, 255, 255]]


@given(classes=st.integers(1, 256), ids=st.lists(st.integers(0, 255), min_size=1, max_size=20))
def test_every_id_is_kept_however_few_bits_a_palette_needs(classes, ids):
    ids = np.array([ids], dtype=np.uint8)
    found = saved(ids, [(i, 255 - i, i // 2) for i in range(classes)])
    assert found.mode == "P"
    assert (np.array(found) == ids).all()

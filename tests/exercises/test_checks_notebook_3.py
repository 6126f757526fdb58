"""What the verdicts of notebook 3 tell beside their sentence."""

import cv2
import numpy as np
import pytest

from exercises.checks import notebook_3
from exercises.expect import Wrong


def test_a_flip_that_is_wrong_is_shown_without_the_address_of_its_generator():
    def random_flip(image, mask, rng, p=0.5):
        return image[:, ::-1], mask

    with pytest.raises(Wrong, match="its mask is not") as caught:
        notebook_3.mirrored(random_flip)
    told = {f"{array} {side}" for array in ("red of the image", "mask") for side in ("given", "expected", "yours")}
    assert told <= set(caught.value.details)
    assert "0x" not in str(caught.value.details), "an address tells a learner nothing"


def test_labels_that_were_mixed_and_replaced_are_told_with_their_first_pixel():
    def resize_pair(image, mask, height, width):
        mixed = cv2.resize(mask, (width, height))
        mixed[~np.isin(mixed, mask)] = 255
        return image, mixed

    with pytest.raises(Wrong, match="mixed and then replaced") as caught:
        notebook_3.labels_in_place(resize_pair)
    assert caught.value.details["first wrong pixel"] == (0, 2)
    assert (caught.value.details["expected there"], caught.value.details["yours there"]) == (0, 1)

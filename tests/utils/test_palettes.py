"""The course's own colours stay apart under three kinds of colour blindness, plain and laid over a picture.

How colours look then is simulated after Machado, Oliveira and Fernandes, "A physiologically-based model for simulation
of color vision deficiency" (2009), at full severity. The distance is that of CIELAB (1976): about 2 is just seen.
"""

import cv2
import numpy as np
import pytest

from data.make_tiny import PALETTE
from utils.catalog.colours import COLOURS, distinct_colours
from utils.catalog.human import Human
from utils.catalog.pets_mini import PetsMini
from utils.catalog.tiny import Tiny

SIGHT = {
    "as most see": np.eye(3),
    "without long cones (protanopia)": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "without middle cones (deuteranopia)": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "without short cones (tritanopia)": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
PALETTES = {"tiny": Tiny.palette, "human": Human.palette, "pets_mini": PetsMini.palette, "folders": COLOURS[:7]}


def closest(colours, sight):
    """Return the distance, in CIELAB, of the two colours, (N, 3) of 0 to 255, that lie closest to each other."""
    share = np.asarray(colours, float) / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(light @ np.transpose(SIGHT[sight]), 0, 1)
    shown = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = cv2.cvtColor(shown[None].astype(np.float32), cv2.COLOR_RGB2Lab)[0]
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return distances[np.triu_indices(len(lab), 1)].min()


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", PALETTES)
def test_colours_stay_apart(name, sight):
    assert closest(PALETTES[name], sight) > 15


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("grey", [40, 128, 220])
def test_colours_stay_apart_over_a_picture(name, sight, grey):
    """At the opacity of `overlay`, where each colour is mixed with what lies below; contours help where it is close."""
    assert closest(0.45 * np.array(PALETTES[name]) + 0.55 * grey, sight) > 4


@pytest.mark.parametrize("sight", SIGHT)
def test_no_two_of_many_classes_share_a_colour(sight):
    assert closest(distinct_colours(12), sight) > 16
    assert closest(distinct_colours(32), sight) > 13
    assert len(distinct_colours(200)) == 200


def test_a_mere_change_of_hue_would_fail():
    """Red and green of one brightness: the measure sees what it is here for."""
    colours = [(180, 80, 40), (100, 120, 40)]
    assert closest(colours, "as most see") > 30
    assert closest(colours, "without middle cones (deuteranopia)") < 15


def test_the_drawn_masks_have_the_colours_of_the_source():
    assert tuple(PALETTE[i] for i in range(6)) == Tiny.palette

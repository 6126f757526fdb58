"""utils/tracking.py: pictures after every epoch, with truth and prediction."""

import numpy as np
import pytest
from accelerate import Accelerator
from helpers import OneClass

from utils.images import read_image
from utils.loaders import get_data_loaders
from utils.models import SegmentationModel
from utils.plots import overlay
from utils.tracking import PICTURE_SIDE, EpochPictures, frame_square

PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115))


def test_the_pictures_are_the_first_of_validation_with_truth_and_prediction(config, tmp_path):
    dataset = get_data_loaders(config).val.dataset
    pictures = EpochPictures(dataset, config.classes, PALETTE)
    model = SegmentationModel(OneClass(2), 1).train()
    shown = pictures.predict(model, Accelerator(cpu=True))
    assert len(shown) == 2
    for one, (image, truth) in zip(shown, (dataset[n] for n in range(2)), strict=True):
        assert np.array_equal(one.image, image.permute(1, 2, 0))
        assert np.array_equal(one.truth, truth)
        assert (one.prediction == 2).all()
        assert np.array_equal(one.overlays, np.hstack([overlay(image, m, PALETTE) for m in (truth, one.prediction)]))
    for epoch in (1, 2):
        pictures.save(tmp_path / "pictures", epoch)
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["epoch_001.jpg", "epoch_002.jpg", "truth.jpg"]
    assert read_image(tmp_path / "pictures" / "truth.jpg").shape == (PICTURE_SIDE, 2 * PICTURE_SIDE, 3)


@pytest.mark.parametrize("size", [(10, 40), (2000, 300), (256, 256), (1, 1)])
def test_a_square_holds_the_whole_picture_in_proportion(size):
    framed = frame_square(np.zeros((*size, 3), np.uint8))
    assert framed.shape == (PICTURE_SIDE, PICTURE_SIDE, 3)
    rows, columns = (framed == 0).all(axis=2).any(axis=1).sum(), (framed == 0).all(axis=2).any(axis=0).sum()
    assert max(rows, columns) == PICTURE_SIDE
    assert rows / columns == pytest.approx(size[0] / size[1], rel=0.05)

"""Check a folder of drawn pairs."""

import pytest
from helpers import CLASSES

from segmenter.check import check_dataset
from utils import catalog
from utils.config import Config


@pytest.fixture(scope="session")
def check_folder():
    """Check a folder with images/ and masks/; its classes are those of `write_pairs`, unless others are given."""

    def check(root, **fields):
        return check_dataset(catalog.load(Config(dataset="folder", root=root, **{"classes": CLASSES} | fields)))

    return check

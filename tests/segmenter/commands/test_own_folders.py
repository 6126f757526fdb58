"""`check`, `train`, `evaluate` and `predict` on folders as people have them: all of them read alike."""

import numpy as np
import pytest
from drawn_folders import COUNT, draw, ids, image, save
from helpers import assert_sentence, snapshot
from PIL import Image

from segmenter.__main__ import main
from utils.config import Config
from utils.images import read_scaled
from utils.inference import Predictor

SMALL = {
    "model": "unet", "image-size": 32, "batch-size": 2, "unet-width": 4, "unet-depth": 2, "epochs": 1, "device": "cpu",
    "precision": "fp32",
}  # fmt: skip


def train(root, output):
    fields = {"dataset": "folder", "root": root, "output": output, **SMALL}
    return main(["train", *(word for name, value in fields.items() for word in (f"--{name}", str(value)))])


def test_a_folder_of_0_1_and_0_255_is_told_trained_kept_and_gone_on_with(tmp_path, capsys):
    root = draw(tmp_path / "data", lambda mask, number: (mask > 0).astype(np.uint8) * (1 if number % 2 else 255))
    save(root / "overview.png", image(0))
    before = snapshot(root)
    assert main(["check", str(root)]) == 0
    told = capsys.readouterr().out
    assert "0 = background, 1 = foreground, 255 = foreground" in told
    assert "ignored: 0.0% of all pixels" in told
    assert "overview.png" in told
    assert train(root, tmp_path / "run") == 0
    told = capsys.readouterr().out
    assert all(words in told for words in ("masks: 0 = background", "classes: 2", "ignored: 0.0%", "overview.png"))
    kept = Config.load(tmp_path / "run" / "config.yaml")
    assert kept.mask_values == "0=0 1=1 255=1"
    assert kept.classes == ("background", "foreground")
    # A mask that comes later would mean something else for all, had the run not kept what it meant.
    save(root / "images/9.png", image(9))
    save(root / "masks/9.png", np.where(ids(9) == 2, 255, ids(9) > 0).astype(np.uint8))
    assert main(["train", "--resume", "--output", str(tmp_path / "run"), "--epochs", "2"]) == 0
    assert Config.load(tmp_path / "run" / "config.yaml").mask_values == kept.mask_values
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    for path in ("images/9.png", "masks/9.png"):
        (root / path).unlink()
    assert snapshot(root) == before


def test_deep_images_are_scaled_in_prediction_as_they_were_in_training(tmp_path, capsys):
    root = draw(tmp_path / "data")
    for number in range(COUNT):
        values = image(number)[..., 0].astype(np.uint16) * 3
        values[0, 0] = 65535 if number == 2 else values[0, 0]
        save(root / f"images/{number}.png", values)
    assert train(root, tmp_path / "run") == 0
    white = Config.load(tmp_path / "run" / "config.yaml").white
    assert 500 < white < 800
    assert f"{white:g} becomes 255" in capsys.readouterr().out
    predictor = Predictor.from_run(tmp_path / "run", device="cpu")
    assert predictor.config.white == white
    assert main(["predict", str(tmp_path / "run"), str(root / "images"), "--output", str(tmp_path / "out")]) == 0
    with Image.open(tmp_path / "out" / "2_mask.png") as mask:
        found = np.array(mask)
    assert (found == predictor(read_scaled(root / "images/2.png", white)).mask).all()


@pytest.mark.parametrize("label", [255, None])
def test_nothing_labelled_is_an_error_and_no_loss_of_zero(label, tmp_path, capsys):
    """Of all masks, or of those of one split alone."""
    rows = "image,mask,split\n" + "".join(
        f"images/{n}.png,masks/{n}.png,{'train' if n < 3 else 'val'}\n" for n in range(COUNT)
    )
    root = draw(tmp_path / "data", lambda mask, number: mask * 0 + 255 if label or number < 3 else mask)
    (root / "pairs.csv").write_text(rows)
    assert train(root, tmp_path / "run") == 2
    error = capsys.readouterr().err.strip().removeprefix("Error: ")
    assert_sentence(error, "label", "255", "ignored")
    assert not (tmp_path / "run").exists()

"""Draw `notebooks/images/06_three_starts.jpg`: what three starts make of photographs that none of them has seen.

Usage: python -m benchmarks.transfer_masks [--photographs 8] [--output FOLDER]

The runs are those of `benchmarks.transfer` on `pets_mini` with the first seed: equally many steps each, and only the
start differs. Every held-out photograph of that split is drawn, none is chosen. It takes a few minutes on one CPU core.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.transfer import SEEDS, STARTS, configure, few
from utils import catalog
from utils.catalog.base import Source
from utils.config import COURSE
from utils.images import read_image
from utils.inference import Predictor
from utils.metrics import confusion_matrix, primary_iou
from utils.plots import colour_mask, legend
from utils.training import fit

PICTURE = COURSE / "notebooks" / "images" / "06_three_starts.jpg"


def predictors(photographs: int, folder: Path) -> dict[str, Predictor]:
    """Train one network from each start, all on the same photographs; return them ready for pictures."""
    trained = {}
    for start in STARTS:
        config = configure("pets_mini", photographs, start, SEEDS[0], folder, splits="random")
        run = fit(config, source=few(catalog.load(config), photographs), overwrite=True, on_epoch=None)
        trained[start] = Predictor.from_run(run.folder, device="cpu")
        print(start, "trained", flush=True)
    return trained


def confusion(mask: np.ndarray, truth: np.ndarray) -> torch.Tensor:
    """Count the pixels of one photograph, int64 (2, 2)."""
    return confusion_matrix(torch.from_numpy(mask).long(), torch.from_numpy(truth).long(), 2)


def draw(photographs: list[np.ndarray], masks: dict[str, list[np.ndarray]], source: Source) -> Figure:
    """Draw a row for each photograph: itself, its truth, and the mask of each start with its IoU."""
    size = (2.1 * (1 + len(masks)), 2.0 * len(photographs) + 0.4)
    figure, axes = plt.subplots(len(photographs), 1 + len(masks), figsize=size, squeeze=False, layout="constrained")
    for row, photograph in enumerate(photographs):
        truth = masks["truth"][row]
        panels = {"photograph": photograph}
        for name, found in masks.items():
            score = "" if name == "truth" else f": {primary_iou(confusion(found[row], truth)):.2f}"
            panels[name + score] = colour_mask(found[row], source.palette)
        for ax, (name, panel) in zip(axes[row], panels.items(), strict=True):
            ax.imshow(panel, interpolation="nearest")
            ax.set(title=name, xticks=[], yticks=[])
    legend(figure, source.classes, source.palette, ignored=True)
    return figure


def save_picture(trained: dict[str, Predictor]) -> None:
    """Predict every test photograph with every network, print the scores, and draw."""
    source = catalog.load(next(iter(trained.values())).config)
    pairs = source.pairs("test")
    photographs = [read_image(pair.image) for pair in pairs]
    masks = {"truth": [source.read_ids(pair.mask) for pair in pairs]}
    for start, predictor in trained.items():
        masks[start] = [found.mask for found in predictor.predict(photographs)]
        total = sum(confusion(mask, truth) for mask, truth in zip(masks[start], masks["truth"], strict=True))
        print(f"{start}: IoU {primary_iou(total):.3f} on {len(pairs)} photographs")
    draw(photographs, masks, source).savefig(PICTURE, dpi=110, pil_kwargs={"quality": 85, "optimize": True})
    print(PICTURE.relative_to(COURSE), [pair.image.stem for pair in pairs])


def main() -> None:
    """Train, score and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=8)
    parser.add_argument("--output", type=Path, default=Path("runs/transfer"))
    options = parser.parse_args()
    save_picture(predictors(options.photographs, options.output))


if __name__ == "__main__":
    main()

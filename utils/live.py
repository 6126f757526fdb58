"""What a run shows while it trains: validation pictures after every epoch, and curves that redraw (notebook 8)."""

from pathlib import Path
from typing import Any

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from accelerate import Accelerator
from matplotlib.figure import Figure
from PIL import Image
from torch import nn
from torch.utils.data import Dataset

from utils.checkpoint import write_atomically
from utils.dataset import read_image
from utils.models import to_mask
from utils.plots import Palette, draw_history, overlay, plot_history
from utils.runs import Run
from utils.tracking import Shown

COUNT, SIDE = 4, 256


class EpochPictures:
    """The first validation pictures, predicted after every epoch.

    Args:
        dataset: pairs of (uint8 (3, H, W), int64 (H, W)).
        classes, palette: names and RGB colours.
    """

    def __init__(self, dataset: Dataset, classes: tuple[str, ...], palette: Palette) -> None:
        self.pairs = [dataset[n] for n in range(min(COUNT, len(dataset)))]
        self.classes, self.palette = classes, palette
        self.shown: list[Shown] = []

    @torch.no_grad()
    def predict(self, model: nn.Module, accelerator: Accelerator) -> list[Shown]:
        """Predict each picture with a model on the accelerator's device."""
        model.eval()
        self.shown = []
        for image, truth in self.pairs:
            with accelerator.autocast():
                mask = to_mask(model(image[None].to(accelerator.device)))[0].cpu().numpy().astype(np.uint8)
            picture, truth = image.permute(1, 2, 0).numpy(), truth.numpy().astype(np.uint8)
            both = np.hstack([overlay(picture, m, self.palette) for m in (truth, mask)])
            self.shown.append(Shown(picture, truth, mask, both, self.classes))
        return self.shown

    def save(self, folder: Path, epoch: int) -> None:
        """Write the predictions side by side as epoch_NNN.jpg, and once the truth as truth.jpg."""
        folder.mkdir(exist_ok=True)
        names = {f"epoch_{epoch:03d}.jpg": "prediction"}
        if not (folder / "truth.jpg").exists():
            names["truth.jpg"] = "truth"
        for name, kind in names.items():
            cells = [square(overlay(one.image, getattr(one, kind), self.palette)) for one in self.shown]
            strip = Image.fromarray(np.hstack(cells))
            write_atomically(folder / name, lambda path, strip=strip: strip.save(path, "JPEG", quality=85))


def square(picture: np.ndarray) -> np.ndarray:
    """Shrink or enlarge a picture (H, W, 3) into a white square of SIDE pixels, in proportion."""
    scale = SIDE / max(picture.shape[:2])
    size = [max(1, round(n * scale)) for n in picture.shape[1::-1]]
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    framed = np.full((SIDE, SIDE, 3), 255, np.uint8)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    framed[top : top + small.shape[0], left : left + small.shape[1]] = small
    return framed


class LiveRun:
    """Redraws a run after `every` epochs, in place, in a notebook: `fit(config, on_epoch=LiveRun(config.output))`."""

    def __init__(self, folder: str | Path, every: int = 1) -> None:
        self.folder, self.every, self.handle = Path(folder), every, None

    def __call__(self, row: dict[str, Any], epochs: int) -> None:
        from IPython.display import display

        if row["epoch"] % self.every:
            return
        figure = draw_run(self.folder, f"epoch {row['epoch']} of {epochs}")
        if self.handle is None:
            self.handle = display(figure, display_id=True)
        else:
            self.handle.update(figure)
        plt.close(figure)


def draw_run(folder: str | Path, heading: str = "", rows: int = 2, columns: int = 5) -> Figure:
    """Draw a run so far: its curves, and how `rows` validation pictures improved over up to `columns` epochs.

    A run without pictures has its curves alone.
    """
    folder = Path(folder)
    history = Run.load(folder).history
    epochs = [e for e in history["epoch"] if (folder / "pictures" / f"epoch_{e:03d}.jpg").is_file()]
    if not epochs or not (folder / "pictures" / "truth.jpg").is_file():
        return plot_history(history)
    chosen = [epochs[i] for i in sorted({round(x) for x in np.linspace(0, len(epochs) - 1, columns)})]
    names = {f"epoch_{e:03d}.jpg": f"epoch {e}: {history['val_score'][e - 1]:.2f}" for e in chosen}
    names["truth.jpg"] = "truth"
    strips = [(title, read_image(folder / "pictures" / name)) for name, title in names.items()]
    rows = min(rows, strips[-1][1].shape[1] // SIDE)
    figure = plt.figure(figsize=(10, 3.2 + 1.75 * rows), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[3.2, 1.75 * rows])
    draw_history(history, *above.subplots(1, 2))
    axes = below.subplots(rows, columns + 1, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for column, (title, strip) in enumerate(strips):
        axes[0, column].set_title(title)
        for row in range(rows):
            axes[row, column].imshow(strip[:, row * SIDE : (row + 1) * SIDE])
    figure.suptitle(heading)
    return figure

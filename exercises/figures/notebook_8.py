"""What a run shows while it trains: validation pictures after every epoch, and curves that redraw (notebook 8)."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from utils.images import read_image
from utils.plots import draw_history, plot_history
from utils.runs import Run
from utils.tracking import PICTURE_SIDE


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
    rows = min(rows, strips[-1][1].shape[1] // PICTURE_SIDE)
    figure = plt.figure(figsize=(10, 3.2 + 1.75 * rows), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[3.2, 1.75 * rows])
    draw_history(history, *above.subplots(1, 2))
    axes = below.subplots(rows, columns + 1, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for column, (title, strip) in enumerate(strips):
        axes[0, column].set_title(title)
        for row in range(rows):
            axes[row, column].imshow(strip[:, row * PICTURE_SIDE : (row + 1) * PICTURE_SIDE])
    figure.suptitle(heading)
    return figure

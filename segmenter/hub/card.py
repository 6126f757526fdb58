"""The page of a shared model: trained on what, how good, and not for what (notebook 9)."""

from typing import Any

from segmenter.evaluation import SplitReport
from utils.metrics import pixel_accuracy

NO_SCORES = "No scores were measured for this card: measure them on pictures of your own before you rely on it."


def model_card(
    header: dict[str, Any], report: SplitReport | None = None, data_license: str = "", start: str | None = None
) -> str:
    """Write the README.md of a model: trained on what, how good, how to use it, and not for what.

    Args:
        header: what `load_weights` returns beside the weights.
        report: scores on images that the model has not seen; without it the card says that none were measured.
        data_license: what the images that it learned from may be used for, in a sentence.
        start: the collection of weights that training started from, 'imagenet' or 'coco'.
    """
    config, classes = header["config"], header["classes"]
    beginning = f"`{start}` weights" if start else "random weights"
    framing = "squared to" if config.framing == "resize" else "cut into squares of"
    return f"""---
library_name: pytorch
pipeline_tag: image-segmentation
tags:
- semantic-segmentation
---
# Segmentation of {", ".join(classes)}

`{config.model}`, trained for up to {config.epochs} epochs on `{config.dataset}` from {beginning}: loss `{config.loss}`,
pictures {framing} {config.image_size} pixels, augmentation `{config.augmentation}`, seed {config.seed}.

Licence of the data: {data_license or "not stated. Ask whoever published the model before you use it."}

## Scores

{NO_SCORES if report is None else scores_section(report)}

## Use

With the course that it was trained in (normalisation is part of the model, pictures of any size):

```
python -m segmenter pull OWNER/NAME my-model
python -m segmenter predict my-model photo.jpg
```

## Limits

It knows {len(classes)} classes and gives every pixel one of them, also in pictures unlike those that it learned from.
It is weak on the classes whose IoU above is low. Not for decisions about people.
"""


def scores_section(report: SplitReport) -> str:
    """Return the scores of a model as a Markdown table, and the sentences that say how they were measured."""
    rows = "\n".join(
        f"| {name} | {row['iou']:.3f} | {row['dice']:.3f} | {row['image_iou']:.3f} |"
        for name, row in report.table.iterrows()
    )
    return (
        "| class | IoU | F1 | IoU by image |\n|---|---|---|---|\n"
        f"{rows}\n\nMeasured on {len(report.pairs)} pictures that it was not trained on; "
        f"pixel accuracy {pixel_accuracy(report.matrix):.3f}. IoU and F1 count every pixel alike, "
        "the last column every image."
    )

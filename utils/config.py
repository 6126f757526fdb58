"""Every choice of a training run in one frozen, validated place (notebook 2)."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from utils.errors import ConfigError
from utils.presets import PRESETS, PRETRAINED

COURSE = Path(__file__).resolve().parents[1]
Count = Annotated[int, Field(ge=1)]
FolderPath = Annotated[Path, AfterValidator(Path.expanduser)]
WEIGHTS = ("imagenet", "coco")
LOSSES = ("ce", "bce", "dice", "jaccard", "focal", "tversky", "lovasz")


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ' Did you mean ...?' for the closest of the allowed names, or an empty string."""
    found = difflib.get_close_matches(str(name).lower(), list(allowed), n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""


def _known_losses(text: str) -> str:
    """Check the terms of a loss such as 'ce+dice'."""
    terms = text.split("+")
    for term in terms:
        if term not in LOSSES:
            raise ValueError(f"must be a sum of {', '.join(LOSSES)}, not of '{term}'.{nearest(term, LOSSES)}")
    if len(set(terms)) < len(terms):
        raise ValueError("must name each loss once.")
    return text


def _known_weights(text: str) -> str:
    """Let the named collections pass, and names of weight files."""
    if text not in WEIGHTS and Path(text).suffix not in (".safetensors", ".pth", ".pt"):
        raise ValueError(
            "must be 'imagenet', 'coco', or a file that ends in .safetensors, .pth or .pt." + nearest(text, WEIGHTS)
        )
    return text


class Config(BaseModel):
    """What to train, on what, and how. Change a copy with `config.override(epochs=5)`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    dataset: str = Field("tiny", description="Name of a data set in utils/catalog.")
    root: FolderPath | None = Field(None, description="Folder that holds the data set; default data/<dataset>.")
    classes: tuple[str, ...] | None = Field(None, description="Names in order of id, background first (for 'folder').")
    mask_values: str | None = Field(None, description="What masks hold, as '0=0 128=1 255=2'; none: found in them.")
    white: Annotated[float, Field(gt=0)] | None = Field(None, description="What becomes 255 in images of 16 bits.")
    variant: str | None = Field(None, description="Edition of the data set, where it has several; default the first.")
    splits: Literal["published", "random", "stratified", "hash"] = Field(
        "published",
        description="Who trains, validates and tests: as published (else random), or drawn by group: at random, with "
        "every class in each split, or by a hash that stays when files are added.",
    )
    split_seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(42, description="Seed of drawn splits.")
    max_side: Annotated[int, Field(ge=32, le=65536)] | None = Field(
        None, description="Longest side, pixels: larger pictures are shrunk to it first, in proportion."
    )
    image_size: Annotated[int, Field(ge=16, le=4096)] = Field(
        128, description="Side of the squares that the model trains on, pixels."
    )
    framing: Literal["crop", "resize"] = Field(
        "crop", description="'crop' cuts squares at the picture's own scale; 'resize' squares the whole picture."
    )
    aerial: bool = Field(True, description="Seen from above: turn training images by any multiple of 90 degrees.")
    augmentation: Literal["none", "light", "medium", "strong"] = Field(
        "light", description="Strength of the random changes to training images."
    )
    batch_size: Count = Field(8, description="Images per step and process.")
    workers: Annotated[int, Field(ge=0, le=64)] = Field(0, description="Processes that load data; 0 loads in this one.")
    cache: Literal["auto", "ram", "disk", "none"] = Field(
        "auto",
        description="Where decoded pairs are kept: in memory if they fit, else on disk; 'none' keeps none.",
    )

    model: str = Field("unet", description="'unet', 'smp:<architecture>/<encoder>' or 'torchvision:<name>'.")
    weights: Annotated[str, AfterValidator(_known_weights)] | None = Field(
        None,
        description="Weights to start from: 'imagenet', 'coco', or a file of your own, such as a run's "
        "best.safetensors; none starts from random ones.",
    )
    unet_width: Count = Field(16, description="Channels of the first level of 'unet'; each level doubles them.")
    unet_depth: Annotated[int, Field(ge=1, le=6)] = Field(3, description="Times that 'unet' halves the image.")
    freeze_encoder: bool = Field(False, description="Keep the encoder's weights and BatchNorm statistics fixed.")
    compile: bool = Field(False, description="Compile the model (torch.compile): slow to start, then faster.")

    loss: Annotated[str, AfterValidator(_known_losses)] = Field(
        "ce+dice", description=f"Training loss, a sum of {', '.join(LOSSES)}; one class makes ce a BCE."
    )
    class_weights: bool = Field(False, description="Weight the cross-entropy by class frequency, rare ones more.")
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="torch.optim algorithm.")
    learning_rate: Annotated[float, Field(gt=0, le=10)] = Field(1e-2, description="Peak step size.")
    encoder_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        1.0, description="Learning rate of the encoder, as a share of the rest's: pretrained weights need less."
    )
    weight_decay: Annotated[float, Field(ge=0, le=1)] = Field(1e-2, description="Decoupled L2 pull towards zero.")
    schedule: Literal["one_cycle", "poly", "cosine", "constant"] = Field(
        "one_cycle", description="Learning rate over the run."
    )
    epochs: Count = Field(40, description="Passes over the training images.")
    accumulate: Count = Field(1, description="Batches whose gradients are summed before a step.")
    grad_clip: Annotated[float, Field(ge=0)] = Field(1.0, description="Largest gradient norm; 0 does not clip.")
    ema: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0,
        description="Decay (0.99) of a moving average of the weights, which is then validated and kept; 0: none.",
    )
    patience: Count | None = Field(None, description="Stop after so many epochs without a better validation mIoU.")

    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where to compute.")
    precision: Literal["auto", "fp32", "fp16", "bf16"] = Field("auto", description="Number format of the forward pass.")
    threads: Count | None = Field(None, description="CPU threads of a step; none: as many as cores are free.")
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(42, description="Seed of weights, order and augmentation.")
    output: FolderPath = Field(COURSE / "runs" / "latest", description="Run folder; never overwritten unless asked.")
    tracker: Literal["none", "tensorboard", "wandb"] = Field(
        "none", description="Experiment tracker beside history.csv."
    )

    @model_validator(mode="after")
    def _fields_fit_together(self) -> "Config":
        if self.classes is not None and self.dataset != "folder":
            raise ValueError(f"classes are fixed for dataset '{self.dataset}': give them with dataset='folder' only")
        if self.class_weights and "ce" not in self.loss.split("+"):
            raise ValueError(f"class_weights act on 'ce' only: add it to loss='{self.loss}', or leave them out")
        return self

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(_sentence(error, type(self))) from None

    def override(self, **values: Any) -> "Config":
        """Return a validated copy with some fields changed."""
        return Config(**{**self.model_dump(exclude_unset=True), **values})

    def save(self, path: str | Path) -> None:
        """Write every field as YAML."""
        text = yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)
        Path(path).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> "Config":
        """Read a YAML file written by `save` (fields may be left out). Raises ConfigError."""
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise ConfigError(f"Cannot read the configuration {path}: {reason}. Give a YAML file.") from None
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is not valid YAML: {str(error).splitlines()[0]}. Mend or re-save it.") from None
        if not isinstance(values, dict):
            raise ConfigError(f"{path} holds no fields: expected lines such as 'epochs: 30'.")
        return cls(**{str(name): value for name, value in values.items()})

    @classmethod
    def preset(cls, dataset: str, **values: Any) -> "Config":
        """Return the course's settings for a data set, with your own values on top.

        Whoever names a model chooses its weights and learning rates as well: those of the preset belong to its own.
        """
        preset = PRESETS.get(dataset, {})
        if "model" in values:
            preset = {name: value for name, value in preset.items() if name not in PRETRAINED}
        return cls(**{"dataset": dataset, **preset, **values})


def _sentence(error: ValidationError, config: type[Config]) -> str:
    """Say what is wrong, what was given and what is allowed, one line per field."""
    lines = []
    for problem in error.errors():
        if not problem["loc"]:
            lines.append(problem["msg"].removeprefix("Value error, ") + ".")
            continue
        name, given = str(problem["loc"][0]), problem["input"]
        if problem["type"] == "extra_forbidden":
            lines.append(f"Config has no field '{name}'.{nearest(name, config.model_fields)}")
            continue
        field = config.model_fields[name]
        if problem["type"] == "value_error":  # of a validator above, which says all there is to say
            lines.append(f"{name}={given!r}: {problem['ctx']['error']} ({field.description})")
            continue
        allowed = problem["msg"].replace("Input should be", "must be")
        hint = ""
        if problem["type"] == "literal_error" and isinstance(given, str):
            hint = nearest(given, problem["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", "))
        lines.append(f"{name}={given!r}: {allowed}.{hint} ({field.description})")
    return " ".join(lines)

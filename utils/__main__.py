"""The command line: `python -m utils --help`; what each command does is in `commands.py`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from utils import commands
from utils.config import Config
from utils.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 2 after an error that the user can put right."""
    options = vars(build_parser().parse_args(arguments))
    command = options.pop("command")
    try:
        return command(**options) or 0
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """Describe every command; the fields of Config become options of `check` and `train`."""
    parser = argparse.ArgumentParser(
        prog="python -m utils", description="Check data, train, evaluate, predict and show."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Any, text: str) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    sub = add("check", commands.check, "Read every file of a data set and report all faults; changes nothing.")
    sub.add_argument("path", nargs="?", type=Path, help="a folder with images/ and masks/; or use --dataset")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write the report with pictures as one HTML file")
    sub.add_argument(
        "--fix-into", type=Path, metavar="FOLDER", help="write a repaired copy to a new folder, and check it"
    )
    sub.add_argument("--all", action="store_true", dest="every_name", help="print every name, not only the first three")
    add_config(sub, ["dataset", "root", "classes", "variant", "splits"])

    sub = add("train", commands.train, "Train a model; the run folder is --output.")
    sub.add_argument("--config", type=Path, help="YAML file; options on the command line come on top")
    sub.add_argument("--resume", action="store_true", help="go on with the run in --output")
    sub.add_argument("--overwrite", action="store_true", help="replace the run in --output")
    add_config(sub, list(Config.model_fields))

    sub = add(
        "compare",
        commands.compare,
        "Train several models with several augmentations and seeds, and lay them side by side.",
    )
    sub.add_argument("--models", nargs="+", required=True, help="as for --model, such as unet smp:fpn/mobilenet_v2")
    sub.add_argument("--augmentations", nargs="+", default=["medium"], help="as for --augmentation")
    sub.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add_config(sub, [name for name in Config.model_fields if name not in ("model", "augmentation", "seed")])

    sub = add("shard", commands.shard, "Pack a data set into WebDataset shards, which the data set 'folder' reads.")
    sub.add_argument("--output", type=Path, required=True, help="new folder for the shards")
    sub.add_argument("--megabytes", type=int, default=256, help="size of a shard")
    add_config(sub, ["dataset", "root", "classes", "variant", "splits", "split_seed", "max_side"])

    sub = add("evaluate", commands.evaluate, "Score a run on a split of its data set.")
    sub.add_argument("run", type=Path, help="run folder or .safetensors file")
    sub.add_argument("--split", default="test", choices=("train", "val", "test"))
    sub.add_argument("--root", type=Path, help="folder that holds the data set")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write the report with charts and failures as one file")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write every number as JSON")

    sub = add("predict", commands.predict, "Write masks and overlays for pictures; the same command again goes on.")
    sub.add_argument("run", type=Path, help="run folder or .safetensors file")
    sub.add_argument("pictures", type=Path, nargs="+", help="pictures, GeoTIFF, .npy, or folders of them")
    sub.add_argument("--output", type=Path, default=Path("predictions"))
    sub.add_argument("--threshold", type=float, default=0.5, help="of one foreground class")
    sub.add_argument("--flips", action="store_true", help="average over the mirror image")
    sub.add_argument("--scales", type=float, nargs="+", default=[1.0], help="average over sizes, such as 0.75 1 1.25")
    sub.add_argument("--tile", type=int, metavar="PIXELS", help="side of the tiles of larger pictures")
    sub.add_argument("--bands", type=int, nargs="+", help="bands of a GeoTIFF that are red, green and blue, from 1")
    sub.add_argument("--polygons", action="store_true", help="also write the regions of a GeoTIFF as GeoJSON")
    sub.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))

    sub = add(
        "export", commands.export, "Write a run as one file that needs no part of this course, checked against it."
    )
    sub.add_argument("run", type=Path, help="run folder or .safetensors file")
    sub.add_argument(
        "--format",
        default="onnx",
        choices=("onnx", "program", "int8"),
        dest="kind",
        help="ONNX, a torch.export program, or ONNX in whole numbers of 8 bits",
    )
    sub.add_argument("--output", type=Path, help="file to write; default RUN's name with .onnx, .pt2 or -int8.onnx")
    sub.add_argument("--size", type=int, help="one fixed size, pixels, where a model cannot take any")
    sub.add_argument("--threshold", type=float, default=0.5, help="of one foreground class; kept in the file")
    sub.add_argument("--root", type=Path, help="folder that holds the data set, which int8 is measured on")

    sub = add("push", commands.push, "Upload a run with a model card to the Hugging Face Hub.")
    sub.add_argument("run", type=Path, help="run folder or .safetensors file")
    sub.add_argument("name", metavar="OWNER/NAME")
    sub.add_argument("--private", action="store_true", help="for your eyes only, if it is new")
    sub.add_argument("--root", type=Path, help="folder of the data set whose test split is scored")
    sub.add_argument("--no-scores", action="store_true", help="upload without scoring; the card says so")

    sub = add(
        "pull", commands.pull, "Download a model from the Hugging Face Hub into a new folder, which predict then takes."
    )
    sub.add_argument("name", metavar="OWNER/NAME")
    sub.add_argument("folder", type=Path)
    sub.add_argument("--revision", default="main", help="branch, tag or commit")

    sub = add("demo", commands.demo, "Serve a page on this machine: a picture in, its mask out.")
    sub.add_argument("run", nargs="?", type=Path, help="run folder or .safetensors file; without it, the course's own")
    sub.add_argument("--port", type=int, metavar="N", help="default: the first free one from 7860 on")
    sub.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets the whole network in")
    sub.add_argument("--share", action="store_true", help="ask Gradio for a public address, through its servers")

    sub = add("course", commands.course, "Execute the nine notebooks and leave HTML copies in build/.")
    sub.add_argument("--refresh", action="store_true", help="store the outputs in the notebooks themselves")

    add("ship", commands.ship, "Train the checkpoint that ships in data/tiny, and record its test score.")

    sub = add(
        "grade", commands.grade, "Judge the exercises of submitted notebooks, each shut off in a process of its own."
    )
    sub.add_argument("submissions", nargs="+", type=Path, help="notebooks, or a folder for each learner")
    sub.add_argument("--csv", type=Path, help="table to write: one row for each exercise")
    sub.add_argument("--minutes", type=float, default=15, help="time for one notebook")
    sub.add_argument("--gigabytes", type=float, default=6, help="memory for one notebook")
    sub.add_argument("--trusted", action="store_true", help="go on where the system cannot shut submissions off")

    sub = add("retarget", commands.point_at, "Point badges and setup cells at your fork.")
    sub.add_argument("repository", metavar="OWNER/NAME")
    return parser


def add_config(parser: argparse.ArgumentParser, names: list[str]) -> None:
    """Add `--field value` for fields of Config; pydantic validates the values."""
    group = parser.add_argument_group("configuration (see utils/config.py)")
    for name in names:
        many = {"nargs": "+"} if name == "classes" else {}
        shown = name.split("_")[-1].upper()
        text = (Config.model_fields[name].description or "").replace("%", "%%")
        group.add_argument(f"--{name.replace('_', '-')}", dest=f"field_{name}", metavar=shown, help=text, **many)


if __name__ == "__main__":
    sys.exit(main())

"""The command line: `python -m utils check|train|compare|shard|evaluate|predict|demo|course|retarget --help`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from utils.config import COURSE, Config
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Any, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    sub = add("check", check, "Read every file of a data set and report all faults; changes nothing.")
    sub.add_argument("path", nargs="?", type=Path, help="a folder with images/ and masks/; or use --dataset")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write the report with pictures as one HTML file")
    sub.add_argument(
        "--fix-into", type=Path, metavar="FOLDER", help="write a repaired copy to a new folder, and check it"
    )
    sub.add_argument("--all", action="store_true", dest="every_name", help="print every name, not only the first three")
    add_config(sub, ["dataset", "root", "classes", "variant", "splits"])

    sub = add("train", train, "Train a model; the run folder is --output.")
    sub.add_argument("--config", type=Path, help="YAML file; options on the command line come on top")
    sub.add_argument("--resume", action="store_true", help="go on with the run in --output")
    sub.add_argument("--overwrite", action="store_true", help="replace the run in --output")
    add_config(sub, list(Config.model_fields))

    sub = add(
        "compare", compare, "Train several models with several augmentations and seeds, and lay them side by side."
    )
    sub.add_argument("--models", nargs="+", required=True, help="as for --model, such as unet smp:fpn/mobilenet_v2")
    sub.add_argument("--augmentations", nargs="+", default=["medium"], help="as for --augmentation")
    sub.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    add_config(sub, [name for name in Config.model_fields if name not in ("model", "augmentation", "seed")])

    sub = add("shard", shard, "Pack a data set into WebDataset shards, which the data set 'folder' reads.")
    sub.add_argument("--output", type=Path, required=True, help="new folder for the shards")
    sub.add_argument("--megabytes", type=int, default=256, help="size of a shard")
    add_config(sub, ["dataset", "root", "classes", "variant", "splits", "split_seed", "max_side"])

    sub = add("evaluate", evaluate, "Score a run on a split of its data set.")
    sub.add_argument("run", type=Path, help="run folder or .safetensors file")
    sub.add_argument("--split", default="test", choices=("train", "val", "test"))
    sub.add_argument("--root", type=Path, help="folder that holds the data set")
    sub.add_argument("--html", type=Path, metavar="FILE", help="write the report with charts and failures as one file")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write every number as JSON")

    sub = add("predict", predict, "Write masks and overlays for pictures; the same command again goes on.")
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

    sub = add("demo", demo, "Serve a page on this machine: a picture in, its mask out.")
    sub.add_argument("run", nargs="?", type=Path, help="run folder or .safetensors file; without it, the course's own")
    sub.add_argument("--port", type=int, metavar="N", help="default: the first free one from 7860 on")
    sub.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets the whole network in")
    sub.add_argument("--share", action="store_true", help="ask Gradio for a public address, through its servers")

    sub = add("course", course, "Execute the nine notebooks and leave HTML copies in build/.")
    sub.add_argument("--refresh", action="store_true", help="store the outputs in the notebooks themselves")

    add("ship", ship, "Train the checkpoint that ships in data/tiny, and record its test score.")

    sub = add("grade", grade, "Judge the exercises of submitted notebooks, each shut off in a process of its own.")
    sub.add_argument("submissions", nargs="+", type=Path, help="notebooks, or a folder for each learner")
    sub.add_argument("--csv", type=Path, help="table to write: one row for each exercise")
    sub.add_argument("--minutes", type=float, default=15, help="time for one notebook")
    sub.add_argument("--gigabytes", type=float, default=6, help="memory for one notebook")
    sub.add_argument("--trusted", action="store_true", help="go on where the system cannot shut submissions off")

    sub = add("retarget", point_at, "Point badges and setup cells at your fork.")
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


def make_config(options: dict[str, Any], path: Path | None = None) -> Config:
    """Build a Config from a YAML file or the preset of the data set, with the options given on top."""
    given = {k.removeprefix("field_"): v for k, v in options.items() if k.startswith("field_") and v is not None}
    given = {k: None if v in ("none", "None") and k in ("weights", "patience", "root") else v for k, v in given.items()}
    if path is not None:
        return Config.load(path).override(**given)
    return Config.preset(given.pop("dataset", "tiny"), **given)


def check(path: Path | None, html: Path | None, fix_into: Path | None, every_name: bool, **options: Any) -> int:
    from utils import catalog
    from utils.check import check_dataset
    from utils.check.repair import refuse_target, repair

    if path is not None:
        options |= {"field_dataset": "folder", "field_root": path}
    config = make_config(options)
    source = catalog.load(config)
    if fix_into is not None:
        refuse_target(fix_into, source.root)  # before the minutes that the check may take
    report = check_dataset(source, config)
    print(report.text(every_name))
    if html is not None:
        print(f"The report with pictures is {report.save_html(html)}")
    if fix_into is None:
        return 0 if report.ok else 1
    print(repair(report, fix_into))
    copy = check_dataset(catalog.load(Config.preset("folder", root=fix_into)))
    print(f"The copy: {copy.verdict}" if copy.ok else copy)
    return 0 if copy.ok else 1


def train(config: Path | None, resume: bool, overwrite: bool, **options: Any) -> None:
    settings = make_config(options, config)  # before the slow import, so that a typo is refused at once
    from accelerate import PartialState

    from utils.training import fit

    run = fit(settings, resume=resume, overwrite=overwrite)
    if run.history.empty or not PartialState().is_main_process:
        return
    best = run.best
    print(f"Best validation IoU {best['val_score']:.3f} in epoch {best['epoch']:.0f}; the run is in {run.folder}")


def compare(models: list[str], augmentations: list[str], seeds: list[int], **options: Any) -> int:
    runs = make_config(options)
    from utils.comparison import caption, grid, is_finished, run_grid, save_tables

    settings, runs = runs, grid(runs, models, augmentations, seeds)
    folder, failed, stopped = settings.output, {}, False
    try:
        failed = run_grid(runs)
    except KeyboardInterrupt:
        stopped = True
    if done := sum(is_finished(config) for config in runs):
        table = save_tables(runs).to_string(index=False, float_format="{:.3f}".format, na_rep="\N{EN DASH}")
        print(f"{table}\n{caption(settings)}\ncomparison.csv, summary.csv, comparison.png and the runs are in {folder}")
    for name, sentence in failed.items():
        print(f"failed: {name}: {sentence}", file=sys.stderr)
    if done < len(runs):
        print(f"{done} of {len(runs)} runs are finished. The same command goes on where this one stopped.")
    return 1 if failed or stopped else 0


def shard(output: Path, megabytes: int, **options: Any) -> None:
    from utils import catalog
    from utils.shards import write_shards

    config = make_config(options)
    source = catalog.load(config)
    shards = write_shards(source, output, config.max_side, megabytes)
    print(f"{len(shards)} shards are in {output}; its licence stays: {source.license}")
    print(f"Train on them: python -m utils train --dataset folder --root {output}")


def evaluate(run: Path, split: str, root: Path | None, html: Path | None, json: Path | None) -> None:
    from utils import catalog
    from utils.checkpoint import load_weights
    from utils.inference import Predictor
    from utils.report import evaluate_run
    from utils.splits import as_in_run

    predictor = Predictor.from_run(run)
    if root is None and (run / "config.yaml").is_file():  # weights do not say where the data lay
        root = Config.load(run / "config.yaml").root
    config = predictor.config.override(root=root) if root else predictor.config
    facts = load_weights(run if run.suffix == ".safetensors" else run / "best.safetensors")[1]["facts"]
    report = evaluate_run(predictor, as_in_run(catalog.load(config), run), split, facts)
    print(report)
    if html is not None:
        print(f"The report with pictures is {report.save_html(html)}")
    if json is not None:
        print(f"Every number is in {report.save_json(json)}")


def predict(
    run: Path, pictures: list[Path], output: Path, polygons: bool, bands: list[int] | None, **options: Any
) -> int:
    from utils.inference import Predictor
    from utils.predictions import LIST, list_pictures, predict_files

    predictor = Predictor.from_run(run, **options)
    paths = [path for entry in pictures for path in list_pictures(entry)]
    try:
        outcome = predict_files(predictor, paths, output, polygons, bands, progress=True)
    except KeyboardInterrupt:
        print(f"Stopped. What is done is in {output}; the same command goes on where this one stopped.")
        return 1
    kept = f" ({outcome.kept} of them were there already)" if outcome.kept else ""
    print(f"{len(outcome.masks)} masks and overlays are in {output}{kept}; {LIST} has the share of each class.")
    for sentence in outcome.failed:
        print(f"failed: {sentence}", file=sys.stderr)
    return 1 if outcome.failed else 0


def demo(run: Path | None, port: int | None, host: str, share: bool) -> None:
    from utils.app import launch
    from utils.inference import Predictor, best_run

    launch(Predictor.from_run(run or best_run()), port, host, share)


def course(refresh: bool) -> None:
    from utils.course import BUILD, refresh_notebooks, run_course
    from utils.inference import Predictor, best_run
    from utils.predictions import predict_files

    if refresh:
        return refresh_notebooks()
    run_course()
    tiny = COURSE / "data" / "tiny"
    pictures = [*sorted((tiny / "images").glob("town1[12]_*.jpg")), tiny / "mosaic.jpg"]
    predict_files(Predictor.from_run(best_run()), pictures, BUILD / "predictions")
    print(f"Executed notebooks (HTML), predictions/ and the trained run are in {BUILD}")


def grade(submissions: list[Path], csv: Path | None, minutes: float, gigabytes: float, trusted: bool) -> None:
    from utils.exercises.grade import grade as judge

    rows = judge(submissions, csv, minutes, gigabytes, trusted)
    for row in rows:
        if row["verdict"] != "passed":
            print(f"{row['submission']}  {row['exercise']}  {row['verdict']}: {row['detail']}")
    passed = sum(row["verdict"] == "passed" for row in rows)
    print(f"{passed} of {len(rows)} exercises passed" + (f"; the table is {csv}" if csv else ""))


def ship() -> None:
    from utils.course import ship_checkpoint

    ship_checkpoint()


def point_at(repository: str) -> None:
    from utils.course import retarget

    for path in retarget(repository):
        print(f"rewrote {path.relative_to(COURSE)}")


if __name__ == "__main__":
    sys.exit(main())

"""What the commands of `python -m utils` do; each imports what it needs, so that `--help` is quick."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from utils.config import COURSE, Config

if TYPE_CHECKING:
    from utils.catalog.base import Source


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
    from utils.checkpoint import load_weights
    from utils.hub import weights_of
    from utils.inference import Predictor
    from utils.report import evaluate_run

    predictor = Predictor.from_run(run)
    facts = load_weights(weights_of(run))[1]["facts"]
    report = evaluate_run(predictor, source_of(run, root, predictor.config), split, facts)
    print(report)
    if html is not None:
        print(f"The report with pictures is {report.save_html(html)}")
    if json is not None:
        print(f"Every number is in {report.save_json(json)}")


def source_of(run: Path, root: Path | None, config: Config) -> "Source":
    """Return the data set of a run, split as it was there; weights alone do not say where it lies."""
    from utils import catalog
    from utils.splits import as_in_run

    if root is None and (run / "config.yaml").is_file():
        root = Config.load(run / "config.yaml").root
    return as_in_run(catalog.load(config.override(root=root) if root else config), run)


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


def export(run: Path, kind: str, output: Path | None, size: int | None, threshold: float, root: Path | None) -> None:
    from utils.export import export_onnx, export_program
    from utils.export.onnx_files import describe
    from utils.export.quantization import compare_onnx, quantize_onnx
    from utils.inference import Predictor

    predictor = Predictor.from_run(run, device="cpu", threshold=threshold)
    ending = {"onnx": ".onnx", "program": ".pt2", "int8": "-int8.onnx"}[kind]
    output = output or Path(run.stem + ending)
    fixed = {"size": size or predictor.config.image_size, "dynamic": size is None}
    if kind == "program":
        gap = export_program(predictor.model, output, **fixed)
    elif kind == "onnx":
        gap = export_onnx(predictor.model, output, **fixed, about=describe(predictor))
    else:
        source = source_of(run, root, predictor.config)
        with tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "float32.onnx"
            gap = export_onnx(predictor.model, whole, **fixed, about=describe(predictor))
            quantize_onnx(whole, output, source)
            print(compare_onnx(whole, output, source))
    print(f"{output}: {output.stat().st_size / 1e6:.2f} MB, largest difference of a float32 logit {gap:.1e}")


def push(run: Path, name: str, private: bool, root: Path | None, no_scores: bool) -> None:
    from utils import hub
    from utils.analysis import report_split
    from utils.inference import Predictor

    predictor, report = Predictor.from_run(run), None
    source = None if no_scores else source_of(run, root, predictor.config)
    if source is not None:
        report = report_split(predictor, source, "test")
        print(f"The licence of its pictures: {source.license}")
    print(f"uploaded to {hub.push(run, name, report, source.license if source else '', private)}")


def pull(name: str, folder: Path, revision: str) -> None:
    from utils import hub

    print(f"The model is in {hub.pull(name, folder, revision)}: python -m utils predict {folder} PICTURES")


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

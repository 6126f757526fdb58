"""`evaluate`: the scores of a run on a split of its data set, as text, as one page, as JSON."""

from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING

from segmenter.commands.options import add_run, source_of

if TYPE_CHECKING:
    from utils.catalog.base import Source


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    add_run(parser)
    parser.add_argument("--split", default="test", choices=("train", "val", "test"))
    parser.add_argument("--dataset", help="another data set than the run's own, such as folder; of the same classes")
    parser.add_argument("--root", type=Path, help="folder that holds the data set")
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write the report with charts and failures as one file"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every number as JSON")


def run(run: Path, split: str, dataset: str | None, root: Path | None, html: Path | None, json: Path | None) -> None:
    """Score a run on a split of its data set."""
    from segmenter.hub.weights_file import weights_of
    from segmenter.outputs import refuse_foreign
    from segmenter.report import evaluate_run, save_html, save_json
    from utils.checkpoint import load_weights
    from utils.inference import Predictor

    refuse_foreign(html)  # before the minutes that the scores take
    refuse_foreign(json)
    predictor = Predictor.from_run(run)
    facts = load_weights(weights_of(run))[1]["facts"]
    source = source_of(run, root, predictor.config, dataset)
    if root is not None or dataset is not None:
        tell_of_others(source, run, split)
    report = evaluate_run(predictor, source, split, facts)
    print(report)
    if html is not None:
        print(f"The report with pictures is {save_html(report, html)}")
    if json is not None:
        print(f"Every number is in {save_json(report, json)}")


def tell_of_others(source: "Source", run: Path, split: str) -> None:
    """Say how many pairs the run's splits do not name. Where they name none, all become the split that is scored."""
    pairs = [pair for pair, _ in source.labelled()]
    named = sum(len(members) for members in source.assigned().values())
    if source.fixed is None or named == len(pairs):
        return
    if named:
        print(f"{len(pairs) - named} of the {len(pairs)} pairs in {source.root} are in no split of {run}: not scored.")
        return
    print(f"{source.root} has none of the images of {run}: all of its {len(pairs)} pairs are scored.")
    source.fixed = {source.relative(pair.image): split for pair in pairs}

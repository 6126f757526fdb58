"""`push`: a run, with a card, on the Hugging Face Hub."""

from argparse import ArgumentParser
from pathlib import Path

from segmenter.commands.options import add_run, source_of


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    add_run(parser)
    parser.add_argument("name", metavar="OWNER/NAME")
    parser.add_argument("--private", action="store_true", help="for your eyes only, if it is new")
    parser.add_argument("--root", type=Path, help="folder of the data set whose test split is scored")
    parser.add_argument("--no-scores", action="store_true", help="upload without scoring; the card says so")


def run(run: Path, name: str, private: bool, root: Path | None, no_scores: bool) -> None:
    """Upload a run with a model card to the Hugging Face Hub."""
    from segmenter.evaluation import report_split
    from segmenter.hub import push
    from utils.inference import Predictor

    predictor, report = Predictor.from_run(run), None
    source = None if no_scores else source_of(run, root, predictor.config)
    if source is not None:
        report = report_split(predictor, source, "test")
        print(f"The licence of its pictures: {source.license}")
    print(f"uploaded to {push(run, name, report, source.license if source else '', private)}")

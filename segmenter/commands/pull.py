"""`pull`: a model from the Hugging Face Hub."""

from argparse import ArgumentParser
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("name", metavar="OWNER/NAME")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--revision", default="main", help="branch, tag or commit")


def run(name: str, folder: Path, revision: str) -> None:
    """Download a model from the Hugging Face Hub into a new folder, which predict then takes."""
    from segmenter.hub import pull

    print(f"The model is in {pull(name, folder, revision)}: python -m segmenter predict {folder} PICTURES")

"""`convert`: what a labelling tool wrote, as the folder of images and masks that every command reads."""

from argparse import ArgumentParser
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("source", type=Path, help="folder or file that a labelling tool wrote; it stays as it is")
    parser.add_argument("--into", type=Path, required=True, metavar="FOLDER", help="new folder for the pairs")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="where the images are, if not in the source")
    parser.add_argument("--format", dest="name", help="which format is meant, where a source can be read as several")
    parser.add_argument(
        "--unlabelled",
        choices=("leave-out", "background"),
        default="leave-out",
        help="what becomes of images on which nothing is drawn",
    )


def run(source: Path, into: Path, images: Path | None, name: str | None, unlabelled: str) -> None:
    """Draw annotations of any common format as masks, in a folder that train and check read; the source stays."""
    from segmenter.formats.convert import convert
    from segmenter.formats.listing import Listing
    from segmenter.formats.sources import read, tell
    from segmenter.words import counted

    listing = Listing(source, images)
    found = read(listing, name)
    print(tell(found), flush=True)
    done = convert(found, listing, into.expanduser(), unlabelled)
    for sentence in done.left_out[:10]:
        print(sentence)
    if len(done.left_out) > 10:
        print(f"... and {len(done.left_out) - 10} more that were left out.")
    kept = f" ({done.kept} of them were there already)" if done.kept else ""
    print(f"{into} holds {counted(done.pairs, 'pair')}{kept}: python -m segmenter train --dataset folder --root {into}")

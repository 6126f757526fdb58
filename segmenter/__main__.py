"""The command line: `python -m segmenter --help`. Each command is a file of `segmenter/commands`."""

import argparse
import sys

from segmenter.commands import check, compare, demo, evaluate, export, predict, pull, push, shard, train
from utils.errors import CourseError

COMMANDS = (check, train, evaluate, predict, export, compare, shard, demo, push, pull)
INTERRUPTED = 130  # the exit code that shells expect after Ctrl+C


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code, or 2 after an error that the user can put right."""
    options = vars(build_parser().parse_args(arguments))
    run_command = options.pop("run_command")
    try:
        return run_command(**options) or 0
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Collect the commands: the docstring of a command's `run` is its help, `add_arguments` describes its options."""
    parser = argparse.ArgumentParser(
        prog="python -m segmenter", description="Check data, train, evaluate, predict and show."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        subparser = subparsers.add_parser(name, help=command.run.__doc__, description=command.run.__doc__)
        subparser.set_defaults(run_command=command.run)
        command.add_arguments(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

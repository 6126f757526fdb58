"""The command line: `python -m segmenter --help`. Each command is a file of `segmenter/commands`."""

import argparse
import io
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

try:
    from segmenter.commands import (
        check,
        compare,
        convert,
        demo,
        evaluate,
        export,
        export_masks,
        predict,
        pull,
        push,
        shard,
        train,
    )  # fmt: skip
    from utils.errors import CourseError
except ModuleNotFoundError as error:
    if str(error.name).partition(".")[0] in ("segmenter", "utils"):
        raise
    sys.exit(
        f"The package {error.name} is missing in {sys.executable}: activate the course's environment "
        "(source .venv/bin/activate, on Windows .venv\\Scripts\\activate), or set it up with `make course`."
    )

COMMANDS = (check, convert, train, evaluate, predict, export_masks, export, compare, shard, demo, push, pull)
INTERRUPTED = 130  # the exit code that shells expect after Ctrl+C


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code, or 2 after an error that the user can put right."""
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what the terminal cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = vars(build_parser().parse_args(arguments))
    run_command = options.pop("run_command")
    try:
        with stopping_at_sigterm():
            return run_command(**options) or 0
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output has seen enough
        sys.stdout = None
        return 0
    except (CourseError, OSError, MemoryError) as error:
        print(f"error: {sentence_of(error)}", file=sys.stderr)
        return 2


@contextmanager
def stopping_at_sigterm() -> Iterator[None]:
    """Let a polite request to end (SIGTERM) stop a command as Ctrl-C does: after what is whole, with nothing half."""
    if threading.current_thread() is not threading.main_thread():  # only there can Python handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def sentence_of(error: Exception) -> str:
    """Return what the user can do about an error that ended a command."""
    if isinstance(error, CourseError):
        return str(error)
    if isinstance(error, MemoryError):
        return "More memory is needed than there is. Take smaller pictures or batches, or close other programs."
    name = f"{error.filename}: " if error.filename else ""
    return f"{name}{error.strerror or error}. Nothing more was written; change its place or its permissions."


def build_parser() -> argparse.ArgumentParser:
    """Collect the commands: the docstring of a command's `run` is its help, `add_arguments` describes its options."""
    parser = argparse.ArgumentParser(
        prog="python -m segmenter", description="Check data, train, evaluate, predict and show."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        name = name_of(command)
        subparser = subparsers.add_parser(name, help=command.run.__doc__, description=command.run.__doc__)
        subparser.set_defaults(run_command=command.run)
        command.add_arguments(subparser)
    return parser


def name_of(command: ModuleType) -> str:
    """Return what a command is called: the name of its file, with hyphens."""
    return command.__name__.rpartition(".")[2].replace("_", "-")


if __name__ == "__main__":
    sys.exit(main())

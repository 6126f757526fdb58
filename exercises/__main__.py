"""Keeping the course: `python -m exercises --help`.

`course` runs the nine notebooks, `grade` judges what learners handed in, `retarget` points the course at a fork.
"""

import argparse
import sys
from pathlib import Path

from utils.config import COURSE
from utils.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 2 after an error that the user can put right."""
    options = vars(build_parser().parse_args(arguments))
    run = options.pop("run_command")
    try:
        run(**options)
        return 0
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """Describe the three commands; the docstring of each function is its help."""
    parser = argparse.ArgumentParser(prog="python -m exercises", description="Run, grade and retarget the course.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    sub = subparsers.add_parser("course", help=course.__doc__, description=course.__doc__)
    sub.add_argument("--refresh", action="store_true", help="store the outputs in the notebooks themselves")
    sub.set_defaults(run_command=course)

    sub = subparsers.add_parser("grade", help=grade.__doc__, description=grade.__doc__)
    sub.add_argument("submissions", nargs="+", type=Path, help="notebooks, or a folder for each learner")
    sub.add_argument("--csv", type=Path, help="table to write: one row for each exercise")
    sub.add_argument("--minutes", type=float, default=15, help="time for one notebook")
    sub.add_argument("--gigabytes", type=float, default=6, help="memory for one notebook")
    sub.add_argument("--trusted", action="store_true", help="go on where the system cannot shut submissions off")
    sub.set_defaults(run_command=grade)

    sub = subparsers.add_parser("retarget", help=retarget.__doc__, description=retarget.__doc__)
    sub.add_argument("repository", metavar="OWNER/NAME")
    sub.set_defaults(run_command=retarget)
    return parser


def course(refresh: bool) -> None:
    """Execute the nine notebooks and leave HTML copies and the trained run in build/."""
    from exercises.course import BUILD, refresh_notebooks, run_course

    if refresh:
        refresh_notebooks()
        return
    run_course()
    print(f"The executed notebooks (HTML) and the trained run are in {BUILD}")


def grade(submissions: list[Path], csv: Path | None, minutes: float, gigabytes: float, trusted: bool) -> None:
    """Judge the exercises of submitted notebooks, each shut off in a process of its own."""
    from exercises.grading.grade import grade as judge

    rows = judge(submissions, csv, minutes, gigabytes, trusted)
    for row in rows:
        if row["verdict"] != "passed":
            print(f"{row['submission']}  {row['exercise']}  {row['verdict']}: {row['detail']}")
    passed = sum(row["verdict"] == "passed" for row in rows)
    print(f"{passed} of {len(rows)} exercises passed" + (f"; the table is {csv}" if csv else ""))


def retarget(repository: str) -> None:
    """Point badges and setup cells at your fork."""
    from exercises.course import retarget as rewrite

    for path in rewrite(repository):
        print(f"rewrote {path.relative_to(COURSE)}")


if __name__ == "__main__":
    sys.exit(main())

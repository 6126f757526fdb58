"""The command line for whoever keeps the course or teaches it: `python -m exercises --help`."""

import argparse
import sys
from pathlib import Path

from exercises.course import BUILD, refresh_notebooks, retarget, run_course
from exercises.grading.grade import grade
from utils.config import COURSE
from utils.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, or 2 after an error that the user can put right."""
    options = vars(build_parser().parse_args(arguments))
    run_command = options.pop("run_command")
    try:
        run_command(**options)
        return 0
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def build_parser() -> argparse.ArgumentParser:
    """Describe the three commands; the docstring of each function is its help."""
    parser = argparse.ArgumentParser(prog="python -m exercises", description="Run, grade and retarget the course.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    course = subparsers.add_parser("course", help=run_course_command.__doc__, description=run_course_command.__doc__)
    course.add_argument(
        "--refresh", nargs="*", type=int, metavar="NUMBER", choices=range(1, 10),
        help="store the outputs in the notebooks themselves: in all nine, or in those of these numbers",
    )  # fmt: skip
    course.set_defaults(run_command=run_course_command)

    grading = subparsers.add_parser("grade", help=grade_command.__doc__, description=grade_command.__doc__)
    grading.add_argument("submissions", nargs="+", type=Path, help="notebooks, or a folder for each learner")
    grading.add_argument("--csv", type=Path, help="table to write: one row for each exercise")
    grading.add_argument("--minutes", type=float, default=15, help="time for one notebook")
    grading.add_argument("--gigabytes", type=float, default=6, help="memory for one notebook")
    grading.add_argument("--trusted", action="store_true", help="go on where the system cannot shut submissions off")
    grading.set_defaults(run_command=grade_command)

    fork = subparsers.add_parser("retarget", help=retarget_command.__doc__, description=retarget_command.__doc__)
    fork.add_argument("repository", metavar="OWNER/NAME")
    fork.set_defaults(run_command=retarget_command)
    return parser


def run_course_command(refresh: list[int] | None) -> None:
    """Execute the nine notebooks and leave HTML copies and the trained run in build/."""
    if refresh is not None:
        refresh_notebooks(refresh)
        return
    run_course()
    print(f"The executed notebooks (HTML) and the trained run are in {BUILD}")


def grade_command(submissions: list[Path], csv: Path | None, minutes: float, gigabytes: float, trusted: bool) -> None:
    """Judge the exercises of submitted notebooks, each shut off in a process of its own."""
    rows = grade(submissions, csv, minutes, gigabytes, trusted)
    for row in rows:
        if row["verdict"] != "passed":
            print(f"{row['submission']}  {row['exercise']}  {row['verdict']}: {row['detail']}")
    passed = sum(row["verdict"] == "passed" for row in rows)
    print(f"{passed} of {len(rows)} exercises passed" + (f"; the table is {csv}" if csv else ""))


def retarget_command(repository: str) -> None:
    """Point badges and setup cells at your fork."""
    for path in retarget(repository):
        print(f"rewrote {path.relative_to(COURSE)}")


if __name__ == "__main__":
    sys.exit(main())

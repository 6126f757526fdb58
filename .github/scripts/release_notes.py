"""Print the section of CHANGELOG.md for a tag, or say why there is none."""

import re
import sys
import tomllib
from pathlib import Path

COURSE = Path(__file__).parents[2]


def notes(tag: str) -> str:
    """Return the notes of a tag such as v1.0.0. Raises SystemExit with a sentence where they are missing."""
    version = tomllib.loads((COURSE / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if tag != f"v{version}":
        sys.exit(f"The tag is {tag}, and pyproject.toml says {version}: change one of them, and tag again.")
    changes = (COURSE / "CHANGELOG.md").read_text("utf-8")
    section = re.search(rf"^## {re.escape(version)},.*\n((?:(?!## ).*\n?)*)", changes, re.MULTILINE)
    if section is None:
        sys.exit(f"CHANGELOG.md has no section for {version}: write what changed, and tag again.")
    return section[1].strip()


if __name__ == "__main__":
    print(notes(sys.argv[1]))

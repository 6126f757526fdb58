"""Print the versions that a Colab runtime has of the packages in requirements.txt: `colab_pins.py FREEZE`.

FREEZE is the list that Google publishes (googlecolab/backend-info). Builds such as 2.11.0+cu128 lose what comes after
the +, since the index of Python packages has them without.
"""

import re
import sys
from pathlib import Path

COURSE = Path(__file__).parents[2]


def pins(freeze: str, requirements: str) -> list[str]:
    """Return a line `name==version` for each package that both texts name, in the order of `freeze`."""
    wanted = {normalised(found[0]) for line in requirements.splitlines() if (found := re.match(r"[\w.-]+", line))}
    lines = [re.match(r"([\w.-]+)==([^+\s;]+)", line) for line in freeze.splitlines()]
    return [f"{line[1]}=={line[2]}" for line in lines if line and normalised(line[1]) in wanted]


def normalised(name: str) -> str:
    """Return a package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    print("\n".join(pins(Path(sys.argv[1]).read_text("utf-8"), (COURSE / "requirements.txt").read_text("utf-8"))))

"""Print the versions that a Colab runtime has: `colab_pins.py FREEZE` of the packages in requirements.txt, with `--all`
of every package, as constraints for pip.

FREEZE is the list that Google publishes (googlecolab/backend-info). Builds such as 2.11.0+cu128 lose what comes after
the +, since the index of Python packages has them without; they bring a CUDA of their own, which is not constrained.
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


def constraints(freeze: str) -> list[str]:
    """Return a line `name==version` for every package that PyTorch's builds do not bring along."""
    named = "\n".join(re.findall(r"^(?!torch|triton|nvidia|cuda|libcu)[\w.-]+(?===)", freeze, re.MULTILINE))
    return pins(freeze, named)


def normalised(name: str) -> str:
    """Return a package's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    published = Path(sys.argv[1]).read_text("utf-8")
    wanted = (COURSE / "requirements.txt").read_text("utf-8")
    print("\n".join(constraints(published) if "--all" in sys.argv else pins(published, wanted)))

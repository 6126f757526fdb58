"""One process of test_resume.py: train, and be killed by the system (SIGKILL) at a given moment.

Usage: run_that_is_killed.py CONFIG MOMENT [resume]. MOMENT is `step:N` (within the N-th training step), or
`before:FILE:N`, `after:FILE:N`, `half:FILE:N`: around the N-th time that a file is put in its place, or half-written.
"""

import os
import signal
import sys
from pathlib import Path

from utils import checkpoint, runs, session, training
from utils.config import Config


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(config: str, moment: str, resume: bool) -> None:
    when, _, rest = moment.partition(":")
    name, _, number = rest.rpartition(":")
    seen = []

    def count(kind: str, this: str) -> None:
        seen.append((kind, this))
        if kind == when and this == name and seen.count((kind, this)) == int(number):
            die()

    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        count("before", Path(target).name)
        done = replace(self, target)
        count("after", Path(target).name)
        return done

    Path.replace = watched
    write = checkpoint.write_atomically

    def half(path: Path, fill: object, *rest: object) -> None:
        def fill_half(temporary: Path) -> None:
            fill(temporary)
            os.truncate(temporary, temporary.stat().st_size // 2)
            count("half", path.name)
            fill(temporary)

        write(path, fill_half if when == "half" else fill, *rest)

    checkpoint.write_atomically = runs.write_atomically = half
    build = session.build_loss

    def building(*arguments: object) -> object:
        loss = build(*arguments)

        def counting(logits: object, masks: object) -> object:
            count("step", "")
            return loss(logits, masks)

        return counting

    session.build_loss = building
    training.fit(Config.load(config), resume=resume, on_epoch=None)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], len(sys.argv) > 3)

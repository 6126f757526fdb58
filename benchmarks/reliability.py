"""What a SIGKILL costs: `python -m benchmarks.reliability [--kills 100] [--seed 0]`.

Training, the prediction of a large image, and `check --fix-into` are killed by the system at random moments, and begun
again with the same command. Of the kills, the first share is training's and a fifth as many go to each of the others.
In the end, every file must be that of a process which nothing stopped, byte for byte. The commands run in forks of this
process, which has imported everything once.
"""

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from PIL import Image

from benchmarks.inference import draw_large
from segmenter.__main__ import main
from utils.config import COURSE
from utils.files import RUN_MARKER
from utils.runs import CLOCK

SMALL = {
    "dataset": "folder", "image-size": 32, "framing": "crop", "batch-size": 4, "unet-width": 4, "unet-depth": 2,
    "epochs": 6, "ema": 0.9, "augmentation": "strong", "device": "cpu", "precision": "fp32", "threads": 1,
}  # fmt: skip


@dataclass
class Ledger:
    """What became of a command that was killed again and again.

    Attributes:
        kills: processes that were killed while they worked.
        moments: when, as shares of the time that an undisturbed process takes.
        lost: sentences on what was lost; there should be none.
    """

    name: str
    kills: int = 0
    finished: int = 0
    moments: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def start(arguments: list[str], log: Path) -> int:
    """Run a command of the program in a fork of this process, and return its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        with log.open("w") as file, redirect_stdout(file), redirect_stderr(file):
            code = main(arguments)
    finally:
        os._exit(code)  # without the rest of this process, which is the parent's


def finish(pid: int) -> int:
    """Wait for a process, and return its exit code, which is negative after a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_after(pid: int, seconds: float) -> int:
    """Kill a process after so many seconds unless it has ended; return its exit code."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(pid, signal.SIGKILL)
    return finish(pid)


def torment(
    name: str, command: Callable[[Path], list[str]], work: Path, kills: int, compare: Callable[[Path, Path], list[str]]
) -> Ledger:
    """Kill a command `kills` times; each time that it comes to its end, compare its folder with an undisturbed one.

    `command(folder)` are its arguments; `compare(whole, broken)` names the differences of two folders.
    """
    ledger, log, whole = Ledger(name), work / "log.txt", work / "whole"
    started = time.perf_counter()
    if code := finish(start(command(whole), log)):
        raise SystemExit(f"{name} ended with {code} before anybody killed it: {log.read_text()}")
    duration = time.perf_counter() - started
    broken = work / "broken-0"
    while True:
        wait = random.uniform(0, duration) if ledger.kills < kills else 60 + 20 * duration
        code = kill_after(start(command(broken), log), wait)
        if code == -signal.SIGKILL:
            ledger.kills += 1
            ledger.moments.append(wait / duration)
            if ledger.kills > kills:
                ledger.lost.append("it hung after a kill")
                return ledger
            continue
        ledger.finished += 1
        wrong = compare(whole, broken)  # a copy that is whole already is rightly refused
        ledger.lost += wrong + ([f"code {code}: {log.read_text().strip()[-300:]}"] if wrong and code else [])
        if ledger.kills >= kills:
            return ledger
        broken = work / f"broken-{ledger.finished}"


def differences(whole: Path, broken: Path) -> list[str]:
    """Name the files of two folders that are not equal, byte for byte, or are in one of them only."""
    a, b = ({str(p.relative_to(f)): p for p in f.rglob("*") if p.is_file()} for f in (whole, broken))
    found = [f"{broken.name}/{name} is missing" for name in a.keys() - b.keys()]
    found += [f"{broken.name}/{name} was left behind" for name in b.keys() - a.keys()]
    return found + [
        f"{broken.name}/{name} differs" for name in a.keys() & b.keys() if content(a[name]) != content(b[name])
    ]


def content(path: Path) -> bytes:
    """Return the bytes of a file, without what must differ: seconds, and the name of the folder it lies in."""
    data = path.read_bytes()
    if path.name == "history.csv":
        return pd.read_csv(path).drop(columns=[*CLOCK]).to_csv().encode()
    if path.name == RUN_MARKER:  # the checksums beside it are of files that are compared themselves
        return b""
    if path.suffix in (".yaml", ".csv"):
        return re.sub(rb"(whole|broken-\d+)(?=/|\n)", b"", data)
    return data


# ---------------------------------------------------------------- what is killed
def write_data(root: Path, count: int, side: int) -> Path:
    """Draw pairs of an image and a mask of three classes."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    for number in range(count):
        mask = np.kron(rng.integers(0, 3, (side // 8, side // 8)), np.ones((8, 8), int)).astype(np.uint8)
        image = np.clip(60 + 60 * mask[..., None] + rng.normal(0, 20, (side, side, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(image).save(root / "images" / f"{number:03d}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number:03d}.png")
    return root


def train_command(data: Path) -> Callable[[Path], list[str]]:
    """Train from the beginning, or go on where there is a run."""
    options = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]

    def command(folder: Path) -> list[str]:
        resume = ["--resume"] if (folder / "config.yaml").exists() else []
        classes = ["--classes", "ground", "house", "lake"]
        return ["train", "--root", str(data), "--output", str(folder), *options, *classes, *resume]

    return command


def kill_training(work: Path, kills: int) -> Ledger:
    """Kill training; what it leaves behind is compared in every file."""
    data = write_data(work / "data", 24, 48)
    return torment("training", train_command(data), work, kills, differences)


def kill_prediction(work: Path, kills: int) -> Ledger:
    """Kill the prediction of a GeoTIFF in tiles."""
    draw_large(work / "scene.tif", 1200)
    run = str(COURSE / "data" / "tiny" / "checkpoint.safetensors")

    def command(folder: Path) -> list[str]:
        return ["predict", run, str(work / "scene.tif"), "--output", str(folder), "--device", "cpu"]

    return torment("prediction of a large image", command, work, kills, differences)


def kill_repair(work: Path, kills: int) -> Ledger:
    """Kill the repair of a data set; the data set itself must stay as it is."""
    data = write_data(work / "data", 60, 96)
    (data / "images" / "000.png").write_bytes(b"no picture")
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}

    def command(folder: Path) -> list[str]:
        return ["check", str(data), "--fix-into", str(folder)]

    def compare(whole: Path, broken: Path) -> list[str]:
        changed = [str(path) for path, old in before.items() if path.read_bytes() != old]
        return differences(whole, broken) + [f"{path} of the data set was changed" for path in changed]

    return torment("check --fix-into", command, work, kills, compare)


def benchmark(kills: int, seed: int) -> list[Ledger]:
    """Kill each of the three, and print a table."""
    random.seed(seed)
    torch.set_num_threads(1)  # the threads of a process do not live on in its fork
    cv2.setNumThreads(0)
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")
    ledgers, rows = [], []
    for kill, count in (
        (kill_training, kills),
        (kill_prediction, max(1, kills // 5)),
        (kill_repair, max(1, kills // 5)),
    ):
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as work:
            os.environ["CACHE_FOLDER"] = str(Path(work) / "cache")
            ledger = kill(Path(work), count)
        ledgers.append(ledger)
        rows.append({
            "what": ledger.name, "kills": ledger.kills, "came to their end": ledger.finished,
            "earliest and latest kill": f"{min(ledger.moments):.2f} to {max(ledger.moments):.2f} of the time it takes",
            "lost or different": len(ledger.lost), "seconds": f"{time.perf_counter() - started:.0f}",
        })  # fmt: skip
        print(f"{rows[-1]}", file=sys.stderr, flush=True)
    print(pd.DataFrame(rows).to_string(index=False))
    for ledger in ledgers:
        for sentence in ledger.lost:
            print(f"{ledger.name}: {sentence}")
    return ledgers


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="of training; a fifth as many of each of the others")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = benchmark(options.kills, options.seed)
    sys.exit(any(ledger.lost for ledger in found))

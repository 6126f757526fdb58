"""What several test files use: drawn pairs, ways to damage them, and what a good error looks like."""

import contextlib
import csv
import html.parser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image
from torch import nn

from utils import catalog
from utils.config import Config
from utils.errors import CourseError

COURSE = Path(__file__).resolve().parents[1]
SHARED = COURSE.parent / "shared" / "data"
CLASSES = ("ground", "house", "lake")
PALETTE = ((230, 159, 0), (86, 180, 233), (0, 158, 115))
COLOURS = np.array([(90, 120, 60), (200, 80, 60), (40, 90, 170)])
SPLITS = ["train"] * 8 + ["val"] * 2 + ["test"] * 2


def texts(figure):
    """Return every text of a figure, those of its axes and legends included."""
    return {text.get_text() for text in figure.findobj(Text)}


def draw_pair(seed, size=(40, 48)):
    """A picture, uint8 (H, W, 3), of coloured blocks and its ids, uint8 (H, W), with an ignored stripe."""
    rng = np.random.default_rng(seed)
    height, width = size
    blocks = rng.integers(0, 3, (-(-height // 8), -(-width // 8)))
    blocks.ravel()[:3] = 0, 1, 2
    mask = np.kron(blocks, np.ones((8, 8), int))[:height, :width].astype(np.uint8)
    image = np.clip(COLOURS[mask] + rng.normal(0, 12, (*mask.shape, 3)), 0, 255).astype(np.uint8)
    mask[:, 20] = 255
    return image, mask


def write_pairs(root, splits=SPLITS, size=(40, 48)):
    """Write drawn pairs as images/NAME.png and masks/NAME.png, with their splits in pairs.csv."""
    rows = [("image", "mask", "split")]
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for number, split in enumerate(splits):
        image, mask = draw_pair(number, size)
        name = f"{number:02d}.png"
        Image.fromarray(image).save(root / "images" / name)
        Image.fromarray(mask).save(root / "masks" / name)
        rows.append((f"images/{name}", f"masks/{name}", split))
    with (root / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return root


def drop_splits(root):
    """Let the pairs of a folder go by name alone, without published splits."""
    (root / "pairs.csv").unlink()
    return root


def assert_clear(error, *words, kind=CourseError):
    """Assert that an error is one sentence for its reader: it holds every word, and no trace of the code."""
    error = error.value if isinstance(error, pytest.ExceptionInfo) else error
    assert isinstance(error, kind), repr(error)
    assert_sentence(str(error), *words)


def assert_sentence(text, *words):
    assert "\n" not in text.strip()
    assert not any(trace in text for trace in ("Traceback", 'File "', "Error:", "object at 0x"))
    assert text.strip().endswith((".", "?", ")")), text
    for word in words:
        assert str(word).lower() in text.lower(), f"{word!r} is missing in: {text}"


def snapshot(folder):
    """Every file below a folder with its bytes: equal snapshots mean that nothing was touched."""
    folder = Path(folder)
    if not folder.exists():
        return None
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


@contextlib.contextmanager
def full_disk(limit=1000):
    """Let no file grow beyond `limit` bytes: the operating system refuses as it does on a full disk."""
    resource = pytest.importorskip("resource", reason="only Unix can limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


# ---------------------------------------------------------------- the course in another place
def copy_course(target):
    """Copy the working tree as git has it, without what it ignores; return the copy."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=COURSE, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (COURSE / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(COURSE / name, target / name)
    return target


SHORTER = {  # what makes a training of a notebook long, and what it is in tests
    r'((?:\bepochs|EPOCHS)"?(?:=|: | = )|\((?:few|source), )\d+': r"\g<1>2",
    r"seeds=\[0, 1\]": "seeds=[0]",
    r"for seed in range\(3\)": "for seed in range(1)",
    r"steps=120": "steps=4",
    r"steps=40\)": "steps=10)",
    r"STEPS = 60": "STEPS = 10",
    r"num_samples=40 \*": "num_samples=10 *",
    r"sides = \(8, 16, 32, 64, 128, 256\)": "sides = (8, 16, 32, 64)",
    r"side, steps = 48, 150": "side, steps = 48, 10",
    r"range\(71\)": "range(11)",
}


def shorten(notebook):
    """Let the trainings of a notebook be short: 2 epochs or 10 steps where they have up to sixty, and one seed."""
    for cell in notebook.cells:
        for long, short in SHORTER.items() if cell.cell_type == "code" else ():
            cell.source = re.sub(long, short, cell.source)


def printed(cell):
    """Return what a cell printed."""
    return "".join(output.get("text", "") for output in cell.outputs)


def exercise_cells(notebook, exercise):
    """Return what each cell of an exercise printed."""
    cells = [c for c in notebook.cells if c.cell_type == "code" and f'@exercise("{exercise.id}")' in c.source]
    assert all(exercise.name in c.source for c in cells)
    return [printed(c) for c in cells]


def kernel_environment(**more):
    """The variables of a process whose kernels draw inline, on one thread each, and keep their own cache."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "CACHE_FOLDER")}
    return inherited | {"OMP_NUM_THREADS": "1"} | more


def run_notebooks(course, work):
    """Run the nine notebooks of a copy, each in its own kernel, with the answers in `work`; return the process."""
    page = course / "exercises" / "page.py"
    page.write_text(page.read_text("utf-8").replace("DPI = 110", "DPI = 40"), "utf-8")  # nobody looks at the pictures
    env = kernel_environment(MY_WORK=str(work), PYTHONPATH=str(course))
    command = [sys.executable, str(COURSE / "tests" / "warm_course.py")]
    return subprocess.run(command, cwd=course, env=env, capture_output=True, text=True)


def equal_states(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# ---------------------------------------------------------------- faults, one for each bad input of a data set
def _cut(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _resave(path, change, **options):
    with Image.open(path) as picture:
        picture.load()
    change(picture).save(path, **options)


def _label(root, value, count):
    path = root / "masks" / "00.png"
    mask = np.array(Image.open(path))
    mask[1, 1 : 1 + count] = value
    Image.fromarray(mask).save(path)


def _empty_split(root):
    table = root / "pairs.csv"
    table.write_text(table.read_text().replace(",val", ",train"))


HTML = "<!DOCTYPE html><html><body>404 not found</body></html>"
# name -> (how to damage the folder, what the sentence must say, the kind that check_dataset files it under)
FAULTS = {
    "image without mask": (
        lambda r: (drop_splits(r) / "masks" / "00.png").unlink(),
        ["images/00.png", "partner", "every image needs one mask"],
        "without partner",
    ),
    "mask without image": (
        lambda r: (drop_splits(r) / "images" / "00.png").unlink(),
        ["masks/00.png", "partner", "add or remove"],
        "without partner",
    ),
    "corrupt image": (lambda r: _cut(r / "images" / "00.png"), ["images/00.png", "replace it"], "unreadable file"),
    "corrupt mask": (lambda r: _cut(r / "masks" / "00.png"), ["masks/00.png", "replace it"], "unreadable file"),
    "foreign bytes": (
        lambda r: (r / "images" / "00.png").write_bytes(b"\x00\x01\x02 no picture"),
        ["images/00.png", "cannot be read", "replace it"],
        "unreadable file",
    ),
    "empty image": (
        lambda r: (r / "images" / "00.png").write_bytes(b""),
        ["images/00.png", "0 bytes", "replace it"],
        "unreadable file",
    ),
    "empty mask": (
        lambda r: (r / "masks" / "00.png").write_bytes(b""),
        ["masks/00.png", "0 bytes", "replace it"],
        "unreadable file",
    ),
    "web page as image": (
        lambda r: (r / "images" / "00.png").write_text(HTML),
        ["images/00.png", "web page", "replace it"],
        "unreadable file",
    ),
    "web page as mask": (
        lambda r: (r / "masks" / "00.png").write_text("\n  " + HTML.lower()),
        ["masks/00.png", "web page", "replace it"],
        "unreadable file",
    ),
    "another aspect": (
        lambda r: _resave(r / "masks" / "00.png", lambda m: m.resize((40, 48), Image.Resampling.NEAREST)),
        ["images/00.png", "48x40", "40x48", "replace"],
        "sizes do not fit",
    ),
    "JPEG mask": (
        lambda r: _resave(r / "masks" / "00.png", lambda m: m.convert("L"), format="JPEG"),
        ["masks/00.png", "JPEG", "save masks as PNG"],
        "JPEG mask",
    ),
    "label outside": (
        lambda r: _label(r, 7, 5),
        ["masks/00.png", "5 pixels", "labelled 7", "3 classes", "correct"],
        "label outside the classes",
    ),
    "colour mask": (
        lambda r: _resave(r / "masks" / "00.png", lambda m: Image.merge("RGB", (m, m.point(lambda v: v // 2), m))),
        ["masks/00.png", "class table", "classes.csv"],
        "colour outside the class table",
    ),
    "empty split": (_empty_split, ["val split", "empty", "add pairs"], "empty split"),
}  # fmt: skip


def small_config(root, output, **fields):
    """A training run of seconds on the pairs that `write_pairs` draws."""
    base = {
        "dataset": "folder", "root": root, "classes": CLASSES, "framing": "crop", "image_size": 32, "batch_size": 4,
        "unet_width": 4, "unet_depth": 2, "epochs": 2, "device": "cpu", "precision": "fp32", "output": output,
    }  # fmt: skip
    return Config(**base | fields)


class Page(html.parser.HTMLParser):
    """The tags of a page with their attributes, its text, and whether they are nested rightly."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self):
        return " ".join(self.text.split())


def three_class_folder(root, **fields):
    """The data set `folder` over drawn pairs."""
    return catalog.load(Config(dataset="folder", root=root, classes=CLASSES, **fields))


def splits_by_name(source):
    """Image name -> split."""
    return {pair.image.name: split for split, pairs in source.assigned().items() for pair in pairs}


def add_pairs(root, numbers, size=(40, 48)):
    """Draw more pairs into a folder that `write_pairs` made."""
    for number in numbers:
        image, mask = draw_pair(number, size)
        Image.fromarray(image).save(root / "images" / f"{number:02d}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number:02d}.png")
    return root


class OneClass(nn.Module):
    """Predicts one class everywhere."""

    def __init__(self, index):
        super().__init__()
        self.index, self.weight = index, nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return nn.functional.one_hot(torch.full(x.shape[2:], self.index), 3).movedim(-1, 0)[None] + self.weight

